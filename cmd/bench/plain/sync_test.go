package plain

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Goal: the loops count what they appended and leave nothing behind. Method: a
// few loops for a few milliseconds, in both ways.
func TestSyncing(t *testing.T) {
	for _, row := range []struct {
		name string
		run  func(Syncing) (Synced, error)
	}{
		{"a file each", Syncing.Each},
		{"one file and shared fsyncs", Syncing.Shared},
	} {
		dir := t.TempDir()
		got, err := row.run(Syncing{Dir: dir, Loops: 3, PieceBytes: 100, Span: 5 * time.Millisecond})
		if err != nil || got.Pieces < 3 || got.PerSec() <= 0 {
			t.Errorf("%s: %+v, %v; want a piece of each loop at least", row.name, got, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", row.name, left, err)
		}
	}
}

// Goal: no append to a group returns before an fdatasync that began after it.
// Method: appenders beside each other look at what is synced when they return;
// then the file is closed, and all of them must learn that.
func TestGroup(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "group"))
	if err != nil {
		t.Fatal(err)
	}
	g := group{file: f}
	g.changed.L = &g.mu
	const appenders, each = 4, 20
	var all sync.WaitGroup
	for range appenders {
		all.Go(func() {
			for n := range int64(each) {
				if err := g.append([]byte("piece")); err != nil {
					t.Error(err)
				}
				g.mu.Lock()
				if g.synced <= n {
					t.Errorf("append %d returned when %d pieces were synced", n, g.synced)
				}
				g.mu.Unlock()
			}
		})
	}
	all.Wait()
	if g.written != appenders*each || g.synced != g.written {
		t.Errorf("%d pieces written and %d synced, want %d", g.written, g.synced, appenders*each)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if g.append([]byte("piece")) == nil {
			t.Error("an append to a closed file did not fail")
		}
	}
}
