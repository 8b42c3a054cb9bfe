package findings

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/results"
)

// shaped is a sound simulated cell whose labels are its settings too: label and value in
// turns.
func shaped(change func(c *results.Cell), labels ...string) results.Cell {
	c := results.Cell{Labels: map[string]string{}, Target: results.TargetSim, Load: "closed", AtSaturation: true,
		Repeats: make([]results.Repeat, 1), Config: map[string]string{"records.size": "1KiB", "cluster.brokers": "3"},
		Measures: results.Measures{RecordsPerS: 1000, MBPerS: 1.02, MeasuredS: 10, Latency: map[string]results.Latency{}}}
	for i := 0; i < len(labels); i += 2 {
		c.Labels[labels[i]], c.Config[labels[i]] = labels[i+1], labels[i+1]
	}
	change(&c)
	return c
}

// of is a complete result of cells, with the labels that they have.
func of(cells ...results.Cell) *results.Result {
	r := &results.Result{Scenario: "made", Complete: true, Cells: cells}
	for _, c := range cells {
		for label := range c.Labels {
			if !slices.Contains(r.LabelNames, label) {
				r.LabelNames = append(r.LabelNames, label)
			}
		}
	}
	slices.Sort(r.LabelNames)
	return r
}

func latency(p99 int64) results.Latency {
	return results.Latency{P50: p99 / 2, P99: p99, P999: 2 * p99, Max: 3 * p99, Count: 100_000}
}

