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
	fetch   fetching
}

func (b *Broker) newConnection() server.Handler {
	return &connection{b: b, produce: delayedProduce{b: b}, fetch: fetching{b: b}}
}

// Parse implements server.Handler.
func (c *connection) Parse(req *protocol.Request) {
	c.b.node.Charge(env.OpRequest, protocol.Partitions(req.Body))
}

// Handle implements server.Handler.
func (c *connection) Handle(req *protocol.Request, received env.Time) server.Answer {
	b := c.b
	if _, fetch := req.Body.(*protocol.FetchRequest); !fetch { // whose partitions the session knows
		b.node.Charge(env.OpHandle, protocol.Partitions(req.Body))
	}
	switch r := req.Body.(type) {
	case *protocol.ProduceRequest:
		came := arrival{arrived: req.Arrival, received: received}
		if came.arrived == 0 {
			came.arrived = received
		}
		return b.produce(r, came, &c.produce)
	case *protocol.FetchRequest:
		return b.fetch(r, received, &c.fetch)
	case *protocol.ListOffsetsRequest:
		return server.Answer{Body: b.listOffsets(r)}
	case *protocol.OffsetsForLeaderEpochRequest:
		return server.Answer{Body: b.offsetsForLeaderEpoch(r)}
	case *protocol.InitProducerIDRequest:
		return server.Answer{Body: &protocol.InitProducerIDResponse{ProducerID: b.nextProducerID()}}
	case *protocol.MetadataRequest:
		return server.Answer{Body: b.plan().Metadata(r.Topics)}
	default:
		return server.Answer{Close: true}
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
