package load

import (
	"math/bits"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/results"
)

// Latencies are sorted into buckets that are a 16th to a 32nd of them wide: what is
// slower than one of 100 is known to that.
const (
	tailBits    = 5  // of a latency that a bucket keeps
	tailHighest = 41 // bits of a latency: longer ones, of 36 minutes, share the last bucket
	tailBuckets = (tailHighest-tailBits)*(1<<(tailBits-1)) + 1<<tailBits
)

// tailBucket is the bucket of a latency in ns.
func tailBucket(ns int64) int {
	n := bits.Len64(uint64(max(0, ns)))
	if n <= tailBits {
		return int(max(0, ns))
	}
	if n > tailHighest {
		return tailBuckets - 1
	}
	shift := n - tailBits
	return shift<<(tailBits-1) + int(ns>>shift)
}

// tailLowest is the least latency of a bucket, in ns.
func tailLowest(bucket int) int64 {
	if bucket < 1<<tailBits {
		return int64(bucket)
	}
	shift := bucket>>(tailBits-1) - 1
	return int64(bucket-shift<<(tailBits-1)) << shift
}

// tailSums is the stages of the records of a bucket.
type tailSums struct {
	bucket  int
	records int64
	sums    StageSums
}

// tails divides the records of an interval by latency, so that the slowest of a whole
// window can be told when its end is known. It holds the buckets that are used. A record
// costs a comparison and two additions, and a batch more for each bucket that it is in.
type tails struct {
	at   [tailBuckets]int32 // index in used, and one more; 0: none
	used []tailSums
}

func (t *tails) of(bucket int) *tailSums {
	if t.at[bucket] == 0 {
		t.used = append(t.used, tailSums{bucket: bucket})
		t.at[bucket] = int32(len(t.used))
	}
	return &t.used[t.at[bucket]-1]
}

// run is records of a batch that follow each other in one bucket.
type run struct {
	bucket  int
	low     int64  // the least latency of the bucket, in ns
	width   uint64 // of the bucket, in ns; 0: there is none yet
	records int64
	latency int64 // ns, of all of them
}

// add counts the records of a batch, whose stages but the accumulator are the same.
func (t *tails) add(b *producer.Batch, now env.Time, stages *StageSums) {
	var r run
	for _, intended := range b.Intended {
		t.next(&r, int64(now-intended), stages)
	}
	for i := range b.Stretches {
		s := &b.Stretches[i]
		walk := s.Walk(0)
		for range s.Count {
			t.next(&r, int64(now-walk.Next()), stages)
		}
	}
	t.put(&r, stages)
}

func (t *tails) next(r *run, ns int64, stages *StageSums) {
	if uint64(ns-r.low) >= r.width {
		t.turn(r, ns, stages)
	}
	r.records++
	r.latency += ns
}

// turn goes on to the bucket of a latency.
func (t *tails) turn(r *run, ns int64, stages *StageSums) {
	t.put(r, stages)
	bucket := tailBucket(ns)
	low := tailLowest(bucket)
	*r = run{bucket: bucket, low: low, width: uint64(tailLowest(bucket+1) - low)}
}

func (t *tails) put(r *run, stages *StageSums) {
	if r.records == 0 {
		return
	}
	d := t.of(r.bucket)
	d.records += r.records
	d.sums.add(stages, r.records)
	d.sums[stageAccumulator] += r.latency - r.records*stages.Sum()
}

// merge adds sums of another interval or member.
func (t *tails) merge(used []tailSums) {
	for i := range used {
		d := t.of(used[i].bucket)
		d.records += used[i].records
		d.sums.add(&used[i].sums, 1)
	}
}

// mergedTails are the sums of two intervals or members; it changes neither.
func mergedTails(a, b []tailSums) []tailSums {
	if len(a) == 0 || len(b) == 0 {
		return append(a[:len(a):len(a)], b...)
	}
	all := &tails{}
	all.merge(a)
	all.merge(b)
	return all.used
}

// take empties it.
func (t *tails) take() (used []tailSums) {
	used = t.used
	for i := range used {
		t.at[used[i].bucket] = 0
	}
	t.used = nil
	return used
}

// tailShare is the part of the records that are the slowest; there are to be ten of
// them at least.
const (
	tailShare      = 100
	tailRecordsMin = 10 * tailShare
)

// Tail is the stages of the slowest records of those that Stages adds up: the slowest 1 %
// and what shares a bucket with them. It is nil for fewer than 1,000.
func (s *Series) Tail() *results.Tail {
	all := &tails{}
	var records int64
	for _, t := range s.measured() {
		if !t.Warmup {
			all.merge(t.tail)
			records += t.Records
		}
	}
	if records < tailRecordsMin || len(all.used) == 0 {
		return nil
	}
	out := &results.Tail{}
	var sums StageSums
	for bucket := tailBuckets - 1; bucket >= 0 && out.Records*tailShare < records; bucket-- {
		if all.at[bucket] == 0 {
			continue
		}
		d := all.of(bucket)
		out.FromNS = tailLowest(bucket)
		out.Records += d.records
		sums.add(&d.sums, 1)
	}
	out.Stages = sums.Means(out.Records)
	return out
}
