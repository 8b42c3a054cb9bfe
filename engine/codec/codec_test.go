package codec

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"brokerlab/engine/env"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// testLevels are levels of a codec that differ in what they do.
func testLevels(t Type) []int {
	switch t {
	case Gzip:
		return []int{-1, 1, 5, 6, 9}
	case LZ4:
		return []int{1, 9, 12, 17}
	case Zstd:
		return []int{-7, 3, 6, 22}
	default:
		return []int{0}
	}
}

// Goal: what goes in comes out, the bound on the compressed size holds, and the
// same input gives the same bytes whatever was compressed before it. Method:
// each codec by each implementation, at several levels, on samples of several sizes and kinds; one used
// and one fresh compressor per level; outputs are appended to what is there.
func TestRoundTrip(t *testing.T) {
	for _, v := range variants() {
		for _, level := range testLevels(v.codec) {
			t.Run(fmt.Sprintf("%v/%d", v, level), func(t *testing.T) {
				used, d := v.compressor(t, level), v.decompressor(t, 1<<20)
				for _, s := range samples() {
					if len(s.b) <= 256<<10 || level == DefaultLevel(v.codec) { // else slow, and no other code
						roundTrip(t, v, level, used, d, s)
					}
				}
			})
		}
	}
}

func roundTrip(t *testing.T, v variant, level int, used *Compressor, d *Decompressor, s sample) {
	prefix := []byte("what is there")
	packed, err := used.Append(prefix[:len(prefix):len(prefix)], s.b)
	if err != nil || !bytes.HasPrefix(packed, prefix) {
		t.Fatalf("%s: compress: %.20q, error %v", s.name, packed, err)
	}
	packed = packed[len(prefix):]
	room := make([]byte, 0, MaxCompressedSize(v.codec, len(s.b)))
	again, err := v.compressor(t, level).Append(room, s.b)
	if err != nil || !bytes.Equal(packed, again) {
		t.Errorf("%s: a used compressor gives %d bytes, a fresh one %d other bytes", s.name, len(packed), len(again))
	}
	if cap(again) != cap(room) {
		t.Errorf("%s: %d bytes of output outgrew the bound %d", s.name, len(again), cap(room))
	}
	out, err := d.Append(prefix[:len(prefix):len(prefix)], v.codec, packed)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	if !bytes.HasPrefix(out, prefix) || !bytes.Equal(out[len(prefix):], s.b) {
		t.Errorf("%s: other bytes came out", s.name)
	}
}

// Goal: the frames are those of Kafka's Java clients. Method: the first bytes
// of each codec and implementation, spelt out, and the framing of empty input.
func TestFraming(t *testing.T) {
	hello := []byte("hello hello hello hello hello hello")
	for _, test := range []struct {
		name  string
		codec Type
		src   []byte
		want  string // of the output's start
		size  int    // of the output, if not 0
	}{
		{"none is the bytes themselves", None, hello, string(hello), len(hello)},
		{"gzip: deflate, no flags, no time", Gzip, hello, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 0},
		{"snappy: xerial header 1/1, then a block's length", Snappy, hello,
			"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00", 0},
		{"snappy: nothing is a header", Snappy, nil, "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01", 16},
		{"lz4: independent blocks of 64 KiB, no sums", LZ4, hello,
			"\x04\x22\x4d\x18\x60\x40\x82\x10\x00\x00\x00\x6fhello ", 31},
		{"lz4: what does not shrink is stored", LZ4, []byte("abc"),
			"\x04\x22\x4d\x18\x60\x40\x82\x03\x00\x00\x80abc\x00\x00\x00\x00", 18},
		{"lz4: nothing is a header and an end mark", LZ4, nil, "\x04\x22\x4d\x18\x60\x40\x82\x00\x00\x00\x00", 11},
		{"zstd: one frame, no checksum", Zstd, hello, "\x28\xb5\x2f\xfd\x00", 0},
		{"zstd: nothing is a frame too", Zstd, nil, "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00", 9},
	} {
		for _, v := range variants() {
			if v.codec != test.codec {
				continue
			}
			out := v.compress(t, test.src)
			if !bytes.HasPrefix(out, []byte(test.want)) || test.size != 0 && len(out) != test.size {
				t.Errorf("%s: %v: %q (%d bytes), want %q (%d)", test.name, v, out, len(out), test.want, test.size)
			}
		}
	}
	// What s2 writes in the block depends on the processor.
	const block = "\x00\x00\x00\x0b\x23\x14hello r\x06\x00" // 6 bytes, and 29 from 6 back
	if out := compress(t, Snappy, hello); string(out[16:]) != block {
		t.Errorf("snappy: a block of %q, want %q", out[16:], block)
	}
	for _, impl := range Implementations(Snappy) {
		out := variant{Snappy, impl}.compress(t, make([]byte, 3*xerialBlock+1))
		if bytes.Count(out, []byte("\x80\x80\x02")) != 3 {
			t.Errorf("snappy/%s: want three blocks of 32 KiB in %q", impl, out)
		}
	}
}

