package broker

import (
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// fetch reads what is asked for, and waits for MinBytes of it until MaxWait is
// over (ReplicaManager.fetchMessages and DelayedFetch). A follower's fetch first
// tells how far its log reaches.
func (b *Broker) fetch(r *protocol.FetchRequest, wait *fetchWait, received env.Time) *protocol.FetchResponse {
	follower := r.ReplicaID >= 0
	if follower {
		b.noteFollower(r)
	}
	resp, enough := b.readAll(r)
	deadline := received.Add(r.MaxWait)
	if enough || len(r.Partitions) == 0 || b.node.Now() >= deadline {
		return resp
	}
	watched := b.watchAll(r, wait, follower)
	for {
		// Read again after watching, or an append in between would be missed.
		resp.Release()
		resp, enough = b.readAll(r)
		if enough || b.node.Now() >= deadline || b.isClosing() {
			break
		}
		wait.wait(deadline)
	}
	for _, p := range watched {
		p.unwatch(wait, follower)
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
		if p, code := b.led(r.Partitions[i].TopicPartition); code == protocol.ErrNone {
			p.fetched(r.ReplicaID, r.Partitions[i].FetchOffset)
		}
	}
}

func (b *Broker) watchAll(r *protocol.FetchRequest, wait *fetchWait, follower bool) []*partition {
	watched := make([]*partition, 0, len(r.Partitions))
	for i := range r.Partitions {
		if p, code := b.led(r.Partitions[i].TopicPartition); code == protocol.ErrNone {
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
		enough = enough || out.Err != protocol.ErrNone
	}
	return resp, enough || bytes >= int(min(r.MinBytes, r.MaxBytes)) // as KafkaApis.handleFetchRequest
}

// readPartition reads one partition. The first one that has records gives at
// least one batch, however large (KIP-74).
func (b *Broker) readPartition(r *protocol.FetchRequest, in *protocol.FetchPartition,
	out *protocol.FetchPartitionResult, room int, first bool) {
	p, code := b.led(in.TopicPartition)
	if code == protocol.ErrNone && in.CurrentLeaderEpoch >= 0 && in.CurrentLeaderEpoch != p.LeaderEpoch {
		code = protocol.ErrFencedLeaderEpoch
		if in.CurrentLeaderEpoch > p.LeaderEpoch {
			code = protocol.ErrUnknownLeaderEpoch
		}
	}
	if code != protocol.ErrNone {
		out.Err = code
		return
	}
	out.HighWatermark = p.highWatermark()
	out.LogStartOffset = p.log.StartOffset()
	limit := out.HighWatermark
	if r.ReplicaID >= 0 {
		limit = p.log.EndOffset()
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
