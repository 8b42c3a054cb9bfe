// Package datadir is the care that a run takes of the directory which the user
// names for its data: it writes only into directories that are new, empty or
// marked as ours, and removes only what this process made. It does not protect
// against another program that writes into a marked directory, and what a killed
// process leaves behind stays until the user removes it.
//
//	PATH/.brokerlab-data      the marker: this directory is ours
//	PATH/<run>-<random>/      one run's data
//
// Several processes may use one directory. Each holds a shared lock on the
// marker; whoever wants to take the marker and the directory away needs the
// exclusive lock, and leaves both where they are if somebody else is there:
//
//	process A, Close                     process B, Prepare
//	1 exclusive lock on the marker
//	                                     2 sees the marker, opens it, waits for the lock
//	3 removes marker and directory
//	4 closes the marker
//	                                     5 has the lock of a marker that is gone: begins again
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

const (
	markerName = ".brokerlab-data"
	markerText = "This directory holds data of brokerlab runs. brokerlab may write here and removes what it wrote.\n"
	markerPerm = 0o644
	dirPerm    = 0o755
	// attemptsMax is how often Prepare begins again when other processes take
	// away what it has just seen.
	attemptsMax = 1000
)

// ErrNotOurs says that a directory holds something that brokerlab did not put
// there.
var ErrNotOurs = errors.New("not a data directory of brokerlab")

// againError says that something that was just there is gone, so that it is
// worth to begin again. Its text is what to say when that does not help.
type againError struct{ error }

var errVanishes = againError{errors.New("other processes make and remove it all the time")}

// Dir is a data directory in use.
type Dir struct {
	path       string   // absolute
	made       []string // directories that this process made, outermost first
	madeMarker bool
	marker     *os.File // open, and locked if locked
	locked     bool     // false where the file system has no locks
	mu         struct {
		sync.Mutex
		runs   []run
		closed bool
	}
}

// run is a directory that NewRun made. The identity is what Remove compares, so
// that it never follows a name to something else.
type run struct {
	path     string
	identity fs.FileInfo
}

// Prepare makes path a data directory: one that is missing is made, with its
// parents; one that is empty or marked is taken; anything else is ErrNotOurs and
// stays untouched. When it fails it leaves nothing behind.
func Prepare(path string) (*Dir, error) {
	abs, err := filepath.Abs(path)
	if path == "" || err != nil {
		return nil, fmt.Errorf("data directory %q: not a path", path)
	}
	d := &Dir{path: abs}
	for range attemptsMax {
		err = d.prepare(path)
		if _, again := errors.AsType[againError](err); !again {
			break
		}
	}
	if err != nil {
		if d.madeMarker && d.marker == nil {
			_ = d.lockMarker() // so that Close may remove it; err says more
		}
		_ = d.Close()
		return nil, fmt.Errorf("data directory %s: %w", path, err)
	}
	return d, nil
}

// prepare is one attempt; asGiven is the path in the user's words.
func (d *Dir) prepare(asGiven string) error {
	if err := d.makeDirs(); err != nil {
		return err
	}
	if err := d.claim(asGiven); err != nil {
		return err
	}
	if err := d.lockMarker(); err != nil {
		return err
	}
	// The permissions of what exists do not say whether one can write: ask.
	probe, err := os.MkdirTemp(d.path, ".brokerlab-probe-")
	if err != nil {
		return fmt.Errorf("cannot write into it: %w", cause(err))
	}
	if err := os.Remove(probe); err != nil {
		return fmt.Errorf("cannot remove from it: %w", cause(err))
	}
	return nil
}

// makeDirs makes the directories of the path that are missing.
func (d *Dir) makeDirs() error {
	var missing []string
	for at := d.path; ; at = filepath.Dir(at) {
		stat, err := os.Stat(at)
		if err == nil && !stat.IsDir() {
			return fmt.Errorf("%s is a file, not a directory", at)
		}
		if err == nil {
			break
		}
		isMissing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
		if !isMissing || at == filepath.Dir(at) {
			return fmt.Errorf("cannot look at %s: %w", at, cause(err))
		}
		missing = append(missing, at)
	}
	slices.Reverse(missing)
	for _, at := range missing {
		err := os.Mkdir(at, dirPerm)
		switch {
		case err == nil:
			if !slices.Contains(d.made, at) {
				d.made = append(d.made, at)
			}
		case errors.Is(err, fs.ErrExist) && isLinkToNothing(at):
			return fmt.Errorf("%s is a symbolic link to something that is missing", at)
		case errors.Is(err, fs.ErrExist): // another process was faster
		case errors.Is(err, fs.ErrNotExist):
			return againError{fmt.Errorf("cannot make %s: %w", at, cause(err))}
		default:
			return fmt.Errorf("cannot make %s: %w", at, cause(err))
		}
	}
	return nil
}

func isLinkToNothing(path string) bool {
	link, err := os.Lstat(path)
	if err != nil || link.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	_, err = os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// claim looks for the marker, and makes it in an empty directory.
func (d *Dir) claim(asGiven string) error {
	if ours, err := d.marked(); ours || err != nil {
		return err
	}
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return errVanishes
	}
	if err != nil {
		return fmt.Errorf("cannot list it: %w", cause(err))
	}
	if len(entries) > 0 {
		if ours, err := d.marked(); ours || err != nil { // another process was faster
			return err
		}
		return fmt.Errorf("%w: it is not empty and has no %s file; nothing in it was touched; "+
			"name an empty or a new directory, for example %s",
			ErrNotOurs, markerName, filepath.Join(asGiven, "brokerlab"))
	}
	f, err := os.OpenFile(d.markerPath(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, markerPerm)
	switch {
	case errors.Is(err, fs.ErrExist): // another process was faster
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return errVanishes
	case err != nil:
		return fmt.Errorf("cannot write into it: %w", cause(err))
	}
	d.madeMarker = true
	_, err = f.WriteString(markerText)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot write into it: %w", cause(err))
	}
	return nil
}

