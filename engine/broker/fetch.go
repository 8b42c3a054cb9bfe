package broker

import (
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/server"
)

// fetch reads what is asked for (ReplicaManager.fetchMessages). A request that finds
// less than MinBytes waits for more. A follower's fetch first tells how far its log
// reaches.
func (b *Broker) fetch(r *protocol.FetchRequest, received env.Time, d *delayedFetch) server.Answer {
	if r.ReplicaID >= 0 {
		b.noteFollower(r)
	}
	resp, enough := b.readAll(r)
	d.r, d.deadline = r, received.Add(r.MaxWait)
	if enough || len(r.Partitions) == 0 || b.node.Now() >= d.deadline {
		return server.Answer{Body: resp}
	}
	resp.Release()
	return server.Answer{Delayed: d}
}

// delayedFetch is a fetch that waits for MinBytes until MaxWait is over
// (DelayedFetch).
type delayedFetch struct {
	b        *Broker
	r        *protocol.FetchRequest
	wait     *fetchWait
	deadline env.Time
}

// Await implements server.Delayed.
func (d *delayedFetch) Await() protocol.Body {
	b, follower := d.b, d.r.ReplicaID >= 0
	watched := b.watchAll(d.r, d.wait, follower)
	var resp *protocol.FetchResponse
	for {
		// Read again after watching, or an append in between would be missed.
		var enough bool
		resp, enough = b.readAll(d.r)
		if enough || b.node.Now() >= d.deadline || b.isClosing() {
			break
		}
		resp.Release()
		d.wait.wait(d.deadline)
	}
	for _, p := range watched {
		p.unwatch(d.wait, follower)
	}
	return resp
}

func (b *Broker) isClosing() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.closing
}

func (b *Broker) noteFollower(r *protocol.FetchRequest) {
	for i := range r.Partitions {
		in := &r.Partitions[i]
		if p, _, code := b.led(in.TopicPartition, in.CurrentLeaderEpoch); code == protocol.ErrNone {
			if _, parts := diverges(p, in); !parts {
				p.fetched(r.ReplicaID, in.FetchOffset)
			}
		}
	}
}

func (b *Broker) watchAll(r *protocol.FetchRequest, wait *fetchWait, follower bool) []*partition {
	watched := make([]*partition, 0, len(r.Partitions))
	for i := range r.Partitions {
		if p, _, code := b.led(r.Partitions[i].TopicPartition, -1); code == protocol.ErrNone {
			p.watch(wait, follower)
			watched = append(watched, p)
		}
	}
	return watched
}

// readAll reads the partitions in the order of the request until MaxBytes are
// found. It reports whether that is enough to answer: MinBytes or an error.
func (b *Broker) readAll(r *protocol.FetchRequest) (resp *protocol.FetchResponse, enough bool) {
	resp = &protocol.FetchResponse{Partitions: make([]protocol.FetchPartitionResult, len(r.Partitions))}
	bytes := 0
	for i := range r.Partitions {
		in, out := &r.Partitions[i], &resp.Partitions[i]
		out.TopicPartition = in.TopicPartition
		b.readPartition(r, in, out, int(r.MaxBytes)-bytes, bytes == 0)
		bytes += out.Records.Len()
		enough = enough || out.Err != protocol.ErrNone || out.Diverges
	}
	return resp, enough || bytes >= int(min(r.MinBytes, r.MaxBytes)) // as KafkaApis.handleFetchRequest
}

// readPartition reads one partition. The first one that has records gives at
// least one batch, however large (KIP-74).
func (b *Broker) readPartition(r *protocol.FetchRequest, in *protocol.FetchPartition,
	out *protocol.FetchPartitionResult, room int, first bool) {
	p, lead, code := b.led(in.TopicPartition, in.CurrentLeaderEpoch)
	if code != protocol.ErrNone {
		out.Err = code
		return
	}
	out.HighWatermark = lead.highWatermark
	out.LogStartOffset = p.log.StartOffset()
	limit := out.HighWatermark
	if r.ReplicaID >= 0 {
		limit = p.log.EndOffset()
		if out.Diverging, out.Diverges = diverges(p, in); out.Diverges {
			return
		}
	}
	if room <= 0 {
		return
	}
	records, err := p.log.Read(commitlog.ReadRequest{
		Offset: in.FetchOffset, MaxBytes: min(room, int(in.MaxBytes)), Limit: limit, AtLeastOne: first,
	})
	if err != nil {
		out.Err = b.errorCode(err)
		return
	}
	out.Records = records
}

// diverges says whether a follower's log ends in records that the leader's does
// not have: where the epoch of its last record ends in the leader's log
// (Partition.readRecords; KIP-595). An epoch that the leader does not know says
// nothing: then the offset decides.
func diverges(p *partition, in *protocol.FetchPartition) (protocol.EpochEndOffset, bool) {
	if in.LastFetchedEpoch < 0 {
		return protocol.EpochEndOffset{}, false
	}
	end := p.log.EndOffsetFor(in.LastFetchedEpoch)
	if end.Epoch < 0 || end.EndOffset < 0 {
		return protocol.EpochEndOffset{}, false
	}
	return protocol.EpochEndOffset{LeaderEpoch: end.Epoch, EndOffset: end.EndOffset},
		end.Epoch < in.LastFetchedEpoch || end.EndOffset < in.FetchOffset
}
