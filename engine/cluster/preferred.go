package cluster

import (
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// Rebalance gives partitions back to their preferred leaders, every
// leader.imbalance.check.interval.seconds, and says when the next time is. As
// Kafka's controller since KRaft it knows no share of partitions below which it
// would leave them (leader.imbalance.per.broker.percentage is not looked at any
// more), and no limit on the elections of one round (Kafka: 1,000).
func (c *Controller) Rebalance(now env.Time) (next env.Time) {
	if !c.cfg.AutoRebalance {
		return env.Never
	}
	if now >= c.rebalanceAt {
		c.rebalanceAt = now.Add(c.cfg.RebalanceInterval)
		version := c.plan.Version + 1
		for k := range c.plan.Partitions {
			_ = c.prefer(k, version) // those that cannot be led by theirs stay as they are
		}
	}
	return c.rebalanceAt
}

// ElectLeaders gives partitions, or all if none is named, back to their preferred
// leaders now (ReplicationControlManager.electLeaders, PREFERRED).
func (c *Controller) ElectLeaders(r *protocol.ElectLeadersRequest) *protocol.ElectLeadersResponse {
	resp := &protocol.ElectLeadersResponse{}
	version := c.plan.Version + 1
	if len(r.Partitions) == 0 {
		for k := range c.plan.Partitions {
			// Of all partitions only those are told of for which there was something to do.
			if code := c.prefer(k, version); code != protocol.ErrElectionNotNeeded {
				resp.Partitions = append(resp.Partitions, protocol.ElectLeadersResult{
					TopicPartition: c.plan.Partitions[k].TopicPartition, Err: code})
			}
		}
		return resp
	}
	for _, tp := range r.Partitions {
		out := protocol.ElectLeadersResult{TopicPartition: tp, Err: protocol.ErrUnknownTopicOrPartition}
		if k, ok := find(c.plan.Partitions, tp); ok {
			out.Err = c.prefer(k, version)
		}
		resp.Partitions = append(resp.Partitions, out)
	}
	return resp
}

// prefer makes a partition's first replica its leader, if it is alive and in sync.
// What changes belongs to the version.
func (c *Controller) prefer(k int, version int64) protocol.ErrorCode {
	p := c.plan.Partitions[k]
	switch preferred := p.Replicas[0]; {
	case p.Leader == preferred:
		return protocol.ErrElectionNotNeeded
	case c.elect(k, p.Replicas[:1], p.ISR) == NoLeader:
		return protocol.ErrPreferredLeaderNotAvailable
	default:
		p.Leader = preferred
		p.LeaderEpoch++
		p.PartitionEpoch++
		plan := c.own()
		plan.Partitions[k], plan.Version, c.changed[k] = p, version, version
		return protocol.ErrNone
	}
}
