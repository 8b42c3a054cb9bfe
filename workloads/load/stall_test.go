package load_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/task"
	"brokerlab/results"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/load"
)

// Goal: of an open loop whose Send blocks, records that are due for longer than the
// tolerance are given up and counted; with catch-up all are sent, after the load if
// need be, and the stall is in their latencies. In both cases none is forgotten.
// Method: 1,000 records a second for 200 ms into a buffer that holds some 20 of them,
// on a disk that takes 40 ms for each append; singly and in slices.
func TestStall(t *testing.T) {
	const rate, span, tolerance, stall = 1000, 200 * time.Millisecond, 10 * time.Millisecond, 40 * time.Millisecond
	for _, c := range []struct {
		why     string
		catchUp bool
		slice   time.Duration
	}{
		{"without catching up", false, 0},
		{"without catching up, in slices", false, 5 * time.Millisecond},
		{"catching up", true, 0},
		{"catching up, in slices", true, 5 * time.Millisecond},
	} {
		t.Run(c.why, func(t *testing.T) {
			disk := simfs.DefaultConfig()
			disk.AppendCost = stall
			inWorlds(t, disk, func(t *testing.T, n env.Node) {
				l := newLoaded(t, n, false)
				begin := l.shared.End - env.Time(span)
				cfg := l.producerConfig(arrival.Config{Start: begin, RatePerSec: rate, CatchUp: c.catchUp, Tolerance: tolerance})
				cfg.Slice = c.slice
				out, err := load.Produce(n, &l.produces, cfg)
				if err != nil || out.FirstError != nil {
					t.Fatal(err, out.FirstError)
				}
				due := int64(rate * span.Seconds())
				late := out.Lateness
				if out.Sent+late.Unsent != due || late.Taken != out.Sent || l.shared.Acked.Load() != out.Sent {
					t.Errorf("%d sent and %d unsent of %d, %d acknowledged", out.Sent, late.Unsent, due, l.shared.Acked.Load())
				}
				if sum(out.Offered) != due || sum(out.Unsent) != late.Unsent {
					t.Errorf("intervals have %d records, %d of them unsent", sum(out.Offered), sum(out.Unsent))
				}
				longest := results.Summarize(results.Measured(l.produces.Series.Latencies(1))).Max
				switch {
				case !c.catchUp && (late.Unsent == 0 || late.Max > tolerance+c.slice):
					t.Errorf("%+v without catching up", late)
				case c.catchUp && (late.Unsent != 0 || late.Max < stall || longest < int64(late.Max)):
					t.Errorf("%+v and a latency of %v catching up", late, time.Duration(longest))
				}
				if strings.HasSuffix(t.Name(), "/sim") && c.catchUp && n.Now() < l.shared.End {
					t.Error("caught up before the end of the load: that was no stall")
				}
			})
		})
	}
}

// producerConfig is a producer whose batches and buffer are small.
func (l *loaded) producerConfig(a arrival.Config) load.ProducerConfig {
	a.Producers = 1
	cfg := load.ProducerConfig{Topic: "t", Client: producer.DefaultConfig(), Sender: l.checker.Sender(0), Arrival: a}
	cfg.Client.Bootstrap, cfg.Client.Linger = []string{addr}, 0
	cfg.Client.BatchSize, cfg.Client.BufferMemory = 2048, 6000
	return cfg
}

// produceGivenUp is what a producer did that is given up at an instant.
func (l *loaded) produceGivenUp(t *testing.T, n env.Node, cfg load.ProducerConfig, at env.Time) load.Produced {
	g := task.NewGroup(n)
	g.Go("give up", func() error {
		n.Sleep(at.Sub(n.Now()))
		l.shared.AbortProducers()
		return nil
	})
	out, err := load.Produce(n, &l.produces, cfg)
	if err := errors.Join(err, g.Wait()); err != nil {
		t.Fatal(err)
	}
	return out
}

