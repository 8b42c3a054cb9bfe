package commitlog_test

import (
	"bytes"
	"math"
	"testing"

	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

// FuzzRecovery: whatever the files of a log hold, opening it does not panic. What
// it keeps is the longest run of right batches: the second file counts only if
// the first one is right to its end and leads to it. What is kept can be read,
// appended to, and opened again without a further cut.
func FuzzRecovery(f *testing.F) {
	var m *model
	var files map[string][]byte
	cfg := small()
	cfg.SegmentBytes = 1500
	simulated(f, func(b *bed) { m, files = b.writtenLog(cfg, 12) })
	segments := m.segments(1500)
	second := segments[1][0].base
	f.Add(files[logFile(0)], files[indexFile(0)], files[logFile(second)], files[indexFile(second)], uint8(second))
	torn := files[logFile(second)][:100]
	f.Add(files[logFile(0)], files[indexFile(second)], torn, []byte{0, 0, 0, 1, 0, 0, 0, 2}, uint8(second))
	f.Add(files[logFile(0)], []byte(nil), files[logFile(0)], []byte(nil), uint8(second+1))
	f.Add([]byte("x"), []byte("y"), []byte(nil), []byte(nil), uint8(0))
	f.Fuzz(func(t *testing.T, log0, index0, log1, index1 []byte, base uint8) {
		simulated(t, func(b *bed) {
			input := map[string][]byte{logFile(0): log0, indexFile(0): index0}
			if base > 0 {
				input[logFile(int64(base))], input[indexFile(int64(base))] = log1, index1
			}
			b.setFiles(input)
			l := b.open(cfg)
			kept := b.files()
			want, end := longestRun(log0, 0)
			if !bytes.Equal(kept[logFile(0)], want) {
				t.Fatalf("of the first file %d bytes are kept, want %d", len(kept[logFile(0)]), len(want))
			}
			if base > 0 {
				whole := len(want) == len(log0) && end == int64(base)
				if whole {
					want, end = longestRun(log1, end)
				}
				if got, there := kept[logFile(int64(base))]; there != whole || whole && !bytes.Equal(got, want) {
					t.Fatalf("the second file is kept: %v, %d bytes; want %v, %d", there, len(got), whole, len(want))
				}
			}
			if l.EndOffset() != end {
				t.Fatalf("the log ends at %d, want %d", l.EndOffset(), end)
			}
			for offset := max(0, end-300); offset < end; offset++ {
				buf, err := l.Read(commitlog.ReadRequest{Offset: offset, MaxBytes: 700, Limit: end, AtLeastOne: true})
				b.must(err)
				h, err := record.ParseHeader(b.bytesOf(buf))
				if err != nil || h.BaseOffset > offset || h.LastOffset() < offset {
					t.Fatalf("a read at %d begins with %+v, %v", offset, h, err)
				}
			}
			before := l.EndOffset()
			_, err := l.AppendAsLeader(1, b.buf(b.batchOf([]byte("one more"))))
			b.must(err)
			b.must(l.Close())
			l = b.open(cfg)
			if l.Stats().RecoveryCut != 0 || l.EndOffset() != before+1 {
				t.Fatalf("opened again: cut %d, end %d, want %d", l.Stats().RecoveryCut, l.EndOffset(), before+1)
			}
			b.must(l.Close())
		})
	})
}

// longestRun is what recovery keeps of a last segment, and the offset behind it.
func longestRun(p []byte, base int64) (kept []byte, end int64) {
	size := 0
	for {
		n, err := checkedBatch(p[size:])
		if err != nil {
			return p[:size], base
		}
		h, err := record.ParseHeader(p[size:])
		if err != nil || h.BaseOffset != base || h.LastOffset()-base > math.MaxInt32 {
			return p[:size], base
		}
		base = h.NextOffset()
		size += n
	}
}

// simulated runs body in the simulated world on a disk that takes no time.
func simulated(t testing.TB, body func(b *bed)) {
	t.Helper()
	d := simfs.NewDisk(simfs.Config{})
	runBed(t, place{
		world: simworld.New(simworld.Config{Seed: 1, Poison: true}),
		mount: d.Mount,
		end:   func(testing.TB) { d.Close() },
	}, body)
}
