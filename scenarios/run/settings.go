package run

import (
	"fmt"
	"time"

	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/consumer"
	"brokerlab/engine/controller"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/server"
	"brokerlab/scenarios/spec"
)

func brokerName(index int) string { return fmt.Sprintf("broker-%d", index+1) }

// controllerName is the controller's node: it has no disk and holds no records.
const (
	controllerName = "controller"
	controllerAddr = controllerName + ":9093"
)

// bootstrap is the addresses of all brokers (bootstrap.servers).
func bootstrap(s *spec.Scenario) []string {
	addrs := make([]string, s.Cluster.Brokers)
	for i := range addrs {
		addrs[i] = brokerAddr(i)
	}
	return addrs
}

func brokerAddr(index int) string { return brokerName(index) + ":9092" }

// planOf spreads the scenario's topics over its brokers.
func planOf(s *spec.Scenario) (*cluster.Plan, error) {
	brokers := make([]cluster.Broker, s.Cluster.Brokers)
	for i := range brokers {
		brokers[i] = cluster.Broker{ID: int32(i + 1), Addr: brokerAddr(i)}
	}
	var topics []cluster.Topic
	for _, name := range s.Topic.Names() {
		topics = append(topics, cluster.Topic{Name: name, Partitions: s.Topic.Partitions,
			ReplicationFactor: s.Topic.ReplicationFactor})
	}
	return cluster.Assign(brokers, topics)
}

func brokerConfig(s *spec.Scenario, plan *cluster.Plan, logDirs []string, index int) broker.Config {
	cfg := broker.DefaultConfig()
	cfg.ID, cfg.Plan, cfg.LogDirs = int32(index+1), plan, logDirs
	log := commitlog.DefaultConfig()
	log.SegmentBytes = s.Topic.SegmentBytes
	log.SegmentInterval, log.SegmentIndexBytes = s.Topic.SegmentMs, s.Topic.SegmentIndexBytes
	log.IndexIntervalBytes = s.Topic.IndexInterval
	log.FlushMessages = s.Topic.FlushMessages
	log.FlushInterval = s.Topic.FlushMs
	log.Preallocate = s.Topic.Preallocate
	log.FlushGroupCommit = s.Topic.FlushGroupCommit
	log.FlushIndexes = s.Topic.FlushIndexes
	log.SegmentRecycle = s.Topic.SegmentRecycle
	first := s.ProducerGroups()[0].Producers                     // whose library brokers have
	if kind, err := codec.Parse(first.Compression); err == nil { // else producerConfig says it
		log.Codec, log.Implementation = kind, codec.Implementation(first.Implementation)
	}
	log.RetentionBytes, log.RetentionInterval = s.Topic.RetentionBytes, s.Topic.RetentionMs
	log.MaxMessageBytes = s.Topic.MaxMessageBytes
	for _, name := range s.Topic.Names() {
		cfg.Topics = append(cfg.Topics, broker.TopicLog{Topic: name, Log: log, MinInSync: s.Topic.MinInSync})
	}
	cfg.Controller = controllerAddr
	cfg.ReplicaFetchers, cfg.ReplicaLagTimeMax = s.Cluster.ReplicaFetchers, s.Cluster.ReplicaLagTimeMax
	cfg.HeartbeatInterval = s.Cluster.HeartbeatInterval
	cfg.Server = server.Config{
		NetworkThreads: s.Cluster.NetworkThreads, IOThreads: s.Cluster.IOThreads,
		QueuedRequests: s.Cluster.QueuedRequests, QueuedBytes: s.Cluster.QueuedBytes,
		RequestBytesMax: s.Cluster.RequestMaxBytes,
	}
	if cfg.Server.QueuedBytes == 0 {
		cfg.Server.QueuedBytes = -1
	}
	cfg.ReplicaFetchMaxBytes = int32(s.Cluster.ReplicaFetchMaxBytes)
	cfg.ReplicaFetchMinBytes = int32(s.Cluster.ReplicaFetchMinBytes)
	cfg.ReplicaFetchWaitMax = s.Cluster.ReplicaFetchWaitMax
	cfg.FlushScheduler = s.Cluster.LogFlushScheduler
	cfg.OffsetCheckpoint, cfg.RetentionCheck = s.Cluster.LogOffsetCheckpoint, s.Cluster.LogRetentionCheck
	return cfg
}

