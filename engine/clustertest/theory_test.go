package clustertest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// poissonAtLeast is the probability that a Poisson variable of some mean is n or
// more.
func poissonAtLeast(n int, mean float64) float64 {
	term, below := math.Exp(-mean), 0.0
	for k := range n {
		below += term
		term *= mean / float64(k+1)
	}
	return 1 - below
}

// batchTheory is what the accumulator does with records that come at a rate, one
// partition's, of which a batch has room for so many. A batch opens with its first
// record and closes at the end of its linger, or when the first one comes that does
// not go into it:
//
//	size = min(1 + Poisson(rate linger), room), time = min(linger, Erlang(room, rate))
type batchTheory struct {
	size, time float64             // means; time in seconds, from the first record until it leaves
	chance     func(n int) float64 // of a batch of n records
}

func newBatchTheory(rate float64, linger time.Duration, room int) batchTheory {
	mean := rate * linger.Seconds()
	b := batchTheory{size: 1}
	for n := 1; n <= room; n++ {
		p := poissonAtLeast(n, mean)
		b.time += p / rate
		if n < room {
			b.size += p
		}
	}
	b.chance = func(n int) float64 {
		if n < room {
			return poissonAtLeast(n-1, mean) - poissonAtLeast(n, mean)
		}
		return poissonAtLeast(room-1, mean)
	}
	return b
}

