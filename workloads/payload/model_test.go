package payload_test

import (
	"math"
	"testing"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
	"brokerlab/workloads/payload"
)

func newModel(t *testing.T, kind payload.Kind) *payload.Model {
	t.Helper()
	m, err := payload.NewModel(payload.ModelConfig{Config: payload.Config{Kind: kind, Size: 400, Seed: 3},
		Codec: codec.Snappy})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Goal: a model's sizes are, on average, those that the codec makes. Method: batches
// of real records of another producer and another time, of sizes in and between the
// classes and on both sides of the codec's blocks of 64 KiB, against the model.
func TestModelSizes(t *testing.T) {
	source, err := payload.New(payload.Config{Kind: payload.JSONLogs, Size: 400, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.NewCompressor(codec.Snappy, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(t, payload.JSONLogs)
	const batches = 60
	for _, records := range []int{5, 40, 100, 155, 170, 400} {
		var real, modelled int
		var section, value []byte
		sequence := uint64(1_000_000)
		for range batches {
			section = section[:0]
			first, due := payload.ID{Producer: 7, Sequence: sequence}, env.Time(30e9+sequence*20_000)
			for i := range records {
				id := payload.ID{Producer: 7, Sequence: sequence}
				value = source.Append(value[:0], id, env.Time(30e9+sequence*20_000))
				section = record.AppendRecord(section, int32(i), 0, nil, value, nil)
				sequence++
			}
			out, err := c.Append(nil, section)
			if err != nil {
				t.Fatal(err)
			}
			real += len(out)
			modelled += m.CompressedBytes(first, due, len(section))
		}
		share := 0.02
		if records < 10 {
			share = 0.05 // the patterns of the records' names and instants matter
		}
		if off := float64(modelled)/float64(real) - 1; math.Abs(off) > share {
			t.Errorf("%d records: %d bytes, modelled %d (%+.2f %%)", records, real, modelled, 100*off)
		}
	}
}

// Goal: sizes do not depend on what was asked before, and without a codec there is
// nothing to compress. Method: the same questions in two orders.
func TestModelIsAFunction(t *testing.T) {
	for _, kind := range payload.Kinds() {
		a, b := newModel(t, kind), newModel(t, kind)
		plain := []int{500, 7000, 41_000, 100_000}
		got := map[int]int{}
		for _, n := range plain {
			got[n] = a.CompressedBytes(payload.ID{Sequence: 5}, 1000, n)
		}
		for i := len(plain) - 1; i >= 0; i-- {
			n := plain[i]
			if other := b.CompressedBytes(payload.ID{Sequence: 5}, 1000, n); other != got[n] || other < 1 {
				t.Errorf("%s: %d bytes become %d, or %d", kind, n, got[n], other)
			}
		}
	}
	m, err := payload.NewModel(payload.ModelConfig{Config: payload.Config{Kind: payload.Random, Size: 400}})
	if err != nil || m.CompressedBytes(payload.ID{}, 0, 12345) != 12345 {
		t.Errorf("without a codec: %v", err)
	}
}
