package replica

import (
	"math/rand/v2"
	"testing"
	"time"
)

// leads begins the leadership of broker 1 at instant 0.
func leads(replicas, isr []int32, end int64) *Progress {
	return NewProgress(Leadership{Leader: 1, Replicas: replicas, ISR: isr, LeaderEnd: end, LagMax: lagMax, MinInSync: 1})
}

const lagMax = 30 * time.Second

// Goal: the high watermark follows the slowest in-sync replica. Method: a table
// of events played on one partition with leader 1, followers 2 and 3.
func TestHighWatermark(t *testing.T) {
	p := leads([]int32{1, 2, 3}, []int32{1, 2, 3}, 0)
	for _, step := range []struct {
		why    string
		append int64 // 0: a fetch instead
		id     int32
		offset int64
		rose   bool
		hw     int64
	}{
		{"an append alone moves nothing", 10, 0, 0, false, 0},
		{"one follower of two is not enough", 0, 2, 10, false, 0},
		{"the slower follower decides", 0, 3, 4, true, 4},
		{"and catches up", 0, 3, 10, true, 10},
		{"an append reported late is ignored", 7, 0, 0, false, 10},
		{"a follower that asks again moves nothing", 0, 2, 10, false, 10},
		{"a follower that fell back does not lower it", 0, 3, 2, false, 10},
	} {
		var rose bool
		if step.append > 0 {
			rose = p.Appended(step.append, 0)
		} else {
			known := p.Moves(step.id, step.offset)
			rose = p.Fetched(step.id, step.offset, 0)
			if p.Moves(step.id, step.offset) || rose && !known {
				t.Errorf("%s: what was told is still news, or was none and raised the high watermark", step.why)
			}
		}
		if rose != step.rose || p.HighWatermark() != step.hw {
			t.Errorf("%s: rose %v to %d, want %v to %d", step.why, rose, p.HighWatermark(), step.rose, step.hw)
		}
	}
	p.Appended(20, 0)
	if p.Moves(9, 20) || p.Fetched(9, 20, 0) || p.HighWatermark() != 10 {
		t.Error("broker 9 is no replica and moved the high watermark")
	}
}

// Goal: without followers in sync the leader's own log decides. Method: a
// partition with one replica, and one whose follower is not in sync.
func TestHighWatermarkWithoutFollowers(t *testing.T) {
	if p := leads([]int32{1}, []int32{1}, 5); p.HighWatermark() != 5 || !p.Appended(8, 0) || p.HighWatermark() != 8 {
		t.Errorf("one replica: high watermark %d, want 8", p.HighWatermark())
	}
	if p := leads([]int32{1, 2}, []int32{1}, 0); !p.Appended(3, 0) || p.HighWatermark() != 3 {
		t.Errorf("follower out of sync: high watermark %d, want 3", p.HighWatermark())
	}
}

// Goal: the high watermark never falls and never passes a replica in sync.
// Method: random events against the definition.
func TestHighWatermarkAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		p := leads([]int32{1, 2, 3}, []int32{1, 2, 3}, 0)
		end, at, hw := int64(0), [4]int64{}, int64(0)
		for range 100 {
			if r.IntN(2) == 0 {
				end += r.Int64N(5)
				p.Appended(end, 0)
			} else {
				id := 2 + r.IntN(2)
				at[id] = min(end, at[id]+r.Int64N(6))
				p.Fetched(int32(id), at[id], 0)
			}
			hw = max(hw, min(end, at[2], at[3]))
			if p.HighWatermark() != hw {
				t.Fatalf("high watermark %d, want %d (end %d, followers %v)", p.HighWatermark(), hw, end, at[2:])
			}
		}
	}
}
