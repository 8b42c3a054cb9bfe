package producer

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// retrying is newMade with retries, and with a producer id if it is idempotent.
func retrying(idempotent bool, brokers ...int) *made {
	m := newMade(brokers...)
	m.acc.expiryAt = env.Never
	m.acc.retry = retryPolicy{retries: 2, deliveryTimeout: time.Minute, backoff: client.Backoff{Initial: 100, Max: 1000,
		Random: rand.New(rand.NewPCG(1, 2))}}
	m.acc.ids = identity{on: idempotent, now: producerID{id: 1}}
	for _, q := range m.partitions {
		q.sequences.of = noProducer
	}
	return m
}

// drained drains broker 0 and returns the batches.
func (m *made) drained(now env.Time) []*batch { return m.acc.drain(0, 1<<20, now, nil) }

// sequencesOf is the base sequences and epochs.
func sequencesOf(batches ...*batch) (out []string) {
	for _, b := range batches {
		out = append(out, fmt.Sprintf("%d/%d", b.id.epoch, b.sequence))
	}
	return out
}

// TestSettle: what becomes of a batch after an answer or the lack of one (Sender.canRetry).
func TestSettle(t *testing.T) {
	const minute = env.Time(time.Minute)
	broken := fmt.Errorf("send: %w", env.ErrReset)
	cases := []struct {
		why      string
		err      error
		attempts int
		now      env.Time
		final    bool
		want     string // part of the error
	}{
		{"acknowledged", nil, 0, 5, true, "<nil>"},
		{"a broken connection: again", broken, 0, 5, false, ""},
		{"a retriable answer: again", protocol.ErrNotLeaderOrFollower, 1, 5, false, ""},
		{"retries are used up", broken, 2, 5, true, env.ErrReset.Error()},
		{"an answer that will not change", protocol.ErrMessageTooLarge, 0, 5, true, "MESSAGE_TOO_LARGE"},
		{"delivery.timeout.ms has passed", broken, 0, minute, true,
			"expiring 1 records for -0: 1m0s has passed since batch creation, delivery.timeout.ms is 1m0s; " +
				"the last of 1 failed attempts: send: connection reset by peer"},
		{"not a fault of the connection: a broker that answers nonsense", errors.New("nonsense"), 0, 5, true, "nonsense"},
	}
	for _, c := range cases {
		m := retrying(false, 0)
		b := m.add(0, batchSealed, 0, 10)
		younger := m.add(0, batchSealed, 0, 10)
		m.drained(1)
		b.attempts = c.attempts
		if final := m.acc.settle(b, c.err, c.now); final != c.final {
			t.Errorf("%s: final is %v", c.why, final)
		}
		switch q := m.partitions[0]; {
		case len(q.flying) != 0:
			t.Errorf("%s: it still flies", c.why)
		case c.final && (len(q.batches) != 1 || !strings.Contains(fmt.Sprint(b.err), c.want)):
			t.Errorf("%s: %v", c.why, b.err)
		case !c.final && (!slices.Equal(q.batches, []*batch{b, younger}) || m.acc.dueAt(q) <= c.now):
			t.Errorf("%s: %d batches wait, due at %v", c.why, len(q.batches), m.acc.dueAt(q))
		}
	}
}

// TestSequences: which sequences batches get, and which wait for which. Method: a
// partition of batches of one record; each step drains what may go.
func TestSequences(t *testing.T) {
	m := retrying(true, 0)
	q := m.partitions[0]
	var all []*batch
	for range 7 {
		all = append(all, m.add(0, batchSealed, 0, 10))
	}
	for range inFlightMax {
		m.drained(1)
	}
	if got := sequencesOf(all[:5]...); !slices.Equal(got, []string{"0/0", "0/1", "0/2", "0/3", "0/4"}) {
		t.Errorf("sequences %v", got)
	}
	if m.acc.ready(0) != env.Never {
		t.Error("more than five batches fly")
	}
	for _, b := range all[:5] { // the connection breaks
		m.acc.settle(b, env.ErrReset, 1)
	}
	if !slices.Equal(q.batches, all) {
		t.Error("the batches do not wait in their order")
	}
	if again := m.drained(10_000); !slices.Equal(again, all[:1]) || all[0].sequence != 0 {
		t.Errorf("sent again: %v", sequencesOf(again...))
	}
	if m.acc.ready(0) != env.Never {
		t.Error("a second batch goes before the first of the retries is answered")
	}
	for _, b := range all {
		m.acc.settle(b, nil, 10_000)
		m.drained(10_000)
	}
	if got := sequencesOf(all[6]); !slices.Equal(got, []string{"0/6"}) || q.sequences.lastAcked != 6 {
		t.Errorf("the last one has %v, acknowledged is %d", got, q.sequences.lastAcked)
	}
}

