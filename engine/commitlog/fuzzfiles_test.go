package commitlog

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// FuzzIndexFile: whatever an .index file holds, what is taken of it rises, lies within
// the segment and is no more than the file can hold; written again it is the file's
// start.
func FuzzIndexFile(f *testing.F) {
	f.Add(putEntries(nil, []indexEntry{{3, 100}, {9, 4200}, {10, 8300}}), int64(9000))
	f.Add(make([]byte, 64), int64(100))
	f.Add([]byte{0x80, 0, 0, 0, 0, 0, 0, 1, 2}, int64(1<<31))
	f.Fuzz(func(t *testing.T, file []byte, segmentBytes int64) {
		entries := parseEntries(file, segmentBytes)
		if !bytes.HasPrefix(file, putEntries(nil, entries)) {
			t.Fatalf("%v is not at the start of %x", entries, file)
		}
		for i, e := range entries {
			if e.position == 0 || int64(e.position) >= segmentBytes ||
				i > 0 && (e.position <= entries[i-1].position || e.lastOffset <= entries[i-1].lastOffset) {
				t.Fatalf("entry %d of %v cannot be true for %d bytes", i, entries, segmentBytes)
			}
		}
	})
}

// FuzzTimeIndexFile: the same of a .timeindex file.
func FuzzTimeIndexFile(f *testing.F) {
	f.Add(putTimes(nil, []timeEntry{{1000, 3}, {1001, 3}, {5000, 9}}))
	f.Add(make([]byte, 60))
	f.Add([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2})
	f.Fuzz(func(t *testing.T, file []byte) {
		entries := parseTimes(file)
		if !bytes.HasPrefix(file, putTimes(nil, entries)) {
			t.Fatalf("%v is not at the start of %x", entries, file)
		}
		for i, e := range entries {
			if e.timestamp < 0 || i > 0 && (e.timestamp <= entries[i-1].timestamp || e.offset < entries[i-1].offset) {
				t.Fatalf("entry %d of %v cannot be true", i, entries)
			}
		}
	})
}

// FuzzCheckpointFile: whatever a recovery-point or replication-offset checkpoint holds
// gives offsets or an error; what is taken is no more than the file's lines, and
// written again it gives the same.
func FuzzCheckpointFile(f *testing.F) {
	f.Add([]byte("0\n2\ntopic 0 4711\ntopic 1 42\n"))
	f.Add([]byte("0\n1000000000000\n"))
	f.Add([]byte("1\n0\n"))
	f.Add([]byte("0\n1\n  a\t0   1 \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines, err := parseCheckpoint(text, 3)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		again := make([]string, len(lines))
		for i, l := range lines {
			again[i] = strings.Join(l, " ")
		}
		back, err := parseCheckpoint(checkpointText(again), 3)
		if err != nil || !slices.EqualFunc(back, lines, slices.Equal) {
			t.Fatalf("%v is written and read as %v, %v", lines, back, err)
		}
	})
}
