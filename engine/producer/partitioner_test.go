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
