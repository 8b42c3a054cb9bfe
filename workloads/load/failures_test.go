package load

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
)

// Goal: errors have Kafka's names, also those that a client finds by itself, and what
// this program gave up is none. Method: a table of errors as they come wrapped.
func TestErrorName(t *testing.T) {
	for want, all := range map[string][]error{
		"NOT_LEADER_OR_FOLLOWER": {protocol.ErrNotLeaderOrFollower, fmt.Errorf("fetch: %w", protocol.ErrNotLeaderOrFollower)},
		"KAFKA_STORAGE_ERROR":    {protocol.ErrStorage},
		"REQUEST_TIMED_OUT": {env.ErrTimeout, protocol.ErrRequestTimedOut,
			&producer.ExpiredError{Cause: protocol.ErrNotLeaderOrFollower}, &producer.ExpiredError{}},
		"NETWORK_EXCEPTION":    {env.ErrReset, fmt.Errorf("dial: %w", env.ErrRefused)},
		"BUFFER_EXHAUSTED":     {fmt.Errorf("%w: %w", producer.ErrNotSent, producer.ErrBufferExhausted)},
		"MESSAGE_TOO_LARGE":    {fmt.Errorf("%w: %w", producer.ErrNotSent, producer.ErrRecordTooLarge)},
		"UNKNOWN_SERVER_ERROR": {errors.New("broker 1 answered what was not asked")},
		"":                     {producer.ErrAborted, env.ErrClosed},
	} {
		for _, err := range all {
			if got := errorName(err); got != want {
				t.Errorf("%v is called %q, want %q", err, got, want)
			}
		}
	}
}

// Goal: attempts, batches that expired and requests of consumers are counted once each.
// Method: one of each.
func TestFailures(t *testing.T) {
	f := &Failures{}
	f.noteAttempt(protocol.ErrNotLeaderOrFollower, true)
	f.noteAttempt(env.ErrReset, false)
	f.noteGivenUp(env.ErrReset) // the attempt was counted
	f.noteGivenUp(&producer.ExpiredError{})
	f.noteGivenUp(producer.ErrAborted)
	f.note(protocol.ErrNotLeaderOrFollower)
	want := map[string]int64{"NOT_LEADER_OR_FOLLOWER": 2, "NETWORK_EXCEPTION": 1, "REQUEST_TIMED_OUT": 1}
	if got := f.Errors(); !maps.Equal(got, want) || f.Retries() != 1 {
		t.Errorf("%d retries, errors %v, want %v", f.Retries(), got, want)
	}
}
