package protocol

import "fmt"

// ErrorCode is Kafka's error code
// (org.apache.kafka.common.protocol.Errors). It is an error when it is not 0.
type ErrorCode int16

// The codes that the engine uses, with Kafka's numbers.
const (
	ErrUnknownServer                ErrorCode = -1
	ErrNone                         ErrorCode = 0
	ErrOffsetOutOfRange             ErrorCode = 1
	ErrCorruptMessage               ErrorCode = 2
	ErrUnknownTopicOrPartition      ErrorCode = 3
	ErrLeaderNotAvailable           ErrorCode = 5
	ErrNotLeaderOrFollower          ErrorCode = 6
	ErrRequestTimedOut              ErrorCode = 7
	ErrMessageTooLarge              ErrorCode = 10
	ErrNotEnoughReplicas            ErrorCode = 19
	ErrNotEnoughReplicasAfterAppend ErrorCode = 20
	ErrInvalidRequiredAcks          ErrorCode = 21
	ErrNotController                ErrorCode = 41
	ErrInvalidRequest               ErrorCode = 42
	ErrOutOfOrderSequence           ErrorCode = 45
	ErrInvalidProducerEpoch         ErrorCode = 47
	ErrStorage                      ErrorCode = 56
	ErrFetchSessionIDNotFound       ErrorCode = 70
	ErrInvalidFetchSessionEpoch     ErrorCode = 71
	ErrFencedLeaderEpoch            ErrorCode = 74
	ErrUnknownLeaderEpoch           ErrorCode = 75
	ErrStaleBrokerEpoch             ErrorCode = 77
	ErrPreferredLeaderNotAvailable  ErrorCode = 80
	ErrElectionNotNeeded            ErrorCode = 84
	ErrInvalidRecord                ErrorCode = 87
	ErrInvalidUpdateVersion         ErrorCode = 95
	ErrDuplicateBrokerRegistration  ErrorCode = 101
	ErrBrokerIDNotRegistered        ErrorCode = 102
	ErrIneligibleReplica            ErrorCode = 107
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
	case ErrOutOfOrderSequence:
		return "OUT_OF_ORDER_SEQUENCE_NUMBER"
	case ErrInvalidProducerEpoch:
		return "INVALID_PRODUCER_EPOCH"
	case ErrStorage:
		return "KAFKA_STORAGE_ERROR"
	case ErrFetchSessionIDNotFound:
		return "FETCH_SESSION_ID_NOT_FOUND"
	case ErrInvalidFetchSessionEpoch:
		return "INVALID_FETCH_SESSION_EPOCH"
	case ErrFencedLeaderEpoch:
		return "FENCED_LEADER_EPOCH"
	case ErrUnknownLeaderEpoch:
		return "UNKNOWN_LEADER_EPOCH"
	case ErrInvalidRecord:
		return "INVALID_RECORD"
	case ErrLeaderNotAvailable:
		return "LEADER_NOT_AVAILABLE"
	case ErrNotEnoughReplicasAfterAppend:
		return "NOT_ENOUGH_REPLICAS_AFTER_APPEND"
	case ErrNotController:
		return "NOT_CONTROLLER"
	case ErrStaleBrokerEpoch:
		return "STALE_BROKER_EPOCH"
	case ErrInvalidUpdateVersion:
		return "INVALID_UPDATE_VERSION"
	case ErrPreferredLeaderNotAvailable:
		return "PREFERRED_LEADER_NOT_AVAILABLE"
	case ErrElectionNotNeeded:
		return "ELECTION_NOT_NEEDED"
	case ErrDuplicateBrokerRegistration:
		return "DUPLICATE_BROKER_REGISTRATION"
	case ErrBrokerIDNotRegistered:
		return "BROKER_ID_NOT_REGISTERED"
	case ErrIneligibleReplica:
		return "INELIGIBLE_REPLICA"
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
		ErrNotEnoughReplicas, ErrNotEnoughReplicasAfterAppend,
		ErrLeaderNotAvailable, ErrNotController, ErrStorage, ErrFetchSessionIDNotFound, ErrInvalidFetchSessionEpoch,
		ErrFencedLeaderEpoch, ErrUnknownLeaderEpoch, ErrPreferredLeaderNotAvailable:
		return true
	default:
		return false
	}
}
