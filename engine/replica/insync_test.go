package replica

import (
	"fmt"
	"testing"
	"time"

	"brokerlab/engine/env"
)

const sec = env.Time(time.Second)

// TestInSync: who is in sync, what the leader asks for, and what the high
// watermark waits for. Method: events on one partition of leader 1, followers 2
// and 3, min.insync.replicas=2 and a lag of at most 30 s, with the state after
// each: high watermark, in-sync set, and the set asked for.
func TestInSync(t *testing.T) {
	p := NewProgress(Leadership{Leader: 1, Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2, 3}, PartitionEpoch: 5,
		LeaderEnd: 10, HighWatermark: 8, LagMax: lagMax, MinInSync: 2})
	for _, step := range []struct {
		why  string
		do   func()
		want string
	}{
		{"a new leader knows the high watermark of before, and not where the followers are", func() {}, "8 [1 2 3] []"},
		{"one follower says where it is: the other one counts as before everything", func() { p.Fetched(2, 10, 0) },
			"8 [1 2 3] []"},
		{"both do", func() { p.Fetched(3, 9, 0) }, "9 [1 2 3] []"},
		{"nobody lags after 30 s: one was there at 0 s, the other has had as long", func() { p.Shrink(30 * sec) },
			"9 [1 2 3] []"},
		{"the one at the log end does not lag, however long ago it fetched; the other one does",
			func() { p.Shrink(31 * sec) }, "9 [1 2 3] [1 2]"},
		{"until the controller agrees the high watermark waits for it", func() { p.Fetched(2, 10, 31*sec) },
			"9 [1 2 3] [1 2]"},
		{"nothing else is asked for meanwhile", func() { p.Shrink(90 * sec); p.Expand(3) }, "9 [1 2 3] [1 2]"},
		{"an answer older than the state changes nothing", func() { p.Committed([]int32{1}, 5, 31*sec) },
			"9 [1 2 3] [1 2]"},
		{"the controller agrees", func() { p.Committed([]int32{1, 2}, 6, 31*sec) }, "10 [1 2] []"},
		{"below the high watermark nobody is taken in", func() { p.Fetched(3, 9, 32*sec); p.Expand(3) }, "10 [1 2] []"},
		{"at the high watermark it is", func() { p.Fetched(3, 10, 33*sec); p.Expand(3) }, "10 [1 2] [1 2 3]"},
		{"and from then on waited for, before the controller agrees",
			func() { p.Appended(20, 34*sec); p.Fetched(2, 20, 34*sec) }, "10 [1 2] [1 2 3]"},
		{"also when what is known is not newer than the proposal", func() { p.Committed([]int32{1, 2}, 6, 34*sec) },
			"10 [1 2] [1 2 3]"},
		{"the controller does not agree; it has caught up lately, and is waited for still",
			func() { p.Rejected(); p.Appended(21, 34*sec) }, "10 [1 2] []"},
		{"it is fenced: not waited for", func() { p.Fence(3, true); p.Appended(21, 35*sec) }, "20 [1 2] []"},
		{"and not asked for", func() { p.Fetched(3, 21, 36*sec); p.Expand(3) }, "20 [1 2] []"},
		{"alone the leader has fewer in sync than min.insync.replicas: the high watermark stays (KIP-966)",
			func() { p.Committed([]int32{1}, 7, 36*sec); p.Appended(30, 36*sec) }, "20 [1] []"},
		{"with two it would go on", func() {
			p.Fence(3, false)
			p.Fetched(3, 30, 37*sec)
			p.Expand(3)
			p.Committed([]int32{1, 3}, 8, 37*sec)
		}, "20 [1 3] []"},
		{"once the other one, which had caught up lately, has not for 30 s", func() { p.Appended(30, 70*sec) },
			"30 [1 3] []"},
		{"a broker that is no replica changes nothing", func() { p.Fetched(9, 99, 0); p.Fence(9, true); p.Expand(9) },
			"30 [1 3] []"},
	} {
		step.do()
		if got := fmt.Sprint(p.HighWatermark(), " ", p.ISR(), " ", p.Proposed()); got != step.want {
			t.Fatalf("%s: %s, want %s", step.why, got, step.want)
		}
		if want := len(p.ISR()) >= 2; p.EnoughInSync() != want {
			t.Fatalf("%s: enough in sync: %v", step.why, !want)
		}
	}
}

