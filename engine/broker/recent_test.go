package broker

import (
	"math/rand/v2"
	"slices"
	"testing"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// Goal: a partition remembers its latest batches, in order, and tells of those that a
// read finds and consumers may see. Method: random appends, some of which report out of
// order, also when consumers see those behind them, rising high watermarks and reads,
// against a list of all batches.
func TestRecentBatches(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		r := &recentBatches{max: recentMin}
		var all []protocol.BatchTimes // visible in StageReplicated
		end, hw, now := int64(0), int64(0), env.Time(0)
		append1 := func(t protocol.BatchTimes) {
			r.add(&t)
			at, _ := slices.BinarySearchFunc(all, t, func(a, b protocol.BatchTimes) int {
				return int(a.BaseOffset - b.BaseOffset)
			})
			if at < len(all) && t.NextOffset <= hw { // one behind it was told, and seen, first
				t.Stamps[protocol.StageReplicated] = all[at].Stamps[protocol.StageReplicated]
			}
			all = slices.Insert(all, at, t)
		}
		rise := func(to int64) {
			hw = max(hw, to)
			r.seen(hw, now)
			for i := range all {
				if all[i].NextOffset <= hw && all[i].Stamps[protocol.StageReplicated] == 0 {
					all[i].Stamps[protocol.StageReplicated] = now
				}
			}
		}
		for range 500 {
			now++
			switch random.IntN(4) {
			case 0, 1:
				var turn []protocol.BatchTimes
				for range 1 + random.IntN(3) {
					next := end + 1 + random.Int64N(5)
					turn = append(turn, protocol.BatchTimes{BaseOffset: end, NextOffset: next, Bytes: 10})
					end = next
				}
				for _, i := range random.Perm(len(turn)) {
					append1(turn[i])
					if now++; random.IntN(4) == 0 { // the leader is the only replica
						rise(turn[i].NextOffset)
					}
				}
			case 2:
				rise(hw + random.Int64N(end-hw+1))
			case 3:
				offset, bytes := random.Int64N(end+1), random.IntN(100)
				got := r.from(offset, bytes, nil)
				var want []protocol.BatchTimes
				kept := all[max(0, len(all)-recentMin):]
				for room := bytes; len(kept) > 0 && room > 0; kept = kept[1:] {
					if kept[0].NextOffset > offset && kept[0].Stamps[protocol.StageReplicated] > 0 {
						want = append(want, kept[0])
						room -= kept[0].Bytes
					}
				}
				if !slices.Equal(got, want) {
					t.Fatalf("seed %d: from offset %d, %d bytes: %v, want %v", seed, offset, bytes, got, want)
				}
				if found := within(got, bytes/2); len(found) != min(len(got), (bytes/2+9)/10) {
					t.Fatalf("seed %d: %d of %d batches within %d bytes", seed, len(found), len(got), bytes/2)
				}
			}
		}
		if r.forget(); r.from(0, 1000, nil) != nil {
			t.Fatal("it remembers what it has forgotten")
		}
	}
	none := &recentBatches{}
	none.add(&protocol.BatchTimes{NextOffset: 1})
	none.seen(1, 1)
	if none.from(0, 10, nil) != nil {
		t.Error("a partition that is to remember nothing does")
	}
}

// Goal: a broker's partitions share what it remembers, in powers of two. Method: a table.
func TestRecentOf(t *testing.T) {
	for _, c := range []struct{ total, partitions, want int }{
		{0, 1, 0}, {1, 1, recentMin}, {1 << 16, 1, 1 << 16}, {1 << 16, 6, 1 << 13}, {1 << 16, 100_000, recentMin},
		{1 << 16, 0, 1 << 16},
	} {
		if got := recentOf(c.total, c.partitions); got != c.want {
			t.Errorf("of %d batches %d partitions remember %d each, want %d", c.total, c.partitions, got, c.want)
		}
	}
}
