package broker

import (
	"brokerlab/engine/cluster"
	"brokerlab/engine/env"
	"brokerlab/engine/replica"
)

// apply makes a partition what the cluster says that it is: leader, follower or
// neither (ReplicaManager.applyDelta). It waits for appends of the role before. An
// older state than the last is ignored. One task calls it at a time.
func (b *Broker) apply(p *partition, state cluster.Partition) error {
	if !b.endRole(p, state) {
		return nil
	}
	for _, f := range b.fetchers {
		f.unfollow(p)
	}
	next := roleNone
	switch state.Leader {
	case b.cfg.ID:
		if err := p.log.BeginEpoch(state.LeaderEpoch); err != nil {
			b.beginRole(p, state, roleNone)
			return err
		}
		next = roleLeader
	case cluster.NoLeader:
	default:
		next = roleFollower
	}
	b.beginRole(p, state, next)
	if next == roleFollower {
		b.fetcherOf(state.Leader, p.TopicPartition).follow(p, state.LeaderEpoch)
	}
	return nil
}

// endRole ends the present role if the state asks for another one. If it does not,
// it takes over what else the state says.
func (b *Broker) endRole(p *partition, state cluster.Partition) (ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.mu.state
	switch {
	case state.PartitionEpoch < before.PartitionEpoch:
		return false
	case before.PartitionEpoch >= 0 && state.LeaderEpoch == before.LeaderEpoch:
		p.mu.state = state
		if p.mu.progress != nil && p.mu.progress.Committed(state.ISR, state.PartitionEpoch, b.node.Now()) {
			p.hwRoseLocked()
		}
		return false
	}
	p.mu.changing = true
	for p.mu.appends > 0 {
		p.mu.idle.WaitUntil(env.Never)
	}
	p.mu.hw = p.highWatermarkLocked()
	p.mu.role, p.mu.progress = roleNone, nil
	p.mu.hwRose.Broadcast()
	wakeAll(p.mu.onAppend)
	wakeAll(p.mu.onHW)
	return true
}

func (b *Broker) beginRole(p *partition, state cluster.Partition, next role) {
	end := p.log.EndOffset() // nobody appends now
	fenced := b.fencedBrokers()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.state, p.mu.role, p.mu.changing = state, next, false
	p.mu.settled.Broadcast()
	if next != roleLeader {
		return
	}
	p.mu.progress = replica.NewProgress(replica.Leadership{
		Leader: b.cfg.ID, Replicas: state.Replicas, ISR: state.ISR, PartitionEpoch: state.PartitionEpoch,
		LeaderEnd: end, HighWatermark: min(p.mu.hw, end), Now: b.node.Now(), LagMax: b.cfg.ReplicaLagTimeMax,
		MinInSync: p.minInSync,
	})
	for _, id := range fenced {
		p.mu.progress.Fence(id, true)
	}
}

// fencedBrokers are the brokers that the controller would not take into an
// in-sync set.
func (b *Broker) fencedBrokers() (ids []int32) {
	for _, broker := range b.plan().Brokers {
		if broker.Fenced {
			ids = append(ids, broker.ID)
		}
	}
	return ids
}

// fence tells leaders which brokers are fenced.
func (p *partition) fence(brokers []cluster.Broker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.progress == nil {
		return
	}
	for _, broker := range brokers {
		p.mu.progress.Fence(broker.ID, broker.Fenced)
	}
}
