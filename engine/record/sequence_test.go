package record

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Goal: sequence numbers wrap as Kafka's do. Method: a row for each case; the
// results are what DefaultRecordBatch of kafka-clients 4.1.0 gave.
func TestSequenceArithmetic(t *testing.T) {
	const largest = math.MaxInt32
	for _, test := range []struct {
		name        string
		step        func(sequence, n int32) int32
		sequence, n int32
		want        int32
	}{
		{"no step", IncrementSequence, 0, 0, 0},
		{"one step", IncrementSequence, 0, 1, 1},
		{"some steps", IncrementSequence, 5, 3, 8},
		{"no step from the largest", IncrementSequence, largest, 0, largest},
		{"to the largest", IncrementSequence, largest - 1, 1, largest},
		{"0 follows the largest", IncrementSequence, largest, 1, 0},
		{"the second step wraps", IncrementSequence, largest - 1, 2, 0},
		{"the sixth of ten wraps", IncrementSequence, largest - 5, 10, 4},
		{"once around but for one", IncrementSequence, largest, largest, largest - 1},
		{"the longest step from 0", IncrementSequence, 0, largest, largest},
		{"the longest step from 1", IncrementSequence, 1, largest, 0},
		{"two halves", IncrementSequence, largest / 2, largest/2 + 1, largest},
		{"two halves and one", IncrementSequence, largest/2 + 1, largest/2 + 1, 0},
		{"no step back", DecrementSequence, 0, 0, 0},
		{"one step back", DecrementSequence, 1, 1, 0},
		{"the largest comes before 0", DecrementSequence, 0, 1, largest},
		{"some steps back", DecrementSequence, 5, 3, 2},
		{"back across 0", DecrementSequence, 3, 5, largest - 1},
		{"from the largest to 0", DecrementSequence, largest, largest, 0},
		{"the longest step back from 0", DecrementSequence, 0, largest, 1},
		{"one back from the largest", DecrementSequence, largest, 1, largest - 1},
		{"almost around, backwards", DecrementSequence, largest - 1, largest, largest},
	} {
		if got := test.step(test.sequence, test.n); got != test.want {
			t.Errorf("%s: %d and %d give %d, Kafka %d", test.name, test.sequence, test.n, got, test.want)
		}
	}
}

// Goal: the two directions undo each other and never leave the range. Method:
// random pairs, half of them near the wrap.
func TestSequenceInverse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	draw := func() int32 { return pick(r, r.Int32(), r.Int32N(10), math.MaxInt32-r.Int32N(10)) }
	for range 10000 {
		sequence, n := draw(), draw()
		there := IncrementSequence(sequence, n)
		if back := DecrementSequence(there, n); back != sequence || there < 0 {
			t.Fatalf("%d records after %d is %d, and before that %d", n, sequence, there, back)
		}
	}
}

// Goal: a number that is none does not pass for one. Method: each argument
// negative.
func TestSequenceNegative(t *testing.T) {
	for _, step := range []func(sequence, n int32) int32{IncrementSequence, DecrementSequence} {
		for _, args := range [][2]int32{{NoSequence, 1}, {0, -1}} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("no panic for %v", args)
					}
				}()
				step(args[0], args[1])
			}()
		}
	}
}

// Goal: a batch's last sequence number follows from its header. Method: a row
// for each kind of header.
func TestLastSequence(t *testing.T) {
	for _, test := range []struct {
		name string
		h    Header
		want int32
		has  bool
	}{
		{"no producer id", Header{ProducerID: NoProducerID, BaseSequence: NoSequence, LastOffsetDelta: 3}, NoSequence, false},
		{"one record", Header{ProducerID: 0, BaseSequence: 7}, 7, true},
		{"several, of which compaction left one",
			Header{ProducerID: 9, BaseSequence: 7, LastOffsetDelta: 3, RecordCount: 1}, 10, true},
		{"a batch across the wrap", Header{ProducerID: 9, BaseSequence: math.MaxInt32 - 1, LastOffsetDelta: 3}, 1, true},
		{"a marker has an id and no sequence", Header{ProducerID: 9, BaseSequence: NoSequence}, NoSequence, true},
	} {
		if got, has := test.h.LastSequence(), test.h.HasProducerID(); got != test.want || has != test.has {
			t.Errorf("%s: last sequence %d, id %v; want %d, %v", test.name, got, has, test.want, test.has)
		}
	}
}
