package protocol

import "fmt"

// ErrorCode is Kafka's error code
// (org.apache.kafka.common.protocol.Errors). It is an error when it is not 0.
type ErrorCode int16

// The codes that the engine uses, with Kafka's numbers.
const (
	ErrUnknownServer           ErrorCode = -1
	ErrNone                    ErrorCode = 0
	ErrOffsetOutOfRange        ErrorCode = 1
	ErrCorruptMessage          ErrorCode = 2
	ErrUnknownTopicOrPartition ErrorCode = 3
	ErrNotLeaderOrFollower     ErrorCode = 6
	ErrRequestTimedOut         ErrorCode = 7
	ErrMessageTooLarge         ErrorCode = 10
	ErrNotEnoughReplicas       ErrorCode = 19
	ErrInvalidRequiredAcks     ErrorCode = 21
	ErrInvalidRequest          ErrorCode = 42
	ErrStorage                 ErrorCode = 56
	ErrFencedLeaderEpoch       ErrorCode = 74
	ErrUnknownLeaderEpoch      ErrorCode = 75
	ErrInvalidRecord           ErrorCode = 87
)

// Error implements error with Kafka's name for the code.
func (e ErrorCode) Error() string {
	switch e {
	case ErrNone:
		return "NONE"
	case ErrUnknownServer:
		return "UNKNOWN_SERVER_ERROR"
	case ErrOffsetOutOfRange:
		return "OFFSET_OUT_OF_RANGE"
	case ErrCorruptMessage:
		return "CORRUPT_MESSAGE"
	case ErrUnknownTopicOrPartition:
		return "UNKNOWN_TOPIC_OR_PARTITION"
	case ErrNotLeaderOrFollower:
		return "NOT_LEADER_OR_FOLLOWER"
	case ErrRequestTimedOut:
		return "REQUEST_TIMED_OUT"
	case ErrMessageTooLarge:
		return "MESSAGE_TOO_LARGE"
	case ErrNotEnoughReplicas:
		return "NOT_ENOUGH_REPLICAS"
	case ErrInvalidRequiredAcks:
		return "INVALID_REQUIRED_ACKS"
	case ErrInvalidRequest:
		return "INVALID_REQUEST"
	case ErrStorage:
		return "KAFKA_STORAGE_ERROR"
	case ErrFencedLeaderEpoch:
		return "FENCED_LEADER_EPOCH"
	case ErrUnknownLeaderEpoch:
		return "UNKNOWN_LEADER_EPOCH"
	case ErrInvalidRecord:
		return "INVALID_RECORD"
	default:
		return fmt.Sprintf("error code %d", int16(e))
	}
}

// Err returns nil for ErrNone, and the code as an error otherwise.
func (e ErrorCode) Err() error {
	if e == ErrNone {
		return nil
	}
	return e
}

// Retriable says whether a client may send the same request again
// (org.apache.kafka.common.errors.RetriableException).
func (e ErrorCode) Retriable() bool {
	switch e {
	case ErrCorruptMessage, ErrUnknownTopicOrPartition, ErrNotLeaderOrFollower, ErrRequestTimedOut,
		ErrNotEnoughReplicas, ErrStorage, ErrFencedLeaderEpoch, ErrUnknownLeaderEpoch:
		return true
	default:
		return false
	}
}
