// Package broker is one broker: it keeps the logs of the partitions that it
// hosts, answers produce, fetch, metadata and offset requests of its clients,
// follows the leaders of the partitions that it does not lead, and flushes logs
// by time. It elects no leaders, changes no in-sync set and keeps no offsets of
// consumer groups.
//
//	connection task:  Recv -> handle -> Send, one request at a time
//	                  produce: append to the leader's log; acks=all waits for
//	                           the high watermark
//	                  fetch:   read below the high watermark (a follower: to the
//	                           log end); waits for fetch.min.bytes
//	replica fetcher:  one task per leader that this broker follows
//	log schedulers:   one task each: flushes by time, recovery points, retention
//
// Lock order: Broker.mu, partition.mu, fetchWait.mu. A log's own lock is taken
// with none of these held.
package broker

import (
	"errors"
	"fmt"
	"time"

	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/replica"
	"brokerlab/engine/task"
)

// TopicLog says how the partitions of one topic are stored.
type TopicLog struct {
	Topic string
	Log   commitlog.Config
}

// Config is what a broker is started with. Times and sizes of 0 are not
// defaults: start from DefaultConfig.
type Config struct {
	ID      int32
	Plan    *cluster.Plan
	LogDirs []string // log.dirs: paths on the node's file system
	Topics  []TopicLog

	ReplicaFetchMaxBytes int32         // replica.fetch.max.bytes, per partition
	ReplicaFetchResponse int32         // replica.fetch.response.max.bytes
	ReplicaFetchMinBytes int32         // replica.fetch.min.bytes
	ReplicaFetchWaitMax  time.Duration // replica.fetch.wait.max.ms
	ReplicaFetchBackoff  time.Duration // replica.fetch.backoff.ms
	ReplicaSocketTimeout time.Duration // replica.socket.timeout.ms
	ReconnectBackoff     time.Duration // reconnect.backoff.ms
	// FlushScheduler is log.flush.scheduler.interval.ms; 0 means never.
	FlushScheduler time.Duration
	// OffsetCheckpoint is log.flush.offset.checkpoint.interval.ms: how often the
	// recovery points of the logs are written.
	OffsetCheckpoint time.Duration
	// RetentionCheck is log.retention.check.interval.ms: how often old segments are
	// looked for. The first time comes after one interval (Kafka: after 30 s).
	RetentionCheck time.Duration
}

// DefaultConfig returns Kafka's defaults for a broker.
func DefaultConfig() Config {
	return Config{
		ReplicaFetchMaxBytes: 1 << 20, ReplicaFetchResponse: 10 << 20, ReplicaFetchMinBytes: 1,
		ReplicaFetchWaitMax: 500 * time.Millisecond, ReplicaFetchBackoff: time.Second,
		ReplicaSocketTimeout: 30 * time.Second, ReconnectBackoff: 50 * time.Millisecond,
		OffsetCheckpoint: time.Minute, RetentionCheck: 5 * time.Minute,
	}
}

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	switch {
	case c.Plan == nil:
		return errors.New("broker: no cluster plan")
	case c.ReplicaFetchMaxBytes < 1 || c.ReplicaFetchResponse < 1 || c.ReplicaFetchMinBytes < 0:
		return fmt.Errorf("broker %d: replica fetch sizes must be positive", c.ID)
	case c.ReplicaFetchWaitMax < 0 || c.ReplicaSocketTimeout <= c.ReplicaFetchWaitMax:
		return fmt.Errorf("broker %d: replica.socket.timeout.ms must be above replica.fetch.wait.max.ms", c.ID)
	case c.ReconnectBackoff <= 0 || c.ReplicaFetchBackoff <= 0:
		return fmt.Errorf("broker %d: backoffs must be positive", c.ID)
	case len(c.LogDirs) == 0:
		return fmt.Errorf("broker %d: no log directory", c.ID)
	case c.OffsetCheckpoint <= 0 || c.RetentionCheck <= 0:
		return fmt.Errorf("broker %d: intervals of log checkpoints and retention checks must be positive", c.ID)
	case c.FlushScheduler < 0:
		return fmt.Errorf("broker %d: log.flush.scheduler.interval.ms is negative", c.ID)
	}
	if _, ok := c.Plan.Addr(c.ID); !ok {
		return fmt.Errorf("broker %d is not in the cluster plan", c.ID)
	}
	return nil
}

