package consumer

import (
	"fmt"
	"slices"

	"brokerlab/engine/client"
	"brokerlab/engine/protocol"
)

func (c *Consumer) wantMetadataLocked() {
	if c.mu.refresh.Want() {
		c.mu.stale.Signal()
	}
}

// refusedLocked puts off what a leader has refused for now, and asks for metadata
// if it does not lead any more (FetchCollector.handleInitializeErrors). What will
// not pass ends polling.
func (c *Consumer) refusedLocked(a *ask, code protocol.ErrorCode) {
	c.toldLocked(code)
	if client.IsStale(code) {
		c.wantMetadataLocked()
	}
	if code.Retriable() || code == protocol.ErrUnknownServer {
		c.mu.subscription.failed(a.p, c.node.Now())
		return
	}
	a.p.phase = phaseHeld
	c.findLocked(a, fmt.Errorf("%s-%d at offset %d: %w", a.p.Topic, a.p.Partition, a.from.offset, code))
}

// toldLocked passes a failure on to who counts them.
func (c *Consumer) toldLocked(err error) {
	if c.cfg.OnFailure != nil {
		c.cfg.OnFailure(err)
	}
}

// findLocked lets Poll tell what was found at a partition's position, behind the
// records that were fetched before it.
func (c *Consumer) findLocked(a *ask, err error) {
	found := *a
	found.phase = phaseHeld
	c.mu.ready = append(c.mu.ready, &fetched{parts: []fetchedPart{{ask: found, err: err}}})
	c.mu.arrived.Signal()
}

// refreshLoop asks for metadata when they are wanted or older than
// metadata.max.age.ms.
func (c *Consumer) refreshLoop() error {
	for {
		addrs, open := c.awaitRefresh()
		if !open {
			return nil
		}
		md, err := c.caller.Metadata(addrs, nil)
		c.mu.Lock()
		r := &c.mu.refresh
		if err == nil {
			c.applyLocked(md)
			r.Fresh(c.node.Now())
		}
		r.End(c.node.Now(), err)
		if err != nil || c.leaderlessLocked() {
			r.Want()
		}
		c.mu.Unlock()
	}
}

// awaitRefresh waits until metadata are due, and returns where to ask for them.
func (c *Consumer) awaitRefresh() (addrs []string, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.mu.closing {
		at := c.mu.refresh.Due()
		if at <= c.node.Now() {
			c.mu.refresh.Begin()
			return c.addressesLocked(), true
		}
		c.mu.stale.WaitUntil(at)
	}
	return nil, false
}

// addressesLocked is where to ask for metadata: first the brokers that have
// answered of late, for one that is silent holds up the others; then those of which
// nothing is known; at the end those that should have answered, or could not be
// connected to.
func (c *Consumer) addressesLocked() []string {
	var addrs, doubtful []string
	since := max(0, c.node.Now().Add(-2*c.cfg.FetchMaxWait))
	for _, f := range c.mu.fetchers {
		switch {
		case f.conn != nil && f.heard > since:
			addrs = append(addrs, f.addr)
		case f.conn != nil || f.failures > 0:
			doubtful = append(doubtful, f.addr)
		}
	}
	add := func(addr string) {
		if !slices.Contains(addrs, addr) && !slices.Contains(doubtful, addr) {
			addrs = append(addrs, addr)
		}
	}
	for _, b := range c.mu.brokers {
		add(b.Addr)
	}
	for _, addr := range c.cfg.Bootstrap {
		add(addr)
	}
	return append(addrs, doubtful...)
}

func (c *Consumer) leaderlessLocked() bool {
	for _, p := range c.mu.subscription.partitions {
		if p.leader == unknown {
			return true
		}
	}
	return false
}

// applyLocked takes over the leaders that metadata name: a partition moves to its
// new leader's fetcher with its position.
func (c *Consumer) applyLocked(md *client.Metadata) {
	c.mu.brokers = md.Brokers
	for _, f := range c.mu.fetchers {
		if addr, err := md.Addr(f.id); err == nil {
			f.addr = addr
		}
	}
	for _, p := range c.mu.subscription.partitions {
		pm, ok := md.Partition(p.TopicPartition)
		if !ok {
			continue // a broker that knows less than was known before
		}
		leader := pm.Leader
		if _, err := md.Addr(leader); err != nil || pm.Err != protocol.ErrNone {
			leader = unknown
		}
		from := p.leader
		if !c.mu.subscription.lead(p, leader, pm.LeaderEpoch) {
			continue
		}
		if leader != from {
			c.leaveLocked(p, from)
		}
		if leader != unknown {
			c.joinLocked(p, md)
		}
	}
}

// leaveLocked takes a partition from the fetcher of its leader before.
func (c *Consumer) leaveLocked(p *partition, leader int32) {
	for _, f := range c.mu.fetchers {
		if f.id != leader {
			continue
		}
		for i, have := range f.partitions {
			if have == p {
				f.partitions = append(f.partitions[:i], f.partitions[i+1:]...)
				return
			}
		}
	}
}

// joinLocked gives a partition to its leader's fetcher, which it starts if there
// is none, and lets it look.
func (c *Consumer) joinLocked(p *partition, md *client.Metadata) {
	var f *fetcher
	for _, have := range c.mu.fetchers {
		if have.id == p.leader {
			f = have
		}
	}
	if f == nil {
		f = newFetcher(c, p.leader)
		f.addr, _ = md.Addr(p.leader) // which was looked up before
		c.mu.fetchers = append(c.mu.fetchers, f)
		c.tasks.Go("fetcher-"+f.addr, f.loop)
	}
	for _, have := range f.partitions {
		if have == p {
			f.wake.Signal()
			return
		}
	}
	f.partitions = append(f.partitions, p)
	f.wake.Signal()
}

// wakeLocked lets the fetcher of a partition look at it.
func (c *Consumer) wakeLocked(p *partition) {
	for _, f := range c.mu.fetchers {
		if f.id == p.leader {
			f.wake.Signal()
		}
	}
}
