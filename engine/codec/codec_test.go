package codec

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
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

func newCompressor(t *testing.T, codec Type, level int) *Compressor {
	t.Helper()
	c, err := NewCompressor(codec, level)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func compress(t *testing.T, codec Type, src []byte) []byte {
	t.Helper()
	out, err := newCompressor(t, codec, DefaultLevel(codec)).Append(nil, src)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Goal: what goes in comes out, the bound on the compressed size holds, and the
// same input gives the same bytes whatever was compressed before it. Method:
// each codec, at several levels, on samples of several sizes and kinds; one used
// and one fresh compressor per level; outputs are appended to what is there.
func TestRoundTrip(t *testing.T) {
	prefix := []byte("what is there")
	for _, codec := range Types() {
		for _, level := range testLevels(codec) {
			t.Run(fmt.Sprintf("%v/%d", codec, level), func(t *testing.T) {
				used, d := newCompressor(t, codec, level), NewDecompressor(1<<20)
				for _, s := range samples() {
					if len(s.b) > 256<<10 && level != DefaultLevel(codec) {
						continue // slow, and the same code as the smaller ones
					}
					packed, err := used.Append(prefix[:len(prefix):len(prefix)], s.b)
					if err != nil || !bytes.HasPrefix(packed, prefix) {
						t.Fatalf("%s: compress: %.20q, error %v", s.name, packed, err)
					}
					packed = packed[len(prefix):]
					room := make([]byte, 0, MaxCompressedSize(codec, len(s.b)))
					again, err := newCompressor(t, codec, level).Append(room, s.b)
					if err != nil || !bytes.Equal(packed, again) {
						t.Errorf("%s: a used compressor gives %d bytes, a fresh one %d other bytes", s.name, len(packed), len(again))
					}
					if cap(again) != cap(room) {
						t.Errorf("%s: %d bytes of output outgrew the bound %d", s.name, len(again), cap(room))
					}
					out, err := d.Append(prefix[:len(prefix):len(prefix)], codec, packed)
					if err != nil {
						t.Fatalf("%s: %v", s.name, err)
					}
					if !bytes.HasPrefix(out, prefix) || !bytes.Equal(out[len(prefix):], s.b) {
						t.Errorf("%s: other bytes came out", s.name)
					}
				}
			})
		}
	}
}

// Goal: the frames are those of Kafka's Java clients. Method: the first bytes
// of each codec, spelt out, and the framing of empty input.
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
		{"snappy: xerial header 1/1, then a block of 35 bytes", Snappy, hello,
			"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x0b\x23\x14hello ", 31},
		{"snappy: nothing is a header", Snappy, nil, "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01", 16},
		{"lz4: independent blocks of 64 KiB, no sums", LZ4, hello,
			"\x04\x22\x4d\x18\x60\x40\x82\x10\x00\x00\x00\x6fhello ", 31},
		{"lz4: what does not shrink is stored", LZ4, []byte("abc"),
			"\x04\x22\x4d\x18\x60\x40\x82\x03\x00\x00\x80abc\x00\x00\x00\x00", 18},
		{"lz4: nothing is a header and an end mark", LZ4, nil, "\x04\x22\x4d\x18\x60\x40\x82\x00\x00\x00\x00", 11},
		{"zstd: one frame, no checksum", Zstd, hello, "\x28\xb5\x2f\xfd\x00", 0},
		{"zstd: nothing is a frame too", Zstd, nil, "\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00", 9},
	} {
		out := compress(t, test.codec, test.src)
		if !bytes.HasPrefix(out, []byte(test.want)) || test.size != 0 && len(out) != test.size {
			t.Errorf("%s: %q (%d bytes), want %q (%d)", test.name, out, len(out), test.want, test.size)
		}
	}
	if out := compress(t, Snappy, make([]byte, 3*xerialBlock+1)); bytes.Count(out, []byte("\x80\x80\x02")) != 3 {
		t.Errorf("snappy: want three blocks of 32 KiB in %q", out)
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
	for _, codec := range Types()[1:] {
		for _, s := range samples() {
			if out, err := readers[codec](compress(t, codec, s.b)); err != nil || !bytes.Equal(out, s.b) {
				t.Errorf("%v: %s: %d bytes, error %v", codec, s.name, len(out), err)
			}
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
		for _, dst := range [][]byte{nil, make([]byte, 0, len(src))} {
			out, err := NewDecompressor(len(src)).Append(dst, test.codec, test.src)
			if err != nil || !bytes.Equal(out, src) {
				t.Errorf("%s: %d bytes, error %v", test.name, len(out), err)
			}
			if _, err := NewDecompressor(len(src)-1).Append(dst, test.codec, test.src); !errors.Is(err, ErrLimit) {
				t.Errorf("%s: one byte less than it needs: %v", test.name, err)
			}
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
// needs. Method: AllocsPerRun for each codec and level, after a few batches: the
// zstd encoder makes its tables one by one.
func TestNoAllocations(t *testing.T) {
	if raceOn {
		t.Skip("the zstd decoder keeps tables in a sync.Pool, which forgets under the race detector")
	}
	src := jsonLines(100 << 10)
	for _, codec := range Types() {
		for _, level := range testLevels(codec) {
			c, d := newCompressor(t, codec, level), NewDecompressor(len(src))
			room := make([]byte, 0, MaxCompressedSize(codec, len(src)))
			var packed []byte
			for range 3 {
				packed, _ = c.Append(room, src)
			}
			if n := testing.AllocsPerRun(5, func() { packed, _ = c.Append(room, src) }); n != 0 {
				t.Errorf("%v level %d: compress: %v allocations", codec, level, n)
			}
			out := make([]byte, 0, len(src))
			if n := testing.AllocsPerRun(5, func() { out, _ = d.Append(out[:0], codec, packed) }); n != 0 {
				t.Errorf("%v level %d: decompress: %v allocations", codec, level, n)
			}
			if !bytes.Equal(out, src) {
				t.Errorf("%v level %d: other bytes came out", codec, level)
			}
		}
	}
}
