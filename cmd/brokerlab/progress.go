package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/scenarios/run"
)

// sayEvery is how often progress is told where it cannot be written over.
const sayEvery = 5 * time.Second

// rateOver is the span of a run's own clock that its current rate is taken over.
const rateOver = time.Second

// Phases in which records are sent on time.
const (
	phaseWarmup = "warm-up"
	phaseLoad   = "load"
)

func loading(phase string) bool { return phase == phaseLoad || phase == phaseWarmup }

// follower turns what is seen of a run, of which several cells may go on at once,
// into words. It is pure; the zero value has seen nothing.
type follower struct {
	tracks       []*tracker // of what goes on, by repeat and cell
	ended, total int        // repeats
	left         string     // how long all that the command runs will take yet; empty: not known
}

// observe takes a moment of a run, and returns the lines that it is worth: the ends
// of what goes on no longer, and what each of the others has to say.
func (f *follower) observe(now time.Time, running []run.Status, ended, total int) (lines []string) {
	f.ended, f.total = ended, total
	same := func(t *tracker, s run.Status) bool { return t.now.Cell == s.Cell && t.now.Repeat == s.Repeat }
	for _, t := range f.tracks {
		if !slices.ContainsFunc(running, func(s run.Status) bool { return same(t, s) }) {
			lines = append(lines, t.ended()...)
		}
	}
	var tracks []*tracker
	for _, s := range running {
		i := slices.IndexFunc(f.tracks, func(t *tracker) bool { return same(t, s) })
		t := &tracker{}
		if i >= 0 {
			t = f.tracks[i]
		}
		lines = append(lines, t.observe(now, s, f.left)...)
		tracks = append(tracks, t)
	}
	f.tracks = tracks
	return lines
}

// work takes how much is done of all that the command runs.
func (f *follower) work(w run.Work) {
	f.left = ""
	if left, ok := timeLeft(w); ok {
		f.left = leftWords(left)
	}
}

// line is the moment on one line of so many columns: of a cell alone all about it, of
// several where each is. What has no room is left out, the least important first.
func (f *follower) line(width int) string {
	if len(f.tracks) == 1 {
		return fit(width, f.tracks[0].lines(f.left))
	}
	ended := fmt.Sprintf("%d of %d ended", f.ended, f.total) + after(f.left)
	lines := make([]string, 4)
	for i := range lines {
		lines[i] = ended
	}
	for _, t := range f.tracks {
		lines[0] += "; " + t.place() + " " + t.share() + t.speed() + t.latency()
		lines[1] += "; " + t.place() + " " + t.share() + t.speed()
		lines[2] += "; " + t.place() + " " + t.share()
		lines[3] += fmt.Sprintf("; %d: %s", t.now.Cell, t.share())
	}
	return fit(width, append(lines, ended))
}

// fit is the first line that is no wider than so many columns, or what has room of the
// last one.
func fit(width int, lines []string) string {
	for _, line := range lines {
		if text.StringWidthWithoutEscSequences(line) <= width {
			return line
		}
	}
	return text.Trim(lines[len(lines)-1], width)
}

// tracker turns what is seen of one repeat now and then into words. It is pure; the
// zero value has seen nothing.
type tracker struct {
	now     run.Status
	inLoad  run.Status // the last moment of this repeat in which records were sent
	seen    bool
	samples []sample // of this repeat, oldest first, about rateOver of them
	sayNext time.Time
}

type sample struct {
	elapsed time.Duration // of the run's own clock
	acked   int64
}

// observe takes a moment of a run and the time left, and returns the lines that it is
// worth.
func (t *tracker) observe(now time.Time, s run.Status, left string) (lines []string) {
	next := !t.seen
	t.now, t.seen = s, true
	if loading(s.Phase) {
		t.inLoad = s
	}
	t.sample(sample{elapsed: s.Elapsed, acked: s.Acked})
	switch {
	case next:
		lines = append(lines, t.place()+": "+t.what())
		t.sayNext = now.Add(sayEvery)
	case !now.Before(t.sayNext):
		lines = append(lines, t.place()+": "+t.moment()+after(left))
		t.sayNext = now.Add(sayEvery)
	}
	return lines
}

