package broker

import (
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// alterer asks the controller for the in-sync sets that leaders want: Kafka's
// AlterPartitionManager, with one request under way at a time.
type alterer struct {
	b    *Broker
	link controllerLink
	mu   struct {
		env.Mutex
		wanted  env.Cond // signalled when there is something to ask, and at the end
		waiting []*partition
		stopped bool
	}
}

func newAlterer(b *Broker) *alterer {
	a := &alterer{b: b}
	a.link.init(b, "alter-partition")
	a.mu.Mutex = b.node.NewMutex()
	a.mu.wanted = b.node.NewCond(a.mu.Mutex)
	return a
}

// propose takes a partition that has a proposal. Its lock is held.
func (a *alterer) propose(p *partition) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mu.waiting = append(a.mu.waiting, p)
	a.mu.wanted.Signal()
}

func (a *alterer) stop() {
	a.mu.Lock()
	a.mu.stopped = true
	a.mu.wanted.Signal()
	a.mu.Unlock()
	a.link.stop()
}

// take waits for partitions with proposals; nil at the end.
func (a *alterer) take() []*partition {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.mu.waiting) == 0 && !a.mu.stopped {
		a.mu.wanted.WaitUntil(env.Never)
	}
	if a.mu.stopped {
		return nil
	}
	taken := a.mu.waiting
	a.mu.waiting = nil
	return taken
}

func (a *alterer) loop() error {
	for {
		asked := a.take()
		if asked == nil {
			return nil
		}
		for !a.ask(asked) {
			if !a.b.pause(a.b.cfg.ReconnectBackoff) {
				return nil
			}
		}
	}
}

// ask reports whether the controller has answered, or there is nothing to ask any
// more: a leadership that ended has no proposal.
func (a *alterer) ask(asked []*partition) (done bool) {
	req := &protocol.AlterPartitionRequest{BrokerID: a.b.cfg.ID, BrokerEpoch: a.b.epoch()}
	var of []*partition
	for _, p := range asked {
		if want, ok := p.proposal(); ok {
			req.Partitions = append(req.Partitions, want)
			of = append(of, p)
		}
	}
	if len(of) == 0 {
		return true
	}
	body, err := a.link.call(req, a.b.cfg.ControllerTimeout)
	if err != nil {
		return false
	}
	resp, ok := body.(*protocol.AlterPartitionResponse)
	if !ok || resp.Err != protocol.ErrNone || len(resp.Partitions) != len(of) {
		return false
	}
	for i, p := range of {
		p.answered(&req.Partitions[i], &resp.Partitions[i])
	}
	return true
}

// proposal is the in-sync set that the leader wants, if it does.
func (p *partition) proposal() (want protocol.AlterPartition, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.progress == nil || p.mu.progress.Proposed() == nil {
		return protocol.AlterPartition{}, false
	}
	return protocol.AlterPartition{
		TopicPartition: p.TopicPartition, LeaderEpoch: p.mu.state.LeaderEpoch,
		PartitionEpoch: p.mu.progress.PartitionEpoch(), NewISR: p.mu.progress.Proposed(),
	}, true
}

// answered takes the controller's answer (Partition.submitAlterPartition). News
// may have come in between: an answer to what another leadership asked changes
// nothing. Neither does an error, except for the one that says that the proposal
// was not agreed to: of what has happened instead there will be news.
func (p *partition) answered(asked *protocol.AlterPartition, out *protocol.AlterPartitionResult) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.progress == nil || p.mu.state.LeaderEpoch != asked.LeaderEpoch {
		return
	}
	if out.Err == protocol.ErrIneligibleReplica {
		p.mu.progress.Rejected()
	}
	if out.Err != protocol.ErrNone {
		return
	}
	p.tellAllLocked(wakesNobody)
	if p.mu.progress.Committed(out.ISR, out.PartitionEpoch, p.node.Now()) {
		p.hwRoseLocked()
	}
}

// shrinkInSync is ReplicaManager.maybeShrinkIsr.
func (b *Broker) shrinkInSync() {
	for _, p := range b.partitions {
		p.maybeShrink()
	}
}

// shrinkEvery is how often followers that lag are looked for: Kafka's half of
// replica.lag.time.max.ms.
func (b *Broker) shrinkEvery() time.Duration { return max(1, b.cfg.ReplicaLagTimeMax/2) }
