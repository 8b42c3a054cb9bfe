// Package controller runs the cluster's controller on a node: it answers what
// brokers ask the state machine of engine/cluster, ends sessions in time, and
// tells brokers what has changed. It is one process that keeps its state in
// memory: not replicated, and gone when the node is.
//
//	connection task:  Recv -> state machine -> Send, one request at a time;
//	                  a request for news waits until there are some
//	session task:     fences brokers whose heartbeats stay away
package controller

import (
	"fmt"

	"brokerlab/engine/cluster"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
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
	node     env.Node
	listener env.Listener
	tasks    *task.Group

	mu struct {
		env.Mutex
		core    *cluster.Controller
		news    env.Cond // broadcast when the state changes, and at the end
		session env.Cond // signalled when a session may end earlier than known, and at the end
		closing bool
		conns   []env.Conn
	}
}

// Start takes over the cluster and listens. It returns when requests are
// answered.
func Start(node env.Node, cfg Config) (*Controller, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	listener, err := node.Net().Listen(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("controller: listen on %s: %w", cfg.Addr, err)
	}
	c := &Controller{node: node, listener: listener, tasks: task.NewGroup(node)}
	c.mu.Mutex = node.NewMutex()
	c.mu.news, c.mu.session = node.NewCond(c.mu.Mutex), node.NewCond(c.mu.Mutex)
	c.mu.core = cluster.NewController(cfg.ControllerConfig, cfg.Plan, node.Now())
	c.tasks.Go("acceptor", c.acceptLoop)
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
	conns := c.mu.conns
	c.mu.conns = nil
	c.mu.Unlock()
	err := c.listener.Close()
	for _, conn := range conns {
		_ = conn.Close() // its task ends of it
	}
	if taskErr := c.tasks.Wait(); err == nil {
		err = taskErr
	}
	return err
}

// sessions fences brokers in time.
func (c *Controller) sessions() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.mu.closing {
		before := c.mu.core.Version()
		next := c.mu.core.Expire(c.node.Now())
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

func (c *Controller) acceptLoop() error {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return nil // the listener was closed: the controller ends
		}
		c.mu.Lock()
		closing := c.mu.closing
		if !closing {
			c.mu.conns = append(c.mu.conns, conn)
		}
		c.mu.Unlock()
		if closing {
			_ = conn.Close()
			return nil
		}
		c.tasks.Go("connection", func() error {
			c.serve(conn)
			c.drop(conn)
			return nil
		})
	}
}

func (c *Controller) drop(conn env.Conn) {
	_ = conn.Close() // the broker has gone away, or learns of it
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, have := range c.mu.conns {
		if have == conn {
			last := len(c.mu.conns) - 1
			c.mu.conns[i] = c.mu.conns[last]
			c.mu.conns = c.mu.conns[:last]
			return
		}
	}
}

// serve answers a connection's requests one after another until it ends.
func (c *Controller) serve(conn env.Conn) {
	for {
		m, err := conn.Recv(env.Never)
		if err != nil {
			return
		}
		req, ok := m.(*protocol.Request)
		if !ok {
			m.Release()
			return
		}
		c.node.Charge(env.OpRequest, 1)
		body := c.answer(req.Body)
		req.Release()
		if body == nil {
			return // not a broker
		}
		if conn.Send(&protocol.Response{CorrelationID: req.CorrelationID, Body: body}) != nil {
			return
		}
	}
}

func (c *Controller) answer(body protocol.Body) protocol.Body {
	c.mu.Lock()
	defer c.mu.Unlock()
	core, now := c.mu.core, c.node.Now()
	before := core.Version()
	defer func() { c.changedLocked(before) }()
	switch r := body.(type) {
	case *protocol.BrokerRegistrationRequest:
		epoch, code := core.Register(r, now)
		return &protocol.BrokerRegistrationResponse{BrokerEpoch: epoch, Err: code}
	case *protocol.BrokerHeartbeatRequest:
		resp := core.Heartbeat(r, now)
		if core.Version() != before {
			c.mu.session.Signal() // a broker is alive again, whose session can end
		}
		return resp
	case *protocol.AlterPartitionRequest:
		return core.AlterPartition(r)
	case *protocol.MetadataLogRequest:
		deadline := now.Add(r.MaxWait)
		for core.Version() <= r.Version && !c.mu.closing && c.mu.news.WaitUntil(deadline) {
		}
		return core.Since(r.Version)
	default:
		return nil
	}
}
