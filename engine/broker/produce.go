package broker

import (
	"errors"
	"time"

	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/server"
)

// produce appends the request's batches to the logs that this broker leads
// (ReplicaManager.appendRecords). With acks=all the request then waits until every
// in-sync replica has them. With acks=0 there is no response; an error then closes
// the connection, as Kafka does.
func (b *Broker) produce(r *protocol.ProduceRequest, came arrival, d *delayedProduce) server.Answer {
	resp := &protocol.ProduceResponse{Partitions: make([]protocol.ProducePartitionResult, len(r.Partitions))}
	d.resp, d.ends, d.deadline = resp, d.ends[:0], came.received.Add(r.Timeout)
	handled := b.node.Now()
	var flushing time.Duration
	failed := false
	known := r.Acks >= protocol.AcksAll && r.Acks <= protocol.AcksLeader
	for i := range r.Partitions {
		in, out := &r.Partitions[i], &resp.Partitions[i]
		out.TopicPartition = in.TopicPartition
		out.Stamps = in.Stamps
		out.Stamps[protocol.StageArrived], out.Stamps[protocol.StageReceived] = came.arrived, came.received
		out.Stamps[protocol.StageHandled] = handled
		if !known {
			out.Err, out.BaseOffset = protocol.ErrInvalidRequiredAcks, -1
			continue
		}
		out.Flushing = flushing
		d.ends = append(d.ends, b.appendBatch(r.Acks, in, out))
		flushing = out.Flushing
		failed = failed || out.Err != protocol.ErrNone
	}
	written := b.node.Now()
	for i := range resp.Partitions {
		out := &resp.Partitions[i]
		out.Flushing = flushing
		out.Stamps[protocol.StageWritten], out.Stamps[protocol.StageAnswered] = written, written
	}
	switch r.Acks {
	case protocol.AcksNone:
		return server.Answer{Close: failed}
	case protocol.AcksAll:
		return server.Answer{Delayed: d}
	default:
		return server.Answer{Body: resp}
	}
}

// arrival is when a request came to the broker's node, and to a network thread.
type arrival struct{ arrived, received env.Time }

// appendEnd is where a batch ends, and which leadership appended it.
type appendEnd struct {
	epoch int32
	next  int64 // the offset after it
}

// appendBatch appends one batch. out.Flushing is how long flushes have taken in the
// request so far.
func (b *Broker) appendBatch(acks int16, in *protocol.ProducePartition,
	out *protocol.ProducePartitionResult) appendEnd {
	out.BaseOffset = -1
	p, code := b.hosted(in.TopicPartition)
	var epoch int32
	if code == protocol.ErrNone {
		epoch, code = p.beginLeaderAppend(acks)
	}
	if code != protocol.ErrNone {
		out.Err = code
		return appendEnd{}
	}
	batch := in.Records
	in.Records = env.Buf{} // the log takes it over
	done, err := p.log.AppendAsLeader(epoch, batch)
	if err != nil {
		p.endLeaderAppend(nil)
		out.Err = b.errorCode(err)
		return appendEnd{}
	}
	out.BaseOffset = done.BaseOffset
	out.LogStartOffset = p.log.StartOffset()
	out.Stamps[protocol.StageValidated] = done.Validated
	out.Stamps[protocol.StageAppended] = done.Done
	out.Stamps[protocol.StageFlushed] = done.Flushed
	out.Flushing += done.Flushing
	p.endLeaderAppend(&protocol.BatchTimes{BaseOffset: done.BaseOffset, NextOffset: done.NextOffset, Bytes: done.Bytes,
		Stamps: out.Stamps, Flushing: out.Flushing})
	return appendEnd{epoch: epoch, next: done.NextOffset}
}

// delayedProduce is a produce whose batches wait for their replicas
// (DelayedProduce).
type delayedProduce struct {
	b        *Broker
	resp     *protocol.ProduceResponse
	ends     []appendEnd // of resp's partitions
	deadline env.Time
}

// Await implements server.Delayed. It waits for each batch in turn: all of them
// must be replicated, so the order in which they are waited for does not matter.
func (d *delayedProduce) Await() protocol.Body {
	for i := range d.resp.Partitions {
		out := &d.resp.Partitions[i]
		if out.Err != protocol.ErrNone {
			continue
		}
		p := d.b.byName[out.TopicPartition]
		if out.Err = p.waitReplicated(d.ends[i].epoch, d.ends[i].next, d.deadline); out.Err != protocol.ErrNone {
			continue
		}
		out.Stamps[protocol.StageReplicated] = d.b.node.Now()
	}
	answered := d.b.node.Now()
	for i := range d.resp.Partitions {
		d.resp.Partitions[i].Stamps[protocol.StageAnswered] = answered
	}
	return d.resp
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
	case errors.Is(err, commitlog.ErrOutOfOrderSequence):
		return protocol.ErrOutOfOrderSequence
	case errors.Is(err, commitlog.ErrProducerEpoch):
		return protocol.ErrInvalidProducerEpoch
	case errors.Is(err, commitlog.ErrOffsetOutOfRange):
		return protocol.ErrOffsetOutOfRange
	default:
		b.logFailed(err)
		return protocol.ErrStorage
	}
}
