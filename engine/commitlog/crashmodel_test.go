package commitlog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"brokerlab/engine/commitlog"
	"brokerlab/engine/record"
)

// version is a log that an image may hold: all batches that it had, of which retention
// may have deleted the first ones and a power loss the last ones.
type version struct {
	batches []modelBatch // those that were deleted included
	starts  []int64      // where it may start
	floor   int64        // all offsets below are on disk
	// marks are what the file of high watermarks may say of the log. They are those of the
	// last version of a promise.
	marks []int64
	// anywhere says that the log was being deleted as a whole: any of its batches that
	// follow each other may be left.
	anywhere bool
}

func (v *version) end() int64 {
	if n := len(v.batches); n > 0 {
		return max(v.batches[n-1].next, slices.Max(v.starts))
	}
	return slices.Max(v.starts)
}

// admits says whether a power loss may leave these batches of the version.
func (v *version) admits(start int64, got []modelBatch) bool {
	end := start
	if n := len(got); n > 0 {
		end = got[n-1].next
	}
	if end < v.floor || !v.anywhere && !slices.Contains(v.starts, start) {
		return false
	}
	if len(got) == 0 {
		return true
	}
	i := slices.IndexFunc(v.batches, func(x modelBatch) bool { return x.base == start })
	return i >= 0 && i+len(got) <= len(v.batches) && slices.EqualFunc(got, v.batches[i:i+len(got)],
		func(a, b modelBatch) bool { return bytes.Equal(a.bytes, b.bytes) })
}

// promise is what an image must hold: one of the versions. The last one is the log as it
// is, those before it are what a Truncate, which no flush has covered, may have left.
type promise []version

// key tells promises apart.
func (p promise) key() [sha256.Size]byte {
	var out []byte
	for _, v := range p {
		for _, x := range v.batches {
			out = append(out, x.bytes...)
		}
		out = fmt.Appendf(out, "%d %d %v %d;", v.starts, v.floor, v.anywhere, v.marks)
	}
	return sha256.Sum256(out)
}

// admits says whether the promise is kept by a log.
func (p promise) admits(start int64, got []modelBatch) bool {
	return slices.ContainsFunc(p, func(v version) bool { return v.admits(start, got) })
}

func (p promise) refuse(start int64, got []modelBatch) error {
	return fmt.Errorf("the log is %s from %d, promised was %v", describe(got), start, p)
}

func (p promise) clone() promise {
	out := slices.Clone(p)
	for i := range out {
		out[i].batches = slices.Clone(out[i].batches)
		out[i].starts = slices.Clone(out[i].starts)
		out[i].marks = slices.Clone(out[i].marks)
	}
	return out
}

func (p promise) now() *version { return &p[len(p)-1] }

// kept is the promise after a flush that covered all.
func (p promise) kept() promise {
	v := *p.now()
	v.floor = v.end()
	return promise{v}
}

// truncated is the promise while offsets from offset on are taken back, and afterwards.
func (p promise) truncated(offset int64) promise {
	v := p.clone().now()
	for n := len(v.batches); n > 0 && v.batches[n-1].next > offset; n-- {
		offset = min(offset, v.batches[n-1].base)
		v.batches = v.batches[:n-1]
	}
	out := append(p.clone(), *v)
	for i := range out {
		out[i].floor = min(out[i].floor, offset)
	}
	return out
}

// exactly is the promise of a log that is all on disk.
func exactly(start int64, batches []modelBatch) promise {
	v := version{batches: batches, starts: []int64{start}, marks: []int64{0}}
	v.floor = v.end()
	return promise{v}
}

// describe is a log's batches as text: base/epoch of each.
func describe(batches []modelBatch) string {
	var out []string
	for _, x := range batches {
		h, err := record.ParseHeader(x.bytes)
		if err != nil {
			return err.Error()
		}
		out = append(out, fmt.Sprintf("%d-%d/%d", x.base, x.next, h.PartitionLeaderEpoch))
	}
	return "[" + strings.Join(out, " ") + "]"
}

func (p promise) String() string {
	var out []string
	for _, v := range p {
		out = append(out, fmt.Sprintf("%s from %d, flushed to %d", describe(v.batches), v.starts, v.floor))
	}
	return strings.Join(out, " or ")
}

