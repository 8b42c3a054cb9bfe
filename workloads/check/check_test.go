package check

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/engine/env"
	"brokerlab/workloads/payload"
)

func newChecker(t testing.TB, cfg Config) *Checker {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// play runs a history given as text. "s0" sends the next record of a producer,
// "a0:3" acknowledges sequence 3 at 3 s, "f0:3" fails it, "o0:3@1" observes it in
// partition 1, "c0:3@1" observes it corrupted; "|" starts another observer.
func play(t *testing.T, c *Checker, history string) {
	t.Helper()
	sent, offsets := map[uint16]uint64{}, map[int32]int64{}
	o := c.Observer()
	for _, step := range strings.Fields(history) {
		if step == "|" {
			o = c.Observer()
			continue
		}
		var producer uint16
		var sequence uint64
		var partition int32
		verb := step[0]
		text := strings.NewReplacer(":", " ", "@", " ").Replace(step[1:])
		if _, err := fmt.Sscan(text, &producer, &sequence, &partition); err != nil && len(text) > 3 {
			t.Fatalf("step %s: %v", step, err)
		}
		switch verb {
		case 's':
			c.Sender(producer).Sent(sent[producer])
			sent[producer]++
		case 'a':
			c.Sender(producer).Acked(sequence, env.Time(sequence)*1e9)
		case 'f':
			c.Sender(producer).Failed(sequence)
		case 'o', 'c':
			o.Observed(partition, offsets[partition], payload.ID{Producer: producer, Sequence: sequence}, verb == 'c')
			offsets[partition]++
		default:
			t.Fatalf("step %s", step)
		}
	}
}

// TestHistories: each finding is found, counted once and told in words. Method:
// short histories by hand.
func TestHistories(t *testing.T) {
	rows := []struct {
		sentence string
		history  string
		want     Result
	}{
		{"nothing happened", "", Result{}},
		{"two producers, all is well", "s0 s0 s1 a0:0 a0:1 a1:0 o1:0@0 o0:0@0 o0:1@1",
			Result{Sent: 3, Acked: 3, Observed: 3}},
		{"an acknowledged record did not come back", "s1 s1 s1 a1:0 a1:2 a1:1 o1:0@0 o1:2@0",
			Result{Sent: 3, Acked: 3, Observed: 2, Lost: 1, Examples: Examples{
				Lost: []string{"lost: producer 1 sequence 1, acknowledged between 0.000 s and 2.000 s"}}}},
		{"a single acknowledgement has an instant", "s0 s0 s0 a0:2",
			Result{Sent: 3, Acked: 1, Unknown: 2, Lost: 1, Examples: Examples{
				Lost: []string{"lost: producer 0 sequence 2, acknowledged at 2.000 s"}}}},
		{"a failed record may be there and may be missing", "s0 s0 f0:0 f0:1 o0:1@0",
			Result{Sent: 2, Failed: 2, Observed: 1}},
		{"so may one whose fate is unknown", "s0 s0 o0:1@0", Result{Sent: 2, Unknown: 2, Observed: 1}},
		{"a record came back twice", "s0 s0 a0:0 a0:1 o0:0@0 o0:1@0 o0:0@0",
			Result{Sent: 2, Acked: 2, Observed: 3, Duplicated: 1, Examples: Examples{
				Duplicated: []string{"duplicated: producer 0 sequence 0, again at partition 0 offset 2"}}}},
		{"three times counts twice", "s0 a0:0 o0:0@0 o0:0@0 o0:0@1",
			Result{Sent: 1, Acked: 1, Observed: 3, Duplicated: 2, Examples: Examples{Duplicated: []string{
				"duplicated: producer 0 sequence 0, again at partition 0 offset 1",
				"duplicated: producer 0 sequence 0, again at partition 1 offset 0"}}}},
		{"two observers saw the same record", "s0 s0 a0:0 o0:1@0 o0:0@1 | o0:0@0",
			Result{Sent: 2, Acked: 1, Unknown: 1, Observed: 3, Duplicated: 1, Examples: Examples{
				Duplicated: []string{"duplicated: producer 0 sequence 0, observed by two readers"}}}},
		{"a later record stands first", "s0 s0 s0 o0:0@0 o0:2@0 o0:1@0",
			Result{Sent: 3, Unknown: 3, Observed: 3, Reordered: 1, Examples: Examples{
				Reordered: []string{"reordered: producer 0 sequence 1 at partition 0 offset 2 comes after sequence 2"}}}},
		{"order is within one partition and one producer", "s0 s0 s1 s1 o0:1@0 o0:0@1 o1:1@1 o1:0@0",
			Result{Sent: 4, Unknown: 4, Observed: 4}},
		{"a damaged copy is corrupted, and its record is lost", "s0 s0 a0:0 a0:1 c0:0@1 o0:1@1",
			Result{Sent: 2, Acked: 2, Observed: 2, Lost: 1, Corrupted: 1, Examples: Examples{
				Lost: []string{"lost: producer 0 sequence 0, acknowledged between 0.000 s and 1.000 s"},
				Corrupted: []string{
					"corrupted: partition 1 offset 0 holds producer 0 sequence 0, whose content does not verify"}}}},
		{"a damaged copy beside an intact one is no duplicate", "s0 a0:0 o0:0@0 c0:0@0",
			Result{Sent: 1, Acked: 1, Observed: 2, Corrupted: 1, Examples: Examples{Corrupted: []string{
				"corrupted: partition 0 offset 1 holds producer 0 sequence 0, whose content does not verify"}}}},
		{"a sequence that was never sent", "s0 a0:0 o0:0@0 o0:1@0",
			Result{Sent: 1, Acked: 1, Observed: 2, Corrupted: 1, Examples: Examples{Corrupted: []string{
				"corrupted: producer 0 sequence 1 was observed and never sent"}}}},
		{"a producer that does not exist", "o2:5@0", Result{Observed: 1, Corrupted: 1, Examples: Examples{
			Corrupted: []string{"corrupted: partition 0 offset 0 holds producer 2 sequence 5, which was never sent"}}}},
		{"a sequence beyond all bounds", "o0:281474976710655@0", Result{Observed: 1, Corrupted: 1, Examples: Examples{
			Corrupted: []string{
				"corrupted: partition 0 offset 0 holds producer 0 sequence 281474976710655, which was never sent"}}}},
	}
	for _, row := range rows {
		c := newChecker(t, Config{Producers: 2, Partitions: 2})
		play(t, c, row.history)
		got := c.Result()
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.sentence, diff)
		}
		if want := row.want.Lost + row.want.Duplicated + row.want.Reordered + row.want.Corrupted; got.Bad() != want {
			t.Errorf("%s: bad %d, want %d", row.sentence, got.Bad(), want)
		}
		if all := got.Examples.All(); int64(len(all)) != got.Bad() {
			t.Errorf("%s: %d examples for %d findings", row.sentence, len(all), got.Bad())
		}
	}
}

