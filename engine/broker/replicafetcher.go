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
	// The task's own: what is fetched, and what is not for a while after an error
	// (AbstractFetcherThread.delayPartitions).
	session client.FetchSession[*following]
	delayed []*following
	added   []*following
	removed []*following

	mu struct {
		env.Mutex
		changed   env.Cond // signalled when added or removed is, and at the end
		following map[*partition]*following
		added     []*following // and the task has not seen it
		removed   []*following
		conn      *client.Conn // nil while not connected
		stopped   bool
	}
}

// following is one partition in one leader epoch.
type following struct {
	p     *partition
	epoch int32
	// The fetcher task's own.
	retryAt env.Time // of one that is delayed
	ended   bool
}

// startFetchers starts num.replica.fetchers for each other broker.
func (b *Broker) startFetchers() {
	for _, leader := range b.cfg.Plan.Brokers {
		for k := range b.cfg.ReplicaFetchers {
			f := &replicaFetcher{b: b, leaderID: leader.ID, addr: leader.Addr}
			f.mu.Mutex = b.node.NewMutex()
			f.mu.changed = b.node.NewCond(f.mu.Mutex)
			f.mu.following = make(map[*partition]*following)
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
	for _, fl := range list {
		f.mu.following[fl.p] = fl
	}
	f.mu.added = append(f.mu.added, list...)
	f.mu.changed.Signal()
}

// unfollow removes a partition, if it is there. A fetcher that has none left does
// not wait for an answer any more: the leader may be dead.
func (f *replicaFetcher) unfollow(p *partition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.mu.following[p]
	if fl == nil {
		return
	}
	delete(f.mu.following, p)
	f.mu.removed = append(f.mu.removed, fl)
	if len(f.mu.following) == 0 && f.mu.conn != nil {
		f.mu.conn.Close()
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
	for f.take() {
		for _, fl := range f.removed {
			fl.ended = true
			if have, ok := f.session.Get(fl.p.TopicPartition); ok && have == fl {
				f.session.Forget(fl.p.TopicPartition)
			}
		}
		for _, fl := range f.added {
			f.set(fl)
		}
		next := f.retry()
		if f.session.Len() > 0 {
			return true
		}
		f.idle(next)
	}
	return false
}

// take learns what has changed. It reports whether the broker is still open.
func (f *replicaFetcher) take() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.added, f.mu.added = f.mu.added, f.added[:0]
	f.removed, f.mu.removed = f.mu.removed, f.removed[:0]
	return !f.mu.stopped
}

// set fetches a partition from its log end on.
func (f *replicaFetcher) set(fl *following) {
	if fl.ended {
		return
	}
	last, ok := fl.p.log.LatestEpoch()
	if !ok {
		last = -1
	}
	f.session.Set(protocol.FetchPartition{
		TopicPartition: fl.p.TopicPartition, CurrentLeaderEpoch: fl.epoch, FetchOffset: fl.p.log.EndOffset(),
		MaxBytes: f.b.cfg.ReplicaFetchMaxBytes, LastFetchedEpoch: last,
	}, fl)
}

// delay does not fetch a partition for replica.fetch.backoff.ms.
func (f *replicaFetcher) delay(fl *following) {
	fl.retryAt = f.b.node.Now().Add(f.b.cfg.ReplicaFetchBackoff)
	f.session.Forget(fl.p.TopicPartition)
	f.delayed = append(f.delayed, fl)
}

// retry fetches partitions again whose delay is over, and returns when the next
// one's is.
func (f *replicaFetcher) retry() (next env.Time) {
	now, next := f.b.node.Now(), env.Never
	kept := f.delayed[:0]
	for _, fl := range f.delayed {
		switch {
		case fl.ended:
		case fl.retryAt <= now:
			f.set(fl)
		default:
			next = min(next, fl.retryAt)
			kept = append(kept, fl)
		}
	}
	clear(f.delayed[len(kept):])
	f.delayed = kept
	return next
}

// idle waits for changes until a deadline.
func (f *replicaFetcher) idle(deadline env.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.mu.stopped && len(f.mu.added) == 0 && len(f.mu.removed) == 0 && f.mu.changed.WaitUntil(deadline) {
	}
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
	f.mu.Lock()
	if f.mu.stopped {
		f.mu.Unlock()
		return nil, env.ErrClosed
	}
	conn := client.Open(f.b.node, f.addr, clientID, f.b.cfg.ReplicaSocketTimeout)
	f.mu.conn = conn
	f.mu.Unlock()
	err := conn.Await()
	if err != nil {
		f.disconnect(conn)
	}
	return conn, err
}

func (f *replicaFetcher) disconnect(conn *client.Conn) {
	f.mu.Lock()
	f.mu.conn = nil
	f.mu.Unlock()
	conn.Close()
}

// fetchAll fetches until the connection ends.
func (f *replicaFetcher) fetchAll(conn *client.Conn) error {
	f.session.Reset()
	for f.await() {
		body, err := conn.Call(f.request(), f.b.cfg.ReplicaSocketTimeout)
		if err != nil {
			return err
		}
		resp, ok := body.(*protocol.FetchResponse)
		if !ok {
			body.Release()
			return fmt.Errorf("broker %s answered fetch with %T", f.addr, body)
		}
		if f.session.Answered(resp) {
			err = f.apply(conn, resp)
		}
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
		MaxBytes: cfg.ReplicaFetchResponse,
	}
	f.session.Fill(r)
	return r
}

// apply appends what was fetched. One partition's error does not hold up the
// others: it is fetched again after replica.fetch.backoff.ms. One whose log has
// failed is fetched no more (AbstractFetcherThread.markPartitionFailed).
func (f *replicaFetcher) apply(conn *client.Conn, resp *protocol.FetchResponse) error {
	for i := range resp.Partitions {
		fl, _ := f.session.Get(resp.Partitions[i].TopicPartition)
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
			f.delay(fl)
		default:
			f.set(fl)
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