// Goal: the producer makes batches of the sizes, and at the times, that linger.ms
// and batch.size give records that come at Poisson instants, and Little's law holds
// for its accumulator. Method: a simulated world in which nothing takes time; a
// broker that answers at once and counts; batches of one partition with room for so
// many records of 500 bytes. Mean size and mean time are the closed form's within 4
// standard errors, the sizes as a whole pass a chi-square test at 4 standard
// deviations, and the mean number of records in the accumulator, as an observer
// finds it who looks at instants of its own, is the rate by the mean time that the
// batches' stamps say, within 5 %.
func TestBatchSizesUnderPoissonArrivals(t *testing.T) {
	rows := []struct {
		rate   float64 // records a second
		linger time.Duration
		room   int
	}{
		{100, 0, 16},           // every record alone
		{100, ms, 16},          // 1 + rate linger = 1.1
		{1000, 5 * ms, 64},     // 6: Kafka's default linger, far from full
		{1000, 5 * ms, 16},     // 16 KiB batches: seldom full
		{3000, 5 * ms, 16},     // linger and size matter alike
		{10_000, 5 * ms, 16},   // size alone
		{10_000, 100 * ms, 16}, // and no linger at all
		{2000, 20 * ms, 2},     // the smallest batch that can be full
		{1000, 5 * ms, 1},      // no room for a second one
	}
	for _, r := range rows {
		t.Run(fmt.Sprintf("%g a second, linger %v, room for %d", r.rate, r.linger, r.room), func(t *testing.T) {
			t.Parallel()
			a := runArrivals(t, r.rate, r.linger, r.room)
			want := newBatchTheory(r.rate, r.linger, r.room)
			n := float64(len(a.sizes))
			t.Logf("%d batches: size %.3f, want %.3f; time %.3f ms, want %.3f", len(a.sizes), mean(a.sizes), want.size,
				1e3*mean(a.times), 1e3*want.time)
			for _, m := range []struct {
				what      string
				got       []float64
				want      float64
				deviation float64
			}{{"size", a.sizes, want.size, deviation(a.sizes)}, {"time", a.times, want.time, deviation(a.times)}} {
				if math.Abs(mean(m.got)-m.want) > 4*m.deviation/math.Sqrt(n)+1e-6*m.want {
					t.Errorf("mean %s is %.6f, want %.6f", m.what, mean(m.got), m.want)
				}
			}
			checkSizes(t, a.sizes, r.room, want)
			inside := a.inside / a.elapsed
			if math.Abs(mean(a.looks)-inside) > 0.05*inside+0.02 {
				t.Errorf("an observer finds %.3f records in the accumulator; by their times there are %.3f", mean(a.looks), inside)
			}
		})
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func deviation(values []float64) float64 {
	m, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / float64(len(values)))
}

// checkSizes is a chi-square test of how many batches there are of each size; sizes
// of which fewer than 10 are expected count as one.
func checkSizes(t *testing.T, sizes []float64, room int, want batchTheory) {
	t.Helper()
	counts := make([]float64, room+1)
	for _, s := range sizes {
		if int(s) > room {
			t.Fatalf("a batch has %g records and room for %d", s, room)
		}
		counts[int(s)]++
	}
	var square, got, expected float64
	classes := 0
	for n := 1; n <= room; n++ {
		got += counts[n]
		expected += want.chance(n) * float64(len(sizes))
		if expected >= 10 || n == room && expected > 0 {
			square += (got - expected) * (got - expected) / max(expected, 1)
			classes++
			got, expected = 0, 0
		}
	}
	free := float64(classes - 1)
	if square > free+4*math.Sqrt(2*free)+1e-6 {
		t.Errorf("sizes %v: chi-square is %.1f with %g degrees of freedom", counts, square, free)
	}
}

// arrivals is what runArrivals saw.
type arrivals struct {
	sizes, times []float64 // of each batch; times in seconds
	looks        []float64 // records in the accumulator, at instants of an observer
	inside       float64   // record-seconds in the accumulator, by the batches' stamps
	elapsed      float64   // seconds
}

// runArrivals sends records at Poisson instants.
func runArrivals(t *testing.T, rate float64, linger time.Duration, room int) (a arrivals) {
	const records, valueBytes, fieldsMax = 10_000, 500, 24
	rng := rand.New(rand.NewPCG(3, uint64(rate)))
	sent, received, inLast := 0, 0, 0.0
	handle := func(p *peer, req *protocol.Request) {
		out := &protocol.ProduceResponse{}
		for _, part := range req.Body.(*protocol.ProduceRequest).Partitions {
			received += len(valuesOf(t, part.Records))
			out.Partitions = append(out.Partitions,
				protocol.ProducePartitionResult{TopicPartition: part.TopicPartition, Stamps: part.Stamps})
		}
		p.reply(req, out)
	}
	runScript(t, exact(0), 1, handle, func(r *rig, _ *script) {
		p := r.producer(func(c *producer.Config) {
			c.Linger, c.BatchSize = linger, record.HeaderSize+room*(valueBytes+fieldsMax)
			c.OnBatch = func(b *producer.Batch) {
				drained := b.Stamps[protocol.StageDrained]
				a.sizes = append(a.sizes, float64(len(b.Intended)))
				a.times = append(a.times, drained.Sub(b.Stamps[protocol.StageCreated]).Seconds())
				a.inside += inLast
				inLast = 0
				for _, at := range b.Intended {
					inLast += drained.Sub(at).Seconds()
				}
			}
		})
		began, done := r.client.Now(), false
		r.client.Go("observer", func() {
			looks := rand.New(rand.NewPCG(4, 4))
			for !done {
				r.client.Sleep(time.Duration(looks.ExpFloat64() * 1e9 / rate))
				a.looks = append(a.looks, float64(sent-received))
			}
		})
		value := make([]byte, valueBytes)
		for range records {
			r.client.Sleep(time.Duration(rng.ExpFloat64() * 1e9 / rate))
			sent++
			err := p.Send(&producer.Record{Topic: topic, Value: value, Intended: max(1, r.client.Now())}, nil)
			if err != nil {
				t.Error(err)
			}
		}
		done = true
		a.elapsed = r.client.Now().Sub(began).Seconds()
		r.client.Sleep(time.Second) // the last batch lingers to its end
		r.close(p)
	})
	// The last batch, also left out of inside, has no successor that could find it full.
	last := len(a.sizes) - 1
	a.sizes, a.times = a.sizes[:last], a.times[:last]
	return a
}
