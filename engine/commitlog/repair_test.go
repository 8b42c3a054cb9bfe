package commitlog_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"brokerlab/engine/commitlog"
)

// Goal: opening a log that was flushed deletes nothing of it that a broker could not
// have written behind its end: what is missing or broken in the middle is a gap, as in
// Kafka, and reads go on behind it; what was not flushed is kept up to the first gap;
// and whatever is found and done is told. Method: a table of damages to a log of
// several segments, opened as after a clean shutdown or as after a power loss; the
// batches that can be read, the files that are left, the repairs.
func TestNothingGoesSilently(t *testing.T) {
	inWorlds(t, func(b *bed) {
		cfg := small()
		m, files := b.writtenLog(cfg, 60)
		s := m.segments(int(cfg.SegmentBytes))
		name := func(i int) string { return logFile(s[i][0].base) }
		last := len(s) - 1
		if last < 4 || len(s[1]) < 4 {
			b.Fatalf("%d segments, %d batches in the second: too few", len(s), len(s[1]))
		}
		half := len(s[1]) / 2
		before := 0 // bytes of segment 1 in front of its batch half
		for _, x := range s[1][:half] {
			before += len(x.bytes)
		}
		clean := commitlog.Past{CleanShutdown: true}
		tests := []struct {
			name    string
			past    commitlog.Past
			do      func(f map[string][]byte)
			want    []modelBatch
			gone    []string // files
			repairs []string // words of each
		}{
			{"nothing is wrong", clean, func(map[string][]byte) {}, slices.Concat(s...), nil, nil},
			{"a segment is missing", clean, func(f map[string][]byte) { delete(f, name(2)) },
				slices.Concat(slices.Concat(s[:2]...), slices.Concat(s[3:]...)), nil,
				[]string{"is an index without a log", "is an index without a log", name(1) + ": it ends at offset"}},
			{"a segment is missing below the recovery point", commitlog.Past{RecoveryPoint: s[4][0].base},
				func(f map[string][]byte) { delete(f, name(2)) },
				slices.Concat(slices.Concat(s[:2]...), slices.Concat(s[3:]...)), nil,
				[]string{"is an index without a log", "is an index without a log", name(1) + ": it ends at offset"}},
			{"a segment is missing that was not flushed", commitlog.Past{RecoveryPoint: s[1][0].base},
				func(f map[string][]byte) { delete(f, name(2)) }, slices.Concat(s[:2]...),
				func() (names []string) {
					for i := 3; i <= last; i++ {
						names = append(names, name(i))
					}
					return names
				}(), append([]string{"is an index without a log", "is an index without a log"},
					slices.Repeat([]string{"was not flushed, and the log before it ends at"}, last-2)...)},
			{"a length in the middle is wrong", clean, func(f map[string][]byte) {
				f[name(1)] = bytes.Clone(f[name(1)])
				f[name(1)][before+8] = 0x7f
				delete(f, indexFile(s[1][0].base)) // or reads would begin behind it
			}, slices.Concat(s[0], s[1][:half], slices.Concat(s[2:]...)), nil,
				[]string{name(1) + ": it ends at offset"}},
			{"a length in the last segment is wrong", clean, func(f map[string][]byte) {
				f[name(last)] = bytes.Clone(f[name(last)])
				f[name(last)][8] = 0x7f
			}, slices.Concat(s[:last]...), nil, []string{name(last) + ": what follows offset"}},
			{"bytes behind the end of a segment", clean, func(f map[string][]byte) {
				f[name(1)] = append(bytes.Clone(f[name(1)]), s[0][0].bytes...)
			}, slices.Concat(s...), nil, []string{name(1) + ": what follows offset"}},
			{"a batch is missing inside of a segment", clean, func(f map[string][]byte) {
				f[name(1)] = slices.Concat(f[name(1)][:before], f[name(1)][before+len(s[1][half].bytes):])
				delete(f, indexFile(s[1][0].base))
			}, slices.Concat(s[0], s[1][:half], s[1][half+1:], slices.Concat(s[2:]...)), nil, nil},
		}
		for _, test := range tests {
			damaged := maps.Clone(files)
			test.do(damaged)
			b.setFiles(damaged)
			l, err := commitlog.OpenAfter(b.node, dir, cfg, test.past)
			b.must(err)
			want := &model{batches: test.want}
			if got := b.all(l); !bytes.Equal(got, want.bytes()) || l.EndOffset() != want.end() {
				b.Errorf("%s: %d bytes can be read up to %d, want %d up to %d", test.name, len(got), l.EndOffset(),
					len(want.bytes()), want.end())
			}
			b.repairsAre(test.name, l.Repairs(), test.repairs)
			p := b.randomBatch(3, 50)
			want.add(b.stamped(p, want.end(), 7))
			b.must(appendOne(b, l, p))
			if got := b.all(l); !bytes.Equal(got, want.bytes()) {
				b.Errorf("%s: after an append the log is another", test.name)
			}
			b.must(l.Close())
			left := b.files()
			for f := range damaged {
				if _, ok := left[f]; strings.HasSuffix(f, ".log") && ok == slices.Contains(test.gone, f) {
					b.Errorf("%s: %s is there: %v", test.name, f, ok)
				}
			}
		}
	})
}

func (b *bed) repairsAre(name string, got []commitlog.Repair, want []string) {
	b.Helper()
	if len(got) != len(want) {
		b.Errorf("%s: %d repairs are told, want %d: %v", name, len(got), len(want), got)
		return
	}
	for i := range got {
		if text := got[i].String(); !strings.Contains(text, want[i]) || got[i].Bytes < 0 {
			b.Errorf("%s: repair %d is %q, want one with %q", name, i, text, want[i])
		}
	}
}

// Goal: segments that hold the same offsets are refused, and left as they are; and
// truncating to an offset that is in a gap leaves an end that is not behind it.
// Method: batches of a segment copied behind those of the one before; a log with a
// batch missing, cut where it was.
func TestOverlapsAndGaps(t *testing.T) {
	inWorlds(t, func(b *bed) {
		cfg, clean := small(), commitlog.Past{CleanShutdown: true}
		m, files := b.writtenLog(cfg, 60)
		s := m.segments(int(cfg.SegmentBytes))
		name := logFile(s[1][0].base)
		damaged := maps.Clone(files)
		damaged[name] = append(bytes.Clone(files[name]), s[2][0].bytes...)
		b.setFiles(damaged)
		_, err := commitlog.OpenAfter(b.node, dir, cfg, clean)
		b.wantErr(err, commitlog.ErrCorrupt)
		if !bytes.Equal(b.files()[name], damaged[name]) || len(b.files()) != len(damaged) {
			b.Error("files of a log that was refused have changed")
		}

		before := len(s[1][0].bytes)
		damaged[name] = slices.Concat(files[name][:before], files[name][before+len(s[1][1].bytes):])
		delete(damaged, indexFile(s[1][0].base))
		b.setFiles(damaged)
		l, err := commitlog.OpenAfter(b.node, dir, cfg, clean)
		b.must(err)
		gap := s[1][1].base
		buf, err := l.Read(commitlog.ReadRequest{Offset: gap, MaxBytes: 1, Limit: l.EndOffset(), AtLeastOne: true})
		b.must(err)
		if !bytes.Equal(b.bytesOf(buf), s[1][2].bytes) {
			b.Error("a read in a gap does not begin with the batch behind it")
		}
		b.must(l.Truncate(gap))
		if l.EndOffset() != gap {
			b.Errorf("the log ends at %d after it was truncated to %d", l.EndOffset(), gap)
		}
		b.must(l.Close())
	})
}