// TestExamplesAreFew: examples stop at their limit and counts do not. Method: ten
// thousand records lost, over several chunks and two producers.
func TestExamplesAreFew(t *testing.T) {
	c := newChecker(t, Config{Producers: 2, Partitions: 1})
	for i := range uint64(10_000) {
		for producer := range uint16(2) {
			c.Sender(producer).Sent(i)
			c.Sender(producer).Acked(i, env.Time(i))
		}
	}
	r := c.Result()
	if r.Lost != 20_000 || len(r.Examples.Lost) != ExamplesMax {
		t.Errorf("%d lost, %d examples", r.Lost, len(r.Examples.Lost))
	}
}

// model is the checker as one would first write it: a map of everything.
type model struct {
	sent, acked, failed map[payload.ID]bool
	seen                map[payload.ID]int
	highest             map[stream]uint64 // +1
	reader              int               // of the observations
	readBefore          map[reading]bool
	r                   Result
}

type stream struct {
	producer  uint16
	partition int32
}

type reading struct {
	reader int
	id     payload.ID
}

func newModel() *model {
	return &model{sent: map[payload.ID]bool{}, acked: map[payload.ID]bool{}, failed: map[payload.ID]bool{},
		seen: map[payload.ID]int{}, highest: map[stream]uint64{}, readBefore: map[reading]bool{}}
}

