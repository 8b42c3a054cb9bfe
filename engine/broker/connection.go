package broker

import (
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/server"
)

// connection handles the requests of one connection (KafkaApis).
type connection struct {
	b       *Broker
	produce delayedProduce // of the request that is worked on, as is the next
	fetch   delayedFetch
}

func (b *Broker) newConnection() server.Handler {
	return &connection{b: b, produce: delayedProduce{b: b}, fetch: delayedFetch{b: b, wait: newFetchWait(b.node)}}
}

// Parse implements server.Handler.
func (c *connection) Parse(req *protocol.Request) {
	partitions := 1
	switch r := req.Body.(type) {
	case *protocol.ProduceRequest:
		partitions = len(r.Partitions)
	case *protocol.FetchRequest:
		partitions = len(r.Partitions)
	case *protocol.ListOffsetsRequest:
		partitions = len(r.Partitions)
	}
	c.b.node.Charge(env.OpRequest, partitions)
}

// Handle implements server.Handler.
func (c *connection) Handle(req *protocol.Request, received env.Time) server.Answer {
	b := c.b
	switch r := req.Body.(type) {
	case *protocol.ProduceRequest:
		return b.produce(r, received, &c.produce)
	case *protocol.FetchRequest:
		return b.fetch(r, received, &c.fetch)
	case *protocol.ListOffsetsRequest:
		return server.Answer{Body: b.listOffsets(r)}
	case *protocol.InitProducerIDRequest:
		return server.Answer{Body: &protocol.InitProducerIDResponse{ProducerID: b.nextProducerID()}}
	case *protocol.MetadataRequest:
		return server.Answer{Body: b.plan().Metadata(r.Topics)}
	default:
		return server.Answer{Close: true}
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
