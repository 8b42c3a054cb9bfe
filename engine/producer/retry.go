package producer

import (
	"errors"
	"fmt"
	"time"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// ExpiredError says that a batch was neither acknowledged nor refused within
// delivery.timeout.ms (the producer's TimeoutException). It is an env.ErrTimeout.
type ExpiredError struct {
	protocol.TopicPartition
	Records  int32
	Age      time.Duration // of the batch
	Limit    time.Duration // delivery.timeout.ms
	Attempts int           // that failed
	Cause    error         // of the last attempt that failed; nil if there was none
}

func (e *ExpiredError) Error() string {
	text := fmt.Sprintf("expiring %d records for %s-%d: %v has passed since batch creation, delivery.timeout.ms is %v",
		e.Records, e.Topic, e.Partition, e.Age, e.Limit)
	if e.Cause == nil {
		return text
	}
	return fmt.Sprintf("%s; the last of %d failed attempts: %v", text, e.Attempts, e.Cause)
}

// Unwrap returns env.ErrTimeout and the cause.
func (e *ExpiredError) Unwrap() []error {
	if e.Cause == nil {
		return []error{env.ErrTimeout}
	}
	return []error{env.ErrTimeout, e.Cause}
}

// retryPolicy says whether and when a failed batch is sent again.
type retryPolicy struct {
	retries         int
	backoff         client.Backoff
	deliveryTimeout time.Duration
}

// settle takes a batch that was sent off the flying ones. It puts a batch that is
// to be sent again back into its queue and reports false; else b.err is its
// outcome. A code is what the broker answered, any other error is the connection's.
func (a *accumulator) settle(b *batch, err error, now env.Time) (final bool) {
	q := b.queue
	q.land(b)
	b.state, b.err = batchSealed, err
	if err == nil {
		a.ids.acked(b)
		return true
	}
	var code protocol.ErrorCode
	answered := errors.As(err, &code)
	if answered && code == protocol.ErrOutOfOrderSequence {
		a.ids.outOfOrder(b)
	}
	retriable := answered && mayRetry(code, b) || !answered && client.IsConnectionError(err)
	expired := now >= b.created.Add(a.retry.deliveryTimeout)
	b.attempts++
	if retriable && !expired && b.attempts <= a.retry.retries {
		b.notBefore = now.Add(a.retry.backoff.After(b.attempts))
		a.requeue(q, b)
		return false
	}
	switch {
	case answered && !retriable:
		a.ids.refused(b)
	default:
		a.ids.givenUp(b)
	}
	if retriable && expired {
		b.err = a.expiredError(b, now)
	}
	return true
}

// expiredError is the outcome of a batch that is too old; b.err may be the cause.
func (a *accumulator) expiredError(b *batch, now env.Time) error {
	if a.aborted {
		return fmt.Errorf("%w: %d records of %s-%d after %v", ErrAborted, b.count, b.tp.Topic, b.tp.Partition,
			now.Sub(b.created))
	}
	return &ExpiredError{TopicPartition: b.tp, Records: b.count, Age: now.Sub(b.created),
		Limit: a.retry.deliveryTimeout, Attempts: b.attempts, Cause: b.err}
}

// sealingPatience is how long a batch that expires while it is compressed is left
// to its compressor.
const sealingPatience = time.Millisecond

// expire takes the batches that are older than delivery.timeout.ms, also those in
// flight, whose answers nobody waits for any more, and notes when to look again. It
// appends to out.
func (a *accumulator) expire(now env.Time, out []*batch) []*batch {
	a.expiryAt = env.Never
	for i := range a.brokers {
		for _, q := range a.brokers[i].partitions {
			out = a.expirePartition(q, now, out)
		}
	}
	for _, q := range a.leaderless {
		out = a.expirePartition(q, now, out)
	}
	return out
}

func (a *accumulator) expirePartition(q *partitionQueue, now env.Time, out []*batch) []*batch {
	for len(q.flying) > 0 {
		b := q.flying[0]
		if !a.isExpired(b, now) {
			break
		}
		q.land(b)
		a.ids.givenUp(b)
		b.holders = 2
		out = append(out, a.expired(b, now))
	}
	for len(q.batches) > 0 {
		b := q.batches[0]
		if !a.isExpired(b, now) {
			break
		}
		q.batches = append(q.batches[:0], q.batches[1:]...)
		a.count(q, -1)
		if b.attempts > 0 {
			a.ids.givenUp(b)
		}
		out = append(out, a.expired(b, now))
	}
	return out
}

// isExpired says whether a batch is too old and nobody is at work on it; if not,
// when it will be counts for expiryAt.
func (a *accumulator) isExpired(b *batch, now env.Time) bool {
	due := b.created.Add(a.retry.deliveryTimeout)
	if a.aborted {
		due = now
	}
	if b.state == batchSealing {
		due = max(due, now.Add(sealingPatience))
	}
	if due > now {
		a.expiryAt = min(a.expiryAt, due)
		return false
	}
	return true
}

func (a *accumulator) expired(b *batch, now env.Time) *batch {
	b.err = a.expiredError(b, now)
	b.state = batchExpired
	return b
}
