// Package netmodel describes a network and computes what it does to messages:
// network cards with a rate that all connections of a node share, the frames of
// Ethernet, delay, jitter and loss. It knows no world: the simulated one calls it
// on its virtual clock, the real one shapes its in-process links with it.
//
//	sender: Send -> egress (rate, shared) -> delay -> ingress (rate, shared) -> jitter, loss -> receiver
//
// What it does not promise: there is no congestion control (a connection has its
// window from its first byte on and keeps it when segments are lost), switches
// between the cards have no limits of their own, and acknowledgements of TCP take
// no room (one frame of 84 bytes for two segments, 2.7 % of the way back). What sets
// a connection up takes the delay alone.
package netmodel

import (
	"fmt"
	"math/bits"
	"time"
)

const (
	// frameBytes is what Ethernet adds to a packet on the wire: preamble 8, header
	// 14, check sequence 4 and gap 12 (IEEE 802.3).
	frameBytes = 38
	// headerBytes is what a packet holds before its payload: IPv4 20, TCP 20, and
	// its timestamps 12 (RFC 7323), which Linux sends by default.
	headerBytes = 52
	// mtuDefault is Ethernet's.
	mtuDefault = 1500
	// mtuMin is what every host must take (RFC 791), mtuMax what IPv4 can say.
	mtuMin, mtuMax = 576, 65535
	// lossMax is far beyond what TCP lives with.
	lossMax = 0.5
	// InFlightBytesDefault is the limit of a connection whose configuration says 0.
	InFlightBytesDefault = 4 << 20
)

// Config is what connects any two nodes. A node's connections to itself take no
// time. The zero value is a network that takes no time.
type Config struct {
	// BytesPerSec is the rate of each node's network card, the same out as in: all
	// its connections to other nodes share it. 0 means no limit.
	BytesPerSec int64
	// MTU is the largest packet in bytes. With it, BytesPerSec is a line rate and
	// each message is sent in frames of its own, as with TCP_NODELAY, which Kafka
	// sets. 0 means no frames: BytesPerSec counts the bytes of messages.
	MTU int
	// Delay is the time from the last byte sent to its arrival, one way.
	Delay time.Duration
	// Jitter is the mean of what comes on top of Delay. It is drawn for each
	// message from an exponential distribution, skewed as measured ones are. No
	// message overtakes another of its connection.
	Jitter time.Duration
	// Loss is the probability that a segment is lost. TCP sends it again, so that loss shows as delay.
	Loss float64
	// InFlightBytes limits, for each direction of a connection, the bytes from
	// Send until the sender has learnt that the receiver took them; 0 means 4 MiB.
	// A larger message passes alone.
	InFlightBytes int64
}

// Validate returns an error for figures that no network has.
func (c *Config) Validate() error {
	switch {
	case c.BytesPerSec < 0 || c.Delay < 0 || c.Jitter < 0 || c.InFlightBytes < 0:
		return fmt.Errorf("netmodel: network %+v has a negative value", *c)
	case c.MTU != 0 && (c.MTU < mtuMin || c.MTU > mtuMax):
		return fmt.Errorf("netmodel: an MTU of %d is not between %d and %d", c.MTU, mtuMin, mtuMax)
	case !(c.Loss >= 0 && c.Loss <= lossMax):
		return fmt.Errorf("netmodel: a loss of %v is not between 0 and %v", c.Loss, lossMax)
	}
	return nil
}

// Shaped says whether the network takes time at all.
func (c *Config) Shaped() bool {
	return c.BytesPerSec > 0 || c.Delay > 0 || c.Jitter > 0 || c.Loss > 0
}

// Goodput is the bytes of messages that a card moves in a second at most, in full
// frames; 0 means no limit.
func (c *Config) Goodput() float64 {
	rate := float64(c.BytesPerSec)
	if c.MTU == 0 {
		return rate
	}
	return rate * float64(c.MTU-headerBytes) / float64(c.MTU+frameBytes)
}

// WireBytes is what a message of some bytes takes on the wire. A message of 0
// bytes, the end of a connection, takes a frame.
func (c *Config) WireBytes(bytes int64) int64 {
	if c.MTU == 0 {
		return bytes
	}
	return bytes + c.segments(bytes)*(headerBytes+frameBytes)
}

// segments is the number of packets of a message.
func (c *Config) segments(bytes int64) int64 {
	payload := int64(c.segmentBytes())
	return max(1, (bytes+payload-1)/payload)
}

func (c *Config) segmentBytes() int {
	if c.MTU == 0 {
		return mtuDefault - headerBytes
	}
	return c.MTU - headerBytes
}

// Transmission is how long a card takes for a message of some bytes, to the next
// whole nanosecond.
func (c *Config) Transmission(bytes int64) time.Duration {
	return transmission(c.WireBytes(bytes), c.BytesPerSec)
}

// transmission is bytes / rate, without overflow on the way.
func transmission(bytes, bytesPerSec int64) time.Duration {
	const longest = 1<<63 - 1
	if bytesPerSec == 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(bytes), uint64(time.Second))
	lo, carry := bits.Add64(lo, uint64(bytesPerSec-1), 0)
	hi += carry
	if hi >= uint64(bytesPerSec) {
		return longest
	}
	nanos, _ := bits.Div64(hi, lo, uint64(bytesPerSec))
	return time.Duration(min(nanos, longest))
}
