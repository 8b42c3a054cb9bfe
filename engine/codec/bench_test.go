package codec

import (
	"fmt"
	"testing"
)

// Goal: what each codec costs and saves. Method: JSON log lines of 16 KiB (the
// default batch.size) and 128 KiB, at the default level; MB/s counts the
// uncompressed bytes, and ratio is uncompressed to compressed.

func benchSizes(b *testing.B, run func(b *testing.B, v variant, src, packed []byte)) {
	for _, v := range variants() {
		for _, size := range []int{16 << 10, 128 << 10} {
			b.Run(fmt.Sprintf("%v/%dKiB", v, size>>10), func(b *testing.B) {
				src := jsonLines(size)
				packed := v.compress(b, src)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				run(b, v, src, packed)
				b.ReportMetric(float64(size)/float64(len(packed)), "ratio")
			})
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	benchSizes(b, func(b *testing.B, v variant, src, _ []byte) {
		c := v.compressor(b, DefaultLevel(v.codec))
		dst := make([]byte, 0, MaxCompressedSize(v.codec, len(src)))
		for b.Loop() {
			if _, err := c.Append(dst, src); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecompress(b *testing.B) {
	benchSizes(b, func(b *testing.B, v variant, src, packed []byte) {
		d := v.decompressor(b, len(src))
		dst := make([]byte, 0, len(src))
		for b.Loop() {
			if _, err := d.Append(dst, v.codec, packed); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkImplementations sets the libraries of a codec beside each other on
// other contents than log lines.
func BenchmarkImplementations(b *testing.B) {
	const size = 128 << 10
	contents := []sample{{"json", jsonLines(size)}, {"mixed", mixed(size)}, {"random", randomBytes(size)},
		{"zeros", make([]byte, size)}}
	for _, s := range contents {
		for _, codec := range []Type{Snappy, Gzip} {
			for _, impl := range Implementations(codec) {
				v := variant{codec, impl}
				packed := v.compress(b, s.b)
				b.Run(fmt.Sprintf("%s/%v/compress", s.name, v), func(b *testing.B) {
					c, dst := v.compressor(b, DefaultLevel(codec)), make([]byte, 0, MaxCompressedSize(codec, size))
					b.SetBytes(size)
					b.ReportAllocs()
					for b.Loop() {
						c.Append(dst, s.b)
					}
					b.ReportMetric(size/float64(len(packed)), "ratio")
				})
				b.Run(fmt.Sprintf("%s/%v/decompress", s.name, v), func(b *testing.B) {
					d, dst := v.decompressor(b, size), make([]byte, 0, size)
					b.SetBytes(size)
					b.ReportAllocs()
					for b.Loop() {
						d.Append(dst, codec, packed)
					}
				})
			}
		}
	}
}

func BenchmarkLevels(b *testing.B) {
	src := jsonLines(128 << 10)
	for _, l := range []struct {
		t     Type
		level int
	}{{Gzip, 1}, {Gzip, 9}, {LZ4, 1}, {LZ4, 12}, {LZ4, 17}, {Zstd, 1}, {Zstd, 6}, {Zstd, 19}} {
		b.Run(fmt.Sprintf("%v/%d", l.t, l.level), func(b *testing.B) {
			c, err := NewCompressor(l.t, l.level)
			if err != nil {
				b.Fatal(err)
			}
			dst := make([]byte, 0, MaxCompressedSize(l.t, len(src)))
			var packed []byte
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if packed, err = c.Append(dst, src); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(src))/float64(len(packed)), "ratio")
		})
	}
}
