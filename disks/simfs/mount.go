package simfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"brokerlab/disks/pagecache"
	"brokerlab/engine/env"
)

var (
	errNotDir   = errors.New("not a directory")
	errIsDir    = errors.New("is a directory")
	errNotEmpty = errors.New("directory not empty")
	errRoot     = errors.New("is the root")
)

// mount is the disk as one node sees it.
type mount struct {
	disk    *Disk
	node    env.Node
	dirtier pagecache.Dirtier // of a modelled disk
}

var _ env.FS = (*mount)(nil)

// clean returns the path without dots; the root is ".".
func clean(name string) (string, error) {
	c := path.Clean(name)
	if !fs.ValidPath(c) {
		return "", fmt.Errorf("path leads out of the root: %w", fs.ErrInvalid)
	}
	return c, nil
}

// dirLocked walks to a directory.
func (d *Disk) dirLocked(name string) (*dir, error) {
	at := d.mu.root
	if name == "." {
		return at, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		e, ok := at.live.get(part)
		if !ok {
			return nil, fs.ErrNotExist
		}
		if e.dir == nil {
			return nil, errNotDir
		}
		at = e.dir
	}
	return at, nil
}

// placeLocked walks to the directory of a name, which need not exist.
func (d *Disk) placeLocked(name string) (place, error) {
	if name == "." {
		return place{}, errRoot
	}
	parent, base := path.Split(name)
	at, err := d.dirLocked(path.Clean(parent))
	return place{dir: at, name: base}, err
}

// do waits for the fixed cost of an operation on names, and then runs it with
// the lock held and its paths cleaned. An error gets the operation's name.
func (m *mount) do(op string, paths []string, fn func(paths []string) error) error {
	m.systemCall()
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	cleaned := make([]string, len(paths))
	for i := range paths {
		c, err := clean(paths[i])
		if err != nil {
			return pathError(op, paths, err)
		}
		cleaned[i] = c
	}
	if err := fn(cleaned); err != nil {
		return pathError(op, paths, err)
	}
	return nil
}

func pathError(op string, paths []string, err error) error {
	return &fs.PathError{Op: op, Path: strings.Join(paths, " to "), Err: err}
}

