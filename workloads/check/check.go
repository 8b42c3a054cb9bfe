// Package check holds what was read back from a topic against what was sent to
// it: records lost, duplicated, reordered, corrupted. It knows only the recorded
// history, nothing of the engine. There are two checkers: Checker, for runs of any
// size, counts what is amiss and does not promise to say why; Judge, for runs with
// faults whose History is kept whole, says what of it Kafka promises not to happen,
// and names what it does not promise.
//
// The words of Checker, for records that carry (producer, sequence):
//
//   - lost: acknowledged, and no intact copy was observed.
//   - duplicated: an observation of a record beyond its first.
//   - reordered: within one (producer, partition), a record first observed after
//     one of a higher sequence. What its observer counted as duplicated is not
//     counted here.
//   - corrupted: an observation whose content does not verify, and a record that
//     was observed but never sent. A corrupted observation counts as nothing
//     else, since its name cannot be trusted either: if it was the only copy of
//     an acknowledged record, that one is lost as well.
//
// A failed record may be observed: in Kafka an error does not mean that the
// record was not written. A record that was neither acknowledged nor failed (the
// run was interrupted) may be observed or not, too.
//
// The history has halves with one writer each, so that nothing is locked on the
// way: a Sent half per producer, whose Sent is called by the producer's task and
// whose Acked and Failed by the task that runs its callbacks; and an Observer for
// each task that reads. Result merges them when all are done.
//
// A record costs one bit for each of acknowledged, failed and observed, in chunks
// that exist only where a bit is set: 100 million records take some 26 MB. An observer takes
// 4 bytes more for each partition of each producer that it met.
package check

import (
	"fmt"
	"math"
	"time"

	"brokerlab/engine/env"
	"brokerlab/workloads/payload"
)

// ExamplesMax is how many examples of each finding a Result tells.
const ExamplesMax = 5

// sequencesMax bounds what a producer may send, so that a name made of garbage
// cannot make the checker allocate without bound, and one more than a sequence has 32 bits.
const sequencesMax = math.MaxUint32

// Config describes the history to come.
type Config struct {
	Producers  int // numbered from 0
	Partitions int // numbered from 0
}

// Validate returns an error that names the first bad field.
func (c Config) Validate() error {
	if c.Producers < 1 || c.Producers > 1<<16 {
		return fmt.Errorf("check: %d producers are not within 1 and 65536", c.Producers)
	}
	if c.Partitions < 1 || c.Partitions > 1<<20 {
		return fmt.Errorf("check: %d partitions are not within 1 and %d", c.Partitions, 1<<20)
	}
	return nil
}

// Checker owns the halves of one run's history.
type Checker struct {
	cfg       Config
	senders   []*Sender
	observers []*Observer
}

// New returns a checker with nothing sent and nothing observed.
func New(cfg Config) (*Checker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Checker{cfg: cfg}
	for producer := range cfg.Producers {
		c.senders = append(c.senders, &Sender{producer: uint16(producer)})
	}
	return c, nil
}

// Sender returns the half that producer's own tasks write.
func (c *Checker) Sender(producer uint16) *Sender { return c.senders[producer] }

// Observer adds a half for one task that reads. Each partition is read by one
// observer.
func (c *Checker) Observer() *Observer {
	o := &Observer{producers: make([]observed, c.cfg.Producers), partitions: int32(c.cfg.Partitions)}
	c.observers = append(c.observers, o)
	return o
}

// Sender is one producer's half of the history.
type Sender struct {
	producer uint16
	sent     uint64 // records 0 to sent-1
	_        [48]byte
	// Below is the callbacks', on a cache line of its own.
	acked  bitmap
	failed bitmap
	spans  []span // of the acknowledgements, by chunk
}

// span is when the records of a chunk were acknowledged.
type span struct{ first, last env.Time }

// Sent notes that the producer is about to send a record. Sequences run from 0
// without gaps.
func (s *Sender) Sent(sequence uint64) {
	if sequence != s.sent {
		panic(fmt.Sprintf("check: producer %d sent sequence %d after %d records", s.producer, sequence, s.sent))
	}
	s.mayHave(sequence)
	s.sent++
}

