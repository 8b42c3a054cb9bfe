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
// needBytes, evenly spread over the paths, do not fit where these are or will be.
// Paths on one file system share its space. It is nil where the system does not say
// what is free.
func CheckSpace(needBytes int64, paths ...string) error {
	share := needBytes / int64(len(paths))
	if needBytes%int64(len(paths)) > 0 {
		share++
	}
	need := make(map[uint64]int64) // by file system
	for _, path := range paths {
		at, err := existing(path)
		if err != nil {
			return fmt.Errorf("data directory %s: cannot see the free space: %w", path, cause(err))
		}
		needHere := share
		if id, known := fileSystemID(at); known {
			need[id] += share
			needHere = need[id]
		}
		if err := checkFree(path, at, needHere); err != nil {
			return err
		}
	}
	return nil
}

// checkFree is CheckSpace of one path, the nearest of whose parents that exists is at.
func checkFree(path, at string, needBytes int64) error {
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

// Free is how many bytes can be written where the paths are or will be, those of one file
// system counted once; 0 where the system does not say.
func Free(paths ...string) (sum int64) {
	seen := make(map[uint64]bool)
	for _, path := range paths {
		at, err := existing(path)
		if err != nil {
			return 0
		}
		id, known := fileSystemID(at)
		if known && seen[id] {
			continue
		}
		seen[id] = known
		free, err := freeBytes(at)
		if err != nil {
			return 0
		}
		sum += free
	}
	return sum
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
