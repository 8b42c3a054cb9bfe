package path

import (
	"errors"
	"fmt"
	"time"

	"brokerlab/cmd/bench/measure"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/task"
)

// bootstrap is where clients learn of the cluster.
const bootstrap = "broker-1:9092"

// burstsPerSec is how often a producer with a rate wakes up, and so the least
// rate: waking up must cost little beside the path.
const burstsPerSec = 50

// lookEvery is after how many records a producer looks whether its time is over.
const lookEvery = 256

// Load is what producers send in one measurement. Producer i
// is a process of its own and sends to partition First+i*Step.
type Load struct {
	Producers   int
	First       int // partition; -1: the producers choose
	Step        int // 0: all to the same partition
	RatePerSec  int // records, over all producers, in bursts; 0 = as fast as they can
	RecordBytes int
	Burst       int   // records that a producer hands over by one call, a divisor of 256; 0 is 1
	BatchBytes  int   // batch.size
	BufferBytes int64 // buffer.memory, all of which is waited for after Span; 0 = Kafka's default
	Acks        int16
	Span        time.Duration // when to stop; 0 = never
	Records     int64         // when to stop, over all producers; 0 = never
}

// Produced is what a load came to.
type Produced struct {
	Records   int64 // acknowledged
	Batches   int64 // that held them
	WireBytes int64 // of the batches, as they are in the log
	Usage     measure.Usage
}

// PerSec is records a second.
func (p Produced) PerSec() float64 { return float64(p.Records) / p.Usage.Elapsed.Seconds() }

// BatchesPerSec is batches a second.
func (p Produced) BatchesPerSec() float64 { return float64(p.Batches) / p.Usage.Elapsed.Seconds() }

// BatchBytes is the mean size of a batch in the log, header included.
func (p Produced) BatchBytes() int { return int(p.WireBytes / max(1, p.Batches)) }

// Produce connects the producers, measures from the first record to the last
// acknowledgement, and closes them.
func (c *Cluster) Produce(l Load) (Produced, error) {
	if l.Producers > len(c.clients) || l.Span == 0 && l.Records == 0 {
		panic(fmt.Sprintf("path: load %+v needs a limit and at most %d producers", l, len(c.clients)))
	}
	var connected, begun, done, closed *task.Semaphore
	for _, gate := range []**task.Semaphore{&connected, &begun, &done, &closed} {
		var err error
		if *gate, err = newGate(c.driver, l.Producers); err != nil {
			return Produced{}, err
		}
	}
	workers := make([]worker, l.Producers)
	for i := range workers {
		w := &workers[i]
		*w = worker{c: c, load: l, node: c.clients[i], partition: int32(l.First + i*l.Step)}
		w.node.Go("produce", func() {
			w.connect()
			connected.Release(1)
			_ = begun.Acquire(1, env.Never) // it is never closed
			w.send()
			done.Release(1)
			w.close()
			closed.Release(1)
		})
	}
	n := int64(l.Producers)
	err := connected.Acquire(n, env.Never)
	watch := measure.Start()
	begun.Release(n)
	err = errors.Join(err, done.Acquire(n, env.Never))
	out := Produced{Usage: watch.Stop()}
	err = errors.Join(err, closed.Acquire(n, env.Never))
	for i := range workers {
		out.Records += workers[i].acked
		out.Batches += workers[i].batches
		out.WireBytes += workers[i].wireBytes
		err = errors.Join(err, workers[i].err)
	}
	return out, err
}

// newGate returns a semaphore of which all n are taken.
func newGate(node env.Node, n int) (*task.Semaphore, error) {
	s := task.NewSemaphore(node, int64(n))
	return s, s.Acquire(int64(n), env.Never)
}

// worker is one producer with its task.
type worker struct {
	c         *Cluster
	load      Load
	node      env.Node
	partition int32
	p         *producer.Producer
	acked     int64
	batches   int64 // acknowledged
	wireBytes int64 // of them
	err       error
	failed    error // of a batch; the producer's tasks set it before send returns
}

func (w *worker) connect() {
	cfg := producer.DefaultConfig()
	cfg.Bootstrap, cfg.Acks, cfg.BatchSize = []string{bootstrap}, w.load.Acks, w.load.BatchBytes
	if w.load.BufferBytes > 0 {
		cfg.BufferMemory = w.load.BufferBytes
	}
	cfg.OnBatch = func(b *producer.Batch) {
		if b.Err != nil {
			w.failed = b.Err
			return
		}
		w.acked += int64(len(b.Intended))
		w.batches++
		w.wireBytes += b.WireBytes
	}
	w.p, w.err = producer.New(w.node, cfg)
}

// send returns when all is acknowledged.
func (w *worker) send() {
	if w.err != nil {
		return
	}
	deadline := env.Never
	if w.load.Span > 0 {
		deadline = w.node.Now().Add(w.load.Span)
	}
	limit := int64(1<<63 - 1)
	if w.load.Records > 0 {
		limit = w.load.Records / int64(w.load.Producers)
	}
	burst := make([]producer.Record, max(1, w.load.Burst))
	for i := range burst {
		burst[i] = producer.Record{Topic: topic, Partition: w.partition}
	}
	size, at := w.load.RecordBytes, 0
	began := w.node.Now()
	for sent := int64(0); sent < limit; sent += int64(len(burst)) {
		if sent%lookEvery == 0 && w.node.Now() >= deadline {
			break
		}
		if rate := int64(w.load.RatePerSec); rate > 0 && sent%(rate/burstsPerSec) == 0 {
			due := began + env.Time(sent*int64(w.load.Producers)*int64(time.Second)/rate)
			w.node.Sleep(due.Sub(w.node.Now()))
		}
		burst = burst[:min(int64(len(burst)), limit-sent)]
		for i := range burst {
			if at+size > len(w.c.values) {
				at = 0
			}
			burst[i].Value = w.c.values[at : at+size]
			at += size
		}
		if w.err = w.sendBurst(burst); w.err != nil {
			return
		}
	}
	w.p.Flush()
}

// sendBurst sends a single record as services do that have one at a time.
func (w *worker) sendBurst(burst []producer.Record) error {
	if len(burst) == 1 {
		return w.p.Send(&burst[0], nil)
	}
	_, err := w.p.SendAll(burst, nil)
	return err
}

func (w *worker) close() {
	if w.p != nil {
		// Only simulated connections can fail here, and send has seen it then.
		w.err = errors.Join(w.err, w.failed, w.p.Close())
	}
}
