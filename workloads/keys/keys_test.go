package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"testing"
)

func newKeys(t testing.TB, cfg Config) *Keys {
	t.Helper()
	k, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Goal: keys are drawn as often as Zipf's law says, for exponents below, at and above
// 1, and for ranks that share a range. Method: the counts of first ranks and of wide
// ranges of ranks, against the sums of the law itself.
func TestZipf(t *testing.T) {
	const draws = 400_000
	for _, c := range []struct {
		count    uint64
		exponent float64
	}{{1, 1}, {7, 0}, {1000, 0.5}, {1_000_000, 0.99}, {1_000_000, 1}, {1_000_000, 1.0001}, {50_000, 1.5}, {100, 20}} {
		t.Run(fmt.Sprintf("%d keys, %v", c.count, c.exponent), func(t *testing.T) {
			k := newKeys(t, Config{Kind: Zipf, Count: c.count, Exponent: c.exponent, Seed: 3})
			edges := []uint64{0, 1, 2, 5, 20, 100, 1000, 1024, 1030, 3000, 20_000, 200_000, c.count}
			weights := make([]float64, len(edges)) // of ranks below an edge
			sum := 0.0
			for rank, edge := uint64(0), 0; rank < c.count; rank++ {
				for edge < len(edges) && edges[edge] == rank {
					weights[edge] = sum
					edge++
				}
				sum += math.Pow(float64(rank+1), -c.exponent)
			}
			var ranks []uint64
			for i := range uint64(draws) {
				rank := k.Number(uint16(i%3), i/3)
				if rank >= c.count {
					t.Fatalf("key %d of %d", rank, c.count)
				}
				ranks = append(ranks, rank)
			}
			for e, edge := range edges {
				if edge == 0 || edge >= c.count {
					continue
				}
				below := 0
				for _, rank := range ranks {
					if rank < edge {
						below++
					}
				}
				p := weights[e] / sum
				off := 4.5*math.Sqrt(draws*p*(1-p)) + 2
				if math.Abs(float64(below)-p*draws) > off {
					t.Errorf("%d keys are below %d, want %.0f +- %.0f", below, edge, p*draws, off)
				}
			}
		})
	}
}

// Goal: uniform keys are even, sequential ones come one after the other over all
// producers and begin anew. Method: counts, and the first keys.
func TestUniformAndSequential(t *testing.T) {
	k := newKeys(t, Config{Kind: Uniform, Count: 10, Seed: 1})
	counts := map[string]int{}
	for i := range uint64(100_000) {
		counts[string(k.Append(nil, 1, i))]++
	}
	for i := range 10 {
		key := fmt.Sprintf("key-%d", i)
		if n := counts[key]; n < 9_500 || n > 10_500 {
			t.Errorf("%s was drawn %d times of 100000", key, n)
		}
	}
	k = newKeys(t, Config{Kind: Sequential, Count: 12, Producers: 2})
	var got string
	for i := range uint64(7) {
		got += string(k.Append(nil, 0, i)) + " " + string(k.Append(nil, 1, i)) + " "
	}
	want := "key-00 key-01 key-02 key-03 key-04 key-05 key-06 key-07 key-08 key-09 key-10 key-11 key-00 key-01 "
	if got != want {
		t.Errorf("keys %s", got)
	}
	k = newKeys(t, Config{Kind: Sequential, Producers: 3})
	if got := string(k.Append(nil, 2, 41)); got != "key-000000000125" {
		t.Errorf("key %s", got)
	}
}

// Goal: a seed means the same keys in every process and version. Method: digests
// taken once, and keys asked for in another order.
func TestSameKeys(t *testing.T) {
	for _, row := range []struct {
		cfg  Config
		want string
	}{
		{Config{Kind: None}, "e3b0c44298fc1c14"},
		{Config{Kind: Uniform, Count: 1000, Seed: 1}, "f956b30244303e42"},
		{Config{Kind: Uniform, Count: 1000, Seed: 2}, "84ee20fff8bb91c7"},
		{Config{Kind: Zipf, Count: 10_000_000, Exponent: 0.99, Seed: 1}, "0e9fd04926936a15"},
		{Config{Kind: Zipf, Count: 10_000_000, Exponent: 1.5, Seed: 1}, "517daf0834482648"},
		{Config{Kind: Sequential, Count: 500, Producers: 3, Seed: 1}, "50c587b59991b9b7"},
	} {
		k := newKeys(t, row.cfg)
		var all []byte
		for i := range uint64(3000) {
			all = k.Append(all, uint16(i%3), i/3)
		}
		sum := sha256.Sum256(all)
		if got := hex.EncodeToString(sum[:8]); got != row.want {
			t.Errorf("%+v: digest %s, want %s", row.cfg, got, row.want)
		}
		if n := row.cfg.Bytes(); n*3000 != len(all) {
			t.Errorf("%+v: keys of %d bytes are %d together", row.cfg, n, len(all))
		}
	}
}

// Goal: a bad setting is refused with the reason. Method: table.
func TestConfigErrors(t *testing.T) {
	for _, row := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, `keys: kind "" is none of none, uniform, zipf, sequential`},
		{Config{Kind: Uniform}, "keys: 0 keys are not within 1 and 1000000000000"},
		{Config{Kind: Zipf, Count: CountMax + 1}, "keys: 1000000000001 keys are not within 1 and 1000000000000"},
		{Config{Kind: Zipf, Count: 5, Exponent: -1}, "keys: exponent -1 is not within 0 and 20"},
		{Config{Kind: Zipf, Count: 5, Exponent: math.NaN()}, "keys: exponent NaN is not within 0 and 20"},
		{Config{Kind: Sequential}, "keys: 0 producers share the keys"},
	} {
		if _, err := New(row.cfg); err == nil || err.Error() != row.want {
			t.Errorf("%+v: %v, want %s", row.cfg, err, row.want)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, cfg := range []Config{
		{Kind: Uniform, Count: 1_000_000},
		{Kind: Zipf, Count: 10_000_000, Exponent: 0.99},
		{Kind: Zipf, Count: 1_000_000_000, Exponent: 1.2},
		{Kind: Sequential, Count: 1_000_000, Producers: 2},
	} {
		b.Run(fmt.Sprintf("%s-%d", cfg.Kind, cfg.Count), func(b *testing.B) {
			k := newKeys(b, cfg)
			key := make([]byte, 0, 32)
			b.ReportAllocs()
			sequence := uint64(0)
			for b.Loop() {
				key = k.Append(key[:0], 1, sequence)
				sequence++
			}
		})
	}
}

func BenchmarkNewZipf(b *testing.B) {
	for b.Loop() {
		newKeys(b, Config{Kind: Zipf, Count: 10_000_000, Exponent: 0.99})
	}
}
