// Package spec is the scenario language: strict YAML with units, defaults,
// validation and sweeps. It is pure: text in, cells or errors out. It starts
// nothing and opens no file, so that a directory it accepts need not exist.
//
//	f, err := Parse("quickstart.yaml", src)      // every fault of a single setting
//	err = f.Set("producers.acks", "1")           // --set producers.acks=1
//	cells, err := f.Cells()                      // settings that contradict each other
//
// The language itself is described in scenarios/README.md.
package spec

import "time"

// Scenario is one scenario with every default filled in: a cell of a sweep, or
// the base that the sweep varies. Field order is the order of the YAML sections.
// Settings keep Kafka's names in YAML (`batch.size`), given in the comments.
type Scenario struct {
	Name      string    // file name without .yaml
	Title     string    // title
	Question  string    // question that the scenario answers
	Seed      uint64    // seed
	Repeat    int       // repeat
	Disks     []string  // disk: one name or a list: sim, a profile, dir:PATH, dir:PATH:PATH; dir:results/data
	Cluster   Cluster   // cluster:
	Topic     Topic     // topic:
	Producers Producers // producers:
	Consumers Consumers // consumers:
	Records   Records   // records:
	Load      Load      // load:
	Host      Host      // host:
	Network   Network   // network:
}

// Cluster describes the brokers.
type Cluster struct {
	Brokers int // brokers; default 3
	// Kafka broker settings.
	ReplicaFetchMaxBytes int64         // replica.fetch.max.bytes; 1 MiB
	ReplicaFetchWaitMax  time.Duration // replica.fetch.wait.max.ms; 500 ms
	ReplicaFetchMinBytes int64         // replica.fetch.min.bytes; 1
	ReplicaFetchers      int           // num.replica.fetchers; 1
	ReplicaLagTimeMax    time.Duration // replica.lag.time.max.ms; 30 s
	HeartbeatInterval    time.Duration // broker.heartbeat.interval.ms; 2 s
	SessionTimeout       time.Duration // broker.session.timeout.ms; 9 s
	UncleanElection      bool          // unclean.leader.election.enable; false
	AutoRebalance        bool          // auto.leader.rebalance.enable; true
	ImbalanceCheckSec    int           // leader.imbalance.check.interval.seconds; 300
	NetworkThreads       int           // num.network.threads; 3
	IOThreads            int           // num.io.threads; 8
	QueuedRequests       int           // queued.max.requests; 500
	QueuedBytes          int64         // queued.max.request.bytes; 0 = unlimited (-1 in Kafka)
	RequestMaxBytes      int64         // socket.request.max.bytes; 100 MiB
	LogFlushScheduler    time.Duration // log.flush.scheduler.interval.ms; 0 = never (Long.MAX_VALUE in Kafka)
	LogOffsetCheckpoint  time.Duration // log.flush.offset.checkpoint.interval.ms; 1 min
	LogRetentionCheck    time.Duration // log.retention.check.interval.ms; 5 min
}

// Topic describes the topic of a scenario, or its topics, which are alike.
type Topic struct {
	Name              string        // name; default "brokerlab"
	Count             int           // count (ours); 1
	Partitions        int           // partitions; 6; of each
	ReplicationFactor int           // replication.factor; 1
	MinInSync         int           // min.insync.replicas; 1
	SegmentBytes      int64         // segment.bytes; 1 GiB
	SegmentMs         time.Duration // segment.ms; 7 days
	SegmentIndexBytes int64         // segment.index.bytes; 10 MiB
	IndexInterval     int64         // index.interval.bytes; 4096
	FlushMessages     int64         // flush.messages; 0 = never (Long.MAX_VALUE in Kafka)
	FlushMs           time.Duration // flush.ms; 0 = never
	Preallocate       bool          // preallocate; false
	FlushGroupCommit  bool          // flush.group.commit (ours); false
	FlushIndexes      bool          // flush.indexes (a name of ours, for what Kafka does); false
	SegmentRecycle    bool          // segment.recycle (ours); false
	RetentionBytes    int64         // retention.bytes; 0 = unlimited (-1 in Kafka)
	RetentionMs       time.Duration // retention.ms; 7 days; 0 = unlimited (-1 in Kafka)
	MaxMessageBytes   int64         // max.message.bytes; 1 MiB + 12 (1048588)
}

