package run

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// grouped has two groups of producers, three of consumers, and all phases.
const grouped = `
cluster: {brokers: 1}
topic: {partitions: 4}
producers:
  compression.type: none
  groups:
    orders: {count: 2, acks: all, linger.ms: 0, load.rate: 400/s, records.size: 200B}
    clicks: {count: 1, acks: 1, load.rate: 2000/s, records.size: 1KiB}
consumers:
  groups:
    live: {}
    slow: {rate: 500/s}
    history: {count: 2, read: cold}
records: {payload: random}
load: {warmup: 400ms, warmup.rate: 100/s, duration: 1500ms, read.rate: same, read.ratio: 50%, drain: 500ms}
`

// groupOfCell finds a group.
func groupOfCell(t *testing.T, c *results.Cell, name string) *results.Group {
	t.Helper()
	i := slices.IndexFunc(c.Groups, func(g results.Group) bool { return g.Name == name })
	if i < 0 {
		t.Fatalf("no group %s in %+v", name, c.Groups)
	}
	return &c.Groups[i]
}

// phaseOfCell finds a phase.
func phaseOfCell(t *testing.T, c *results.Cell, name string) *results.Phase {
	t.Helper()
	i := slices.IndexFunc(c.Phases, func(p results.Phase) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no phase %s in %+v", name, c.Phases)
	}
	return &c.Phases[i]
}

