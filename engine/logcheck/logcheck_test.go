package logcheck

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"brokerlab/engine/codec"
	"brokerlab/engine/record"
)

// kafka are the directories that Apache Kafka itself wrote, one for each codec.
const kafka = "../commitlog/testdata/kafka"

// load copies a directory to memory, where it can be damaged.
func load(t testing.TB, dir string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	from := os.DirFS(dir)
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(from, name)
		out[path.Join("topic-0", name)] = &fstest.MapFile{Data: content}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("%d files, error %v", len(out), err)
	}
	return out
}

// check returns what was found.
func check(t testing.TB, fsys fs.FS, name string) (Totals, []Finding) {
	t.Helper()
	var all []Finding
	totals, err := Check(fsys, name, Visitor{Finding: func(f Finding) error {
		all = append(all, f)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return totals, all
}

// Goal: what Apache Kafka wrote, with every codec, is read to its end and found whole. Method: its own
// directories, whose batches and records are known.
func TestKafkasOwn(t *testing.T) {
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		totals, findings := check(t, load(t, path.Join(kafka, name)), ".")
		if totals.Damage != 0 || len(findings) != 0 {
			t.Errorf("%s: %v", name, findings)
		}
		if totals.Batches != 24 || totals.Records != 71 || totals.Segments < 4 || totals.IndexEntries == 0 ||
			totals.Directories != 1 {
			t.Errorf("%s: %+v", name, totals)
		}
	}
}

const (
	first  = "topic-0/00000000000000000000"
	second = "topic-0/00000000000000000014"
	last   = "topic-0/00000000000000000068"
)

// Goal: every kind of damage is found at its place, alone, and what is none is a note. Method: damage a log
// of Kafka, one row a kind.
func TestDamage(t *testing.T) {
	at := func(name string, position int, value byte) func(fstest.MapFS) {
		return func(f fstest.MapFS) { f[name].Data[position] = value }
	}
	put := func(name string, content []byte) func(fstest.MapFS) {
		return func(f fstest.MapFS) { f[name] = &fstest.MapFile{Data: content} }
	}
	appendTo := func(name string, more ...byte) func(fstest.MapFS) {
		return func(f fstest.MapFS) { f[name].Data = append(f[name].Data, more...) }
	}
	cut := func(name string, bytes int) func(fstest.MapFS) {
		return func(f fstest.MapFS) { f[name].Data = f[name].Data[:len(f[name].Data)-bytes] }
	}
	remove := func(name string) func(fstest.MapFS) { return func(f fstest.MapFS) { delete(f, name) } }
	for _, row := range []struct {
		why    string
		damage func(fstest.MapFS)
		want   string // the first finding; a note if it begins so
	}{
		{"a bit of a record", at(first+".log", 100, 0xff), first + ".log:0: batch at offset 0: its CRC is "},
		{"a header that is none", at(first+".log", 304+16, 1), first + ".log:304: record: parse header: magic 1, want 2"},
		{"a torn tail", cut(last+".log", 3),
			last + ".log:0: the tail is torn: a batch of 158 bytes at offset 68, of which 155"},
		{"bytes behind the last batch", appendTo(last+".log", 1, 2, 3), last + ".log:158: the tail is torn: 3 bytes"},
		{"zeros behind the last batch", appendTo(last+".log", make([]byte, 99)...),
			"note " + last + ".log:158: 99 zero bytes"},
		{"a cut in the middle", cut(first+".log", 3), first + ".log:"},
		{"an offset that repeats", func(f fstest.MapFS) {
			binary.BigEndian.PutUint64(f[first+".log"].Data[304:], 2)
		}, first + ".log:304: batch at offset 2, after offset 3"},
		{"a segment that is gone", func(f fstest.MapFS) {
			for _, suffix := range []string{".log", ".index", ".timeindex"} {
				delete(f, second+suffix)
			}
		}, "note topic-0/00000000000000000029.log:0: offsets 14 to 28 are missing before it"},
		{"a log without its .log", remove(second + ".log"), "note topic-0/00000000000000000029.log:0: offsets 14"},
		{"an epoch that goes back", func(f fstest.MapFS) {
			delete(f, "topic-0/leader-epoch-checkpoint")
			binary.BigEndian.PutUint32(f[last+".log"].Data[12:], 1)
		}, last + ".log:0: batch at offset 68 of leader epoch 1, after epoch 4"},
		{"an epoch that the checkpoint does not have", put("topic-0/leader-epoch-checkpoint", []byte("0\n1\n0 0\n")),
			"topic-0/00000000000000000014.log:"},
		{"a checkpoint of another version", put("topic-0/leader-epoch-checkpoint", []byte("1\n0\n")),
			"topic-0/leader-epoch-checkpoint:0: it is no checkpoint of version 0"},
		{"a checkpoint that was cut", put("topic-0/leader-epoch-checkpoint", []byte("0\n3\n0 0\n")),
			`topic-0/leader-epoch-checkpoint:2: it says that it has "3" entries, and has 1`},
		{"a checkpoint out of order", put("topic-0/leader-epoch-checkpoint", []byte("0\n2\n0 0\n0 24\n")),
			"topic-0/leader-epoch-checkpoint:8: epoch 0 begins at offset 24, after epoch 0"},
		{"an index entry where no batch begins", at(first+".index", 7, 99), first + ".index:0: offset "},
		{"an index entry of another batch", at(first+".index", 11, 0), first + ".index:8: offset 0 at position "},
		{"an index entry behind the log", appendTo(first+".index", 0, 0, 0, 99, 0, 9, 9, 9),
			first + ".index:16: offset 99 at position 592137, and the log ends at 1006"},
		{"half an index entry", cut(first+".index", 3), first + ".index:8: 5 bytes are no entry of 8"},
		{"an index that is gone", remove(first + ".index"), "note " + first + ".index:0: it is missing"},
		{"an index with room", appendTo(first+".index", make([]byte, 80)...), "note " + first + ".index:16: 80 zero bytes"},
		{"a time that no batch has", at(first+".timeindex", 7, 1), first + ".timeindex:0: timestamp "},
	} {
		fsys := load(t, path.Join(kafka, "none"))
		row.damage(fsys)
		_, findings := check(t, fsys, ".")
		want, note := strings.CutPrefix(row.want, "note ")
		if len(findings) == 0 || !strings.HasPrefix(findings[0].String(), want) || findings[0].Damage == note {
			t.Errorf("%s: found %v, want %s", row.why, findings, row.want)
		}
	}
}

// Goal: a fault is told once, where it is, and not again of all that stands behind it. Method: damage a log of
// Kafka at its beginning, and compare all that is said.
func TestToldOnce(t *testing.T) {
	noEpochs := func(f fstest.MapFS) { delete(f, "topic-0/leader-epoch-checkpoint") }
	for _, row := range []struct {
		why    string
		damage func(fstest.MapFS)
		want   []string
	}{
		{"an offset that is too large", func(f fstest.MapFS) { noEpochs(f); f[first+".log"].Data[304] = 0x40 }, []string{
			first + ".log:304: offsets 4 to 4611686018427387907 are missing before it",
			first + ".timeindex:0: timestamp 1767225600108 of offset 7, which no batch has; the entry behind it is as wrong",
			first + ".log:533: batch at offset 8, after offset 4611686018427387911",
		}},
		{"an epoch that is too large", func(f fstest.MapFS) { noEpochs(f); f[first+".log"].Data[304+12] = 0x40 },
			[]string{first + ".log:533: batch at offset 8 of leader epoch 0, after epoch 1073741824"}},
		{"an epoch that the checkpoint begins too early", func(f fstest.MapFS) {
			f["topic-0/leader-epoch-checkpoint"].Data = []byte("0\n2\n0 0\n5 14\n")
		}, []string{ // once for each epoch of the log
			"topic-0/00000000000000000014.log:0: batch at offset 14 is of leader epoch 0, and leader-epoch-checkpoint has 5",
			"topic-0/00000000000000000014.log:635: batch at offset 24 is of leader epoch 3, and ",
			"topic-0/00000000000000000029.log:617: batch at offset 38 is of leader epoch 4, and ",
		}},
		{"a log that was cut between batches", func(f fstest.MapFS) {
			f[last+".log"].Data = nil
			f[last+".index"].Data = []byte{0, 0, 0, 1, 0, 0, 0, 99, 0, 0, 0, 2, 0, 0, 1, 99}
		}, []string{
			last + ".index:0: offset 69 at position 99, and the log ends at 0; the entry behind it is as wrong",
			last + ".timeindex:0: timestamp ",
		}},
	} {
		fsys := load(t, path.Join(kafka, "none"))
		row.damage(fsys)
		_, findings := check(t, fsys, ".")
		same := len(findings) == len(row.want)
		for i := 0; same && i < len(findings); i++ {
			same = strings.HasPrefix(findings[i].String(), row.want[i])
		}
		if !same {
			t.Errorf("%s: found %v, want %v", row.why, findings, row.want)
		}
	}
}

// Goal: a visitor is told of everything in order, and its error ends the reading. Method: count what comes.
func TestVisitor(t *testing.T) {
	fsys := load(t, path.Join(kafka, "zstd"))
	counts := map[string]int{}
	next := int64(0)
	visit := Visitor{
		Directory: func(string) error { counts["directory"]++; return nil },
		Batch: func(b *Batch) error {
			counts["batch"]++
			if b.BaseOffset != next || !b.CRCRight {
				return fmt.Errorf("batch at %d, want %d", b.BaseOffset, next)
			}
			return nil
		},
		Record:  func(b *Batch, r *record.Record) error { counts["record"]++; next = r.Offset + 1; return nil },
		Index:   func(Entry) error { counts["index"]++; return nil },
		Time:    func(Entry) error { counts["time"]++; return nil },
		Segment: func(s Segment) error { counts["segment"]++; return nil },
	}
	totals, err := Check(fsys, "topic-0", visit)
	if err != nil || counts["batch"] != 24 || counts["record"] != 71 || counts["directory"] != 1 ||
		counts["segment"] != totals.Segments || counts["index"]+counts["time"] != totals.IndexEntries {
		t.Errorf("%v of %+v, error %v", counts, totals, err)
	}
	stop := errors.New("stop")
	if _, err := Check(fsys, ".", Visitor{Record: func(*Batch, *record.Record) error { return stop }}); err != stop {
		t.Errorf("error %v", err)
	}
}

// Goal: one file is checked with those beside it, and what is no log is refused. Method: table of names.
func TestNames(t *testing.T) {
	fsys := load(t, path.Join(kafka, "none"))
	for name, want := range map[string]int64{first + ".log": 5, first + ".index": 5, last + ".timeindex": 1} {
		totals, findings := check(t, fsys, name)
		if totals.Segments != 1 || totals.Batches != want || len(findings) != 0 {
			t.Errorf("%s: %+v, %v", name, totals, findings)
		}
	}
	for name, want := range map[string]string{"nothing": "not exist",
		"topic-0/leader-epoch-checkpoint": "a segment's file is"} {
		if _, err := Check(fsys, name, Visitor{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := Check(fstest.MapFS{"a/b": {}}, ".", Visitor{}); err != ErrNoLog {
		t.Errorf("a directory without a log: %v", err)
	}
}

// Goal: what compaction leaves is no damage, and its times are those of records. Method: a log of Kafka whose
// first batch gets a delete horizon, and one that lost all of its records.
func TestCompacted(t *testing.T) {
	fsys := load(t, path.Join(kafka, "none"))
	log := fsys[first+".log"].Data
	h, err := record.ParseHeader(log)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * 3600 * 1000
	was := h
	h.Attributes |= 0x40
	h.BaseTimestamp = was.MaxTimestamp + day // the records' deltas now count from there
	records := record.NewIterator(&was, log[record.HeaderSize:h.SizeBytes()])
	var moved []byte
	var r record.Record
	earliest := was.MaxTimestamp
	for records.Next(&r) {
		headers, err := r.Headers()
		if err != nil {
			t.Fatal(err)
		}
		earliest = min(earliest, r.Timestamp)
		moved = record.AppendRecord(moved, int32(r.Offset-h.BaseOffset), r.Timestamp-h.BaseTimestamp, r.Key, r.Value, headers)
	}
	empty := was
	empty.BaseTimestamp, empty.RecordCount = -1, 0
	for _, row := range []struct {
		why      string
		batch    []byte
		earliest int64
	}{
		{"a delete horizon", sealed(h, moved), earliest},
		{"a batch without records", sealed(empty, nil), was.MaxTimestamp},
	} {
		fsys := fstest.MapFS{first + ".log": {Data: row.batch}, first + ".index": {}, first + ".timeindex": {}}
		var sum Segment
		var found []Finding
		if _, err := Check(fsys, ".", Visitor{Segment: func(s Segment) error { sum = s; return nil },
			Finding: func(f Finding) error { found = append(found, f); return nil }}); err != nil || len(found) > 0 {
			t.Errorf("%s: %v, error %v", row.why, found, err)
		}
		if sum.FirstTime != row.earliest || sum.LastTime != was.MaxTimestamp {
			t.Errorf("%s: from %d to %d, want from %d to %d", row.why, sum.FirstTime, sum.LastTime, row.earliest,
				was.MaxTimestamp)
		}
	}
}

// sealed is a batch of a header and its records, whose length and CRC are made right.
func sealed(h record.Header, records []byte) []byte {
	h.BatchLength = int32(record.HeaderSize - 12 + len(records))
	b := append(make([]byte, record.HeaderSize), records...)
	h.Put(b)
	h.CRC = record.UpdateCRC(0, b[record.AttributesOffset:])
	h.Put(b)
	return b
}

// denied is a file system in which some names may not be opened.
type denied struct {
	fs.FS
	names []string
}

func (d denied) Open(name string) (fs.File, error) {
	if slices.Contains(d.names, name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

// Goal: what cannot be read is told, and the rest is checked all the same. Method: a log beside a directory,
// a .log and an index without permission, and beside lost+found, which is nobody's business.
func TestUnread(t *testing.T) {
	fsys := load(t, path.Join(kafka, "none"))
	fsys["other-0/00000000000000000000.log"] = &fstest.MapFile{}
	fsys["lost+found/x"] = &fstest.MapFile{}
	all, err := Check(fsys, ".", Visitor{})
	if err != nil || all.Unread != 0 {
		t.Fatalf("%+v, error %v", all, err)
	}
	names := []string{"other-0", "lost+found", second + ".log", last + ".timeindex"}
	totals, err := Check(denied{fsys, names}, ".", Visitor{})
	if !errors.Is(err, fs.ErrPermission) || strings.Count(err.Error(), "permission denied") != 3 || totals.Unread != 3 {
		t.Errorf("%+v, error %v", totals, err)
	}
	if totals.Damage != 0 || totals.Segments != all.Segments-3 || totals.Directories != 1 {
		t.Errorf("%+v of %+v", totals, all)
	}
}

// seal makes the CRCs of a log's batches right, so that what is behind them is looked at.
func seal(log []byte) {
	for {
		h, err := record.ParseHeader(log)
		if err != nil || h.SizeBytes() > len(log) {
			return
		}
		h.CRC = record.UpdateCRC(0, log[record.AttributesOffset:h.SizeBytes()])
		h.Put(log)
		log = log[h.SizeBytes():]
	}
}

// FuzzCheck feeds any bytes as the files of a segment, with the CRCs that they have or with right ones: it must
// say what they are, without a panic.
func FuzzCheck(f *testing.F) {
	for _, name := range []string{"none", "zstd"} {
		fsys := load(f, path.Join(kafka, name))
		f.Add(fsys[first+".log"].Data, fsys[first+".index"].Data, fsys[first+".timeindex"].Data,
			fsys["topic-0/leader-epoch-checkpoint"].Data, name == "none")
	}
	decoder := codec.NewDecompressor(1 << 20) // of its own for each input would take most of the time
	f.Fuzz(func(t *testing.T, log, offsets, times, epochs []byte, right bool) {
		if right {
			log = bytes.Clone(log)
			seal(log)
		}
		fsys := fstest.MapFS{first + ".log": {Data: log}, first + ".index": {Data: offsets},
			first + ".timeindex": {Data: times}, "topic-0/leader-epoch-checkpoint": {Data: epochs}}
		findings := 0
		c := checker{fsys: fsys, decoder: decoder, visit: Visitor{
			Record: func(*Batch, *record.Record) error { return nil },
			Finding: func(found Finding) error {
				findings++
				if found.Position < 0 || found.Position > int64(max(len(log), len(offsets), len(times), len(epochs))) {
					t.Errorf("a finding at %d: %v", found.Position, found)
				}
				return nil
			}}}
		totals, err := c.check(".")
		if err != nil || totals.Damage+totals.Notes != findings {
			t.Errorf("%+v for %d findings, error %v", totals, findings, err)
		}
	})
}

// BenchmarkCheck checks a small log of Kafka, again and again.
func BenchmarkCheck(b *testing.B) {
	fsys := load(b, path.Join(kafka, "zstd"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Check(fsys, ".", Visitor{}); err != nil {
			b.Fatal(err)
		}
	}
}
