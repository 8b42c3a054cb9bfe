package netmodel

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	// timeoutMin is what Linux adds to the round trip at least before it sends
	// again what nobody has asked for (TCP_RTO_MIN), and timeoutMax its limit.
	timeoutMin, timeoutMax = 200 * time.Millisecond, 120 * time.Second
	// duplicateAcks is how many later segments must arrive before the sender knows
	// of a loss (RFC 5681).
	duplicateAcks = 3
)

// TailTimeout is how much later a message arrives whose TailLost is set, if nothing
// follows it on its connection: only a timer can find that loss. Linux's tail loss
// probe (RFC 8985) is sooner if more than one segment is on its way, which is left
// out; for a message of one segment it waits as long.
const TailTimeout = timeoutMin

// Fate is what jitter and loss do to one message.
type Fate struct {
	// Extra is how much later than without them it arrives, if it is followed by
	// others: its jitter, and a round trip if segments were lost, and more if they
	// were lost again.
	Extra time.Duration
	// TailLost says that one of its last three segments was lost.
	TailLost bool
	// Resent is the number of segments that the sender sends again.
	Resent int
}

// Chancy says whether messages have different fates.
func (c *Config) Chancy() bool { return c.Jitter > 0 || c.Loss > 0 }

// Draw draws the fate of a message of some bytes on a link with some round trip.
func (c *Config) Draw(rng *rand.Rand, bytes int64, roundTrip time.Duration) Fate {
	var f Fate
	if c.Jitter > 0 {
		f.Extra = time.Duration(rng.ExpFloat64() * float64(c.Jitter))
	}
	if c.Loss == 0 {
		return f
	}
	segments := c.segments(bytes)
	lost := 0
	for at := c.skip(rng); at < segments; at += 1 + c.skip(rng) {
		lost++
		f.TailLost = f.TailLost || at >= segments-duplicateAcks
	}
	if lost == 0 {
		return f
	}
	f.Extra += roundTrip
	timeout := roundTrip + timeoutMin
	for {
		f.Resent += lost
		again := 0
		for range lost {
			if rng.Float64() < c.Loss {
				again++
			}
		}
		if again == 0 {
			return f
		}
		f.Extra += timeout
		timeout = min(2*timeout, timeoutMax)
		lost = again
	}
}

// skip is how many segments get through before the next one is lost.
func (c *Config) skip(rng *rand.Rand) int64 {
	n := math.Log(1-rng.Float64()) / math.Log1p(-c.Loss)
	return int64(min(n, 1<<40))
}

// again is how long a card takes for segments of a message that it sends again.
func (c *Config) again(bytes int64, segments int) time.Duration {
	if segments == 0 {
		return 0
	}
	return time.Duration(segments) * c.Transmission(min(bytes, int64(c.segmentBytes())))
}
