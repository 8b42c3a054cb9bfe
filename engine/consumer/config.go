package consumer

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"brokerlab/engine/codec"
	"brokerlab/engine/protocol"
)

// Config is a consumer's settings. Start from DefaultConfig.
type Config struct {
	ClientID               string        // client.id
	Bootstrap              []string      // bootstrap.servers
	FetchMinBytes          int           // fetch.min.bytes
	FetchMaxWait           time.Duration // fetch.max.wait.ms
	FetchMaxBytes          int           // fetch.max.bytes
	MaxPartitionFetchBytes int           // max.partition.fetch.bytes
	MaxPollRecords         int           // max.poll.records
	AutoOffsetReset        ResetPolicy   // auto.offset.reset
	RequestTimeout         time.Duration // request.timeout.ms
	DefaultAPITimeout      time.Duration // default.api.timeout.ms
	SetupTimeout           time.Duration // socket.connection.setup.timeout.ms
	ReconnectBackoff       time.Duration // reconnect.backoff.ms
	ReconnectBackoffMax    time.Duration // reconnect.backoff.max.ms
	RetryBackoff           time.Duration // retry.backoff.ms
	RetryBackoffMax        time.Duration // retry.backoff.max.ms
	MetadataMaxAge         time.Duration // metadata.max.age.ms
	// Implementation is the library that decompresses the batches of Codec
	// (compression.implementation, ours); those of other codecs are decompressed
	// by their default. The zero value is the default for all of them.
	Codec          codec.Type
	Implementation codec.Implementation
	// OnModelled, if not nil, is given by Poll what Handler is not: records whose batch
	// carries a size instead of bytes.
	OnModelled func(tp protocol.TopicPartition, m *Modelled)
	// OnBatch, if not nil, is told by Poll of each batch before its records, and of its
	// times, nil where the leader does not remember them. They are valid during the call.
	OnBatch func(tp protocol.TopicPartition, times *protocol.BatchTimes)
	// OnFailure, if not nil, is told of every request, or partition of one, that a
	// broker refused, and of connections that broke. It is called by several tasks, with
	// a lock held, and must not wait.
	OnFailure func(err error)
	// OnReset, if not nil, is told by Poll of each position that AutoOffsetReset
	// replaces, and why: an *OutOfRangeError or a *TruncatedError.
	OnReset func(cause error)
}

// DefaultConfig returns Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		ClientID: "consumer-1", FetchMinBytes: 1, FetchMaxWait: 500 * time.Millisecond,
		FetchMaxBytes: 52428800, MaxPartitionFetchBytes: 1048576, MaxPollRecords: 500, AutoOffsetReset: ResetLatest,
		RequestTimeout: 30 * time.Second, DefaultAPITimeout: time.Minute, SetupTimeout: 10 * time.Second,
		ReconnectBackoff: 50 * time.Millisecond, ReconnectBackoffMax: time.Second,
		RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second, MetadataMaxAge: 5 * time.Minute,
	}
}

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	switch {
	case len(c.Bootstrap) == 0:
		return errors.New("consumer: no bootstrap.servers")
	case c.FetchMinBytes < 0 || c.FetchMaxBytes < 1 || c.MaxPartitionFetchBytes < 1:
		return errors.New("consumer: fetch.max.bytes and max.partition.fetch.bytes must be positive, " +
			"fetch.min.bytes not negative")
	case c.MaxPollRecords < 1:
		return errors.New("consumer: max.poll.records must be positive")
	case c.FetchMaxWait < 0 || c.RequestTimeout <= c.FetchMaxWait:
		return errors.New("consumer: request.timeout.ms must be above fetch.max.wait.ms")
	case c.DefaultAPITimeout <= 0 || c.SetupTimeout <= 0:
		return errors.New("consumer: default.api.timeout.ms and socket.connection.setup.timeout.ms must be positive")
	case c.ReconnectBackoff <= 0 || c.RetryBackoff <= 0:
		return errors.New("consumer: reconnect.backoff.ms and retry.backoff.ms must be positive")
	case c.ReconnectBackoffMax < c.ReconnectBackoff || c.RetryBackoffMax < c.RetryBackoff:
		return errors.New("consumer: reconnect.backoff.max.ms and retry.backoff.max.ms must not be below those without max")
	case c.MetadataMaxAge <= 0:
		return errors.New("consumer: metadata.max.age.ms must be positive")
	case c.AutoOffsetReset == ResetPolicy{}:
		return errors.New("consumer: no auto.offset.reset")
	}
	return codec.CheckImplementation(c.Codec, c.Implementation)
}

