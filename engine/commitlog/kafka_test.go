package commitlog_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/commitlog/kafkasample"
	"brokerlab/engine/logdump"
)

// kafkaInput is what Kafka was given to write; testdata/kafka/README.md says how.
func kafkaInput(t *testing.T) *kafkasample.Input {
	t.Helper()
	text, err := os.ReadFile("testdata/kafka/input.json")
	if err != nil {
		t.Fatal(err)
	}
	in := new(kafkasample.Input)
	if err := json.Unmarshal(text, in); err != nil {
		t.Fatal(err)
	}
	return in
}

// kafkaFiles are the files of the directory that Kafka wrote.
func kafkaFiles(t *testing.T, kind codec.Type) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/kafka/" + kind.String() + "/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files, error %v", len(names), err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		p, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = p
	}
	return files
}

// sameFiles reports each file that is not the same in both.
func (b *bed) sameFiles(want, got map[string][]byte) {
	b.Helper()
	if w, g := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)); !slices.Equal(w, g) {
		b.Errorf("the files are %v, want %v", g, w)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !bytes.Equal(want[name], got[name]) {
			b.Errorf("%s is\n%x\nwant\n%x", name, got[name], want[name])
		}
	}
}

// readSample reads the whole log and compares it with the input.
func (b *bed) readSample(in *kafkasample.Input, kind codec.Type, l *commitlog.Log) {
	b.Helper()
	got, codecs, err := kafkasample.Read(b.node, l, 0)
	b.must(err)
	difference, err := kafkasample.Difference(in.Batches, got)
	b.must(err)
	if difference != "" || len(codecs) != 1 || codecs[kind] == 0 {
		b.Errorf("the codecs are %v; %s", codecs, difference)
	}
}

// The input in testdata is the one that the package makes: what Kafka was given is
// what cmd/interop gives it today.
func TestKafkaInput(t *testing.T) {
	want, err := kafkasample.Make(kafkasample.Small).Lines()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("testdata/kafka/input.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("error %v; input.json is not what kafkasample makes: capture it again", err)
	}
}

// We read a directory that Kafka wrote, with every codec: after a clean shutdown,
// after a crash, and after one in which the indexes were lost. Each record, each
// place to start from and each first record of a time is found, and no file that
// Kafka wrote is changed. Method: directories that Kafka's UnifiedLog wrote.
func TestReadsWhatKafkaWrote(t *testing.T) {
	in := kafkaInput(t)
	for _, kind := range codec.Types() {
		files := kafkaFiles(t, kind)
		t.Run(kind.String(), func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				for _, past := range []commitlog.Past{{CleanShutdown: true, RecoveryPoint: 1 << 40}, {}} {
					b.setFiles(files)
					b.readKafka(in, kind, past)
					b.sameFiles(files, b.files())
				}
				bare := maps.Clone(files)
				maps.DeleteFunc(bare, func(name string, _ []byte) bool {
					return strings.HasSuffix(name, ".index") || strings.HasSuffix(name, ".timeindex")
				})
				b.setFiles(bare)
				b.readKafka(in, kind, commitlog.Past{})
				b.sameFiles(files, b.files())
			})
		})
	}
}

// readKafka opens the log and looks at it in every way.
func (b *bed) readKafka(in *kafkasample.Input, kind codec.Type, past commitlog.Past) {
	b.Helper()
	l, err := commitlog.OpenAfter(b.node, dir, in.Config(), past)
	b.must(err)
	if cut := l.Stats().RecoveryCut; cut != 0 {
		b.Errorf("recovery cut %d bytes", cut)
	}
	b.readSample(in, kind, l)
	offset := int64(0)
	firsts := map[int64]int64{} // of each timestamp that is later than all before it, its first record
	latest := int64(-1)
	for i := range in.Batches {
		batch := &in.Batches[i]
		next := offset + int64(len(batch.Records))
		for _, r := range batch.Records {
			got, err := l.Read(commitlog.ReadRequest{Offset: offset, MaxBytes: 1, Limit: next, AtLeastOne: true})
			b.must(err)
			want, err := l.Read(commitlog.ReadRequest{Offset: next - int64(len(batch.Records)), MaxBytes: 1, Limit: next,
				AtLeastOne: true})
			b.must(err)
			if g, w := b.bytesOf(got), b.bytesOf(want); len(g) == 0 || !bytes.Equal(g, w) {
				b.Errorf("offset %d is not found in batch %d", offset, i)
			}
			if epoch, ok := l.EpochFor(offset); !ok || epoch != batch.Epoch {
				b.Errorf("offset %d has epoch %d (%t), want %d", offset, epoch, ok, batch.Epoch)
			}
			if r.Timestamp > latest {
				latest = r.Timestamp
				firsts[latest] = offset
			}
			offset++
		}
	}
	for _, timestamp := range slices.Sorted(maps.Keys(firsts)) {
		o, found, err := l.OffsetForTime(timestamp)
		b.must(err)
		if !found || o.Offset != firsts[timestamp] || o.Timestamp != timestamp {
			b.Errorf("time %d is found at %+v (%t), want offset %d", timestamp, o, found, firsts[timestamp])
		}
	}
	b.must(l.Close())
}

