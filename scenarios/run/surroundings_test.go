package run

import (
	"math"
	"testing"
	"time"
)

// Goal: what others did is what the machine did, without this process and the threads
// of the kernel, and the program that did most of it is named; a process that took over
// an id counts from its own beginning.
// Method: two made readings.
func TestSurroundingsOf(t *testing.T) {
	began := time.Now()
	old, java := program{7, "old", 1}, program{8, "java", 2}
	from := &around{at: began, cores: 4, busy: 10 * time.Second, own: 2 * time.Second, kernel: time.Second,
		steal: time.Second, swapped: 5, mhz: 3000,
		programs: map[program]time.Duration{old: 50 * time.Second, java: time.Second}}
	to := &around{at: began.Add(10 * time.Second), cores: 4, busy: 30 * time.Second, own: 10 * time.Second,
		kernel: 3 * time.Second, kernelSeen: true, steal: 2 * time.Second, swapped: 9, mhz: 2000, freeShare: 0.5,
		programs: map[program]time.Duration{{7, "new", 3}: 2 * time.Second, java: 8 * time.Second}}
	got := surroundingsOf(from, to, []float64{2500, 1500})
	if got.Seconds != 10 || got.Cores != 4 || math.Abs(got.OthersCPUS-10) > 1e-9 || got.KernelAmongThem ||
		got.Busiest != "java" || got.BusiestCPUS != 7 || got.StealS != 1 || got.SwappedPages != 4 || got.ClockStepNS != 0 ||
		got.FrequencyLowMHz != 1500 || got.FrequencyHighMHz != 3000 || got.FreeShare != 0.5 {
		t.Errorf("got %+v", got)
	}
	to.busy, to.mhz = from.busy, 0 // ticks of 10 ms are later than the process's own time
	if got := surroundingsOf(from, to, nil); got.OthersCPUS != 0 || got.FrequencyHighMHz != 0 {
		t.Errorf("got %+v", got)
	}
}

// Goal: surroundings are those of the measured window, and of nothing where there is
// none: a load that ended within its warm-up, a simulated run.
// Method: the calls of a repeat, some left out.
func TestSurroundingsWindow(t *testing.T) {
	s := newSurroundings([]string{t.TempDir()})
	s.end()
	if s.result() != nil {
		t.Error("a load that ended within its warm-up has surroundings")
	}
	s.begin()
	first := s.from
	s.begin()
	s.during()
	s.end()
	if s.from != first || first != nil && s.result() == nil {
		t.Error("the window is not from its first beginning to its end")
	}
	none := newSurroundings(nil)
	none.begin()
	none.during()
	none.end()
	if none.result() != nil {
		t.Error("a simulated run has surroundings")
	}
}