func (d *Dir) markerPath() string { return filepath.Join(d.path, markerName) }

// marked reports whether the marker is there. What has its name and is no file
// is somebody else's.
func (d *Dir) marked() (bool, error) {
	stat, err := os.Lstat(d.markerPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("cannot look at it: %w", cause(err))
	case !stat.Mode().IsRegular():
		return false, fmt.Errorf("%w: its %s is not a file; nothing in it was touched", ErrNotOurs, markerName)
	default:
		return true, nil
	}
}

// lockMarker takes the shared lock, and looks whether the marker is still there.
func (d *Dir) lockMarker() error {
	f, err := os.OpenFile(d.markerPath(), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		d.madeMarker = false
		return errVanishes
	}
	if err != nil {
		return fmt.Errorf("cannot open its %s: %w", markerName, cause(err))
	}
	locked := lockShared(f) == nil
	if !d.isMarker(f) {
		f.Close()
		d.madeMarker = false
		return errVanishes
	}
	d.marker, d.locked = f, locked
	return nil
}

// isMarker reports whether f is what the marker's name stands for.
func (d *Dir) isMarker(f *os.File) bool {
	byName, errName := os.Lstat(d.markerPath())
	byFile, errFile := f.Stat()
	return errName == nil && errFile == nil && os.SameFile(byName, byFile)
}

// Path is the absolute path of the directory.
func (d *Dir) Path() string { return d.path }

// Others are the names of what is in the directory besides this process's runs,
// sorted: runs that were kept, that a killed process left, or that go on now.
func (d *Dir) Others() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("data directory %s: cannot list it: %w", d.path, cause(err))
	}
	var names []string
	for _, e := range entries {
		own := slices.ContainsFunc(d.mu.runs, func(r run) bool { return filepath.Base(r.path) == e.Name() })
		if !own && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// NewRun makes an empty directory for one run, whose name begins with name and
// is new, and returns its absolute path. Characters that are not safe in a file
// name become dashes.
func (d *Dir) NewRun(name string) (path string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.closed {
		return "", fmt.Errorf("data directory %s: new run after Close", d.path)
	}
	path, err = os.MkdirTemp(d.path, fileName(name)+"-*")
	if err != nil {
		return "", fmt.Errorf("data directory %s: cannot make a run's directory: %w", d.path, cause(err))
	}
	identity, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("data directory %s: cannot look at a run's directory: %w", d.path, cause(err))
	}
	d.mu.runs = append(d.mu.runs, run{path: path, identity: identity})
	return path, nil
}

// fileName keeps the characters of name that are safe everywhere.
func fileName(name string) string {
	safe := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '-'
	}
	name = strings.TrimLeft(strings.Map(safe, name), ".")
	if name == "" {
		return "run"
	}
	return name[:min(len(name), 100)]
}

// Remove deletes the directory of a run that NewRun of this Dir returned, with
// all that is in it. Anything else is refused and stays: another path, a symbolic
// link, or another directory that has taken its place. A run that is gone
// already is no error.
func (d *Dir) Remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.mu.runs, func(r run) bool { return r.path == filepath.Clean(path) })
	if i < 0 {
		return fmt.Errorf("refuse to remove %s: not a run directory that this process made", path)
	}
	stat, err := os.Lstat(d.mu.runs[i].path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("remove the run directory %s: %w", path, cause(err))
	case !stat.IsDir() || !os.SameFile(stat, d.mu.runs[i].identity):
		return fmt.Errorf("refuse to remove %s: something else has taken the place of the run directory", path)
	}
	if err := os.RemoveAll(d.mu.runs[i].path); err != nil {
		return fmt.Errorf("remove the run directory %s: %w", path, cause(err))
	}
	d.mu.runs = slices.Delete(d.mu.runs, i, i+1)
	return nil
}

// Close ends the use of the directory. If nothing but the marker is in it and
// no other process uses it, the marker goes if this process made it or the
// directory; and so do the directory and its parents as far as this process made
// them and they are empty. Runs that were not removed stay, with the marker.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.closed {
		return nil
	}
	d.mu.closed = true
	if d.marker == nil { // Prepare failed: there may be a marker that nobody locked
		d.removeMade()
		return nil
	}
	defer d.marker.Close()
	if !d.madeMarker && len(d.made) == 0 {
		return nil
	}
	if !d.locked || lockExclusiveNow(d.marker) != nil || !d.isMarker(d.marker) {
		return nil // somebody else is there, or may be
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("data directory %s: cannot list it: %w", d.path, cause(err))
	}
	if len(entries) != 1 {
		return nil
	}
	if err := os.Remove(d.markerPath()); err != nil {
		return fmt.Errorf("data directory %s: cannot remove its %s: %w", d.path, markerName, cause(err))
	}
	d.removeMade()
	return nil
}

// removeMade removes the directories that this process made while they are
// empty. One that is not, or is gone, is another's now.
func (d *Dir) removeMade() {
	for _, at := range slices.Backward(d.made) {
		if os.Remove(at) != nil {
			return
		}
	}
}

// cause takes the operation and path off that package os names, since our
// errors say both in the user's words.
func cause(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err
	}
	return err
}