// We write what Kafka writes: the same input gives the same leader epochs with
// every codec; and with the codecs whose compressed bytes are Kafka's too, the same
// segments, indexes and time indexes, byte by byte. Method: Kafka's directories.
func TestWritesWhatKafkaWrites(t *testing.T) {
	in := kafkaInput(t)
	for _, kind := range codec.Types() {
		want := kafkaFiles(t, kind)
		// Kafka's files of transactions have no counterpart here.
		maps.DeleteFunc(want, func(name string, _ []byte) bool {
			return strings.HasSuffix(name, ".txnindex")
		})
		t.Run(kind.String(), func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				b.must(in.Write(b.node, dir, kind))
				got := b.files()
				switch kind {
				case codec.None, codec.LZ4:
					b.sameSnapshots(want, got)
					b.sameFiles(withoutSnapshots(want), withoutSnapshots(got))
				default:
					const epochs = "leader-epoch-checkpoint"
					b.sameFiles(map[string][]byte{epochs: want[epochs]}, map[string][]byte{epochs: got[epochs]})
				}
				l, err := commitlog.Open(b.node, dir, in.Config())
				b.must(err)
				b.readSample(in, kind, l)
				b.must(l.Close())
			})
		})
	}
}

// What Kafka's log dump said of the directory that we wrote is what we read in the
// one that we write today, line by line: offsets, positions, sizes, CRCs,
// timestamps, keys, values, index entries. Method: captured dumps.
func TestKafkasDumpOfOurs(t *testing.T) {
	in := kafkaInput(t)
	for _, kind := range codec.Types() {
		dump, err := os.ReadFile("testdata/kafka/" + kind.String() + ".dump.txt")
		if err != nil {
			t.Fatal(err)
		}
		t.Run(kind.String(), func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				b.must(in.Write(b.node, dir, kind))
				want := strings.Split(string(dump), "\n")
				got := strings.Split(b.dumpLines(b.files()), "\n")
				for i := range max(len(want), len(got)) {
					if i >= len(want) || i >= len(got) || want[i] != got[i] {
						b.Fatalf("from line %d on the dump is\n%.300q\nwant\n%.300q", i+1, got[min(i, len(got)):],
							want[min(i, len(want)):])
					}
				}
			})
		})
	}
}

// dumpLines prints files as they were captured: logs, then indexes, then time
// indexes.
func (b *bed) dumpLines(files map[string][]byte) string {
	b.Helper()
	var out []byte
	printer := logdump.NewPrinter(logdump.Plain)
	for _, kind := range []string{".log", ".index", ".timeindex"} {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			number, ok := strings.CutSuffix(name, kind)
			if !ok {
				continue
			}
			base, err := strconv.ParseInt(number, 10, 64)
			b.must(err)
			out = append(out, "Dumping "+name+"\n"...)
			switch {
			case kind == ".log":
				out, err = printer.AppendLog(out, files[name], base)
				b.must(err)
			case kind == ".timeindex":
				out = logdump.AppendTimeIndex(out, files[name], base)
			case len(files[name]) == 0:
				out = append(out, name+" is empty.\n"...)
			default:
				out = logdump.AppendIndex(out, files[name], base)
			}
		}
	}
	return string(out)
}

// sameSnapshots compares the files with the state of producers. The input has two: of
// the one with transactions, which comes second, Kafka also says what we do not keep.
func (b *bed) sameSnapshots(want, got map[string][]byte) {
	b.Helper()
	const header, entry = 10, 46
	count := 0
	for name, p := range want {
		if !strings.HasSuffix(name, ".snapshot") {
			continue
		}
		count++
		q := got[name]
		if len(p) != header+2*entry || len(q) < len(p) || !bytes.Equal(p[6:header+entry], q[6:header+entry]) ||
			!bytes.Equal(p[header+entry:][:10], q[header+entry:][:10]) {
			b.Errorf("%s is\n%x\nwant\n%x", name, q, p)
		}
	}
	if count < 3 {
		b.Errorf("Kafka wrote %d snapshots: too few to compare", count)
	}
}

func withoutSnapshots(files map[string][]byte) map[string][]byte {
	out := maps.Clone(files)
	maps.DeleteFunc(out, func(name string, _ []byte) bool { return strings.HasSuffix(name, ".snapshot") })
	return out
}
