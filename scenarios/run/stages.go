package run

import (
	"sync/atomic"

	"brokerlab/engine/broker"
	"brokerlab/engine/env"
	"brokerlab/results"
	"brokerlab/workloads/load"
)

// recentBatches is of how many batches each broker remembers when it appended them,
// so that consumers can tell where the time went: some 14 MB if all are used.
const recentBatches = 1 << 16

// timing is what a repeat measures besides latency from the intended instant: its
// fsyncs, what brokers have not forced, and where the processor's time went.
type timing struct {
	flushed *load.Series
	flushes atomic.Pointer[load.Flushes] // nil before the load
	logs    []*logWatch                  // by broker
	process *processWindow               // nil in a simulated world
}

// logWatch watches the logs of one broker (commitlog.Observer).
type logWatch struct {
	of             *timing
	records, bytes atomic.Int64 // not forced
}

// Fsync implements commitlog.Observer.
func (l *logWatch) Fsync(began, ended env.Time) { l.of.flushes.Load().Fsync(began, ended) }

// Unflushed implements commitlog.Observer.
func (l *logWatch) Unflushed(records, bytes int64) {
	l.records.Add(records)
	l.bytes.Add(bytes)
}

// watchLogs makes a broker, the next one, tell what it does to its logs.
func (r *repeat) watchLogs(cfg *broker.Config) {
	if r.unmeasured {
		return
	}
	w := &logWatch{of: &r.timing}
	r.timing.logs = append(r.timing.logs, w)
	for i := range cfg.Topics {
		cfg.Topics[i].Log.Observer = w
	}
	cfg.RecentBatches = recentBatches
}

// beginTiming begins with the load.
func (r *repeat) beginTiming() {
	r.timing.flushed = load.NewSeries(load.SeriesConfig{Start: r.loadFrom, Warmup: r.s.Load.Warmup, Closed: true})
	r.timing.flushes.Store(load.NewFlushes(r.timing.flushed, r.shared.End))
	if r.stage.real && !r.unmeasured {
		r.timing.process = &processWindow{}
	}
}

// endLoad ends the measured window, the first time that it is told.
func (t *timing) endLoad(now env.Time) {
	t.process.end()
	t.flushes.Load().End(now)
}

// unflushedReading is what a broker has appended and not forced.
type unflushedReading struct{ records, bytes int64 }

// addUnflushed adds the logs to a reading: to each broker, or to the machine that they
// share.
func (t *timing) addUnflushed(r *reading) {
	var all unflushedReading
	for i, l := range t.logs {
		of := unflushedReading{records: l.records.Load(), bytes: l.bytes.Load()}
		all.records, all.bytes = all.records+of.records, all.bytes+of.bytes
		for k := range r.nodes {
			if r.nodes[k].name == brokerName(i) && r.nodes[k].cpu {
				r.nodes[k].unflushed = &of
			}
		}
	}
	if len(r.nodes) > 0 && r.nodes[0].name == machineName {
		r.nodes[0].unflushed = &all
	}
}

// fillTiming takes the stages, errors and processor time of a repeat.
func (r *repeat) fillTiming(out *results.Repeat) {
	out.Retries, out.Errors = r.shared.Failures.Retries(), r.shared.Failures.Errors()
	b := &results.Breakdown{}
	produced := seriesOf(r.producers, inLoad)
	sums, records := produced.Stages()
	b.Produce, b.ProduceRecords, b.ProduceTail = sums.Means(records), records, produced.Tail()
	if along := tail(r.consumers); clientsIn(along) > 0 { // what waits for its readers has no stages that mean something
		sums, records = seriesOf(along, inLoad).Stages()
		b.EndToEnd, b.EndToEndRecords = sums.Means(records), records
	}
	if b.ProduceRecords+b.EndToEndRecords > 0 {
		out.Breakdown = b
	}
	if r.meter != nil {
		out.CPUParts = r.meter.cpuParts()
	}
	if p := r.timing.process; p != nil {
		out.Wall.Process, out.Wall.CPUParts = p.result()
	}
}
