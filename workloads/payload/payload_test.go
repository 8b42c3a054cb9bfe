package payload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"brokerlab/engine/env"
)

// sources are those that tests have made already, by kind and seed, with room for
// values of roomBytes: a corpus takes a while.
var sources sync.Map

const roomBytes = 300 << 10

func newSource(t testing.TB, cfg Config) *Source {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	sizes := cfg.sizes()
	if cfg.Sizes, cfg.Size = nil, max(roomBytes, sizes.Max()); cfg.Size > roomBytes {
		return made(t, cfg)
	}
	got, ok := sources.Load(cfg)
	if !ok {
		got, _ = sources.LoadOrStore(cfg, made(t, cfg))
	}
	s := *got.(*Source)
	s.sizes = sizes
	return &s
}

func made(t testing.TB, cfg Config) *Source {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRoundTrip: what Append writes, Decode reads back and Verify accepts, for
// every kind, at the edges of sizes and of identities. Method: table times kinds.
func TestRoundTrip(t *testing.T) {
	rows := []struct {
		sentence string
		size     int
		id       ID
		intended env.Time
	}{
		{"the smallest value carries 8 bytes of content", SizeMin, ID{0, 0}, 0},
		{"an odd size, the last producer and the last sequence", 77, ID{math.MaxUint16, SequenceMax}, env.Never - 1},
		{"a value larger than a block of Verify's", 5000, ID{2, 9}, 1},
		{"the largest value is longer than the corpus has text after any start", SizeMax, ID{2, 9}, 1},
	}
	for _, kind := range Kinds() {
		for _, row := range rows {
			s := newSource(t, Config{Kind: kind, Size: row.size, Seed: 7})
			value := s.Append(nil, row.id, row.intended)
			if len(value) != row.size || s.Sizes().Max() != row.size {
				t.Errorf("%s, %s: %d bytes, want %d", kind, row.sentence, len(value), row.size)
			}
			id, intended, ok := Decode(value)
			if !ok || id != row.id || intended != row.intended {
				t.Errorf("%s, %s: decoded %v %d %v", kind, row.sentence, id, intended, ok)
			}
			if err := s.Verify(value); err != nil {
				t.Errorf("%s, %s: %v", kind, row.sentence, err)
			}
		}
	}
}

// TestVerifyFindsDamage: no damage to a value passes, except to its intended
// instant, which nobody else knows. Method: every byte of a value flipped in turn,
// and the damages that storage is known for.
func TestVerifyFindsDamage(t *testing.T) {
	for _, kind := range Kinds() {
		s := newSource(t, Config{Kind: kind, Size: 1500, Seed: 1})
		value := s.Append(nil, ID{1, 5}, 99)
		for i := range value {
			value[i] ^= 1
			damaged := s.Verify(value) != nil
			if want := i < 8 || i >= HeaderBytes; damaged != want {
				t.Errorf("%s: byte %d flipped: damage seen is %v, want %v", kind, i, damaged, want)
			}
			value[i] ^= 1
		}
		other := s.Append(nil, ID{1, 6}, 99)
		swapped := append(slices.Clone(value[:HeaderBytes]), other[HeaderBytes:]...)
		foreign := newSource(t, Config{Kind: kind, Size: 1500, Seed: 2}).Append(nil, ID{1, 5}, 99)
		blot := slices.Clone(value)
		for i := 1024; i < len(blot); i++ {
			blot[i] = ^blot[i]
		}
		for name, bad := range map[string][]byte{
			"cut": value[:1499], "longer": append(slices.Clone(value), 0), "empty": nil,
			"content of another record": swapped, "of another seed": foreign, "another end": blot,
		} {
			if s.Verify(bad) == nil {
				t.Errorf("%s: %s passes", kind, name)
			}
		}
		want := "payload: producer 1 sequence 5: wrong content from byte 1024 on"
		if err := s.Verify(blot); err == nil || err.Error() != want {
			t.Errorf("%s: error %q, want %q", kind, err, want)
		}
		if _, _, ok := Decode(value[:SizeMin-1]); ok {
			t.Errorf("%s: a value below the smallest size decodes", kind)
		}
	}
}

// TestSameBytes: a seed means the same bytes in every process and version, since
// results of different days are compared. Method: digests taken once.
func TestSameBytes(t *testing.T) {
	uniform, err := Uniform(100, 4000)
	if err != nil {
		t.Fatal(err)
	}
	logNormal, err := LogNormal(LogNormalConfig{Mean: 800, Sigma: 1, Min: SizeMin, Max: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	empirical, err := Empirical([]Weighted{{50, 1}, {1000, 2}, {9999, 0.5}})
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		cfg  Config
		want string
	}{
		{Config{Kind: JSONLogs, Size: 1024, Seed: 1}, "df991f74d358d6ee"},
		{Config{Kind: JSONLogs, Size: 1024, Seed: 2}, "e996440f0c1b94a4"},
		{Config{Kind: Random, Size: 1024, Seed: 1}, "d3c8f732581a5939"},
		{Config{Kind: AccessLog, Size: 1024, Seed: 1}, "6b2c8c55dcf1d41f"},
		{Config{Kind: Metrics, Size: 1024, Seed: 1}, "4a766d8a509e6206"},
		{Config{Kind: Chat, Size: 1024, Seed: 1}, "601a3a792479613a"},
		{Config{Kind: Zeros, Size: 1024, Seed: 1}, "a2965e3f2f665eb9"},
		{Config{Kind: JSONLogs, Sizes: uniform, Seed: 1}, "afb9cec5f9aa584f"},
		{Config{Kind: Chat, Sizes: logNormal, Seed: 1}, "b2d1365e39736006"},
		{Config{Kind: Random, Sizes: empirical, Seed: 1}, "636b6aed0859411d"},
	}
	for _, row := range rows {
		s := newSource(t, row.cfg)
		var all []byte
		for i := range 1000 {
			all = s.Append(all, ID{uint16(i % 3), uint64(i)}, env.Time(i))
		}
		sum := sha256.Sum256(all)
		if got := hex.EncodeToString(sum[:8]); got != row.want {
			t.Errorf("%+v: digest %s, want %s", row.cfg, got, row.want)
		}
	}
}

// TestLinesAreLogs: json-logs content is lines of JSON whose time never goes back.
// Method: parse all whole lines of a large value.
func TestLinesAreLogs(t *testing.T) {
	s := newSource(t, Config{Kind: JSONLogs, Size: 256 << 10, Seed: 3})
	content := s.Append(nil, ID{Sequence: 5}, 0)[HeaderBytes:]
	lines := strings.Split(string(content), "\n")
	lines = lines[:len(lines)-1] // the last one is cut
	if len(lines) < 500 {
		t.Fatalf("only %d lines", len(lines))
	}
	last, traces := "", map[string]bool{}
	for _, text := range lines {
		var line struct {
			TS      string `json:"ts"`
			Trace   string `json:"trace_id"`
			Level   string `json:"level"`
			Service string `json:"service"`
			User    int    `json:"user_id"`
			Status  int    `json:"status"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if line.TS < last && !strings.HasPrefix(line.TS, "2026-01-01T00:00:00") {
			t.Errorf("time goes back from %s to %s", last, line.TS)
		}
		last = line.TS
		traces[line.Trace] = true
		if line.Level == "" || line.Service == "" || line.User == 0 || line.Status == 0 || line.Message == "" {
			t.Errorf("a field is missing in %s", text)
		}
	}
	if len(traces) < len(lines)/4 || len(traces) > len(lines)*3/4 {
		t.Errorf("%d traces in %d lines: neighbours should share some", len(traces), len(lines))
	}
}

// TestRatios: codecs find in batches what they find in data of that kind, and nothing in
// random bytes. Method: 128 KiB of 1 KiB records, two seeds, against ranges. Of text
// zstd makes a third (klauspost's table: 3.2 for all of enwik9, of which a batch is a
// small part) and snappy a half (Google's README: 1.5 to 1.7); of logs in JSON and of
// access logs it makes a tenth in files (10.3 for GitHub's events), less in batches;
// metrics are numbers, of which half is noise.
func TestRatios(t *testing.T) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	rows := []struct {
		kind                                       Kind
		snappyMin, snappyMax                       float64
		lz4Min, lz4Max, zstdMin, zstdMax, bulk, to float64
	}{
		{JSONLogs, 2.6, 3.5, 2.7, 3.6, 4.5, 6, 6.5, 8},
		{AccessLog, 3.8, 5, 4, 5.3, 6, 8, 11, 15},
		{Metrics, 1.3, 1.6, 1.3, 1.6, 1.6, 2, 2.3, 3.2},
		{Chat, 1.6, 2.1, 1.7, 2.2, 2.4, 3.1, 2.8, 3.5},
		{Random, 0.98, 1.02, 0.98, 1.02, 0.98, 1.03, 0.99, 1.01},
	}
	for _, row := range rows {
		for seed := range uint64(2) {
			s := newSource(t, Config{Kind: row.kind, Size: 1024, Seed: seed})
			var batch []byte
			for i := range uint64(128) {
				batch = s.Append(batch, ID{1, 1000 + i}, env.Time(i)*50_000)
			}
			check := func(codec string, of []byte, packed int, min, max float64) {
				if ratio := float64(len(of)) / float64(packed); ratio < min || ratio > max {
					t.Errorf("%s seed %d: %s %.2f, want %.2f to %.2f", row.kind, seed, codec, ratio, min, max)
				}
			}
			check("snappy", batch, len(snappy.Encode(nil, batch)), row.snappyMin, row.snappyMax)
			check("lz4", batch, lz4Bytes(t, batch), row.lz4Min, row.lz4Max)
			check("zstd", batch, len(encoder.EncodeAll(batch, nil)), row.zstdMin, row.zstdMax)
			check("zstd of 2 MiB", s.corpus[:2<<20], len(encoder.EncodeAll(s.corpus[:2<<20], nil)), row.bulk, row.to)
		}
	}
}

func lz4Bytes(t *testing.T, b []byte) int {
	t.Helper()
	var c lz4.Compressor
	out := make([]byte, lz4.CompressBlockBound(len(b)))
	n, err := c.CompressBlock(b, out)
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		return len(b)
	}
	return n
}

// TestConfigErrors: a bad setting is refused by New with the reason. Method: table.
func TestConfigErrors(t *testing.T) {
	rows := []struct {
		sentence string
		cfg      Config
		want     string
	}{
		{"an unknown kind", Config{Kind: "json", Size: 100, Seed: 1},
			`payload: kind "json" is none of json-logs, access-log, metrics, chat, random, zeros`},
		{"too small for a header", Config{Kind: Random, Size: 23, Seed: 1},
			"payload: size 23 is not within 24 and 16777216 bytes"},
		{"too large", Config{Kind: Random, Size: SizeMax + 1, Seed: 1},
			"payload: size 16777217 is not within 24 and 16777216 bytes"},
	}
	for _, row := range rows {
		if _, err := New(row.cfg); err == nil || err.Error() != row.want {
			t.Errorf("%s: %v, want %s", row.sentence, err, row.want)
		}
	}
}

// TestConcurrentUse: one Source serves many tasks, without allocating. Method:
// goroutines that write and verify, under the race detector.
func TestConcurrentUse(t *testing.T) {
	for _, kind := range Kinds() {
		s := newSource(t, Config{Kind: kind, Size: 1024, Seed: 1})
		var group sync.WaitGroup
		for producer := range uint16(4) {
			group.Go(func() {
				value := make([]byte, 0, 1024)
				for i := range uint64(500) {
					value = s.Append(value[:0], ID{producer, i}, 0)
					if err := s.Verify(value); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		value := make([]byte, 0, 1024)
		if n := testing.AllocsPerRun(100, func() {
			value = s.Append(value[:0], ID{1, 2}, 3)
			if s.Verify(value) != nil {
				t.Error("own value refused")
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations per record", kind, n)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, kind := range Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			s := newSource(b, Config{Kind: kind, Size: 1024, Seed: 1})
			value := make([]byte, 0, 1024)
			b.SetBytes(1024)
			b.ReportAllocs()
			sequence := uint64(0)
			for b.Loop() {
				value = s.Append(value[:0], ID{1, sequence}, 3)
				sequence++
			}
		})
	}
	// The floor: 1 KiB copied from a place as far away as a record's.
	b.Run("copy", func(b *testing.B) {
		s := newSource(b, Config{Kind: Random, Size: 1024, Seed: 1})
		value := make([]byte, 1024)
		b.SetBytes(1024)
		sequence := uint64(0)
		for b.Loop() {
			at := mix(sequence) % corpusBytes
			copy(value, s.corpus[at:at+1024])
			sequence++
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, kind := range Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			s := newSource(b, Config{Kind: kind, Size: 1024, Seed: 1})
			values := make([][]byte, 1024)
			for i := range values {
				values[i] = s.Append(nil, ID{1, uint64(i)}, 3)
			}
			b.SetBytes(1024)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := s.Verify(values[i%len(values)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, kind := range Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				made(b, Config{Kind: kind, Size: 1024, Seed: 1})
			}
		})
	}
}

// Goal: so much of a random value is zeros, at its end, and records differ and are
// checked all the same. Method: values of some sizes and shares, of two records each,
// one of them with a bit turned over in its zeros.
func TestZerosBehindRandomBytes(t *testing.T) {
	for _, tt := range []struct{ size, percent, zeros int }{
		{1024, 50, 504}, {1024, 0, 0}, {1024, 100, 1000}, {200, 25, 46}, {24, 50, 0}, {5000, 90, 4485},
	} {
		s, err := New(Config{Kind: Random, Size: tt.size, Seed: 3, ZeroPercent: tt.percent})
		if err != nil {
			t.Fatal(err)
		}
		a := s.Append(nil, ID{Producer: 1, Sequence: 5}, 7)
		b := s.Append(nil, ID{Producer: 1, Sequence: 6}, 7)
		zeros := len(a) - len(bytes.TrimRight(a, "\x00"))
		if len(a) != tt.size || zeros < tt.zeros || zeros > tt.zeros+2 { // the last of the drawn may be 0 too
			t.Errorf("%+v: %d bytes end in %d zeros", tt, len(a), zeros)
		}
		if bytes.Equal(a[HeaderBytes:], b[HeaderBytes:]) {
			t.Errorf("%+v: two records are alike", tt)
		}
		if err := s.Verify(a); err != nil {
			t.Errorf("%+v: %v", tt, err)
		}
		a[len(a)-1] ^= 1
		if s.Verify(a) == nil {
			t.Errorf("%+v: a wrong byte at the end is not seen", tt)
		}
	}
	if _, err := New(Config{Kind: JSONLogs, Size: 100, ZeroPercent: 1}); err == nil {
		t.Error("zeros in lines are taken")
	}
}