func (s *Sender) mayHave(sequence uint64) {
	if sequence >= sequencesMax {
		panic(fmt.Sprintf("check: producer %d sent sequence %d", s.producer, sequence))
	}
}

// Acked notes that the record was acknowledged at an instant, or with acks=0 sent.
// A record is acknowledged or fails, once.
func (s *Sender) Acked(sequence uint64, at env.Time) {
	s.checkOnce(sequence)
	s.acked.set(sequence)
	s.widen(sequence/chunkBits, at)
}

// widen notes an acknowledgement of a chunk's record.
func (s *Sender) widen(chunk uint64, at env.Time) {
	for chunk >= uint64(len(s.spans)) {
		s.spans = append(s.spans, span{first: env.Never})
	}
	when := &s.spans[chunk]
	when.first = min(when.first, at)
	when.last = max(when.last, at)
}

// Failed notes that the producer was told of an error.
func (s *Sender) Failed(sequence uint64) {
	s.checkOnce(sequence)
	s.failed.set(sequence)
}

func (s *Sender) checkOnce(sequence uint64) {
	if sequence >= sequencesMax || s.acked.has(sequence) || s.failed.has(sequence) {
		panic(fmt.Sprintf("check: producer %d sequence %d has a second outcome", s.producer, sequence))
	}
}

// Observer is one reader's half of the history.
type Observer struct {
	partitions int32
	producers  []observed
	counts     observations
	examples   Examples
}

type observed struct {
	seen bitmap
	// beyond is one more than the highest sequence, by partition; 0 before the first.
	beyond []uint32
}

// in is where the next sequence of a partition is noted, before which the producer may
// have none in any.
func (o *observed) in(partition int32, partitions int32) *uint32 {
	if o.beyond == nil {
		o.beyond = make([]uint32, partitions)
	}
	return &o.beyond[partition]
}

type observations struct{ all, duplicated, reordered, corrupted int64 }

// Observed notes a record that was read, intact or corrupted (it does not verify;
// then id is only told). Records of one partition are observed in the order of
// their offsets.
func (o *Observer) Observed(partition int32, offset int64, id payload.ID, corrupted bool) {
	if uint32(partition) >= uint32(o.partitions) {
		panic(fmt.Sprintf("check: partition %d of %d observed", partition, o.partitions))
	}
	o.counts.all++
	if corrupted || int(id.Producer) >= len(o.producers) || id.Sequence >= sequencesMax {
		o.corrupted(partition, offset, id, corrupted)
		return
	}
	of := &o.producers[id.Producer]
	again := of.seen.set(id.Sequence)
	beyond := of.in(partition, o.partitions)
	if before := *beyond; again || id.Sequence+1 < uint64(before) {
		o.misplaced(partition, offset, id, again, before)
	}
	*beyond = max(*beyond, uint32(id.Sequence+1))
}

func (o *Observer) corrupted(partition int32, offset int64, id payload.ID, content bool) {
	o.counts.corrupted++
	what := "which was never sent"
	if content {
		what = "whose content does not verify"
	}
	tell(&o.examples.Corrupted, "corrupted: partition %d offset %d holds %v, %s", partition, offset, id, what)
}

func (o *Observer) misplaced(partition int32, offset int64, id payload.ID, again bool, beyond uint32) {
	if again {
		o.counts.duplicated++
		tell(&o.examples.Duplicated, "duplicated: %v, again at partition %d offset %d", id, partition, offset)
		return
	}
	o.counts.reordered++
	tell(&o.examples.Reordered, "reordered: %v at partition %d offset %d comes after sequence %d",
		id, partition, offset, beyond-1)
}

// tell adds an example while there is room.
func tell(examples *[]string, format string, args ...any) {
	if len(*examples) < ExamplesMax {
		*examples = append(*examples, fmt.Sprintf(format, args...))
	}
}

func seconds(t env.Time) string { return fmt.Sprintf("%.3f s", time.Duration(t).Seconds()) }