// Create implements env.FS.
func (m *mount) Create(path string) (env.File, error) {
	var f *file
	err := m.do("create", []string{path}, func(paths []string) error {
		if paths[0] == "." {
			return fs.ErrExist
		}
		to, err := m.disk.placeLocked(paths[0])
		if err != nil {
			return err
		}
		if _, ok := to.dir.live.get(to.name); ok {
			return fs.ErrExist
		}
		ino := m.disk.newInodeLocked(to.dir)
		ino.live = true
		m.disk.noteLocked(change{to: to, entry: entry{name: to.name, file: ino}})
		f = m.handleLocked(path, ino)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Open implements env.FS.
func (m *mount) Open(path string) (env.File, error) {
	var f *file
	err := m.do("open", []string{path}, func(paths []string) error {
		e, err := m.disk.entryLocked(paths[0])
		if err != nil {
			return err
		}
		if e.dir != nil {
			return errIsDir
		}
		f = m.handleLocked(path, e.file)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *Disk) entryLocked(name string) (entry, error) {
	if name == "." {
		return entry{dir: d.mu.root}, nil
	}
	at, err := d.placeLocked(name)
	if err != nil {
		return entry{}, err
	}
	e, ok := at.dir.live.get(at.name)
	if !ok {
		return entry{}, fs.ErrNotExist
	}
	return e, nil
}

func (m *mount) handleLocked(path string, ino *inode) *file {
	ino.handles++
	return &file{mount: m, path: path, ino: ino, incarnation: m.disk.mu.incarnation}
}

// Remove implements env.FS.
func (m *mount) Remove(path string) error {
	return m.do("remove", []string{path}, func(paths []string) error {
		d := m.disk
		from, err := d.placeLocked(paths[0])
		if err != nil {
			return err
		}
		e, ok := from.dir.live.get(from.name)
		if !ok {
			return fs.ErrNotExist
		}
		if e.dir != nil {
			if len(e.dir.live) > 0 {
				return errNotEmpty
			}
			d.noteLocked(change{from: from, entry: e})
			return nil
		}
		if d.forgetCreationLocked(from, e.file) {
			from.dir.live.drop(from.name)
		} else {
			d.noteLocked(change{from: from, entry: e})
		}
		e.file.live = false
		d.settleLocked(e.file)
		return nil
	})
}

// Rename implements env.FS. It refuses directories.
func (m *mount) Rename(from, to string) error {
	return m.do("rename", []string{from, to}, func(paths []string) error {
		d := m.disk
		e, err := d.entryLocked(paths[0])
		if err != nil {
			return err
		}
		target, err := d.placeLocked(paths[1])
		if err != nil {
			return err
		}
		if old, ok := target.dir.live.get(target.name); e.dir != nil || ok && old.dir != nil {
			return errIsDir
		}
		if paths[0] == paths[1] {
			return nil
		}
		source, err := d.placeLocked(paths[0])
		if err != nil {
			return err
		}
		e.name = target.name
		if replaced := d.noteLocked(change{from: source, to: target, entry: e}); replaced.file != nil {
			replaced.file.live = false
			d.settleLocked(replaced.file)
		}
		return nil
	})
}

// MkdirAll implements env.FS.
func (m *mount) MkdirAll(path string) error {
	return m.do("mkdir", []string{path}, func(paths []string) error {
		at := m.disk.mu.root
		if paths[0] == "." {
			return nil
		}
		for part := range strings.SplitSeq(paths[0], "/") {
			e, ok := at.live.get(part)
			if !ok {
				e = entry{name: part, dir: m.disk.newDirLocked(at)}
				m.disk.noteLocked(change{to: place{dir: at, name: part}, entry: e})
			}
			if e.dir == nil {
				return errNotDir
			}
			at = e.dir
		}
		return nil
	})
}

// List implements env.FS.
func (m *mount) List(dir string) (list []env.DirEntry, err error) {
	err = m.do("list", []string{dir}, func(paths []string) error {
		at, err := m.disk.dirLocked(paths[0])
		if err != nil {
			return err
		}
		list = make([]env.DirEntry, 0, len(at.live))
		for _, e := range at.live {
			if e.dir != nil {
				list = append(list, env.DirEntry{Name: e.name, Dir: true})
			} else {
				list = append(list, env.DirEntry{Name: e.name, Bytes: e.file.length()})
			}
		}
		return nil
	})
	return list, err
}

// SyncDir implements env.FS. It queues on the device as Sync does, and covers
// the changes that were made when it was called.
func (m *mount) SyncDir(path string) error {
	d := m.disk
	now := m.node.Now()
	target, seq, wait, err := d.beginSyncDir(now, path)
	if err != nil {
		return pathError("syncdir", []string{path}, err)
	}
	if d.model != nil {
		m.syncNamesModelled()
	} else {
		m.node.Sleep(wait)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commitLocked(target, seq)
	d.mu.stats.DirSyncs++
	return nil
}

func (d *Disk) beginSyncDir(now env.Time, path string) (target *dir, seq int64, wait time.Duration, err error) {
	cleaned, err := clean(path)
	if err != nil {
		return nil, 0, 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	target, err = d.dirLocked(cleaned)
	if err != nil {
		return nil, 0, 0, err
	}
	return target, d.mu.changes, d.deviceLocked(now, 0), nil
}

// Free implements env.FS.
func (m *mount) Free() (int64, error) {
	d := m.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(0, d.freeLocked()), nil
}

// freeLocked is how many bytes are left; less than none after a power loss that
// brought a removed file back.
func (d *Disk) freeLocked() int64 {
	if d.cfg.CapacityBytes == 0 {
		return unlimitedBytes
	}
	return d.cfg.CapacityBytes - d.mu.usedBytes
}
