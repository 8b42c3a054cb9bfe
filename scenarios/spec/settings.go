package spec

import (
	"math"
	"strings"
	"time"
)

// Limits of single settings. Kafka's int settings end at 2^31-1; the others are
// ours, far above what one machine runs.
const (
	brokersMax     = 1000
	partitionsMax  = 100000
	clientsMax     = 1000
	repeatMax      = 1000
	kafkaIntMax    = math.MaxInt32
	memoryBytesMax = 1 << 40
	loadBytesMax   = 1 << 50
	rateMin        = 0.001
	rateMax        = 1e9
	linkRateMax    = 1e12
	delayMax       = time.Minute
	durationMax    = 24 * time.Hour
	millisMax      = kafkaIntMax * time.Millisecond
	recordBytesMin = 24 // who sent it, its sequence and a check
	coresMax       = 1024
	titleMax       = 200
	questionMax    = 1000
)

// setting is one name of the language and the field that it fills.
type setting struct {
	path string
	// perRun settings hold for a whole run, so that they cannot vary.
	perRun bool
	// whole settings hold for all groups of clients.
	whole bool
	// group and base are set in a setting of one group: its name, and the setting of all.
	group string
	base  *setting
	// list joins the values of a setting that may be written as a list.
	list   string
	shape  *shape
	doc    string
	parse  func(s *Scenario, text string) error
	format func(s *Scenario) string
}

// name is the path without its section; that of a group's begins with the group.
func (st *setting) name() string {
	if st.base != nil {
		return st.group + "." + st.base.name()
	}
	_, name := splitPath(st.path)
	return name
}

// splitPath cuts a path at its section; settings at the top have none.
func splitPath(path string) (section, name string) {
	section, name, found := strings.Cut(path, ".")
	if !found {
		return "", path
	}
	return section, name
}

// row makes a setting of a field and its notation.
func row[T any](path string, field func(*Scenario) *T, n notation[T], doc string) setting {
	return setting{
		path:  path,
		doc:   doc,
		shape: n.shape,
		parse: func(s *Scenario, text string) error {
			v, err := n.parse(text)
			if err == nil {
				*field(s) = v
			}
			return err
		},
		format: func(s *Scenario) string { return n.format(*field(s)) },
	}
}

func listSetting(sep string, st setting) setting {
	st.list = sep
	return st
}

func perRun(st setting) setting {
	st.perRun = true
	return st
}

func whole(st setting) setting {
	st.whole = true
	return st
}

// lastKeys are read after all settings, and stand behind them.
var lastKeys = []string{varyKey, excludeKey, goalsKey}

// sections are the mappings at the top of a file, in order, apart from vary.
var sections = []string{"cluster", "topic", "producers", "consumers", "records", "load", "host", "network"}

const (
	varyKey = "vary"
	diskKey = "disk"
)

// settings is the whole language, in canonical order.
var settings = concat(runSettings, clusterSettings, topicSettings, producerSettings, consumerSettings, recordSettings,
	loadSettings, hostSettings, networkSettings)

var settingByPath = func() map[string]*setting {
	m := make(map[string]*setting, len(settings))
	for i := range settings {
		m[settings[i].path] = &settings[i]
	}
	return m
}()

