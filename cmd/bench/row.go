package main

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"brokerlab/cmd/bench/measure"
)

// judged says which figure of a line the target is for.
type judged int

const (
	ratio   judged = iota // ours / plain, at least
	atLeast               // ours, at least
	atMost                // ours, at most
	ratioAtMost
	nothing // there is no target
)

// line is one line of the table, before it is measured.
type line struct {
	what   string // what is measured
	plain  string // beside which loop
	unit   string // of both
	judged judged
	target float64
	aim    float64 // 0 = none
}

// row measures one or more lines together.
type row struct {
	name  string
	long  bool // runs only when it is asked for by name
	lines []line
	run   func(*session, *samples) error
}

func (r *row) wanted(only string) bool {
	if r.long {
		return only == r.name
	}
	return strings.Contains(r.name, only)
}

// noisyCores is what others may use of the processor during a measurement before
// it is made again.
const noisyCores = 0.25

// samples are the measurements of a row, by line and round.
type samples struct {
	lines    [][]sample
	progress func()
}

// sample is one round of a line.
type sample struct {
	ours, plain float64       // plain is 0 if there is none
	usage       measure.Usage // of ours
	others      float64       // cores that others used during ours or plain, whichever is more
	records     int64         // of ours; 0 = not counted
}

// add takes one round of a line.
func (s *samples) add(index int, got sample) {
	got.others = max(got.others, got.usage.Others)
	s.lines[index] = append(s.lines[index], got)
	if index == 0 {
		s.progress()
	}
}

// each runs body once to warm up, as round 0, and then as often as was asked
// for. Rounds in which others used the processor are made up for, each at most once.
func (s *session) each(out *samples, body func(round int) error) error {
	for round := range s.attempts() {
		quiet := 0
		for _, got := range out.lines[0] {
			if got.others < noisyCores {
				quiet++
			}
		}
		if quiet >= s.rounds {
			return nil
		}
		if err := body(round); err != nil {
			return err
		}
	}
	return nil
}

// attempts is how often each calls its body at most.
func (s *session) attempts() int { return 1 + 2*s.rounds }

// quietest picks as many rounds, those in which others used the processor least.
// What was measured in them plays no part.
func quietest(all []sample, count int) []sample {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b sample) int { return cmp.Compare(a.others, b.others) })
	return sorted[:min(count, len(sorted))]
}

// result is a measured line.
type result struct {
	Row    string         `json:"row"`
	What   string         `json:"what"`
	Plain  string         `json:"plain,omitempty"`
	Unit   string         `json:"unit"`
	Ours   measure.Spread `json:"ours"`
	Beside *beside        `json:"beside,omitempty"`
	Judged string         `json:"judged,omitempty"` // "ratio >=", "ours >=", "ours <=" or "ratio <="
	Target float64        `json:"target,omitempty"`
	Aim    float64        `json:"aim,omitempty"`
	// Verdict is "pass", "aim" (reached too), "short" or "" without a target.
	Verdict          string  `json:"verdict,omitempty"`
	Limit            string  `json:"limit"`
	Measured         int     `json:"measured"` // rounds, those that were made up for included
	Cores            float64 `json:"cores"`
	SystemShare      float64 `json:"systemShare"`
	OtherCores       float64 `json:"otherCores"`
	AllocsPerRecord  float64 `json:"allocsPerRecord"`
	AllocedPerRecord float64 `json:"allocatedBytesPerRecord"`
}

// beside is the plain loop of a line.
type beside struct {
	Plain measure.Spread `json:"plain"`
	Ratio measure.Spread `json:"ratio"`
}

// row runs one row.
func (s *session) row(r row) ([]result, error) {
	all := &samples{lines: make([][]sample, len(r.lines)), progress: func() { fmt.Fprint(s.progress, ".") }}
	if err := r.run(s, all); err != nil {
		return nil, err
	}
	var out []result
	for i, l := range r.lines {
		out = append(out, judge(r.name, l, all.lines[i], s.rounds))
	}
	return out, nil
}

// judge makes a line's result of its samples.
func judge(name string, l line, all []sample, rounds int) result {
	var ours, plain, ratios []float64
	var usage measure.Usage
	var records int64
	for _, got := range quietest(all, rounds) {
		ours = append(ours, got.ours)
		if got.plain > 0 {
			plain, ratios = append(plain, got.plain), append(ratios, got.ours/got.plain)
		}
		got.usage.Others = got.others
		usage.Add(got.usage)
		records += got.records
	}
	out := result{Row: name, What: l.what, Plain: l.plain, Unit: l.unit, Ours: measure.SpreadOf(ours),
		Target: l.target, Aim: l.aim, Limit: limit(usage), Measured: len(all),
		Cores: usage.Cores(), SystemShare: usage.SystemShare(), OtherCores: usage.Others}
	if len(ratios) > 0 {
		out.Beside = &beside{Plain: measure.SpreadOf(plain), Ratio: measure.SpreadOf(ratios)}
	}
	if records > 0 {
		out.AllocsPerRecord = float64(usage.Mallocs) / float64(records)
		out.AllocedPerRecord = float64(usage.Allocated) / float64(records)
	}
	value, sign := 0.0, 1.0
	switch l.judged {
	case nothing:
		return out
	case ratio:
		out.Judged, value = "ratio >=", out.Beside.Ratio.Median
	case ratioAtMost:
		out.Judged, value, sign = "ratio <=", out.Beside.Ratio.Median, -1
	case atLeast:
		out.Judged, value = "ours >=", out.Ours.Median
	case atMost:
		out.Judged, value, sign = "ours <=", out.Ours.Median, -1
	}
	switch {
	case l.aim != 0 && sign*value >= sign*l.aim:
		out.Verdict = "aim"
	case sign*value >= sign*l.target:
		out.Verdict = "pass"
	default:
		out.Verdict = "short"
	}
	return out
}

// limit says in a phrase what bounded the measured body: the processor, and where
// in it, or waiting.
func limit(u measure.Usage) string {
	const busyShare = 0.85 // of the cores that the body may use
	may := float64(runtime.NumCPU())
	cores := u.Cores()
	// A body that was held to one core cannot say so by its share of all of them.
	busy := cores >= busyShare*may || cores >= busyShare && cores <= 1.1
	text := fmt.Sprintf("waiting: %.1f of %.0f cores busy", cores, may)
	if busy {
		text = fmt.Sprintf("processor: %.1f cores", cores)
	}
	text += fmt.Sprintf(", %.0f %% in the kernel", 100*u.SystemShare())
	if u.Others >= 0.2 {
		text += fmt.Sprintf("; others took %.1f", u.Others)
	}
	return text
}