// TestNewEpoch: what makes a partition count from 0 again. Method: three batches
// fly, the first of them ends in some way, then the others.
func TestNewEpoch(t *testing.T) {
	outOfOrder := error(protocol.ErrOutOfOrderSequence)
	cases := []struct {
		why    string
		first  error
		others error
		want   []string // of the second, the third and a new one
	}{
		{"all is well", nil, nil, []string{"0/1", "0/2", "0/3"}},
		{"the first is refused: those behind it are numbered anew", protocol.ErrMessageTooLarge, outOfOrder,
			[]string{"1/0", "1/1", "1/2"}},
		{"the first is given up, and the broker had it", env.ErrReset, nil, []string{"0/1", "0/2", "0/3"}},
		{"the first is acknowledged, and a new leader has lost it and knows no producer", nil, outOfOrder,
			[]string{"1/0", "1/1", "1/2"}},
		{"the first is given up, and the broker had it not", env.ErrReset, outOfOrder, []string{"1/0", "1/1", "1/2"}},
	}
	for _, c := range cases {
		m := retrying(true, 0)
		var all []*batch
		for range 4 {
			all = append(all, m.add(0, batchSealed, 0, 10))
		}
		for range 3 {
			m.drained(1)
		}
		all[0].attempts = m.acc.retry.retries
		if !m.acc.settle(all[0], c.first, 1) {
			t.Errorf("%s: the first is sent again", c.why)
		}
		for _, b := range all[1:3] {
			m.acc.settle(b, c.others, 1)
		}
		for now := env.Time(10_000); len(m.partitions[0].batches) > 0; now += 10_000 {
			batches := m.drained(now)
			if len(batches) != 1 {
				t.Fatalf("%s: %d batches drained", c.why, len(batches))
			}
			m.acc.settle(batches[0], nil, now)
		}
		if got := sequencesOf(all[1:]...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
	}
}

// TestAnswerOfAnOldLeader: a batch whose answer was lost is not given a new name
// after later ones are acknowledged, although the broker does not remember it: it
// would be there twice. Method: two batches fly, the second is acknowledged, and
// the first is out of order; their sequences wrap around.
func TestAnswerOfAnOldLeader(t *testing.T) {
	m := retrying(true, 0)
	m.partitions[0].sequences = sequences{of: m.acc.ids.now, next: math.MaxInt32, lastAcked: math.MaxInt32 - 1}
	first, second := m.add(0, batchSealed, 0, 10), m.add(0, batchSealed, 0, 10)
	first.count, second.count = 2, 2
	m.drained(1)
	m.drained(1)
	m.acc.settle(second, nil, 1)
	m.acc.settle(first, protocol.ErrOutOfOrderSequence, 1)
	again := m.drained(10_000)
	if got := sequencesOf(again...); len(again) != 1 || again[0] != first || got[0] != "0/2147483647" {
		t.Errorf("sent again: %v", got)
	}
	m.acc.settle(first, nil, 10_000)
	if last := m.partitions[0].sequences.lastAcked; last != 2 {
		t.Errorf("the last that is acknowledged is %d, want 2", last)
	}
}

// TestExpire: batches that wait and batches that fly are given up at
// delivery.timeout.ms, each once; the next look is at the oldest that is left.
func TestExpire(t *testing.T) {
	m := retrying(true, 0)
	limit := env.Time(m.acc.retry.deliveryTimeout)
	flies := m.add(0, batchSealed, 0, 10)
	m.drained(1)
	flies.state = batchSealed
	waits, young := m.add(0, batchOpen, 1, 10), m.add(0, batchOpen, 50, 10)
	if m.acc.expiryAt != limit {
		t.Errorf("first look at %v", m.acc.expiryAt)
	}
	if out := m.acc.expire(limit+1, nil); !slices.Equal(out, []*batch{flies, waits}) || m.acc.expiryAt != limit+50 {
		t.Errorf("%d expired, next look at %v", len(out), m.acc.expiryAt)
	}
	var expired *ExpiredError
	if !errors.As(flies.err, &expired) || !errors.Is(flies.err, env.ErrTimeout) || flies.holders != 2 ||
		!m.partitions[0].sequences.unresolved || young.state != batchOpen {
		t.Errorf("the batch in flight: %v, %d holders", flies.err, flies.holders)
	}
}

// TestMove: a partition goes to its new leader with what waits, at once; without a
// leader it waits.
func TestMove(t *testing.T) {
	m := retrying(false, 0, 1)
	b := m.add(0, batchSealed, 0, 10)
	m.drained(1)
	m.acc.settle(b, protocol.ErrNotLeaderOrFollower, 1)
	m.acc.move(m.partitions[0], noBroker)
	if m.acc.ready(0) != env.Never || len(m.acc.leaderless) != 1 || m.acc.brokers[0].batches != 0 {
		t.Error("a broker is ready without being the leader")
	}
	m.acc.move(m.partitions[0], 1)
	if at := m.acc.ready(1); at != 0 || m.acc.brokers[1].batches != 1 || len(m.acc.leaderless) != 0 {
		t.Errorf("the new leader is ready at %v", at)
	}
}

// noCond is the condition of a waiter that nobody waits for.
type noCond struct{ env.Cond }

func (noCond) Signal() {}

// TestMemoryInTurn: waiters get memory in the order in which they came; a newcomer
// does not overtake them, and one that leaves makes way.
func TestMemoryInTurn(t *testing.T) {
	m := memory{limit: 100, used: 90}
	large, small := &memoryWaiter{cost: 60, cond: noCond{}}, &memoryWaiter{cost: 10, cond: noCond{}}
	m.waiters = []*memoryWaiter{large, small}
	if m.take(5) {
		t.Error("a newcomer overtook the waiters")
	}
	if m.give(40); large.given || small.given || m.used != 50 {
		t.Error("a small one overtook a large one")
	}
	if m.leave(large); !small.given || m.used != 60 || m.awaited() {
		t.Errorf("after the large one left: given %v, %d used", small.given, m.used)
	}
}

// TestMurmur2: the values of Kafka's UtilsTest.testMurmur2.
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string":                       -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) is %d, want %d", key, got, want)
		}
		if p, positive := partitionForKey([]byte(key), 7), want&math.MaxInt32; p != positive%7 {
			t.Errorf("key %q goes to partition %d, want %d", key, p, positive%7)
		}
	}
}

