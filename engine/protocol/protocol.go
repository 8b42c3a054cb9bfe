// Package protocol holds the requests and responses that travel between nodes:
// Kafka's messages by Kafka's names, as typed structs with their size on the
// wire. It does not encode them; record batches inside them are Kafka's bytes.
//
// Sizes are those that Kafka's clients write at the versions named on each type
// (clients/src/main/resources/common/message), with null and empty what is left
// out here. Kafka groups partitions by topic; here each names its own, and those
// of one topic that stand side by side count as one group.
package protocol

import (
	"math"
	"strings"
	"time"

	"brokerlab/engine/env"
)

// TopicPartition names one partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Offsets that ListOffsets and consumers use in the place of a real one.
const (
	LatestOffset   int64 = -1 // ListOffsetsRequest.LATEST_TIMESTAMP
	EarliestOffset int64 = -2 // ListOffsetsRequest.EARLIEST_TIMESTAMP
)

// ConsumerReplicaID is the replica id of a fetch that comes from a consumer.
const ConsumerReplicaID int32 = -1

// DebuggingReplicaID asks ListOffsets for the log end, past the high watermark
// (ListOffsetsRequest.DEBUGGING_REPLICA_ID). A fetch with it is a consumer's.
const DebuggingReplicaID int32 = -2

// Values of acks.
const (
	AcksNone   int16 = 0
	AcksLeader int16 = 1
	AcksAll    int16 = -1
)

// Request is what a client or a follower sends.
type Request struct {
	CorrelationID int32
	ClientID      string
	Body          Body
	// Arrival is when it reached the broker's node, where it may wait for the one
	// before it on its connection; 0 if the world does not tell. Not on the wire.
	Arrival env.Time
}

// Arrived implements env.Arriver.
func (r *Request) Arrived(at env.Time) { r.Arrival = at }

// Body is the part of a request or response that depends on its kind.
type Body interface {
	// BodyBytes is the size on the wire without the header.
	BodyBytes() int
	// Release drops the references to record batches.
	Release()
}

// Partitions is how many partitions the body of a request or response of the data
// path names: what the work on it grows with. Of any other body it is 1.
func Partitions(body Body) int {
	switch b := body.(type) {
	case *ProduceRequest:
		return len(b.Partitions)
	case *ProduceResponse:
		return len(b.Partitions)
	case *FetchRequest:
		return len(b.Partitions)
	case *FetchResponse:
		return len(b.Partitions)
	case *ListOffsetsRequest:
		return len(b.Partitions)
	case *OffsetsForLeaderEpochRequest:
		return len(b.Partitions)
	default:
		return 1
	}
}

// WireBytes implements env.Message: 4 bytes of length and header version 2.
func (r *Request) WireBytes() int { return 4 + 8 + 2 + len(r.ClientID) + 1 + r.Body.BodyBytes() }

// Release implements env.Message.
func (r *Request) Release() { r.Body.Release() }

// Response answers the request of the same correlation id. Responses come in
// the order of their requests.
type Response struct {
	CorrelationID int32
	Body          Body
}

// WireBytes implements env.Message: 4 bytes of length and header version 1.
func (r *Response) WireBytes() int { return 4 + 4 + 1 + r.Body.BodyBytes() }

// Release implements env.Message.
func (r *Response) Release() { r.Body.Release() }

// MetadataRequest asks for brokers and partition leaders (Metadata v12). No
// topics means all.
type MetadataRequest struct{ Topics []string }

// BodyBytes implements Body.
func (r *MetadataRequest) BodyBytes() int {
	n := compactLen(len(r.Topics)) + 3
	for _, t := range r.Topics {
		n += 16 + compactBytes(len(t)) + 1
	}
	return n
}

// Release implements Body.
func (r *MetadataRequest) Release() {}

// BrokerMetadata is one broker's id and address.
type BrokerMetadata struct {
	ID   int32
	Addr string
}

// host is the address without its port, which is a field of its own on the wire.
func (b *BrokerMetadata) host() string {
	host, _, _ := strings.Cut(b.Addr, ":")
	return host
}

