package broker

import (
	"testing"
	"time"

	"brokerlab/engine/env"
)

// Goal: sessions take each other's slots by Kafka's rules. Method: a cache of two
// slots with two sessions, used at the times given; a third comes at minute 5.
func TestSessionCacheEvicts(t *testing.T) {
	const minute = env.Time(time.Minute)
	type have struct {
		privileged bool
		size       int
		created    env.Time
		lastUsed   env.Time
	}
	young := func(size int) have { return have{false, size, 4 * minute, 5 * minute} }
	old := func(size int) have { return have{false, size, 0, 5 * minute} }
	follower := func(h have) have { h.privileged = true; return h }
	tests := []struct {
		says  string
		have  [2]have
		came  have
		loser int // index in have; -1 = the one that came
	}{
		{"a consumer does not push out young consumers, however small", [2]have{young(1), young(2)}, young(9), -1},
		{"a consumer pushes out an old one that is smaller", [2]have{young(1), old(2)}, young(9), 1},
		{"of two it takes the smallest", [2]have{old(3), old(2)}, young(9), 1},
		{"of two alike it takes the one with the smaller id", [2]have{old(2), old(2)}, young(9), 0},
		{"a larger one stays", [2]have{old(10), young(10)}, young(9), -1},
		{"one as large goes no more than a larger one", [2]have{old(9), young(10)}, young(9), -1},
		{"a follower pushes out any consumer, larger and young ones too", [2]have{young(100), young(90)},
			follower(young(1)), 1},
		{"a follower spares young followers", [2]have{follower(young(1)), follower(young(1))}, follower(young(9)), -1},
		{"a follower pushes out an old follower that is smaller", [2]have{follower(young(1)), follower(old(2))},
			follower(young(9)), 1},
		{"a consumer does not push out an old follower", [2]have{follower(old(1)), follower(old(1))}, young(9), -1},
		{"a session that is not used goes first, though it is larger", [2]have{old(1), {false, 50, 0, 2 * minute}},
			young(9), 1},
		{"a follower's, too, for a consumer", [2]have{old(1), follower(have{false, 50, 0, 2 * minute})}, young(9), 1},
		{"of two that are not used, the one that is so for longer",
			[2]have{{false, 1, 0, 2*minute - 1}, {false, 1, 0, 2 * minute}}, young(1), 0},
		{"two minutes to the instant are not long enough", [2]have{{false, 9, 0, 3 * minute}, young(9)}, young(1), -1},
	}
	for _, test := range tests {
		c := newSessionCache(2)
		id := int32(0)
		draw := func() int32 { id++; return id }
		var in [2]*cachedSession
		for i, h := range test.have {
			in[i] = &cachedSession{privileged: h.privileged, size: h.size}
			if _, ok := c.add(in[i], h.created, draw); !ok {
				t.Fatalf("%s: no free slot", test.says)
			}
			c.touch(in[i], h.size, h.lastUsed)
		}
		came := &cachedSession{privileged: test.came.privileged, size: test.came.size}
		evicted, ok := c.add(came, 5*minute, draw)
		loser := -1
		for i := range in {
			if in[i] == evicted {
				loser = i
			}
		}
		if loser != test.loser || ok != (test.loser >= 0) {
			t.Errorf("%s: session %d goes (-1 is the new one), new one taken %v", test.says, loser, ok)
		}
		if evicted != nil && c.get(evicted.id) != nil || ok && c.get(came.id) != came || len(c.all) != 2 {
			t.Errorf("%s: the cache does not hold what it says", test.says)
		}
	}
}

// Goal: sessions are found by ids that are positive and new, until they are removed;
// a cache of no slots has none. Method: ids drawn from a list with repeats.
func TestSessionCacheIDs(t *testing.T) {
	c := newSessionCache(10)
	drawn := []int32{0, 7, 7, -3, 0, 9, 9, 7, 11}
	draw := func() int32 {
		id := drawn[0]
		drawn = drawn[1:]
		return id
	}
	var in [3]cachedSession
	for i := range in {
		c.add(&in[i], 0, draw)
	}
	if in[0].id != 7 || in[1].id != 9 || in[2].id != 11 || len(drawn) != 0 {
		t.Errorf("ids are %d, %d and %d; %d not drawn", in[0].id, in[1].id, in[2].id, len(drawn))
	}
	c.remove(&in[0])
	c.remove(&in[0])
	if c.get(7) != nil || c.get(9) != &in[1] || c.get(11) != &in[2] || len(c.all) != 2 {
		t.Error("removing one session, twice, has removed another")
	}
	none := newSessionCache(0)
	if _, ok := none.add(&cachedSession{}, 0, draw); ok {
		t.Error("a cache without slots has taken a session")
	}
}
