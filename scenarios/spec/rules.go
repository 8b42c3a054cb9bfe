package spec

import (
	"fmt"
	"slices"
)

var contradictions = slices.Concat(recordContradictions, implausible, []contradiction{
	{[]string{"topic.replication.factor", "cluster.brokers"}, func(s *Scenario) string {
		if s.Topic.ReplicationFactor <= s.Cluster.Brokers {
			return ""
		}
		return fmt.Sprintf("replication.factor %d needs as many brokers, and there are %d",
			s.Topic.ReplicationFactor, s.Cluster.Brokers)
	}},
	{[]string{"cluster.broker.heartbeat.interval.ms", "cluster.broker.session.timeout.ms"}, func(s *Scenario) string {
		if s.Cluster.HeartbeatInterval < s.Cluster.SessionTimeout {
			return ""
		}
		return fmt.Sprintf("with heartbeat.interval.ms %s every session of %s ends between two heartbeats",
			formatSpan(s.Cluster.HeartbeatInterval), formatSpan(s.Cluster.SessionTimeout))
	}},
	// KafkaConfig.validateValues.
	{[]string{"cluster.queued.max.request.bytes", "cluster.socket.request.max.bytes"}, func(s *Scenario) string {
		if s.Cluster.QueuedBytes == 0 || s.Cluster.QueuedBytes >= s.Cluster.RequestMaxBytes {
			return ""
		}
		return fmt.Sprintf("queued.max.request.bytes %s must be at least socket.request.max.bytes %s",
			formatBytes(s.Cluster.QueuedBytes), formatBytes(s.Cluster.RequestMaxBytes))
	}},
	{[]string{"producers.max.request.size", "cluster.socket.request.max.bytes"}, func(s *Scenario) string {
		return tooLarge("max.request.size", s.Producers.MaxRequestSize, "socket.request.max.bytes",
			s.Cluster.RequestMaxBytes)
	}},
	{[]string{"producers.batch.size", "producers.max.request.size"}, func(s *Scenario) string {
		return tooLarge("batch.size", s.Producers.BatchSize, "max.request.size", s.Producers.MaxRequestSize)
	}},
	{[]string{"producers.batch.size", "topic.max.message.bytes"}, func(s *Scenario) string {
		return tooLarge("batch.size", s.Producers.BatchSize, "max.message.bytes", s.Topic.MaxMessageBytes)
	}},
	{[]string{"producers.batch.size", "producers.buffer.memory"}, func(s *Scenario) string {
		return tooLarge("batch.size", s.Producers.BatchSize, "buffer.memory", s.Producers.BufferMemory)
	}},
	{[]string{"producers.batch.size", "topic.segment.bytes"}, func(s *Scenario) string {
		return tooLarge("batch.size", s.Producers.BatchSize, "segment.bytes", s.Topic.SegmentBytes)
	}},
	{[]string{"records.size", "producers.max.request.size"}, func(s *Scenario) string {
		return recordTooLarge(s, "max.request.size", s.Producers.MaxRequestSize)
	}},
	{[]string{"records.size", "topic.max.message.bytes"}, func(s *Scenario) string {
		return recordTooLarge(s, "max.message.bytes", s.Topic.MaxMessageBytes)
	}},
	{[]string{"records.size", "producers.buffer.memory"}, func(s *Scenario) string {
		return recordTooLarge(s, "buffer.memory", s.Producers.BufferMemory)
	}},
	{[]string{"records.size", "topic.segment.bytes"}, func(s *Scenario) string {
		return recordTooLarge(s, "segment.bytes", s.Topic.SegmentBytes)
	}},
	{[]string{"producers.compression.implementation", "producers.compression.type"}, implementationMissing},
	{[]string{"producers.delivery.timeout.ms", "producers.linger.ms", "producers.request.timeout.ms"},
		func(s *Scenario) string {
			p := &s.Producers
			if p.DeliveryTimeout == 0 || p.DeliveryTimeout >= p.Linger+p.RequestTimeout {
				return ""
			}
			return fmt.Sprintf("delivery.timeout.ms %s is less than linger.ms + request.timeout.ms, %s",
				formatSpan(p.DeliveryTimeout), formatSpan(p.Linger+p.RequestTimeout))
		}},
	{[]string{"producers.enable.idempotence", "producers.acks", "producers.retries",
		"producers.max.in.flight.requests.per.connection"}, func(s *Scenario) string {
		p := &s.Producers
		if p.Idempotence != "true" || p.Acks == "all" && p.Retries > 0 && p.MaxInFlight <= 5 {
			return ""
		}
		return "enable.idempotence needs acks all, retries above 0 and at most 5 in " +
			"max.in.flight.requests.per.connection"
	}},
	{[]string{"consumers.start", "consumers.read"}, func(s *Scenario) string {
		if s.Consumers.Start == 0 || s.Consumers.Read == ReadTail {
			return ""
		}
		return "start is for consumers that read along: those of read " + s.Consumers.Read + " begin when the load has ended"
	}},
	{[]string{"consumers.start", "load.duration"}, func(s *Scenario) string {
		if s.Consumers.Start < s.Load.Duration {
			return ""
		}
		return fmt.Sprintf("start %s is when the load of duration %s has ended: read is backlog then",
			formatSpan(s.Consumers.Start), formatSpan(s.Load.Duration))
	}},
	{[]string{"host.heap", "host.memory"}, func(s *Scenario) string {
		if s.Host.Heap < s.Host.Memory {
			return ""
		}
		return fmt.Sprintf("heap %s leaves no page cache of memory %s", formatBytes(s.Host.Heap),
			formatBytes(s.Host.Memory))
	}},
	{[]string{"load.max-bytes", "records.size"}, func(s *Scenario) string {
		if s.Load.MaxBytes == 0 || s.Load.MaxBytes >= s.Records.MaxBytes() {
			return ""
		}
		return fmt.Sprintf("max-bytes %s ends the load before its first record of %s",
			formatBytes(s.Load.MaxBytes), formatBytes(s.Records.MaxBytes()))
	}},
	{[]string{"load.warmup", "load.duration"}, func(s *Scenario) string {
		if s.Load.Warmup < s.Load.Duration {
			return ""
		}
		return fmt.Sprintf("warmup %s leaves nothing to measure of duration %s, which includes it",
			formatSpan(s.Load.Warmup), formatSpan(s.Load.Duration))
	}},
	// LogManager schedules "kafka-log-flusher" every
	// log.flush.scheduler.interval.ms, Long.MAX_VALUE by default.
	{[]string{"topic.flush.ms", "cluster.log.flush.scheduler.interval.ms"}, func(s *Scenario) string {
		if s.Topic.FlushMs == 0 || s.Cluster.LogFlushScheduler != 0 {
			return ""
		}
		return "flush.ms has no effect in Kafka while cluster.log.flush.scheduler.interval.ms is never, its default: " +
			"nobody looks whether a flush is due; set that one too, e.g. to " + formatSpan(s.Topic.FlushMs)
	}},
	// KafkaConfig: log.flush.interval.ms, the default of flush.ms, falls back to
	// the scheduler's interval.
	{[]string{"cluster.log.flush.scheduler.interval.ms", "topic.flush.ms"}, func(s *Scenario) string {
		if s.Cluster.LogFlushScheduler == 0 || s.Topic.FlushMs != 0 {
			return ""
		}
		interval := formatSpan(s.Cluster.LogFlushScheduler)
		return "Kafka takes the scheduler's interval for flush.ms as well where that is not set: " +
			"say topic.flush.ms: " + interval + " if you mean it"
	}},
})

