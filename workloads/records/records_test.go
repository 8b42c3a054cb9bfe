package records_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/record"
	"brokerlab/workloads/keys"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

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
	}
}

// fill makes the record of a sequence, in memory of its own.
func fill(t testing.TB, st *records.Stream, sequence uint64) *record.Record {
	t.Helper()
	rec := producer.Record{Cookie: sequence, Intended: env.Time(1000 + sequence)}
	if _, err := st.Fill(&rec, nil); err != nil {
		t.Fatal(err)
	}
	return &record.Record{Key: rec.Key, Value: rec.Value}
}

// Goal: a record that was read back names itself and passes, and no damage to its key
// or value does. Method: records of every kind of key; each byte flipped in turn.
func TestVerify(t *testing.T) {
	for name, cfg := range configs(t) {
		s := newSource(t, cfg)
		st := s.Stream(2)
		for sequence := range uint64(50) {
			r := fill(t, st, sequence)
			id, intended, ok := s.Decode(r)
			if !ok || id != (payload.ID{Producer: 2, Sequence: sequence}) || intended != env.Time(1000+sequence) {
				t.Fatalf("%s: decoded %v %d %v", name, id, intended, ok)
			}
			if err := s.Verify(r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if (r.Key == nil) != (name == "no keys") {
				t.Errorf("%s: key %q", name, r.Key)
			}
			for i := range r.Key {
				bad := record.Record{Key: append([]byte(nil), r.Key...), Value: r.Value}
				if bad.Key[i] ^= 1; s.Verify(&bad) == nil {
					t.Errorf("%s: a damaged key passes", name)
				}
			}
			if s.Verify(&record.Record{Key: append(r.Key, 'x'), Value: r.Value}) == nil {
				t.Errorf("%s: a longer key passes", name)
			}
			bad := record.Record{Key: r.Key, Value: append([]byte(nil), r.Value...)}
			for i := payload.HeaderBytes; i < len(bad.Value); i += 37 {
				if bad.Value[i] ^= 1; s.Verify(&bad) == nil {
					t.Errorf("%s: damage to byte %d passes", name, i)
				}
				bad.Value[i] ^= 1
			}
		}
	}
}

// Goal: a seed means the same keys and values, however producers take turns. Method:
// digests taken once, of streams that are asked one after the other and in turns.
func TestSameRecords(t *testing.T) {
	want := map[string]string{"no keys": "eb4860aca6386d32", "zipf": "78c2fd500281a63c", "sequential": "40b5cf20958bb83b",
		"field": "0c7c0e33dea7d728", "column": "05b06ab5ddcb6cfa"}
	for name, cfg := range configs(t) {
		s := newSource(t, cfg)
		var apart, turns [3][]byte
		for p := range 3 {
			st := s.Stream(uint16(p))
			for i := range uint64(200) {
				r := fill(t, st, i)
				apart[p] = append(append(apart[p], r.Key...), r.Value...)
			}
		}
		streams := []*records.Stream{s.Stream(0), s.Stream(1), s.Stream(2)}
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
	for name, cfg := range configs(t) {
		s := newSource(t, cfg)
		st := s.Stream(1)
		scratch := make([]byte, 0, 1<<17)
		rec := producer.Record{}
		n := testing.AllocsPerRun(200, func() {
			if _, err := st.Fill(&rec, scratch); err != nil {
				t.Error(err)
			}
			back := record.Record{Key: rec.Key, Value: rec.Value}
			if s.Verify(&back) != nil {
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
			st := newSource(b, cfg).Stream(1)
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
