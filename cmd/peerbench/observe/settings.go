package main

// setting is one run of the producer performance tool against a cluster.
type setting struct {
	name       string
	like       string // row of a published table that it matches, as far as one machine can
	brokers    int
	partitions int
	replicas   int
	flushEach  bool // flush.messages=1: every append is flushed
	recordSize int
	perSec     int // of records; -1 is as fast as it goes
	records    int // of the measured run
	warmUp     int // records before it
	props      []string
}

// Settings of the producer that rows have in common: of the commands of
// linkedin-2014, and of the drivers of bartholomew-2019.
var (
	linkedin = []string{"batch.size=8196", "linger.ms=0", "buffer.memory=67108864"}
	omb      = []string{"batch.size=131072", "linger.ms=1"}
	large    = []string{"batch.size=131072", "linger.ms=5"}
)

// roundRobin deals records out in turn, as clients did before Kafka 2.4.
const roundRobin = "partitioner.class=org.apache.kafka.clients.producer.RoundRobinPartitioner"

func with(props []string, acks string) []string {
	return append([]string{"acks=" + acks}, props...)
}

var settings = []setting{
	{name: "full-speed-r1", like: "linkedin-2014 p1-r1", brokers: 1, partitions: 6, replicas: 1,
		recordSize: 100, perSec: -1, records: 15e6, warmUp: 6e6, props: with(linkedin, "1")},
	{name: "fixed-rate-r1", like: "bartholomew-2019 nofsync-p1, one broker", brokers: 1, partitions: 1, replicas: 1,
		recordSize: 100, perSec: 50000, records: 1500e3, warmUp: 1000e3, props: with(omb, "1")},
	{name: "fixed-rate-r1-flush", like: "bartholomew-2019 fsync-p1, one broker", brokers: 1, partitions: 1, replicas: 1,
		flushEach: true, recordSize: 100, perSec: 50000, records: 1500e3, warmUp: 1000e3, props: with(omb, "1")},
	{name: "fixed-rate-6p", like: "fixed-rate-1p-6disks-2020 host110", brokers: 1, partitions: 6, replicas: 1,
		recordSize: 100, perSec: 100000, records: 3000e3, warmUp: 1200e3, props: with(linkedin, "1")},
	{name: "full-speed-1k", like: "none: large records and batches", brokers: 1, partitions: 1, replicas: 1,
		recordSize: 1024, perSec: -1, records: 6e6, warmUp: 2e6, props: with(large, "1")},
	{name: "fixed-rate-r1-p16", like: "bartholomew-2019 nofsync-p1 with 16 partitions, one broker", brokers: 1,
		partitions: 16, replicas: 1, recordSize: 100, perSec: 50000, records: 1250e3, warmUp: 1000e3,
		props: append(with(omb, "1"), roundRobin)},
	{name: "full-speed-r3-async", like: "linkedin-2014 p1-r3-async", brokers: 3, partitions: 6, replicas: 3,
		recordSize: 100, perSec: -1, records: 8e6, warmUp: 4e6, props: with(linkedin, "1")},
	{name: "full-speed-r3", like: "linkedin-2014 p1-r3, acks=all", brokers: 3, partitions: 6, replicas: 3,
		recordSize: 100, perSec: -1, records: 6e6, warmUp: 3e6, props: with(linkedin, "all")},
	{name: "fixed-rate-r3", like: "bartholomew-2019 nofsync-p1", brokers: 3, partitions: 1, replicas: 3,
		recordSize: 100, perSec: 50000, records: 1500e3, warmUp: 1000e3, props: with(omb, "all")},
	{name: "fixed-rate-r3-flush", like: "bartholomew-2019 fsync-p1", brokers: 3, partitions: 1, replicas: 3,
		flushEach: true, recordSize: 100, perSec: 50000, records: 1500e3, warmUp: 1000e3, props: with(omb, "all")},
}
