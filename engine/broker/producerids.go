package broker

import "time"

// producerIDs makes ids for idempotent producers that no other broker, and no
// earlier life of this one, gives out. Kafka's brokers get blocks of ids from the
// controller, which remembers them; here an id is made of the time of day in ms, a
// count, and the broker:
//
//	| 0 | ms since 2020: 41 bits | count: 12 bits | broker: 10 bits |
//
// So that ids stay unique, a broker that restarts must not find the time of day
// set back by more than it was down, nor give out 4,096 ids a ms.
type producerIDs struct {
	last int64 // time and count of the last id
}

const (
	producerIDCountBits  = 12
	producerIDBrokerBits = 10
)

var producerIDsSince = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// next returns a new id.
func (p *producerIDs) next(wall time.Time, broker int32) int64 {
	p.last = max(p.last+1, (wall.UnixMilli()-producerIDsSince)<<producerIDCountBits)
	return p.last<<producerIDBrokerBits | int64(broker)&(1<<producerIDBrokerBits-1)
}

func (b *Broker) nextProducerID() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.ids.next(b.node.Wall(), b.cfg.ID)
}
