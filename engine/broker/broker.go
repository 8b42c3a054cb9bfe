// Package broker is one broker: it keeps the logs of the partitions that it
// hosts, answers produce, fetch, metadata and offset requests of its clients,
// follows the leaders of the partitions that it does not lead, and flushes logs
// by time. What it leads and follows the controller tells it; without one it does
// as the plan says, for ever, and in-sync sets stay as they were assigned. It
// keeps no offsets of consumer groups.
//
//	I/O thread:       (of engine/server) one request at a time
//	                  produce: append to the leader's log
//	                  fetch:   read below the high watermark (a follower: to the
//	                           log end)
//	connection task:  what waits, without a thread: a produce with acks=all for the
//	                  high watermark, a fetch for fetch.min.bytes
//	replica fetcher:  num.replica.fetchers tasks per other broker
//	log schedulers:   one task each: flushes by time, recovery points, high
//	                  watermarks, retention, followers that lag
//	heartbeat, news:  one task each, with a connection to the controller: keeps the
//	                  session; learns of elections and changes roles
//	alter partition:  one task: asks the controller for other in-sync sets
//	log dir failure:  one task: takes directories offline in which a log failed
//
// Lock order: Broker.mu, partition.mu, then any of fetchSession.mu, alterer.mu and
// replicaFetcher.mu. sessions.mu and a log's own lock are taken with none of these
// held.
package broker

import (
	"errors"
	"fmt"
	"time"

	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/server"
	"brokerlab/engine/task"
)

// TopicLog says how the partitions of one topic are stored.
type TopicLog struct {
	Topic     string
	Log       commitlog.Config
	MinInSync int // min.insync.replicas; 0 counts as 1, Kafka's default
}

// Config is what a broker is started with. Times and sizes of 0 are not
// defaults: start from DefaultConfig.
type Config struct {
	ID      int32
	Plan    *cluster.Plan // as assigned
	LogDirs []string      // log.dirs: paths on the node's file system
	Topics  []TopicLog
	// Controller is the controller's address; "" means that there is none.
	Controller string
	Server     server.Config // threads and limits of requests

	// RecentBatches is of how many batches the broker remembers when it appended them,
	// for consumers that measure (protocol.BatchTimes); 0 means none. A power of two for
	// each partition that it hosts, 64 at least; 200 bytes each, as they are used.
	RecentBatches int

	FetchSessions int // max.incremental.fetch.session.cache.slots; 0 means that there are none

	ReplicaFetchMaxBytes int32         // replica.fetch.max.bytes, per partition
	ReplicaFetchResponse int32         // replica.fetch.response.max.bytes
	ReplicaFetchMinBytes int32         // replica.fetch.min.bytes
	ReplicaFetchWaitMax  time.Duration // replica.fetch.wait.max.ms
	ReplicaFetchBackoff  time.Duration // replica.fetch.backoff.ms
	ReplicaSocketTimeout time.Duration // replica.socket.timeout.ms
	ReconnectBackoff     time.Duration // reconnect.backoff.ms
	ReplicaFetchers      int           // num.replica.fetchers, per other broker
	ReplicaLagTimeMax    time.Duration // replica.lag.time.max.ms
	// HighWatermarkCheckpoint is replica.high.watermark.checkpoint.interval.ms.
	HighWatermarkCheckpoint time.Duration
	HeartbeatInterval       time.Duration // broker.heartbeat.interval.ms
	RegistrationTimeout     time.Duration // initial.broker.registration.timeout.ms
	ControllerTimeout       time.Duration // controller.quorum.request.timeout.ms
	// MetadataWaitMax is how long the controller holds a request for news if there
	// are none (Raft's MAX_FETCH_WAIT_MS).
	MetadataWaitMax time.Duration
	// FlushScheduler is log.flush.scheduler.interval.ms; 0 means never.
	FlushScheduler time.Duration
	// OffsetCheckpoint is log.flush.offset.checkpoint.interval.ms: how often the
	// recovery points of the logs are written.
	OffsetCheckpoint time.Duration
	// RetentionCheck is log.retention.check.interval.ms: how often old segments are
	// looked for. The first time comes after one interval (Kafka: after 30 s).
	RetentionCheck time.Duration
	// LogDirFailureTimeout is log.dir.failure.timeout.ms: a broker halts that cannot
	// tell the controller of a failed log directory for so long.
	LogDirFailureTimeout time.Duration
}

