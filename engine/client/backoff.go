package client

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// Backoff grows by powers of two with a jitter of a fifth (ExponentialBackoff of
// Kafka's clients). The zero Backoff does not wait.
type Backoff struct {
	Initial, Max time.Duration
	Random       *rand.Rand
}

const backoffJitter = 0.2

// After is how long to wait after so many failures, of which there is one at
// least.
func (b *Backoff) After(failures int) time.Duration {
	if b.Initial <= 0 {
		return 0
	}
	most := math.Log2(max(1, float64(b.Max)/float64(b.Initial)))
	term := float64(b.Initial) * math.Exp2(min(float64(failures-1), most))
	jitter := 1 - backoffJitter + 2*backoffJitter*b.Random.Float64()
	return min(time.Duration(jitter*term), b.Max)
}

// IsConnectionError says that a request may not have reached the broker, or its
// answer not us (DisconnectException and TimeoutException).
func IsConnectionError(err error) bool {
	for _, known := range []error{env.ErrReset, env.ErrTimeout, env.ErrRefused, env.ErrClosed} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// IsStale says that an error means that the metadata are old
// (InvalidMetadataException).
func IsStale(err error) bool {
	var code protocol.ErrorCode
	if !errors.As(err, &code) {
		return err != nil && IsConnectionError(err)
	}
	switch code {
	case protocol.ErrNotLeaderOrFollower, protocol.ErrUnknownTopicOrPartition, protocol.ErrFencedLeaderEpoch,
		protocol.ErrUnknownLeaderEpoch, protocol.ErrLeaderNotAvailable, protocol.ErrStorage:
		return true
	default:
		return false
	}
}

// Refresh decides when a client asks for metadata (Kafka's Metadata): when they
// are wanted, no sooner than the backoff after the last time, and when they are
// older than MaxAge. It is pure; the caller guards it.
type Refresh struct {
	Backoff Backoff       // retry.backoff.ms, retry.backoff.max.ms
	MaxAge  time.Duration // metadata.max.age.ms; 0 is no limit

	wanted    bool
	failures  int // in a row
	notBefore env.Time
	stale     env.Time // when what there is is older than MaxAge
}

// Want asks for metadata. It reports whether that is news.
func (r *Refresh) Want() (news bool) {
	news = !r.wanted
	r.wanted = true
	return news
}

// NotBefore is when the next request may be made, of whatever kind.
func (r *Refresh) NotBefore() env.Time { return r.notBefore }

// Due is when metadata are to be asked for, env.Never if nobody wants them.
func (r *Refresh) Due() env.Time {
	switch {
	case r.wanted:
		return r.notBefore
	case r.MaxAge > 0:
		return max(r.stale, r.notBefore)
	default:
		return env.Never
	}
}

// Begin says that metadata are asked for. What is wanted from now on is wanted
// again.
func (r *Refresh) Begin() { r.wanted = false }

// Fresh says that there are new metadata.
func (r *Refresh) Fresh(now env.Time) { r.stale = now.Add(r.MaxAge) }

// End says that a request has ended. Metadata that could not be had stay wanted.
func (r *Refresh) End(now env.Time, err error) {
	if err == nil {
		r.failures = 0
		r.notBefore = now.Add(r.Backoff.Initial)
		return
	}
	r.failures++
	r.notBefore = now.Add(r.Backoff.After(r.failures))
}
