package codec

import (
	"fmt"
	"testing"
)

// Goal: what each codec costs and saves. Method: JSON log lines of 16 KiB (the
// default batch.size) and 128 KiB, at the default level; MB/s counts the
// uncompressed bytes, and ratio is uncompressed to compressed.

func benchSizes(b *testing.B, run func(b *testing.B, t Type, src, packed []byte)) {
	for _, t := range Types() {
		for _, size := range []int{16 << 10, 128 << 10} {
			b.Run(fmt.Sprintf("%v/%dKiB", t, size>>10), func(b *testing.B) {
				src := jsonLines(size)
				c, err := NewCompressor(t, DefaultLevel(t))
				if err != nil {
					b.Fatal(err)
				}
				packed, err := c.Append(nil, src)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				run(b, t, src, packed)
				b.ReportMetric(float64(size)/float64(len(packed)), "ratio")
			})
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	benchSizes(b, func(b *testing.B, t Type, src, _ []byte) {
		c, _ := NewCompressor(t, DefaultLevel(t))
		dst := make([]byte, 0, MaxCompressedSize(t, len(src)))
		for b.Loop() {
			if _, err := c.Append(dst, src); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecompress(b *testing.B) {
	benchSizes(b, func(b *testing.B, t Type, src, packed []byte) {
		d := NewDecompressor(len(src))
		dst := make([]byte, 0, len(src))
		for b.Loop() {
			if _, err := d.Append(dst, t, packed); err != nil {
				b.Fatal(err)
			}
		}
	})
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
