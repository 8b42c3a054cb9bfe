package producer

import (
	"fmt"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// refresh is what the refresher is asked for. It is guarded by Producer.mu.
type refresh struct {
	client.Refresh
	wake env.Cond
}

func newRefresh(p *Producer) refresh {
	return refresh{wake: p.node.NewCond(p.mu.Mutex), Refresh: client.Refresh{Backoff: client.Backoff{
		Initial: p.cfg.RetryBackoff, Max: p.cfg.RetryBackoffMax, Random: p.node.Rand("metadata-backoff")}}}
}

func (p *Producer) wantMetadataLocked() {
	if p.mu.refresh.Want() {
		p.mu.refresh.wake.Signal()
	}
}

// asked is what the refresher is to do.
type asked struct{ metadata, id bool }

// refreshLoop asks the cluster for metadata and for a producer id when they are
// wanted, no sooner than retry.backoff.ms after the last time.
func (p *Producer) refreshLoop() error {
	for {
		what, goOn := p.awaitRefresh()
		if !goOn {
			return nil
		}
		var err error
		if what.id {
			err = p.initProducerID()
		}
		if what.metadata && err == nil {
			err = p.refreshMetadata()
		}
		p.mu.Lock()
		r := &p.mu.refresh
		r.End(p.node.Now(), err)
		if what.metadata && (err != nil || p.leaderlessLocked()) {
			r.Want()
		}
		p.mu.Unlock()
	}
}

// awaitRefresh waits until something is wanted; goOn is false at the end.
func (p *Producer) awaitRefresh() (what asked, goOn bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &p.mu.refresh
	for !p.mu.closing || p.mu.acc.incomplete > 0 {
		what = asked{metadata: r.Due() != env.Never, id: p.mu.acc.ids.wanted()}
		at := r.NotBefore()
		if what == (asked{}) {
			at = env.Never
		}
		if at <= p.node.Now() {
			r.Begin()
			return what, true
		}
		r.wake.WaitUntil(at)
	}
	return asked{}, false
}

// leaderlessLocked says that there is something to send to a partition without a
// leader.
func (p *Producer) leaderlessLocked() bool {
	for _, q := range p.mu.acc.leaderless {
		if len(q.batches) > 0 {
			return true
		}
	}
	return false
}

// addresses are where to ask: first the brokers with a connection, then the others,
// then the bootstrap addresses.
func (p *Producer) addresses() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var open, others []string
	for _, s := range p.mu.senders {
		if s.conn != nil {
			open = append(open, s.addr)
		} else {
			others = append(others, s.addr)
		}
	}
	return append(append(open, others...), p.cfg.Bootstrap...)
}

func (p *Producer) refreshMetadata() error {
	md, err := client.FetchMetadata(p.node, p.addresses(), p.cfg.ClientID, nil, p.cfg.RequestTimeout)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.applyLocked(md)
	return nil
}

// initProducerID asks for a producer id.
func (p *Producer) initProducerID() error {
	id, err := client.InitProducerID(p.node, p.addresses(), p.cfg.ClientID, p.cfg.RequestTimeout)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.acc.ids.now = producerID{id: id.ProducerID, epoch: id.ProducerEpoch}
	p.wakeSendersLocked()
	return nil
}

// applyLocked takes over the leaders that metadata name, unless it knows of a
// later leader epoch.
func (p *Producer) applyLocked(md *client.Metadata) {
	for _, b := range md.Brokers {
		p.mu.senders[p.brokerLocked(b.ID)].addr = b.Addr
	}
	for i := range md.Partitions {
		pm := &md.Partitions[i]
		broker := noBroker
		if pm.Err == protocol.ErrNone && pm.Leader >= 0 {
			broker = p.brokerLocked(pm.Leader)
		}
		q := p.partitionOf(pm)
		if q == nil {
			p.addPartitionLocked(pm, broker)
			continue
		}
		if pm.LeaderEpoch < q.leaderEpoch || q.broker == broker {
			continue
		}
		q.leaderEpoch = pm.LeaderEpoch
		p.mu.acc.move(q, broker)
	}
	for i := range p.mu.topics {
		if t := &p.mu.topics[i]; t.sticky < 0 {
			t.stickTo()
		}
	}
	p.wakeSendersLocked()
}

// brokerLocked is the index of a broker, for which it starts a sender if it is new.
func (p *Producer) brokerLocked(id int32) int {
	for i, s := range p.mu.senders {
		if s.id == id {
			return i
		}
	}
	s := newSender(p, len(p.mu.senders), id)
	p.mu.senders = append(p.mu.senders, s)
	p.mu.acc.brokers = append(p.mu.acc.brokers, brokerQueue{})
	p.tasks.Go(fmt.Sprintf("sender-%d", id), s.loop)
	return s.broker
}

// partitionOf finds a partition that is known.
func (p *Producer) partitionOf(pm *protocol.PartitionMetadata) *partitionQueue {
	for i := range p.mu.topics {
		t := &p.mu.topics[i]
		if t.name == pm.Topic && int(pm.Partition) < len(t.partitions) {
			return t.partitions[pm.Partition]
		}
	}
	return nil
}

// addPartitionLocked adds a partition; they come by topic and number.
func (p *Producer) addPartitionLocked(pm *protocol.PartitionMetadata, broker int) {
	topics := &p.mu.topics
	at := -1
	for i := range *topics {
		if (*topics)[i].name == pm.Topic {
			at = i
		}
	}
	if at < 0 {
		at = len(*topics)
		*topics = append(*topics, topicState{name: pm.Topic, adaptive: p.cfg.AdaptivePartitioning, sticky: -1,
			queues: &queueLengths{}, random: p.node.Rand("partitioner/" + pm.Topic)})
	}
	q := &partitionQueue{tp: pm.TopicPartition, leaderEpoch: pm.LeaderEpoch, lengths: (*topics)[at].queues}
	q.sequences.of = noProducer
	(*topics)[at].partitions = append((*topics)[at].partitions, q)
	p.mu.acc.place(q, broker)
}
