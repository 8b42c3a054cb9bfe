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
	id     int32

	// The fields below are guarded by Producer.mu.
	addr     string
	wake     env.Cond
	until    env.Time // what the sender waits for; Never if for a wake-up only
	inFlight int      // requests sent or being sent and not complete
	pending  []request
	sending  env.Time     // when the request without response that is being sent expires; Never if there is none
	conn     *client.Conn // nil while not connected
	barrier  barrier
	// failures and connectAt are reconnect.backoff.ms: how often in a row the
	// broker could not be connected to, and when it may be tried again.
	failures  int
	connectAt env.Time
	backoff   client.Backoff
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

func newSender(p *Producer, broker int, id int32) *sender {
	cfg := &p.cfg
	return &sender{p: p, broker: broker, id: id, wake: p.node.NewCond(p.mu.Mutex), until: env.Never,
		sending: env.Never, backoff: client.Backoff{Initial: cfg.ReconnectBackoff, Max: cfg.ReconnectBackoffMax,
			Random: p.node.Rand(fmt.Sprintf("reconnect-backoff/%d", id))}}
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
		conn, batches := s.next()
		switch {
		case batches != nil:
			for _, b := range batches {
				if b.wireSize == 0 {
					p.seal(b)
				}
				b.head(p.node)
			}
			s.send(conn, batches)
		case conn == nil && !s.connect():
			return s.finish()
		}
	}
}

// next waits until something may be sent, and takes it. Without a connection it
// takes nothing, and returns when one is needed or all is done.
func (s *sender) next() (*client.Conn, []*batch) {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := p.node.Now()
		at := p.mu.acc.ready(s.broker)
		if s.inFlight >= p.cfg.MaxInFlight {
			at = env.Never
		}
		if s.conn == nil && at != env.Never {
			at = max(at, s.connectAt)
		}
		switch {
		case at > now && s.doneLocked():
			return nil, nil
		case at > now:
			s.until = at
			s.wake.WaitUntil(at)
			s.until = 0 // awake: nobody needs to wake it for a linger
		case s.conn == nil:
			return nil, nil
		default:
			s.inFlight++
			batches := p.mu.acc.drain(s.broker, p.cfg.MaxRequestSize, now, nil)
			if len(batches) == 0 {
				panic("producer: a broker was ready and nothing could be drained")
			}
			if p.mu.acc.ids.wanted() {
				p.mu.refresh.wake.Signal()
			}
			return s.conn, batches
		}
	}
}

// doneLocked says that nothing is left to do: for the other brokers neither, since
// a partition may move from them to this one.
func (s *sender) doneLocked() bool {
	return s.p.mu.closing && s.inFlight == 0 && s.p.mu.acc.incomplete == 0
}

// connect opens a connection with its receiver, or notes that it could not. It
// reports false if nothing is left to send.
func (s *sender) connect() (more bool) {
	p := s.p
	p.mu.Lock()
	addr, done := s.addr, s.doneLocked()
	p.mu.Unlock()
	if done {
		return false
	}
	conn, err := client.Dial(p.node, addr, p.cfg.ClientID, min(p.cfg.SetupTimeout, p.cfg.RequestTimeout))
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		s.brokenLocked()
		return true
	}
	s.conn, s.failures = conn, 0
	p.tasks.Go(fmt.Sprintf("receiver-%d", s.id), func() error {
		s.receive(conn)
		return nil
	})
	return true
}

// brokenLocked notes that there is no connection: it is tried again after a while,
// and perhaps another broker leads by then.
func (s *sender) brokenLocked() {
	s.failures++
	s.connectAt = s.p.node.Now().Add(s.backoff.After(s.failures))
	s.p.wantMetadataLocked()
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
		req.Partitions[i] = protocol.ProducePartition{TopicPartition: b.tp, Records: b.wire.Retain(), Stamps: b.stamps}
	}
	if p.cfg.Acks == protocol.AcksNone {
		p.complete(s, batches, nil, s.sendOneWay(conn, req))
		return
	}
	p.mu.Lock()
	open := s.conn == conn
	if open {
		s.pending = append(s.pending, request{batches: batches, expires: now.Add(p.cfg.RequestTimeout)})
		for _, b := range batches {
			b.state = batchSealed // it may expire from now on
		}
	}
	p.mu.Unlock()
	if !open {
		req.Release()
		p.complete(s, batches, nil, fmt.Errorf("send to broker %s: %w", conn.Addr(), env.ErrReset))
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
		return fmt.Errorf("send to broker %s: %w", conn.Addr(), env.ErrTimeout)
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
			err = s.answered(conn.Addr(), body)
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
func (s *sender) answered(addr string, body protocol.Body) error {
	s.p.mu.Lock()
	if len(s.pending) == 0 {
		s.p.mu.Unlock()
		body.Release()
		return fmt.Errorf("broker %s answered with %T what was not asked", addr, body)
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
		err := fmt.Errorf("broker %s answered produce with %T", addr, body)
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
		s.brokenLocked()
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