// Goal: groups run with their own settings through all phases, each measured by itself;
// a consumer that is too slow is told of and is no loss. Method: one scenario in both
// worlds, in the simulated one on a hard disk, where what is cold is read from it. There
// rates are those of the settings but for what is under way at the ends of a window; for
// real, on a machine that may be busy, what came due is, and nothing is faster.
func TestGroups(t *testing.T) {
	for _, disk := range []string{"dir:" + filepath.Join(t.TempDir(), "data"), "hdd-7200"} {
		if raceSkips(disk) {
			continue
		}
		out, err := execute(t, grouped, disk, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &out.Result.Cells[0]
		checkGroups(t, c)
		checkTiming(t, c)
		checkPhases(t, c)
		for _, latency := range []string{results.Produce, results.ReadLatency(results.Produce),
			results.GroupLatency(results.GroupProducers, "orders", results.Produce),
			results.GroupLatency(results.GroupConsumers, "history", results.EndToEnd)} {
			if hs, err := out.Folder.Histograms(0, latency); err != nil || len(hs) == 0 {
				t.Errorf("%s: %d histograms of %s, %v", disk, len(hs), latency, err)
			}
		}
		activity, err := out.Folder.Activity(0)
		if err != nil || len(activity) == 0 || len(activity[0].Phases) != 4 {
			t.Errorf("%s: activity %v, %v", disk, len(activity), err)
		}
		if read := phaseOfCell(t, c, results.PhaseRead); c.Target == results.TargetSim &&
			(read.PageCache == nil || *read.PageCache.HitRatio > 0.9 || read.Disk.BytesRead < 1e6) {
			t.Errorf("what is cold was in the page cache: %+v, %+v", read.PageCache, read.Disk)
		}
	}
}

func checkGroups(t *testing.T, c *results.Cell) {
	t.Helper()
	orders, clicks := groupOfCell(t, c, "orders"), groupOfCell(t, c, "clicks")
	live, slow, history := groupOfCell(t, c, "live"), groupOfCell(t, c, "slow"), groupOfCell(t, c, "history")
	if c.Bad() != 0 || c.Failed != 0 || orders.Acked+clicks.Acked != c.Acked || orders.Sent+clicks.Sent != c.Sent {
		t.Errorf("counts of all %+v, of orders %+v, of clicks %+v", c.Counts, orders.Counts, clicks.Counts)
	}
	if live.Consumed != c.Acked || history.Consumed != c.Acked || live.Unread+history.Unread != 0 {
		t.Errorf("of %d acknowledged live read %d and history %d", c.Acked, live.Consumed, history.Consumed)
	}
	if slow.Consumed+slow.Unread != c.Acked || slow.Unread == 0 ||
		!strings.Contains(strings.Join(c.Warnings, "\n"), "consumers of group slow had ") {
		t.Errorf("slow read %d of %d and left %d: %q", slow.Consumed, c.Acked, slow.Unread, c.Warnings)
	}
	if c.Consumed != live.Consumed+slow.Consumed+history.Consumed {
		t.Errorf("%d consumed by all", c.Consumed)
	}
	for _, g := range []struct {
		of    *results.Group
		rate  float64 // of records
		bytes float64 // of a record
	}{{orders, 400, 200}, {clicks, 2000, 1024}} {
		if g.of.OfferedPerS != g.rate || float64(g.of.BytesRecords) != g.bytes*float64(g.of.Sent) {
			t.Errorf("%s: %.0f records/s offered, %d bytes in %d records", g.of.Name, g.of.OfferedPerS, g.of.BytesRecords,
				g.of.Sent)
		}
	}
	if sum := orders.Latency[results.Produce].Count + clicks.Latency[results.Produce].Count; sum !=
		c.Latency[results.Produce].Count {
		t.Errorf("%d latencies of groups, %d of all", sum, c.Latency[results.Produce].Count)
	}
	checkRates(t, c)
}

// underWay is how many seconds of a rate may be under way at the ends of a window: what
// batches wait for there, and on a disk.
const underWay = 0.02

// checkRates holds the rates of groups and phases against the settings.
func checkRates(t *testing.T, c *results.Cell) {
	t.Helper()
	simulated := c.Target == results.TargetSim
	of := func(what string, got, want, window float64) {
		t.Helper()
		if off := (want*underWay + 1) / window; simulated && math.Abs(got-want) > off {
			t.Errorf("%s: %.1f records/s, want %.1f to %.1f", what, got, want, off)
		}
	}
	for i, name := range []string{results.PhaseWarmup, results.PhaseLoad, results.PhaseRead} {
		p := phaseOfCell(t, c, name)
		for group, rate := range map[string][]float64{"orders": {100, 400, 400}, "clicks": {100, 2000, 2000}} {
			at := slices.IndexFunc(p.Groups, func(g results.PhaseGroup) bool { return g.Name == group })
			of(name+" of "+group, p.Groups[at].RecordsPerS, rate[i], p.EndS-p.StartS)
		}
	}
	live, slow, history := groupOfCell(t, c, "live"), groupOfCell(t, c, "slow"), groupOfCell(t, c, "history")
	of("orders", groupOfCell(t, c, "orders").RecordsPerS, 400, c.MeasuredS)
	of("clicks", groupOfCell(t, c, "clicks").RecordsPerS, 2000, c.MeasuredS)
	of("live", live.ConsumedPerS, 2400, c.MeasuredS)
	// A poll of the slow ones takes a tenth of a second's records, which they then work on.
	if most := 500 + 50/c.MeasuredS; slow.ConsumedPerS > most || simulated && slow.ConsumedPerS < 500-50/c.MeasuredS {
		t.Errorf("slow took %.1f records/s, want 500 and no more than %.1f", slow.ConsumedPerS, most)
	}
	if simulated && history.ConsumedPerS < 3000 {
		t.Errorf("history took %.1f records/s of a backlog", history.ConsumedPerS)
	}
	due := int64(0)
	for i := range c.Repeats[0].Seconds {
		if s := &c.Repeats[0].Seconds[i]; s.Phase == results.PhaseWarmup || s.Phase == results.PhaseLoad {
			due += s.Offered
		}
	}
	if want := int64(2*100*0.4 + 2400*1.1); due != want {
		t.Errorf("%d records came due in warm-up and load, want %d", due, want)
	}
	checkSums(t, c)
}

func checkPhases(t *testing.T, c *results.Cell) {
	t.Helper()
	at := 0.0
	for i, want := range []string{results.PhaseWarmup, results.PhaseLoad, results.PhaseRead, results.PhaseDrain} {
		p := phaseOfCell(t, c, want)
		if c.Phases[i].Name != want || p.StartS < at-1e-9 || p.EndS <= p.StartS {
			t.Errorf("phase %d is %+v", i, p.PhaseSpan)
		}
		at = p.EndS
	}
	read := phaseOfCell(t, c, results.PhaseRead)
	if read.Latency[results.Produce].Count == 0 || read.ConsumedPerS == 0 {
		t.Errorf("reading: %+v", read.PhaseFigures)
	}
	var phases []string
	for _, s := range c.Repeats[0].Seconds {
		if !slices.Contains(phases, s.Phase) {
			phases = append(phases, s.Phase)
		}
		if s.Measured() != (s.Phase == results.PhaseLoad) {
			t.Errorf("a second of %q: %+v", s.Phase, s)
		}
	}
	if !slices.Equal(phases, []string{results.PhaseWarmup, results.PhaseLoad, results.PhaseRead}) {
		t.Errorf("seconds of %q", phases)
	}
}

// Goal: groups and phases of one seed give one result. Method: twice, with two repeats
// that are merged.
func TestGroupsAreDeterministic(t *testing.T) {
	skipUnderRace(t)
	var texts [][]byte
	for range 2 {
		out, err := execute(t, grouped, "nvme", func(f *spec.File) { f.Base.Repeat = 2 })
		if err != nil {
			t.Fatal(err)
		}
		c := &out.Result.Cells[0]
		if orders := groupOfCell(t, c, "orders"); orders.Sent != c.Repeats[0].Groups[0].Sent+c.Repeats[1].Groups[0].Sent {
			t.Errorf("%d sent by orders in both repeats", orders.Sent)
		}
		text, err := results.Encode(withoutWall(out.Result))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("one seed gave two results")
	}
}

// Goal: what takes longer than it may is given up and told of in words, and nothing is
// lost by it. Method: table of limits that are too short.
func TestLimits(t *testing.T) {
	skipUnderRace(t)
	for _, c := range []struct {
		why, text, want string
		check           func(c *results.Cell) bool
	}{
		{"producers on a disk that is forced for each batch", `
producers: {batch.size: 200B, acks: all, compression.type: none, buffer.memory: 64KiB}
topic: {flush.messages: 1, partitions: 1}
cluster: {brokers: 1}
load: {warmup: 0s, duration: 300ms, drain: 100ms, max-bytes: 1MB}
records: {size: 100B, payload: random}`, "producers had not finished within load.drain",
			func(c *results.Cell) bool { return c.Failed > 0 && c.Acked > 0 }},
		{"producers that do not catch up, of whose records 8 KiB were under way", `
producers: {batch.size: 2KiB, buffer.memory: 8KiB, linger.ms: 0ms}
topic: {flush.messages: 1, partitions: 1}
cluster: {brokers: 1}
load: {warmup: 0s, duration: 500ms, rate: 4000/s, catch-up: true, drain: 100ms}
records: {size: 1000B, payload: random}`, "load.drain, ended before the producers had caught up",
			func(c *results.Cell) bool {
				return c.Failed > 0 && c.Failed <= 8 && c.Acked > 0 && c.Sent+c.Unsent == 2000 && c.Acked+c.Failed == c.Sent
			}},
		{"a reading that is limited", `
cluster: {brokers: 1}
topic: {partitions: 2}
consumers: {read: backlog, rate: 1000/s}
records: {size: 100B, payload: random}
load: {warmup: 0s, duration: 500ms, rate: 10000/s, read.limit: 1s, drain: 200ms}`, "load.read.limit 1s was over",
			func(c *results.Cell) bool {
				return c.Consumed < c.Acked && c.ConsumedPerS > 900 && c.ConsumedPerS < 1100
			}},
		{"retention that overtakes a slow consumer", `
cluster: {brokers: 1, log.retention.check.interval.ms: 50ms}
topic: {partitions: 1, segment.bytes: 16KiB, retention.bytes: 16KiB}
consumers: {rate: 100/s, max.partition.fetch.bytes: 1KiB, fetch.max.bytes: 1KiB}
records: {size: 100B, payload: random}
producers: {batch.size: 1KiB, compression.type: none}
load: {warmup: 0s, duration: 2s, rate: 2000/s, drain: 1s}`, "before consumers came to them",
			func(c *results.Cell) bool { return c.Consumed < c.Acked }},
		{"a load that ends when the backlog is large enough", `
cluster: {brokers: 1}
consumers: {read: backlog}
records: {size: 100B, payload: random}
load: {warmup: 0s, duration: 1m, rate: 10000/s, read.after: 500kB}`, "",
			func(c *results.Cell) bool { return c.Acked >= 5000 && c.Acked < 6000 && c.Consumed == c.Acked }},
	} {
		out, err := execute(t, c.text, "hdd-7200", nil)
		if err != nil {
			t.Errorf("%s: %v", c.why, err)
			continue
		}
		cell := &out.Result.Cells[0]
		if said := strings.Join(cell.Warnings, "\n"); !strings.Contains(said, c.want) || cell.Bad() != 0 || !c.check(cell) {
			t.Errorf("%s: %+v, %.0f consumed/s, %q", c.why, cell.Counts, cell.ConsumedPerS, said)
		}
	}
}

// Goal: a group that has nobody in it is left out of all, so that what it costs the
// others can be varied. Method: groups of 0 and 1.
func TestEmptyGroup(t *testing.T) {
	skipUnderRace(t)
	out, err := execute(t, grouped+`
vary:
  producers.groups.clicks.count: [0, 1]
  consumers.groups.history.count: [0, 2]
`, DiskSim, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range out.Result.Cells {
		c := &out.Result.Cells[i]
		offered, reads := 400.0, c.Labels["history.count"] == "2"
		if c.Labels["clicks.count"] == "1" {
			offered = 2400
		}
		found := slices.ContainsFunc(c.Phases, func(p results.Phase) bool { return p.Name == results.PhaseRead })
		if c.OfferedPerS != offered || found != reads || c.Acked == 0 || c.Bad() != 0 {
			t.Errorf("%v: %.0f offered, reading %v, %+v", c.Labels, c.OfferedPerS, found, c.Counts)
		}
	}
}

// Goal: several topics are written and read each by clients of its own, and what is read back is held against
// all of them. Method: three topics of two partitions in both worlds, with clients for each, with more producers and
// with one consumer for all; leaders are spread over the brokers, and every record is read once by each group.
func TestTopics(t *testing.T) {
	const topics = `
cluster: {brokers: 3}
topic: {count: 3, partitions: 2, replication.factor: 1}
producers: {count: 4, compression.type: none}
consumers: {groups: {each: {count: 3}, one: {count: 1}, many: {count: 6}}}
records: {size: 200, payload: random}
load: {rate: 3000/s, warmup: 0s, duration: 400ms}
`
	for _, disk := range []string{"dir:" + filepath.Join(t.TempDir(), "data"), "sim"} {
		out, err := execute(t, topics, disk, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &out.Result.Cells[0]
		if c.Acked < 1000 || c.Acked != c.Sent || c.Failed != 0 || c.Bad() != 0 {
			t.Errorf("%s: %+v", disk, c.Counts)
		}
		for _, name := range []string{"each", "one", "many"} {
			if g := groupOfCell(t, c, name); g.Consumed != c.Acked {
				t.Errorf("%s: group %s read %d of %d", disk, name, g.Consumed, c.Acked)
			}
		}
		// Producers 1 and 4 are of the first topic, so that it has half of the records.
		records := c.Partitions.Records
		if len(records) != 6 || records[0]+records[1] < 2*(records[2]+records[3])-20 || records[4]+records[5] == 0 {
			t.Errorf("%s: records of partitions %v", disk, records)
		}
	}
}

// Goal: partitions of several topics are shared out evenly, and consumers are of one topic where there are as
// many for each. Method: a row for each number of consumers, with the topics of each.
func TestAssignedTo(t *testing.T) {
	for _, row := range []struct {
		topics, partitions, consumers int
		want                          string
	}{
		{1, 5, 2, "024 13"},
		{3, 2, 3, "00 11 22"},
		{3, 2, 6, "0 0 1 1 2 2"},
		{2, 3, 4, "0 00 1 11"},
		{4, 1, 2, "01 23"},
		{3, 1, 2, "0 12"},
		{3, 2, 1, "001122"},
	} {
		s := &spec.Scenario{Cluster: spec.Cluster{Brokers: 1}, Topic: spec.Topic{Name: "t", Count: row.topics,
			Partitions: row.partitions, ReplicationFactor: 1}}
		plan, err := planOf(s)
		if err != nil {
			t.Fatal(err)
		}
		r := &repeat{s: s, plan: plan}
		var got []string
		for i := range row.consumers {
			var of strings.Builder
			for _, tp := range r.assignedTo(i, row.consumers) {
				if row.topics == 1 {
					fmt.Fprint(&of, tp.Partition)
				} else {
					of.WriteString(strings.TrimPrefix(tp.Topic, "t-"))
				}
			}
			got = append(got, of.String())
		}
		if all := strings.Join(got, " "); all != row.want {
			t.Errorf("%+v: %s", row, all)
		}
	}
}
