package run

import (
	"brokerlab/engine/client"
	"brokerlab/engine/protocol"
	"brokerlab/workloads/load"
	"brokerlab/workloads/records"
)

// findEnds asks the leaders where their logs end. No producer is left, so they
// end for good.
func (r *repeat) findEnds() error {
	targets := make([]load.Target, len(r.plan.Partitions))
	j := newJoin(r.driver)
	j.start(r.verifier, "list-offsets", func() error {
		cfg, err := consumerConfig(r.consumers[0].s, "verifier")
		if err != nil {
			return err
		}
		md, err := client.FetchMetadata(r.verifier, cfg.Bootstrap, cfg.ClientID, nil, cfg.RequestTimeout)
		if err != nil {
			return err
		}
		tps := r.assignedTo(0, 1)
		offsets, err := client.ListOffsets(r.verifier, md, cfg.ClientID, protocol.DebuggingReplicaID, tps,
			protocol.LatestOffset, cfg.RequestTimeout)
		for i, end := range offsets {
			targets[i] = load.Target{TopicPartition: tps[i], End: end}
		}
		return err
	})
	if err := j.wait(); err != nil {
		return err
	}
	r.targets.Store(&targets)
	return nil
}

// readBack reads every partition from its beginning and holds it against what
// was acknowledged. What consumers did or did not read is nothing to it.
func (r *repeat) readBack() error {
	r.live.phase("reading back")
	observer := r.check.Observer()
	var deleted int64 // by retention
	var sources []*records.Source
	for _, c := range r.producers {
		for range c.count {
			sources = append(sources, c.shared.Records)
		}
	}
	j := newJoin(r.driver)
	j.start(r.verifier, "read-back", func() error {
		cfg, err := consumerConfig(r.consumers[0].s, "verifier")
		if err != nil {
			return err
		}
		cfg.FetchMinBytes = 1
		deleted, err = load.ReadBack(r.verifier, sources, cfg, *r.targets.Load(), observer)
		return err
	})
	if err := j.wait(); err != nil {
		return err
	}
	r.found = r.check.Result().WithoutDeleted(deleted)
	return nil
}
