package codec

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the encoder's largest window. A batch is seldom larger than
// this, and the encoder's tables do not grow with it.
const zstdWindow = 1 << 20

// zstdBlockRatio bounds what a frame can expand to: a block of 4 bytes may
// stand for 128 KiB.
const (
	zstdBlockMin = 4
	zstdBlockMax = 128 << 10
)

func newZstdEncoder(level int) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderCRC(false), // zstd-jni's stream writes none
	)
}

func (d *Decompressor) appendZstd(dst, src []byte) ([]byte, error) {
	if d.zstd == nil {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(d.limit)))
		if err != nil {
			return nil, err
		}
		d.zstd = dec
	}
	if err := d.checkZstdClaim(src); err != nil {
		return nil, err
	}
	start := len(dst)
	dst, err := d.zstd.DecodeAll(src, dst)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || len(dst)-start > d.limit {
		return nil, d.errLimit()
	}
	return dst, err
}

// checkZstdClaim looks at the content size that the frame header claims, which
// the library would allocate at once.
func (d *Decompressor) checkZstdClaim(src []byte) error {
	var h zstd.Header
	if err := h.Decode(src); err != nil || !h.HasFCS {
		return nil // the decoder will say what is wrong
	}
	if h.FrameContentSize > uint64(d.limit) {
		return d.errLimit()
	}
	if h.FrameContentSize > uint64(len(src)/zstdBlockMin+1)*zstdBlockMax {
		return fmt.Errorf("frame of %d bytes claims %d: %w", len(src), h.FrameContentSize, ErrCorrupt)
	}
	return nil
}
