package commitlog

import (
	"math"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
)

// Goal: segments roll exactly where Kafka's LogSegment.shouldRoll says. Method:
// a table around every limit.
func TestRollPolicy(t *testing.T) {
	p := rollPolicy{segmentBytes: 1000, indexBytes: 80, intervalMillis: 60}
	tests := []struct {
		name  string
		fill  segmentFill
		batch rollBatch
		want  bool
	}{
		{"an empty segment takes any batch", segmentFill{base: 5}, rollBatch{sizeBytes: 5000, lastOffset: 5}, false},
		{"a batch that fills the segment to the byte goes in", segmentFill{sizeBytes: 900}, rollBatch{sizeBytes: 100}, false},
		{"one byte more rolls", segmentFill{sizeBytes: 901}, rollBatch{sizeBytes: 100}, true},
		{"an index with one free entry takes a batch", segmentFill{sizeBytes: 1, indexEntries: 9}, rollBatch{}, false},
		{"a full index rolls", segmentFill{sizeBytes: 1, indexEntries: 10}, rollBatch{}, true},
		{"a time index with two free entries takes a batch", segmentFill{sizeBytes: 1, timeEntries: 4}, rollBatch{}, false},
		{"with one, which the roll needs, it rolls", segmentFill{sizeBytes: 1, timeEntries: 5}, rollBatch{}, true},
		{"the last offset that 31 bits can say goes in", segmentFill{base: 7, sizeBytes: 1},
			rollBatch{lastOffset: 7 + math.MaxInt32}, false},
		{"the next offset rolls", segmentFill{base: 7, sizeBytes: 1}, rollBatch{lastOffset: 8 + math.MaxInt32}, true},
		{"a batch segment.ms younger than the first goes in", segmentFill{sizeBytes: 1, firstBatch: 100},
			rollBatch{maxTimestamp: 160}, false},
		{"one that is a millisecond younger rolls", segmentFill{sizeBytes: 1, firstBatch: 100},
			rollBatch{maxTimestamp: 161}, true},
		{"the clock does not count where batches have timestamps", segmentFill{sizeBytes: 1, firstBatch: 100},
			rollBatch{maxTimestamp: 100, now: 1000}, false},
		{"it does where the first batch has none", segmentFill{sizeBytes: 1, firstBatch: -1, created: 100},
			rollBatch{maxTimestamp: 5, now: 161}, true},
		{"not before segment.ms is over", segmentFill{sizeBytes: 1, firstBatch: -1, created: 100},
			rollBatch{maxTimestamp: 500, now: 160}, false},
		{"an empty segment is never too old", segmentFill{firstBatch: -1}, rollBatch{now: 1 << 40}, false},
	}
	for _, test := range tests {
		if got := p.due(test.fill, test.batch); got != test.want {
			t.Errorf("%s: due = %v", test.name, got)
		}
	}
}

// Goal: flushes are due as in Kafka. Method: a script of appends, flushes and
// truncations with what both rules must say after each step.
func TestFlushPolicy(t *testing.T) {
	p := flushPolicy{messages: 10, interval: time.Second, recovery: 100, lastFlush: 5}
	second := env.Time(time.Second)
	steps := []struct {
		name         string
		do           func()
		end          int64
		now          env.Time
		byMessages   bool
		byTime       bool
		wantRecovery int64
	}{
		{"nothing appended is never due", func() {}, 100, 100 * second, false, false, 100},
		{"9 messages are below flush.messages", func() {}, 109, 5, false, false, 100},
		{"10 messages are due", func() {}, 110, 5, true, false, 100},
		{"flush.ms less one nanosecond is not due", func() {}, 101, second + 4, false, false, 100},
		{"flush.ms is due with one message", func() {}, 101, second + 5, false, true, 100},
		{"a flush makes both wait again", func() { p.flushed(110, second) }, 110, 2 * second, false, false, 110},
		{"the interval counts from that flush", func() {}, 111, 2*second - 1, false, false, 110},
		{"an older flush that ends late changes nothing", func() { p.flushed(105, 9*second) },
			111, 2 * second, false, true, 110},
		{"a truncation takes the recovery point back", func() { p.truncated(50) }, 60, second, true, false, 50},
		{"a truncation behind it leaves it", func() { p.truncated(70) }, 51, second, false, false, 50},
	}
	for _, s := range steps {
		s.do()
		if got := p.dueByMessages(s.end); got != s.byMessages {
			t.Errorf("%s: by messages = %v", s.name, got)
		}
		if got := p.dueByTime(s.end, s.now); got != s.byTime {
			t.Errorf("%s: by time = %v", s.name, got)
		}
		if p.recovery != s.wantRecovery {
			t.Errorf("%s: recovery point %d, want %d", s.name, p.recovery, s.wantRecovery)
		}
	}
	never := flushPolicy{}
	if never.dueByMessages(math.MaxInt64) || never.dueByTime(math.MaxInt64, env.Never) {
		t.Error("a policy of zeros flushes")
	}
}

