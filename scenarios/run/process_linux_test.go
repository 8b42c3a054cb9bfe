package run

import (
	"testing"
	"time"
)

// Goal: what Linux tells of memory and processors is read, and what is not as expected
// counts as not available. Method: texts of the kernel, and those of this process.
func TestProcessFigures(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"cpu  100 5 20 9000 40 1 2 3 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n", 1310 * time.Millisecond},
		{"cpu  100 5 20\n", 0}, {"intr 1 2 3 4 5 6 7 8 9\n", 0}, {"", 0},
	} {
		if got := statBusy([]byte(c.text)); got != c.want {
			t.Errorf("%q: busy for %v, want %v", c.text, got, c.want)
		}
	}
	for text, want := range map[string]int64{"5000 320 100 1 0 200 0\n": 320, "5000": 0, "a b": 0, "": 0} {
		if got := statmResident([]byte(text)); got != want {
			t.Errorf("%q: %d pages, want %d", text, got, want)
		}
	}
	if residentBytes() < 1<<20 || machineBusy() <= 0 {
		t.Errorf("this process has %d bytes, and the machine was busy for %v", residentBytes(), machineBusy())
	}
	w := &processWindow{}
	if w.see(false); w.began {
		t.Error("the window began before its time")
	}
	if p, parts := w.result(); p != nil || parts != nil {
		t.Error("a window that was none has a result")
	}
}
