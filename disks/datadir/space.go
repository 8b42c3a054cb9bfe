package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"brokerlab/engine/env"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// unknownKind is the name where the system does not say.
const unknownKind = "not available"

// CheckSpace is an error that wraps env.ErrNoSpace and names both figures if
// needBytes do not fit where path is or will be. It is nil where the system does
// not say what is free.
func CheckSpace(path string, needBytes int64) error {
	at, err := existing(path)
	if err != nil {
		return fmt.Errorf("data directory %s: cannot see the free space: %w", path, cause(err))
	}
	free, err := freeBytes(at)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("data directory %s: cannot see the free space: %w", path, err)
	}
	if free < needBytes {
		return fmt.Errorf("data directory %s: %w: the run needs %s, and %s are free",
			path, env.ErrNoSpace, size(needBytes), size(free))
	}
	return nil
}

// size is n bytes in GiB or MiB, as short as it can be read.
func size(n int64) string {
	if n >= gib {
		return fmt.Sprintf("%.2f GiB", float64(n)/gib)
	}
	return fmt.Sprintf("%.2f MiB", float64(n)/mib)
}

// Kind is the type of the file system where path is or will be, and a warning
// if what it measures is not a disk of this machine; "" if there is none. The
// name is "not available" where the system does not say.
func Kind(path string) (name, warning string) {
	at, err := existing(path)
	if err != nil {
		return unknownKind, ""
	}
	name, err = kindName(at)
	if err != nil {
		return unknownKind, ""
	}
	return name, kindWarning(name)
}

var (
	memoryKinds  = []string{"tmpfs", "ramfs"}
	networkKinds = []string{"nfs", "cifs", "smb", "smb2", "smbfs", "afpfs", "webdav", "9p", "ceph", "afs", "coda", "ncp",
		"lustre", "gpfs", "vboxsf"}
	programKinds = []string{"fuse", "macfuse", "osxfuse"}
)

func kindWarning(name string) string {
	switch {
	case slices.Contains(memoryKinds, name):
		return name + " lives in memory: not a disk"
	case slices.Contains(networkKinds, name):
		return name + " is a network or shared file system: not a disk of this machine"
	case slices.Contains(programKinds, name):
		return name + " is a file system in a program, often a network one: what a sync does there is the program's affair"
	default:
		return ""
	}
}

// existing is the path itself, or the nearest of its parents that exists.
func existing(path string) (string, error) {
	at, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(at)
		if err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", err
		}
		at = filepath.Dir(at)
	}
}