// PartitionMetadata is one partition's leader and replicas.
type PartitionMetadata struct {
	TopicPartition
	Err         ErrorCode
	Leader      int32
	LeaderEpoch int32
	Replicas    []int32
	ISR         []int32
}

// MetadataResponse is the answer to MetadataRequest. An unknown topic gives one
// entry with its name, partition -1 and an error.
type MetadataResponse struct {
	ControllerID int32
	Brokers      []BrokerMetadata
	Partitions   []PartitionMetadata
}

// BodyBytes implements Body.
func (r *MetadataResponse) BodyBytes() int {
	n := 4 + compactLen(len(r.Brokers)) + 1 + 4 + 1
	for _, b := range r.Brokers {
		n += 4 + compactBytes(len(b.host())) + 4 + 2
	}
	return n + grouped(len(r.Partitions), 24,
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int {
			p := &r.Partitions[i]
			if p.Partition < 0 {
				return 0 // an unknown topic has no partitions
			}
			return 16 + compactLen(len(p.Replicas)) + 4*len(p.Replicas) + compactLen(len(p.ISR)) + 4*len(p.ISR)
		})
}

// Release implements Body.
func (r *MetadataResponse) Release() {}

// ProducePartition is one record batch for one partition.
type ProducePartition struct {
	TopicPartition
	Records env.Buf
	Stamps  Stamps // not on the wire
}

// ProduceRequest brings record batches to their leader (Produce v9).
type ProduceRequest struct {
	Acks       int16
	Timeout    time.Duration
	Partitions []ProducePartition
}

// BodyBytes implements Body.
func (r *ProduceRequest) BodyBytes() int {
	return 1 + 2 + 4 + 1 + grouped(len(r.Partitions), 1,
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int { return 4 + compactBytes(r.Partitions[i].Records.Len()) + 1 })
}

// Release implements Body.
func (r *ProduceRequest) Release() {
	for i := range r.Partitions {
		r.Partitions[i].Records.Release()
		r.Partitions[i].Records = env.Buf{}
	}
}

// ProducePartitionResult says what became of one batch.
type ProducePartitionResult struct {
	TopicPartition
	Err            ErrorCode
	BaseOffset     int64
	LogStartOffset int64
	Stamps         Stamps // not on the wire, as the next
	// Flushing is how much of the time from StageHandled to StageWritten was forced
	// flushes: of all batches of the request, which are answered together.
	Flushing time.Duration
}

// ProduceResponse is the answer to ProduceRequest, unless acks is 0: then there
// is none.
type ProduceResponse struct{ Partitions []ProducePartitionResult }

// BodyBytes implements Body.
func (r *ProduceResponse) BodyBytes() int {
	return 4 + 1 + grouped(len(r.Partitions), 1,
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int { return 33 })
}

// Release implements Body.
func (r *ProduceResponse) Release() {}

// FetchPartition asks for one partition from an offset.
type FetchPartition struct {
	TopicPartition
	CurrentLeaderEpoch int32 // -1: not checked
	FetchOffset        int64
	MaxBytes           int32
	// LastFetchedEpoch is the leader epoch of the record before FetchOffset in the
	// follower's log; -1: not known, and not compared.
	LastFetchedEpoch int32
}

// Values of FetchRequest's SessionID and SessionEpoch (FetchMetadata). A request
// with one of these epochs is full: it names all partitions, and closes the session
// of its SessionID, if there is one.
const (
	NoFetchSession    int32 = 0  // INVALID_SESSION_ID: no session
	InitialFetchEpoch int32 = 0  // INITIAL_EPOCH: asks for a new session
	FinalFetchEpoch   int32 = -1 // FINAL_EPOCH: asks for none
)

// NextFetchEpoch is the session epoch of the request after one with this epoch
// (FetchMetadata.nextEpoch).
func NextFetchEpoch(epoch int32) int32 {
	switch epoch {
	case FinalFetchEpoch:
		return FinalFetchEpoch
	case math.MaxInt32:
		return 1
	default:
		return epoch + 1
	}
}