// ofAllGroups are rules about all groups together.
var ofAllGroups = []contradiction{
	{[]string{"producers.groups", "producers.count"}, func(s *Scenario) string {
		count := 0
		for _, g := range s.ProducerGroups() {
			count += g.Producers.Count
		}
		switch {
		case count == 0:
			return "nobody produces: count is 0"
		case count > producersMax:
			return fmt.Sprintf("there are %d producers in all groups; at most %d fit", count, producersMax)
		}
		return ""
	}},
	{[]string{"topic.count", "producers.count"}, func(s *Scenario) string {
		count := 0
		for _, g := range s.ProducerGroups() {
			count += g.Producers.Count
		}
		if count == 0 || count >= s.Topic.Count {
			return ""
		}
		return fmt.Sprintf("count %d needs as many producers, each of which writes to one topic, and there are %d",
			s.Topic.Count, count)
	}},
	{[]string{"topic.count", "topic.partitions"}, func(s *Scenario) string {
		if s.Topic.AllPartitions() <= partitionsMax {
			return ""
		}
		return fmt.Sprintf("%d topics of %d partitions are %d partitions; at most %d fit", s.Topic.Count, s.Topic.Partitions,
			s.Topic.AllPartitions(), partitionsMax)
	}},
	{[]string{"consumers.read", "consumers.count"}, func(s *Scenario) string {
		if s.Consumers.Read == ReadTail || s.Consumers.Count > 0 || len(s.Consumers.Groups) > 0 {
			return ""
		}
		return "nobody reads the backlog: consumers.count is 0"
	}},
	{[]string{"load.read.after", "consumers.read"}, func(s *Scenario) string {
		if s.Load.ReadAfter == 0 || s.readsBacklog() {
			return ""
		}
		return "read.after ends the load for consumers of read backlog or cold, and there are none"
	}},
	{[]string{"records.payload", "producers.groups"}, func(s *Scenario) string {
		groups := s.ProducerGroups()
		for _, g := range groups {
			if (g.Records.Payload == PayloadModelled) != (groups[0].Records.Payload == PayloadModelled) {
				return fmt.Sprintf("records of group %s are %s and those of group %s are %s: modelled are all or none",
					groups[0].Name, groups[0].Records.Payload, g.Name, g.Records.Payload)
			}
		}
		return ""
	}},
}

