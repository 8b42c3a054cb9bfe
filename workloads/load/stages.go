package load

import (
	"slices"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/results"
)

// The stages of a latency, by index in results.StageOrder and in StageSums.
const (
	stageAccumulator = iota
	stageCompress
	stageQueue
	stageRetry
	stageNetwork
	stageAppend
	stageFsync
	stageReplicate
	stageFetch
	stageUnknown
	stageCount
)

// StageSums is the time of records in each stage, in ns: of several, their sum.
type StageSums [stageCount]int64

func (s *StageSums) add(o *StageSums, records int64) {
	for i := range s {
		s[i] += o[i] * records
	}
}

// Sum is that of all stages: the latency of the records.
func (s *StageSums) Sum() (ns int64) {
	for _, of := range s {
		ns += of
	}
	return ns
}

// Means are the mean times of so many records, without stages that took none; nil for
// no records.
func (s *StageSums) Means(records int64) (all []results.Stage) {
	if records == 0 {
		return nil
	}
	for i, name := range results.StageOrder {
		if s[i] != 0 {
			all = append(all, results.Stage{Name: name, MeanNS: float64(s[i]) / float64(records)})
		}
	}
	return all
}

// setClient fills in a batch's stages from leaving the accumulator to an I/O thread of
// the broker. They follow each other without a gap:
//
//	closed        compressed      taken  ...  drained             sent      arrived   handled
//	   |-- compress --|--- queue ---|-- retry --|---- compress ----|- network -|- queue -|
//
// That is a batch that was full, which the task that filled it compresses. One whose
// linger ended is closed when the sender takes it, and compressed after drained, where
// batches of one request are compressed in turn and wait for each other.
func (s *StageSums) setClient(at *protocol.Stamps) {
	closed, taken := at[protocol.StageClosed], at[protocol.StageTaken]
	if compressed := at[protocol.StageCompressed]; compressed <= taken {
		s[stageCompress] = int64(compressed - closed)
		s[stageQueue] = int64(taken - compressed)
	}
	s[stageRetry] = int64(at[protocol.StageDrained] - taken)
	s[stageCompress] += int64(at[protocol.StageSent] - at[protocol.StageDrained])
}

// produceStages are those of a batch that was acknowledged at now, without
// stageAccumulator: its records came into that at different instants.
//
// From the broker on they are those of its request, whose batches are appended in turn
// and answered together: all their flushes are in stageFsync, and the wait for all their
// replicas in stageReplicate. With acks=0 there is no answer, and with a broker that is
// not ours no time of it is known: all from sending on is stageNetwork then.
func produceStages(b *producer.Batch, now env.Time) (s StageSums) {
	at := &b.Stamps
	s.setClient(at)
	handled := at[protocol.StageHandled]
	if handled == 0 {
		s[stageNetwork] = int64(now - at[protocol.StageSent])
		return s
	}
	written, answered := at[protocol.StageWritten], at[protocol.StageAnswered]
	s.setRequest(at)
	s[stageFsync] = int64(b.Flushing)
	s[stageAppend] = int64(written-handled) - int64(b.Flushing)
	s[stageReplicate] = int64(answered - written)
	s[stageNetwork] += int64(now - answered)
	return s
}

// setRequest adds a request's way to an I/O thread of the broker. Where the one before
// it on its connection, or no thread, was ready, it waited.
func (s *StageSums) setRequest(at *protocol.Stamps) {
	s[stageNetwork] = int64(at[protocol.StageArrived] - at[protocol.StageSent])
	s[stageQueue] += int64(at[protocol.StageHandled] - at[protocol.StageArrived])
}

// readStages are those of a batch until consumers may read it, without
// stageAccumulator. They are its own: consumers need not wait for others of its request.
func readStages(t *protocol.BatchTimes) (s StageSums) {
	s.setClient(&t.Stamps)
	s.setRequest(&t.Stamps)
	written := t.Written()
	s[stageFsync] = int64(t.Flushing)
	s[stageAppend] = int64(written-t.Stamps[protocol.StageHandled]) - int64(t.Flushing)
	s[stageReplicate] = int64(t.Stamps[protocol.StageReplicated] - written)
	return s
}

// stager adds up the stages of the records that a member takes.
type stager struct {
	sums    StageSums // of the present interval
	latency int64     // ns, of all records of the interval
	tails   *tails    // of a producer

	// Of a consumer: the batch that is being read, of which the records from the
	// counts of from on are not in sums yet.
	known   bool
	batch   StageSums
	visible env.Time
	fetch   int64 // ns from visible to each of the records
	from    struct{ records, latency int64 }
}

// produced counts the records of a batch, whose latencies together are in latency from
// before on.
func (s *stager) produced(b *producer.Batch, now env.Time, before int64) {
	stages := produceStages(b, now)
	records := int64(b.Records)
	if s.tails != nil {
		s.tails.add(b, now, &stages)
	}
	s.sums.add(&stages, records)
	s.sums[stageAccumulator] += s.latency - before - records*stages.Sum()
}

// reads begins a batch behind so many records of the interval; t is nil where nothing is
// known of it.
func (s *stager) reads(t *protocol.BatchTimes, records int64) {
	s.settle(records)
	if s.known = t != nil && t.Stamps[protocol.StageReplicated] > 0; s.known {
		s.batch, s.visible = readStages(t), t.Stamps[protocol.StageReplicated]
	}
}

// settle puts what was read of a batch into the sums.
func (s *stager) settle(records int64) {
	count, latency := records-s.from.records, s.latency-s.from.latency
	switch {
	case count == 0:
	case s.known:
		s.sums.add(&s.batch, count)
		s.sums[stageFetch] += s.fetch
		s.sums[stageAccumulator] += latency - count*s.batch.Sum() - s.fetch
	default:
		s.sums[stageUnknown] += latency
	}
	s.from.records, s.from.latency, s.fetch = records, s.latency, 0
}

// take ends an interval.
func (s *stager) take() (sums StageSums) {
	sums = s.sums
	s.sums, s.latency, s.from.records, s.from.latency = StageSums{}, 0, 0, 0
	return sums
}

// Stages adds up the stages of the records whose latencies count: see Latencies.
func (s *Series) Stages() (sums StageSums, records int64) {
	for _, t := range s.measured() {
		if !t.Warmup {
			sums.add(&t.stages, 1)
			records += t.Records
		}
	}
	return sums, records
}

// measured are the intervals, and the drain where its latencies count.
func (s *Series) measured() []Tally {
	if s.drain.Records == 0 || len(s.intervals) == 0 || s.cfg.Closed {
		return s.intervals
	}
	last := &s.intervals[len(s.intervals)-1]
	drain := s.drain
	drain.Start, drain.Warmup = last.Start+last.Length, last.Warmup
	return append(slices.Clip(s.intervals), drain)
}

// Services returns the intervals' service times, as Latencies does latencies: from
// handing a batch to the connection to its acknowledgement. Of consumers there are none.
func (s *Series) Services(repeat int) (out []results.Interval) {
	for _, t := range s.measured() {
		if t.service != nil {
			t.latency, t.over = t.service, t.serviceOver
			out = append(out, t.interval(repeat))
		}
	}
	return out
}
