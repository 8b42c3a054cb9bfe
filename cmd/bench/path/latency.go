package path

import (
	"errors"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/cmd/bench/measure"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
)

// Pace is records at fixed instants from one producer, each sent at once
// (linger.ms 0) and acknowledged by the leader.
type Pace struct {
	Partition   int
	RecordBytes int
	Interval    time.Duration
	Count       int
}

// Paced is what came of it: how long after the instant at which a record was due
// its acknowledgement arrived, in ns.
type Paced struct {
	Latency *hdrhistogram.Histogram
	Usage   measure.Usage
}

// NewHistogram returns an empty histogram of ns up to 10 s, with three digits.
func NewHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(10*time.Second), 3) }

// ProducePaced sends the records from the driver's task.
func (c *Cluster) ProducePaced(pace Pace) (out Paced, err error) {
	out.Latency = NewHistogram()
	cfg := producer.DefaultConfig()
	cfg.Bootstrap, cfg.Acks, cfg.Linger = []string{bootstrap}, protocol.AcksLeader, 0
	var failed error
	cfg.OnBatch = func(b *producer.Batch) {
		failed = errors.Join(failed, b.Err)
		for _, intended := range b.Intended {
			late := b.Stamps[protocol.StageAcked].Sub(intended)
			failed = errors.Join(failed, out.Latency.RecordValue(int64(late)))
		}
	}
	node := c.clients[0]
	p, err := producer.New(node, cfg)
	if err != nil {
		return out, err
	}
	rec := producer.Record{Topic: topic, Partition: int32(pace.Partition), Value: c.values[:pace.RecordBytes]}
	watch := measure.Start()
	began := node.Now().Add(pace.Interval)
	for i := range pace.Count {
		rec.Intended = began + env.Time(i)*env.Time(pace.Interval)
		node.Sleep(rec.Intended.Sub(node.Now()))
		if err := p.Send(&rec, nil); err != nil {
			return out, errors.Join(err, p.Close())
		}
	}
	p.Flush()
	out.Usage = watch.Stop()
	return out, errors.Join(p.Close(), failed)
}