// Goal: producers that are given up after the load send nothing more: what was under way
// has failed, and the rest is unsent, though they were to catch up. Method: the stall of
// TestStall, given up 100 ms after the load; singly and in slices.
func TestGivenUpAfterTheLoad(t *testing.T) {
	const rate, span = 1000, 200 * time.Millisecond
	for _, slice := range []time.Duration{0, 5 * time.Millisecond} {
		disk := simfs.DefaultConfig()
		disk.AppendCost = 100 * time.Millisecond
		inWorlds(t, disk, func(t *testing.T, n env.Node) {
			l := newLoaded(t, n, false)
			cfg := l.producerConfig(arrival.Config{Start: l.shared.End - env.Time(span), RatePerSec: rate, CatchUp: true,
				Tolerance: time.Second})
			cfg.Slice = slice
			out := l.produceGivenUp(t, n, cfg, l.shared.End.Add(100*time.Millisecond))
			due := int64(rate * span.Seconds())
			acked, failed := l.shared.Acked.Load(), l.shared.Failed.Load()
			if out.Sent+out.Lateness.Unsent != due || acked+failed != out.Sent || sum(out.Offered) != due {
				t.Errorf("%d sent, %d unsent, %d in intervals, of %d; %d acknowledged, %d failed", out.Sent,
					out.Lateness.Unsent, sum(out.Offered), due, acked, failed)
			}
			if slice == 0 && (failed > 40 || out.Lateness.Unsent < 50) { // the buffer holds some 25
				t.Errorf("%d failed, %d are unsent", failed, out.Lateness.Unsent)
			}
		})
	}
}

// Goal: bytes of records that never left their producer are not counted as sent. Method:
// the same with one request at a time and a buffer of eight batches, of which one is under
// way when the producer is given up.
func TestNeverSent(t *testing.T) {
	disk := simfs.DefaultConfig()
	disk.AppendCost = 250 * time.Millisecond
	inWorlds(t, disk, func(t *testing.T, n env.Node) {
		l := newLoaded(t, n, false)
		cfg := l.producerConfig(arrival.Config{Start: l.shared.End.Add(-200 * time.Millisecond), RatePerSec: 1000,
			Tolerance: time.Second})
		cfg.Client.MaxInFlight, cfg.Client.BufferMemory = 1, 8*2048
		out := l.produceGivenUp(t, n, cfg, l.shared.End)
		acked, failed := l.shared.Acked.Load(), l.shared.Failed.Load()
		if out.RecordBytes > 3*2048 || out.RawBytes > 3*2048 || out.WireBytes > 3*2048 || failed < 30 {
			t.Errorf("%d bytes of records, %d in batches, %d on the wire of %d acknowledged and %d failed records",
				out.RecordBytes, out.RawBytes, out.WireBytes, acked, failed)
		}
	})
}

func sum(counts []int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}

// Goal: what is due in the last moment of a load is sent, at a rate that changes too,
// and the count of each interval is that of the curve. Method: a ramp over the load, in
// the simulated world, where nothing else keeps it from being on time; its last record
// is due less than 100 us before the end.
func TestLastRecords(t *testing.T) {
	inWorlds(t, simfs.DefaultConfig(), func(t *testing.T, n env.Node) {
		l := newLoaded(t, n, false)
		begin := l.shared.End - env.Time(200*time.Millisecond)
		curve, err := arrival.NewCurve([]arrival.Piece{{Length: 200 * time.Millisecond, From: 0, To: 20000}}, arrival.Hold)
		if err != nil {
			t.Fatal(err)
		}
		cfg := load.ProducerConfig{Topic: "t", Client: producer.DefaultConfig(), Sender: l.checker.Sender(0),
			Arrival: arrival.Config{Start: begin, Curve: curve, Producers: 1}}
		cfg.Client.Bootstrap = []string{addr}
		out, err := load.Produce(n, &l.produces, cfg)
		if err != nil {
			t.Fatal(err)
		}
		const due = 2000
		if out.Sent+out.Lateness.Unsent != due || sum(out.Offered) != due {
			t.Errorf("%d sent, %d unsent, %d in intervals, of %d", out.Sent, out.Lateness.Unsent, sum(out.Offered), due)
		}
		if strings.HasSuffix(t.Name(), "/sim") && out.Lateness.Unsent+out.Lateness.Late > 0 {
			t.Errorf("%+v where nothing holds up", out.Lateness)
		}
	})
}