// ResetPolicy is what a consumer does without a valid position
// (AutoOffsetResetStrategy). The zero policy is none of them.
type ResetPolicy struct {
	kind resetKind
	back time.Duration // of resetByDuration
}

type resetKind int8

const (
	resetNone resetKind = iota + 1
	resetEarliest
	resetLatest
	resetByDuration
)

// The policies without a parameter.
var (
	ResetNone     = ResetPolicy{kind: resetNone}
	ResetEarliest = ResetPolicy{kind: resetEarliest}
	ResetLatest   = ResetPolicy{kind: resetLatest}
)

// ResetByDuration begins with the first record that is no older than back
// (KIP-1106), and at the end if there is none.
func ResetByDuration(back time.Duration) ResetPolicy {
	return ResetPolicy{kind: resetByDuration, back: back}
}

const byDuration = "by_duration:"

// ParseResetPolicy reads Kafka's notation: earliest, latest, none or
// by_duration:PnDTnHnMn.nS.
func ParseResetPolicy(text string) (ResetPolicy, error) {
	for _, p := range []ResetPolicy{ResetNone, ResetEarliest, ResetLatest} {
		if p.String() == text {
			return p, nil
		}
	}
	if iso, ok := strings.CutPrefix(text, byDuration); ok {
		if back, ok := parseISODuration(iso); ok {
			return ResetByDuration(back), nil
		}
	}
	return ResetPolicy{}, fmt.Errorf("auto.offset.reset %q is not earliest, latest, none or by_duration: "+
		"with a duration of ISO 8601, e.g. by_duration:PT1H30M", text)
}

// parseISODuration reads what java.time.Duration prints: days, hours, minutes and
// seconds, each at most once and in this order.
func parseISODuration(text string) (d time.Duration, ok bool) {
	rest, ok := strings.CutPrefix(text, "P")
	days, clock, hasClock := strings.Cut(rest, "T")
	if !ok || days == "" && clock == "" || hasClock && clock == "" {
		return 0, false
	}
	var seconds float64
	take := func(from string, unit byte, each float64) (left string) {
		i := strings.IndexByte(from, unit)
		if i < 0 {
			return from
		}
		n, err := strconv.ParseFloat(from[:i], 64)
		ok = ok && err == nil && n >= 0 && from[0] >= '0' && from[0] <= '9' && (unit == 'S' || n == float64(int64(n)))
		seconds += n * each
		return from[i+1:]
	}
	days = take(days, 'D', 24*60*60)
	clock = take(take(take(clock, 'H', 60*60), 'M', 60), 'S', 1)
	ok = ok && days == "" && clock == "" && seconds < 1e9
	return time.Duration(seconds * float64(time.Second)), ok
}

// String is Kafka's notation.
func (p ResetPolicy) String() string {
	switch p.kind {
	case resetNone:
		return "none"
	case resetEarliest:
		return "earliest"
	case resetLatest:
		return "latest"
	case resetByDuration:
		return byDuration + "PT" + strconv.FormatFloat(p.back.Seconds(), 'f', -1, 64) + "S"
	default:
		return "no policy"
	}
}

// lookup is what the policy looks up at a time of day: a special offset or a
// timestamp.
func (p ResetPolicy) lookup(wall time.Time) int64 {
	switch p.kind {
	case resetEarliest:
		return protocol.EarliestOffset
	case resetByDuration:
		return max(0, wall.Add(-p.back).UnixMilli())
	default:
		return protocol.LatestOffset
	}
}
