package cluster

import (
	"errors"
	"slices"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// ControllerConfig is what the controller decides by.
type ControllerConfig struct {
	SessionTimeout time.Duration // broker.session.timeout.ms
	// UncleanElection is unclean.leader.election.enable: a replica that is not in
	// sync may lead when none that is can.
	UncleanElection bool
	// AutoRebalance is auto.leader.rebalance.enable: partitions go back to their
	// preferred leaders every RebalanceInterval.
	AutoRebalance     bool
	RebalanceInterval time.Duration // leader.imbalance.check.interval.seconds
}

// DefaultControllerConfig returns Kafka's defaults.
func DefaultControllerConfig() ControllerConfig {
	return ControllerConfig{SessionTimeout: 9 * time.Second, AutoRebalance: true, RebalanceInterval: 5 * time.Minute}
}

// Validate says what is wrong with a configuration.
func (c *ControllerConfig) Validate() error {
	switch {
	case c.SessionTimeout <= 0:
		return errors.New("cluster: broker.session.timeout.ms must be positive")
	case c.AutoRebalance && c.RebalanceInterval <= 0:
		return errors.New("cluster: leader.imbalance.check.interval.seconds must be positive")
	}
	return nil
}

// Controller knows which brokers are alive, elects leaders from the in-sync
// replicas and agrees to in-sync sets: Kafka's ClusterControlManager and
// ReplicationControlManager, without eligible leader replicas (KIP-966): the last
// in-sync replica stays in the set when it dies, and leads when it comes back,
// also if its power loss took records that it alone still had.
//
// It begins as a controller that has just become active over a cluster in which
// all brokers are alive and lead as assigned.
type Controller struct {
	cfg     ControllerConfig
	plan    *Plan
	shared  bool       // the plan was given out, and must be copied before a change
	changed []int64    // version of each partition's last change
	brokers []lifetime // in the order of the plan's

	rebalanceAt env.Time
}

// lifetime is what the controller knows of a broker's process.
type lifetime struct {
	incarnation  uint64
	epoch        int64 // of the registration: the version that it made; 0 = none yet
	expires      env.Time
	shuttingDown bool
	dirs         []string // of the replicas, by partition; nil = it has one directory
	offline      []string // directories that have failed
}

// NewController takes over a cluster as it was assigned.
func NewController(cfg ControllerConfig, plan *Plan, now env.Time) *Controller {
	c := &Controller{cfg: cfg, plan: plan, shared: true, changed: make([]int64, len(plan.Partitions)),
		brokers: make([]lifetime, len(plan.Brokers))}
	c.own().Version = 1 // above that of a broker that knows nothing
	for i := range c.changed {
		c.changed[i] = 1
	}
	for i := range c.brokers {
		c.brokers[i].expires = now.Add(cfg.SessionTimeout)
	}
	c.rebalanceAt = now.Add(cfg.RebalanceInterval)
	return c
}

// Plan is the present state. It does not change.
func (c *Controller) Plan() *Plan {
	c.shared = true
	return c.plan
}

// Version is that of the present state.
func (c *Controller) Version() int64 { return c.plan.Version }

// Since is what has changed after a version.
func (c *Controller) Since(version int64) *protocol.MetadataLogResponse {
	r := &protocol.MetadataLogResponse{Version: c.plan.Version}
	for _, b := range c.plan.Brokers {
		r.Brokers = append(r.Brokers, protocol.BrokerState{
			BrokerMetadata: protocol.BrokerMetadata{ID: b.ID, Addr: b.Addr}, Fenced: b.Fenced})
	}
	for i := range c.plan.Partitions {
		if c.changed[i] > version {
			r.Partitions = append(r.Partitions, c.plan.Partitions[i])
		}
	}
	return r
}

// own returns the plan as one that may be changed.
func (c *Controller) own() *Plan {
	if c.shared {
		c.plan = &Plan{Version: c.plan.Version, Brokers: slices.Clone(c.plan.Brokers),
			Partitions: slices.Clone(c.plan.Partitions)}
		c.shared = false
	}
	return c.plan
}

func (c *Controller) index(id int32) (index int, ok bool) {
	index = slices.IndexFunc(c.plan.Brokers, func(b Broker) bool { return b.ID == id })
	return index, index >= 0
}

// Register takes in a broker's new process. While the session of the one before
// lasts it is refused (DUPLICATE_BROKER_REGISTRATION): it is not known to be dead.
// A second process of a broker begins fenced, until its first heartbeat.
func (c *Controller) Register(r *protocol.BrokerRegistrationRequest, now env.Time) (int64, protocol.ErrorCode) {
	i, ok := c.index(r.BrokerID)
	if !ok {
		return 0, protocol.ErrBrokerIDNotRegistered
	}
	b := &c.brokers[i]
	if b.epoch > 0 && b.incarnation == r.Incarnation {
		return b.epoch, protocol.ErrNone
	}
	first := b.epoch == 0
	if !first && now < b.expires && !b.shuttingDown {
		return 0, protocol.ErrDuplicateBrokerRegistration
	}
	if !first {
		c.fence(i)
	}
	plan := c.own()
	plan.Version++
	plan.Brokers[i].Addr = r.Addr
	*b = lifetime{incarnation: r.Incarnation, epoch: plan.Version, expires: now.Add(c.cfg.SessionTimeout)}
	return b.epoch, protocol.ErrNone
}

// Heartbeat keeps a broker's session, and unfences it once it has the metadata of
// its registration (BrokerHeartbeatManager.calculateNextBrokerState).
func (c *Controller) Heartbeat(r *protocol.BrokerHeartbeatRequest, now env.Time) *protocol.BrokerHeartbeatResponse {
	i, ok := c.index(r.BrokerID)
	if !ok || c.brokers[i].epoch == 0 {
		return &protocol.BrokerHeartbeatResponse{Err: protocol.ErrBrokerIDNotRegistered, IsFenced: true}
	}
	b := &c.brokers[i]
	if b.epoch != r.BrokerEpoch {
		return &protocol.BrokerHeartbeatResponse{Err: protocol.ErrStaleBrokerEpoch, IsFenced: true}
	}
	b.expires = now.Add(c.cfg.SessionTimeout)
	c.takeOffline(i, r.OfflineLogDirs)
	switch {
	case r.WantShutDown:
		b.shuttingDown = true
		c.fence(i)
	case c.plan.Brokers[i].Fenced && !b.shuttingDown && r.Version >= b.epoch:
		c.unfence(i)
	}
	return &protocol.BrokerHeartbeatResponse{IsFenced: c.plan.Brokers[i].Fenced, ShouldShutDown: b.shuttingDown}
}

// Expire fences the brokers whose session is over, and says when the next one
// could be.
func (c *Controller) Expire(now env.Time) (next env.Time) {
	next = env.Never
	for i := range c.brokers {
		switch {
		case c.plan.Brokers[i].Fenced:
		case c.brokers[i].expires <= now:
			c.fence(i)
		default:
			next = min(next, c.brokers[i].expires)
		}
	}
	return next
}

// fence takes a broker out of all in-sync sets and elects leaders in its place
// (ReplicationControlManager.handleBrokerFenced).
func (c *Controller) fence(i int) {
	if c.plan.Brokers[i].Fenced {
		return
	}
	plan := c.own()
	plan.Version++
	plan.Brokers[i].Fenced = true
	id := plan.Brokers[i].ID
	for k := range plan.Partitions {
		p := &plan.Partitions[k]
		if p.Leader == id || slices.Contains(p.ISR, id) {
			c.change(k, id)
		}
	}
}

// unfence makes a broker alive: it leads the partitions that have no leader and
// that it may lead (handleBrokerUnfenced).
func (c *Controller) unfence(i int) {
	plan := c.own()
	plan.Version++
	plan.Brokers[i].Fenced = false
	for k := range plan.Partitions {
		if plan.Partitions[k].Leader == NoLeader {
			c.change(k, NoLeader)
		}
	}
}

// change is PartitionChangeBuilder: the in-sync set without a broker, if another
// one is left in it, and a leader that is alive, if there is one.
func (c *Controller) change(k int, without int32) {
	p := c.plan.Partitions[k]
	isr := slices.DeleteFunc(slices.Clone(p.ISR), func(id int32) bool { return id == without })
	if len(isr) == 0 {
		isr = p.ISR // the last one stays: who else has all that was acknowledged?
	}
	leader := p.Leader
	if leader == NoLeader || leader == without {
		leader = c.elect(k, p.Replicas, isr)
		if leader == NoLeader && c.cfg.UncleanElection {
			if leader = c.elect(k, p.Replicas, p.Replicas); leader != NoLeader {
				isr = []int32{leader}
			}
		}
	}
	if leader == p.Leader && slices.Equal(isr, p.ISR) {
		return
	}
	if leader != p.Leader {
		p.LeaderEpoch++
	}
	p.Leader, p.ISR = leader, isr
	p.PartitionEpoch++
	c.plan.Partitions[k], c.changed[k] = p, c.plan.Version
}

// elect is the first replica of a partition, in the order of their preference, that
// is among the candidates, alive, and in a directory that has not failed.
func (c *Controller) elect(k int, replicas, candidates []int32) int32 {
	for _, id := range replicas {
		if i, ok := c.index(id); ok && slices.Contains(candidates, id) && c.alive(id) && c.brokers[i].hasOnline(k) {
			return id
		}
	}
	return NoLeader
}

func (c *Controller) alive(id int32) bool {
	i, ok := c.index(id)
	return ok && !c.plan.Brokers[i].Fenced && !c.brokers[i].shuttingDown
}

// AlterPartition answers leaders that want other in-sync sets
// (ReplicationControlManager.alterPartition).
func (c *Controller) AlterPartition(r *protocol.AlterPartitionRequest) *protocol.AlterPartitionResponse {
	i, ok := c.index(r.BrokerID)
	if !ok || c.brokers[i].epoch != r.BrokerEpoch {
		return &protocol.AlterPartitionResponse{Err: protocol.ErrStaleBrokerEpoch}
	}
	resp := &protocol.AlterPartitionResponse{Partitions: make([]protocol.AlterPartitionResult, len(r.Partitions))}
	version := c.plan.Version + 1
	for n := range r.Partitions {
		want, out := &r.Partitions[n], &resp.Partitions[n]
		out.TopicPartition = want.TopicPartition
		k, found := find(c.plan.Partitions, want.TopicPartition)
		if !found {
			out.Err = protocol.ErrUnknownTopicOrPartition
			continue
		}
		if out.Err = c.refuses(r.BrokerID, &c.plan.Partitions[k], want); out.Err == protocol.ErrNone {
			p := &c.own().Partitions[k]
			p.ISR = want.NewISR
			p.PartitionEpoch++
			c.plan.Version, c.changed[k] = version, version
			out.PartitionState = *p
		}
	}
	return resp
}

// refuses is validateAlterPartitionData.
func (c *Controller) refuses(from int32, p *Partition, want *protocol.AlterPartition) protocol.ErrorCode {
	switch {
	case want.LeaderEpoch > p.LeaderEpoch || want.PartitionEpoch > p.PartitionEpoch:
		return protocol.ErrNotController // it knows more than this one
	case want.LeaderEpoch < p.LeaderEpoch:
		return protocol.ErrFencedLeaderEpoch
	case from != p.Leader:
		return protocol.ErrInvalidRequest
	case want.PartitionEpoch < p.PartitionEpoch:
		return protocol.ErrInvalidUpdateVersion
	case !slices.Contains(want.NewISR, p.Leader):
		return protocol.ErrInvalidRequest
	}
	for n, id := range want.NewISR {
		if !slices.Contains(p.Replicas, id) || slices.Contains(want.NewISR[:n], id) {
			return protocol.ErrInvalidRequest
		}
		if !c.alive(id) {
			return protocol.ErrIneligibleReplica
		}
	}
	return protocol.ErrNone
}
