package replica

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
)

// Goal: fetches of settled followers that are noted later, by Refetched, decide as
// if each had been noted. Method: random appends, fetches, stalls and in-sync sets
// given to two leaders, of which one notes only the fetches of followers that are
// not settled, and before each append the time of the last one of those that are;
// high watermarks and the sets that both would shrink or grow to are equal.
func TestSettledFollowersNeedNotBeNoted(t *testing.T) {
	const lag = 100 * time.Millisecond
	skippedAll := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		start := Leadership{Leader: 1, Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2, 3}, LagMax: lag, MinInSync: 1}
		each, late := NewProgress(start), NewProgress(start)
		now, end, epoch := env.Time(0), int64(0), int32(0)
		var at [4]int64       // where followers are
		var seen [4]env.Time  // their last fetches
		var settled [4]bool   // at their last fetch, and nothing since
		var stalled [4]uint64 // steps for which they do not fetch
		skipped := 0
		note := func() {
			for id := int32(2); id <= 3; id++ {
				if settled[id] {
					late.Refetched(id, seen[id])
					settled[id] = false
				}
			}
		}
		for step := range 400 {
			now = now.Add(time.Duration(rng.Int64N(int64(lag / 4))))
			switch id := 2 + rng.Int32N(2); rng.IntN(10) {
			case 0:
				note()
				end += 1 + rng.Int64N(3)
				each.Appended(end, now)
				late.Appended(end, now)
			case 2:
				stalled[id] = rng.Uint64N(20)
			case 3:
				isr, ok := each.Shrink(now)
				other, too := late.Shrink(now)
				if ok != too || !slices.Equal(isr, other) {
					t.Fatalf("seed %d step %d: shrinks to %v, %v; with each fetch noted to %v, %v", seed, step, other, too, isr, ok)
				}
				if ok {
					note()
					epoch++
					each.Committed(isr, epoch, now)
					late.Committed(isr, epoch, now)
				}
			case 4: // of its own will
				note()
				epoch++
				isr := [][]int32{{1, 2}, {1, 3}, {1, 2, 3}}[rng.IntN(3)]
				each.Committed(isr, epoch, now)
				late.Committed(isr, epoch, now)
			case 5:
				fenced := rng.IntN(2) == 0
				each.Fence(id, fenced)
				late.Fence(id, fenced)
			default:
				if stalled[id] > 0 {
					stalled[id]--
					continue
				}
				at[id] = min(end, at[id]+rng.Int64N(12))
				each.Fetched(id, at[id], now)
				seen[id] = now
				isr, ok := each.Expand(id)
				var other []int32
				too := false
				if settled[id] && at[id] == end {
					skipped++
				} else {
					late.Fetched(id, at[id], now)
					other, too = late.Expand(id)
					settled[id] = late.Settled(id)
				}
				if ok != too || !slices.Equal(isr, other) {
					t.Fatalf("seed %d step %d: grows to %v, %v; with each fetch noted to %v, %v", seed, step, other, too, isr, ok)
				}
				if ok {
					note()
					epoch++
					each.Committed(isr, epoch, now)
					late.Committed(isr, epoch, now)
				}
			}
			if each.HighWatermark() != late.HighWatermark() {
				t.Fatalf("seed %d step %d: high watermark %d; with each fetch noted %d", seed, step,
					late.HighWatermark(), each.HighWatermark())
			}
		}
		skippedAll += skipped
	}
	if skippedAll < 1000 {
		t.Errorf("only %d fetches were not noted at once", skippedAll)
	}
}
