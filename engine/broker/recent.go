package broker

import (
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// recentMin is how many batches a partition remembers at least, if it remembers any.
const recentMin = 64

// recentBatches is when the latest batches of a partition were appended by its
// leader, in order, and when consumers could read them: for measuring, and ours. It
// holds a limited number and grows to that as it is used. Pure; partition.mu guards it.
type recentBatches struct {
	max    int                   // 0: nothing is remembered
	slots  []protocol.BatchTimes // a ring; its length is a power of two
	first  int
	count  int
	unseen int // of the last ones, which are above the high watermark
}

func (r *recentBatches) at(i int) *protocol.BatchTimes { return &r.slots[(r.first+i)&(len(r.slots)-1)] }

// add remembers one more batch. Appends may report out of order:
//
//	I/O thread 1                          I/O thread 2
//	1. appends a batch
//	                                      2. appends the one after it
//	                                      3. reports: the high watermark passes both
//	4. reports
func (r *recentBatches) add(t *protocol.BatchTimes) {
	if r.max == 0 {
		return
	}
	if r.count == len(r.slots) {
		if len(r.slots) < r.max {
			r.grow()
		} else {
			r.first = (r.first + 1) & (len(r.slots) - 1)
			r.count--
			r.unseen = min(r.unseen, r.count)
		}
	}
	seen, i := r.count-r.unseen, r.count
	r.count++
	for ; i > 0 && r.at(i-1).BaseOffset > t.BaseOffset; i-- {
		*r.at(i) = *r.at(i - 1)
	}
	*r.at(i) = *t
	if i < seen {
		r.at(i).Stamps[protocol.StageReplicated] = r.at(i + 1).Stamps[protocol.StageReplicated]
	} else {
		r.unseen++
	}
}

func (r *recentBatches) grow() {
	slots := make([]protocol.BatchTimes, min(r.max, max(recentMin, 2*len(r.slots))))
	n := copy(slots, r.slots[r.first:])
	copy(slots[n:], r.slots[:r.first])
	r.slots, r.first = slots, 0
}

// seen notes that consumers may read below the high watermark.
func (r *recentBatches) seen(highWatermark int64, now env.Time) {
	for r.unseen > 0 {
		t := r.at(r.count - r.unseen)
		if t.NextOffset > highWatermark {
			return
		}
		t.Stamps[protocol.StageReplicated] = now
		r.unseen--
	}
}

// from appends to out what is known of the batches that a read of so many bytes from
// an offset finds, or begins with: the ones that a consumer sees.
func (r *recentBatches) from(offset int64, bytes int, out []protocol.BatchTimes) []protocol.BatchTimes {
	low, high := 0, r.count-r.unseen
	for low < high {
		if mid := (low + high) / 2; r.at(mid).NextOffset <= offset {
			low = mid + 1
		} else {
			high = mid
		}
	}
	for i := low; i < r.count-r.unseen && bytes > 0; i++ {
		t := r.at(i)
		out = append(out, *t)
		bytes -= t.Bytes
	}
	return out
}

// forget drops all: the leadership has ended.
func (r *recentBatches) forget() { r.first, r.count, r.unseen = 0, 0, 0 }

// recentOf is how many batches each of so many partitions remembers, of a broker that
// remembers total: a power of two.
func recentOf(total, partitions int) int {
	if total == 0 {
		return 0
	}
	each := recentMin
	for each*2*max(1, partitions) <= total {
		each *= 2
	}
	return each
}

// within is the times that a read found, of those that it might have found.
func within(times []protocol.BatchTimes, bytes int) []protocol.BatchTimes {
	n := 0
	for ; n < len(times) && bytes > 0; n++ {
		bytes -= times[n].Bytes
	}
	if n == 0 {
		return nil
	}
	return append([]protocol.BatchTimes(nil), times[:n]...)
}
