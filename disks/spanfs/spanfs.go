// Package spanfs is env.FS of several file systems side by side: the first element of
// a path names the file system, the rest is a path on it. So a broker has log
// directories on several disks. It waits for nothing and keeps nothing itself; a file
// cannot be renamed from one file system to another.
package spanfs

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"brokerlab/engine/env"
)

// Member is one file system and its name, which is a name without a slash.
type Member struct {
	Name string
	FS   env.FS
}

// FS is the members, sorted by name.
type FS struct{ members []Member }

var _ env.FS = (*FS)(nil)

// New returns the file system of some members. It panics if a name is no name of a
// directory, or if names are not in order and different.
func New(members ...Member) *FS {
	for i, m := range members {
		if m.Name == "." || !fs.ValidPath(m.Name) || strings.Contains(m.Name, "/") {
			panic(fmt.Sprintf("spanfs: %q is no name", m.Name))
		}
		if i > 0 && members[i-1].Name >= m.Name {
			panic(fmt.Sprintf("spanfs: %q and %q are not in order", members[i-1].Name, m.Name))
		}
	}
	return &FS{members: members}
}

// find returns the member of a path and the path on it; no member is the root.
func (s *FS) find(op, name string) (at *Member, rest string, err error) {
	clean := path.Clean(name)
	if !fs.ValidPath(clean) {
		return nil, "", &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("path leads out of the root: %w", fs.ErrInvalid)}
	}
	if clean == "." {
		return nil, "", nil
	}
	first, rest, found := strings.Cut(clean, "/")
	if !found {
		rest = "."
	}
	for i := range s.members {
		if s.members[i].Name == first {
			return &s.members[i], rest, nil
		}
	}
	return nil, "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// inside is find of what must not be the root.
func (s *FS) inside(op, name string) (env.FS, string, error) {
	at, rest, err := s.find(op, name)
	if err == nil && (at == nil || rest == ".") {
		err = &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("is a file system: %w", fs.ErrExist)}
	}
	if err != nil {
		return nil, "", err
	}
	return at.FS, rest, nil
}

// Create implements env.FS.
func (s *FS) Create(name string) (env.File, error) {
	at, rest, err := s.inside("create", name)
	if err != nil {
		return nil, err
	}
	return at.Create(rest)
}

// Open implements env.FS.
func (s *FS) Open(name string) (env.File, error) {
	at, rest, err := s.inside("open", name)
	if err != nil {
		return nil, err
	}
	return at.Open(rest)
}

// Remove implements env.FS.
func (s *FS) Remove(name string) error {
	at, rest, err := s.inside("remove", name)
	if err != nil {
		return err
	}
	return at.Remove(rest)
}

// Rename implements env.FS. Between two file systems it is fs.ErrInvalid.
func (s *FS) Rename(from, to string) error {
	source, fromRest, err := s.inside("rename", from)
	if err != nil {
		return err
	}
	target, toRest, err := s.inside("rename", to)
	if err != nil {
		return err
	}
	if source != target {
		return &fs.PathError{Op: "rename", Path: from + " to " + to,
			Err: fmt.Errorf("they are on two file systems: %w", fs.ErrInvalid)}
	}
	return source.Rename(fromRest, toRest)
}

// MkdirAll implements env.FS.
func (s *FS) MkdirAll(name string) error {
	at, rest, err := s.find("mkdir", name)
	if err != nil || at == nil {
		return err
	}
	return at.FS.MkdirAll(rest)
}

// List implements env.FS. The root has a directory for each member.
func (s *FS) List(dir string) ([]env.DirEntry, error) {
	at, rest, err := s.find("list", dir)
	if err != nil {
		return nil, err
	}
	if at != nil {
		return at.FS.List(rest)
	}
	list := make([]env.DirEntry, len(s.members))
	for i := range s.members {
		list[i] = env.DirEntry{Name: s.members[i].Name, Dir: true}
	}
	return list, nil
}

// SyncDir implements env.FS. The names in the root never change.
func (s *FS) SyncDir(dir string) error {
	at, rest, err := s.find("syncdir", dir)
	if err != nil || at == nil {
		return err
	}
	return at.FS.SyncDir(rest)
}

// Free implements env.FS: the least of what is free on any member, since who writes to
// all of them is stopped by the first that is full.
func (s *FS) Free() (bytes int64, err error) {
	for i := range s.members {
		free, err := s.members[i].FS.Free()
		if err != nil {
			return 0, err
		}
		if i == 0 || free < bytes {
			bytes = free
		}
	}
	return bytes, nil
}
