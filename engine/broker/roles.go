package broker

import (
	"brokerlab/engine/cluster"
	"brokerlab/engine/env"
	"brokerlab/engine/replica"
)

// applyAll makes all partitions what the cluster says that they are. Fetchers get
// their new partitions at the end, all at once: a fetch that began with the first
// of them would hold up the others for replica.fetch.wait.max.ms
// (ReplicaManager.applyDelta does so too).
func (b *Broker) applyAll(plan *cluster.Plan) error {
	var failed error
	news := make([][]*following, len(b.fetchers))
	for _, p := range b.partitions {
		state, _ := plan.Partition(p.TopicPartition)
		next, err := b.apply(p, *state)
		if err != nil && failed == nil {
			failed = err
		}
		if next == roleFollower {
			at := b.fetcherOf(state.Leader, p.TopicPartition)
			news[at] = append(news[at], &following{p: p, epoch: state.LeaderEpoch})
		}
	}
	for at, list := range news {
		if len(list) > 0 {
			b.fetchers[at].follow(list)
		}
	}
	return failed
}

// apply makes a partition leader, follower or neither. It waits for appends of the
// role before. An older state than the last is ignored. One task calls it at a
// time. It returns the role that has begun, roleNone if none has.
func (b *Broker) apply(p *partition, state cluster.Partition) (role, error) {
	if !b.endRole(p, state) {
		return roleNone, nil
	}
	for _, f := range b.fetchers {
		f.unfollow(p)
	}
	next := roleFollower
	var err error
	switch {
	case p.isOffline():
		next = roleNone
	case state.Leader == b.cfg.ID:
		next = roleLeader
		if err = p.log.BeginEpoch(state.LeaderEpoch); err != nil {
			next = roleNone
		}
	case state.Leader == cluster.NoLeader:
		next = roleNone
	}
	b.beginRole(p, state, next)
	return next, err
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
		p.tellAllLocked(wakesNobody)
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
	p.mu.recent.forget()
	p.mu.hwRose.Broadcast()
	p.tellAllLocked(wakesFetches)
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
