package codec

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Compressor compresses with one codec at one level. It keeps what its library
// needs from one call to the next, and is not for concurrent use. What it writes
// depends on the input only, not on what it compressed before.
type Compressor struct {
	codec  Type
	gzip   *gzipCompressor
	snappy *snappyBlocks
	lz4    lz4Compressor
	zstd   *zstd.Encoder
}

// NewCompressor returns a compressor of the default implementation, or
// CheckLevel's error.
func NewCompressor(t Type, level int) (*Compressor, error) {
	return NewCompressorOf(t, level, Default)
}

// NewCompressorOf returns a compressor of an implementation, or the error of
// CheckLevel or CheckImplementation.
func NewCompressorOf(t Type, level int, impl Implementation) (*Compressor, error) {
	if err := CheckLevel(t, level); err != nil {
		return nil, err
	}
	impl, err := resolve(t, impl)
	if err != nil {
		return nil, err
	}
	c := &Compressor{codec: t}
	switch t {
	case Gzip:
		c.gzip, err = newGzipCompressor(level, impl)
	case Snappy:
		c.snappy = snappyBlocksOf(impl)
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
		dst, err = c.gzip.append(dst, src)
	case Snappy:
		dst = c.snappy.append(dst, src)
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

// MaxCompressedSize is a bound on the compressed size of n bytes: a dst with
// this room is never reallocated by Compressor.Append, whatever the
// implementation.
func MaxCompressedSize(t Type, n int) int {
	switch t {
	case None:
		return n
	case Gzip:
		return maxGzipSize(n)
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
