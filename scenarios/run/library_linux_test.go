package run

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Goal: a pipe is refused as a file of records, and nobody waits for its other end.
// Method: a named one that nothing writes to.
func TestPipeRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Run(parsed(t, "disk: sim", "records.payload=file:"+path), nil,
		Options{Out: t.TempDir(), Live: &Live{}})
	if err == nil || !strings.Contains(err.Error(), "pipe: is not a file that can be read from any place") {
		t.Error(err)
	}
}
