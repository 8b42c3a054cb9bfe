package codec

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/s2"
)

// Goal: no input makes a decompressor panic, give more than its limit, or give
// something else when it is used again, has other room, or is of another
// implementation. Method: fuzzing from good and bad inputs of each codec.
func FuzzDecompress(f *testing.F) {
	for _, v := range variants() {
		for _, src := range [][]byte{nil, []byte("a"), jsonLines(600), make([]byte, 3000), randomBytes(200)} {
			f.Add(uint8(v.codec), v.compress(f, src))
		}
	}
	f.Add(uint8(Snappy), snappy.Encode(nil, jsonLines(600)))
	f.Add(uint8(Snappy), s2.Encode(nil, jsonLines(600)))
	f.Add(uint8(Snappy), s2Repeat)
	f.Add(uint8(LZ4), lz4Blocks(0x70, 0x40, []byte{0x10, 'a', 0, 0, 0, 0}))
	f.Add(uint8(Zstd), append(zstdHeader(0x58), zstdZeros(9000, true)...))
	const limit = 8 << 10
	used := NewDecompressor(limit)
	others := make(map[variant]*Decompressor)
	for _, v := range variants() {
		others[v] = v.decompressor(f, limit)
	}
	f.Fuzz(func(t *testing.T, codec uint8, src []byte) {
		out, err := used.Append(nil, Type(codec), src)
		if err != nil {
			if !errors.Is(err, ErrLimit) && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("an error of no kind: %v", err)
			}
			out = nil
		}
		if len(out) > limit {
			t.Fatalf("%d bytes of output", len(out))
		}
		for _, room := range []int{0, 1, len(out), 4 * limit} {
			again, err2 := used.Append(make([]byte, 3, 3+room), Type(codec), src)
			if fmt.Sprint(err) != fmt.Sprint(err2) || err == nil && !bytes.Equal(again[3:], out) {
				t.Fatalf("with room %d: %d bytes and %v, before: %d bytes and %v", room, len(again), err2, len(out), err)
			}
		}
		for _, v := range variants() {
			if v.codec != Type(codec) {
				continue
			}
			again, err2 := others[v].Append(nil, v.codec, src)
			if (err == nil) != (err2 == nil) || !bytes.Equal(again, out) {
				t.Fatalf("%v: %d bytes and %v, by default: %d bytes and %v", v, len(again), err2, len(out), err)
			}
		}
	})
}

// Goal: what goes in comes out, and what a compressor gives does not depend on
// what it compressed before. Method: fuzzing the input of all codecs by all
// implementations, with two compressors of which one has seen everything twice;
// the default implementation decompresses.
func FuzzRoundTrip(f *testing.F) {
	for _, src := range [][]byte{nil, []byte("a"), jsonLines(600), make([]byte, 300), mixed(300)} {
		f.Add(src, uint8(3))
	}
	one, two := make(map[variant]*Compressor), make(map[variant]*Compressor)
	for _, v := range variants() {
		one[v], two[v] = v.compressor(f, DefaultLevel(v.codec)), v.compressor(f, DefaultLevel(v.codec))
	}
	d := NewDecompressor(1 << 20)
	f.Fuzz(func(t *testing.T, piece []byte, repeat uint8) {
		src := bytes.Repeat(piece, int(repeat))
		if len(src) > 1<<20 {
			return
		}
		for _, v := range variants() {
			room := MaxCompressedSize(v.codec, len(src))
			packed, err := one[v].Append(make([]byte, 0, room), src)
			if err != nil || cap(packed) != room {
				t.Fatalf("%v: %d bytes in room for %d, error %v", v, len(packed), room, err)
			}
			two[v].Append(nil, piece)
			if again, err := two[v].Append(nil, src); err != nil || !bytes.Equal(packed, again) {
				t.Fatalf("%v: %x, after other input %x, error %v", v, packed, again, err)
			}
			out, err := d.Append(nil, v.codec, packed)
			if err != nil || !bytes.Equal(out, src) {
				t.Fatalf("%v: %d bytes of %d, error %v", v, len(out), len(src), err)
			}
		}
	})
}
