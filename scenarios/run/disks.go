package run

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"brokerlab/disks/datadir"
	"brokerlab/disks/device"
	"brokerlab/disks/osfs"
	"brokerlab/disks/profiles"
	"brokerlab/disks/spanfs"
	"brokerlab/engine/env"
	"brokerlab/results"
)

// DiskSim is the name of the plain simulated disk, of fixed cost. All other names but
// those of directories are profiles of modelled disks.
const DiskSim = "sim"

// dirPrefix marks a disk that is real directories, dirSep lies between them.
const (
	dirPrefix = "dir:"
	dirSep    = ":"
)

// Directories returns the directories that a disk names, over which each broker
// spreads its log directories, or false for a simulated disk.
func Directories(disk string) (dirs []string, ok bool) {
	list, ok := strings.CutPrefix(disk, dirPrefix)
	if !ok {
		return nil, false
	}
	return strings.Split(list, dirSep), true
}

// Target says whether results on the disk are measured or simulated.
func Target(disk string) string {
	if _, real := Directories(disk); real {
		return results.TargetReal
	}
	return results.TargetSim
}

// dataDirs are the directories of one disk, in use.
type dataDirs []*datadir.Dir

// prepareDisks takes every real directory into use and looks at its file system.
func (r *runner) prepareDisks() error {
	var errs []error
	for i, disk := range r.disks {
		if slices.Contains(r.disks[:i], disk) {
			errs = append(errs, &UsageError{fmt.Errorf("disk %q is named twice", disk)})
			continue
		}
		paths, real := Directories(disk)
		if !real {
			if err := r.prepareDevice(disk); err != nil {
				errs = append(errs, &UsageError{err})
			}
			continue
		}
		for _, at := range paths {
			if err := r.prepareDir(disk, at); err != nil {
				errs = append(errs, err)
				break
			}
		}
	}
	return allFaults(errs)
}

// prepareDevice finds the model of a simulated disk: a built-in profile, or one of a
// file.
func (r *runner) prepareDevice(disk string) error {
	if disk == DiskSim {
		return nil
	}
	var p *profiles.Profile
	var err error
	if strings.HasSuffix(disk, ".yaml") || strings.HasSuffix(disk, ".yml") {
		var src []byte
		if src, err = os.ReadFile(disk); err == nil {
			p, err = profiles.Parse(disk, src)
		} else {
			err = causeOf(err)
		}
	} else {
		p, err = profiles.Load(disk)
	}
	if err != nil {
		return fmt.Errorf("disk %s: %w", disk, err)
	}
	r.devices[disk] = &p.Config
	return nil
}

// causeOf is an error of a file without the call and the path, which the message that it
// goes into has said.
func causeOf(err error) error {
	if ofPath, ok := errors.AsType[*fs.PathError](err); ok {
		return ofPath.Err
	}
	return err
}

// prepareDir takes one directory of a disk into use.
func (r *runner) prepareDir(disk, at string) error {
	dir, err := datadir.Prepare(at)
	if err != nil {
		return &UsageError{err}
	}
	same := slices.ContainsFunc(r.dirs[disk], func(d *datadir.Dir) bool { return d.Path() == dir.Path() })
	r.dirs[disk] = append(r.dirs[disk], dir)
	if same {
		return &UsageError{fmt.Errorf("disk %q names the directory %s twice", disk, dir.Path())}
	}
	kind, warning := datadir.Kind(at)
	if warning != "" {
		r.warn(warning)
	}
	r.places = append(r.places, results.DataDirectory{Path: at, FileSystem: kind, FreeBytes: datadir.Free(at)})
	others, err := dir.Others()
	if err != nil {
		return err
	}
	if len(others) > 0 {
		r.warn(fmt.Sprintf("%s holds data of other runs (%s): kept, left by a process that was killed, or of runs that "+
			"go on and then disturb this one", at, strings.Join(others, ", ")))
	}
	return nil
}

func (r *runner) closeDisks() error {
	var errs []error
	for _, disk := range r.disks {
		for _, dir := range r.dirs[disk] {
			errs = append(errs, dir.Close())
		}
	}
	return errors.Join(errs...)
}

// newRun makes an empty directory for one run in each.
func (d dataDirs) newRun(name string) (paths []string, err error) {
	for _, dir := range d {
		at, err := dir.NewRun(name)
		if err != nil {
			return paths, err
		}
		paths = append(paths, at)
	}
	return paths, nil
}

// remove deletes the directories of a run.
func (d dataDirs) remove(paths []string) error {
	var errs []error
	for i, at := range paths {
		errs = append(errs, d[i].Remove(at))
	}
	return errors.Join(errs...)
}

// roomShare is the part of a disk's free space that one cell may fill.
const roomShare = 0.8

// roomOn is how much a cell may write to directories or modelled devices; 0 is no
// limit. Of several it is what the fullest could take alone: they may be one disk.
func roomOn(dirs []string, dev *device.Config) (int64, error) {
	if dev != nil {
		return int64(roomShare * float64(dev.CapacityBytes)), nil
	}
	room := int64(math.MaxInt64)
	for _, dir := range dirs {
		free, err := osfs.New(dir).Free()
		if errors.Is(err, errors.ErrUnsupported) {
			return 0, nil
		}
		if err != nil {
			return 0, fmt.Errorf("data directory %s: %w", dir, err)
		}
		room = min(room, int64(roomShare*float64(free)))
	}
	if len(dirs) == 0 {
		return 0, nil
	}
	return room, nil
}

// logDir is where a broker keeps its logs in each of its directories.
const logDir = "logs"

// spread says how a broker sees the directories of a run: its log directories
// (log.dirs), and the file system that they are on.
func spread(dirs []string) (logDirs []string, mount func(broker string) func(env.Node) env.FS) {
	if len(dirs) == 1 {
		return []string{logDir}, func(broker string) func(env.Node) env.FS {
			return fixed(osfs.New(filepath.Join(dirs[0], broker)))
		}
	}
	for i := range dirs {
		logDirs = append(logDirs, path.Join(memberName(i), logDir))
	}
	return logDirs, func(broker string) func(env.Node) env.FS {
		members := make([]spanfs.Member, len(dirs))
		for i, dir := range dirs {
			members[i] = spanfs.Member{Name: memberName(i), FS: osfs.New(filepath.Join(dir, broker))}
		}
		return fixed(spanfs.New(members...))
	}
}

// memberName is a directory's name on the broker's file system; in order up to 99.
func memberName(index int) string { return fmt.Sprintf("dir-%02d", index+1) }

// fixed mounts one file system on whatever node, also when it starts again.
func fixed(s env.FS) func(env.Node) env.FS { return func(env.Node) env.FS { return s } }
