package broker

import (
	"errors"
	"fmt"

	"brokerlab/engine/client"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/replica"
)

// replicaFetcher copies partitions that one other broker leads
// (ReplicaFetcherThread). A fetch asks from this replica's log end and names the
// epoch of the record before, which tells the leader how far the replica is, and
// whether its log is the leader's up to there.
type replicaFetcher struct {
	b        *Broker
	leaderID int32
	addr     string
	due      []*following // of the request under way; the task's own

	mu struct {
		env.Mutex
		changed   env.Cond     // signalled when following is, and at the end
		following []*following // in the order in which they were added
		conn      *client.Conn // nil while not connected
		stopped   bool
	}
}

// following is one partition in one leader epoch.
type following struct {
	p     *partition
	epoch int32
	// retryAt delays the partition after an error, and not the others
	// (AbstractFetcherThread.delayPartitions).
	retryAt env.Time
}

// startFetchers starts num.replica.fetchers for each other broker.
func (b *Broker) startFetchers() {
	for _, leader := range b.cfg.Plan.Brokers {
		for k := range b.cfg.ReplicaFetchers {
			f := &replicaFetcher{b: b, leaderID: leader.ID, addr: leader.Addr}
			f.mu.Mutex = b.node.NewMutex()
			f.mu.changed = b.node.NewCond(f.mu.Mutex)
			b.fetchers = append(b.fetchers, f)
			if leader.ID != b.cfg.ID {
				b.tasks.Go(fmt.Sprintf("replica-fetcher-%d-%d", k, leader.ID), f.loop)
			}
		}
	}
}

// fetcherOf is the index of the fetcher of a partition that a broker leads
// (AbstractFetcherManager.getFetcherId).
func (b *Broker) fetcherOf(leader int32, tp protocol.TopicPartition) (index int) {
	var hash int32 // Java's String.hashCode
	for _, c := range []byte(tp.Topic) {
		hash = 31*hash + int32(c)
	}
	k := int((31*hash+tp.Partition)&0x7fffffff) % b.cfg.ReplicaFetchers
	for i, broker := range b.cfg.Plan.Brokers {
		if broker.ID == leader {
			return i*b.cfg.ReplicaFetchers + k
		}
	}
	panic(fmt.Sprintf("broker: leader %d of %s-%d is not in the plan", leader, tp.Topic, tp.Partition))
}

// follow adds partitions.
func (f *replicaFetcher) follow(list []*following) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.following = append(f.mu.following, list...)
	f.mu.changed.Signal()
}

// unfollow removes a partition, if it is there. A fetcher that has none left does
// not wait for an answer any more: the leader may be dead.
func (f *replicaFetcher) unfollow(p *partition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, have := range f.mu.following {
		if have.p != p {
			continue
		}
		f.mu.following = append(f.mu.following[:i:i], f.mu.following[i+1:]...)
		if len(f.mu.following) == 0 && f.mu.conn != nil {
			f.mu.conn.Close()
		}
		return
	}
}

func (f *replicaFetcher) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.stopped = true
	f.mu.changed.Broadcast()
	if f.mu.conn != nil {
		f.mu.conn.Close()
	}
}

// await waits until there are partitions to fetch. It reports whether the broker
// is still open.
func (f *replicaFetcher) await() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.mu.stopped {
		now, next := f.b.node.Now(), env.Never
		f.due = f.due[:0]
		for _, fl := range f.mu.following {
			if fl.retryAt <= now {
				f.due = append(f.due, fl)
			} else {
				next = min(next, fl.retryAt)
			}
		}
		if len(f.due) > 0 {
			return true
		}
		f.mu.changed.WaitUntil(next)
	}
	return false
}

func (f *replicaFetcher) loop() error {
	for f.await() {
		conn, err := f.connect()
		backoff := f.b.cfg.ReconnectBackoff
		if err == nil {
			err = f.fetchAll(conn)
			f.disconnect(conn)
			if !errors.Is(err, env.ErrReset) && !errors.Is(err, env.ErrClosed) {
				backoff = f.b.cfg.ReplicaFetchBackoff
			}
		}
		if !f.b.pause(backoff) {
			return nil
		}
	}
	return nil
}

func (f *replicaFetcher) connect() (*client.Conn, error) {
	clientID := fmt.Sprintf("broker-%d-fetcher-0", f.b.cfg.ID)
	conn, err := client.Dial(f.b.node, f.addr, clientID, f.b.cfg.ReplicaSocketTimeout)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.stopped {
		conn.Close()
		return nil, env.ErrClosed
	}
	f.mu.conn = conn
	return conn, nil
}

func (f *replicaFetcher) disconnect(conn *client.Conn) {
	f.mu.Lock()
	f.mu.conn = nil
	f.mu.Unlock()
	conn.Close()
}

// fetchAll fetches until the connection ends.
func (f *replicaFetcher) fetchAll(conn *client.Conn) error {
	for f.await() {
		body, err := conn.Call(f.request(), f.b.cfg.ReplicaSocketTimeout)
		if err != nil {
			return err
		}
		resp, ok := body.(*protocol.FetchResponse)
		if !ok || len(resp.Partitions) != len(f.due) {
			body.Release()
			return fmt.Errorf("broker %s answered fetch with %T", f.addr, body)
		}
		err = f.apply(conn, resp)
		resp.Release()
		if err != nil {
			return err
		}
	}
	return env.ErrClosed
}

