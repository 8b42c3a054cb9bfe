package load

import (
	"errors"
	"maps"
	"sync"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
)

// Failures counts what went wrong on the way, also where it was made good. Tasks of
// several nodes tell it.
type Failures struct {
	mu      sync.Mutex // never held while waiting
	retries int64
	errors  map[string]int64
}

// note counts a request that failed.
func (f *Failures) note(err error) {
	name := errorName(err)
	if name == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.errors == nil {
		f.errors = map[string]int64{}
	}
	f.errors[name]++
}

// noteAttempt counts an attempt to send a batch that failed.
func (f *Failures) noteAttempt(err error, again bool) {
	f.note(err)
	if again {
		f.mu.Lock()
		f.retries++
		f.mu.Unlock()
	}
}

// noteGivenUp counts a batch that expired: no attempt failed last, or it was counted.
func (f *Failures) noteGivenUp(err error) {
	if expired := (*producer.ExpiredError)(nil); errors.As(err, &expired) {
		f.note(err)
	}
}

// Retries is how often a batch was sent again.
func (f *Failures) Retries() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.retries
}

// Errors is how often each error came, by Kafka's name of it; nil for none.
func (f *Failures) Errors() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.errors)
}

// Names of errors that a client finds by itself (Errors.forException).
const (
	networkException = "NETWORK_EXCEPTION"
	// bufferExhausted is BufferExhaustedException, which has no code of its own: a
	// TimeoutException, but not of a request.
	bufferExhausted = "BUFFER_EXHAUSTED"
)

// errorName is Kafka's name of an error; "" for what this program gave up itself.
func errorName(err error) string {
	var code protocol.ErrorCode
	var expired *producer.ExpiredError
	switch {
	case errors.Is(err, producer.ErrAborted) || errors.Is(err, env.ErrClosed):
		return ""
	case errors.Is(err, producer.ErrBufferExhausted):
		return bufferExhausted
	case errors.Is(err, producer.ErrRecordTooLarge):
		return protocol.ErrMessageTooLarge.Error()
	case errors.As(err, &expired):
		return protocol.ErrRequestTimedOut.Error()
	case errors.As(err, &code):
		return code.Error()
	case errors.Is(err, env.ErrTimeout):
		return protocol.ErrRequestTimedOut.Error()
	case client.IsConnectionError(err):
		return networkException
	default:
		return protocol.ErrUnknownServer.Error()
	}
}
