package codec

import (
	"fmt"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compressor compresses with one codec at one level. It keeps what its library
// needs from one call to the next, and is not for concurrent use. What it writes
// depends on the input only, not on what it compressed before.
type Compressor struct {
	codec Type
	gzip  *gzip.Writer
	sink  sliceWriter // what gzip writes to
	lz4   lz4Compressor
	zstd  *zstd.Encoder
}

// NewCompressor returns a compressor, or CheckLevel's error.
func NewCompressor(t Type, level int) (*Compressor, error) {
	if err := CheckLevel(t, level); err != nil {
		return nil, err
	}
	c := &Compressor{codec: t}
	var err error
	switch t {
	case Gzip:
		if level == -1 {
			level = 6 // zlib's default; the library's own is 5
		}
		c.gzip, err = gzip.NewWriterLevel(&c.sink, level)
	case LZ4:
		c.lz4 = newLZ4Compressor(level)
	case Zstd:
		c.zstd, err = newZstdEncoder(level)
	}
	if err != nil {
		return nil, fmt.Errorf("codec: new %v compressor: %w", t, err)
	}
	return c, nil
}

// Append appends the compressed form of src to dst. It does not allocate in
// steady state if dst has room for MaxCompressedSize bytes.
func (c *Compressor) Append(dst, src []byte) ([]byte, error) {
	var err error
	switch c.codec {
	case None:
		dst = append(dst, src...)
	case Gzip:
		dst, err = c.appendGzip(dst, src)
	case Snappy:
		dst = appendSnappy(dst, src)
	case LZ4:
		dst, err = c.lz4.append(dst, src)
	case Zstd:
		dst = c.zstd.EncodeAll(src, dst)
	}
	if err != nil {
		return nil, fmt.Errorf("codec: %v: compress %d bytes: %w", c.codec, len(src), err)
	}
	return dst, nil
}

// sliceWriter appends what is written to it.
type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

func (c *Compressor) appendGzip(dst, src []byte) ([]byte, error) {
	c.sink.b = dst
	defer func() { c.sink.b = nil }()
	c.gzip.Reset(&c.sink)
	c.gzip.ModTime = time.Unix(0, 0) // no time, as Java writes it; the zero Time would be one
	if _, err := c.gzip.Write(src); err != nil {
		return nil, err
	}
	if err := c.gzip.Close(); err != nil {
		return nil, err
	}
	return c.sink.b, nil
}

// MaxCompressedSize is a bound on the compressed size of n bytes: a dst with
// this room is never reallocated by Compressor.Append.
func MaxCompressedSize(t Type, n int) int {
	switch t {
	case None:
		return n
	case Gzip:
		// Header and trailer, and 5 bytes for each stored block. The library's
		// blocks are of 32 KiB and more; 1 KiB is to be safe.
		return n + 5*(n/1024+2) + 64
	case Snappy:
		return maxSnappySize(n)
	case LZ4:
		return maxLZ4Size(n)
	case Zstd:
		return maxZstdSize(n)
	default:
		panic(fmt.Sprintf("codec: max compressed size of %v", t))
	}
}