func controllerConfig(s *spec.Scenario, plan *cluster.Plan) controller.Config {
	return controller.Config{
		ControllerConfig: cluster.ControllerConfig{
			SessionTimeout: s.Cluster.SessionTimeout, UncleanElection: s.Cluster.UncleanElection,
			AutoRebalance:     s.Cluster.AutoRebalance,
			RebalanceInterval: time.Duration(s.Cluster.ImbalanceCheckSec) * time.Second,
		},
		Addr: controllerAddr, Plan: plan,
	}
}

func producerConfig(s *spec.Scenario, index int) (producer.Config, error) {
	p := &s.Producers
	kind, err := codec.Parse(p.Compression)
	if err != nil {
		return producer.Config{}, err
	}
	cfg := producer.DefaultConfig()
	cfg.ClientID = fmt.Sprintf("producer-%d", index+1)
	cfg.Bootstrap = bootstrap(s)
	cfg.Acks = acksOf(p.Acks)
	cfg.BatchSize, cfg.Linger = int(p.BatchSize), p.Linger
	cfg.BufferMemory, cfg.MaxBlock = p.BufferMemory, p.MaxBlock
	cfg.MaxInFlight, cfg.MaxRequestSize = p.MaxInFlight, int(p.MaxRequestSize)
	cfg.RequestTimeout, cfg.DeliveryTimeout = p.RequestTimeout, p.DeliveryTimeout
	cfg.Retries, cfg.RetryBackoff, cfg.RetryBackoffMax = int(p.Retries), p.RetryBackoff, p.RetryBackoffMax
	cfg.AdaptivePartitioning = p.Adaptive
	if p.Partitioner == producer.RoundRobinPartitioner {
		cfg.Partitioner = p.Partitioner
	}
	switch p.Idempotence {
	case "true":
		cfg.Idempotence = producer.IdempotenceOn
	case "false":
		cfg.Idempotence = producer.IdempotenceOff
	}
	cfg.Compression, cfg.Implementation = kind, codec.Implementation(p.Implementation)
	switch kind {
	case codec.Gzip:
		cfg.Level = p.GzipLevel
	case codec.LZ4:
		cfg.Level = p.LZ4Level
	case codec.Zstd:
		cfg.Level = p.ZstdLevel
	}
	return cfg, cfg.Validate()
}

func acksOf(name string) int16 {
	switch name {
	case "0":
		return protocol.AcksNone
	case "1":
		return protocol.AcksLeader
	default:
		return protocol.AcksAll
	}
}

func consumerConfig(s *spec.Scenario, clientID string) (consumer.Config, error) {
	kind, err := codec.Parse(s.Producers.Compression)
	if err != nil {
		return consumer.Config{}, err
	}
	cfg := consumer.DefaultConfig()
	cfg.Codec, cfg.Implementation = kind, codec.Implementation(s.Producers.Implementation)
	cfg.ClientID = clientID
	cfg.Bootstrap = bootstrap(s)
	cfg.FetchMinBytes = int(s.Consumers.FetchMinBytes)
	cfg.FetchMaxWait = s.Consumers.FetchMaxWait
	cfg.FetchMaxBytes = int(s.Consumers.FetchMaxBytes)
	cfg.MaxPartitionFetchBytes = int(s.Consumers.MaxPartitionFetchBytes)
	cfg.MaxPollRecords = s.Consumers.MaxPollRecords
	return cfg, cfg.Validate()
}

// assignedTo is a consumer's share of the partitions: an even division in the
// manner of Kafka's RoundRobinAssignor. Several topics are divided in their order, so
// that a consumer is of one topic where there are as many for each.
func (r *repeat) assignedTo(consumer, consumers int) (out []protocol.TopicPartition) {
	all := r.plan.Partitions
	from, to, step := consumer, len(all), consumers
	if r.s.Topic.Count > 1 {
		from, to, step = consumer*len(all)/consumers, (consumer+1)*len(all)/consumers, 1
	}
	for i := from; i < to; i += step {
		out = append(out, all[i].TopicPartition)
	}
	return out
}
