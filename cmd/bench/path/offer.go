package path

import (
	"errors"
	"time"

	"brokerlab/cmd/bench/measure"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/results"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/check"
	"brokerlab/workloads/load"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

// Offer is a load at a constant rate by the producers of scenarios, which choose
// their partitions and count latency from the instant at which a record was due.
type Offer struct {
	RatePerSec  float64 // records, over all clients of the cluster
	RecordBytes int
	BatchBytes  int // batch.size
	Linger      time.Duration
	BufferBytes int64 // buffer.memory; 0 = Kafka's default
	Acks        int16
	Slice       time.Duration // load.ProducerConfig.Slice
	Modelled    bool          // sizes instead of bytes
	Span        time.Duration
}

// Offered is what came of it.
type Offered struct {
	Records  int64 // acknowledged
	Wire     int64 // bytes of their batches
	Failed   int64
	Usage    measure.Usage
	Steps    uint64 // kernel events
	Latency  results.Latency
	Lateness arrival.Lateness
}

// settleTime is how long clients have to connect.
const settleTime = time.Second

// Offer sends the load and returns when all of it is acknowledged.
func (c *Cluster) Offer(o Offer) (Offered, error) {
	shared, checker, err := c.offerParts(o)
	if err != nil {
		return Offered{}, err
	}
	clients := int64(len(c.clients))
	done, err := newGate(c.driver, len(c.clients))
	if err != nil {
		return Offered{}, err
	}
	watch, steps := measure.Start(), c.Steps()
	failures := make([]error, clients)
	var out Offered
	for i, node := range c.clients {
		cfg := load.ProducerConfig{Number: uint16(i), Topic: topic, Slice: o.Slice, Sender: checker.Sender(uint16(i)),
			Client:  o.client(),
			Arrival: arrival.Config{Start: shared.End.Add(-o.Span), RatePerSec: o.RatePerSec, Producers: int(clients), Index: i}}
		node.Go("offer", func() {
			got, err := load.Produce(node, shared, cfg)
			failures[i] = errors.Join(err, got.FirstError)
			out.Wire += got.WireBytes
			out.Lateness = out.Lateness.Add(got.Lateness)
			done.Release(1)
		})
	}
	err = done.Acquire(clients, env.Never)
	out.Usage, out.Steps = watch.Stop(), c.Steps()-steps
	out.Records, out.Failed = shared.Acked.Load(), shared.Failed.Load()
	out.Latency = results.Summarize(results.Measured(shared.Series.Latencies(1)))
	return out, errors.Join(err, errors.Join(failures...))
}

func (c *Cluster) offerParts(o Offer) (*load.Group, *check.Checker, error) {
	begin := c.driver.Now().Add(settleTime)
	shared := &load.Group{Series: load.NewSeries(load.SeriesConfig{Start: begin}),
		Shared: &load.Shared{End: begin.Add(o.Span), Replicas: int64(c.cfg.Replicas)}}
	corpus := payload.Config{Kind: payload.Random, Size: o.RecordBytes, Seed: 1}
	var err error
	if o.Modelled {
		shared.Model, err = payload.NewModel(payload.ModelConfig{Config: corpus})
	} else {
		shared.Records, err = records.Of(corpus)
	}
	if err != nil {
		return nil, nil, err
	}
	checker, err := check.New(check.Config{Producers: len(c.clients), Partitions: c.cfg.Partitions})
	return shared, checker, err
}

func (o Offer) client() producer.Config {
	cfg := producer.DefaultConfig()
	cfg.Bootstrap, cfg.Acks, cfg.BatchSize, cfg.Linger = []string{bootstrap}, o.Acks, o.BatchBytes, o.Linger
	if o.BufferBytes > 0 {
		cfg.BufferMemory = o.BufferBytes
	}
	return cfg
}
