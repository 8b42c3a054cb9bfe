package run

import (
	"cmp"
	"slices"
	"time"

	"brokerlab/results"
)

// around is what a machine has counted up to one instant, for results.Surroundings.
type around struct {
	at       time.Time // with the monotonic clock
	cores    int
	busy     time.Duration // of programs, those of the kernel among them, interrupts left out
	steal    time.Duration
	own      time.Duration // of this process
	programs map[program]time.Duration
	kernel   time.Duration // of the kernel's threads
	// kernelSeen says that there are threads of the kernel among the processes.
	kernelSeen bool
	heldBack   time.Duration
	swapped    int64         // pages
	asleep     time.Duration // since boot
	overheats  int64
	mhz        float64 // of the fastest core
	freeShare  float64
}

// program is one process of another program.
type program struct {
	id   int
	name string
	born uint64 // an id is used again
}

// busiestMin is what a program must have used to be named.
const busiestMin = 10 * time.Millisecond // a tick of the kernel's

// surroundingsOf is what happened between two instants; mhz are clocks seen meanwhile.
func surroundingsOf(from, to *around, mhz []float64) *results.Surroundings {
	spanned := to.at.Sub(from.at)
	out := &results.Surroundings{
		Seconds: spanned.Seconds(), Cores: to.cores,
		StealS: (to.steal - from.steal).Seconds(), HeldBackS: (to.heldBack - from.heldBack).Seconds(),
		SwappedPages: to.swapped - from.swapped, SuspendedNS: int64(to.asleep - from.asleep),
		Overheated: to.overheats - from.overheats, FreeShare: to.freeShare,
		ClockStepNS: int64(to.at.Round(0).Sub(from.at.Round(0)) - spanned),
	}
	others := to.busy - from.busy - (to.own - from.own) - (to.kernel - from.kernel)
	out.OthersCPUS, out.KernelAmongThem = max(0, others.Seconds()), !to.kernelSeen
	type used struct {
		name string
		time time.Duration
	}
	var all []used
	for p, worked := range to.programs {
		all = append(all, used{p.name, worked - from.programs[p]}) // one that is new began at 0
	}
	if len(all) > 0 {
		most := slices.MaxFunc(all, func(a, b used) int {
			return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.name, b.name))
		})
		if most.time >= busiestMin {
			out.Busiest, out.BusiestCPUS = most.name, most.time.Seconds()
		}
	}
	mhz = append([]float64{from.mhz, to.mhz}, mhz...)
	if slices.Min(mhz) > 0 {
		out.FrequencyLowMHz, out.FrequencyHighMHz = slices.Min(mhz), slices.Max(mhz)
	}
	return out
}

// surroundings looks around in a real run at the ends of its measured window.
type surroundings struct {
	dirs     []string
	from, to *around
	mhz      []float64
	next     time.Time
}

// begin is called shortly before the end of the warm-up, or at the start of a load without
// one.
func (s *surroundings) begin() {
	if s != nil && s.from == nil {
		s.from = lookAround(s.dirs)
	}
}

// during is called often while the load goes on.
func (s *surroundings) during() {
	if s == nil || s.from == nil || s.to != nil || time.Now().Before(s.next) {
		return
	}
	s.next = time.Now().Add(time.Second)
	if mhz := clockMHz(); mhz > 0 {
		s.mhz = append(s.mhz, mhz)
	}
}

// end is called at the end of the load.
func (s *surroundings) end() {
	if s != nil && s.from != nil && s.to == nil {
		s.to = lookAround(s.dirs)
	}
}

// result is nil where the system does not tell, or nothing was measured.
func (s *surroundings) result() *results.Surroundings {
	if s == nil || s.from == nil || s.to == nil {
		return nil
	}
	return surroundingsOf(s.from, s.to, s.mhz)
}

// newSurroundings looks around the directories of a real run; of a simulated one,
// which has none, it is nil and does nothing.
func newSurroundings(dirs []string) *surroundings {
	if len(dirs) == 0 {
		return nil
	}
	return &surroundings{dirs: dirs}
}