// sample remembers a moment, and forgets those that the rate does not need.
func (t *tracker) sample(s sample) {
	if n := len(t.samples); n > 0 && s.elapsed < t.samples[n-1].elapsed {
		t.samples = nil
	}
	t.samples = append(t.samples, s)
	for len(t.samples) > 2 && s.elapsed-t.samples[1].elapsed >= rateOver {
		t.samples = t.samples[1:]
	}
}

// rate is records per second of the run's own clock, of late.
func (t *tracker) rate() float64 {
	first, last := t.samples[0], t.samples[len(t.samples)-1]
	if last.elapsed <= first.elapsed {
		return 0
	}
	return float64(last.acked-first.acked) / (last.elapsed - first.elapsed).Seconds()
}

// lines are the moment on one line, the part that changes in front, from all that
// there is to say to what matters most.
func (t *tracker) lines(left string) []string {
	left = after(left)
	records := ""
	if t.now.Acked > 0 {
		records = fmt.Sprintf(", %s records", quantity.Count(t.now.Acked))
	}
	front, rate := t.place()+": "+t.elapsed(), t.speed()+t.latency()
	short := fmt.Sprintf("%d/%d %s", t.now.Cell, t.now.Cells, t.share())
	return []string{
		front + records + t.failures() + rate + left + " - " + t.what(),
		front + records + t.failures() + rate + left,
		front + t.failures() + rate + left,
		short + t.failures() + rate + left,
		short + t.failures() + t.speed() + left,
		short + left,
		short,
	}
}

// after is a part of a line that follows others.
func after(words string) string {
	if words == "" {
		return ""
	}
	return ", " + words
}

func (t *tracker) place() string {
	words := fmt.Sprintf("cell %d of %d", t.now.Cell, t.now.Cells)
	if t.now.Repeats > 1 {
		words += fmt.Sprintf(", repeat %d of %d", t.now.Repeat, t.now.Repeats)
	}
	return words
}

// what says what runs, and what its seconds are.
func (t *tracker) what() string {
	if t.now.Target == results.TargetSim {
		return t.now.Label + ", simulated (seconds are of the virtual clock)"
	}
	return t.now.Label + ", measured"
}

// share is how far the load is, or the phase around it.
func (t *tracker) share() string {
	if !loading(t.now.Phase) || t.now.Duration <= 0 {
		return t.now.Phase
	}
	return fmt.Sprintf("%.0f %%", 100*min(1, t.now.Elapsed.Seconds()/t.now.Duration.Seconds()))
}

// moment is what a line now and then says.
func (t *tracker) moment() string {
	records := ""
	if t.now.Acked > 0 {
		records = fmt.Sprintf(", %s records", quantity.Count(t.now.Acked))
	}
	return t.elapsed() + records + t.failures() + t.speed() + t.latency()
}

// elapsed is the phase and how much of it is over.
func (t *tracker) elapsed() string {
	if !loading(t.now.Phase) {
		return t.now.Phase
	}
	elapsed, all := min(t.now.Elapsed, t.now.Duration).Seconds(), t.now.Duration.Seconds()
	return fmt.Sprintf("%s %.1f of %.1f s", t.now.Phase, elapsed, all)
}

func (t *tracker) failures() string {
	if t.now.Failed == 0 {
		return ""
	}
	return fmt.Sprintf(", %s failed", quantity.Count(t.now.Failed))
}

func (t *tracker) speed() string {
	rate := t.rate()
	if !loading(t.now.Phase) || rate <= 0 {
		return ""
	}
	return fmt.Sprintf(", %s/s", quantity.Digits(rate))
}

// latency is that of the last second.
func (t *tracker) latency() string {
	if !loading(t.now.Phase) || t.now.P99 <= 0 {
		return ""
	}
	return ", p99 " + quantity.Duration(int64(t.now.P99))
}

// ended is the line of a repeat that is over; none if nothing was seen of it. The
// exact rate is in the table: this one includes the warm-up, and is left out of
// what was over too soon to have one.
func (t *tracker) ended() []string {
	if !t.seen {
		return nil
	}
	words := t.place() + ": ended"
	if elapsed := min(t.inLoad.Elapsed, t.inLoad.Duration); elapsed >= rateOver {
		words += fmt.Sprintf(", about %s records/s", quantity.Digits(float64(t.inLoad.Acked)/elapsed.Seconds()))
	}
	return []string{words}
}
