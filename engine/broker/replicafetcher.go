package broker

import (
	"errors"
	"fmt"

	"brokerlab/engine/client"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// replicaFetcher copies the partitions that one other broker leads
// (ReplicaFetcherThread). A fetch asks from this replica's log end, which tells
// the leader how far the replica is.
type replicaFetcher struct {
	b          *Broker
	leaderID   int32
	addr       string
	partitions []*partition

	mu struct {
		env.Mutex
		conn    *client.Conn // nil while not connected
		stopped bool
	}
}

// startFetchers starts one fetcher for each broker that leads a partition of
// which this one is a follower.
func (b *Broker) startFetchers() {
	for _, leader := range b.cfg.Plan.Brokers {
		f := &replicaFetcher{b: b, leaderID: leader.ID, addr: leader.Addr}
		f.mu.Mutex = b.node.NewMutex()
		for _, p := range b.partitions {
			if !p.leader && p.Leader == leader.ID {
				f.partitions = append(f.partitions, p)
			}
		}
		if len(f.partitions) > 0 {
			b.fetchers = append(b.fetchers, f)
			b.tasks.Go(fmt.Sprintf("replica-fetcher-%d", leader.ID), f.loop)
		}
	}
}

func (f *replicaFetcher) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.stopped = true
	if f.mu.conn != nil {
		f.mu.conn.Close()
	}
}

func (f *replicaFetcher) loop() error {
	for len(f.partitions) > 0 {
		conn, err := f.connect()
		backoff := f.b.cfg.ReconnectBackoff
		if err == nil {
			err = f.follow(conn)
			f.disconnect(conn)
			if !errors.Is(err, env.ErrReset) {
				backoff = f.b.cfg.ReplicaFetchBackoff
			}
		}
		if !f.b.pause(backoff) {
			return nil
		}
	}
	return nil // every log that it fetched for has failed
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

// follow fetches until the connection ends or the leader refuses.
func (f *replicaFetcher) follow(conn *client.Conn) error {
	for {
		body, err := conn.Call(f.request(), f.b.cfg.ReplicaSocketTimeout)
		if err != nil {
			return err
		}
		resp, ok := body.(*protocol.FetchResponse)
		if !ok || len(resp.Partitions) != len(f.partitions) {
			body.Release()
			return fmt.Errorf("broker %s answered fetch with %T", f.addr, body)
		}
		err = f.apply(conn, resp)
		resp.Release()
		if err != nil {
			return err
		}
	}
}

func (f *replicaFetcher) request() *protocol.FetchRequest {
	cfg := &f.b.cfg
	r := &protocol.FetchRequest{
		ReplicaID: cfg.ID, MaxWait: cfg.ReplicaFetchWaitMax, MinBytes: cfg.ReplicaFetchMinBytes,
		MaxBytes:   cfg.ReplicaFetchResponse,
		Partitions: make([]protocol.FetchPartition, len(f.partitions)),
	}
	for i, p := range f.partitions {
		r.Partitions[i] = protocol.FetchPartition{
			TopicPartition: p.TopicPartition, CurrentLeaderEpoch: p.LeaderEpoch,
			FetchOffset: p.log.EndOffset(), MaxBytes: cfg.ReplicaFetchMaxBytes,
		}
	}
	return r
}

// apply appends what was fetched. One partition's error does not hold up the
// others; the last one is returned, so that the fetcher backs off. A partition
// whose log has failed is fetched no more (AbstractFetcherThread.markPartitionFailed).
func (f *replicaFetcher) apply(conn *client.Conn, resp *protocol.FetchResponse) error {
	var failed error
	var kept []*partition
	for i := range resp.Partitions {
		out, p := &resp.Partitions[i], f.partitions[i]
		err := f.applyPartition(conn, p, out)
		switch {
		case errors.Is(err, commitlog.ErrFailed):
			f.b.logFailed(err)
			continue
		case err != nil:
			failed = err
		}
		kept = append(kept, p)
	}
	if f.partitions = kept; len(kept) == 0 {
		return env.ErrClosed
	}
	return failed
}

// truncate brings the replica's log end back into the leader's log, as
// AbstractFetcherThread.fetchOffsetAndTruncate does: cuts it to the leader's log
// end if that lies before its own, or deletes all and starts where the leader's
// log does now. Without elections a leader that is behind has lost what it had not
// flushed: its log decides, as in an unclean election. Its high watermark would
// not do: it may have restarted and not heard of its followers yet.
func (f *replicaFetcher) truncate(conn *client.Conn, p *partition) error {
	end, err := f.leaderOffset(conn, p, protocol.LatestOffset)
	if err != nil {
		return err
	}
	if end < p.log.EndOffset() && end >= p.log.StartOffset() {
		return p.log.Truncate(end)
	}
	start, err := f.leaderOffset(conn, p, protocol.EarliestOffset)
	if err != nil || start <= p.log.EndOffset() && end >= p.log.EndOffset() {
		return err
	}
	return p.log.TruncateFullyAndStartAt(start)
}

// leaderOffset asks for the leader's first or last offset.
func (f *replicaFetcher) leaderOffset(conn *client.Conn, p *partition, which int64) (int64, error) {
	body, err := conn.Call(&protocol.ListOffsetsRequest{ReplicaID: f.b.cfg.ID, Partitions: []protocol.ListOffsetsPartition{
		{TopicPartition: p.TopicPartition, Timestamp: which}}}, f.b.cfg.ReplicaSocketTimeout)
	if err != nil {
		return 0, err
	}
	resp, ok := body.(*protocol.ListOffsetsResponse)
	if !ok || len(resp.Partitions) != 1 {
		body.Release()
		return 0, fmt.Errorf("broker %s answered list offsets with %T", f.addr, body)
	}
	if code := resp.Partitions[0].Err; code != protocol.ErrNone {
		return 0, code
	}
	return resp.Partitions[0].Offset, nil
}

func (f *replicaFetcher) applyPartition(conn *client.Conn, p *partition, out *protocol.FetchPartitionResult) error {
	if out.Err == protocol.ErrOffsetOutOfRange {
		if err := f.truncate(conn, p); err != nil {
			return fmt.Errorf("truncate %s-%d to broker %d: %w", p.Topic, p.Partition.Partition, f.leaderID, err)
		}
		return nil
	}
	if out.Err != protocol.ErrNone {
		return fmt.Errorf("fetch %s-%d from broker %d: %w", p.Topic, p.Partition.Partition, f.leaderID, out.Err)
	}
	if out.Records.Len() > 0 {
		records := out.Records
		out.Records = env.Buf{} // the log takes it over
		if _, err := p.log.AppendAsFollower(records); err != nil {
			return fmt.Errorf("follow %s-%d of broker %d: %w", p.Topic, p.Partition.Partition, f.leaderID, err)
		}
	}
	p.followed(out.HighWatermark)
	return nil
}
