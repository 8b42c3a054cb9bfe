package broker

import (
	"errors"

	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// produce appends the request's batches to the logs that this broker leads, and
// with acks=all waits until every in-sync replica has them
// (ReplicaManager.appendRecords and DelayedProduce). With acks=0 there is no
// response; an error then closes the connection, as Kafka does.
func (b *Broker) produce(r *protocol.ProduceRequest, received env.Time) (body protocol.Body, goOn bool) {
	resp := &protocol.ProduceResponse{Partitions: make([]protocol.ProducePartitionResult, len(r.Partitions))}
	ends := make([]int64, len(r.Partitions))
	failed := false
	known := r.Acks >= protocol.AcksAll && r.Acks <= protocol.AcksLeader
	for i := range r.Partitions {
		in, out := &r.Partitions[i], &resp.Partitions[i]
		out.TopicPartition = in.TopicPartition
		out.Stamps = in.Stamps
		out.Stamps[protocol.StageReceived] = received
		if !known {
			out.Err, out.BaseOffset = protocol.ErrInvalidRequiredAcks, -1
			continue
		}
		ends[i] = b.appendBatch(in, out)
		failed = failed || out.Err != protocol.ErrNone
	}
	if r.Acks == protocol.AcksNone {
		return nil, !failed
	}
	if r.Acks == protocol.AcksAll {
		b.waitReplicated(resp, ends, received.Add(r.Timeout))
	}
	return resp, true
}

// appendBatch appends one batch and returns the offset after it.
func (b *Broker) appendBatch(in *protocol.ProducePartition, out *protocol.ProducePartitionResult) (end int64) {
	out.BaseOffset = -1
	p, code := b.led(in.TopicPartition)
	if code != protocol.ErrNone {
		out.Err = code
		return 0
	}
	batch := in.Records
	in.Records = env.Buf{} // the log takes it over
	done, err := p.log.AppendAsLeader(p.LeaderEpoch, batch)
	if err != nil {
		out.Err = b.errorCode(err)
		return 0
	}
	out.BaseOffset = done.BaseOffset
	out.LogStartOffset = p.log.StartOffset()
	out.Stamps[protocol.StageValidated] = done.Validated
	out.Stamps[protocol.StageAppended] = done.Done
	out.Stamps[protocol.StageFlushed] = done.Flushed
	p.appended(done.NextOffset)
	return done.NextOffset
}

// waitReplicated waits for each batch in turn: all of them must be replicated,
// so the order in which they are waited for does not matter.
func (b *Broker) waitReplicated(resp *protocol.ProduceResponse, ends []int64, deadline env.Time) {
	for i := range resp.Partitions {
		out := &resp.Partitions[i]
		if out.Err != protocol.ErrNone {
			continue
		}
		if !b.byName[out.TopicPartition].waitReplicated(ends[i], deadline) {
			out.Err = protocol.ErrRequestTimedOut
			continue
		}
		out.Stamps[protocol.StageReplicated] = b.node.Now()
	}
}

// errorCode gives a log's error its name in the protocol, and remembers a log
// that has failed.
func (b *Broker) errorCode(err error) protocol.ErrorCode {
	switch {
	case errors.Is(err, commitlog.ErrCorrupt):
		return protocol.ErrCorruptMessage
	case errors.Is(err, commitlog.ErrTooLarge):
		return protocol.ErrMessageTooLarge
	case errors.Is(err, commitlog.ErrInvalid):
		return protocol.ErrInvalidRecord
	case errors.Is(err, commitlog.ErrOffsetOutOfRange):
		return protocol.ErrOffsetOutOfRange
	default:
		b.logFailed(err)
		return protocol.ErrStorage
	}
}