// holds reads a log and checks that all that it knows of its batches is true.
func (b *bed) holds(l *commitlog.Log) (start int64, got []modelBatch, err error) {
	start = l.StartOffset()
	got, err = parseBatches(b.all(l))
	if err != nil {
		return 0, nil, err
	}
	next := start
	for _, x := range got {
		if x.base != next {
			return 0, nil, fmt.Errorf("the log has a gap before %d: %s", x.base, describe(got))
		}
		next = x.next
	}
	return start, got, errors.Join(b.knowsEpochs(l, got), b.findsAll(l, start, got), b.knowsProducers(l, got))
}

// holdsOneOf is holds for a log that must be what was promised.
func (b *bed) holdsOneOf(l *commitlog.Log, p promise) error {
	start, got, err := b.holds(l)
	if err == nil && !p.admits(start, got) {
		err = p.refuse(start, got)
	}
	return err
}

// parseBatches splits the bytes of a log and checks each batch.
func parseBatches(p []byte) (out []modelBatch, err error) {
	m := &model{}
	for len(p) > 0 {
		n, err := checkedBatch(p)
		if err != nil {
			return nil, err
		}
		m.add(p[:n])
		p = p[n:]
	}
	return m.batches, nil
}

// knowsEpochs checks the leader epochs of a log against its batches.
func (b *bed) knowsEpochs(l *commitlog.Log, got []modelBatch) error {
	for i, x := range got {
		h, err := record.ParseHeader(x.bytes)
		b.must(err)
		for _, offset := range []int64{x.base, x.next - 1} {
			if epoch, ok := l.EpochFor(offset); !ok || epoch != h.PartitionLeaderEpoch {
				return fmt.Errorf("offset %d is of epoch %d, the log says %d, %v", offset, h.PartitionLeaderEpoch, epoch, ok)
			}
		}
		end := l.EndOffset()
		for _, y := range got[i:] {
			if h2, _ := record.ParseHeader(y.bytes); h2.PartitionLeaderEpoch > h.PartitionLeaderEpoch {
				end = y.base
				break
			}
		}
		want := commitlog.EpochEnd{Epoch: h.PartitionLeaderEpoch, EndOffset: end}
		if is := l.EndOffsetFor(h.PartitionLeaderEpoch); is != want {
			return fmt.Errorf("epoch %d ends at %+v, want %+v", h.PartitionLeaderEpoch, is, want)
		}
		if last, ok := l.LatestEpoch(); i == len(got)-1 && (!ok || last != h.PartitionLeaderEpoch) {
			return fmt.Errorf("the latest epoch is %d, the last batch's %d", last, h.PartitionLeaderEpoch)
		}
	}
	return nil
}

// findsAll reads each offset by itself and finds each batch by its time.
func (b *bed) findsAll(l *commitlog.Log, start int64, got []modelBatch) error {
	largest := int64(math.MinInt64)
	for _, x := range got {
		for offset := x.base; offset < x.next; offset++ {
			buf, err := l.Read(commitlog.ReadRequest{Offset: offset, MaxBytes: 1, Limit: l.EndOffset(), AtLeastOne: true})
			if err != nil {
				return err
			}
			if !bytes.Equal(b.bytesOf(buf), x.bytes) {
				return fmt.Errorf("a read at %d gives another batch", offset)
			}
		}
		h, err := record.ParseHeader(x.bytes)
		b.must(err)
		if h.MaxTimestamp <= largest {
			continue
		}
		largest = h.MaxTimestamp
		o, found, err := l.OffsetForTime(h.MaxTimestamp)
		if err != nil || !found || o.Offset < x.base || o.Offset >= x.next {
			return fmt.Errorf("time %d is found at %+v, %v, %w, want %d", h.MaxTimestamp, o, found, err, x.base)
		}
	}
	for _, offset := range []int64{start - 1, l.EndOffset() + 1} {
		_, err := l.Read(commitlog.ReadRequest{Offset: offset, MaxBytes: 1, Limit: l.EndOffset()})
		if !errors.Is(err, commitlog.ErrOffsetOutOfRange) {
			return fmt.Errorf("a read at %d, out of the log: %w", offset, err)
		}
	}
	return nil
}