// Goal: other implementations read ours. Method: standard gzip, pierrec's frame
// reader, klauspost's streaming zstd reader, and snappy blocks cut out by hand.
func TestOthersReadOurs(t *testing.T) {
	readers := map[Type]func(b []byte) ([]byte, error){
		Gzip: func(b []byte) ([]byte, error) {
			r, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			return io.ReadAll(r)
		},
		LZ4: func(b []byte) ([]byte, error) { return io.ReadAll(lz4.NewReader(bytes.NewReader(b))) },
		Zstd: func(b []byte) ([]byte, error) {
			r, err := zstd.NewReader(bytes.NewReader(b))
			if err != nil {
				return nil, err
			}
			defer r.Close()
			return io.ReadAll(r)
		},
		Snappy: func(b []byte) (out []byte, err error) {
			for b = b[16:]; len(b) > 0; {
				n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
				block, err := snappy.Decode(nil, b[4:4+n])
				if err != nil {
					return nil, err
				}
				out, b = append(out, block...), b[4+n:]
			}
			return out, nil
		},
	}
	for _, v := range variants()[1:] {
		for _, s := range samples() {
			if out, err := readers[v.codec](v.compress(t, s.b)); err != nil || !bytes.Equal(out, s.b) {
				t.Errorf("%v: %s: %d bytes, error %v", v, s.name, len(out), err)
			}
		}
	}
}

// Goal: whatever one implementation of a codec writes, every other one reads.
// Method: each by each, on all samples, with decompressors that are used again.
func TestImplementationsReadEachOther(t *testing.T) {
	for _, reader := range variants() {
		d := reader.decompressor(t, 1<<20)
		for _, writer := range variants() {
			if writer.codec != reader.codec {
				continue
			}
			for _, s := range samples() {
				out, err := d.Append(nil, reader.codec, writer.compress(t, s.b))
				if err != nil || !bytes.Equal(out, s.b) {
					t.Errorf("%v reads %v: %s: %d bytes, error %v", reader, writer, s.name, len(out), err)
				}
			}
		}
	}
}

// Goal: an implementation is chosen by its name, and only where there is one.
// Method: a row for each codec; for the others an error that says what there is.
func TestImplementations(t *testing.T) {
	for _, test := range []struct {
		codec Type
		want  []Implementation
		wrong Implementation
		says  string
	}{
		{None, nil, Golang, `codec: none implementation "golang" is none of default`},
		{Gzip, []Implementation{Klauspost, Standard}, Golang,
			`codec: gzip implementation "golang" is none of default, klauspost, standard`},
		{Snappy, []Implementation{Golang, Klauspost}, "s2",
			`codec: snappy implementation "s2" is none of default, golang, klauspost`},
		{LZ4, []Implementation{Pierrec}, Klauspost, `codec: lz4 implementation "klauspost" is none of default, pierrec`},
		{Zstd, []Implementation{Klauspost}, Standard, `codec: zstd implementation "standard" is none of default, klauspost`},
		{Type(5), nil, Default, "codec: unknown codec 5"},
	} {
		if got := Implementations(test.codec); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.codec, got, test.want)
		}
		_, err := NewCompressorOf(test.codec, DefaultLevel(test.codec), test.wrong)
		if err == nil || err.Error() != test.says {
			t.Errorf("%v: a compressor by %s: error %v, want %s", test.codec, test.wrong, err, test.says)
		}
		if err := NewDecompressor(1).Use(test.codec, test.wrong); err == nil || err.Error() != test.says {
			t.Errorf("%v: a decompressor by %s: error %v, want %s", test.codec, test.wrong, err, test.says)
		}
		for _, impl := range append([]Implementation{Default, ""}, test.want...) {
			if err := CheckImplementation(test.codec, impl); test.codec.known() && err != nil {
				t.Errorf("%v: %q: %v", test.codec, impl, err)
			}
		}
	}
}

