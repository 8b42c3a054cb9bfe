package broker

import "brokerlab/engine/protocol"

// listOffsets says where partitions begin or end, or which record is the first at
// or after a time.
func (b *Broker) listOffsets(r *protocol.ListOffsetsRequest) *protocol.ListOffsetsResponse {
	resp := &protocol.ListOffsetsResponse{Partitions: make([]protocol.ListOffsetsResult, len(r.Partitions))}
	for i, want := range r.Partitions {
		out := &resp.Partitions[i]
		out.TopicPartition, out.Timestamp, out.LeaderEpoch = want.TopicPartition, -1, -1
		p, lead, code := b.led(want.TopicPartition, -1)
		switch {
		case code != protocol.ErrNone:
			out.Err = code
		case want.Timestamp == protocol.EarliestOffset:
			out.Offset = p.log.StartOffset()
			out.LeaderEpoch, _ = p.log.EpochFor(out.Offset)
		case want.Timestamp >= 0:
			b.offsetForTime(p, want.Timestamp, out)
		case want.Timestamp != protocol.LatestOffset:
			out.Err = protocol.ErrInvalidRequest
		case r.ReplicaID == protocol.ConsumerReplicaID:
			out.Offset, out.LeaderEpoch = lead.highWatermark, lead.epoch
		default:
			out.Offset, out.LeaderEpoch = p.log.EndOffset(), lead.epoch
		}
	}
	return resp
}

// offsetForTime finds the first record that is not before a time and that
// consumers may read; its offset is -1 if there is none.
func (b *Broker) offsetForTime(p *partition, timestampMs int64, out *protocol.ListOffsetsResult) {
	at, found, err := p.log.OffsetForTime(timestampMs)
	switch {
	case err != nil:
		out.Err, out.Offset = b.errorCode(err), -1
	case !found || at.Offset >= p.highWatermark():
		out.Offset = -1
	default:
		out.Timestamp, out.Offset, out.LeaderEpoch = at.Timestamp, at.Offset, at.LeaderEpoch
	}
}

// offsetsForLeaderEpoch says where leader epochs end in the logs that this broker
// leads (Partition.lastOffsetForLeaderEpoch).
func (b *Broker) offsetsForLeaderEpoch(
	r *protocol.OffsetsForLeaderEpochRequest,
) *protocol.OffsetsForLeaderEpochResponse {
	resp := &protocol.OffsetsForLeaderEpochResponse{
		Partitions: make([]protocol.OffsetsForLeaderEpochResult, len(r.Partitions))}
	for i, want := range r.Partitions {
		out := &resp.Partitions[i]
		out.TopicPartition = want.TopicPartition
		p, _, code := b.led(want.TopicPartition, want.CurrentLeaderEpoch)
		if code != protocol.ErrNone {
			out.Err, out.EpochEndOffset = code, protocol.EpochEndOffset{LeaderEpoch: -1, EndOffset: -1}
			continue
		}
		end := p.log.EndOffsetFor(want.LeaderEpoch)
		out.EpochEndOffset = protocol.EpochEndOffset{LeaderEpoch: end.Epoch, EndOffset: end.EndOffset}
	}
	return resp
}
