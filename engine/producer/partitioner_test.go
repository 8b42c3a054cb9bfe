package producer

import (
	"math/rand/v2"
	"testing"
)

// TestStickyPartition: when records without a partition move on to another one
// (BuiltInPartitioner.updatePartitionInfo with batch.size 100).
func TestStickyPartition(t *testing.T) {
	cases := []struct {
		why       string
		stuck     int
		bytes     int
		batchFull bool
		moves     bool
	}{
		{"less than batch.size stays, also with a full batch", 50, 49, true, false},
		{"batch.size and a full batch: it moves", 50, 50, true, true},
		{"batch.size and a batch that is open: it stays, or that one would linger", 50, 50, false, false},
		{"twice batch.size: it moves in any case", 100, 100, false, true},
	}
	for _, c := range cases {
		tp := newTopic(8)
		tp.stuckBytes = c.stuck
		tp.appended(c.bytes, 100, c.batchFull)
		if moved := tp.stuckBytes == 0; moved != c.moves {
			t.Errorf("%s: %d bytes are stuck", c.why, tp.stuckBytes)
		}
	}
	tp := newTopic(8)
	if tp.stuckBytes = 99; tp.changed(100) {
		t.Error("it moved before a new batch although less than batch.size went in")
	}
	if tp.stuckBytes = 100; !tp.changed(100) || tp.stuckBytes != 0 || tp.changed(100) {
		t.Error("it did not move, once, before a new batch after batch.size")
	}
}

func newTopic(partitions int) *topicState {
	tp := &topicState{random: rand.New(rand.NewPCG(1, 2))}
	for range partitions {
		tp.partitions = append(tp.partitions, &partitionQueue{})
	}
	return tp
}

// TestStickySpread: in the long run each partition gets its share of the bytes.
func TestStickySpread(t *testing.T) {
	const partitions, records, size = 6, 120_000, 100
	tp := newTopic(partitions)
	var bytes [partitions]int
	for i := range records {
		at := tp.sticky
		bytes[at] += size
		tp.appended(size, 1000, i%5 == 4)
	}
	for p, n := range bytes {
		if share := float64(n) / (records * size) * partitions; share < 0.9 || share > 1.1 {
			t.Errorf("partition %d has %.2f of its share", p, share)
		}
	}
}

// Goal: among many partitions one is drawn from the weights of byLoad, and the
// lengths of queues are counted. Method: random changes of queues through the
// accumulator against a look at all of them; then the shares of 60,000 draws.
func TestStickyOfMany(t *testing.T) {
	const partitions = 100
	tp, a := newTopic(partitions), &accumulator{brokers: make([]brokerQueue, 1)}
	tp.adaptive, tp.queues = true, &queueLengths{}
	for _, q := range tp.partitions {
		q.lengths = tp.queues
		a.place(q, 0)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		q := tp.partitions[r.IntN(partitions)*r.IntN(partitions)/partitions]
		if len(q.batches) == 0 || r.IntN(2) == 0 {
			a.add(q, &batch{})
		} else {
			a.take(q)
			q.flying = nil
		}
		longest := 0
		for _, q := range tp.partitions {
			longest = max(longest, len(q.batches))
		}
		if tp.queues.longest != longest {
			t.Fatalf("the longest queue has %d batches, counted %d", longest, tp.queues.longest)
		}
	}
	var got [partitions]float64
	const draws = 60_000
	for range draws {
		tp.stickTo()
		got[tp.sticky]++
	}
	sum := 0
	for _, q := range tp.partitions {
		sum += tp.queues.longest + 1 - len(q.batches)
	}
	for i, q := range tp.partitions {
		want := float64(tp.queues.longest+1-len(q.batches)) / float64(sum) * draws
		if off := got[i] - want; off*off > 25*want+25 {
			t.Errorf("partition %d with %d batches was drawn %.0f times, want about %.0f", i, len(q.batches), got[i], want)
		}
	}
	for _, q := range tp.partitions[1:] {
		a.move(q, noBroker)
	}
	if tp.stickTo(); tp.sticky != 0 || tp.led() != 1 {
		t.Errorf("partition %d of %d with a leader, want the only one", tp.sticky, tp.led())
	}
}
