// Package client is what every client of a broker needs: a connection that
// matches responses to requests, the cluster's metadata, where logs begin and end,
// and when to ask again. What is sent on a Conn it does not retry: that is for its
// users, which know what may be sent twice.
package client

import (
	"fmt"
	"sort"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// Conn is a connection to one broker. One task may Send while another Recvs.
type Conn struct {
	node     env.Node
	addr     string
	clientID string
	opening  env.Connecting
	conn     env.Conn // set by Await
	sent     int32    // correlation id of the last request with a response; the sending task's
	oneWay   int32    // correlation id of the last request without; below 0, the sending task's
	received int32    // correlation id of the last response; the receiving task's
}

// Open begins to connect to a broker's address. The Conn is to be awaited before
// it is used; it can be closed before that, by any task.
func Open(node env.Node, addr, clientID string, timeout time.Duration) *Conn {
	return &Conn{node: node, addr: addr, clientID: clientID, opening: node.Net().Connect(addr, timeout)}
}

// Await waits until the broker has been connected to, the timeout is over, or the
// Conn is closed.
func (c *Conn) Await() error {
	conn, err := c.opening.Wait()
	if err != nil {
		return fmt.Errorf("connect to broker %s: %w", c.addr, err)
	}
	c.conn = conn
	return nil
}

// Dial connects to a broker's address.
func Dial(node env.Node, addr, clientID string, timeout time.Duration) (*Conn, error) {
	c := Open(node, addr, clientID, timeout)
	if err := c.Await(); err != nil {
		return nil, err
	}
	return c, nil
}

// Addr is the broker's address.
func (c *Conn) Addr() string { return c.addr }

// Send sends a request and takes it over. It blocks while the link is full.
func (c *Conn) Send(body protocol.Body) error {
	c.sent++
	return c.send(c.sent, body)
}

// SendOneWay is Send of a request that has no response (acks=0). Its correlation
// ids are below 0, so that a task that receives need not know of them.
func (c *Conn) SendOneWay(body protocol.Body) error {
	c.oneWay--
	return c.send(c.oneWay, body)
}

func (c *Conn) send(correlationID int32, body protocol.Body) error {
	req := &protocol.Request{CorrelationID: correlationID, ClientID: c.clientID, Body: body}
	c.node.Charge(env.OpRequest, protocol.Partitions(body))
	c.node.Charge(env.OpSend, req.WireBytes())
	err := c.conn.Send(req)
	if err != nil {
		return fmt.Errorf("send to broker %s: %w", c.addr, err)
	}
	return nil
}

// Recv returns the response to the oldest request that has none yet. The caller
// releases it.
func (c *Conn) Recv(deadline env.Time) (protocol.Body, error) {
	m, err := c.conn.Recv(deadline)
	if err != nil {
		return nil, fmt.Errorf("receive from broker %s: %w", c.addr, err)
	}
	resp, ok := m.(*protocol.Response)
	c.received++
	if !ok || resp.CorrelationID != c.received {
		m.Release()
		return nil, fmt.Errorf("receive from broker %s: got %T, want the response to request %d", c.addr, m, c.received)
	}
	c.node.Charge(env.OpReceive, resp.WireBytes())
	c.node.Charge(env.OpRequest, protocol.Partitions(resp.Body))
	return resp.Body, nil
}

// Call sends a request and waits for its response. No other request may be
// under way.
func (c *Conn) Call(body protocol.Body, timeout time.Duration) (protocol.Body, error) {
	if err := c.Send(body); err != nil {
		return nil, err
	}
	return c.Recv(c.node.Now().Add(timeout))
}

// Close closes the connection, or ends the attempt to open it.
func (c *Conn) Close() { _ = c.opening.Close() } // an error of closing changes nothing for a client

// Metadata is the cluster as a client sees it: partitions sorted by name.
type Metadata struct {
	Brokers    []protocol.BrokerMetadata
	Partitions []protocol.PartitionMetadata
}

// Addr returns the address of a broker.
func (m *Metadata) Addr(id int32) (string, error) {
	for _, b := range m.Brokers {
		if b.ID == id {
			return b.Addr, nil
		}
	}
	return "", fmt.Errorf("metadata names no broker %d", id)
}

// Partition finds one partition.
func (m *Metadata) Partition(tp protocol.TopicPartition) (*protocol.PartitionMetadata, bool) {
	i := sort.Search(len(m.Partitions), func(i int) bool {
		p := &m.Partitions[i]
		return p.Topic > tp.Topic || p.Topic == tp.Topic && p.Partition >= tp.Partition
	})
	if i < len(m.Partitions) && m.Partitions[i].TopicPartition == tp {
		return &m.Partitions[i], true
	}
	return nil, false
}

// Topic returns the partitions of one topic, by number.
func (m *Metadata) Topic(name string) []protocol.PartitionMetadata {
	var out []protocol.PartitionMetadata
	for i := range m.Partitions {
		if m.Partitions[i].Topic == name {
			out = append(out, m.Partitions[i])
		}
	}
	return out
}