// Goal: the index gets Kafka's entries. Method: batches of given sizes, the
// entries written out by hand from LogSegment.append.
func TestSparseIndexEntries(t *testing.T) {
	tests := []struct {
		name     string
		interval int64
		sizes    []int
		want     []indexEntry
	}{
		{"the first batch of a segment is never indexed", 100, []int{5000}, nil},
		{"exactly the interval is not yet enough", 100, []int{100, 50}, nil},
		{"one byte more is", 100, []int{101, 50}, []indexEntry{{1, 101}}},
		{"the indexed batch counts for the next entry", 100, []int{101, 50, 51, 10}, []indexEntry{{1, 101}, {3, 202}}},
		{"large batches get an entry each", 100, []int{500, 500, 500}, []indexEntry{{1, 500}, {2, 1000}}},
		{"an interval of 0 indexes every batch but the first", 0, []int{1, 1, 1}, []indexEntry{{1, 1}, {2, 2}}},
	}
	for _, test := range tests {
		x := sparseIndex{intervalBytes: test.interval}
		position := uint32(0)
		for i, size := range test.sizes {
			x.add(uint32(i), position, size)
			position += uint32(size)
		}
		if !slices.Equal(x.entries, test.want) {
			t.Errorf("%s: entries %v, want %v", test.name, x.entries, test.want)
		}
	}
}

// Goal: a cut index goes on as if the cut batches had never been. Method: for
// every cut, index some batches, cut, index again, compare with an index that
// saw the kept ones only.
func TestSparseIndexCut(t *testing.T) {
	sizes := []int{300, 20, 20, 90, 10, 200, 5, 5, 5, 110, 300}
	for keep := range sizes {
		x := sparseIndex{intervalBytes: 100}
		want := sparseIndex{intervalBytes: 100}
		position, cut := 0, 0
		for i, size := range sizes {
			x.add(uint32(i), uint32(position), size)
			if i < keep {
				want.add(uint32(i), uint32(position), size)
				cut += size
			}
			position += size
		}
		before := slices.Clone(x.entries)
		shared := x.entries
		x.cut(uint32(cut))
		for i := keep; i < len(sizes); i++ {
			x.add(uint32(i), uint32(cut), 150)
			want.add(uint32(i), uint32(cut), 150)
			cut += 150
		}
		if !slices.Equal(x.entries, want.entries) || x.sinceBytes != want.sinceBytes {
			t.Errorf("cut to %d batches: %+v, want %+v", keep, x, want)
		}
		if !slices.Equal(shared, before) {
			t.Errorf("cut to %d batches wrote over entries that a reader may hold", keep)
		}
	}
}

// Goal: an index file is taken only as far as it can be true. Method: a table
// of files.
func TestParseEntries(t *testing.T) {
	entry := func(offset, position uint32) []byte {
		return putEntries(nil, []indexEntry{{offset, position}})
	}
	tests := []struct {
		name string
		file [][]byte
		want []indexEntry
	}{
		{"an empty file has none", nil, nil},
		{"entries that rise are taken", [][]byte{entry(1, 10), entry(5, 20)}, []indexEntry{{1, 10}, {5, 20}}},
		{"the zeros of Kafka's preallocation end it", [][]byte{entry(1, 10), make([]byte, 80)}, []indexEntry{{1, 10}}},
		{"half an entry is left out", [][]byte{entry(1, 10), entry(5, 20)[:7]}, []indexEntry{{1, 10}}},
		{"a position that falls ends it", [][]byte{entry(1, 10), entry(5, 9)}, []indexEntry{{1, 10}}},
		{"an offset that stays ends it", [][]byte{entry(1, 10), entry(1, 20)}, []indexEntry{{1, 10}}},
		{"a position behind the log ends it", [][]byte{entry(1, 10), entry(5, 1000)}, []indexEntry{{1, 10}}},
		{"an offset above 31 bits ends it", [][]byte{entry(1, 10), entry(1<<31, 20)}, []indexEntry{{1, 10}}},
	}
	for _, test := range tests {
		if got := parseEntries(slices.Concat(test.file...), 1000); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// Goal: recentRead finds what a walk over the batches finds. Method: every read
// of a small segment, against the walk.
func TestRecentRead(t *testing.T) {
	refs := []batchRef{{10, 100}, {13, 130}, {14, 200}, {20, 210}, {21, 300}}
	for offset := uint32(8); offset <= 21; offset++ {
		for limit := offset; limit <= 21; limit++ {
			for maxBytes := int64(0); maxBytes <= 210; maxBytes += 5 {
				for _, atLeastOne := range []bool{false, true} {
					r := segmentRead{offset: offset, limit: limit, maxBytes: maxBytes, atLeastOne: atLeastOne}
					got, ok := recentRead(refs, r)
					if ok != (offset >= 10) {
						t.Fatalf("%+v: ok = %v", r, ok)
					}
					if want := walkRefs(refs, r); ok && got != want {
						t.Fatalf("%+v: %+v, want %+v", r, got, want)
					}
				}
			}
		}
	}
}

func walkRefs(refs []batchRef, r segmentRead) span {
	var s span
	for i := range len(refs) - 1 {
		size := int(refs[i+1].position - refs[i].position)
		end := refs[i+1].baseOffset
		if end <= r.offset {
			continue
		}
		if end > r.limit || int64(s.size+size) > r.maxBytes && (s.size > 0 || !r.atLeastOne) {
			break
		}
		if s.size == 0 {
			s.position = int64(refs[i].position)
		}
		s.size += size
	}
	return s
}