func (m *model) observed(partition int32, id payload.ID, corrupted bool) {
	m.r.Observed++
	if corrupted {
		m.r.Corrupted++
		return
	}
	m.seen[id]++
	from := stream{id.Producer, partition}
	if m.seen[id] > 1 {
		m.r.Duplicated++
	}
	read := reading{m.reader, id}
	if !m.readBefore[read] && id.Sequence+1 < m.highest[from] {
		m.r.Reordered++
	}
	m.readBefore[read] = true
	m.highest[from] = max(m.highest[from], id.Sequence+1)
}

func (m *model) result() Result {
	m.r.Sent, m.r.Acked, m.r.Failed = int64(len(m.sent)), int64(len(m.acked)), int64(len(m.failed))
	m.r.Unknown = m.r.Sent - m.r.Acked - m.r.Failed
	for id := range m.acked {
		if m.seen[id] == 0 {
			m.r.Lost++
		}
	}
	for id := range m.seen {
		if !m.sent[id] {
			m.r.Corrupted++
		}
	}
	return m.r
}

// TestAgainstModel: the checker counts as a map of everything does. Method: random
// histories around the edges of words and chunks, seeded.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		const producers, partitions = 3, 4
		c, m := newChecker(t, Config{Producers: producers, Partitions: partitions}), newModel()
		var inLog [partitions][]payload.ID
		for producer := range uint16(producers) {
			count := [...]uint64{1, 2, 5, 63, 64, 65, 127, 200, 500, chunkBits - 1, chunkBits, chunkBits + 70}[random.IntN(12)]
			for sequence := range count {
				id := payload.ID{Producer: producer, Sequence: sequence}
				c.Sender(producer).Sent(sequence)
				m.sent[id] = true
				fate := random.IntN(100)
				switch {
				case fate < 90:
					c.Sender(producer).Acked(sequence, env.Time(sequence))
					m.acked[id] = true
				case fate < 95:
					c.Sender(producer).Failed(sequence)
					m.failed[id] = true
				}
				partition := random.IntN(partitions)
				for range [...]int{1, 1, 1, 1, 1, 1, 1, 0, 2, 3}[random.IntN(10)] {
					inLog[partition] = append(inLog[partition], id)
				}
			}
			if random.IntN(4) == 0 {
				never := payload.ID{Producer: producer, Sequence: count + random.Uint64N(3*chunkBits)}
				inLog[0] = append(inLog[0], never)
			}
		}
		disturb(random, inLog[:])
		var o *Observer
		for partition, ids := range inLog {
			if o == nil || seed%3 == 0 { // one for all partitions, or one for each
				o = c.Observer()
				m.reader++
			}
			for offset, id := range ids {
				corrupted := random.IntN(50) == 0
				o.Observed(int32(partition), int64(offset), id, corrupted)
				m.observed(int32(partition), id, corrupted)
			}
		}
		got := c.Result()
		got.Examples = Examples{}
		if diff := cmp.Diff(m.result(), got); diff != "" {
			t.Fatalf("seed %d (-model +checker):\n%s", seed, diff)
		}
	}
}

// disturb swaps near records, and copies some to another partition.
func disturb(random *rand.Rand, inLog [][]payload.ID) {
	for partition, ids := range inLog {
		for range len(ids) / 20 {
			i := random.IntN(len(ids))
			j := min(i+random.IntN(5), len(ids)-1)
			ids[i], ids[j] = ids[j], ids[i]
		}
		other := (partition + 1) % len(inLog)
		if len(ids) > 0 && random.IntN(3) == 0 {
			inLog[other] = slices.Insert(inLog[other], len(inLog[other])/2, ids[random.IntN(len(ids))])
		}
	}
}