func concat(groups ...[]setting) []setting {
	var all []setting
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

var runSettings = []setting{
	perRun(row("title", func(s *Scenario) *string { return &s.Title }, prose(titleMax),
		"one line for lists and reports; the file's name unless given")),
	perRun(row("question", func(s *Scenario) *string { return &s.Question }, prose(questionMax),
		"what the scenario answers")),
	perRun(row("seed", func(s *Scenario) *uint64 { return &s.Seed }, seeds,
		"of payloads and of everything drawn at random")),
	perRun(row("repeat", func(s *Scenario) *int { return &s.Repeat }, within(integer[int](), 1, repeatMax),
		"how often each cell runs")),
	perRun(listSetting(",", row(diskKey, func(s *Scenario) *[]string { return &s.Disks }, disks,
		"`dir:PATH` runs for real in that directory (`dir:PATH:PATH`: log directories on several), "+
			"`sim` simulates a disk of fixed cost, and a profile that disk: "+listed(diskProfiles)+", or a file "+
			"(`./mine.yaml`); a list runs on each"))),
}

var clusterSettings = []setting{
	row("cluster.brokers", func(s *Scenario) *int { return &s.Cluster.Brokers }, within(integer[int](), 1, brokersMax),
		"brokers, each a node of its own"),
	row("cluster.replica.fetch.max.bytes", func(s *Scenario) *int64 { return &s.Cluster.ReplicaFetchMaxBytes },
		within(size, 1, kafkaIntMax), "bytes that a follower fetches of a partition at once"),
	row("cluster.replica.fetch.wait.max.ms",
		func(s *Scenario) *time.Duration { return &s.Cluster.ReplicaFetchWaitMax },
		within(millis, time.Millisecond, millisMax), "how long a follower's fetch waits for records"),
	row("cluster.replica.fetch.min.bytes", func(s *Scenario) *int64 { return &s.Cluster.ReplicaFetchMinBytes },
		within(size, 1, kafkaIntMax), "bytes that a follower's fetch waits for"),
	row("cluster.num.replica.fetchers", func(s *Scenario) *int { return &s.Cluster.ReplicaFetchers },
		within(integer[int](), 1, clientsMax), "fetches that a broker has under way at each of the others"),
	row("cluster.replica.lag.time.max.ms", func(s *Scenario) *time.Duration { return &s.Cluster.ReplicaLagTimeMax },
		within(millis, time.Millisecond, millisMax),
		"how long a follower may lag behind its leader until it is no longer in sync"),
	row("cluster.broker.heartbeat.interval.ms",
		func(s *Scenario) *time.Duration { return &s.Cluster.HeartbeatInterval },
		within(millis, time.Millisecond, millisMax), "how often a broker tells the controller that it lives"),
	row("cluster.broker.session.timeout.ms", func(s *Scenario) *time.Duration { return &s.Cluster.SessionTimeout },
		within(millis, time.Millisecond, millisMax), "silence after which the controller elects other leaders"),
	row("cluster.unclean.leader.election.enable", func(s *Scenario) *bool { return &s.Cluster.UncleanElection }, flags,
		"a replica that is not in sync may lead when no other can"),
	row("cluster.auto.leader.rebalance.enable", func(s *Scenario) *bool { return &s.Cluster.AutoRebalance }, flags,
		"partitions go back to their preferred leaders"),
	row("cluster.leader.imbalance.check.interval.seconds",
		func(s *Scenario) *int { return &s.Cluster.ImbalanceCheckSec }, within(integer[int](), 1, kafkaIntMax),
		"how often the controller looks for partitions that others lead"),
	row("cluster.num.network.threads", func(s *Scenario) *int { return &s.Cluster.NetworkThreads },
		within(integer[int](), 1, clientsMax), "requests that a broker receives at once"),
	row("cluster.num.io.threads", func(s *Scenario) *int { return &s.Cluster.IOThreads },
		within(integer[int](), 1, clientsMax),
		"requests that a broker works on at once, also while they wait for its disk"),
	row("cluster.queued.max.requests", func(s *Scenario) *int { return &s.Cluster.QueuedRequests },
		within(integer[int](), 1, kafkaIntMax), "requests that wait for an I/O thread until a broker receives no more"),
	row("cluster.queued.max.request.bytes", func(s *Scenario) *int64 { return &s.Cluster.QueuedBytes },
		orWord(within(size, 1, math.MaxInt64), wordUnlimited),
		"bytes of requests that a broker holds until it receives no more"),
	row("cluster.socket.request.max.bytes", func(s *Scenario) *int64 { return &s.Cluster.RequestMaxBytes },
		within(size, 1, kafkaIntMax), "largest request; a broker closes the connection of a larger one"),
	row("cluster.log.flush.scheduler.interval.ms",
		func(s *Scenario) *time.Duration { return &s.Cluster.LogFlushScheduler },
		orWord(within(millis, time.Millisecond, millisMax), wordNever),
		"how often a broker looks for logs that flush.ms is due for"),
	row("cluster.log.flush.offset.checkpoint.interval.ms",
		func(s *Scenario) *time.Duration { return &s.Cluster.LogOffsetCheckpoint },
		within(millis, time.Millisecond, millisMax), "how often a broker notes up to where its logs are on disk"),
	row("cluster.log.retention.check.interval.ms",
		func(s *Scenario) *time.Duration { return &s.Cluster.LogRetentionCheck },
		within(millis, time.Millisecond, millisMax), "how often a broker looks for segments to delete"),
}

const (
	wordDefault     = "default"
	wordNever       = "never"
	wordMax         = "max"
	wordSustainable = "sustainable"
	wordUnlimited   = "unlimited"
	wordAuto        = "auto"
	wordSame        = "same"
	wordNone        = "none"
)

var topicSettings = []setting{
	row("topic.name", func(s *Scenario) *string { return &s.Topic.Name }, topicName,
		"the topic's name; of several what they begin with"),
	row("topic.count", func(s *Scenario) *int { return &s.Topic.Count }, within(integer[int](), 1, clientsMax),
		"topics, all alike: each producer writes to one of them, and each group of consumers reads all"),
	row("topic.partitions", func(s *Scenario) *int { return &s.Topic.Partitions },
		within(integer[int](), 1, partitionsMax), "partitions of each topic, spread over the brokers"),
	row("topic.replication.factor", func(s *Scenario) *int { return &s.Topic.ReplicationFactor },
		within(integer[int](), 1, brokersMax), "copies of each partition; at most the brokers"),
	row("topic.min.insync.replicas", func(s *Scenario) *int { return &s.Topic.MinInSync },
		within(integer[int](), 1, brokersMax), "replicas in sync without which acks=all is refused; at most all of them"),
	row("topic.segment.bytes", func(s *Scenario) *int64 { return &s.Topic.SegmentBytes },
		within(size, 1<<10, kafkaIntMax), "size at which a log rolls to a new segment"),
	row("topic.segment.ms", func(s *Scenario) *time.Duration { return &s.Topic.SegmentMs },
		within(millis, time.Millisecond, millisMax), "age of its first records at which it rolls too"),
	row("topic.segment.index.bytes", func(s *Scenario) *int64 { return &s.Topic.SegmentIndexBytes },
		within(size, 4, kafkaIntMax), "size of an index at which it rolls too"),
	row("topic.preallocate", func(s *Scenario) *bool { return &s.Topic.Preallocate }, flags,
		"a new segment gets its room on the disk at once, and gives the rest back when it is done with"),
	row("topic.index.interval.bytes", func(s *Scenario) *int64 { return &s.Topic.IndexInterval },
		within(size, 0, kafkaIntMax), "bytes of log between two entries of its offset index"),
	row("topic.flush.messages", func(s *Scenario) *int64 { return &s.Topic.FlushMessages },
		orWord(within(integer[int64](), 1, math.MaxInt64), wordNever), "records after which a log is forced to disk"),
	row("topic.flush.ms", func(s *Scenario) *time.Duration { return &s.Topic.FlushMs },
		orWord(within(millis, time.Millisecond, millisMax), wordNever),
		"age at which a log is forced to disk; needs cluster.log.flush.scheduler.interval.ms"),
	row("topic.flush.group.commit", func(s *Scenario) *bool { return &s.Topic.FlushGroupCommit }, flags,
		"ours: appends that wait for the disk share one fsync; Kafka does one after another under the log's lock"),
	row("topic.flush.indexes", func(s *Scenario) *bool { return &s.Topic.FlushIndexes }, flags,
		"a flush after flush.messages forces the indexes too, as Kafka does; ours are forced when a segment is rolled, "+
			"since recovery can build them anew"),
	row("topic.segment.recycle", func(s *Scenario) *bool { return &s.Topic.SegmentRecycle }, flags,
		"ours: files of deleted segments are written over by new ones, whose fsyncs then allocate nothing"),
	row("topic.retention.bytes", func(s *Scenario) *int64 { return &s.Topic.RetentionBytes },
		orWord(within(size, 1, math.MaxInt64), wordUnlimited),
		"bytes of a partition that are kept; what was deleted is not read back"),
	row("topic.retention.ms", func(s *Scenario) *time.Duration { return &s.Topic.RetentionMs },
		orWord(within(millis, time.Millisecond, millisMax), wordUnlimited),
		"age up to which records are kept; what was deleted is not read back"),
	row("topic.max.message.bytes", func(s *Scenario) *int64 { return &s.Topic.MaxMessageBytes },
		within(size, 1, kafkaIntMax), "largest record batch that brokers take"),
}

var producerSettings = []setting{
	row("producers.count", func(s *Scenario) *int { return &s.Producers.Count }, within(integer[int](), 0, clientsMax),
		"producing clients, each a node of its own; in a group: of this group"),
	row("producers.mode", func(s *Scenario) *string { return &s.Producers.Mode }, oneOf("async", "sync"),
		"`sync` waits for each record before it sends the next one"),
	row("producers.acks", func(s *Scenario) *string { return &s.Producers.Acks }, acks,
		"who must have a record before it counts: `0` nobody, `1` the leader, `all` (or -1) the in-sync replicas"),
	row("producers.batch.size", func(s *Scenario) *int64 { return &s.Producers.BatchSize },
		within(size, 0, kafkaIntMax), "bytes of records at which a batch is full"),
	row("producers.linger.ms", func(s *Scenario) *time.Duration { return &s.Producers.Linger },
		within(millis, 0, millisMax), "how long a batch waits for more records"),
	row("producers.buffer.memory", func(s *Scenario) *int64 { return &s.Producers.BufferMemory },
		within(size, 1, memoryBytesMax), "bytes of records that wait in a producer; then it blocks"),
	row("producers.max.block.ms", func(s *Scenario) *time.Duration { return &s.Producers.MaxBlock },
		within(millis, 0, millisMax), "how long it blocks before the record fails"),
	row("producers.max.in.flight.requests.per.connection",
		func(s *Scenario) *int { return &s.Producers.MaxInFlight },
		within(integer[int](), 1, clientsMax), "requests that a broker has not answered yet"),
	row("producers.max.request.size", func(s *Scenario) *int64 { return &s.Producers.MaxRequestSize },
		within(size, 1, kafkaIntMax), "largest request"),
	row("producers.compression.type", func(s *Scenario) *string { return &s.Producers.Compression },
		oneOf("none", "gzip", "snappy", "lz4", "zstd"), "codec of record batches (Kafka's own default is none)"),
	row("producers.compression.implementation", func(s *Scenario) *string { return &s.Producers.Implementation },
		oneOf(implementationNames...),
		"library that does its work in clients: gzip `klauspost` or `standard`, snappy `golang` or `klauspost`, the "+
			"first by default; brokers have the default, and simulated processors are priced for it"),
	row("producers.compression.gzip.level", func(s *Scenario) *int { return &s.Producers.GzipLevel },
		level(func(n int) bool { return n == -1 || n >= 1 && n <= 9 }, "-1 (the codec's default) or 1 to 9"),
		"-1 is the codec's own default"),
	row("producers.compression.lz4.level", func(s *Scenario) *int { return &s.Producers.LZ4Level },
		level(func(n int) bool { return n >= 1 && n <= 17 }, "1 to 17"), "1 to 17"),
	row("producers.compression.zstd.level", func(s *Scenario) *int { return &s.Producers.ZstdLevel },
		level(func(n int) bool { return n >= -131072 && n <= 22 }, "-131072 to 22"), "-131072 to 22"),
	row("producers.request.timeout.ms", func(s *Scenario) *time.Duration { return &s.Producers.RequestTimeout },
		within(millis, time.Millisecond, millisMax), "how long a request waits for its answer"),
	row("producers.retries", func(s *Scenario) *int64 { return &s.Producers.Retries },
		within(integer[int64](), 0, kafkaIntMax), "how often a batch is sent again after an error that may pass"),
	row("producers.retry.backoff.ms", func(s *Scenario) *time.Duration { return &s.Producers.RetryBackoff },
		within(millis, 0, millisMax), "how long it waits before the first time; twice as long before each next one"),
	row("producers.retry.backoff.max.ms", func(s *Scenario) *time.Duration { return &s.Producers.RetryBackoffMax },
		within(millis, 0, millisMax), "and no longer than this"),
	row("producers.delivery.timeout.ms", func(s *Scenario) *time.Duration { return &s.Producers.DeliveryTimeout },
		orWord(within(millis, time.Millisecond, millisMax), wordAuto),
		"age at which a batch fails for good; `auto`: 2 minutes, or linger.ms + request.timeout.ms if that is more"),
	row("producers.enable.idempotence", func(s *Scenario) *string { return &s.Producers.Idempotence },
		oneOf(wordAuto, "true", "false"),
		"brokers drop what retries send twice; `auto`: if acks, retries and the requests in flight allow it"),
	row("producers.partitioner.class", func(s *Scenario) *string { return &s.Producers.Partitioner },
		oneOf(wordDefault, "RoundRobinPartitioner"),
		"who chooses partitions: `default` fills a batch of one before it goes to another"),
	row("producers.partitioner.adaptive.partitioning.enable", func(s *Scenario) *bool { return &s.Producers.Adaptive },
		flags, "`default` prefers partitions with short queues"),
}

// What consumers.read may be.
const (
	ReadTail    = "tail"
	ReadBacklog = "backlog"
	ReadCold    = "cold"
)

var consumerSettings = []setting{
	row("consumers.count", func(s *Scenario) *int { return &s.Consumers.Count }, within(integer[int](), 0, clientsMax),
		"consuming clients; partitions are divided evenly; 0: nobody consumes during the load"),
	row("consumers.read", func(s *Scenario) *string { return &s.Consumers.Read }, oneOf(ReadTail, ReadBacklog, ReadCold),
		"`tail` reads along with the load; `backlog` begins when the load has ended; `cold` does so too, after all logs "+
			"were forced to disk and dropped from the page cache; consumers' rates are then those of this reading, and "+
			"their latencies the records' ages"),
	row("consumers.start", func(s *Scenario) *time.Duration { return &s.Consumers.Start }, within(span, 0, durationMax),
		"how long after the load began those that read along begin, with the first record"),
	row("consumers.rate", func(s *Scenario) *float64 { return &s.Consumers.Rate },
		orWord(within(perSecond, rateMin, rateMax), wordMax),
		"records per second that they take together at most, as slow consumers do; `max`: as fast as they come"),
	row("consumers.max.poll.records", func(s *Scenario) *int { return &s.Consumers.MaxPollRecords },
		within(integer[int](), 1, kafkaIntMax), "records that one poll returns"),
	row("consumers.fetch.min.bytes", func(s *Scenario) *int64 { return &s.Consumers.FetchMinBytes },
		within(size, 1, kafkaIntMax), "bytes that a fetch waits for"),
	row("consumers.fetch.max.wait.ms", func(s *Scenario) *time.Duration { return &s.Consumers.FetchMaxWait },
		within(millis, time.Millisecond, millisMax), "how long it waits for them"),
	row("consumers.fetch.max.bytes", func(s *Scenario) *int64 { return &s.Consumers.FetchMaxBytes },
		within(size, 1, kafkaIntMax), "bytes that a fetch returns"),
	row("consumers.max.partition.fetch.bytes", func(s *Scenario) *int64 { return &s.Consumers.MaxPartitionFetchBytes },
		within(size, 1, kafkaIntMax), "of which so many from one partition"),
}

// Default returns the scenario of an empty file of that name. Its settings are
// those of Kafka 4.1, apart from snappy.
func Default(name string) Scenario {
	return Scenario{
		Name: name, Title: name, Seed: 1, Repeat: 1, Disks: []string{diskDir + "results/data"},
		Cluster: Cluster{
			Brokers: 3, ReplicaFetchMaxBytes: 1 << 20, ReplicaFetchWaitMax: 500 * time.Millisecond,
			ReplicaFetchMinBytes: 1, ReplicaFetchers: 1, ReplicaLagTimeMax: 30 * time.Second,
			HeartbeatInterval: 2 * time.Second, SessionTimeout: 9 * time.Second,
			AutoRebalance: true, ImbalanceCheckSec: 300, NetworkThreads: 3, IOThreads: 8, QueuedRequests: 500,
			RequestMaxBytes:     100 << 20,
			LogOffsetCheckpoint: time.Minute, LogRetentionCheck: 5 * time.Minute,
		},
		Topic: Topic{
			Name: "brokerlab", Count: 1, Partitions: 6, ReplicationFactor: 1, MinInSync: 1, SegmentBytes: 1 << 30,
			IndexInterval: 4096, SegmentMs: 7 * 24 * time.Hour, SegmentIndexBytes: 10 << 20, RetentionMs: 7 * 24 * time.Hour,
			MaxMessageBytes: 1<<20 + 12,
		},
		Producers: Producers{
			Count: 1, Mode: "async", Acks: "all", BatchSize: 16384, Linger: 5 * time.Millisecond, BufferMemory: 32 << 20,
			MaxBlock: time.Minute, MaxInFlight: 5, MaxRequestSize: 1 << 20, Compression: "snappy",
			Implementation: wordDefault, GzipLevel: -1, LZ4Level: 9, ZstdLevel: 3, RequestTimeout: 30 * time.Second,
			Retries: kafkaIntMax, RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second,
			Idempotence: wordAuto, Partitioner: wordDefault, Adaptive: true,
		},
		Consumers: Consumers{
			Count: 1, Read: ReadTail, MaxPollRecords: 500,
			FetchMinBytes: 1, FetchMaxWait: 500 * time.Millisecond, FetchMaxBytes: 50 << 20,
			MaxPartitionFetchBytes: 1 << 20,
		},
		Records: Records{Payload: "json-logs", Format: wordAuto, Corpus: "json-logs", Key: Keys{Kind: "none"}},
		Load:    defaultLoad(),
		Host: Host{
			Profile: hostGo, Cores: 4, ClientCores: 4, Memory: 16 << 30, Heap: 1 << 30, Disks: 1, FileSystem: "ext4",
			DirtyBackground: 10, DirtyLimit: 20, DirtyExpire: 30 * time.Second, DirtyWriteback: 5 * time.Second,
			ReadAhead: 128 << 10,
		},
		Network: Network{Profile: networkLocal, BytesPerSec: Auto, Delay: Auto, Jitter: Auto, Loss: Auto, MTU: Auto,
			InFlight: 4 << 20},
	}
}

// Setting is one setting of a scenario by its path, in canonical notation.
type Setting struct{ Path, Value string }

// Settings returns every setting but the title and the question, in the order
// of the sections, and behind them those that groups have for themselves.
func (s *Scenario) Settings() []Setting {
	out := make([]Setting, 0, len(settings))
	for i := range settings {
		st := &settings[i]
		if st.path != "title" && st.path != "question" {
			out = append(out, Setting{Path: st.path, Value: st.format(s)})
		}
	}
	for kind := range groupKinds {
		for _, g := range *groupKinds[kind].of(s) {
			for _, set := range g.Sets {
				out = append(out, Setting{Path: settingByPath[set.Path].ofGroup(kind, g.Name).path, Value: set.Value})
			}
		}
	}
	return out
}

// SettingDoc describes one name of the language.
type SettingDoc struct {
	Path    string
	Default string // in canonical notation
	Doc     string // half a sentence
	// Words are the values that are words; others may be taken besides.
	Words []string
}

// Reference returns the whole language in canonical order.
func Reference() []SettingDoc {
	defaults := Default("")
	out := make([]SettingDoc, len(settings))
	for i := range settings {
		st := &settings[i]
		out[i] = SettingDoc{Path: st.path, Default: st.format(&defaults), Doc: st.doc}
		if st.shape != nil {
			out[i].Words = st.shape.words
		}
	}
	return out
}
