// Package controller runs the cluster's controller on a node: it answers what
// brokers ask the state machine of engine/cluster, ends sessions in time, and
// tells brokers what has changed. It is one process that keeps its state in
// memory: not replicated, and gone when the node is.
//
//	I/O thread:       (of engine/server) asks the state machine
//	connection task:  a request for news waits until there are some, without a thread
//	session task:     fences brokers whose heartbeats stay away; rebalances leaders
package controller

import (
	"errors"
	"fmt"

	"brokerlab/engine/cluster"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/server"
	"brokerlab/engine/task"
)

// Config is what a controller is started with.
type Config struct {
	cluster.ControllerConfig
	Addr string        // to listen on
	Plan *cluster.Plan // as assigned
}

// Controller is a running controller.
type Controller struct {
	node   env.Node
	server *server.Server
	tasks  *task.Group

	mu struct {
		env.Mutex
		core    *cluster.Controller
		news    env.Cond // broadcast when the state changes, and at the end
		session env.Cond // signalled when a session may end earlier than known, and at the end
		closing bool
	}
}

// Start takes over the cluster and listens. It returns when requests are
// answered.
func Start(node env.Node, cfg Config) (*Controller, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Controller{node: node, tasks: task.NewGroup(node)}
	c.mu.Mutex = node.NewMutex()
	c.mu.news, c.mu.session = node.NewCond(c.mu.Mutex), node.NewCond(c.mu.Mutex)
	c.mu.core = cluster.NewController(cfg.ControllerConfig, cfg.Plan, node.Now())
	c.server = server.New(node, server.DefaultConfig(), func() server.Handler { return c })
	if err := c.server.Listen(cfg.Addr); err != nil {
		return nil, fmt.Errorf("controller: %w", err)
	}
	c.tasks.Go("sessions", c.sessions)
	return c, nil
}

// Plan is the present state of the cluster.
func (c *Controller) Plan() *cluster.Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.core.Plan()
}

// Close stops answering and ends the controller's tasks.
func (c *Controller) Close() error {
	c.mu.Lock()
	if c.mu.closing {
		c.mu.Unlock()
		return nil
	}
	c.mu.closing = true
	c.mu.news.Broadcast()
	c.mu.session.Broadcast()
	c.mu.Unlock()
	return errors.Join(c.server.Close(), c.server.Wait(), c.tasks.Wait())
}

// sessions fences brokers in time, and brings preferred leaders back.
func (c *Controller) sessions() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.mu.closing {
		before := c.mu.core.Version()
		now := c.node.Now()
		next := min(c.mu.core.Expire(now), c.mu.core.Rebalance(now))
		c.changedLocked(before)
		c.mu.session.WaitUntil(next)
	}
	return nil
}

func (c *Controller) changedLocked(before int64) {
	if c.mu.core.Version() != before {
		c.mu.news.Broadcast()
	}
}

// Parse implements server.Handler.
func (c *Controller) Parse(req *protocol.Request) {
	c.node.Charge(env.OpRequest, protocol.Partitions(req.Body))
}

// Handle implements server.Handler.
func (c *Controller) Handle(req *protocol.Request, _ env.Time) server.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	core, now := c.mu.core, c.node.Now()
	before := core.Version()
	defer func() { c.changedLocked(before) }()
	switch r := req.Body.(type) {
	case *protocol.BrokerRegistrationRequest:
		epoch, code := core.Register(r, now)
		return server.Answer{Body: &protocol.BrokerRegistrationResponse{BrokerEpoch: epoch, Err: code}}
	case *protocol.BrokerHeartbeatRequest:
		resp := core.Heartbeat(r, now)
		if core.Version() != before {
			c.mu.session.Signal() // a broker is alive again, whose session can end
		}
		return server.Answer{Body: resp}
	case *protocol.AlterPartitionRequest:
		return server.Answer{Body: core.AlterPartition(r)}
	case *protocol.AssignReplicasToDirsRequest:
		return server.Answer{Body: core.AssignReplicasToDirs(r)}
	case *protocol.ElectLeadersRequest:
		return server.Answer{Body: core.ElectLeaders(r)}
	case *protocol.MetadataLogRequest:
		if core.Version() > r.Version {
			return server.Answer{Body: core.Since(r.Version)}
		}
		return server.Answer{Delayed: &delayedNews{c: c, version: r.Version, deadline: now.Add(r.MaxWait)}}
	default:
		return server.Answer{Close: true} // not a broker
	}
}

// delayedNews is a broker that waits for a version above the one that it has.
type delayedNews struct {
	c        *Controller
	version  int64
	deadline env.Time
}

// Await implements server.Delayed.
func (d *delayedNews) Await() protocol.Body {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.mu.core.Version() <= d.version && !c.mu.closing && c.mu.news.WaitUntil(d.deadline) {
	}
	return c.mu.core.Since(d.version)
}