// TestExpandWaitsForTheEpoch: a follower joins the in-sync set only once it has
// reached the offset at which the leader's epoch began: below, its log may differ.
func TestExpandWaitsForTheEpoch(t *testing.T) {
	p := NewProgress(Leadership{Leader: 1, Replicas: []int32{1, 2}, ISR: []int32{1}, LeaderEnd: 10, HighWatermark: 4,
		LagMax: lagMax, MinInSync: 2})
	for _, c := range []struct {
		offset int64
		joins  bool
	}{{4, false}, {9, false}, {10, true}} {
		p.Fetched(2, c.offset, 0)
		if _, ok := p.Expand(2); ok != c.joins {
			t.Errorf("at offset %d it joins: %v", c.offset, ok)
		}
	}
}

// TestMinInSyncOfFewReplicas: where a partition has fewer replicas than
// min.insync.replicas, all of them are enough.
func TestMinInSyncOfFewReplicas(t *testing.T) {
	p := NewProgress(Leadership{Leader: 1, Replicas: []int32{1}, ISR: []int32{1}, LagMax: lagMax, MinInSync: 2})
	if !p.EnoughInSync() || !p.Appended(5, 0) || p.HighWatermark() != 5 {
		t.Errorf("the only replica is not enough: high watermark %d", p.HighWatermark())
	}
}

// TestCaughtUpLately: a follower that never stands at the log end but has, at each
// fetch, what there was at the one before, does not lag (KIP-16).
func TestCaughtUpLately(t *testing.T) {
	for _, c := range []struct {
		why    string
		behind int64 // offsets behind the leader's end, which moves by 10 between fetches
		shrink bool
	}{
		{"it has what there was at the fetch before", 10, false},
		{"it is always one record short of that", 11, true},
	} {
		p := leads([]int32{1, 2}, []int32{1, 2}, 0)
		for now := sec; now < 100*sec; now += sec / 2 {
			p.Fetched(2, max(0, p.LeaderEnd()-c.behind), now)
			p.Appended(p.LeaderEnd()+10, now)
		}
		if _, ok := p.Shrink(100 * sec); ok != c.shrink {
			t.Errorf("%s: leaves the in-sync set: %v", c.why, ok)
		}
	}
}

// TestTruncateTo: where a follower cuts its log. Method: the cases of KIP-101 and
// KIP-279, a sentence each.
func TestTruncateTo(t *testing.T) {
	for _, c := range []struct {
		why string
		d   Divergence
		to  int64
	}{
		{"both know the epoch, the leader's ends earlier",
			Divergence{Leader: EpochEnd{2, 10}, Own: EpochEnd{2, 15}, OwnEnd: 20, HighWatermark: 5}, 10},
		{"both know the epoch, the follower's ends earlier",
			Divergence{Leader: EpochEnd{2, 15}, Own: EpochEnd{2, 10}, OwnEnd: 20, HighWatermark: 5}, 10},
		{"the follower's log ends before",
			Divergence{Leader: EpochEnd{2, 15}, Own: EpochEnd{2, 15}, OwnEnd: 12, HighWatermark: 5}, 12},
		{"the follower does not know the leader's epoch: it goes back to the end of its one before",
			Divergence{Leader: EpochEnd{3, 15}, Own: EpochEnd{1, 8}, OwnEnd: 20, HighWatermark: 5}, 8},
		{"the follower knows no epoch so low: the leader's offset decides",
			Divergence{Leader: EpochEnd{0, 4}, Own: EpochEnd{-1, -1}, OwnEnd: 20, HighWatermark: 2}, 4},
		{"the leader does not know: the high watermark decides",
			Divergence{Leader: EpochEnd{-1, -1}, Own: EpochEnd{1, 8}, OwnEnd: 20, HighWatermark: 5}, 5},
	} {
		if got := c.d.TruncateTo(); got != c.to {
			t.Errorf("%s: %d, want %d", c.why, got, c.to)
		}
	}
}
