package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/golang/snappy"
)

// zstdHeader is a frame header without content size, with the window descriptor.
func zstdHeader(window byte) []byte { return []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, window} }

// zstdZeros is a block that stands for n zeros in 4 bytes.
func zstdZeros(n int, last bool) []byte {
	h := uint32(n)<<3 | 1<<1
	if last {
		h |= 1
	}
	return []byte{byte(h), byte(h >> 8), byte(h >> 16), 0}
}

// lz4Blocks is a frame with the descriptor and the blocks, and a true header sum.
func lz4Blocks(flags, size byte, blocks ...[]byte) []byte {
	b := []byte{0x04, 0x22, 0x4d, 0x18, flags, size, byte(xxHash32([]byte{flags, size}) >> 8)}
	for _, block := range blocks {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(block)))
		b = append(b, block...)
	}
	return append(b, 0, 0, 0, 0)
}

func xerial(blocks ...[]byte) []byte {
	b := []byte(xerialHeader)
	for _, block := range blocks {
		b = binary.BigEndian.AppendUint32(b, uint32(len(block)))
		b = append(b, block...)
	}
	return b
}

type hostile struct {
	name  string
	codec Type
	src   []byte
	want  error
}

// hostileLimit is the limit that the hostile inputs are made against.
const hostileLimit = 1 << 20

var zeros = make([]byte, 16<<20)

// flipped is b with one bit changed; at may count from the end.
func flipped(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[(at+len(b))%len(b)] ^= 0x10
	return b
}

func hostileToAny(*testing.T) []hostile {
	return []hostile{
		{"none: more than the limit", None, zeros, ErrLimit},
		{"a codec that Kafka does not know", Type(5), []byte("abc"), ErrCorrupt},
		{"a negative codec", Type(-1), []byte("abc"), ErrCorrupt},
	}
}

func hostileGzip(t *testing.T) []hostile {
	text := jsonLines(5000)
	gz := compress(t, Gzip, text)
	return []hostile{
		{"gzip: 16 MiB of zeros", Gzip, compress(t, Gzip, zeros), ErrLimit},
		{"gzip: one byte above the limit", Gzip, compress(t, Gzip, zeros[:hostileLimit+1]), ErrLimit},
		{"gzip: many members", Gzip, bytes.Repeat(compress(t, Gzip, zeros[:hostileLimit/8]), 100), ErrLimit},
		{"gzip: nothing", Gzip, nil, ErrCorrupt},
		{"gzip: text", Gzip, text, ErrCorrupt},
		{"gzip: a bit of the checksum", Gzip, flipped(gz, -5), ErrCorrupt},
		{"gzip: a bit of the length", Gzip, flipped(gz, -1), ErrCorrupt},
		{"gzip: a bit of the content", Gzip, flipped(gz, len(gz)/2), ErrCorrupt},
		{"gzip: bytes after it", Gzip, append(slices.Clone(gz), "xyz"...), ErrCorrupt},
	}
}

// s2Repeat is a block of s2: a literal of 2 bytes, a copy of 4 from 2 bytes back,
// and 4 more from where the last ones came. Snappy knows no offset 0.
var s2Repeat = []byte{10, 0x04, 'a', 'b', 0x01, 2, 0x01, 0}

// s2RepeatAfterZeros has it behind a literal of 300 zeros.
func s2RepeatAfterZeros() []byte {
	b := append([]byte{0xb4, 0x02, 0xf4, 0x2b, 0x01}, zeros[:300]...) // 308 bytes; a literal of 300
	return append(b, 0x01, 1, 0x01, 0)
}