// FetchRequest asks for record batches (Fetch v12). A follower names itself as
// ReplicaID, and its fetch offsets tell the leader how far its log reaches. In a
// fetch session (KIP-227) it holds only partitions that are new in the session or
// are asked for from another offset than before; Forgotten leave it.
type FetchRequest struct {
	ReplicaID    int32
	MaxWait      time.Duration
	MinBytes     int32
	MaxBytes     int32
	SessionID    int32
	SessionEpoch int32
	Partitions   []FetchPartition
	Forgotten    []TopicPartition
}

// IsFull says whether the request names all partitions that it asks for.
func (r *FetchRequest) IsFull() bool {
	return r.SessionEpoch == InitialFetchEpoch || r.SessionEpoch == FinalFetchEpoch
}

// BodyBytes implements Body.
func (r *FetchRequest) BodyBytes() int {
	return 4 + 4 + 4 + 4 + 1 + 4 + 4 + grouped(len(r.Partitions), 1,
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int { return 33 }) + grouped(len(r.Forgotten), 1,
		func(i int) string { return r.Forgotten[i].Topic },
		func(i int) int { return 4 }) + 2
}

// Release implements Body.
func (r *FetchRequest) Release() {}

// FetchPartitionResult is what the leader gives of one partition: whole batches,
// of which the first may begin before the fetch offset.
type FetchPartitionResult struct {
	TopicPartition
	Err            ErrorCode
	HighWatermark  int64
	LogStartOffset int64
	Records        env.Buf
	// Times are those of the batches in Records, by offset, as far as the leader
	// remembers them, for consumers. Not on the wire.
	Times []BatchTimes
	// Diverging, if Diverges, says that the logs of leader and follower part: the
	// largest epoch of the leader that is not above LastFetchedEpoch, and where it
	// ends. There are no records then (KIP-595).
	Diverges  bool
	Diverging EpochEndOffset
}

// EpochEndOffset is a leader epoch and the offset behind its last record.
type EpochEndOffset struct {
	LeaderEpoch int32
	EndOffset   int64
}

// FetchResponse is the answer to FetchRequest. That to a full request names every
// partition that was asked for; in a session only those with records, an error, or
// another high watermark or log start offset than was told before.
type FetchResponse struct {
	Err        ErrorCode // of the session; there are no partitions then
	SessionID  int32     // NoFetchSession if the broker keeps none
	Partitions []FetchPartitionResult
}

// BodyBytes implements Body.
func (r *FetchResponse) BodyBytes() int {
	return 4 + 2 + 4 + 1 + grouped(len(r.Partitions), 1,
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int {
			n := 36 + compactBytes(r.Partitions[i].Records.Len())
			if r.Partitions[i].Diverges {
				n += 2 + 13 // a tagged field
			}
			return n
		})
}

// Release implements Body.
func (r *FetchResponse) Release() {
	for i := range r.Partitions {
		r.Partitions[i].Records.Release()
		r.Partitions[i].Records = env.Buf{}
	}
}

// ListOffsetsPartition asks for LatestOffset, EarliestOffset, or the first record
// at or after a time in ms since 1970.
type ListOffsetsPartition struct {
	TopicPartition
	Timestamp int64
}

// ListOffsetsRequest asks where partitions begin or end (ListOffsets v7). The
// end for a consumer is the high watermark.
type ListOffsetsRequest struct {
	ReplicaID  int32
	Partitions []ListOffsetsPartition
}

// BodyBytes implements Body.
func (r *ListOffsetsRequest) BodyBytes() int {
	return 4 + 1 + 1 + grouped(len(r.Partitions), 1,
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int { return 17 })
}

// Release implements Body.
func (r *ListOffsetsRequest) Release() {}

// ListOffsetsResult is one partition's offset; -1 if no record is so young.
type ListOffsetsResult struct {
	TopicPartition
	Err         ErrorCode
	Timestamp   int64 // of the record, where a time was asked for; else -1
	Offset      int64
	LeaderEpoch int32 // of the record at the offset; -1: not known
}

// ListOffsetsResponse is the answer to ListOffsetsRequest.
type ListOffsetsResponse struct{ Partitions []ListOffsetsResult }

// BodyBytes implements Body.
func (r *ListOffsetsResponse) BodyBytes() int {
	return 4 + 1 + grouped(len(r.Partitions), 1,
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int { return 27 })
}

// Release implements Body.
func (r *ListOffsetsResponse) Release() {}
