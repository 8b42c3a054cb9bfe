package client

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// setupTimeoutMax is Kafka's default of socket.connection.setup.timeout.ms: how
// long a broker that may be silent holds up the search for one that answers.
const setupTimeoutMax = 10 * time.Second

// retryBackoff is Kafka's default of retry.backoff.ms, with which a Caller asks
// again.
const retryBackoff = 100 * time.Millisecond

// Caller makes single requests, each on a connection of its own: what a client
// asks now and then. One task calls, any task may Close it.
type Caller struct {
	node     env.Node
	clientID string
	timeout  time.Duration // request.timeout.ms
	mu       struct {
		env.Mutex
		open    *Conn    // of the call that is under way
		stopped env.Cond // signalled when closed is set
		closed  bool
	}
}

// NewCaller returns a Caller whose requests wait for the timeout,
// request.timeout.ms.
func NewCaller(node env.Node, clientID string, timeout time.Duration) *Caller {
	c := &Caller{node: node, clientID: clientID, timeout: timeout}
	c.mu.Mutex = node.NewMutex()
	c.mu.stopped = node.NewCond(c.mu.Mutex)
	return c
}

// Close ends the call that is under way and all later ones with env.ErrClosed.
func (c *Caller) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.closed = true
	c.mu.stopped.Signal()
	if c.mu.open != nil {
		c.mu.open.Close()
	}
}

// pause waits and reports whether the Caller is still open.
func (c *Caller) pause(until env.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.mu.closed && c.node.Now() < until {
		c.mu.stopped.WaitUntil(until)
	}
	return !c.mu.closed
}

func (c *Caller) adopt(conn *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn != nil && c.mu.closed {
		return false
	}
	c.mu.open = conn
	return true
}

// call sends one request on a connection of its own.
func (c *Caller) call(addr string, req protocol.Body) (protocol.Body, error) {
	conn := Open(c.node, addr, c.clientID, min(c.timeout, setupTimeoutMax))
	defer conn.Close()
	if !c.adopt(conn) {
		return nil, env.ErrClosed
	}
	defer c.adopt(nil)
	if err := conn.Await(); err != nil {
		return nil, err
	}
	return conn.Call(req, c.timeout)
}

// firstOf tries the addresses until one answers.
func (c *Caller) firstOf(bootstrap []string, what string, ask func(addr string) error) error {
	var failed error
	for _, addr := range bootstrap {
		if failed = ask(addr); failed == nil || errors.Is(failed, env.ErrClosed) {
			return failed
		}
	}
	if failed == nil {
		return fmt.Errorf("%s: no bootstrap address given", what)
	}
	return fmt.Errorf("%s: none of %d bootstrap brokers answered; the last: %w", what, len(bootstrap), failed)
}

// Metadata asks the first of the bootstrap addresses that answers. A topic that is
// not known is an error; a partition without a leader is not: its entry says so.
func (c *Caller) Metadata(bootstrap, topics []string) (*Metadata, error) {
	var md *Metadata
	err := c.firstOf(bootstrap, "metadata", func(addr string) (err error) {
		md, err = c.metadataFrom(addr, topics)
		return err
	})
	return md, err
}

func (c *Caller) metadataFrom(addr string, topics []string) (*Metadata, error) {
	body, err := c.call(addr, &protocol.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, err
	}
	resp, ok := body.(*protocol.MetadataResponse)
	if !ok {
		body.Release()
		return nil, fmt.Errorf("broker %s answered metadata with %T", addr, body)
	}
	for _, p := range resp.Partitions {
		if p.Err != protocol.ErrNone && p.Partition < 0 {
			return nil, fmt.Errorf("metadata of topic %q: %w", p.Topic, p.Err)
		}
	}
	md := &Metadata{Brokers: resp.Brokers, Partitions: resp.Partitions}
	sort.Slice(md.Partitions, func(i, j int) bool {
		a, b := &md.Partitions[i], &md.Partitions[j]
		return a.Topic < b.Topic || a.Topic == b.Topic && a.Partition < b.Partition
	})
	return md, nil
}

// InitProducerID asks the first of the addresses that answers for a producer id.
func (c *Caller) InitProducerID(addresses []string) (*protocol.InitProducerIDResponse, error) {
	var out *protocol.InitProducerIDResponse
	err := c.firstOf(addresses, "producer id", func(addr string) error {
		body, err := c.call(addr, &protocol.InitProducerIDRequest{})
		if err != nil {
			return err
		}
		resp, ok := body.(*protocol.InitProducerIDResponse)
		if !ok {
			body.Release()
			return fmt.Errorf("broker %s answered init producer id with %T", addr, body)
		}
		out = resp
		return resp.Err.Err()
	})
	return out, err
}

// FetchMetadata is Metadata of a Caller that makes one request.
func FetchMetadata(node env.Node, bootstrap []string, clientID string, topics []string,
	timeout time.Duration) (*Metadata, error) {
	return NewCaller(node, clientID, timeout).Metadata(bootstrap, topics)
}

// InitProducerID is InitProducerID of a Caller that makes one request.
func InitProducerID(node env.Node, addresses []string, clientID string,
	timeout time.Duration) (*protocol.InitProducerIDResponse, error) {
	return NewCaller(node, clientID, timeout).InitProducerID(addresses)
}