// Producers describes the producing clients. Each is a node of its own.
type Producers struct {
	Count          int           // count; 1
	Mode           string        // mode: async or sync (one record at a time); async
	Acks           string        // acks: "0", "1" or "all"; all
	BatchSize      int64         // batch.size; 16384
	Linger         time.Duration // linger.ms; 5 ms
	BufferMemory   int64         // buffer.memory; 33554432
	MaxBlock       time.Duration // max.block.ms; 60 s
	MaxInFlight    int           // max.in.flight.requests.per.connection; 5
	MaxRequestSize int64         // max.request.size; 1048576
	Compression    string        // compression.type: none gzip snappy lz4 zstd; snappy (ours; Kafka: none)
	Implementation string        // compression.implementation (ours): default, or a library of the codec; default
	GzipLevel      int           // compression.gzip.level; -1 (the library's default)
	LZ4Level       int           // compression.lz4.level; 9
	ZstdLevel      int           // compression.zstd.level; 3
	RequestTimeout time.Duration // request.timeout.ms; 30 s

	Retries         int64         // retries; 2147483647
	RetryBackoff    time.Duration // retry.backoff.ms; 100 ms
	RetryBackoffMax time.Duration // retry.backoff.max.ms; 1 s
	DeliveryTimeout time.Duration // delivery.timeout.ms; 0 = auto: 2 min, or linger.ms + request.timeout.ms if more
	Idempotence     string        // enable.idempotence: auto, true or false; auto
	Partitioner     string        // partitioner.class: default or RoundRobinPartitioner; default
	Adaptive        bool          // partitioner.adaptive.partitioning.enable; true

	// Groups have settings of their own instead of these; see ProducerGroups. None: all
	// producers are alike.
	Groups []Group
}

// Consumers describes the consuming clients. Partitions are divided evenly.
type Consumers struct {
	Count                  int           // count; 1; 0 = none during the load
	Read                   string        // read: tail, backlog or cold; tail
	Start                  time.Duration // start (ours): after the load began; 0
	Rate                   float64       // rate (ours): records per second, of all together; 0 = max
	FetchMinBytes          int64         // fetch.min.bytes; 1
	FetchMaxWait           time.Duration // fetch.max.wait.ms; 500 ms
	FetchMaxBytes          int64         // fetch.max.bytes; 52428800
	MaxPartitionFetchBytes int64         // max.partition.fetch.bytes; 1048576
	MaxPollRecords         int           // max.poll.records; 500

	Groups []Group // as of Producers; each reads every record
}

// What rates of phases may be besides rates.
const (
	RateMax  float64 = 0  // full speed
	RateSame float64 = -1 // that of the load
	RateNone float64 = -2 // nothing is sent
	// RateSustainable is of load.rate alone: the highest rate that is kept up with, which
	// is looked for in the warm-up.
	RateSustainable float64 = -3
)

// RateIn is the rate of a phase whose own one is given: RateMax or records per second;
// ok is false if nothing is sent in it.
func (l *Load) RateIn(phase float64) (perSec float64, ok bool) {
	if phase == RateSame {
		phase = l.Rate
	}
	return phase, phase != RateNone
}

// Label names one varied setting and its value in a cell.
type Label struct{ Name, Value string }

// Cell is one run of a sweep: a scenario with one choice of each varied setting.
type Cell struct {
	Labels   []Label  // in the order of vary:, without the disk
	Scenario Scenario // with the labels' settings applied
}
