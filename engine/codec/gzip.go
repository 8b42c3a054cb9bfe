package codec

import (
	standard "compress/gzip"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
)

// gzipWriter and gzipReader are what both libraries have in common.
type (
	gzipWriter interface {
		io.WriteCloser
		Reset(sink io.Writer)
	}
	gzipReader interface {
		io.Reader
		Reset(source io.Reader) error
	}
)

// gzipCompressor appends what its writer writes.
type gzipCompressor struct {
	writer gzipWriter
	sink   sliceWriter
}

// sliceWriter appends what is written to it.
type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// zlibLevel is the level that zlib, and so Java, takes -1 to mean. Klauspost's
// own choice would be 5.
const zlibLevel = 6

func newGzipCompressor(level int, impl Implementation) (*gzipCompressor, error) {
	if level == DefaultLevel(Gzip) {
		level = zlibLevel
	}
	c := &gzipCompressor{}
	if impl == Standard {
		w, err := standard.NewWriterLevel(&c.sink, level)
		c.writer = w
		return c, err
	}
	w, err := gzip.NewWriterLevel(&c.sink, level)
	c.writer = klauspostWriter{w}
	return c, err
}

// klauspostWriter writes no time, as Java and the standard library do: it would
// write the zero Time as one.
type klauspostWriter struct{ *gzip.Writer }

func (w klauspostWriter) Reset(sink io.Writer) {
	w.Writer.Reset(sink)
	w.ModTime = time.Unix(0, 0)
}

func (c *gzipCompressor) append(dst, src []byte) ([]byte, error) {
	c.sink.b = dst
	defer func() { c.sink.b = nil }()
	c.writer.Reset(&c.sink)
	if _, err := c.writer.Write(src); err != nil {
		return nil, err
	}
	if err := c.writer.Close(); err != nil {
		return nil, err
	}
	return c.sink.b, nil
}

// maxGzipSize: header and trailer, and 5 bytes for each stored block. The
// libraries' blocks are of 16 KiB and more; 1 KiB is to be safe.
func maxGzipSize(n int) int { return n + 5*(n/1024+2) + 64 }

func newGzipReader(impl Implementation) gzipReader {
	if impl == Standard {
		return new(standard.Reader)
	}
	return new(gzip.Reader)
}

func (d *Decompressor) appendGzip(dst, src []byte) ([]byte, error) {
	d.source.Reset(src)
	defer d.source.Reset(nil)
	if err := d.gzip.Reset(&d.source); err != nil {
		return nil, noEOF(err)
	}
	start := len(dst)
	for {
		// A full dst is not grown before there is a byte to put: the output may
		// end here.
		var n int
		var err error
		if len(dst) < cap(dst) {
			n, err = d.gzip.Read(dst[len(dst):cap(dst)])
			dst = dst[:len(dst)+n]
		} else if n, err = d.gzip.Read(d.probe[:]); n > 0 {
			dst = append(slices.Grow(dst, min(4*len(src), d.limit)+1), d.probe[0])
		}
		switch {
		case len(dst)-start > d.limit:
			return nil, d.errLimit()
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return nil, err
		}
	}
}

// noEOF turns io.EOF, which means a good end to callers, into what it is here.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
