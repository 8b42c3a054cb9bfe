package broker

import (
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// acceptLoop gives each connection a task of its own. Kafka shares
// num.network.threads and num.io.threads among them; what it promises is the
// same: one request of a connection at a time, responses in order.
func (b *Broker) acceptLoop() error {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return nil // the listener was closed: the broker ends
		}
		if !b.adopt(conn) {
			_ = conn.Close()
			return nil
		}
		b.tasks.Go("connection", func() error {
			b.serve(conn)
			b.drop(conn)
			return nil
		})
	}
}

func (b *Broker) adopt(conn env.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.closing {
		return false
	}
	b.mu.conns = append(b.mu.conns, conn)
	return true
}

func (b *Broker) drop(conn env.Conn) {
	_ = conn.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, c := range b.mu.conns {
		if c == conn {
			last := len(b.mu.conns) - 1
			b.mu.conns[i] = b.mu.conns[last]
			b.mu.conns = b.mu.conns[:last]
			return
		}
	}
}

// serve answers a connection's requests one after another until it ends.
func (b *Broker) serve(conn env.Conn) {
	wait := newFetchWait(b.node)
	for {
		m, err := conn.Recv(env.Never)
		if err != nil {
			return // the client or this broker closed it
		}
		req, ok := m.(*protocol.Request)
		if !ok {
			m.Release()
			return // not a client: Kafka closes the connection too
		}
		body, goOn := b.handle(req, wait)
		req.Release()
		if !goOn {
			return
		}
		if body == nil {
			continue
		}
		if conn.Send(&protocol.Response{CorrelationID: req.CorrelationID, Body: body}) != nil {
			return
		}
	}
}

// handle answers one request. A nil body means that there is no response;
// goOn is false when the connection must be closed instead.
func (b *Broker) handle(req *protocol.Request, wait *fetchWait) (body protocol.Body, goOn bool) {
	received := b.node.Now()
	switch r := req.Body.(type) {
	case *protocol.ProduceRequest:
		b.node.Charge(env.OpRequest, len(r.Partitions))
		return b.produce(r, received)
	case *protocol.FetchRequest:
		b.node.Charge(env.OpRequest, len(r.Partitions))
		return b.fetch(r, wait, received), true
	case *protocol.ListOffsetsRequest:
		b.node.Charge(env.OpRequest, len(r.Partitions))
		return b.listOffsets(r), true
	case *protocol.InitProducerIDRequest:
		b.node.Charge(env.OpRequest, 1)
		return &protocol.InitProducerIDResponse{ProducerID: b.nextProducerID()}, true
	case *protocol.MetadataRequest:
		b.node.Charge(env.OpRequest, 1)
		return b.plan().Metadata(r.Topics), true
	default:
		return nil, false
	}
}

func (b *Broker) listOffsets(r *protocol.ListOffsetsRequest) *protocol.ListOffsetsResponse {
	resp := &protocol.ListOffsetsResponse{Partitions: make([]protocol.ListOffsetsResult, len(r.Partitions))}
	for i, want := range r.Partitions {
		out := &resp.Partitions[i]
		out.TopicPartition = want.TopicPartition
		p, lead, code := b.led(want.TopicPartition, -1)
		switch {
		case code != protocol.ErrNone:
			out.Err = code
		case want.Timestamp == protocol.EarliestOffset:
			out.Offset = p.log.StartOffset()
		case want.Timestamp >= 0:
			out.Offset, out.Err = b.offsetForTime(p, want.Timestamp)
		case want.Timestamp != protocol.LatestOffset:
			out.Err = protocol.ErrInvalidRequest
		case r.ReplicaID == protocol.ConsumerReplicaID:
			out.Offset = lead.highWatermark
		default:
			out.Offset = p.log.EndOffset()
		}
	}
	return resp
}

// offsetForTime is the offset of the first record that is not before a time and
// that consumers may read, and -1 if there is none.
func (b *Broker) offsetForTime(p *partition, timestampMs int64) (int64, protocol.ErrorCode) {
	at, found, err := p.log.OffsetForTime(timestampMs)
	switch {
	case err != nil:
		return -1, b.errorCode(err)
	case !found || at.Offset >= p.highWatermark():
		return -1, protocol.ErrNone
	default:
		return at.Offset, protocol.ErrNone
	}
}

// hosted finds a partition of which this broker has a replica. One that only
// others host is known: the client's metadata are old
// (ReplicaManager.getPartitionOrError).
func (b *Broker) hosted(tp protocol.TopicPartition) (*partition, protocol.ErrorCode) {
	p, hosted := b.byName[tp]
	switch {
	case hosted:
		return p, protocol.ErrNone
	case b.cfg.Plan.Has(tp):
		return nil, protocol.ErrNotLeaderOrFollower
	default:
		return nil, protocol.ErrUnknownTopicOrPartition
	}
}

// led finds a partition that this broker leads, in the leader epoch that the
// request names; -1 is any.
func (b *Broker) led(tp protocol.TopicPartition, epoch int32) (*partition, view, protocol.ErrorCode) {
	p, code := b.hosted(tp)
	if code != protocol.ErrNone {
		return nil, view{}, code
	}
	lead, code := p.asLeader(epoch)
	return p, lead, code
}
