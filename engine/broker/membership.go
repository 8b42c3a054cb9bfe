package broker

import (
	"errors"
	"fmt"
	"time"

	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// controllerLink is a connection to the controller, for one task's requests.
type controllerLink struct {
	b        *Broker
	clientID string
	conn     *client.Conn // the task's own; nil while not connected
	mu       struct {
		env.Mutex
		open    *client.Conn // conn, to be closed at the end
		stopped bool
	}
}

func (l *controllerLink) init(b *Broker, name string) {
	l.b, l.clientID = b, fmt.Sprintf("broker-%d-%s", b.cfg.ID, name)
	l.mu.Mutex = b.node.NewMutex()
}

func (l *controllerLink) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.stopped = true
	if l.mu.open != nil {
		l.mu.open.Close()
	}
}

// call sends a request and waits for its response. After an error the next call
// connects again.
func (l *controllerLink) call(req protocol.Body, timeout time.Duration) (protocol.Body, error) {
	if l.conn == nil {
		conn := client.Open(l.b.node, l.b.cfg.Controller, l.clientID, timeout)
		if !l.adopt(conn) {
			return nil, env.ErrClosed
		}
		if err := conn.Await(); err != nil {
			l.adopt(nil)
			return nil, err
		}
	}
	body, err := l.conn.Call(req, timeout)
	if err != nil {
		l.conn.Close()
		l.adopt(nil)
	}
	return body, err
}

func (l *controllerLink) adopt(conn *client.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if conn != nil && l.mu.stopped {
		return false
	}
	l.conn, l.mu.open = conn, conn
	return true
}

// membership is what keeps a broker in its cluster: Kafka's
// BrokerLifecycleManager and its fetching of the metadata log.
type membership struct {
	heartbeats controllerLink
	news       controllerLink
	failures   controllerLink
	mu         struct {
		env.Mutex
		epoch int64 // of the broker's registration
		plan  *cluster.Plan
	}
}

// plan is the cluster as far as this broker knows.
func (b *Broker) plan() *cluster.Plan {
	b.member.mu.Lock()
	defer b.member.mu.Unlock()
	return b.member.mu.plan
}

// epoch is the broker's epoch, by which the controller knows this life of it.
func (b *Broker) epoch() int64 {
	b.member.mu.Lock()
	defer b.member.mu.Unlock()
	return b.member.mu.epoch
}

// join registers the broker and takes its roles. It waits, at most
// initial.broker.registration.timeout.ms, while the controller does not know yet
// that the broker's life before has ended.
func (b *Broker) join() error {
	incarnation := b.node.Rand("incarnation").Uint64() ^ uint64(b.node.Now()) // a node that boots again draws the same
	addr, _ := b.cfg.Plan.Addr(b.cfg.ID)
	deadline := b.node.Now().Add(b.cfg.RegistrationTimeout)
	for {
		epoch, err := b.register(&protocol.BrokerRegistrationRequest{
			BrokerID: b.cfg.ID, Incarnation: incarnation, Addr: addr})
		if err == nil {
			b.member.mu.Lock()
			b.member.mu.epoch = epoch
			b.member.mu.Unlock()
			break
		}
		if b.node.Now() >= deadline || errors.Is(err, env.ErrClosed) {
			return fmt.Errorf("broker %d: register with controller %s: %w", b.cfg.ID, b.cfg.Controller, err)
		}
		if !b.pause(b.cfg.ReconnectBackoff) {
			return fmt.Errorf("broker %d: register: %w", b.cfg.ID, env.ErrClosed)
		}
	}
	if err := b.assignDirs(); err != nil {
		return fmt.Errorf("broker %d: assign replicas to directories: %w", b.cfg.ID, err)
	}
	for b.plan().Version < b.epoch() {
		if err := b.learn(); err != nil && b.node.Now() >= deadline {
			return fmt.Errorf("broker %d: metadata from controller %s: %w", b.cfg.ID, b.cfg.Controller, err)
		}
	}
	return nil
}

func (b *Broker) register(req *protocol.BrokerRegistrationRequest) (epoch int64, err error) {
	body, err := b.member.heartbeats.call(req, b.cfg.ControllerTimeout)
	if err != nil {
		return 0, err
	}
	resp, ok := body.(*protocol.BrokerRegistrationResponse)
	if !ok {
		return 0, fmt.Errorf("answered with %T", body)
	}
	return resp.BrokerEpoch, resp.Err.Err()
}

// heartbeatLoop tells the controller that the broker lives, every
// broker.heartbeat.interval.ms, or soon again if it could not.
func (b *Broker) heartbeatLoop() error {
	for {
		wait := b.cfg.HeartbeatInterval
		if _, err := b.heartbeat(&b.member.heartbeats, liveOn); err != nil {
			wait = min(wait, b.cfg.ReconnectBackoff)
		}
		if !b.pause(wait) {
			return nil
		}
	}
}

// wish is what a heartbeat asks for.
type wish int

const (
	liveOn wish = iota
	shutDown
)

func (b *Broker) heartbeat(link *controllerLink, w wish) (*protocol.BrokerHeartbeatResponse, error) {
	body, err := link.call(&protocol.BrokerHeartbeatRequest{
		BrokerID: b.cfg.ID, BrokerEpoch: b.epoch(), Version: b.plan().Version, WantShutDown: w == shutDown,
		OfflineLogDirs: b.offlineDirs(),
	}, b.cfg.ControllerTimeout)
	if err != nil {
		return nil, err
	}
	resp, ok := body.(*protocol.BrokerHeartbeatResponse)
	if !ok {
		return nil, fmt.Errorf("controller %s answered a heartbeat with %T", b.cfg.Controller, body)
	}
	return resp, resp.Err.Err()
}

// newsLoop applies what changes in the cluster.
func (b *Broker) newsLoop() error {
	for {
		if err := b.learn(); err != nil && !b.pause(b.cfg.ReconnectBackoff) {
			return nil
		}
		if b.isClosing() {
			return nil
		}
	}
}

// learn waits for news, for a while, and applies them.
func (b *Broker) learn() error {
	known := b.plan()
	body, err := b.member.news.call(&protocol.MetadataLogRequest{
		BrokerID: b.cfg.ID, Version: known.Version, MaxWait: b.cfg.MetadataWaitMax},
		b.cfg.ControllerTimeout+b.cfg.MetadataWaitMax)
	if err != nil {
		return err
	}
	news, ok := body.(*protocol.MetadataLogResponse)
	if !ok {
		return fmt.Errorf("controller %s answered with %T", b.cfg.Controller, body)
	}
	if news.Version <= known.Version {
		return nil
	}
	// Fences first: a leader that begins must not wait for brokers that are dead.
	next := known.Updated(news)
	b.member.mu.Lock()
	b.member.mu.plan = next
	b.member.mu.Unlock()
	for _, p := range b.partitions {
		p.fence(next.Brokers)
	}
	if known.Version == 0 && next.Version < b.epoch() {
		return nil // older than this life of the broker: what it was then does not count
	}
	if err := b.applyAll(next); err != nil {
		b.logFailed(err)
	}
	return nil
}

// leave tells the controller that the broker ends, so that others lead at once
// (controlled.shutdown.enable). Failing that they do when its session is over.
func (b *Broker) leave() {
	var link controllerLink
	link.init(b, "shutdown")
	_, _ = b.heartbeat(&link, shutDown)
	if link.conn != nil {
		link.conn.Close()
	}
}