// Goal: a choice is not ignored. Method: the two implementations of a codec write
// different bytes, and the default one those of the first.
func TestImplementationsDiffer(t *testing.T) {
	src := jsonLines(20 << 10)
	for _, codec := range []Type{Gzip, Snappy} {
		var outs [][]byte
		for _, impl := range Implementations(codec) {
			outs = append(outs, variant{codec, impl}.compress(t, src))
		}
		if bytes.Equal(outs[0], outs[1]) || !bytes.Equal(outs[0], compress(t, codec, src)) {
			t.Errorf("%v: %d and %d bytes, by default %d", codec, len(outs[0]), len(outs[1]), len(compress(t, codec, src)))
		}
	}
}

// Goal: we read what other clients write. Method: a raw snappy block (franz-go),
// LZ4 frames with sums, sizes and larger blocks, gzip members with names, zstd
// frames of a stream, with a window above the limit.
func TestReadsOthers(t *testing.T) {
	src := jsonLines(300 << 10)
	lz4Frame := func(options ...lz4.Option) []byte {
		var b bytes.Buffer
		w := lz4.NewWriter(&b)
		if err := w.Apply(options...); err != nil {
			t.Fatal(err)
		}
		w.Write(src)
		w.Close()
		return b.Bytes()
	}
	var named bytes.Buffer
	g := gzip.NewWriter(&named)
	g.Name, g.Comment, g.Extra = "name", "comment", []byte("extra")
	g.Write(src[:1000])
	g.Close()
	g = gzip.NewWriter(&named)
	g.Write(src[1000:])
	g.Close()
	var stream bytes.Buffer
	z, err := zstd.NewWriter(&stream, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for part := src; len(part) > 0; part = part[10<<10:] { // no size in the header
		z.Write(part[:10<<10])
	}
	z.Close()

	for _, test := range []struct {
		name  string
		codec Type
		src   []byte
	}{
		{"one raw snappy block", Snappy, snappy.Encode(nil, src)},
		{"lz4 blocks of 4 MiB with a content sum", LZ4, lz4Frame()},
		{"lz4 with block sums", LZ4, lz4Frame(lz4.BlockChecksumOption(true), lz4.BlockSizeOption(lz4.Block256Kb))},
		{"lz4 with a content size", LZ4, lz4Frame(lz4.SizeOption(uint64(len(src))))},
		{"gzip members with names", Gzip, named.Bytes()},
		{"a zstd stream with a window of 8 MiB", Zstd, stream.Bytes()},
		{"two zstd frames", Zstd, append(compress(t, Zstd, src[:5000]), compress(t, Zstd, src[5000:])...)},
	} {
		for _, v := range variants() {
			if v.codec == test.codec {
				readBack(t, test.name, v, test.src, src)
			}
		}
	}
}

func readBack(t *testing.T, name string, v variant, packed, want []byte) {
	for _, dst := range [][]byte{nil, make([]byte, 0, len(want))} {
		out, err := v.decompressor(t, len(want)).Append(dst, v.codec, packed)
		if err != nil || !bytes.Equal(out, want) {
			t.Errorf("%s: %v: %d bytes, error %v", name, v, len(out), err)
		}
		if _, err := v.decompressor(t, len(want)-1).Append(dst, v.codec, packed); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v: one byte less than it needs: %v", name, v, err)
		}
	}
}