// Broker is a running broker.
type Broker struct {
	node       env.Node
	cfg        Config
	dirs       *commitlog.LogDirs
	partitions []*partition // sorted as the plan sorts them
	byName     map[protocol.TopicPartition]*partition
	listener   env.Listener
	tasks      *task.Group
	fetchers   []*replicaFetcher

	mu struct {
		env.Mutex
		stopped env.Cond // broadcast when closing is set
		closing bool
		conns   []env.Conn // accepted and not yet ended
		failure error      // the first log that failed
	}
}

// partition is one replica of a partition on this broker.
type partition struct {
	cluster.Partition
	log    *commitlog.Log
	leader bool

	mu struct {
		env.Mutex
		progress *replica.Progress // of the leader; nil on a follower
		hwRose   env.Cond          // broadcast when the high watermark rises, and at the end
		hw       int64             // of a follower
		closing  bool
		onAppend []*fetchWait // followers that wait for more log
		onHW     []*fetchWait // consumers that wait for a higher high watermark
	}
}

// Start opens the logs that the plan gives to this broker, recovers them, and
// listens on its address. It returns when requests are answered.
func Start(node env.Node, cfg Config) (*Broker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Broker{node: node, cfg: cfg, tasks: task.NewGroup(node),
		byName: make(map[protocol.TopicPartition]*partition)}
	b.mu.Mutex = node.NewMutex()
	b.mu.stopped = node.NewCond(b.mu.Mutex)
	var err error
	if b.dirs, err = commitlog.OpenLogDirs(node, cfg.LogDirs); err != nil {
		return nil, fmt.Errorf("broker %d: %w", cfg.ID, err)
	}
	for _, p := range cfg.Plan.Hosted(cfg.ID) {
		if err := b.openPartition(p); err != nil {
			return nil, errors.Join(err, b.endLogs((*commitlog.LogDirs).Close))
		}
	}
	addr, _ := cfg.Plan.Addr(cfg.ID)
	listener, err := node.Net().Listen(addr)
	if err != nil {
		err = fmt.Errorf("broker %d: listen on %s: %w", cfg.ID, addr, err)
		return nil, errors.Join(err, b.endLogs((*commitlog.LogDirs).Close))
	}
	b.listener = listener
	b.tasks.Go("acceptor", b.acceptLoop)
	b.startFetchers()
	if cfg.FlushScheduler > 0 {
		b.tasks.Go("flush-scheduler", func() error { return b.every(cfg.FlushScheduler, b.flushDue) })
	}
	b.tasks.Go("offset-checkpoint", func() error { return b.every(cfg.OffsetCheckpoint, b.checkpoint) })
	b.tasks.Go("log-retention", func() error { return b.every(cfg.RetentionCheck, b.deleteOldSegments) })
	return b, nil
}

func (b *Broker) openPartition(state cluster.Partition) error {
	var logCfg commitlog.Config
	found := false
	for _, t := range b.cfg.Topics {
		if t.Topic == state.Topic {
			logCfg, found = t.Log, true
		}
	}
	if !found {
		return fmt.Errorf("broker %d: no log settings for topic %q", b.cfg.ID, state.Topic)
	}
	log, err := b.dirs.Open(state.Topic, state.Partition, logCfg)
	if err != nil {
		return fmt.Errorf("broker %d: %w", b.cfg.ID, err)
	}
	p := &partition{Partition: state, log: log, leader: state.Leader == b.cfg.ID}
	if p.leader {
		if err := log.BeginEpoch(state.LeaderEpoch); err != nil {
			return fmt.Errorf("broker %d: %w", b.cfg.ID, err)
		}
	}
	p.mu.Mutex = b.node.NewMutex()
	p.mu.hwRose = b.node.NewCond(p.mu.Mutex)
	if p.leader {
		p.mu.progress = replica.NewProgress(b.cfg.ID, state.Replicas, state.ISR, log.EndOffset())
	}
	b.partitions = append(b.partitions, p)
	b.byName[state.TopicPartition] = p
	return nil
}

