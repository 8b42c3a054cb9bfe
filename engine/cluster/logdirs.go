package cluster

import (
	"slices"

	"brokerlab/engine/protocol"
)

// AssignReplicasToDirs takes in which log directory of a broker its replicas are
// (KIP-858). A broker that has one directory need not say so.
func (c *Controller) AssignReplicasToDirs(
	r *protocol.AssignReplicasToDirsRequest) *protocol.AssignReplicasToDirsResponse {
	i, ok := c.index(r.BrokerID)
	if !ok || c.brokers[i].epoch != r.BrokerEpoch {
		return &protocol.AssignReplicasToDirsResponse{Err: protocol.ErrStaleBrokerEpoch}
	}
	b := &c.brokers[i]
	if b.dirs == nil {
		b.dirs = make([]string, len(c.plan.Partitions))
	}
	for n := range r.Partitions {
		if k, found := find(c.plan.Partitions, r.Partitions[n].TopicPartition); found {
			b.dirs[k] = r.Partitions[n].Dir
		}
	}
	return &protocol.AssignReplicasToDirsResponse{}
}

// takeOffline takes a broker's replicas in directories that have failed out of
// their in-sync sets, and elects leaders in their place
// (ReplicationControlManager.handleDirectoriesOffline). They stay out until the
// broker registers again.
func (c *Controller) takeOffline(i int, dirs []string) {
	b := &c.brokers[i]
	if len(dirs) == len(b.offline) {
		return // heartbeats name all that have failed so far
	}
	b.offline = dirs
	id := c.plan.Brokers[i].ID
	plan := c.own()
	plan.Version++
	for k := range plan.Partitions {
		p := &plan.Partitions[k]
		if (p.Leader == id || slices.Contains(p.ISR, id)) && !b.hasOnline(k) {
			c.change(k, id)
		}
	}
}

// hasOnline says whether a replica's directory has not failed. One that is not
// known is one that may have.
func (b *lifetime) hasOnline(k int) bool {
	switch {
	case len(b.offline) == 0:
		return true
	case b.dirs == nil:
		return false
	default:
		return b.dirs[k] != "" && !slices.Contains(b.offline, b.dirs[k])
	}
}