// DefaultConfig returns Kafka's defaults for a broker.
func DefaultConfig() Config {
	return Config{
		Server: server.DefaultConfig(), FetchSessions: 1000,
		ReplicaFetchMaxBytes: 1 << 20, ReplicaFetchResponse: 10 << 20, ReplicaFetchMinBytes: 1,
		ReplicaFetchWaitMax: 500 * time.Millisecond, ReplicaFetchBackoff: time.Second,
		ReplicaSocketTimeout: 30 * time.Second, ReconnectBackoff: 50 * time.Millisecond,
		OffsetCheckpoint: time.Minute, RetentionCheck: 5 * time.Minute,
		ReplicaFetchers: 1, ReplicaLagTimeMax: 30 * time.Second,
		HighWatermarkCheckpoint: 5 * time.Second, HeartbeatInterval: 2 * time.Second,
		RegistrationTimeout: time.Minute,
		ControllerTimeout:   2 * time.Second, MetadataWaitMax: 500 * time.Millisecond,
		LogDirFailureTimeout: 30 * time.Second,
	}
}

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	switch {
	case c.Plan == nil:
		return errors.New("broker: no cluster plan")
	case c.ReplicaFetchMaxBytes < 1 || c.ReplicaFetchResponse < 1 || c.ReplicaFetchMinBytes < 0:
		return fmt.Errorf("broker %d: replica fetch sizes must be positive", c.ID)
	case c.FetchSessions < 0 || c.RecentBatches < 0:
		return fmt.Errorf("broker %d: max.incremental.fetch.session.cache.slots or RecentBatches is negative", c.ID)
	case c.ReplicaFetchWaitMax < 0 || c.ReplicaSocketTimeout <= c.ReplicaFetchWaitMax:
		return fmt.Errorf("broker %d: replica.socket.timeout.ms must be above replica.fetch.wait.max.ms", c.ID)
	case c.ReconnectBackoff <= 0 || c.ReplicaFetchBackoff <= 0:
		return fmt.Errorf("broker %d: backoffs must be positive", c.ID)
	case c.ReplicaFetchers < 1:
		return fmt.Errorf("broker %d: num.replica.fetchers must be positive", c.ID)
	case c.ReplicaLagTimeMax <= 0 || c.HighWatermarkCheckpoint <= 0:
		return fmt.Errorf("broker %d: replica.lag.time.max.ms and "+
			"replica.high.watermark.checkpoint.interval.ms must be positive", c.ID)
	case c.HeartbeatInterval <= 0 || c.RegistrationTimeout <= 0 || c.ControllerTimeout <= 0 ||
		c.MetadataWaitMax <= 0 || c.LogDirFailureTimeout <= 0:
		return fmt.Errorf("broker %d: times of the controller must be positive", c.ID)
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
	if err := c.Server.Validate(); err != nil {
		return fmt.Errorf("broker %d: %w", c.ID, err)
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
	server     *server.Server
	tasks      *task.Group
	fetchers   []*replicaFetcher // num.replica.fetchers for each broker of the plan
	alter      *alterer          // nil without a controller
	sessions   sessions
	member     membership

	mu struct {
		env.Mutex
		stopped env.Cond // broadcast when closing or failing is set
		closing bool
		ended   bool     // Close or Discard was called
		failure error    // the first log that failed
		failing bool     // a log has failed since failureLoop last looked
		offline []string // log directories that have failed
		ids     producerIDs
	}
}

// Start opens the logs that the plan gives to this broker, recovers them, joins the
// cluster and listens on its address. It returns when requests are answered.
func Start(node env.Node, cfg Config) (*Broker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Broker{node: node, cfg: cfg, tasks: task.NewGroup(node),
		byName: make(map[protocol.TopicPartition]*partition)}
	b.mu.Mutex = node.NewMutex()
	b.mu.stopped = node.NewCond(b.mu.Mutex)
	b.server = server.New(node, cfg.Server, b.newConnection)
	b.member.mu.Mutex = node.NewMutex()
	b.member.mu.plan = cfg.Plan
	b.sessions.init(node, cfg.FetchSessions)
	if cfg.Controller != "" {
		b.member.heartbeats.init(b, "heartbeat")
		b.member.news.init(b, "metadata")
		b.member.failures.init(b, "log-dir-failure")
		b.alter = newAlterer(b)
	}
	var err error
	if b.dirs, err = commitlog.OpenLogDirs(node, cfg.LogDirs); err != nil {
		return nil, fmt.Errorf("broker %d: %w", cfg.ID, err)
	}
	hosted := cfg.Plan.Hosted(cfg.ID)
	for _, p := range hosted {
		if err := b.openPartition(p.TopicPartition, recentOf(cfg.RecentBatches, len(hosted))); err != nil {
			return nil, errors.Join(err, b.endLogs((*commitlog.LogDirs).Close))
		}
	}
	b.startTasks()
	if err := b.takeRoles(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if err := b.listen(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// listen begins to take requests, not before the broker has its roles
// (SocketServer.enableRequestProcessing): a follower that comes too early would
// come again after replica.fetch.backoff.ms only.
func (b *Broker) listen() error {
	addr, _ := b.cfg.Plan.Addr(b.cfg.ID)
	if err := b.server.Listen(addr); err != nil {
		return fmt.Errorf("broker %d: %w", b.cfg.ID, err)
	}
	return nil
}

func (b *Broker) startTasks() {
	cfg := &b.cfg
	b.startFetchers()
	if cfg.FlushScheduler > 0 {
		b.tasks.Go("flush-scheduler", func() error { return b.every(cfg.FlushScheduler, b.flushDue) })
	}
	b.tasks.Go("offset-checkpoint", func() error { return b.every(cfg.OffsetCheckpoint, b.checkpoint) })
	b.tasks.Go("log-retention", func() error { return b.every(cfg.RetentionCheck, b.deleteOldSegments) })
	b.tasks.Go("highwatermark-checkpoint", func() error {
		return b.every(cfg.HighWatermarkCheckpoint, b.checkpointHighWatermarks)
	})
	if b.alter != nil {
		b.tasks.Go("alter-partition", b.alter.loop)
		b.tasks.Go("isr-expiration", func() error { return b.every(b.shrinkEvery(), b.shrinkInSync) })
	}
}

// takeRoles makes the partitions what the controller says, or without one the
// plan.
func (b *Broker) takeRoles() error {
	if b.alter != nil {
		if err := b.join(); err != nil {
			return err
		}
		b.tasks.Go("heartbeat", b.heartbeatLoop)
		b.tasks.Go("metadata", b.newsLoop)
		b.tasks.Go("log-dir-failure", b.failureLoop)
		return nil
	}
	if err := b.applyAll(b.cfg.Plan); err != nil {
		return fmt.Errorf("broker %d: %w", b.cfg.ID, err)
	}
	return nil
}

func (b *Broker) openPartition(tp protocol.TopicPartition, recent int) error {
	var settings *TopicLog
	for i := range b.cfg.Topics {
		if b.cfg.Topics[i].Topic == tp.Topic {
			settings = &b.cfg.Topics[i]
		}
	}
	if settings == nil {
		return fmt.Errorf("broker %d: no log settings for topic %q", b.cfg.ID, tp.Topic)
	}
	log, err := b.dirs.Open(tp.Topic, tp.Partition, settings.Log)
	if err != nil {
		return fmt.Errorf("broker %d: %w", b.cfg.ID, err)
	}
	p := newPartition(b.node, tp, log, max(1, settings.MinInSync))
	p.dir = b.dirs.DirOf(tp)
	p.mu.recent.max = recent
	p.mu.hw = min(b.dirs.HighWatermark(tp), log.EndOffset())
	if b.alter != nil {
		p.propose = b.alter.propose
	}
	b.partitions = append(b.partitions, p)
	b.byName[tp] = p
	return nil
}

// Close leaves the cluster, stops answering, ends the broker's tasks and closes its
// logs. Requests that wait for the high watermark or for more log get their
// connection closed.
func (b *Broker) Close() error {
	if b.alter != nil && !b.isClosing() {
		b.leave()
	}
	return b.end(func(d *commitlog.LogDirs) error {
		return errors.Join(d.CheckpointHighWatermarks(b.highWatermarkOf), d.Close())
	})
}

// Discard ends the broker as Close does, but deletes its logs instead of closing
// them, which would force them to disk.
func (b *Broker) Discard() error { return b.end((*commitlog.LogDirs).Remove) }

// end ends the tasks and then does the last thing to the logs.
func (b *Broker) end(last func(*commitlog.LogDirs) error) error {
	b.mu.Lock()
	ended := b.mu.ended
	b.mu.ended = true
	b.mu.Unlock()
	if ended {
		return nil
	}
	return errors.Join(b.stopAll(), b.server.Wait(), b.tasks.Wait(), b.endLogs(last))
}

// stopAll makes all tasks end, and waits for none.
func (b *Broker) stopAll() error {
	b.mu.Lock()
	if b.mu.closing {
		b.mu.Unlock()
		return nil
	}
	b.mu.closing = true
	b.mu.stopped.Broadcast()
	b.mu.Unlock()
	err := b.server.Close()
	for _, f := range b.fetchers {
		f.stop()
	}
	if b.alter != nil {
		b.alter.stop()
		b.member.news.stop()
		b.member.heartbeats.stop()
		b.member.failures.stop()
	}
	for _, p := range b.partitions {
		p.stop()
	}
	return err
}

func (b *Broker) endLogs(last func(*commitlog.LogDirs) error) error {
	if err := last(b.dirs); err != nil {
		return fmt.Errorf("broker %d: %w", b.cfg.ID, err)
	}
	return nil
}

// DropCache forces the broker's logs to disk and drops them from the page cache, so
// that whoever reads them next reads from the device: for measuring cold reads.
func (b *Broker) DropCache() error {
	if err := b.dirs.DropCache(); err != nil {
		return fmt.Errorf("broker %d: %w", b.cfg.ID, err)
	}
	return nil
}

// Err returns the error of the first log that failed: a disk that is full or
// broken. The broker goes on with its other log directories, if it has any; without
// a controller also with the other logs of that one.
func (b *Broker) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.failure
}

func (b *Broker) isClosing() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.closing
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
			p.logChanged()
		}
	}
}

