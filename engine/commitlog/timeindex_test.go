package commitlog_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/record"
)

// timedBatch returns a batch of records with these timestamps.
func (b *bed) timedBatch(valueBytes int, timestamps ...int64) []byte {
	b.Helper()
	h := record.Header{
		RecordCount: int32(len(timestamps)), LastOffsetDelta: int32(len(timestamps) - 1),
		BaseTimestamp: timestamps[0], MaxTimestamp: timestamps[0],
	}
	var records []byte
	for i, t := range timestamps {
		h.MaxTimestamp = max(h.MaxTimestamp, t)
		records = record.AppendRecord(records, int32(i), t-h.BaseTimestamp, nil, make([]byte, valueBytes), nil)
	}
	return b.seal(h, records)
}

// timedLog appends batches whose timestamps wander upwards, and returns the
// timestamp of each record.
func (b *bed) timedLog(l *commitlog.Log, batches int) (times []int64) {
	b.Helper()
	now := int64(1000)
	for range batches {
		at := make([]int64, 1+b.rand.IntN(3))
		for i := range at {
			now += b.rand.Int64N(20)
			at[i] = max(0, now-b.rand.Int64N(60)) // late ones too
		}
		_, err := l.AppendAsLeader(7, b.buf(b.timedBatch(b.rand.IntN(150), at...)))
		b.must(err)
		times = append(times, at...)
	}
	return times
}

// findsTimes checks OffsetForTime for every millisecond against a walk.
func (b *bed) findsTimes(l *commitlog.Log, start int64, times []int64) {
	b.Helper()
	last := int64(0)
	for _, t := range times {
		last = max(last, t)
	}
	for at := int64(900); at <= last+2; at++ {
		got, found, err := l.OffsetForTime(at)
		b.must(err)
		want := -1
		for i, t := range times {
			if t >= at {
				want = i
				break
			}
		}
		if found != (want >= 0) || found && (got.Offset != start+int64(want) || got.Timestamp != times[want] ||
			got.LeaderEpoch != 7) {
			b.Fatalf("time %d: %+v, %v, want offset %d", at, got, found, want)
		}
	}
}

// Goal: a search by time finds the first record that is not earlier, in every
// codec, after truncations and restarts, with and without time indexes. Method:
// logs with timestamps out of order, every millisecond against a walk.
func TestOffsetForTime(t *testing.T) {
	for _, c := range codec.Types() {
		t.Run(c.String(), func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				b.codec = c
				d := b.openDirs("logs")
				l := b.openIn(d, 0, small())
				times := b.timedLog(l, 60)
				b.findsTimes(l, 0, times)
				b.must(d.Close()) // trusted
				d = b.openDirs("logs")
				l = b.openIn(d, 0, small())
				b.findsTimes(l, 0, times)
				for range 4 {
					b.must(l.Truncate(l.EndOffset() - 1 - b.rand.Int64N(15)))
					times = times[:l.EndOffset()]
					b.findsTimes(l, 0, times)
				}
				b.must(d.Close())
				for name := range b.files() { // rebuilt
					if name[len(name)-9:] == "timeindex" {
						b.must(b.fs.Remove(dir + "/" + name))
					}
				}
				l = b.open(small())
				b.findsTimes(l, 0, times)
				b.must(l.Close())
			})
		})
	}
}

// Goal: time indexes are Kafka's bytes, after a roll, a close, a restart of both
// kinds. Method: entries worked out beside from LogSegment.append.
func TestTimeIndexFiles(t *testing.T) {
	inWorlds(t, func(b *bed) {
		d := b.openDirs("logs")
		l := b.openIn(d, 0, small())
		b.timedLog(l, 60)
		log := b.all(l)
		check := func(step string) {
			b.Helper()
			files := b.files()
			rest := log
			for len(rest) > 0 {
				h, err := record.ParseHeader(rest)
				b.must(err)
				segment := files[logFile(h.BaseOffset)]
				want := wantTimes(segment, 200)
				if got := files[fmt.Sprintf("%020d.timeindex", h.BaseOffset)]; len(segment) == 0 || !bytes.Equal(got, want) {
					b.Fatalf("%s: the time index of segment %d is % x, want % x", step, h.BaseOffset, got, want)
				}
				rest = rest[len(segment):]
			}
		}
		b.must(d.Close())
		check("closed")
		d = b.openDirs("logs")
		b.openIn(d, 0, small())
		b.must(d.Close())
		check("trusted")
		b.must(b.open(small()).Close())
		check("scanned")
	})
}

// wantTimes is the time index of a closed segment, from Kafka's description.
func wantTimes(segment []byte, interval int) []byte {
	var out []byte
	largest, at, noted, since, base := int64(-1), int64(0), int64(-1), 0, int64(-1)
	note := func() {
		if largest > noted {
			out = binary.BigEndian.AppendUint64(out, uint64(largest))
			out = binary.BigEndian.AppendUint32(out, uint32(at-base))
			noted = largest
		}
	}
	for len(segment) > 0 {
		h, err := record.ParseHeader(segment)
		if err != nil {
			panic(err)
		}
		if base < 0 {
			base = h.BaseOffset
		}
		if h.MaxTimestamp > largest {
			largest, at = h.MaxTimestamp, h.LastOffset()
		}
		if since > interval {
			note()
			since = 0
		}
		since += h.SizeBytes()
		segment = segment[h.SizeBytes():]
	}
	note()
	return out
}

// Goal: segments roll by time and by the size of their indexes. Method: a table
// of settings, and how many batches of one record each segment then has.
func TestRollsByTimeAndIndex(t *testing.T) {
	tests := []struct {
		name   string
		change func(c *commitlog.Config)
		step   int64 // ms between two batches
		want   int   // segments after 30 batches
	}{
		{"neither", func(*commitlog.Config) {}, 1, 1},
		{"10 ms are 11 batches of 1 ms", func(c *commitlog.Config) { c.SegmentInterval = 10 * time.Millisecond }, 1, 3},
		{"every batch is older than segment.ms", func(c *commitlog.Config) { c.SegmentInterval = time.Millisecond }, 2, 30},
		{"4 entries of the offset index", func(c *commitlog.Config) { c.SegmentIndexBytes = 36 }, 0, 6},
		{"2 entries of the time index", func(c *commitlog.Config) { c.SegmentIndexBytes = 36 }, 1, 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				cfg := small()
				cfg.SegmentBytes, cfg.IndexIntervalBytes = 1<<20, 0
				test.change(&cfg)
				l := b.open(cfg)
				for i := range int64(30) {
					_, err := l.AppendAsLeader(1, b.buf(b.timedBatch(10, 5000+i*test.step)))
					b.must(err)
				}
				if got := l.Stats().Segments; got != test.want {
					b.Errorf("%d segments, want %d", got, test.want)
				}
				b.must(l.Close())
			})
		})
	}
}
