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
	sending  env.Time     // when the request without response that is being sent expires; Never if there is none
	conn     *client.Conn // nil while not connected
	barrier  barrier
}

// request is a request that waits for its response: to produce, or a barrier if
// it has no batches.
type request struct {
	batches []*batch
	expires env.Time
}

// barrier is a request whose answer says that the broker has taken up all that
// was sent before it.
type barrier struct {
	waiting bool
	err     error
}

func newSender(p *Producer, broker int, addr string) *sender {
	return &sender{p: p, broker: broker, addr: addr, wake: p.node.NewCond(p.mu.Mutex), until: env.Never,
		sending: env.Never}
}

// dueLocked wakes the sender if it would sleep past due.
func (s *sender) dueLocked(due env.Time) {
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
	p.tasks.Go(fmt.Sprintf("receiver-%d", p.md.Brokers[s.broker].ID), func() error {
		s.receive(conn)
		return nil
	})
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
		p.complete(s, batches, nil, s.sendOneWay(conn, req))
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
	_ = conn.Send(req) // of an error the receiver learns too, behind the answers that have arrived
}

// sendOneWay sends a request that has no response. The receiver closes the
// connection if the link stays full for request.timeout.ms.
func (s *sender) sendOneWay(conn *client.Conn, req *protocol.ProduceRequest) error {
	p := s.p
	expires := p.node.Now().Add(p.cfg.RequestTimeout)
	s.setSending(expires)
	err := conn.SendOneWay(req)
	s.setSending(env.Never)
	if err == nil {
		return nil
	}
	s.fail(s.disconnect(conn), err)
	if p.node.Now() >= expires {
		return fmt.Errorf("send to broker %s: %w", s.addr, env.ErrTimeout)
	}
	return err
}

func (s *sender) setSending(expires env.Time) {
	s.p.mu.Lock()
	s.sending = expires
	s.p.mu.Unlock()
}

// receive completes requests in order until the connection ends, or the oldest
// one has waited for request.timeout.ms.
func (s *sender) receive(conn *client.Conn) {
	p := s.p
	for {
		body, err := conn.Recv(s.expires())
		if errors.Is(err, env.ErrTimeout) && s.expires() > p.node.Now() {
			continue
		}
		if err == nil {
			err = s.answered(body)
		}
		if err != nil {
			s.fail(s.disconnect(conn), err)
			return
		}
	}
}

// expires is when the oldest request that waits has waited too long. Without one
// it is a request.timeout.ms from now: no later than that of one to come.
func (s *sender) expires() env.Time {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	at := s.sending
	if len(s.pending) > 0 {
		at = min(at, s.pending[0].expires)
	}
	if at == env.Never {
		at = s.p.node.Now().Add(s.p.cfg.RequestTimeout)
	}
	return at
}

// answered takes the response to the oldest pending request. An error says that
// the broker does not keep to the protocol.
func (s *sender) answered(body protocol.Body) error {
	s.p.mu.Lock()
	if len(s.pending) == 0 {
		s.p.mu.Unlock()
		body.Release()
		return fmt.Errorf("broker %s answered with %T what was not asked", s.addr, body)
	}
	first := s.pending[0]
	copy(s.pending, s.pending[1:])
	s.pending = s.pending[:len(s.pending)-1]
	s.p.mu.Unlock()
	resp, ok := body.(*protocol.ProduceResponse)
	switch {
	case first.batches == nil:
		body.Release()
		s.fail([]request{first}, nil)
	case !ok || len(resp.Partitions) != len(first.batches):
		body.Release()
		err := fmt.Errorf("broker %s answered produce with %T", s.addr, body)
		s.fail([]request{first}, err)
		return err
	default:
		s.p.complete(s, first.batches, resp.Partitions, nil)
	}
	return nil
}

// fail ends requests that get no answer, or a barrier with nil.
func (s *sender) fail(requests []request, err error) {
	for _, r := range requests {
		if r.batches != nil {
			s.p.complete(s, r.batches, nil, err)
			continue
		}
		s.p.mu.Lock()
		s.barrier = barrier{err: err}
		s.wake.Signal()
		s.p.mu.Unlock()
	}
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
	if conn != nil && p.cfg.Acks == protocol.AcksNone {
		s.pending = append(s.pending, request{expires: p.node.Now().Add(p.cfg.RequestTimeout)})
		s.barrier.waiting = true
		p.mu.Unlock()
		_ = conn.Send(&protocol.MetadataRequest{}) // of an error the receiver learns too
		p.mu.Lock()
		for s.barrier.waiting {
			s.wake.WaitUntil(env.Never)
		}
	}
	err := s.barrier.err
	p.mu.Unlock()
	if conn != nil {
		s.disconnect(conn)
	}
	return err
}

func releaseAll(batches []*batch) {
	for _, b := range batches {
		b.wire.Release()
		b.wire = env.Buf{}
	}
}
