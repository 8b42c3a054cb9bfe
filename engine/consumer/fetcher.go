package consumer

import (
	"fmt"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// fetcher fetches the partitions that one broker leads. It has one request in
// flight, and asks for more while Poll hands out the response before.
type fetcher struct {
	c         *Consumer
	addr      string
	positions []*position
	first     int // position that the next request begins with, so that none starves

	// Guarded by Consumer.mu.
	conn  *client.Conn // nil while not connected
	full  bool         // a response waits for Poll
	taken env.Cond     // signalled when it was taken
}

func (f *fetcher) stopLocked() {
	if f.conn != nil {
		f.conn.Close()
	}
	if f.taken != nil {
		f.taken.Broadcast()
	}
}

// loop fetches until the consumer is closed, and connects again after a broken
// connection.
func (f *fetcher) loop() error {
	c := f.c
	c.mu.Lock()
	f.taken = c.node.NewCond(c.mu.Mutex)
	c.mu.Unlock()
	for {
		conn, err := f.connect()
		if err == nil {
			err = f.fetchAll(conn)
			f.disconnect(conn)
		}
		if err != nil && isFinal(err) {
			f.fail(err)
			return nil
		}
		if !f.backOff() {
			return nil
		}
	}
}

func (f *fetcher) connect() (*client.Conn, error) {
	c := f.c
	conn, err := client.Dial(c.node, f.addr, c.cfg.ClientID, c.cfg.RequestTimeout)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.closing {
		conn.Close()
		return nil, env.ErrClosed
	}
	f.conn = conn
	return conn, nil
}

func (f *fetcher) disconnect(conn *client.Conn) {
	f.c.mu.Lock()
	f.conn = nil
	f.c.mu.Unlock()
	conn.Close()
}

// fail ends polling with an error.
func (f *fetcher) fail(err error) {
	c := f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.failure == nil {
		c.mu.failure = fmt.Errorf("consumer %s: %w", c.cfg.ClientID, err)
	}
	c.mu.arrived.Broadcast()
}

// backOff waits and reports whether the consumer is still open.
func (f *fetcher) backOff() bool {
	c := f.c
	deadline := c.node.Now().Add(c.cfg.ReconnectBackoff)
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.mu.closing && c.node.Now() < deadline {
		c.mu.stopped.WaitUntil(deadline)
	}
	return !c.mu.closing
}

func (f *fetcher) fetchAll(conn *client.Conn) error {
	for {
		body, err := conn.Call(f.request(), f.c.cfg.RequestTimeout)
		if err != nil {
			return err
		}
		resp, ok := body.(*protocol.FetchResponse)
		if !ok || len(resp.Partitions) != len(f.positions) {
			body.Release()
			return fmt.Errorf("broker %s answered fetch with %T", f.addr, body)
		}
		got, err := newFetched(f, resp) // got is nil after a long poll that ended without records
		if got != nil && !f.hand(got) {
			got.release()
			return env.ErrClosed
		}
		if err != nil {
			return err
		}
	}
}

// request asks for all partitions, beginning with another one each time.
func (f *fetcher) request() *protocol.FetchRequest {
	cfg := &f.c.cfg
	r := &protocol.FetchRequest{
		ReplicaID: protocol.ConsumerReplicaID, MaxWait: cfg.FetchMaxWait, MinBytes: int32(cfg.FetchMinBytes),
		MaxBytes: int32(cfg.FetchMaxBytes), Partitions: make([]protocol.FetchPartition, len(f.positions)),
	}
	for i := range f.positions {
		pos := f.positions[(f.first+i)%len(f.positions)]
		r.Partitions[i] = protocol.FetchPartition{
			TopicPartition: pos.TopicPartition, CurrentLeaderEpoch: pos.epoch,
			FetchOffset: pos.next, MaxBytes: int32(cfg.MaxPartitionFetchBytes),
		}
	}
	return r
}

// hand gives a response to Poll and waits while the one before is not taken. It
// reports whether the consumer is still open.
func (f *fetcher) hand(got *fetched) bool {
	c := f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for f.full && !c.mu.closing {
		f.taken.WaitUntil(env.Never)
	}
	if c.mu.closing {
		return false
	}
	f.full = true
	c.mu.ready = append(c.mu.ready, got)
	c.mu.arrived.Signal()
	return true
}
