package spec

import (
	"fmt"

	"brokerlab/engine/netmodel"
	"brokerlab/workloads/payload"
)

// implausible are combinations that run and tell nothing, or fail for every record:
// what somebody meant was something else.
var implausible = []contradiction{
	// NotEnoughReplicasException for every batch.
	{[]string{"topic.min.insync.replicas", "topic.replication.factor", "producers.acks"}, func(s *Scenario) string {
		if s.Topic.MinInSync <= s.Topic.ReplicationFactor || s.Producers.Acks != "all" {
			return ""
		}
		return fmt.Sprintf("min.insync.replicas %d is more than the replication.factor %d: acks=all is refused always",
			s.Topic.MinInSync, s.Topic.ReplicationFactor)
	}},
	{[]string{"producers.linger.ms", "load.duration"}, func(s *Scenario) string {
		if s.Producers.Linger < s.Load.Duration || s.Producers.Mode == "sync" {
			return ""
		}
		return fmt.Sprintf("linger.ms %s is not less than the load's duration %s: what is not a full batch is sent when the "+
			"load has ended", formatSpan(s.Producers.Linger), formatSpan(s.Load.Duration))
	}},
	{[]string{"consumers.fetch.min.bytes", "consumers.fetch.max.bytes"}, func(s *Scenario) string {
		if s.Consumers.FetchMinBytes <= s.Consumers.FetchMaxBytes {
			return ""
		}
		return fmt.Sprintf("fetch.min.bytes %s is more than fetch.max.bytes %s: every fetch waits for fetch.max.wait.ms",
			formatBytes(s.Consumers.FetchMinBytes), formatBytes(s.Consumers.FetchMaxBytes))
	}},
	{[]string{"load.max-bytes", "load.rate", "load.warmup.rate", "load.warmup"}, func(s *Scenario) string {
		rate, _ := s.Load.RateIn(s.Load.WarmupRate)
		unknown := s.Load.Curved() && s.Load.WarmupRate == RateSame || s.compresses()
		perSec := rate * s.Records.MeanBytes() * float64(s.Topic.ReplicationFactor)
		if s.Load.MaxBytes == 0 || unknown || perSec*s.Load.Warmup.Seconds() < float64(s.Load.MaxBytes) {
			return ""
		}
		return fmt.Sprintf("at %s the %s of max-bytes are written, replicas included, before the warm-up of %s has ended: "+
			"nothing would be measured", perSecond.format(rate), formatBytes(s.Load.MaxBytes), formatSpan(s.Load.Warmup))
	}},
	{[]string{"load.rate", "network.rate", "network.profile", "producers.count"}, overLink},
}

// offeredBytes are those of values in a second; 0 if the load has no rate of its own.
func (s *Scenario) offeredBytes() float64 {
	if s.Load.Closed() || s.Load.Curved() || s.Load.Searched() {
		return 0
	}
	return s.Load.Rate * s.Records.MeanBytes()
}

// compresses says whether what is written of a record may be less than the record.
func (s *Scenario) compresses() bool {
	kind := s.Records.Payload
	if kind == PayloadModelled {
		kind = s.Records.Corpus
	}
	return s.Producers.Compression != "none" && (kind != string(payload.Random) || s.Records.Zeros > 0)
}

// overLink says that records that do not compress are more than the links of their
// producers, or of the brokers, carry. One of several groups is left aside.
func overLink(s *Scenario) string {
	link := float64(s.Network.BytesPerSec)
	if s.Network.BytesPerSec == Auto {
		p, err := netmodel.Profile(s.Network.Profile)
		if err != nil {
			return "" // its own fault
		}
		link = float64(p.Config.BytesPerSec)
	}
	offered := s.offeredBytes()
	if link <= 0 || offered == 0 || s.compresses() || len(s.Producers.Groups) > 0 || s.Producers.Count == 0 {
		return ""
	}
	if each := offered / float64(s.Producers.Count); each > link {
		return fmt.Sprintf("%s of %s are %s of each producer, and its link carries %s: the load falls behind however fast "+
			"the brokers are", perSecond.format(s.Load.Rate), formatBytes(int64(s.Records.MeanBytes())),
			bytesPerSecond.format(int64(each)), bytesPerSecond.format(int64(link)))
	}
	if into := offered * float64(s.Topic.ReplicationFactor) / float64(s.Cluster.Brokers); into > link {
		return fmt.Sprintf("with %d copies on %d brokers each of them receives %s, and its link carries %s: the load falls "+
			"behind however fast the disks are", s.Topic.ReplicationFactor, s.Cluster.Brokers,
			bytesPerSecond.format(int64(into)), bytesPerSecond.format(int64(link)))
	}
	return ""
}

// idleConsumers says that consumers have no partition to read, which is a fault if it is
// so in every cell.
func idleConsumers(s *Scenario, call func(paths []string, message string)) {
	for _, g := range s.ConsumerGroups() {
		if g.Consumers.Count <= s.Topic.AllPartitions() {
			continue
		}
		paths, who := []string{"consumers.count", "topic.partitions"}, ""
		if g.Name != "" {
			paths, who = append([]string{"consumers.groups." + g.Name + ".count"}, paths...), "group "+g.Name+": "
		}
		call(paths, fmt.Sprintf("%s%d consumers are more than there are partitions: some would have nothing to read", who,
			g.Consumers.Count)) // the same words in every cell
		return
	}
}
