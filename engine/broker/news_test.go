package broker

import (
	"math/rand/v2"
	"testing"
)

// Goal: no news of a partition is lost, none is looked at twice in one round without
// need, and none that has records starves for want of room. Method: random news
// before, during and after rounds of work in which some partitions are served, some
// get no room and some are done with, against a model that remembers for each
// partition whether it has news, and for how many rounds it got no room.
func TestNewsQueue(t *testing.T) {
	const partitions, rounds, room = 12, 4000, 2
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var q newsQueue
		var all [partitions]*sessionPartition
		for i := range all {
			all[i] = &sessionPartition{}
		}
		var pending [partitions]bool // news that no round has taken yet
		var waited [partitions]int   // rounds in a row without room
		indexOf := func(e *sessionPartition) int {
			for i := range all {
				if all[i] == e {
					return i
				}
			}
			t.Fatalf("seed %d: a partition that was forgotten is worked on", seed)
			return -1
		}
		news := func() {
			for range rng.IntN(4) {
				i := rng.IntN(partitions)
				first := q.put(all[i])
				if was := all[i].state; first && pending[i] || was == newsNone {
					t.Fatalf("seed %d: partition %d: first %v, with news %v, state %d", seed, i, first, pending[i], was)
				}
				pending[i] = true
			}
		}
		for round := range rounds {
			news()
			if rng.IntN(20) == 0 { // forgotten, and another one in its place
				i := rng.IntN(partitions)
				all[i].gone = true
				all[i], pending[i], waited[i] = &sessionPartition{}, false, 0
			}
			working := q.take(nil)
			var seen [partitions]bool
			turns := make([]turn, len(working))
			served := 0
			for k, e := range working {
				i := indexOf(e)
				if seen[i] {
					t.Fatalf("seed %d round %d: partition %d comes twice", seed, round, i)
				}
				seen[i], pending[i] = true, false
				switch {
				case i%3 == 0: // has no records
					turns[k] = turnOver
				case served < room:
					turns[k] = turnLast
					served++
					waited[i] = 0
				default:
					turns[k] = turnFirst
					waited[i]++
				}
				if waited[i] > partitions/room {
					t.Fatalf("seed %d round %d: partition %d got no room for %d rounds", seed, round, i, waited[i])
				}
			}
			for i := range all {
				if pending[i] {
					t.Fatalf("seed %d round %d: news of partition %d are lost", seed, round, i)
				}
			}
			news()
			q.putBack(working, func(k int) turn { return turns[k] })
			for k, e := range working { // served ones have more to give
				if turns[k] != turnOver {
					pending[indexOf(e)] = true
				}
			}
		}
	}
}
