package check

import (
	"fmt"
	"math/bits"

	"brokerlab/workloads/payload"
)

// Result is what the history says.
type Result struct {
	Sent     int64
	Acked    int64
	Failed   int64
	Unknown  int64 // sent, neither acknowledged nor failed
	Observed int64 // observations, of whatever kind

	Lost       int64
	Deleted    int64 // acknowledged, and deleted by retention before they were read
	Duplicated int64
	Reordered  int64
	Corrupted  int64

	Examples Examples
}

// Bad is how many findings there are.
func (r Result) Bad() int64 { return r.Lost + r.Duplicated + r.Reordered + r.Corrupted }

// WithoutDeleted counts up to so many of the lost records as deleted by retention: the
// offsets in front of where the partitions begin. It is exact if each of these offsets
// held an acknowledged record that nobody read; where some held others (failed ones,
// duplicates), as many lost records may be taken for deleted ones.
func (r Result) WithoutDeleted(offsets int64) Result {
	r.Deleted = min(r.Lost, offsets)
	r.Lost -= r.Deleted
	if r.Lost == 0 {
		r.Examples.Lost = nil
	}
	return r
}

// Examples are up to ExamplesMax findings of each kind, one sentence each: lost
// and never sent ones by producer and sequence, the others as they were observed.
type Examples struct {
	Lost       []string
	Duplicated []string
	Reordered  []string
	Corrupted  []string
}

// All returns the examples of every kind.
func (e Examples) All() []string {
	var all []string
	for _, kind := range [][]string{e.Lost, e.Duplicated, e.Reordered, e.Corrupted} {
		all = append(all, kind...)
	}
	return all
}

// Result merges the halves. Their writers must be done.
func (c *Checker) Result() Result {
	var r Result
	for _, o := range c.observers {
		r.Observed += o.counts.all
		r.Duplicated += o.counts.duplicated
		r.Reordered += o.counts.reordered
		r.Corrupted += o.counts.corrupted
		merge(&r.Examples.Duplicated, o.examples.Duplicated)
		merge(&r.Examples.Reordered, o.examples.Reordered)
		merge(&r.Examples.Corrupted, o.examples.Corrupted)
	}
	for _, s := range c.senders {
		c.judge(&r, s)
	}
	return r
}

// OfProducers is what became of the records of some producers: how many were sent,
// acknowledged, failed and lost. What else was found amiss is in Result alone.
func (c *Checker) OfProducers(first, count int) Result {
	var r Result
	for _, s := range c.senders[first : first+count] {
		c.judge(&r, s)
	}
	return Result{Sent: r.Sent, Acked: r.Acked, Failed: r.Failed, Unknown: r.Unknown, Lost: r.Lost}
}

func merge(to *[]string, from []string) {
	*to = append(*to, from[:min(len(from), ExamplesMax-len(*to))]...)
}

// judge adds one producer's records to r.
func (c *Checker) judge(r *Result, s *Sender) {
	acked, failed := s.acked.count(), s.failed.count()
	r.Sent += int64(s.sent)
	r.Acked += acked
	r.Failed += failed
	r.Unknown += int64(s.sent) - acked - failed
	words := max(s.acked.words(), s.failed.words())
	for _, o := range c.observers {
		words = max(words, o.producers[s.producer].seen.words())
	}
	for index := range words {
		var seen uint64
		for _, o := range c.observers {
			here := o.producers[s.producer].seen.word(index)
			// An observer counts what it saw again; what two of them saw is known here.
			for twice := seen & here; twice != 0; twice &= twice - 1 {
				r.Duplicated++
				tell(&r.Examples.Duplicated, "duplicated: %v, observed by two readers", s.id(index, twice))
			}
			seen |= here
		}
		sent := s.sentWord(index)
		if outcome := s.acked.word(index) | s.failed.word(index); outcome&^sent != 0 {
			panic(fmt.Sprintf("check: %v has an outcome and was never sent", s.id(index, outcome&^sent)))
		}
		for never := seen &^ sent; never != 0; never &= never - 1 {
			r.Corrupted++
			tell(&r.Examples.Corrupted, "corrupted: %v was observed and never sent", s.id(index, never))
		}
		for lost := s.acked.word(index) &^ seen; lost != 0; lost &= lost - 1 {
			r.Lost++
			if len(r.Examples.Lost) < ExamplesMax {
				tell(&r.Examples.Lost, "%s", s.lost(s.id(index, lost)))
			}
		}
	}
}

// id names the first member of a word.
func (s *Sender) id(index, word uint64) payload.ID {
	return payload.ID{Producer: s.producer, Sequence: index*64 + uint64(bits.TrailingZeros64(word))}
}

// sentWord has a bit for each of 64 records that was sent.
func (s *Sender) sentWord(index uint64) uint64 {
	from := index * 64
	switch {
	case s.sent >= from+64:
		return ^uint64(0)
	case s.sent <= from:
		return 0
	default:
		return 1<<(s.sent-from) - 1
	}
}

// lost tells of one lost record. When it was acknowledged is known to its chunk.
func (s *Sender) lost(id payload.ID) string {
	when := s.spans[id.Sequence/chunkBits]
	if when.first == when.last {
		return fmt.Sprintf("lost: %v, acknowledged at %s", id, seconds(when.first))
	}
	return fmt.Sprintf("lost: %v, acknowledged between %s and %s", id, seconds(when.first), seconds(when.last))
}
