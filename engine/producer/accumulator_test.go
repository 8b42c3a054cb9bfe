package producer

import (
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

const linger = 5 * time.Millisecond

// made is an accumulator with partitions by broker, and batches added by hand.
type made struct {
	acc        accumulator
	partitions []*partitionQueue
}

// newMade makes partitions of which each names its broker.
func newMade(brokers ...int) *made {
	m := &made{acc: accumulator{linger: linger, memory: memory{limit: 100},
		brokers: make([]brokerQueue, slices.Max(brokers)+1)}}
	for i, broker := range brokers {
		q := &partitionQueue{}
		q.tp.Partition = int32(i)
		m.partitions = append(m.partitions, q)
		m.acc.place(q, broker)
	}
	return m
}

// add adds a batch of a size and a state to a partition.
func (m *made) add(partition int, state batchState, created env.Time, size int) *batch {
	b := m.acc.newBatch()
	b.tp, b.state, b.created, b.ratio = m.partitions[partition].tp, state, created, 1
	b.used, b.wireSize, b.count, b.limit = size, size, 1, 1<<20
	m.acc.add(m.partitions[partition], b)
	return b
}

// TestDueAt: when a partition's first batch may be sent (RecordAccumulator.batchReady).
func TestDueAt(t *testing.T) {
	const created = env.Time(1000)
	lingered := created.Add(linger)
	cases := []struct {
		why  string
		make func(m *made)
		want env.Time
	}{
		{"an empty partition is never due", func(*made) {}, env.Never},
		{"an open batch is due at the end of its linger", func(m *made) { m.add(0, batchOpen, created, 10) }, lingered},
		{"a sealed batch is due at once", func(m *made) { m.add(0, batchSealed, created, 10) }, 0},
		{"a batch that is being sealed is not due: its sealer wakes the sender",
			func(m *made) { m.add(0, batchSealing, created, 10) }, env.Never},
		{"the first batch counts: a sealed one with an open one behind it", func(m *made) {
			m.add(0, batchSealed, created, 10)
			m.add(0, batchOpen, created, 10)
		}, 0},
		{"nor does a sealed batch overtake one that is being sealed", func(m *made) {
			m.add(0, batchSealing, created, 10)
			m.add(0, batchSealed, created, 10)
		}, env.Never},
		{"a flush ends the linger", func(m *made) {
			m.add(0, batchOpen, created, 10)
			m.acc.beginFlush()
		}, 0},
		{"after the flush batches linger again", func(m *made) {
			m.add(0, batchOpen, created, 10)
			m.acc.endFlush(m.acc.beginFlush())
		}, lingered},
		{"somebody who waits for memory ends the linger", func(m *made) {
			m.add(0, batchOpen, created, 10)
			m.acc.memory.waiters = []*memoryWaiter{{cost: 1}}
		}, 0},
		{"without linger an open batch is due when it was created", func(m *made) {
			m.acc.linger = 0
			m.add(0, batchOpen, created, 10)
		}, created},
	}
	for _, c := range cases {
		m := newMade(0)
		c.make(m)
		if got := m.acc.dueAt(m.partitions[0]); got != c.want {
			t.Errorf("%s: due at %d, want %d", c.why, got, c.want)
		}
	}
}

// TestReady: a broker is ready when the first of its partitions is, and other
// brokers' partitions do not matter.
func TestReady(t *testing.T) {
	m := newMade(0, 0, 1)
	if at := m.acc.ready(0); at != env.Never {
		t.Errorf("nothing to send, ready at %d", at)
	}
	m.add(2, batchSealed, 0, 10)
	m.add(0, batchOpen, 300, 10)
	m.add(1, batchOpen, 200, 10)
	if at, want := m.acc.ready(0), env.Time(200).Add(linger); at != want {
		t.Errorf("two batches linger: ready at %d, want %d", at, want)
	}
	m.partitions[1].batches[0].state = batchSealed
	if at := m.acc.ready(0); at != 0 {
		t.Errorf("a full batch: ready at %d, want 0", at)
	}
}

// TestDrain: which batches go into one request, by partition.
func TestDrain(t *testing.T) {
	cases := []struct {
		why  string
		next int
		max  int
		make func(m *made)
		want []int32
		then int // partition where the next drain begins
	}{
		{"one batch of each partition, also of those that still linger", 0, 100, func(m *made) {
			m.add(0, batchOpen, 0, 10)
			m.add(1, batchSealed, 0, 10)
			m.add(1, batchSealed, 0, 10)
			m.add(2, batchOpen, 0, 10)
		}, []int32{0, 1, 2}, 0},
		{"beginning where the last one ended", 2, 100, func(m *made) {
			for i := range 3 {
				m.add(i, batchSealed, 0, 10)
			}
		}, []int32{2, 0, 1}, 2},
		{"up to max.request.size; the one that did not fit is the first next time", 0, 25, func(m *made) {
			for i := range 3 {
				m.add(i, batchSealed, 0, 10)
			}
		}, []int32{0, 1}, 2},
		{"one batch above max.request.size goes alone", 0, 25, func(m *made) {
			m.add(0, batchSealed, 0, 1000)
			m.add(1, batchSealed, 0, 10)
		}, []int32{0}, 1},
		{"a batch that is being sealed is passed over", 0, 100, func(m *made) {
			m.add(0, batchSealing, 0, 10)
			m.add(0, batchSealed, 0, 10)
			m.add(1, batchSealed, 0, 10)
		}, []int32{1}, 0},
		{"an empty partition too", 0, 100, func(m *made) { m.add(2, batchOpen, 0, 10) }, []int32{2}, 0},
	}
	for _, c := range cases {
		m := newMade(0, 0, 0)
		m.acc.brokers[0].next = c.next
		c.make(m)
		queued := m.acc.brokers[0].batches
		var got []int32
		for _, b := range m.acc.drain(0, c.max, 77, nil) {
			got = append(got, b.tp.Partition)
			if b.state == batchOpen {
				t.Errorf("%s: a drained batch is open", c.why)
			}
		}
		if !slices.Equal(got, c.want) || m.acc.brokers[0].next != c.then {
			t.Errorf("%s: drained %v, next %d, want %v, %d", c.why, got, m.acc.brokers[0].next, c.want, c.then)
		}
		if left := m.acc.brokers[0].batches; left != queued-len(got) {
			t.Errorf("%s: %d batches are left of %d", c.why, left, queued)
		}
	}
}

// TestDrainKeepsOrder: the batches of a partition leave in the order in which
// they were made, whatever lies in other partitions.
func TestDrainKeepsOrder(t *testing.T) {
	m := newMade(0, 0)
	for i := range 5 {
		m.add(0, batchSealed, env.Time(i), 10)
		m.add(1, batchSealed, env.Time(i), 30)
	}
	last := map[int32]int64{0: -1, 1: -1}
	for m.acc.brokers[0].batches > 0 {
		for _, b := range m.acc.drain(0, 35, 0, nil) {
			if b.number < last[b.tp.Partition] {
				t.Errorf("partition %d: batch %d after batch %d", b.tp.Partition, b.number, last[b.tp.Partition])
			}
			last[b.tp.Partition] = b.number
		}
	}
}

// TestMemory: buffer.memory is a limit that one batch may pass, when it is alone.
func TestMemory(t *testing.T) {
	cases := []struct {
		why        string
		used, cost int64
		want       bool
	}{
		{"all of it", 0, 100, true},
		{"one byte too many", 1, 100, false},
		{"exactly the rest", 60, 40, true},
		{"more than there is, alone", 0, 101, true},
	}
	for _, c := range cases {
		m := memory{limit: 100, used: c.used}
		if got := m.take(c.cost); got != c.want {
			t.Errorf("%s: taken is %v", c.why, got)
		}
		if want := c.used + c.cost; c.want && m.used != want || !c.want && m.used != c.used {
			t.Errorf("%s: %d bytes used", c.why, m.used)
		}
	}
}

// TestFlushCounts: a flush waits for the batches before it, in whatever order
// they end, and for none after it.
func TestFlushCounts(t *testing.T) {
	m := newMade(0)
	one, two := m.add(0, batchSealed, 0, 10), m.add(0, batchSealed, 0, 10)
	first := m.acc.beginFlush()
	three := m.add(0, batchSealed, 0, 10)
	second := m.acc.beginFlush()
	for _, step := range []struct {
		ends          *batch
		first, second int
	}{{three, 2, 2}, {two, 1, 1}, {one, 0, 0}} {
		m.acc.finish(step.ends)
		m.acc.recycle(step.ends)
		if first.left != step.first || second.left != step.second {
			t.Errorf("%d and %d batches left, want %d and %d", first.left, second.left, step.first, step.second)
		}
	}
	if m.acc.incomplete != 0 || m.acc.memory.used != 0 {
		t.Errorf("%d batches and %d bytes at the end", m.acc.incomplete, m.acc.memory.used)
	}
	if again := m.acc.newBatch(); again != one || again.count != 0 || again.used != 0 || again.state != batchOpen {
		t.Errorf("a used batch comes back as %+v", again)
	}
}

// TestHasRoom: when a batch takes another record, and when it is full
// (MemoryRecordsBuilder.hasRoomFor and isFull).
func TestHasRoom(t *testing.T) {
	rec := (&joining{Record: &Record{Value: make([]byte, 100)}}).measured()
	size := record.RecordSize(1, 0, nil, rec.Value, nil)
	cases := []struct {
		why        string
		b          batch
		room, full bool
	}{
		{"an empty batch takes any record", batch{limit: 10, used: record.HeaderSize, ratio: 1}, true, false},
		{"exactly to the limit", batch{limit: 500 + size, used: 500, count: 1, ratio: 1}, true, false},
		{"one byte above it", batch{limit: 499 + size, used: 500, count: 1, ratio: 1}, false, false},
		{"at the limit it is full", batch{limit: 500, used: 500, count: 1, ratio: 1}, false, true},
		{"compressed to a tenth, eight times the limit is room enough",
			batch{limit: 1000, used: 8 * 939, count: 1, ratio: 0.1}, true, false},
		{"but not ten times, for the margin of 1.05", batch{limit: 1000, used: 10 * 939, count: 1, ratio: 0.1}, false, true},
	}
	for _, c := range cases {
		if got := c.b.hasRoom(rec); got != c.room {
			t.Errorf("%s: has room is %v", c.why, got)
		}
		if got := c.b.isFull(); got != c.full {
			t.Errorf("%s: is full is %v", c.why, got)
		}
	}
}

// TestRatioEstimator: up at once or by 0.05, down by 0.005, as Kafka's
// CompressionRatioEstimator.
func TestRatioEstimator(t *testing.T) {
	cases := []struct {
		why            string
		from, observed float64
		want           float64
	}{
		{"a better ratio counts slowly", 1, 0.2, 0.995},
		{"and never past what was observed", 0.201, 0.2, 0.2},
		{"a worse one counts at least by 0.05", 0.5, 0.51, 0.55},
		{"and in full if that is more", 0.5, 0.9, 0.9},
		{"the same changes nothing", 0.5, 0.5, 0.5},
	}
	for _, c := range cases {
		e := ratioEstimator{c.from}
		e.observe(c.observed)
		if diff := e.ratio - c.want; diff > 1e-9 || diff < -1e-9 {
			t.Errorf("%s: %v, want %v", c.why, e.ratio, c.want)
		}
	}
}