// deleteOldSegments is LogManager.cleanupLogs.
func (b *Broker) deleteOldSegments() {
	for _, p := range b.partitions {
		deleted, err := p.log.DeleteOldSegments(p.highWatermark())
		if err != nil {
			b.logFailed(err)
		}
		if deleted > 0 || err != nil {
			p.logChanged()
		}
	}
}

// checkpoint is LogManager.checkpointLogRecoveryOffsets.
func (b *Broker) checkpoint() {
	if err := b.dirs.Checkpoint(); err != nil {
		b.logFailed(err)
	}
}

func (b *Broker) checkpointHighWatermarks() {
	if err := b.dirs.CheckpointHighWatermarks(b.highWatermarkOf); err != nil {
		b.logFailed(err)
	}
}

func (b *Broker) highWatermarkOf(tp protocol.TopicPartition) int64 {
	return b.byName[tp].highWatermark()
}

// Stats are a broker's totals over its logs.
type Stats struct {
	Fsyncs        int64 // forced flushes of log files, but for those of DropCache
	BytesAppended int64
	TooLarge      int64 // requests above socket.request.max.bytes, whose connections were closed
}

// Stats returns the totals so far.
func (b *Broker) Stats() Stats {
	s := Stats{TooLarge: b.server.Stats().TooLarge}
	for _, p := range b.partitions {
		l := p.log.Stats()
		s.Fsyncs += l.Fsyncs - l.FsyncsToDrop
		s.BytesAppended += l.BytesAppended
	}
	return s
}
