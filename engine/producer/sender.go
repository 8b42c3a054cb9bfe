package producer

import (
	"errors"
	"fmt"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// sender sends the batches of one broker's partitions. Kafka's Sender serves all
// brokers with one thread and non-blocking sockets; one task a broker keeps a
// full link from holding up the others.
type sender struct {
	p      *Producer
	broker int // index
	addr   string

	// The fields below are guarded by Producer.mu.
	wake     env.Cond
	until    env.Time // what the sender waits for; Never if for a wake-up only
	inFlight int      // requests sent or being sent and not complete
	pending  []request
	conn     *client.Conn // nil while not connected
}

// request is a produce request that waits for its response.
type request struct {
	batches []*batch
	expires env.Time
}

func newSender(p *Producer, broker int, addr string) *sender {
	return &sender{p: p, broker: broker, addr: addr, wake: p.node.NewCond(p.mu.Mutex), until: env.Never}
}

// lingerStartedLocked wakes the sender if it would sleep past due.
func (s *sender) lingerStartedLocked(due env.Time) {
	if due < s.until {
		s.until = due
		s.wake.Signal()
	}
}

// loop sends until the producer is closed and nothing is left.
func (s *sender) loop() error {
	p := s.p
	for {
		batches := s.next()
		if batches == nil {
			return s.finish()
		}
		for _, b := range batches {
			if b.state == batchSealing {
				p.seal(b)
				b.state = batchSealed
			}
		}
		conn, err := s.connection()
		if err != nil {
			releaseAll(batches)
			p.complete(s, batches, nil, err)
			continue
		}
		s.send(conn, batches)
	}
}

// next waits until something may be sent, and takes it. nil means the end.
func (s *sender) next() []*batch {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := p.node.Now()
		at := p.mu.acc.ready(s.broker)
		if s.inFlight >= p.cfg.MaxInFlight {
			at = env.Never
		}
		if at <= now {
			s.inFlight++
			return p.mu.acc.drain(s.broker, p.cfg.MaxRequestSize, now, nil)
		}
		if p.mu.closing && s.inFlight == 0 && p.mu.acc.brokers[s.broker].batches == 0 {
			return nil
		}
		s.until = at
		s.wake.WaitUntil(at)
		s.until = 0 // awake: nobody needs to wake it for a linger
	}
}

// connection returns the open connection, or opens one with its receiver.
func (s *sender) connection() (*client.Conn, error) {
	p := s.p
	p.mu.Lock()
	conn := s.conn
	p.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	conn, err := client.Dial(p.node, s.addr, p.cfg.ClientID, p.cfg.RequestTimeout)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	s.conn = conn
	p.mu.Unlock()
	if p.cfg.Acks != protocol.AcksNone {
		p.tasks.Go(fmt.Sprintf("receiver-%d", p.md.Brokers[s.broker].ID), func() error {
			s.receive(conn)
			return nil
		})
	}
	return conn, nil
}

// send sends one request with the batches. With acks=0 they are complete once
// they are sent.
func (s *sender) send(conn *client.Conn, batches []*batch) {
	p := s.p
	req := &protocol.ProduceRequest{Acks: p.cfg.Acks, Timeout: p.cfg.RequestTimeout,
		Partitions: make([]protocol.ProducePartition, len(batches))}
	now := p.node.Now()
	for i, b := range batches {
		b.stamps[protocol.StageSent] = now
		req.Partitions[i] = protocol.ProducePartition{TopicPartition: b.tp, Records: b.wire, Stamps: b.stamps}
		b.wire = env.Buf{} // the request has taken it over
	}
	if p.cfg.Acks == protocol.AcksNone {
		err := conn.Send(req)
		conn.SkipResponse()
		if err != nil {
			s.disconnect(conn)
		}
		p.complete(s, batches, nil, err)
		return
	}
	p.mu.Lock()
	open := s.conn == conn
	if open {
		s.pending = append(s.pending, request{batches: batches, expires: now.Add(p.cfg.RequestTimeout)})
	}
	p.mu.Unlock()
	if !open {
		req.Release()
		p.complete(s, batches, nil, fmt.Errorf("send to broker %s: %w", s.addr, env.ErrReset))
		return
	}
	if conn.Send(req) != nil {
		conn.Close() // the receiver sees it and fails what is pending
	}
}

// receive completes requests in order until the connection ends, or the oldest
// one has waited for request.timeout.ms.
func (s *sender) receive(conn *client.Conn) {
	p := s.p
	for {
		body, err := conn.Recv(p.node.Now().Add(p.cfg.RequestTimeout))
		if errors.Is(err, env.ErrTimeout) && !s.expired() {
			continue
		}
		if err != nil {
			for _, r := range s.disconnect(conn) {
				p.complete(s, r.batches, nil, err)
			}
			return
		}
		batches := s.popPending()
		resp, ok := body.(*protocol.ProduceResponse)
		if !ok || len(resp.Partitions) != len(batches) {
			body.Release()
			p.complete(s, batches, nil, fmt.Errorf("broker %s answered produce with %T", s.addr, body))
			continue
		}
		p.complete(s, batches, resp.Partitions, nil)
	}
}

// expired says whether the oldest pending request has waited too long.
func (s *sender) expired() bool {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return len(s.pending) > 0 && s.pending[0].expires <= s.p.node.Now()
}

// popPending takes the batches of the oldest pending request; nil if there is none.
func (s *sender) popPending() []*batch {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if len(s.pending) == 0 {
		return nil
	}
	first := s.pending[0]
	copy(s.pending, s.pending[1:])
	s.pending = s.pending[:len(s.pending)-1]
	return first.batches
}

// disconnect closes the connection and returns the requests that wait on it. All
// under one lock: a request of the next connection must not be among them.
func (s *sender) disconnect(conn *client.Conn) []request {
	s.p.mu.Lock()
	var orphans []request
	if s.conn == conn {
		s.conn = nil
		orphans, s.pending = s.pending, nil
	}
	s.p.mu.Unlock()
	conn.Close()
	return orphans
}

// finish closes the connection. With acks=0 it first asks for something that is
// answered: the broker takes requests in order, so the answer says that it has
// taken up all that was sent.
func (s *sender) finish() error {
	p := s.p
	p.mu.Lock()
	conn := s.conn
	p.mu.Unlock()
	if conn == nil {
		return nil
	}
	var err error
	if p.cfg.Acks == protocol.AcksNone {
		_, err = conn.Call(&protocol.MetadataRequest{}, p.cfg.RequestTimeout)
	}
	s.disconnect(conn)
	return err
}

func releaseAll(batches []*batch) {
	for _, b := range batches {
		b.wire.Release()
		b.wire = env.Buf{}
	}
}