// TestAdaptive: partitions with short queues are chosen more often, by the
// difference to the longest (KIP-794), and those without a leader never.
func TestAdaptive(t *testing.T) {
	tp := newTopic(4)
	tp.adaptive = true
	for i, queued := range []int{0, 3, 1, 0} { // weights 4, 1, 3: of the fourth nothing
		tp.partitions[i].batches = make([]*batch, queued)
	}
	tp.partitions[3].broker = noBroker
	var chosen [4]int
	for range 8000 {
		tp.stickTo()
		chosen[tp.sticky]++
	}
	for i, want := range []int{4000, 1000, 3000, 0} {
		if got := chosen[i]; got < want*9/10 || got > want*11/10 {
			t.Errorf("partition %d was chosen %d times, want about %d", i, got, want)
		}
	}
}

// TestRoundRobin: one after the other, without those that have no leader.
func TestRoundRobin(t *testing.T) {
	tp := newTopic(3)
	var got []int32
	for range 4 {
		got = append(got, tp.nextTurn())
	}
	tp.partitions[1].broker = noBroker
	for range 4 {
		got = append(got, tp.nextTurn())
	}
	if want := []int32{0, 1, 2, 0, 0, 2, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("went %v, want %v", got, want)
	}
}

// TestRewrittenHeader: a batch that was sent keeps its bytes when it gets another
// sequence: the new header is in front of shared records.
func TestRewrittenHeader(t *testing.T) {
	sealed(t, 0, sealedRecords, func(b *batch, wire []byte) {
		before := slices.Clone(wire)
		sent := b.wire.Retain()
		b.id, b.sequence, b.headed = producerID{id: 5, epoch: 2}, 40, false
		b.head(testNode)
		now := make([]byte, b.wire.Len())
		if err := b.wire.ReadAt(now, 0); err != nil {
			t.Error(err)
		}
		h, err := record.ParseHeader(now)
		if err != nil || h.ProducerID != 5 || h.ProducerEpoch != 2 || h.BaseSequence != 40 ||
			h.CRC != record.UpdateCRC(0, now[record.AttributesOffset:]) {
			t.Errorf("header %+v, %v", h, err)
		}
		if !slices.Equal(wire, before) || !slices.Equal(now[record.HeaderSize:], before[record.HeaderSize:]) {
			t.Error("the bytes that were sent are not the same any more")
		}
		sent.Release()
	})
}
