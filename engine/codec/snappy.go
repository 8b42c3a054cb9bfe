package codec

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/golang/snappy"
)

// Kafka's Java producer writes snappy through snappy-java's SnappyOutputStream:
// a header of 16 bytes, then blocks, each a big-endian length and a raw snappy
// block of at most 32 KiB of input.
const (
	xerialMagic  = "\x82SNAPPY\x00"
	xerialHeader = xerialMagic + "\x00\x00\x00\x01" + "\x00\x00\x00\x01" // version, oldest reader's version
	xerialBlock  = 32 << 10

	// snappyRatio bounds what a raw block can expand to: a copy of 64 bytes
	// takes 3 bytes.
	snappyRatio = 22
)

func maxSnappySize(n int) int {
	full, tail := n/xerialBlock, n%xerialBlock
	size := len(xerialHeader) + full*(4+snappy.MaxEncodedLen(xerialBlock))
	if tail > 0 {
		size += 4 + snappy.MaxEncodedLen(tail)
	}
	return size
}

func appendSnappy(dst, src []byte) []byte {
	dst = append(dst, xerialHeader...)
	for len(src) > 0 {
		in := src[:min(len(src), xerialBlock)]
		src = src[len(in):]
		room := snappy.MaxEncodedLen(len(in))
		dst = slices.Grow(dst, 4+room)
		block := snappy.Encode(dst[len(dst)+4:len(dst)+4+room], in)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(block)))
		dst = dst[:len(dst)+len(block)]
	}
	return dst
}

// appendSnappy reads xerial framing, and one raw block if the magic is missing:
// some clients write that.
func (d *Decompressor) appendSnappy(dst, src []byte) ([]byte, error) {
	if len(src) < len(xerialMagic) || string(src[:len(xerialMagic)]) != xerialMagic {
		return d.appendSnappyBlock(dst, src, d.limit)
	}
	if len(src) < len(xerialHeader) {
		return nil, fmt.Errorf("header of %d bytes, want %d: %w", len(src), len(xerialHeader), ErrCorrupt)
	}
	src = src[len(xerialHeader):]
	start := len(dst)
	for len(src) > 0 {
		if len(src) < 4 {
			return nil, fmt.Errorf("block length cut to %d bytes: %w", len(src), ErrCorrupt)
		}
		size := binary.BigEndian.Uint32(src)
		src = src[4:]
		if uint64(size) > uint64(len(src)) {
			return nil, fmt.Errorf("block of %d bytes in %d: %w", size, len(src), ErrCorrupt)
		}
		var err error
		if dst, err = d.appendSnappyBlock(dst, src[:size], d.limit-(len(dst)-start)); err != nil {
			return nil, err
		}
		src = src[size:]
	}
	return dst, nil
}

func (d *Decompressor) appendSnappyBlock(dst, block []byte, limit int) ([]byte, error) {
	size, err := snappy.DecodedLen(block)
	switch {
	case err != nil:
		return nil, err
	case size > limit:
		return nil, d.errLimit()
	case size > snappyRatio*len(block):
		return nil, fmt.Errorf("block of %d bytes claims %d: %w", len(block), size, ErrCorrupt)
	}
	dst = slices.Grow(dst, size)
	if _, err := snappy.Decode(dst[len(dst):len(dst)+size], block); err != nil {
		return nil, err
	}
	return dst[:len(dst)+size], nil
}
