// Package client is what every client of a broker needs: a connection that
// matches responses to requests, and the cluster's metadata. It does not retry:
// that is for its users, which know what may be sent twice.
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
	conn     env.Conn
	sent     int32 // correlation id of the last request with a response; the sending task's
	oneWay   int32 // correlation id of the last request without; below 0, the sending task's
	received int32 // correlation id of the last response; the receiving task's
}

// Dial connects to a broker's address.
func Dial(node env.Node, addr, clientID string, timeout time.Duration) (*Conn, error) {
	conn, err := node.Net().Dial(addr, timeout)
	if err != nil {
		return nil, fmt.Errorf("connect to broker %s: %w", addr, err)
	}
	return &Conn{node: node, addr: addr, clientID: clientID, conn: conn}, nil
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
	c.node.Charge(env.OpRequest, 1)
	err := c.conn.Send(&protocol.Request{CorrelationID: correlationID, ClientID: c.clientID, Body: body})
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
	c.node.Charge(env.OpRequest, 1)
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

// Close closes the connection.
func (c *Conn) Close() { _ = c.conn.Close() } // an error of closing changes nothing for a client

// Metadata is the cluster as a client sees it: partitions sorted by name.
type Metadata struct {
	Brokers    []protocol.BrokerMetadata
	Partitions []protocol.PartitionMetadata
}

// setupTimeoutMax is Kafka's default of socket.connection.setup.timeout.ms: how
// long a broker that may be silent holds up the search for one that answers.
const setupTimeoutMax = 10 * time.Second

// FetchMetadata asks the first of the bootstrap addresses that answers. A topic
// that is not known is an error; a partition without a leader is not: its entry
// says so.
func FetchMetadata(node env.Node, bootstrap []string, clientID string, topics []string,
	timeout time.Duration) (*Metadata, error) {
	var md *Metadata
	err := firstOf(bootstrap, "metadata", func(addr string) (err error) {
		md, err = metadataFrom(node, addr, clientID, topics, timeout)
		return err
	})
	return md, err
}

// firstOf tries the addresses until one answers.
func firstOf(bootstrap []string, what string, ask func(addr string) error) error {
	var failed error
	for _, addr := range bootstrap {
		if failed = ask(addr); failed == nil {
			return nil
		}
	}
	if failed == nil {
		return fmt.Errorf("%s: no bootstrap address given", what)
	}
	return fmt.Errorf("%s: none of %d bootstrap brokers answered; the last: %w", what, len(bootstrap), failed)
}

// callOnce sends one request on a connection of its own.
func callOnce(node env.Node, addr, clientID string, req protocol.Body, timeout time.Duration) (protocol.Body, error) {
	c, err := Dial(node, addr, clientID, min(timeout, setupTimeoutMax))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Call(req, timeout)
}

// InitProducerID asks the first of the addresses that answers for a producer id.
func InitProducerID(node env.Node, addresses []string, clientID string,
	timeout time.Duration) (*protocol.InitProducerIDResponse, error) {
	var out *protocol.InitProducerIDResponse
	err := firstOf(addresses, "producer id", func(addr string) error {
		body, err := callOnce(node, addr, clientID, &protocol.InitProducerIDRequest{}, timeout)
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

func metadataFrom(node env.Node, addr, clientID string, topics []string, timeout time.Duration) (*Metadata, error) {
	body, err := callOnce(node, addr, clientID, &protocol.MetadataRequest{Topics: topics}, timeout)
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

// ListOffsets asks each partition's leader for its earliest or latest offset.
// A consumer's latest is the high watermark, a debugging client's
// (protocol.DebuggingReplicaID) is the log end.
func ListOffsets(node env.Node, md *Metadata, clientID string, replicaID int32, partitions []protocol.TopicPartition,
	timestamp int64, timeout time.Duration) ([]int64, error) {
	out := make([]int64, len(partitions))
	for _, b := range md.Brokers {
		req := &protocol.ListOffsetsRequest{ReplicaID: replicaID}
		var at []int
		for i, tp := range partitions {
			p, ok := md.Partition(tp)
			if !ok {
				return nil, fmt.Errorf("list offsets: no partition %s-%d", tp.Topic, tp.Partition)
			}
			if p.Leader == b.ID {
				at = append(at, i)
				req.Partitions = append(req.Partitions, protocol.ListOffsetsPartition{TopicPartition: tp, Timestamp: timestamp})
			}
		}
		if len(at) == 0 {
			continue
		}
		if err := listOffsetsFrom(node, b.Addr, clientID, req, at, out, timeout); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func listOffsetsFrom(node env.Node, addr, clientID string, req *protocol.ListOffsetsRequest, at []int, out []int64,
	timeout time.Duration) error {
	body, err := callOnce(node, addr, clientID, req, timeout)
	if err != nil {
		return err
	}
	resp, ok := body.(*protocol.ListOffsetsResponse)
	if !ok || len(resp.Partitions) != len(at) {
		body.Release()
		return fmt.Errorf("broker %s answered list offsets with %T", addr, body)
	}
	for i, p := range resp.Partitions {
		if p.Err != protocol.ErrNone {
			return fmt.Errorf("list offsets of %s-%d at broker %s: %w", p.Topic, p.Partition, addr, p.Err)
		}
		out[at[i]] = p.Offset
	}
	return nil
}