// Close stops answering, ends the broker's tasks and closes its logs. Requests
// that wait for the high watermark or for more log get their connection closed.
func (b *Broker) Close() error { return b.end((*commitlog.LogDirs).Close) }

// Discard ends the broker as Close does, but deletes its logs instead of closing
// them, which would force them to disk.
func (b *Broker) Discard() error { return b.end((*commitlog.LogDirs).Remove) }

// end ends the tasks and then does the last thing to the logs.
func (b *Broker) end(last func(*commitlog.LogDirs) error) error {
	b.mu.Lock()
	if b.mu.closing {
		b.mu.Unlock()
		return nil
	}
	b.mu.closing = true
	b.mu.stopped.Broadcast()
	conns := b.mu.conns
	b.mu.conns = nil
	b.mu.Unlock()
	err := b.listener.Close()
	for _, c := range conns {
		_ = c.Close() // the connection's task reports nothing either: it ends
	}
	for _, f := range b.fetchers {
		f.stop()
	}
	for _, p := range b.partitions {
		p.stop()
	}
	return errors.Join(err, b.tasks.Wait(), b.endLogs(last))
}

func (b *Broker) endLogs(last func(*commitlog.LogDirs) error) error {
	if err := last(b.dirs); err != nil {
		return fmt.Errorf("broker %d: %w", b.cfg.ID, err)
	}
	return nil
}

// Err returns the error of the first log that failed: a disk that is full or
// broken. The broker goes on with its other partitions.
func (b *Broker) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.failure
}

func (b *Broker) logFailed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.failure == nil {
		b.mu.failure = fmt.Errorf("broker %d: %w", b.cfg.ID, err)
	}
}

// pause waits for d and reports whether the broker is still open.
func (b *Broker) pause(d time.Duration) bool { return b.pauseUntil(b.node.Now().Add(d)) }

func (b *Broker) pauseUntil(deadline env.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.mu.closing && b.node.Now() < deadline {
		b.mu.stopped.WaitUntil(deadline)
	}
	return !b.mu.closing
}

// every does something to the logs at a fixed rate, also when a round takes long,
// until the broker ends: Kafka's KafkaScheduler.
func (b *Broker) every(interval time.Duration, do func()) error {
	due := b.node.Now().Add(interval)
	for ; b.pauseUntil(due); due = due.Add(interval) {
		do()
	}
	return nil
}

// flushDue is LogManager.flushDirtyLogs.
func (b *Broker) flushDue() {
	for _, p := range b.partitions {
		if err := p.log.FlushIfDue(b.node.Now()); err != nil {
			b.logFailed(err)
		}
	}
}

// deleteOldSegments is LogManager.cleanupLogs.
func (b *Broker) deleteOldSegments() {
	for _, p := range b.partitions {
		if _, err := p.log.DeleteOldSegments(p.highWatermark()); err != nil {
			b.logFailed(err)
		}
	}
}

// checkpoint is LogManager.checkpointLogRecoveryOffsets.
func (b *Broker) checkpoint() {
	if err := b.dirs.Checkpoint(); err != nil {
		b.logFailed(err)
	}
}

// Stats are a broker's totals over its logs.
type Stats struct {
	Fsyncs        int64 // forced flushes of log files
	BytesAppended int64
}

// Stats returns the totals so far.
func (b *Broker) Stats() Stats {
	var s Stats
	for _, p := range b.partitions {
		l := p.log.Stats()
		s.Fsyncs += l.Fsyncs
		s.BytesAppended += l.BytesAppended
	}
	return s
}
