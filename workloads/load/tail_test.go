package load

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/results"
)

// Goal: buckets follow each other and are narrow. Method: the ends of each, and
// latencies of all lengths.
func TestTailBuckets(t *testing.T) {
	for b := range tailBuckets - 1 {
		low, next := tailLowest(b), tailLowest(b+1)
		if tailBucket(low) != b || tailBucket(next-1) != b || next <= low {
			t.Fatalf("bucket %d is from %d to %d, whose buckets are %d and %d", b, low, next, tailBucket(low),
				tailBucket(next-1))
		}
		if width := float64(next-low) / float64(max(1, low)); low >= 32 && width > 1.0/16 {
			t.Fatalf("bucket %d, from %d, is %.3f of it wide", b, low, width)
		}
	}
	for _, ns := range []int64{-5, 0, 1, math.MaxInt64} {
		if b := tailBucket(ns); b < 0 || b >= tailBuckets {
			t.Errorf("%d ns are in bucket %d", ns, b)
		}
	}
}

// Goal: the slowest records are 1 % of them, no more than share a bucket with it, and
// their stages are those of each. Method: batches at random, of single records and of
// stretches, in a warm-up and a window of several seconds and members, against a list.
func TestTail(t *testing.T) {
	type one struct{ latency, network int64 }
	for _, seed := range []uint64{1, 2, 3} {
		random := rand.New(rand.NewPCG(seed, 9))
		s := NewSeries(SeriesConfig{Warmup: time.Second})
		var all []one
		for range 2 {
			m := s.joinProducer()
			for at := env.Time(0); at < env.Time(4*time.Second); at += env.Time(random.Int64N(2e7)) {
				m.at(at)
				sent := at - env.Time(random.ExpFloat64()*1e6)
				b := producer.Batch{Records: 1 + random.IntN(30)}
				for i := protocol.StageClosed; i <= protocol.StageSent; i++ {
					b.Stamps[i] = sent
				}
				first := sent - env.Time(random.Int64N(1e6))
				if seed == 3 {
					b.Stretches = []producer.Stretch{{First: first, Last: sent, Count: b.Records}}
				}
				before := m.latency
				for i := range b.Records {
					intended := first + env.Time(i)
					if seed == 3 {
						walk := b.Stretches[0].Walk(i)
						intended = walk.Next()
					} else {
						b.Intended = append(b.Intended, intended)
					}
					m.record(int64(at - intended))
					if at >= env.Time(time.Second) {
						all = append(all, one{int64(at - intended), int64(at - sent)})
					}
				}
				m.produced(&b, at, before)
				m.records += int64(b.Records)
			}
			m.end(env.Time(4 * time.Second))
		}
		tail := s.Tail()
		var records, slower, latency, network int64
		for _, o := range all {
			if o.latency >= tail.FromNS {
				records++
				latency, network = latency+o.latency, network+o.network
			}
			if o.latency >= tailLowest(tailBucket(tail.FromNS)+1) {
				slower++
			}
		}
		if tail.Records != records || 100*records < int64(len(all)) || 100*slower >= int64(len(all)) {
			t.Errorf("seed %d: %d records from %d ns on, there are %d of %d, and %d above", seed, tail.Records, tail.FromNS,
				records, len(all), slower)
		}
		near := func(got float64, total int64) bool { return math.Abs(got-float64(total)/float64(records)) < 0.01 }
		if len(tail.Stages) != 2 || tail.Stages[1].Name != results.StageNetwork || !near(tail.Stages[1].MeanNS, network) ||
			!near(results.SumNS(tail.Stages), latency) {
			t.Errorf("seed %d: stages %+v of %d ns, network %d", seed, tail.Stages, latency, network)
		}
		if merged := MergeSeries(s).Tail(); merged.Records != tail.Records || merged.FromNS != tail.FromNS {
			t.Errorf("seed %d: merged %+v", seed, merged)
		}
	}
	if few := NewSeries(SeriesConfig{}).Tail(); few != nil {
		t.Errorf("of no records: %+v", few)
	}
}

// BenchmarkStages is what a record of a batch of 100 costs: its latency in the histogram,
// and the stages and the tail beside it. Records come 50 us apart, or 1 us as at full
// speed.
func BenchmarkStages(b *testing.B) {
	for _, gap := range []time.Duration{50 * time.Microsecond, time.Microsecond} {
		for _, stages := range []bool{false, true} {
			name := map[bool]string{false: "latency", true: "and stages"}[stages]
			b.Run(fmt.Sprintf("%v apart/%s", gap, name), func(b *testing.B) {
				const records = 100
				m := NewSeries(SeriesConfig{}).joinProducer()
				batch := producer.Batch{Records: records}
				now := env.Time(time.Second)
				for i := range records {
					batch.Intended = append(batch.Intended, now.Add(-10*time.Millisecond+time.Duration(i)*gap))
				}
				for i := range batch.Stamps {
					batch.Stamps[i] = now.Add(-4 * time.Millisecond)
				}
				b.ReportAllocs()
				for b.Loop() {
					before := m.latency
					for _, intended := range batch.Intended {
						m.record(int64(now - intended))
					}
					if stages {
						m.service.RecordMany(1000, records)
						m.produced(&batch, now, before)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
			})
		}
	}
}
