// Package measure times a body of code and says how far to believe the figure:
// what processor time the process took meanwhile, how much of it in the kernel,
// what the rest of the machine took, and how much was allocated. It does not
// repeat and does not judge.
//
// Three traps of virtual machines look like results, and this package is where
// they are kept out. A neighbour on the processor costs 2 to 5 times: Quiet waits
// for it to end. Memory that the host has not backed yet takes an append from 7
// GB/s to 0.5: Warm touches as much as the body will need, just before it. Fresh
// heap grows at 350 MB/s: bodies must reuse theirs, and Allocated tells.
package measure

import (
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what one timed body took.
type Usage struct {
	Elapsed   time.Duration
	User      time.Duration // processor time of this process outside of the kernel
	System    time.Duration // and in it
	Others    float64       // cores that everything else used; 0 where the system does not say
	Mallocs   uint64        // objects allocated
	Allocated uint64        // bytes allocated
}

// Cores is how many cores the process kept busy.
func (u Usage) Cores() float64 {
	if u.Elapsed <= 0 {
		return 0
	}
	return float64(u.User+u.System) / float64(u.Elapsed)
}

// SystemShare is the part of the processor time that went into the kernel.
func (u Usage) SystemShare() float64 {
	if u.User+u.System <= 0 {
		return 0
	}
	return float64(u.System) / float64(u.User+u.System)
}

// Add adds another body's usage. Others becomes the mean over both.
func (u *Usage) Add(v Usage) {
	total := u.Elapsed + v.Elapsed
	if total > 0 {
		u.Others = (u.Others*float64(u.Elapsed) + v.Others*float64(v.Elapsed)) / float64(total)
	}
	u.Elapsed = total
	u.User, u.System = u.User+v.User, u.System+v.System
	u.Mallocs, u.Allocated = u.Mallocs+v.Mallocs, u.Allocated+v.Allocated
}

// Watch is a running measurement.
type Watch struct {
	began        time.Time
	user, system time.Duration
	busy         time.Duration
	memory       runtime.MemStats
}

// Start begins a measurement. It stops the world for a moment, to read what was
// allocated so far.
func Start() *Watch {
	w := &Watch{}
	runtime.ReadMemStats(&w.memory)
	w.user, w.system = processorTime()
	w.busy = busyTime()
	w.began = time.Now()
	return w
}

// Stop ends it.
func (w *Watch) Stop() Usage {
	u := Usage{Elapsed: time.Since(w.began)}
	user, system := processorTime()
	u.User, u.System = user-w.user, system-w.system
	if busy := busyTime() - w.busy; busy > 0 && u.Elapsed > 0 {
		u.Others = max(0, float64(busy-u.User-u.System)/float64(u.Elapsed))
	}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	u.Mallocs, u.Allocated = after.Mallocs-w.memory.Mallocs, after.TotalAlloc-w.memory.TotalAlloc
	return u
}

// processorTime is what the process has used.
func processorTime() (user, system time.Duration) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0, 0 // then the table shows no cores
	}
	return time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano())
}

// busyTime is what all processes and the kernel have used, from Linux's
// /proc/stat in ticks of 10 ms; 0 elsewhere.
func busyTime() time.Duration {
	const tick = 10 * time.Millisecond
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var sum time.Duration
	for i, field := range strings.Fields(line) {
		// After the word cpu: user nice system idle iowait irq softirq steal guest guest_nice.
		if i == 0 || i == 4 || i == 5 || i >= 9 {
			continue
		}
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		sum += time.Duration(ticks) * tick
	}
	return sum
}

// Patience is how long a program is still willing to wait for a quiet machine.
type Patience struct{ Left time.Duration }

// quietCores is what others may use of the processor for a machine to be quiet.
const quietCores = 0.3

// Quiet waits until others leave the processor alone, or until the patience is
// used up. Waiting that succeeded at once costs none.
func (p *Patience) Quiet() {
	const look = 150 * time.Millisecond
	for p.Left > 0 {
		w := Start()
		time.Sleep(look)
		u := w.Stop()
		if u.Others < quietCores {
			return
		}
		p.Left -= u.Elapsed
	}
}

// Warm touches that many bytes of fresh memory and gives them back, so that what
// follows finds memory that the host has backed. It stays so for about 2 s.
func Warm(bytes int64) {
	m, err := unix.Mmap(-1, 0, int(bytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return // a cold run is slower, which its spread shows
	}
	hugePages(m)
	for i := 0; i < len(m); i += 4096 {
		m[i] = 1
	}
	_ = unix.Munmap(m)
}

// Spread is the median of some values with the smallest and the largest.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf returns the spread; NaN of no values.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	s := Spread{Median: sorted[middle], Min: sorted[0], Max: sorted[len(sorted)-1]}
	if len(sorted)%2 == 0 {
		s.Median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return s
}
