package codec

import (
	"bytes"
	"fmt"
	"io"

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
		// Header and trailer, and 5 bytes for each stored block. A stored block
		// may be as short as the writer's window of input, here taken as 1 KiB.
		return n + 5*(n/1024+2) + 64
	case Snappy:
		return maxSnappySize(n)
	case LZ4:
		return maxLZ4Size(n)
	case Zstd:
		// Frame header of at most 18 bytes, checksum, 3 bytes for each block of
		// at most 128 KiB; the encoder grows dst when less than this is left.
		return n + 3*(n/1024+2) + 256
	default:
		panic(fmt.Sprintf("codec: max compressed size of %v", t))
	}
}

// Decompressor decompresses any codec. It keeps what the libraries need from one
// call to the next, and is not for concurrent use.
type Decompressor struct {
	limit  int
	source bytes.Reader // what gzip reads from
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
}

// NewDecompressor returns a decompressor that accepts up to limit bytes of output
// from one call to Append. limit is at least 1.
func NewDecompressor(limit int) *Decompressor {
	if limit < 1 {
		panic(fmt.Sprintf("codec: decompressor limit %d", limit))
	}
	return &Decompressor{limit: limit}
}

// Append appends the decompressed form of src to dst.
func (d *Decompressor) Append(dst []byte, t Type, src []byte) ([]byte, error) {
	var err error
	start := len(dst)
	switch t {
	case None:
		if len(src) > d.limit {
			err = d.errLimit()
			break
		}
		dst = append(dst, src...)
	case Gzip:
		dst, err = d.appendGzip(dst, src)
	case Snappy:
		dst, err = d.appendSnappy(dst, src)
	case LZ4:
		dst, err = d.appendLZ4(dst, src)
	case Zstd:
		dst, err = d.appendZstd(dst, src)
	default:
		err = errUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("codec: %v: decompress %d bytes: %w", t, len(src), err)
	}
	if len(dst)-start > d.limit {
		panic("codec: output above the limit")
	}
	return dst, nil
}

func (d *Decompressor) errLimit() error {
	return fmt.Errorf("more than %d bytes of output: %w", d.limit, ErrLimit)
}

func (d *Decompressor) appendGzip(dst, src []byte) ([]byte, error) {
	d.source.Reset(src)
	defer d.source.Reset(nil)
	if d.gzip == nil {
		d.gzip = new(gzip.Reader)
	}
	if err := d.gzip.Reset(&d.source); err != nil {
		return nil, err
	}
	start := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = grow(dst, min(len(src)+512, d.limit))
		}
		n, err := d.gzip.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst)-start > d.limit {
			return nil, d.errLimit()
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