// Goal: names and levels are Kafka's. Method: a row for each.
func TestNamesAndLevels(t *testing.T) {
	for i, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		codec, err := Parse(name)
		if err != nil || codec != Type(i) || codec.String() != name || Types()[i] != codec {
			t.Errorf("%s: %d (%v), error %v", name, codec, codec, err)
		}
	}
	for _, name := range []string{"", "GZIP", "uncompressed", "producer"} {
		if _, err := Parse(name); err == nil {
			t.Errorf("%q is a codec", name)
		}
	}
	for _, test := range []struct {
		codec Type
		ok    []int
		bad   []int
	}{
		{None, []int{0}, []int{-1, 1}},
		{Gzip, []int{-1, 1, 9}, []int{-2, 0, 10}},
		{Snappy, []int{0}, []int{1}},
		{LZ4, []int{1, 9, 17}, []int{0, -1, 18}},
		{Zstd, []int{-131072, 0, 3, 22}, []int{-131073, 23}},
		{Type(5), nil, []int{0}},
		{Type(-1), nil, []int{0}},
	} {
		for _, level := range test.ok {
			if err := CheckLevel(test.codec, level); err != nil {
				t.Error(err)
			}
		}
		for _, level := range test.bad {
			if _, err := NewCompressor(test.codec, level); err == nil {
				t.Errorf("%v accepts level %d", test.codec, level)
			}
		}
		if len(test.ok) > 0 && CheckLevel(test.codec, DefaultLevel(test.codec)) != nil {
			t.Errorf("%v refuses its default level", test.codec)
		}
	}
}

// Goal: work is charged under the codec's own name. Method: all codecs.
func TestOps(t *testing.T) {
	for _, test := range []struct {
		codec   Type
		in, out env.Op
	}{
		{Gzip, env.OpCompressGzip, env.OpDecompressGzip},
		{Snappy, env.OpCompressSnappy, env.OpDecompressSnappy},
		{LZ4, env.OpCompressLZ4, env.OpDecompressLZ4},
		{Zstd, env.OpCompressZstd, env.OpDecompressZstd},
	} {
		in, ok1 := CompressOp(test.codec)
		out, ok2 := DecompressOp(test.codec)
		if in != test.in || out != test.out || !ok1 || !ok2 {
			t.Errorf("%v: %v %v, %v %v", test.codec, in, ok1, out, ok2)
		}
	}
	_, ok1 := CompressOp(None)
	_, ok2 := DecompressOp(None)
	if ok1 || ok2 {
		t.Error("none is charged")
	}
}

// Goal: a batch costs no allocation in steady state, in exactly the room that it
// needs. Method: AllocsPerRun for each implementation and level, after a few batches: the
// zstd encoder makes its tables one by one.
func TestNoAllocations(t *testing.T) {
	if raceOn {
		t.Skip("the zstd decoder keeps tables in a sync.Pool, which forgets under the race detector")
	}
	src := jsonLines(100 << 10)
	for _, v := range variants() {
		for _, level := range testLevels(v.codec) {
			c, d := v.compressor(t, level), v.decompressor(t, len(src))
			room := make([]byte, 0, MaxCompressedSize(v.codec, len(src)))
			var packed []byte
			for range 3 {
				packed, _ = c.Append(room, src)
			}
			if n := testing.AllocsPerRun(5, func() { packed, _ = c.Append(room, src) }); n != 0 {
				t.Errorf("%v level %d: compress: %v allocations", v, level, n)
			}
			out := make([]byte, 0, len(src))
			n := testing.AllocsPerRun(5, func() { out, _ = d.Append(out[:0], v.codec, packed) })
			if n != 0 && v != (variant{Gzip, Standard}) { // see Standard
				t.Errorf("%v level %d: decompress: %v allocations", v, level, n)
			}
			if !bytes.Equal(out, src) {
				t.Errorf("%v level %d: other bytes came out", v, level)
			}
		}
	}
}
