package check

import (
	"brokerlab/engine/env"
	"brokerlab/workloads/payload"
)

// The methods below note count records of consecutive sequences at the price of a
// few words: runs whose batches carry sizes name their records so.

// SentAll is Sent of each.
func (s *Sender) SentAll(first uint64, count int) {
	if count > 0 {
		s.Sent(first)
		s.sent += uint64(count - 1)
		s.mayHave(s.sent - 1)
	}
}

// AckedAll is Acked of each.
func (s *Sender) AckedAll(first uint64, count int, at env.Time) {
	for count > 0 {
		n := min(count, int(chunkBits-first%chunkBits))
		s.checkOnce(first + uint64(n) - 1)
		if s.failed.hasAny(first, n) || !s.acked.setNew(first, n) {
			for i := range uint64(n) {
				s.checkOnce(first + i)
			}
		}
		s.widen(first/chunkBits, at)
		first, count = first+uint64(n), count-n
	}
}

// FailedAll is Failed of each.
func (s *Sender) FailedAll(first uint64, count int) {
	for i := range uint64(count) {
		s.Failed(first + i)
	}
}

// ObservedAll is Observed of each, from an offset on; first names the first record.
// They are intact: nobody could tell that one of them is not.
func (o *Observer) ObservedAll(partition int32, offset int64, first payload.ID, count int) {
	if count > 0 && int(first.Producer) < len(o.producers) && uint32(partition) < uint32(o.partitions) &&
		first.Sequence+uint64(count) <= sequencesMax {
		of := &o.producers[first.Producer]
		beyond := of.in(partition, o.partitions)
		if first.Sequence >= uint64(*beyond) && of.seen.setNew(first.Sequence, count) {
			*beyond = uint32(first.Sequence) + uint32(count)
			o.counts.all += int64(count)
			return
		}
	}
	for i := range uint64(count) {
		o.Observed(partition, offset+int64(i), payload.ID{Producer: first.Producer, Sequence: first.Sequence + i}, false)
	}
}

// mask has the bits of those of 64 members from a sequence on that are among count,
// and says how many they are.
func mask(sequence uint64, count int) (bits uint64, n int) {
	from := sequence % 64
	n = min(count, int(64-from))
	return (^uint64(0) >> (64 - uint(n))) << from, n
}

// hasAny says whether one of count sequences is there.
func (b *bitmap) hasAny(first uint64, count int) bool {
	for count > 0 {
		bits, n := mask(first, count)
		if b.word(first/64)&bits != 0 {
			return true
		}
		first, count = first+uint64(n), count-n
	}
	return false
}

// setNew adds count sequences if none of them is there.
func (b *bitmap) setNew(first uint64, count int) bool {
	if b.hasAny(first, count) {
		return false
	}
	for count > 0 {
		bits, n := mask(first, count)
		index := first / chunkBits
		if index >= uint64(len(b.chunks)) || b.chunks[index] == nil {
			b.add(index)
		}
		b.chunks[index][first%chunkBits/64] |= bits
		first, count = first+uint64(n), count-n
	}
	return true
}
