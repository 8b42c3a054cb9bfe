package protocol

// OffsetsForLeaderEpochPartition asks where a leader epoch ends in a partition's
// log.
type OffsetsForLeaderEpochPartition struct {
	TopicPartition
	CurrentLeaderEpoch int32 // -1: not checked
	LeaderEpoch        int32
}

// OffsetsForLeaderEpochRequest is how a consumer finds out whether a new leader
// has the records that it has read (OffsetForLeaderEpoch v4; KIP-320).
type OffsetsForLeaderEpochRequest struct {
	ReplicaID  int32
	Partitions []OffsetsForLeaderEpochPartition
}

// BodyBytes implements Body.
func (r *OffsetsForLeaderEpochRequest) BodyBytes() int {
	return 4 + 1 + grouped(len(r.Partitions), 1,
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int { return 13 })
}

// Release implements Body.
func (r *OffsetsForLeaderEpochRequest) Release() {}

// OffsetsForLeaderEpochResult is the largest epoch of the leader's log that is not
// above the one asked for, and where it ends; both are -1 if the log knows none.
type OffsetsForLeaderEpochResult struct {
	TopicPartition
	Err ErrorCode
	EpochEndOffset
}

// OffsetsForLeaderEpochResponse is the answer to OffsetsForLeaderEpochRequest.
type OffsetsForLeaderEpochResponse struct{ Partitions []OffsetsForLeaderEpochResult }

// BodyBytes implements Body.
func (r *OffsetsForLeaderEpochResponse) BodyBytes() int {
	return 4 + 1 + grouped(len(r.Partitions), 1,
		func(i int) string { return r.Partitions[i].Topic },
		func(i int) int { return 19 })
}

// Release implements Body.
func (r *OffsetsForLeaderEpochResponse) Release() {}