func (f *replicaFetcher) request() *protocol.FetchRequest {
	cfg := &f.b.cfg
	r := &protocol.FetchRequest{
		ReplicaID: cfg.ID, MaxWait: cfg.ReplicaFetchWaitMax, MinBytes: cfg.ReplicaFetchMinBytes,
		MaxBytes:   cfg.ReplicaFetchResponse,
		Partitions: make([]protocol.FetchPartition, len(f.due)),
	}
	for i, fl := range f.due {
		last, ok := fl.p.log.LatestEpoch()
		if !ok {
			last = -1
		}
		r.Partitions[i] = protocol.FetchPartition{
			TopicPartition: fl.p.TopicPartition, CurrentLeaderEpoch: fl.epoch,
			FetchOffset: fl.p.log.EndOffset(), MaxBytes: cfg.ReplicaFetchMaxBytes, LastFetchedEpoch: last,
		}
	}
	return r
}

// apply appends what was fetched. One partition's error does not hold up the
// others: it is fetched again after replica.fetch.backoff.ms. One whose log has
// failed is fetched no more (AbstractFetcherThread.markPartitionFailed).
func (f *replicaFetcher) apply(conn *client.Conn, resp *protocol.FetchResponse) error {
	for i := range resp.Partitions {
		fl := f.due[i]
		if !fl.p.beginFollowerAppend(fl.epoch) {
			continue // its role has ended while the fetch was under way
		}
		err := f.applyPartition(conn, fl.p, &resp.Partitions[i])
		fl.p.endFollowerAppend()
		switch {
		case errors.Is(err, commitlog.ErrFailed):
			f.b.logFailed(err)
			f.unfollow(fl.p)
		case err != nil:
			fl.retryAt = f.b.node.Now().Add(f.b.cfg.ReplicaFetchBackoff)
		}
		if errors.Is(err, errConnection) {
			return err
		}
	}
	return nil
}

func (f *replicaFetcher) applyPartition(conn *client.Conn, p *partition, out *protocol.FetchPartitionResult) error {
	switch {
	case out.Err == protocol.ErrOffsetOutOfRange:
		return f.truncateToEnd(conn, p)
	case out.Err != protocol.ErrNone:
		return fmt.Errorf("fetch %s-%d from broker %d: %w", p.Topic, p.Partition, f.leaderID, out.Err)
	case out.Diverges:
		return f.truncate(p, out.Diverging)
	}
	if out.Records.Len() > 0 {
		records := out.Records
		out.Records = env.Buf{} // the log takes it over
		if _, err := p.log.AppendAsFollower(records); err != nil {
			return fmt.Errorf("follow %s-%d of broker %d: %w", p.Topic, p.Partition, f.leaderID, err)
		}
	}
	p.followed(out.HighWatermark)
	return nil
}

// truncate cuts the replica to where the leader's log and its own part.
func (f *replicaFetcher) truncate(p *partition, leader protocol.EpochEndOffset) error {
	own := p.log.EndOffsetFor(leader.LeaderEpoch)
	to := replica.Divergence{
		Leader: replica.EpochEnd{Epoch: leader.LeaderEpoch, Offset: leader.EndOffset},
		Own:    replica.EpochEnd{Epoch: own.Epoch, Offset: own.EndOffset},
		OwnEnd: p.log.EndOffset(), HighWatermark: p.highWatermark(),
	}.TruncateTo()
	return f.cut(p, to)
}

func (f *replicaFetcher) cut(p *partition, to int64) error {
	if err := p.log.Truncate(to); err != nil {
		return fmt.Errorf("truncate %s-%d to offset %d of broker %d: %w", p.Topic, p.Partition, to, f.leaderID, err)
	}
	p.followed(p.highWatermark()) // no higher than the log
	return nil
}

// errConnection says that a request besides the fetches got no answer.
var errConnection = errors.New("connection to the leader ended")

// truncateToEnd brings the log end of a replica whose epochs do not say where it
// parts from the leader's back into the leader's log: cuts it to the leader's log
// end if that lies before its own, or deletes all and starts where the leader's
// log does now (AbstractFetcherThread.fetchOffsetAndTruncate).
func (f *replicaFetcher) truncateToEnd(conn *client.Conn, p *partition) error {
	end, err := f.leaderOffset(conn, p, protocol.LatestOffset)
	if err != nil {
		return err
	}
	if end < p.log.EndOffset() && end >= p.log.StartOffset() {
		return f.cut(p, end)
	}
	start, err := f.leaderOffset(conn, p, protocol.EarliestOffset)
	if err != nil || start <= p.log.EndOffset() && end >= p.log.EndOffset() {
		return err
	}
	if err := p.log.TruncateFullyAndStartAt(start); err != nil {
		return fmt.Errorf("start %s-%d anew at offset %d of broker %d: %w", p.Topic, p.Partition, start, f.leaderID, err)
	}
	p.followed(start)
	return nil
}

// leaderOffset asks for the leader's first or last offset.
func (f *replicaFetcher) leaderOffset(conn *client.Conn, p *partition, which int64) (int64, error) {
	body, err := conn.Call(&protocol.ListOffsetsRequest{ReplicaID: f.b.cfg.ID, Partitions: []protocol.ListOffsetsPartition{
		{TopicPartition: p.TopicPartition, Timestamp: which}}}, f.b.cfg.ReplicaSocketTimeout)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errConnection, err)
	}
	resp, ok := body.(*protocol.ListOffsetsResponse)
	if !ok || len(resp.Partitions) != 1 {
		body.Release()
		return 0, fmt.Errorf("%w: broker %s answered list offsets with %T", errConnection, f.addr, body)
	}
	if code := resp.Partitions[0].Err; code != protocol.ErrNone {
		return 0, fmt.Errorf("offsets of %s-%d at broker %d: %w", p.Topic, p.Partition, f.leaderID, code)
	}
	return resp.Partitions[0].Offset, nil
}
