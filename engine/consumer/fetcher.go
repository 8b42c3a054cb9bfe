package consumer

import (
	"fmt"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// fetcher asks one broker about the partitions that it leads: where they begin or
// end, whether its log is the one that was read, and for records. It has one
// request in flight, and asks for more records while Poll hands out the response
// before.
type fetcher struct {
	c  *Consumer
	id int32
	// The fetcher's task's: the asks of the request that is under way, the number of
	// fetches so far, and what the broker knows of them.
	asks    []ask
	fetches int
	session client.FetchSession[askOf]

	// Guarded by Consumer.mu.
	addr       string
	partitions []*partition // that the broker leads
	first      int          // that the next request begins with, so that none starves
	wake       env.Cond     // signalled when there may be something to do
	conn       *client.Conn // nil while not connected, nor connecting
	heard      env.Time     // when the broker answered last
	failures   int          // in a row, of connections
	connectAt  env.Time     // reconnect.backoff.ms
	backoff    client.Backoff
	full       bool     // a response waits for Poll
	next       *fetched // the one after it
}

// askOf is where in a fetcher's asks a partition is, in one fetch.
type askOf struct{ fetch, index int }

func newFetcher(c *Consumer, id int32) *fetcher {
	return &fetcher{c: c, id: id, wake: c.node.NewCond(c.mu.Mutex), backoff: client.Backoff{
		Initial: c.cfg.ReconnectBackoff, Max: c.cfg.ReconnectBackoffMax,
		Random: c.node.Rand(fmt.Sprintf("reconnect-backoff/%d", id))}}
}

func (f *fetcher) stopLocked() {
	if f.conn != nil {
		f.conn.Close()
	}
	f.wake.Signal()
}

// loop works until the consumer is closed, and connects again after a broken
// connection.
func (f *fetcher) loop() error {
	for {
		conn, open := f.await()
		if !open {
			f.disconnect(conn)
			return nil
		}
		var err error
		if conn == nil {
			conn, err = f.connect()
		} else {
			err = f.work(conn)
		}
		if err != nil {
			f.broken(conn, err)
		}
	}
}

// await waits until there is something to ask, for which asks are made. Without a
// connection it returns when one is needed.
func (f *fetcher) await() (conn *client.Conn, open bool) {
	c := f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.mu.closing {
		if f.next != nil && !f.full {
			f.deliverLocked()
		}
		last := phaseFetch
		if f.next != nil {
			last = phaseValidate // Poll is behind
		}
		now := c.node.Now()
		var at env.Time
		f.asks, at = c.mu.subscription.due(f.partitions, f.first, last, now, f.asks[:0])
		if f.conn == nil && at != env.Never {
			at = max(at, f.connectAt)
		}
		if at <= now {
			return f.conn, true
		}
		f.wake.WaitUntil(at)
	}
	if f.next != nil {
		f.next.release()
		f.next = nil
	}
	return f.conn, false
}

func (f *fetcher) connect() (*client.Conn, error) {
	c := f.c
	c.mu.Lock()
	if c.mu.closing {
		c.mu.Unlock()
		return nil, env.ErrClosed
	}
	conn := client.Open(c.node, f.addr, c.cfg.ClientID, min(c.cfg.SetupTimeout, c.cfg.RequestTimeout))
	f.conn = conn
	c.mu.Unlock()
	if err := conn.Await(); err != nil {
		return conn, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.failures, f.heard = 0, c.node.Now()
	return conn, nil
}

func (f *fetcher) disconnect(conn *client.Conn) {
	f.c.mu.Lock()
	f.conn = nil
	f.c.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

// broken notes that there is no connection: it is tried again after a while, and
// perhaps another broker leads by then.
func (f *fetcher) broken(conn *client.Conn, err error) {
	f.disconnect(conn)
	f.session.Reset()
	c := f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.mu.closing {
		c.toldLocked(err)
	}
	f.failures++
	f.connectAt = c.node.Now().Add(f.backoff.After(f.failures))
	c.wantMetadataLocked()
}

// work makes the request that the asks are for, all of one phase. An error means
// that the connection is of no use any more.
func (f *fetcher) work(conn *client.Conn) error {
	var req protocol.Body
	var take func(protocol.Body) bool
	switch f.asks[0].phase {
	case phaseReset:
		req, take = f.offsetsRequest(), f.located
	case phaseValidate:
		req, take = f.epochsRequest(), f.validated
	default:
		req, take = f.fetchRequest(), f.fetched
	}
	body, err := conn.Call(req, f.c.cfg.RequestTimeout)
	if err != nil {
		return err
	}
	f.c.mu.Lock()
	f.heard = f.c.node.Now()
	f.c.mu.Unlock()
	if !take(body) {
		body.Release()
		return fmt.Errorf("broker %s answered with %T what was not asked", conn.Addr(), body)
	}
	return nil
}

func (f *fetcher) offsetsRequest() *protocol.ListOffsetsRequest {
	r := &protocol.ListOffsetsRequest{ReplicaID: protocol.ConsumerReplicaID,
		Partitions: make([]protocol.ListOffsetsPartition, len(f.asks))}
	wall := f.c.node.Wall()
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	for i := range f.asks {
		p := f.asks[i].p
		r.Partitions[i] = protocol.ListOffsetsPartition{TopicPartition: p.TopicPartition, Timestamp: p.policy.lookup(wall)}
	}
	return r
}

// located takes the answer to offsetsRequest. A time after the last record's is
// the end of the log.
func (f *fetcher) located(body protocol.Body) bool {
	resp, ok := body.(*protocol.ListOffsetsResponse)
	if !ok || len(resp.Partitions) != len(f.asks) {
		return false
	}
	c := f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range resp.Partitions {
		a, out := &f.asks[i], &resp.Partitions[i]
		switch {
		case !a.current():
		case out.Err != protocol.ErrNone:
			c.refusedLocked(a, out.Err)
		case out.Offset < 0:
			a.p.policy = ResetLatest
		default:
			c.mu.subscription.located(a.p, position{offset: out.Offset, epoch: out.LeaderEpoch})
		}
	}
	c.mu.arrived.Signal()
	return true
}

func (f *fetcher) epochsRequest() *protocol.OffsetsForLeaderEpochRequest {
	r := &protocol.OffsetsForLeaderEpochRequest{ReplicaID: protocol.ConsumerReplicaID,
		Partitions: make([]protocol.OffsetsForLeaderEpochPartition, len(f.asks))}
	for i := range f.asks {
		a := &f.asks[i]
		r.Partitions[i] = protocol.OffsetsForLeaderEpochPartition{TopicPartition: a.p.TopicPartition,
			CurrentLeaderEpoch: a.epoch, LeaderEpoch: a.from.epoch}
	}
	return r
}

// validated takes the answer to epochsRequest. Poll is told of a truncation behind
// the records that were fetched before it.
func (f *fetcher) validated(body protocol.Body) bool {
	resp, ok := body.(*protocol.OffsetsForLeaderEpochResponse)
	if !ok || len(resp.Partitions) != len(f.asks) {
		return false
	}
	c := f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range resp.Partitions {
		a, out := &f.asks[i], &resp.Partitions[i]
		switch {
		case !a.current():
		case out.Err != protocol.ErrNone:
			c.refusedLocked(a, out.Err)
		case !c.mu.subscription.validated(a.p, out.EpochEndOffset):
			c.findLocked(a, &TruncatedError{TopicPartition: a.p.TopicPartition, Offset: a.from.offset,
				LeaderEpoch: a.from.epoch, End: out.EpochEndOffset})
		}
	}
	return true
}

// fetchRequest asks for records.
func (f *fetcher) fetchRequest() *protocol.FetchRequest {
	cfg := &f.c.cfg
	f.fetches++
	for i := range f.asks {
		a := &f.asks[i]
		f.session.Set(protocol.FetchPartition{
			TopicPartition: a.p.TopicPartition, CurrentLeaderEpoch: a.epoch,
			FetchOffset: a.from.offset, MaxBytes: int32(cfg.MaxPartitionFetchBytes), LastFetchedEpoch: unknown,
		}, askOf{f.fetches, i})
	}
	if f.session.Len() > len(f.asks) {
		f.session.ForgetUnless(func(of askOf) bool { return of.fetch == f.fetches })
	}
	r := &protocol.FetchRequest{
		ReplicaID: protocol.ConsumerReplicaID, MaxWait: cfg.FetchMaxWait, MinBytes: int32(cfg.FetchMinBytes),
		MaxBytes: int32(cfg.FetchMaxBytes),
	}
	f.session.Fill(r)
	return r
}

// askFor finds the ask of a partition in the answer to fetchRequest.
func (f *fetcher) askFor(tp protocol.TopicPartition) *ask {
	of, _ := f.session.Get(tp)
	return &f.asks[of.index]
}

// fetched takes the answer to fetchRequest. If the broker has lost the session the
// next request begins another.
func (f *fetcher) fetched(body protocol.Body) bool {
	resp, ok := body.(*protocol.FetchResponse)
	if !ok || !f.session.Answered(resp) {
		return ok && resp.Err != protocol.ErrNone
	}
	got := newFetched(f, resp)
	resp.Release()
	c := f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range resp.Partitions {
		out := &resp.Partitions[i]
		if out.Err == protocol.ErrNone {
			continue
		}
		a := f.askFor(out.TopicPartition)
		switch {
		case !a.current():
		case out.Err == protocol.ErrOffsetOutOfRange:
			a.p.phase = phaseHeld
			c.toldLocked(out.Err)
			c.findLocked(a, &OutOfRangeError{TopicPartition: a.p.TopicPartition, Offset: a.from.offset,
				LogStart: out.LogStartOffset, HighWatermark: out.HighWatermark})
		default:
			c.refusedLocked(a, out.Err)
		}
	}
	if n := len(f.partitions); n > 0 {
		f.first = (f.first + 1) % n
	}
	if len(got.parts) > 0 {
		f.next = got
	}
	return true
}

// deliverLocked gives the response to Poll, and fetches on behind it. What has a
// new position or another leader since is left out.
func (f *fetcher) deliverLocked() {
	c := f.c
	got := f.next
	f.next = nil
	kept := got.parts[:0]
	for i := range got.parts {
		part := &got.parts[i]
		switch {
		case !part.ask.current():
			part.records.Release()
			continue
		case part.err != nil:
			part.ask.p.phase = phaseHeld
		default:
			c.mu.subscription.fetched(part.ask.p, part.next)
		}
		kept = append(kept, *part)
	}
	if got.parts = kept; len(kept) == 0 {
		return
	}
	f.full = true
	c.mu.ready = append(c.mu.ready, got)
	c.mu.arrived.Signal()
}