// Goal: what codecs, flushes, acks, keys, a backlog and groups of consumers did is told
// where there is any, from their figures.
// Method: cells made by hand, and the sentences of this kind.
func TestChoices(t *testing.T) {
	const codec, flush = "producers.compression.type", "topic.flush.messages"
	ratio := func(r float64) func(*results.Cell) { return func(c *results.Cell) { c.CompressionRatio = r } }
	fsyncs := func(n int64) func(*results.Cell) {
		return func(c *results.Cell) {
			c.Repeats = make([]results.Repeat, 2)
			c.Fsyncs = n
			if n > 0 {
				c.Latency[results.Fsync] = results.Latency{P50: 8e6, Count: n}
			}
		}
	}
	hot := func(records ...int64) func(*results.Cell) {
		return func(c *results.Cell) { c.Partitions = results.PartitionsOf(records) }
	}
	backlog := func(c *results.Cell) {
		read := results.Phase{PhaseSpan: results.PhaseSpan{Name: results.PhaseRead}, PhaseFigures: results.PhaseFigures{
			ConsumedPerS: 150_000, ConsumedMBPerS: 153.6, Latency: map[string]results.Latency{results.Produce: latency(40e6)}}}
		read.Disk = &results.DiskUsage{BytesRead: 315e6}
		load := results.Phase{PhaseSpan: results.PhaseSpan{Name: results.PhaseLoad},
			PhaseFigures: results.PhaseFigures{Latency: map[string]results.Latency{results.Produce: latency(6e6)}}}
		c.Phases = []results.Phase{load, read}
	}
	readers := func(c *results.Cell) {
		c.Groups = []results.Group{{Name: "fast", Kind: results.GroupConsumers, Measures: results.Measures{ConsumedPerS: 1000,
			Latency: map[string]results.Latency{results.EndToEnd: latency(9e6)}}},
			{Name: "slow", Kind: results.GroupConsumers, Unread: 5000, Skipped: 3,
				Measures: results.Measures{ConsumedPerS: 500}}}
	}
	nothing := func(*results.Cell) {}
	for _, row := range []struct {
		why      string
		r        *results.Result
		unforced map[int]Unforced
		want     []string
	}{
		{"nothing of it", of(shaped(nothing, "disk", "nvme"), shaped(nothing, "disk", "hdd-7200")), nil, nil},
		{"codecs", of(shaped(ratio(1), codec, "none"), shaped(ratio(2.5), codec, "lz4"), shaped(ratio(5.25), codec, "zstd")),
			nil, []string{"Compressed batches are smaller by a factor of 5.25 with zstd and 2.50 with lz4."}},
		{"flushes of two runs each, and what is not known of what was not flushed",
			of(shaped(fsyncs(0), flush, "never"), shaped(fsyncs(2000), flush, "1")), map[int]Unforced{0: {}}, []string{
				"Fsyncs of the logs in a run: 0 with flush.messages=never; 1,000 with flush.messages=1 (median 8.00 ms)."}},
		{"flushes, and what was not flushed", of(shaped(fsyncs(0), flush, "never"), shaped(fsyncs(20), flush, "9")),
			map[int]Unforced{0: {5000, 1 << 20}, 1: {9, 4000}}, []string{
				"Fsyncs of the logs in a run: 0 with flush.messages=never and 10 with flush.messages=9 (median 8.00 ms).",
				"A power failure of all brokers might take what was appended and not forced to disk, at most " +
					"5,000 records (1 MiB) with flush.messages=never; 9 records (4,000 B) with flush.messages=9."}},
		{"acks=0 beside others", of(shaped(nothing, "producers.acks", "0"), shaped(nothing, "producers.acks", "all")), nil,
			[]string{"With acks=0 a record counts as acknowledged when it was sent: its produce latency ends before a broker " +
				"has it."}},
		{"acks=0 alone", of(shaped(nothing, "producers.acks", "0")), nil, nil},
		{"the hottest of two hot keys", of(shaped(hot(10, 20, 10, 10), "records.key", "zipf 9 exponent 1"),
			shaped(hot(97, 1, 1, 1), "records.key", "zipf 9 exponent 3"), shaped(hot(9, 9), "records.key", "none")), nil,
			[]string{"With key=zipf 9 exponent 3: partition 0 got 97 % of the records, 3.88 times its share, which no other " +
				"cell exceeds."}},
		{"a backlog", of(shaped(backlog, "consumers.read", "cold"), shaped(nothing, "consumers.read", "tail")), nil,
			[]string{"With read=cold: consumers read the backlog at 150,000 records/s (154 MB/s), while 315 MB were read from " +
				"the disk; produce p99 was 40.0 ms meanwhile and 6.00 ms in the load before."}},
		{"groups of consumers in the only cell", of(shaped(readers)), nil, []string{
			"The consumers of fast took 1,000 records/s with an end-to-end p99 of 9.00 ms; those of slow took 500 records/s " +
				"and left 5,000 unread, 3 were deleted before they came to them."}},
	} {
		var got []string
		for _, s := range Of(row.r, row.unforced) {
			if s.Kind == Choice {
				got = append(got, s.Marked())
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

// Goal: the most that was not forced to disk is that of one instant of one run, over all
// brokers, and is not told where samples of some are missing.
// Method: samples made by hand.
func TestUnforcedOf(t *testing.T) {
	samples := func(repeat int, node string, records ...int64) results.Activity {
		a := results.Activity{Repeat: repeat, Node: node, UnflushedRecords: records}
		for _, n := range records {
			a.UnflushedBytes = append(a.UnflushedBytes, 100*n)
		}
		return a
	}
	for _, row := range []struct {
		why     string
		all     []results.Activity
		brokers int
		want    Unforced
		ok      bool
	}{
		{"nothing is told", []results.Activity{{Repeat: 1, Node: "broker-1"}}, 1, Unforced{}, false},
		{"two brokers, at one instant", []results.Activity{samples(1, "broker-1", 9, 5, 1), samples(1, "broker-2", 1, 6, 2)},
			2, Unforced{11, 1100}, true},
		{"the worse of two runs", []results.Activity{samples(1, "broker-1", 3, 4), samples(2, "broker-1", 8)}, 1,
			Unforced{8, 800}, true},
		{"one of two brokers", []results.Activity{samples(1, "broker-1", 3, 4)}, 2, Unforced{4, 400}, false},
		{"a machine holds them all", []results.Activity{samples(1, "machine", 3, 4)}, 3, Unforced{4, 400}, true},
	} {
		if got, ok := UnforcedOf(row.all, row.brokers); got != row.want || ok != row.ok {
			t.Errorf("%s: %+v %v, want %+v %v", row.why, got, ok, row.want, row.ok)
		}
	}
}

// Goal: a cell keeps up with what came due in its measured window, not with a rate that
// chance, an end of the window or a part of a curve missed.
// Method: seconds made by hand of what was due and acknowledged, at a median in ns.
func TestGotThrough(t *testing.T) {
	type second struct{ due, acked, p50 int64 }
	for _, row := range []struct {
		why     string
		seconds []second
		offered float64 // of the cell
		rate    float64
		kept    bool
	}{
		{"all of it", []second{{1000, 1000, 1e6}, {1000, 1000, 1e6}}, 1000, 1000, true},
		{"fewer came due than the mean says", []second{{900, 900, 1e6}, {920, 920, 1e6}}, 1000, 910, true},
		{"more were under way at its end than at its begin", []second{{1000, 960, 50e6}, {1000, 1000, 50e6}}, 1000, 980,
			true},
		{"a part was never sent", []second{{1000, 900, 1e6}, {1000, 900, 1e6}}, 1000, 900, false},
		{"it falls behind from the start", []second{{1000, 800, 400e6}, {1000, 800, 900e6}}, 1000, 800, false},
		{"it falls behind", []second{{1000, 500, 1e6}, {1000, 500, 300e6}}, 1000, 500, false},
		{"what came due is not known", []second{{0, 500, 1e6}}, 1000, 500, false},
		{"it is not known and all got through", []second{{0, 995, 1e6}}, 1000, 995, true},
	} {
		c := shaped(func(c *results.Cell) {
			c.Load, c.AtSaturation, c.OfferedPerS, c.RecordsPerS = "open", false, row.offered, row.rate
			c.Repeats[0].Seconds = []results.Second{{Length: 1, Warmup: true, Offered: 1000, Acked: 1}}
			for _, s := range row.seconds {
				c.Repeats[0].Seconds = append(c.Repeats[0].Seconds, results.Second{Length: 1, Offered: s.due, Acked: s.acked,
					P50: s.p50})
			}
		})
		if share := gotThrough(&c); share >= keptUp != row.kept {
			t.Errorf("%s: %.3f", row.why, share)
		}
	}
}
