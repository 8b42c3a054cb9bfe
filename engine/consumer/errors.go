package consumer

import (
	"fmt"

	"brokerlab/engine/protocol"
)

// CorruptError is a batch that fails its checks. The consumer goes on after it.
type CorruptError struct {
	protocol.TopicPartition
	BaseOffset int64
	Records    int32 // that the batch's header claims
	Cause      error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("corrupt batch of %d records at %s-%d offset %d: %v",
		e.Records, e.Topic, e.Partition, e.BaseOffset, e.Cause)
}

func (e *CorruptError) Unwrap() error { return e.Cause }

// OutOfRangeError says that the log has no such offset: retention deleted it, or
// the log was truncated (OffsetOutOfRangeException). It is a
// protocol.ErrOffsetOutOfRange.
type OutOfRangeError struct {
	protocol.TopicPartition
	Offset        int64
	LogStart      int64 // first offset of the log
	HighWatermark int64 // up to which it is replicated
}

func (e *OutOfRangeError) Error() string {
	return fmt.Sprintf("%v: position %d of %s-%d is not in its log, which begins at %d and is replicated to %d",
		protocol.ErrOffsetOutOfRange, e.Offset, e.Topic, e.Partition, e.LogStart, e.HighWatermark)
}

// Unwrap returns the error's code.
func (e *OutOfRangeError) Unwrap() error { return protocol.ErrOffsetOutOfRange }

// Deleted says that the offset lies before the log's beginning; otherwise it lies
// behind its end, which truncation does.
func (e *OutOfRangeError) Deleted() bool { return e.Offset < e.LogStart }

// TruncatedError says that a new leader lacks records that were read
// (LogTruncationException, KIP-320).
type TruncatedError struct {
	protocol.TopicPartition
	Offset      int64                   // of the position
	LeaderEpoch int32                   // of the record before it
	End         protocol.EpochEndOffset // where the new leader's log parts from it; -1 is not known
}

func (e *TruncatedError) Error() string {
	text := fmt.Sprintf("records of %s-%d below the position, offset %d of leader epoch %d, were truncated",
		e.Topic, e.Partition, e.Offset, e.LeaderEpoch)
	if e.End.EndOffset < 0 {
		return text
	}
	return fmt.Sprintf("%s: the leader's log parts from them at offset %d", text, e.End.EndOffset)
}
