package spec

import (
	"fmt"
	"math/bits"
	"strings"
)

// batchOverhead is the most that a record of valueBytes, without key and headers,
// takes in a batch of its own, besides the value: Kafka's
// AbstractRecords.estimateSizeInBytesUpperBound.
func batchOverhead(valueBytes int64) int64 {
	const (
		batchHeader    = 61
		recordOverhead = 21 // DefaultRecord.MAX_RECORD_OVERHEAD
		keyAndHeaders  = 2  // a null and a count of 0
	)
	valueLength := (bits.Len64(uint64(valueBytes)<<1) + 6) / 7 // a zigzag varint
	return batchHeader + recordOverhead + keyAndHeaders + int64(valueLength)
}

// contradiction is a rule about several settings. Each setting by itself was
// checked by its notation.
type contradiction struct {
	// paths are the settings that the rule is about; the fault is reported at
	// the first of them that was written down.
	paths []string
	// broken returns what is wrong, or "".
	broken func(s *Scenario) string
}

func tooLarge(path string, bytes int64, limitPath string, limit int64) string {
	if bytes <= limit {
		return ""
	}
	return fmt.Sprintf("%s %s is more than %s %s", path, formatBytes(bytes), limitPath, formatBytes(limit))
}

func recordTooLarge(s *Scenario, limitPath string, limit int64) string {
	overhead := batchOverhead(s.Records.Size)
	if s.Records.Size+overhead <= limit {
		return ""
	}
	return fmt.Sprintf("a record of %s does not fit in %s %s: its batch needs %d bytes more",
		formatBytes(s.Records.Size), limitPath, formatBytes(limit), overhead)
}

var contradictions = []contradiction{
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
	{[]string{"consumers.read", "consumers.count"}, func(s *Scenario) string {
		if s.Consumers.Read == ReadTail || s.Consumers.Count > 0 {
			return ""
		}
		return "nobody reads the backlog: consumers.count is 0"
	}},
	{[]string{"host.heap", "host.memory"}, func(s *Scenario) string {
		if s.Host.Heap < s.Host.Memory {
			return ""
		}
		return fmt.Sprintf("heap %s leaves no page cache of memory %s", formatBytes(s.Host.Heap),
			formatBytes(s.Host.Memory))
	}},
	{[]string{"load.max-bytes", "records.size"}, func(s *Scenario) string {
		if s.Load.MaxBytes == 0 || s.Load.MaxBytes >= s.Records.Size {
			return ""
		}
		return fmt.Sprintf("max-bytes %s ends the load before its first record of %s",
			formatBytes(s.Load.MaxBytes), formatBytes(s.Records.Size))
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
}

// Validate reports the settings that contradict each other. It has no places to
// point to: File.Cells reports the same with file and line. Single settings are
// taken as their notation leaves them.
func (s *Scenario) Validate() error {
	var errs Errors
	for _, c := range contradictions {
		if msg := c.broken(s); msg != "" {
			errs = append(errs, Error{File: s.Name, Path: c.paths[0], Message: msg})
		}
	}
	return errs.orNil()
}

// cellFaults gathers the faults of all cells, each once with the cells that
// have it.
type cellFaults []cellFault

type cellFault struct {
	Error
	cell  string // the first one that has it
	count int
}

func (faults *cellFaults) collect(file string, cell *Cell, origins map[string]origin) {
	for _, c := range contradictions {
		msg := c.broken(&cell.Scenario)
		if msg == "" {
			continue
		}
		path, at := c.paths[0], origin{line: 1, column: 1}
		for _, p := range c.paths {
			if o, written := origins[p]; written {
				path, at = p, o
				break
			}
		}
		faults.add(at.fault(file, path, msg), cell.String())
	}
}

func (faults *cellFaults) add(e Error, cell string) {
	for i := range *faults {
		if (*faults)[i].Error == e {
			(*faults)[i].count++
			return
		}
	}
	*faults = append(*faults, cellFault{Error: e, cell: cell, count: 1})
}

// errors names the cells of each fault, unless all of them have it.
func (faults cellFaults) errors(cellCount int) Errors {
	var errs Errors
	for _, f := range faults {
		switch {
		case f.count == cellCount:
		case f.count == 1:
			f.Message += " (cell " + f.cell + ")"
		default:
			f.Message += fmt.Sprintf(" (cell %s and %d more)", f.cell, f.count-1)
		}
		errs = append(errs, f.Error)
	}
	return errs
}

// String names the cell by its labels: "compression.type=gzip, rate=max"; empty
// for the only cell of a scenario without vary.
func (c Cell) String() string {
	texts := make([]string, len(c.Labels))
	for i, l := range c.Labels {
		texts[i] = l.Name + "=" + l.Value
	}
	return strings.Join(texts, ", ")
}
