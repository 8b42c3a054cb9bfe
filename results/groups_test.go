package results

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Goal: groups and phases of repeats are those of a cell: counts are sums, rates and
// times medians, and latencies come from merged histograms, of what a phase has. Method:
// three repeats of known figures.
func TestMergeGroupsAndPhases(t *testing.T) {
	var repeats []Repeat
	for i, rate := range []float64{10, 40, 20} {
		figures := PhaseFigures{RecordsPerS: rate, Latency: map[string]Latency{Produce: {}}}
		r := Repeat{Groups: []Group{{Name: "a", Kind: GroupProducers, Clients: 2, Unread: 1, Skipped: int64(i),
			Measures: Measures{RecordsPerS: rate, Counts: Counts{Sent: 5}}}}}
		r.Phases = []Phase{{PhaseSpan: PhaseSpan{Name: PhaseLoad, EndS: 1}, PhaseFigures: figures,
			Groups: []PhaseGroup{{Name: "a", Kind: GroupProducers, PhaseFigures: figures}}}}
		if i > 0 { // the first one was interrupted before it
			r.Phases = append(r.Phases, Phase{PhaseSpan: PhaseSpan{Name: PhaseDrain, StartS: 1, EndS: 1 + float64(i)}})
		}
		repeats = append(repeats, r)
	}
	merged := func() map[string]Latency { return map[string]Latency{Produce: {P50: 7}, EndToEnd: {P50: 8}} }
	groups := MergeGroups(repeats, func(g *Group) map[string]Latency { return merged() })
	if g := groups[0]; len(groups) != 1 || g.RecordsPerS != 20 || g.Sent != 15 || g.Unread != 3 || g.Skipped != 3 ||
		g.Clients != 2 || g.Latency[Produce].P50 != 7 {
		t.Errorf("groups: %+v", groups)
	}
	got := MergePhases(repeats, func(string, *PhaseGroup) map[string]Latency { return merged() })
	figures := PhaseFigures{RecordsPerS: 20, Latency: map[string]Latency{Produce: {P50: 7}}}
	want := []Phase{
		{PhaseSpan: PhaseSpan{Name: PhaseLoad, EndS: 1}, PhaseFigures: figures,
			Groups: []PhaseGroup{{Name: "a", Kind: GroupProducers, PhaseFigures: figures}}},
		{PhaseSpan: PhaseSpan{Name: PhaseDrain, StartS: 1, EndS: 2.5},
			PhaseFigures: PhaseFigures{Latency: map[string]Latency{}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	if MergeGroups(nil, nil) != nil || MergePhases(nil, nil) != nil {
		t.Error("nothing is merged to something")
	}
}