func hostileSnappy(t *testing.T) []hostile {
	text := jsonLines(5000)
	sn := compress(t, Snappy, text)
	return []hostile{
		{"snappy: 16 MiB of zeros", Snappy, compress(t, Snappy, zeros), ErrLimit},
		{"snappy: 16 MiB of zeros in one raw block", Snappy, snappy.Encode(nil, zeros), ErrLimit},
		{"snappy: a raw block that claims 4 GiB", Snappy, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}, ErrLimit},
		{"snappy: a raw block that claims the limit", Snappy, []byte{0x80, 0x80, 0x40, 0}, ErrCorrupt},
		{"snappy: a block that claims the limit", Snappy, xerial([]byte{0x80, 0x80, 0x40, 0}), ErrCorrupt},
		{"snappy: an empty block", Snappy, xerial(nil), ErrCorrupt},
		{"snappy: nothing", Snappy, nil, ErrCorrupt},
		{"snappy: half a header", Snappy, []byte(xerialHeader[:10]), ErrCorrupt},
		{"snappy: half a block length", Snappy, append(xerial(), 0, 0), ErrCorrupt},
		{"snappy: a block length of 4 GiB", Snappy, append(xerial(), 255, 255, 255, 255, 1), ErrCorrupt},
		{"snappy: the stream format of other clients", Snappy, []byte("\xff\x06\x00\x00sNaPpY"), ErrCorrupt},
		{"snappy: a bit of the block's length", Snappy, flipped(sn, 20), ErrCorrupt},
		{"snappy: what s2 has beyond it, a repeated offset", Snappy, s2Repeat, ErrCorrupt},
		{"snappy: the same in a block", Snappy, xerial(s2Repeat), ErrCorrupt},
		{"snappy: a repeated offset behind many zeros", Snappy, s2RepeatAfterZeros(), ErrCorrupt},
		{"snappy: a copy before the start", Snappy, []byte{8, 0x00, 'a', 0x0d, 2}, ErrCorrupt},
		{"snappy: a copy of 16 bits to nowhere", Snappy, []byte{8, 0x00, 'a', 0x1a, 0, 0}, ErrCorrupt},
		{"snappy: a copy of 32 bits before the start", Snappy, []byte{8, 0x00, 'a', 0x1b, 2, 0, 0, 0}, ErrCorrupt},
		{"snappy: less than the block's length says", Snappy, []byte{8, 0x00, 'a'}, ErrCorrupt},
		{"snappy: more than the block's length says", Snappy, []byte{1, 0x04, 'a', 'b'}, ErrCorrupt},
		{"snappy: a literal of 4 GiB", Snappy, []byte{8, 0xfc, 255, 255, 255, 255, 'a'}, ErrCorrupt},
		{"snappy: a literal without its length", Snappy, []byte{8, 0xfc, 255, 255}, ErrCorrupt},
		{"snappy: a copy without its offset", Snappy, []byte{8, 0x00, 'a', 0x01}, ErrCorrupt},
	}
}

func hostileLZ4(t *testing.T) []hostile {
	text := jsonLines(5000)
	lz := compress(t, LZ4, text)
	return []hostile{
		{"lz4: 16 MiB of zeros", LZ4, compress(t, LZ4, zeros), ErrLimit},
		{"lz4: a stored block above the limit", LZ4,
			append([]byte("\x04\x22\x4d\x18\x60\x70\x73\x00\x00\x20\x80"), zeros[:2<<20+4]...), ErrLimit},
		{"lz4: nothing", LZ4, nil, ErrCorrupt},
		{"lz4: text", LZ4, text, ErrCorrupt},
		{"lz4: no end mark", LZ4, lz[:len(lz)-4], ErrCorrupt},
		{"lz4: bytes after the end mark", LZ4, append(slices.Clone(lz), 1), ErrCorrupt},
		{"lz4: dependent blocks, which Kafka refuses", LZ4, lz4Blocks(0x40, 0x40), ErrCorrupt},
		{"lz4: version 0", LZ4, lz4Blocks(0x20, 0x40), ErrCorrupt},
		{"lz4: a dictionary", LZ4, lz4Blocks(0x61, 0x40), ErrCorrupt},
		{"lz4: blocks of 16 KiB", LZ4, lz4Blocks(0x60, 0x30), ErrCorrupt},
		{"lz4: reserved bits", LZ4, lz4Blocks(0x60, 0xc0), ErrCorrupt},
		{"lz4: a wrong header sum", LZ4, flipped(lz, 6), ErrCorrupt},
		{"lz4: a header cut in its content size", LZ4, lz4Blocks(0x68, 0x40)[:12], ErrCorrupt},
		{"lz4: a block sum that is missing", LZ4, lz4Blocks(0x70, 0x40, []byte{0x10, 'a'})[:14], ErrCorrupt},
		{"lz4: a wrong block sum", LZ4, lz4Blocks(0x70, 0x40, []byte{0x10, 'a', 0, 0, 0, 0}), ErrCorrupt},
		{"lz4: a wrong content sum", LZ4, append(lz4Blocks(0x64, 0x40, []byte{0x10, 'a'}), 1, 2, 3, 4), ErrCorrupt},
		{"lz4: a block above its maximum", LZ4, lz4Blocks(0x60, 0x40, zeros[:64<<10+1]), ErrCorrupt},
		{"lz4: a block of 2 GiB", LZ4, append([]byte(lz4Header), 255, 255, 255, 127, 0), ErrCorrupt},
		{"lz4: a match before the start", LZ4, lz4Blocks(0x60, 0x70, []byte{0x10, 'a', 0x09, 0, 0}), ErrCorrupt},
	}
}