// producersMax is what a record's name has room for (workloads/arrival).
const producersMax = 1 << 16

// readsBacklog says whether a group of consumers begins when the load has ended.
func (s *Scenario) readsBacklog() bool {
	for _, g := range s.ConsumerGroups() {
		if g.Consumers.Read != ReadTail {
			return true
		}
	}
	return false
}

// eachContradiction calls with what is wrong in a scenario, and the paths that it is
// about: of a rule about clients, once for each group that breaks it.
func eachContradiction(s *Scenario, call func(paths []string, message string)) {
	producers, consumers := s.ProducerGroups(), s.ConsumerGroups()
	for _, c := range slices.Concat(contradictions, loadContradictions) {
		kind := c.kindOfGroups()
		groups := []GroupScenario{{Scenario: *s}}
		switch {
		case kind < 0:
		case groupKinds[kind].section == "producers":
			groups = producers
		default:
			groups = consumers
		}
		told := false
		for i := range groups {
			g := &groups[i]
			msg := c.broken(&g.Scenario)
			if msg == "" {
				continue
			}
			paths := c.pathsOf(kind, g.Name, *groupKinds[max(0, kind)].of(s))
			if len(paths) > len(c.paths) {
				call(paths, "group "+g.Name+": "+msg)
			} else if !told { // of all groups that have it from the section
				told = true
				call(paths, msg)
			}
		}
	}
	for _, c := range slices.Concat(ofAllGroups, searchContradictions) {
		if msg := c.broken(s); msg != "" {
			call(c.paths, msg)
		}
	}
}

// kindOfGroups is the kind of groups that a rule is checked for, or -1.
func (c *contradiction) kindOfGroups() int {
	for _, path := range c.paths {
		section, _ := splitPath(path)
		for kind := range groupKinds {
			if st := settingByPath[path]; st != nil && !st.whole &&
				(section == groupKinds[kind].section || slices.Contains(groupKinds[kind].also, section)) {
				return kind
			}
		}
	}
	return -1
}

// pathsOf are a rule's paths: first those that a group has for itself.
func (c *contradiction) pathsOf(kind int, name string, groups []Group) (paths []string) {
	for _, path := range c.paths {
		for _, g := range groups {
			if kind >= 0 && g.Name == name && slices.ContainsFunc(g.Sets, func(s Setting) bool { return s.Path == path }) {
				paths = append(paths, settingByPath[path].ofGroup(kind, name).path)
			}
		}
	}
	return append(paths, c.paths...)
}