// knowsProducers appends again what the log has of each producer, as far back as it must
// know it, and a batch that leaves a gap: the first is a duplicate, the other is refused.
func (b *bed) knowsProducers(l *commitlog.Log, got []modelBatch) error {
	count := map[int64]int{}
	for _, x := range slices.Backward(got) {
		h, err := record.ParseHeader(x.bytes)
		b.must(err)
		if count[h.ProducerID]++; count[h.ProducerID] > 5 {
			continue
		}
		a, err := l.AppendAsLeader(h.PartitionLeaderEpoch, b.buf(b.stamped(x.bytes, 0, -1)))
		if err != nil || !a.Duplicate || a.BaseOffset != x.base || a.NextOffset != x.next {
			return fmt.Errorf("the batch at %d again: %+v, %w", x.base, a, err)
		}
		if count[h.ProducerID] > 1 {
			continue
		}
		gap := b.sequenced(h.ProducerID, h.LastSequence()+2, 0)
		if _, err := l.AppendAsLeader(h.PartitionLeaderEpoch, b.buf(gap)); !errors.Is(err, commitlog.ErrOutOfOrderSequence) {
			return fmt.Errorf("a batch of producer %d that leaves a gap behind %d: %w", h.ProducerID, h.LastSequence(), err)
		}
	}
	return nil
}

// sequenced is a batch of one record of an idempotent producer. at tells batches apart
// that have the same sequence number, and is the record's time.
func (b *bed) sequenced(id int64, sequence int32, at int64) []byte {
	value := binary.BigEndian.AppendUint32(nil, uint32(at*0x9e3779b1))
	p := b.seal(record.Header{RecordCount: 1, BaseTimestamp: 1000 + at, MaxTimestamp: 1000 + at},
		record.AppendRecord(nil, 0, 0, nil, value, nil))
	h, err := record.ParseHeader(p)
	b.must(err)
	h.ProducerID, h.ProducerEpoch, h.BaseSequence = id, 0, sequence
	h.Put(p)
	h.CRC = record.UpdateCRC(0, p[record.AttributesOffset:])
	h.Put(p)
	return p
}

// indexesAgree checks the files of a log that was closed.
func (b *bed) indexesAgree(got []modelBatch, intervalBytes int64) error {
	files := b.files()
	for name, p := range files {
		stem, suffix, _ := strings.Cut(name, ".")
		switch suffix {
		case "log":
			batches, err := parseBatches(p)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for _, x := range batches {
				if !slices.ContainsFunc(got, func(y modelBatch) bool { return bytes.Equal(x.bytes, y.bytes) }) {
					return fmt.Errorf("%s has a batch at %d that the log has not", name, x.base)
				}
			}
			if want := wantIndex(batches, int(intervalBytes)); !bytes.Equal(files[stem+".index"], want) {
				return fmt.Errorf("the index of %s is % x, want % x", name, files[stem+".index"], want)
			}
			if err := timesAgree(files[stem+".timeindex"], batches); err != nil {
				return fmt.Errorf("the time index of %s: %w", name, err)
			}
		case "index", "timeindex", "snapshot":
		default:
			if path.Base(name) != "leader-epoch-checkpoint" {
				return fmt.Errorf("there is a file %s", name)
			}
		}
	}
	return nil
}

// timesAgree checks that the entries of a time index rise and are true, and that the last
// one is of the largest timestamp. Opening a log makes an entry at its end, so that there
// may be more of them than in a log that lived once.
func timesAgree(file []byte, batches []modelBatch) error {
	times, last := map[int64]int64{}, int64(-1) // by last offset
	for _, x := range batches {
		h, err := record.ParseHeader(x.bytes)
		if err != nil {
			return err
		}
		last = max(last, h.MaxTimestamp)
		times[h.LastOffset()] = last
	}
	noted := int64(-1)
	for at := file; len(at) > 0; at = at[12:] {
		if len(at) < 12 {
			return fmt.Errorf("it ends in an entry: % x", file)
		}
		timestamp := int64(binary.BigEndian.Uint64(at))
		offset := batches[0].base + int64(binary.BigEndian.Uint32(at[8:]))
		if timestamp <= noted || times[offset] != timestamp {
			return fmt.Errorf("the entry of time %d at offset %d lies: % x", timestamp, offset, file)
		}
		noted = timestamp
	}
	if noted != last {
		return fmt.Errorf("its last entry is of time %d, the log's of %d", noted, last)
	}
	return nil
}
