package codec

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Errors of decompression; test with errors.Is.
var (
	// ErrLimit says that the output would be larger than the limit.
	ErrLimit = errors.New("output limit exceeded")
	// ErrCorrupt says that the input is not what the codec writes.
	ErrCorrupt = errors.New("corrupt input")
)

// Decompressor decompresses any codec. It keeps what the libraries need from one
// call to the next, and is not for concurrent use.
type Decompressor struct {
	limit  int
	source bytes.Reader // what gzip reads from
	gzip   gzipReader
	snappy *snappyBlocks
	zstd   *zstd.Decoder // nil before its first use
	probe  [1]byte
}

// NewDecompressor returns a decompressor that accepts up to limit bytes of output
// from one call of Append, with the default implementation of each codec. limit
// is at least 1.
func NewDecompressor(limit int) *Decompressor {
	if limit < 1 {
		panic(fmt.Sprintf("codec: decompressor limit %d", limit))
	}
	return &Decompressor{
		limit:  limit,
		gzip:   newGzipReader(implementations[Gzip][0]),
		snappy: snappyBlocksOf(implementations[Snappy][0]),
	}
}

// Use chooses the implementation that decompresses t from now on, or returns
// CheckImplementation's error. All of them accept the same input.
func (d *Decompressor) Use(t Type, impl Implementation) error {
	impl, err := resolve(t, impl)
	if err != nil {
		return err
	}
	switch t {
	case Gzip:
		d.gzip = newGzipReader(impl)
	case Snappy:
		d.snappy = snappyBlocksOf(impl)
	}
	return nil
}

// Append appends the decompressed form of src to dst. It does not allocate in
// steady state if dst has room for the output. Errors name the codec and are
// ErrLimit or ErrCorrupt. What is allocated, also before an error, is bounded by
// the limit and by what an input of this size can stand for, up to a small
// factor and one block. The room behind dst may be overwritten past the output.
func (d *Decompressor) Append(dst []byte, t Type, src []byte) ([]byte, error) {
	out, err := d.appendAny(dst, t, src)
	switch {
	case err == nil:
		if len(out)-len(dst) > d.limit {
			panic(fmt.Sprintf("codec: %v gave %d bytes, limit %d", t, len(out)-len(dst), d.limit))
		}
		return out, nil
	case errors.Is(err, ErrLimit) || errors.Is(err, ErrCorrupt):
		return nil, fmt.Errorf("codec: %v: decompress %d bytes: %w", t, len(src), err)
	default:
		return nil, fmt.Errorf("codec: %v: decompress %d bytes: %w: %w", t, len(src), ErrCorrupt, err)
	}
}

func (d *Decompressor) appendAny(dst []byte, t Type, src []byte) ([]byte, error) {
	switch t {
	case None:
		if len(src) > d.limit {
			return nil, d.errLimit()
		}
		return append(dst, src...), nil
	case Gzip:
		return d.appendGzip(dst, src)
	case Snappy:
		return d.appendSnappy(dst, src)
	case LZ4:
		return d.appendLZ4(dst, src)
	case Zstd:
		return d.appendZstd(dst, src)
	default:
		return nil, fmt.Errorf("unknown codec: %w", ErrCorrupt)
	}
}

func (d *Decompressor) errLimit() error {
	return fmt.Errorf("more than %d bytes of output: %w", d.limit, ErrLimit)
}