// TestHalvesRunAtOnce: halves need no lock between them. Method: sending,
// acknowledging and observing goroutines, under the race detector.
func TestHalvesRunAtOnce(t *testing.T) {
	const producers, records = 3, 20_000
	c := newChecker(t, Config{Producers: producers, Partitions: producers})
	var group sync.WaitGroup
	for producer := range uint16(producers) {
		s, o := c.Sender(producer), c.Observer()
		group.Go(func() {
			for i := range uint64(records) {
				s.Sent(i)
			}
		})
		group.Go(func() {
			for i := range uint64(records) {
				s.Acked(i, env.Time(i))
			}
		})
		group.Go(func() {
			for i := range uint64(records) {
				o.Observed(int32(producer), int64(i), payload.ID{Producer: producer, Sequence: i}, false)
			}
		})
	}
	group.Wait()
	want := Result{Sent: producers * records, Acked: producers * records, Observed: producers * records}
	if diff := cmp.Diff(want, c.Result()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestOurOwnBugsPanic: a history that cannot have happened is the caller's bug.
// Method: table of impossible steps.
func TestOurOwnBugsPanic(t *testing.T) {
	rows := []struct {
		sentence string
		history  func(c *Checker)
		want     string
	}{
		{"a gap in what was sent", func(c *Checker) { c.Sender(0).Sent(1) },
			"check: producer 0 sent sequence 1 after 0 records"},
		{"acknowledged twice", func(c *Checker) { c.Sender(0).Acked(0, 1); c.Sender(0).Acked(0, 2) },
			"check: producer 0 sequence 0 has a second outcome"},
		{"failed after it was acknowledged", func(c *Checker) { c.Sender(0).Acked(0, 1); c.Sender(0).Failed(0) },
			"check: producer 0 sequence 0 has a second outcome"},
		{"acknowledged and never sent", func(c *Checker) { c.Sender(0).Acked(7, 1); c.Result() },
			"check: producer 0 sequence 7 has an outcome and was never sent"},
		{"a partition that does not exist", func(c *Checker) { c.Observer().Observed(1, 0, payload.ID{}, false) },
			"check: partition 1 of 1 observed"},
	}
	for _, row := range rows {
		func() {
			defer func() {
				if got := recover(); got != row.want {
					t.Errorf("%s: panic %v, want %s", row.sentence, got, row.want)
				}
			}()
			row.history(newChecker(t, Config{Producers: 1, Partitions: 1}))
		}()
	}
	for _, cfg := range []Config{{0, 1}, {1, 0}, {1<<16 + 1, 1}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

// TestMemory: a hundred million records take less than 40 MB. Method: heap growth
// for two million acknowledged and observed records, multiplied.
func TestMemory(t *testing.T) {
	const records = 2 << 20
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	c := newChecker(t, Config{Producers: 1, Partitions: 1})
	s, o := c.Sender(0), c.Observer()
	for i := range uint64(records) {
		s.Sent(i)
		s.Acked(i, env.Time(i))
		o.Observed(0, int64(i), payload.ID{Sequence: i}, false)
	}
	perRecord := float64(heap()-before) / records
	if of100M := perRecord * 100e6 / 1e6; of100M > 40 {
		t.Errorf("100 million records take %.1f MB", of100M)
	} else {
		t.Logf("100 million records take %.1f MB", of100M)
	}
	if r := c.Result(); r.Bad() != 0 || r.Observed != records {
		t.Errorf("%+v", r)
	}
}

func BenchmarkObserved(b *testing.B) {
	const producers, partitions = 4, 12
	c := newChecker(b, Config{Producers: producers, Partitions: partitions})
	o := c.Observer()
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		// As a fetch hands them out: runs of one producer and partition.
		run := i / 64
		id := payload.ID{Producer: uint16(run % producers), Sequence: i/256*64 + i%64}
		o.Observed(int32(run/producers%partitions), int64(i), id, false)
		i++
	}
	if o.counts.duplicated+o.counts.reordered+o.counts.corrupted != 0 {
		b.Fatalf("%+v", o.counts)
	}
}

func BenchmarkAcked(b *testing.B) {
	c := newChecker(b, Config{Producers: 1, Partitions: 1})
	s := c.Sender(0)
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		s.Sent(i)
		s.Acked(i, env.Time(i))
		i++
	}
}

func BenchmarkResult(b *testing.B) {
	c := newChecker(b, Config{Producers: 1, Partitions: 1})
	s, o := c.Sender(0), c.Observer()
	for i := range uint64(1 << 20) {
		s.Sent(i)
		s.Acked(i, env.Time(i))
		o.Observed(0, int64(i), payload.ID{Sequence: i}, false)
	}
	b.ReportAllocs()
	for b.Loop() {
		if c.Result().Bad() != 0 {
			b.Fatal("findings")
		}
	}
}
