package osfs_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"brokerlab/disks/osfs"
	"brokerlab/engine/env"
)

// Goal: a full disk is env.ErrNoSpace and names the file. Method: /dev/full,
// which takes no byte, with one part and with two.
func TestNoSpace(t *testing.T) {
	f, err := osfs.New("/dev").Open("full")
	must(t, err)
	part := env.StaticBuf([]byte("x"))
	for _, b := range []env.Buf{part, env.Join(part, part)} {
		err := f.Append(b)
		if !errors.Is(err, env.ErrNoSpace) || err.Error() != "append /dev/full: no space left on device" {
			t.Errorf("error is %v", err)
		}
		if f.Size() != 0 {
			t.Errorf("size is %d after nothing was written", f.Size())
		}
	}
	must(t, f.Close())
}

// Goal: after a short write the size is what reached the file. Method: a file
// size limit of the process, which cuts a write in its middle.
func TestShortWrite(t *testing.T) {
	const limit = 100_000
	var old unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &old))
	content := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	for _, row := range []struct {
		name string
		buf  env.Buf
	}{
		{"one part", env.StaticBuf(content)},
		{"two parts, cut in the second", env.Join(env.StaticBuf(content[:61]), env.StaticBuf(content[61:]))},
		{"two parts, cut at their border", env.Join(env.StaticBuf(content[:limit]), env.StaticBuf(content[limit:]))},
		{"three parts, cut in the last", env.Join(
			env.StaticBuf(content[:61]), env.StaticBuf(content[61:99_999]), env.StaticBuf(content[99_999:]))},
	} {
		dir := t.TempDir()
		f, err := osfs.New(dir).Create("a")
		must(t, err)
		must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: old.Max}))
		err = f.Append(row.buf)
		must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &old))
		if !errors.Is(err, unix.EFBIG) {
			t.Errorf("%s: error is %v, want EFBIG", row.name, err)
		}
		if f.Size() != limit {
			t.Errorf("%s: size is %d, want %d", row.name, f.Size(), limit)
		}
		got, err := os.ReadFile(filepath.Join(dir, "a"))
		must(t, err)
		if !bytes.Equal(got, content[:limit]) {
			t.Errorf("%s: the file does not hold the first %d bytes", row.name, limit)
		}
		must(t, f.Append(env.StaticBuf([]byte("next"))))
		if f.Size() != limit+4 {
			t.Errorf("%s: size is %d after the next append", row.name, f.Size())
		}
		must(t, f.Close())
	}
}
