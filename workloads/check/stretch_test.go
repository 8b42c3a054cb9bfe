package check

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"brokerlab/engine/env"
	"brokerlab/workloads/payload"
)

// Goal: stretches are noted as their records one by one would be. Method: two
// checkers, one told in stretches and one record by record, of random histories with
// gaps, repetitions and other orders.
func TestStretches(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		all, each := pairOf(t), pairOf(t)
		oa, oe := all.Observer(), each.Observer()
		sequence := uint64(0)
		for range 200 {
			n := 1 + r.IntN(300)
			all.Sender(0).SentAll(sequence, n)
			acked := r.IntN(5) > 0
			if acked {
				all.Sender(0).AckedAll(sequence, n, env.Time(sequence))
			} else {
				all.Sender(0).FailedAll(sequence, n)
			}
			for i := range uint64(n) {
				each.Sender(0).Sent(sequence + i)
				if acked {
					each.Sender(0).Acked(sequence+i, env.Time(sequence))
				} else {
					each.Sender(0).Failed(sequence + i)
				}
			}
			from, count := sequence, n
			switch r.IntN(8) {
			case 0: // lost
				count = 0
			case 1: // again, or what overtook
				from -= min(from, uint64(r.IntN(400)))
			}
			partition := int32(r.IntN(2))
			oa.ObservedAll(partition, 7, payload.ID{Sequence: from}, count)
			for i := range uint64(count) {
				oe.Observed(partition, 7+int64(i), payload.ID{Sequence: from + i}, false)
			}
			sequence += uint64(n)
		}
		if a, e := all.Result(), each.Result(); !reflect.DeepEqual(a, e) {
			t.Fatalf("seed %d: in stretches %+v, one by one %+v", seed, a, e)
		}
	}
}

func pairOf(t *testing.T) *Checker {
	c, err := New(Config{Producers: 1, Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
