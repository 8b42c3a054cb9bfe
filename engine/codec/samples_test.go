package codec

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// jsonLines is n bytes of log lines as a service would write them.
func jsonLines(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	levels := []string{"INFO", "INFO", "INFO", "WARN", "DEBUG", "ERROR"}
	paths := []string{"/api/v1/orders", "/api/v1/orders/items", "/api/v1/users", "/healthz", "/login"}
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `{"ts":"2026-01-01T%02d:%02d:%02d.%03dZ","level":%q,"host":"web-%02d","path":%q,`+
			`"status":%d,"ms":%.2f,"trace":"%016x","user":%d}`+"\n",
			i/3600%24, i/60%60, i%60, r.IntN(1000), levels[r.IntN(len(levels))], r.IntN(20), paths[r.IntN(len(paths))],
			200+100*r.IntN(4), r.ExpFloat64()*20, r.Uint64(), r.IntN(100000))
	}
	return b.Bytes()[:n]
}

func randomBytes(n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// mixed is half random, half text, in pieces: blocks that are hardly compressible.
func mixed(n int) []byte {
	noise, text := randomBytes(n), jsonLines(n)
	b := make([]byte, 0, n)
	for at := 0; at < n; at += 100 {
		from := noise
		if at%500 == 0 {
			from = text
		}
		b = append(b, from[at:min(at+100, n)]...)
	}
	return b
}

type sample struct {
	name string
	b    []byte
}

// samples are made once: they are the same for every test.
var samples = sync.OnceValue(func() (out []sample) {
	for _, n := range []int{0, 1, 100, 1000, 32<<10 + 1, 64 << 10, 128<<10 + 5, 1 << 20} {
		if raceOn && n > 64<<10 {
			break
		}
		out = append(out,
			sample{fmt.Sprintf("%d zeros", n), make([]byte, n)},
			sample{fmt.Sprintf("%d random bytes", n), randomBytes(n)},
			sample{fmt.Sprintf("%d bytes of JSON", n), jsonLines(n)},
			sample{fmt.Sprintf("%d bytes, mixed", n), mixed(n)},
		)
	}
	return out
})

// variant is a codec as one of its implementations does it.
type variant struct {
	codec Type
	impl  Implementation
}

func (v variant) String() string { return fmt.Sprintf("%v/%s", v.codec, v.impl) }

// variants are all codecs by all implementations, the default ones first.
func variants() (out []variant) {
	for _, codec := range Types() {
		out = append(out, variant{codec, Default})
	}
	for _, codec := range Types() {
		for _, impl := range Implementations(codec) {
			if impl != Implementations(codec)[0] {
				out = append(out, variant{codec, impl})
			}
		}
	}
	return out
}

func (v variant) compressor(t testing.TB, level int) *Compressor {
	t.Helper()
	c, err := NewCompressorOf(v.codec, level, v.impl)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (v variant) decompressor(t testing.TB, limit int) *Decompressor {
	t.Helper()
	d := NewDecompressor(limit)
	if err := d.Use(v.codec, v.impl); err != nil {
		t.Fatal(err)
	}
	return d
}

// compress is at the default level.
func (v variant) compress(t testing.TB, src []byte) []byte {
	t.Helper()
	out, err := v.compressor(t, DefaultLevel(v.codec)).Append(nil, src)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func compress(t testing.TB, codec Type, src []byte) []byte {
	t.Helper()
	return variant{codec, Default}.compress(t, src)
}
