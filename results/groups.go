package results

import (
	"maps"
	"slices"
)

// Kinds of a group.
const (
	GroupProducers = "producers"
	GroupConsumers = "consumers"
)

// Group is one of several groups of clients with settings of their own. Measures of
// producers are those of what they sent, and of consumers those of what they took; what
// is of neither (fsyncs, bytes on disk, what the read-back found amiss but losses) is 0.
type Group struct {
	Name        string  `json:"name"`
	Kind        string  `json:"kind"` // GroupProducers or GroupConsumers
	Clients     int     `json:"clients"`
	Load        string  `json:"load,omitempty"` // as of a cell; of producers
	Arrival     string  `json:"arrival,omitempty"`
	CatchUp     bool    `json:"catch_up,omitempty"`
	OfferedPerS float64 `json:"offered_per_s,omitempty"`
	Read        string  `json:"read,omitempty"` // tail, backlog or cold; of consumers
	Measures
	// Unread are records that consumers had left when they gave up, and Skipped those
	// that retention deleted before they came to them.
	Unread  int64 `json:"unread,omitempty"`
	Skipped int64 `json:"skipped,omitempty"`
}

// Phases of a repeat, in the order in which it may go through them.
const (
	PhaseWarmup = "warmup" // the load's start, which no measure of the whole has
	PhaseLoad   = "load"   // the measured window
	PhaseRead   = "read"   // consumers read what the load left; producers may go on
	PhaseDrain  = "drain"  // clients finish
)

// Phase is what was done in one phase of a repeat or, of a cell, in those of its
// repeats: times and rates are medians, latencies those of merged histograms.
type Phase struct {
	PhaseSpan
	PhaseFigures
	Usage
	Groups []PhaseGroup `json:"groups,omitempty"` // as of the cell
}

// PhaseSpan is when a phase was.
type PhaseSpan struct {
	Name   string  `json:"name"`
	StartS float64 `json:"start_s"` // since the load began
	EndS   float64 `json:"end_s"`
}

// PhaseFigures are rates in a phase, by the instant of what was done, and latencies of
// the records that were due in it: of consumers, of those that they took in it. A drain
// has none: what it drains is of the phase before.
type PhaseFigures struct {
	RecordsPerS    float64            `json:"records_per_s"`
	MBPerS         float64            `json:"mb_per_s"` // acknowledged
	ConsumedPerS   float64            `json:"consumed_per_s"`
	ConsumedMBPerS float64            `json:"consumed_mb_per_s"`
	Latency        map[string]Latency `json:"latency_ns,omitempty"`
}

// PhaseGroup is one group in a phase.
type PhaseGroup struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	PhaseFigures
}

// GroupLatency names the histograms of a group, for Folder.Histograms and as a key:
// "producers-orders-produce".
func GroupLatency(kind, name, latency string) string { return kind + "-" + name + "-" + latency }

// ReadLatency names those of the phase in which a backlog is read: "read-produce".
func ReadLatency(latency string) string { return PhaseRead + "-" + latency }

// MergeGroups makes the groups of a cell out of those of its repeats, which all have the
// same ones, as MergeRepeats does. latency gives what a group's histograms say.
func MergeGroups(repeats []Repeat, latency func(g *Group) map[string]Latency) []Group {
	if len(repeats) == 0 {
		return nil
	}
	var out []Group
	for i := range repeats[0].Groups {
		g := repeats[0].Groups[i]
		g.Unread, g.Skipped = 0, 0
		var own []Repeat
		for _, r := range repeats {
			own = append(own, Repeat{Measures: r.Groups[i].Measures})
			g.Unread += r.Groups[i].Unread
			g.Skipped += r.Groups[i].Skipped
		}
		g.Measures = MergeRepeats(own, latency(&g))
		out = append(out, g)
	}
	return out
}

// MergePhases makes the phases of a cell out of those of its repeats, in the order of
// time of the first one that has them. latency gives what the histograms of a phase say,
// of all clients or of a group of it.
func MergePhases(repeats []Repeat, latency func(phase string, group *PhaseGroup) map[string]Latency) (out []Phase) {
	for i := range repeats {
		for j := range repeats[i].Phases {
			name := repeats[i].Phases[j].Name
			if !slices.ContainsFunc(out, func(p Phase) bool { return p.Name == name }) {
				out = append(out, mergePhase(repeats, name, latency))
			}
		}
	}
	return out
}

func mergePhase(repeats []Repeat, name string, latency func(string, *PhaseGroup) map[string]Latency) Phase {
	var all []*Phase
	var usages []Usage
	for i := range repeats {
		if at := slices.IndexFunc(repeats[i].Phases, func(p Phase) bool { return p.Name == name }); at >= 0 {
			all = append(all, &repeats[i].Phases[at])
			usages = append(usages, repeats[i].Phases[at].Usage)
		}
	}
	out := Phase{PhaseSpan: PhaseSpan{Name: name, StartS: medianBy(all, func(p *Phase) float64 { return p.StartS })}}
	out.EndS = out.StartS + medianBy(all, func(p *Phase) float64 { return p.EndS - p.StartS })
	out.Usage = mergeUsage(usages)
	out.PhaseFigures = mergeFigures(all, func(p *Phase) *PhaseFigures { return &p.PhaseFigures }, latency(name, nil))
	for i := range all[0].Groups {
		g := all[0].Groups[i]
		g.PhaseFigures = mergeFigures(all, func(p *Phase) *PhaseFigures { return &p.Groups[i].PhaseFigures },
			latency(name, &g))
		out.Groups = append(out.Groups, g)
	}
	return out
}

func mergeFigures(all []*Phase, of func(*Phase) *PhaseFigures, latency map[string]Latency) PhaseFigures {
	median := func(figure func(*PhaseFigures) float64) float64 {
		return medianBy(all, func(p *Phase) float64 { return figure(of(p)) })
	}
	known := of(all[0]).Latency // a phase has those of what was done in it
	maps.DeleteFunc(latency, func(name string, _ Latency) bool { _, ok := known[name]; return !ok })
	return PhaseFigures{
		RecordsPerS:    median(func(f *PhaseFigures) float64 { return f.RecordsPerS }),
		MBPerS:         median(func(f *PhaseFigures) float64 { return f.MBPerS }),
		ConsumedPerS:   median(func(f *PhaseFigures) float64 { return f.ConsumedPerS }),
		ConsumedMBPerS: median(func(f *PhaseFigures) float64 { return f.ConsumedMBPerS }),
		Latency:        latency,
	}
}
