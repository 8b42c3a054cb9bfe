package main

import (
	"fmt"
	"runtime"
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

// samples are the measurements of a row, by line and round.
type samples struct {
	lines    []sampled
	progress func()
}

type sampled struct {
	ours, plain, ratios []float64
	usage               measure.Usage // of ours, all rounds together
	records             int64         // of ours, all rounds together; 0 = not counted
}

// add takes one round of a line. plain is 0 if there is none.
func (s *samples) add(index int, ours, plain float64, usage measure.Usage, records int64) {
	l := &s.lines[index]
	l.ours = append(l.ours, ours)
	if plain > 0 {
		l.plain = append(l.plain, plain)
		l.ratios = append(l.ratios, ours/plain)
	}
	l.usage.Add(usage)
	l.records += records
	if index == 0 {
		s.progress()
	}
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
	all := &samples{lines: make([]sampled, len(r.lines)), progress: func() { fmt.Fprint(s.progress, ".") }}
	if err := r.run(s, all); err != nil {
		return nil, err
	}
	var out []result
	for i, l := range r.lines {
		out = append(out, judge(r.name, l, all.lines[i]))
	}
	return out, nil
}

// judge makes a line's result of its samples.
func judge(name string, l line, s sampled) result {
	out := result{Row: name, What: l.what, Plain: l.plain, Unit: l.unit, Ours: measure.SpreadOf(s.ours),
		Target: l.target, Aim: l.aim, Limit: limit(s.usage),
		Cores: s.usage.Cores(), SystemShare: s.usage.SystemShare(), OtherCores: s.usage.Others}
	if len(s.ratios) > 0 {
		out.Beside = &beside{Plain: measure.SpreadOf(s.plain), Ratio: measure.SpreadOf(s.ratios)}
	}
	if s.records > 0 {
		out.AllocsPerRecord = float64(s.usage.Mallocs) / float64(s.records)
		out.AllocedPerRecord = float64(s.usage.Allocated) / float64(s.records)
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
