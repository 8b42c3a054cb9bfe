package codec

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	// zstdWindow is the encoder's window. Batches are seldom larger, and the
	// encoder's memory grows with it (zstd itself has 2 MiB at level 3).
	zstdWindow = 1 << 20
	// zstdWindowMax is the largest window of a frame that is read: that of
	// zstd's level 22, and zstd-jni's own limit.
	zstdWindowMax = 128 << 20
	// A block of zstdBlockMin bytes can stand for zstdBlockMax.
	zstdBlockMin = 4
	zstdBlockMax = 128 << 10
)

func newZstdEncoder(level int) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderCRC(false), // zstd-jni's streams have none
		zstd.WithZeroFrames(true),
	)
}

// maxZstdSize: a header of at most 14 bytes, and 3 bytes for each block stored.
// A batch of one block is compressed in place before it is known whether it will
// be stored, and then a match of 4 bytes takes up to 6.
func maxZstdSize(n int) int {
	return 64 + n + 3*(n/zstdBlockMax+1) + min(n, zstdBlockMax)/2
}

func (d *Decompressor) appendZstd(dst, src []byte) ([]byte, error) {
	if len(src) == 0 {
		return nil, fmt.Errorf("no frame: %w", ErrCorrupt)
	}
	if d.zstd == nil {
		dec, err := zstd.NewReader(nil,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxMemory(uint64(max(d.limit, zstdWindowMax))), // the window may be larger than the content
			zstd.WithDecoderMaxWindow(zstdWindowMax),
			zstd.WithDecodeAllCapLimit(true),
		)
		if err != nil {
			return nil, err
		}
		d.zstd = dec
	}
	// The library would allocate what a header claims. It is given a room
	// instead, which grows up to the limit, or to what src can stand for, and a
	// block more, so that output above the limit shows. Too little room gives
	// the same errors as damage: only the last one counts.
	roomMax := min(d.limit, (len(src)/zstdBlockMin+1)*zstdBlockMax) + zstdBlockMax
	room := min(roomMax, max(cap(dst)-len(dst), zstdRoom(src), 64))
	for {
		dst = slices.Grow(dst, room)
		free := dst[len(dst) : len(dst)+room]
		out, err := d.zstd.DecodeAll(src, free[:0])
		switch {
		case len(out) > d.limit || errors.Is(err, zstd.ErrDecoderSizeExceeded) && room > d.limit:
			return nil, d.errLimit()
		case err == nil && len(out) > 0 && &out[0] != &free[0]:
			panic("codec: zstd: the library left the room that it was given")
		case err == nil:
			return dst[:len(dst)+len(out)], nil
		case room == roomMax:
			return nil, err
		}
		room = min(roomMax, 4*room)
	}
}

// zstdRoom is the content size that the first header claims, or a guess: Java's
// streams do not say.
func zstdRoom(src []byte) int {
	var h zstd.Header
	if err := h.Decode(src); err == nil && h.HasFCS {
		return int(min(h.FrameContentSize, math.MaxInt32))
	}
	return 4*len(src) + 1024
}
