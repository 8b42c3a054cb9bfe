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
	for {
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
		err = f.apply(resp)
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
// others; the last one is returned, so that the fetcher backs off.
func (f *replicaFetcher) apply(resp *protocol.FetchResponse) error {
	var failed error
	for i := range resp.Partitions {
		out, p := &resp.Partitions[i], f.partitions[i]
		if err := f.applyPartition(p, out); err != nil {
			failed = err
		}
	}
	return failed
}

func (f *replicaFetcher) applyPartition(p *partition, out *protocol.FetchPartitionResult) error {
	if out.Err == protocol.ErrOffsetOutOfRange {
		// Without elections a leader that is behind has lost what it had not
		// flushed: its log decides, as in an unclean election.
		return p.log.Truncate(min(out.HighWatermark, p.log.EndOffset()))
	}
	if out.Err != protocol.ErrNone {
		return fmt.Errorf("fetch %s-%d from broker %d: %w", p.Topic, p.Partition.Partition, f.leaderID, out.Err)
	}
	if out.Records.Len() > 0 {
		records := out.Records
		out.Records = env.Buf{} // the log takes it over
		if _, err := p.log.AppendAsFollower(records); err != nil {
			if errors.Is(err, commitlog.ErrFailed) {
				f.b.logFailed(err)
			}
			return fmt.Errorf("follow %s-%d of broker %d: %w", p.Topic, p.Partition.Partition, f.leaderID, err)
		}
	}
	p.followed(out.HighWatermark)
	return nil
}