func hostileZstd(t *testing.T) []hostile {
	text := jsonLines(5000)
	zs := compress(t, Zstd, text)
	return []hostile{
		{"zstd: 16 MiB of zeros", Zstd, compress(t, Zstd, zeros), ErrLimit},
		{"zstd: one byte above the limit", Zstd, compress(t, Zstd, zeros[:hostileLimit+1]), ErrLimit},
		{"zstd: a stream of zeros", Zstd,
			append(zstdHeader(0x58), bytes.Repeat(zstdZeros(128<<10, false), 10000)...), ErrLimit},
		{"zstd: a header that claims the limit", Zstd,
			[]byte("\x28\xb5\x2f\xfd\xa0\x00\x00\x10\x00\x01\x00\x00"), ErrCorrupt},
		{"zstd: a header that claims 1 TiB", Zstd,
			[]byte("\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x01\x00\x00\x01\x00\x00"), ErrCorrupt},
		{"zstd: a window of 256 MiB", Zstd, append(zstdHeader(18<<3), zstdZeros(1, true)...), ErrCorrupt},
		{"zstd: a window of 1 TiB", Zstd, append(zstdHeader(30<<3), zstdZeros(1, true)...), ErrCorrupt},
		{"zstd: a second frame that claims much", Zstd,
			append(slices.Clone(zs), "\x28\xb5\x2f\xfd\xa0\x00\x00\x0f\x00\x01\x00\x00"...), ErrCorrupt},
		{"zstd: a dictionary", Zstd, []byte("\x28\xb5\x2f\xfd\x21\x07\x01\x01\x00\x00"), ErrCorrupt},
		{"zstd: nothing", Zstd, nil, ErrCorrupt},
		{"zstd: text", Zstd, text, ErrCorrupt},
		{"zstd: a frame without its last block", Zstd, append(zstdHeader(0x58), zstdZeros(1, false)...), ErrCorrupt},
	}
}

// Goal: damage and hostile claims give an error of the right kind that names the
// codec, and no large allocation, whatever the implementation. Method: a row for
// each, against a limit of 1 MiB, with the bytes counted that are allocated on
// the way.
func TestHostile(t *testing.T) {
	for _, table := range []func(*testing.T) []hostile{
		hostileToAny, hostileGzip, hostileSnappy, hostileLZ4, hostileZstd,
	} {
		for _, test := range table(t) {
			if !test.codec.known() {
				refuse(t, variant{test.codec, Default}, NewDecompressor(hostileLimit), test)
			}
			for _, v := range variants() {
				if v.codec == test.codec {
					refuse(t, v, v.decompressor(t, hostileLimit), test)
				}
			}
		}
	}
}

func refuse(t *testing.T, v variant, d *Decompressor, test hostile) {
	text := []byte("after the damage")
	d.Append(nil, Zstd, compress(t, Zstd, text)) // the zstd decoder makes its tables once
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, err := d.Append(nil, test.codec, test.src)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.codec.String()) {
		t.Errorf("%s: %v: %d bytes, error %v, want %v", test.name, v, len(out), err, test.want)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 8*hostileLimit {
		t.Errorf("%s: %v: %d bytes allocated", test.name, v, got)
	}
	for _, codec := range Types() {
		if again, err := d.Append(nil, codec, compress(t, codec, text)); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s: %v: %v does not work after it: %v", test.name, v, codec, err)
		}
	}
}

// Goal: a small input with a large claim allocates little even under a large
// limit. Method: claims of 512 MiB in a few bytes, under a limit of 1 GiB.
func TestClaimsAllocateLittle(t *testing.T) {
	for _, test := range []struct {
		name  string
		codec Type
		src   []byte
	}{
		{"snappy", Snappy, []byte{0x80, 0x80, 0x80, 0x80, 0x02, 0}},
		{"lz4", LZ4, lz4Blocks(0x60, 0x70, []byte{0xf0, 255, 255})},
		{"zstd", Zstd, []byte("\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x20\x01\x00\x00")},
	} {
		for _, v := range variants() {
			if v.codec == test.codec {
				claim(t, v, test.name, test.src)
			}
		}
	}
}

func claim(t *testing.T, v variant, name string, src []byte) {
	d := v.decompressor(t, 1<<30)
	d.Append(nil, Zstd, compress(t, Zstd, []byte("warm")))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := d.Append(nil, v.codec, src)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrCorrupt) || got > 4<<20 {
		t.Errorf("%s: %v: %d bytes allocated, error %v", name, v, got, err)
	}
}

// Goal: no part of a batch passes for the whole. Method: compressed lines, cut at
// every place. Xerial framing has no end mark: cut between blocks it is a shorter
// batch, and the header alone an empty one.
func TestTruncated(t *testing.T) {
	src := jsonLines(1500)
	for _, v := range variants()[1:] {
		packed := v.compress(t, src)
		d := v.decompressor(t, len(src))
		for n := range packed {
			out, err := d.Append(nil, v.codec, packed[:n:n])
			if v.codec == Snappy && n == len(xerialHeader) && err == nil && len(out) == 0 {
				continue
			}
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrLimit) { // part of a magic reads as a length
				t.Errorf("%v: %d of %d bytes: %d bytes, error %v", v, n, len(packed), len(out), err)
			}
		}
	}
}
