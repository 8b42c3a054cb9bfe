package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Goal: a group is the scenario with its own settings, whatever is set for all, and
// groups of two cells share nothing. Method: a file whose section and group vary, with
// the settings of each group in the cells.
func TestGroupScenarios(t *testing.T) {
	f, err := Parse("a.yaml", []byte(`
producers:
  linger.ms: 7
  groups:
    orders: {records.size: 200B, acks: all, count: 2, load.rate: 500/s}
    clicks:
consumers: {max.poll.records: 9, groups: {slow: {rate: 5/s}}}
vary:
  producers.acks: [0, 1]
  producers.groups.orders.linger.ms: [1, 2]
`))
	if err != nil {
		t.Fatal(err)
	}
	cells, err := f.Cells()
	if err != nil {
		t.Fatal(err)
	}
	type group struct {
		Name, Acks          string
		Count               int
		LingerMS, Size, Max int64
		Rate                float64
	}
	var got []group
	for _, c := range []Cell{cells[0], cells[3]} {
		for _, g := range c.Scenario.ProducerGroups() {
			got = append(got, group{g.Name, g.Producers.Acks, g.Producers.Count, g.Producers.Linger.Milliseconds(),
				g.Records.MaxBytes(), int64(g.Consumers.MaxPollRecords), g.Load.Rate})
		}
	}
	want := []group{
		{"orders", "all", 2, 1, 200, 9, 500}, {"clicks", "0", 1, 7, 1024, 9, 0},
		{"orders", "all", 2, 2, 200, 9, 500}, {"clicks", "1", 1, 7, 1024, 9, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	slow := cells[0].Scenario.ConsumerGroups()
	if len(slow) != 1 || slow[0].Name != "slow" || slow[0].Consumers.Rate != 5 || slow[0].Consumers.Groups != nil {
		t.Errorf("consumers: %+v", slow)
	}
	if err := roundTrip(f); err != nil {
		t.Error(err)
	}
	alone := Default("a")
	if all := alone.ProducerGroups(); len(all) != 1 || all[0].Name != "" || all[0].Producers.Count != 1 {
		t.Errorf("without groups: %+v", all)
	}
}

// Goal: rates of phases are those of the load unless they have their own. Method: table.
func TestRateIn(t *testing.T) {
	l := Load{Rate: 7}
	for _, tt := range []struct {
		sentence    string
		phase, want float64
		ok          bool
	}{
		{"The same.", RateSame, 7, true}, {"Full speed.", RateMax, 0, true}, {"Its own.", 9, 9, true},
		{"None.", RateNone, RateNone, false},
	} {
		if got, ok := l.RateIn(tt.phase); got != tt.want || ok != tt.ok {
			t.Errorf("%s got %v, %v", tt.sentence, got, ok)
		}
	}
}
