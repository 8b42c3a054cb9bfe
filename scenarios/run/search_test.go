package run

import (
	"math"
	"strings"
	"testing"

	"brokerlab/results"
	"brokerlab/workloads/load"
)

// searching is a load whose consumers take less than its producers could send.
const searching = `
cluster: {brokers: 1}
producers: {count: 2, linger.ms: 1ms}
consumers: {rate: 1500/s}
records: {size: 100, payload: modelled}
load: {rate: sustainable, warmup: 20s, duration: 25s}
`

// Goal: the rate that consumers keep up with is found in the warm-up and held after it:
// offered in each measured second, kept up with, nothing late for the search's sake; twice
// the same. Method: simulated, with consumers that are slow on purpose.
func TestSearch(t *testing.T) {
	skipUnderRace(t)
	var hashes []string
	for range 2 {
		out, err := execute(t, searching, "sim", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range out.Result.Cells {
			c := &out.Result.Cells[i]
			s := c.Repeats[0].Search
			if s == nil || !c.Searched || c.Load != results.LoadOpen || c.AtSaturation {
				t.Fatalf("%v: search %v, load %q", c.Labels, s, c.Load)
			}
			if !s.Settled || !s.Held || s.FoundPerS < 1250 || s.FoundPerS > 1525 || c.OfferedPerS != s.FoundPerS {
				t.Errorf("%v: found %v, offered %v, settled %v, held %v by %v", c.Labels, s.FoundPerS, c.OfferedPerS, s.Settled,
					s.Held, s.Steps)
			}
			for _, sec := range c.Repeats[0].Seconds {
				if due := float64(sec.Offered) / sec.Length; sec.Measured() && math.Abs(due-s.FoundPerS) > 1 {
					t.Errorf("%v: %v records due in the second at %v", c.Labels, due, sec.At)
				}
			}
			if c.Unsent > 0 || c.Lost > 0 || c.Acked != c.Sent || c.Consumed != c.Sent {
				t.Errorf("%v: %+v", c.Labels, c.Counts)
			}
			hashes = append(hashes, c.Hash)
		}
	}
	if hashes[0] != hashes[1] {
		t.Errorf("hashes %v", hashes)
	}
}

// Goal: a producer that waits for each record has a rate that it keeps, and a repeat without
// a search says nothing of one. Method: mode sync, simulated.
func TestSearchOfSynchronousProducers(t *testing.T) {
	skipUnderRace(t)
	if r := (&repeat{shared: &load.Shared{}}); r.searchOf() != nil || r.searchWarnings() != nil {
		t.Error("there is no search, and it is told of")
	}
	out, err := execute(t, strings.NewReplacer("rate: 1500/s", "rate: max", "duration: 25s", "duration: 21s",
		"count: 2", "count: 1, mode: sync").Replace(searching), "sim", nil)
	if err != nil {
		t.Fatal(err)
	}
	if s := out.Result.Cells[0].Repeats[0].Search; !s.Settled || !s.Held {
		t.Errorf("found %v, settled %v, held %v by %v", s.FoundPerS, s.Settled, s.Held, s.Steps)
	}
}
