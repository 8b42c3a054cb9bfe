package record

import (
	"math/rand/v2"
	"testing"
)

// TestCombineCRC: the CRC of two pieces is that of the whole. Method: pieces of
// random bytes and sizes.
func TestCombineCRC(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	whole := make([]byte, 300_000)
	for i := range whole {
		whole[i] = byte(r.Uint32())
	}
	for range 200 {
		end := r.IntN(1 << r.IntN(19))
		cut := r.IntN(end + 1)
		got := CombineCRC(UpdateCRC(0, whole[:cut]), UpdateCRC(0, whole[cut:end]), end-cut)
		if want := UpdateCRC(0, whole[:end]); got != want {
			t.Errorf("%d and %d bytes: %08x, want %08x", cut, end-cut, got, want)
		}
	}
}

func BenchmarkCombineCRC(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		CombineCRC(1, 2, 128<<10-61)
	}
}
