package records_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/record"
	"brokerlab/workloads/keys"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
	"brokerlab/workloads/samples"
)

// made are the sources of configs by name: to make one takes a while.
var made = map[string]*records.Source{}

// sources are those of configs.
func sources(t testing.TB) (map[string]records.Config, map[string]*records.Source) {
	t.Helper()
	all := configs(t)
	for name, cfg := range all {
		if made[name] == nil {
			made[name] = newSource(t, cfg)
		}
	}
	return all, made
}

func newSource(t testing.TB, cfg records.Config) *records.Source {
	t.Helper()
	s, err := records.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func path(t testing.TB, text string) keys.Path {
	t.Helper()
	p, err := keys.NewPath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sample is a file of JSON lines, in memory.
func sample(t testing.TB, lines int) *samples.File {
	t.Helper()
	var text []byte
	for i := range lines {
		text = fmt.Appendf(text, "{\"id\":%d,\"user\":{\"name\":\"user %d\"},\"text\":\"%s\"}\n", i, i%7,
			strings.Repeat("abc ", i%90))
	}
	return scanned(t, text)
}

// scanned is a file of this text.
func scanned(t testing.TB, text []byte) *samples.File {
	t.Helper()
	f, err := samples.Scan(samples.Input{Name: "my.txt", Reader: bytes.NewReader(text), Bytes: int64(len(text))})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// configs are records with all kinds of keys.
func configs(t testing.TB) map[string]records.Config {
	logNormal, err := payload.LogNormal(payload.LogNormalConfig{Mean: 900, Sigma: 1, Min: 24, Max: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	logs := payload.Config{Kind: payload.JSONLogs, Size: 1024, Seed: 1}
	return map[string]records.Config{
		"no keys": {Payload: logs},
		"zipf": {Payload: payload.Config{Kind: payload.Chat, Sizes: logNormal, Seed: 1},
			Keys: keys.Config{Kind: keys.Zipf, Count: 1 << 20, Exponent: 0.99, Seed: 1}},
		"sequential": {Payload: logs, Keys: keys.Config{Kind: keys.Sequential, Producers: 3}},
		"field":      {Payload: logs, KeyFrom: path(t, "user_id")},
		"column": {Payload: payload.Config{Kind: payload.AccessLog, Size: 300, Seed: 1},
			KeyFrom: keys.Column{Number: 1, Divider: ' '}},
		"file":          {Samples: sample(t, 100), Seed: 1, Producers: 3},
		"field of file": {Samples: sample(t, 5000), Seed: 1, Producers: 3, KeyFrom: path(t, "user.name")},
	}
}

// fill makes the record of a sequence, in memory of its own.
func fill(t testing.TB, st *records.Stream, sequence uint64) *record.Record {
	t.Helper()
	rec := producer.Record{Cookie: sequence, Intended: env.Time(1000 + sequence)}
	if _, err := st.Fill(&rec, nil); err != nil {
		t.Fatal(err)
	}
	return wire(&rec)
}

// wire is a record as whoever reads it back gets it.
func wire(rec *producer.Record) *record.Record {
	section := record.AppendRecord(nil, 0, 0, rec.Key, rec.Value, rec.Headers)
	it := record.NewIterator(&record.Header{RecordCount: 1}, section)
	var out record.Record
	if !it.Next(&out) {
		panic(it.Err())
	}
	return &out
}

// Goal: a record that was read back names itself and passes, and no damage to its key
// or value does. Method: records of every kind of key; each byte flipped in turn.
func TestVerify(t *testing.T) {
	all, made := sources(t)
	for name, cfg := range all {
		s := made[name]
		st := stream(t, s, 2)
		for sequence := range uint64(50) {
			r := fill(t, st, sequence)
			id, intended, ok := s.Decode(r)
			if !ok || id != (payload.ID{Producer: 2, Sequence: sequence}) || intended != env.Time(1000+sequence) {
				t.Fatalf("%s: decoded %v %d %v", name, id, intended, ok)
			}
			if err := s.Verify(r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if (r.Key == nil) != (name == "no keys" || name == "file") {
				t.Errorf("%s: key %q", name, r.Key)
			}
			from := payload.HeaderBytes
			if cfg.Samples != nil {
				from = 0
			}
			for i := range r.Key {
				bad := *r
				bad.Key = bytes.Clone(r.Key)
				if bad.Key[i] ^= 1; s.Verify(&bad) == nil {
					t.Errorf("%s: a damaged key passes", name)
				}
			}
			bad := *r
			if bad.Key = append(bytes.Clone(r.Key), 'x'); s.Verify(&bad) == nil {
				t.Errorf("%s: a longer key passes", name)
			}
			bad = *r
			bad.Value = bytes.Clone(r.Value)
			for i := from; i < len(bad.Value); i += 37 {
				if bad.Value[i] ^= 1; s.Verify(&bad) == nil {
					t.Errorf("%s: damage to byte %d passes", name, i)
				}
				bad.Value[i] ^= 1
			}
			if bad.Value = bad.Value[:len(bad.Value)-1]; s.Verify(&bad) == nil {
				t.Errorf("%s: a shorter value passes", name)
			}
			if s.Verify(&record.Record{Key: r.Key}) == nil {
				t.Errorf("%s: a record of nothing passes", name)
			}
		}
	}
}

// Goal: the records of a file are sent as they are, each producer's from a place of its
// own on and round the end. Method: the values of three producers against the file's
// lines; a header of another record is found out.
func TestSamples(t *testing.T) {
	f := sample(t, 100)
	lines := func(from int) (out []string) {
		c, err := f.Cursor(uint64(from))
		if err != nil {
			t.Fatal(err)
		}
		for range 250 {
			line, err := c.Next()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(line))
		}
		return out
	}
	s := newSource(t, records.Config{Samples: f, First: 5, Producers: 3})
	for place, from := range []int{0, 33, 66} {
		st := stream(t, s, uint16(5+place))
		var sent []*record.Record
		for i, want := range lines(from) {
			r := fill(t, st, uint64(i))
			if string(r.Value) != want {
				t.Fatalf("producer %d sends %q as record %d, want %q", place, r.Value, i, want)
			}
			sent = append(sent, r)
		}
		other := wire(&producer.Record{Value: sent[1].Value, Headers: headers(t, sent[0])})
		if s.Verify(other) == nil {
			t.Error("the header of another record passes")
		}
	}
}

func headers(t *testing.T, r *record.Record) []record.RecordHeader {
	t.Helper()
	h, err := r.Headers()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func stream(t testing.TB, s *records.Source, producer uint16) *records.Stream {
	t.Helper()
	st, err := s.Stream(producer)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// Goal: what is said about records is so: what has no pattern has 8 bits and ratio 1,
// what repeats one message has little alone and much together, and the parts of a file
// are looked at evenly. Method: sources whose figures are known.
func TestCorpus(t *testing.T) {
	same := bytes.Repeat([]byte("one message and always the same one, 0123456789 abcdefgh\n"), 3000)
	f := scanned(t, same)
	// Letters at 4, 2, 1 and 1 of 8; a frame of zstd that holds a record as it is has 9 bytes more.
	dyadic := scanned(t, bytes.Repeat([]byte("aaaabbcd\n"), 3000))
	for _, row := range []struct {
		name                     string
		cfg                      records.Config
		entropyMin, entropyMax   float64
		aloneMin, aloneMax       float64
		togetherMin, togetherMax float64
		mean                     float64
		records, together        int
	}{
		{"random", records.Config{Payload: payload.Config{Kind: payload.Random, Size: 1024}},
			7.99, 8, 0.98, 1, 0.99, 1.02, 1024, 4000, 1000},
		{"zeros", records.Config{Payload: payload.Config{Kind: payload.Zeros, Size: 1024}},
			0.1, 0.3, 20, 30, 50, 100, 1024, 4000, 1000},
		{"json-logs", records.Config{Payload: payload.Config{Kind: payload.JSONLogs, Size: 1024}},
			4.9, 5.6, 1.6, 2.2, 5, 7, 1024, 4000, 1000},
		{"large", records.Config{Payload: payload.Config{Kind: payload.Random, Size: 1 << 20}},
			7.99, 8, 0.98, 1, 0.99, 1.02, 1 << 20, 20, 5},
		{"one message", records.Config{Samples: f}, 4, 5, 0.7, 1.1, 500, 3000, 56, 4000, 1000},
		{"four letters", records.Config{Samples: dyadic}, 1.75, 1.75, 8. / 17, 8. / 17, 200, 400, 8, 4000, 1000},
		{"a small file", records.Config{Samples: sample(t, 10)}, 3, 5, 0.8, 2, 1.5, 9, 61, 10, 10},
	} {
		c, err := newSource(t, row.cfg).Corpus()
		if err != nil {
			t.Fatal(err)
		}
		within := func(what string, got, min, max float64) {
			if got < min || got > max {
				t.Errorf("%s: %s %.3f, want %.3f to %.3f", row.name, what, got, min, max)
			}
		}
		within("entropy", c.EntropyBits, row.entropyMin, row.entropyMax)
		within("alone", c.RatioAlone, row.aloneMin, row.aloneMax)
		within("together", c.RatioTogether, row.togetherMin, row.togetherMax)
		within("mean", c.MeanBytes, row.mean-0.1, row.mean+0.1)
		if c.Records != row.records || c.Together != row.together {
			t.Errorf("%s: %d records, %d together", row.name, c.Records, c.Together)
		}
	}
}

// Goal: a seed means the same keys and values, however producers take turns. Method:
// digests taken once, of streams that are asked one after the other and in turns.
func TestSameRecords(t *testing.T) {
	want := map[string]string{"no keys": "eb4860aca6386d32", "zipf": "f6b5bc2fb7b694af", "sequential": "40b5cf20958bb83b",
		"field": "0c7c0e33dea7d728", "column": "05b06ab5ddcb6cfa",
		"file": "bf4ecdf5c8be8323", "field of file": "97ae9f9c81dbf46e"}
	_, made := sources(t)
	for name, s := range made {
		var apart, turns [3][]byte
		for p := range 3 {
			st := stream(t, s, uint16(p))
			for i := range uint64(200) {
				r := fill(t, st, i)
				apart[p] = append(append(apart[p], r.Key...), r.Value...)
			}
		}
		streams := []*records.Stream{stream(t, s, 0), stream(t, s, 1), stream(t, s, 2)}
		for i := range uint64(200) {
			for p, st := range streams {
				r := fill(t, st, i)
				turns[p] = append(append(turns[p], r.Key...), r.Value...)
			}
		}
		all := sha256.New()
		for p := range 3 {
			if string(apart[p]) != string(turns[p]) {
				t.Errorf("%s: producer %d sends other records when others send too", name, p)
			}
			all.Write(apart[p])
		}
		if got := hex.EncodeToString(all.Sum(nil)[:8]); got != want[name] {
			t.Errorf("%s: digest %s, want %s", name, got, want[name])
		}
	}
}

// Goal: a record costs no allocation. Method: count them, for every kind of key.
func TestFillAllocatesNothing(t *testing.T) {
	_, made := sources(t)
	for name, s := range made {
		st := stream(t, s, 1)
		scratch := make([]byte, 0, 1<<17)
		rec, header := producer.Record{}, record.Header{RecordCount: 1}
		var back record.Record
		section := make([]byte, 0, 1<<17)
		n := testing.AllocsPerRun(200, func() {
			if _, err := st.Fill(&rec, scratch); err != nil {
				t.Error(err)
			}
			section = record.AppendRecord(section[:0], 0, 0, rec.Key, rec.Value, rec.Headers)
			it := record.NewIterator(&header, section)
			if !it.Next(&back) || s.Verify(&back) != nil {
				t.Error("own record refused")
			}
			rec.Cookie++
		})
		if n != 0 {
			t.Errorf("%s: %v allocations per record", name, n)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	for name, cfg := range configs(b) {
		b.Run(name, func(b *testing.B) {
			st := stream(b, newSource(b, cfg), 1)
			scratch := make([]byte, 0, 1<<17)
			rec := producer.Record{}
			b.ReportAllocs()
			bytes := int64(0)
			for b.Loop() {
				used, err := st.Fill(&rec, scratch)
				if err != nil {
					b.Fatal(err)
				}
				bytes += int64(len(used))
				rec.Cookie++
			}
			b.SetBytes(bytes / int64(b.N))
		})
	}
}
