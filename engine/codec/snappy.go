package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/s2"
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

// snappyBlocks is a library for raw blocks. Both functions use the whole of dst,
// if it is as large as snappy.MaxEncodedLen, or as the content.
type snappyBlocks struct {
	encode func(dst, src []byte) []byte
	decode func(dst, src []byte) ([]byte, error)
}

var (
	golangSnappy    = snappyBlocks{snappy.Encode, snappy.Decode}
	klauspostSnappy = snappyBlocks{s2.EncodeSnappy, decodeS2}
)

func snappyBlocksOf(impl Implementation) *snappyBlocks {
	if impl == Klauspost {
		return &klauspostSnappy
	}
	return &golangSnappy
}

// append writes xerial framing.
func (s *snappyBlocks) append(dst, src []byte) []byte {
	dst = append(dst, xerialHeader...)
	for len(src) > 0 {
		in := src[:min(len(src), xerialBlock)]
		src = src[len(in):]
		room := snappy.MaxEncodedLen(len(in))
		dst = slices.Grow(dst, 4+room)
		free := dst[len(dst)+4 : len(dst)+4+room]
		block := s.encode(free, in)
		if &block[0] != &free[0] {
			panic("codec: snappy: the library left the room that it was given")
		}
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
	if _, err := d.snappy.decode(dst[len(dst):len(dst)+size], block); err != nil {
		return nil, err
	}
	return dst[:len(dst)+size], nil
}

// errS2 says that a block uses what s2 added to snappy's format.
var errS2 = errors.New("a copy with offset 0, which is no snappy")

// decodeS2 decodes a raw block with s2's decoder, but takes no more than snappy:
// what one client accepts must not be garbage to another. The one difference is
// that to s2 a one-byte offset of 0 repeats the last offset. To look for it costs
// a third of the speed, which klauspost's own snappy.DecodeStrict halves.
func decodeS2(dst, block []byte) ([]byte, error) {
	if repeats(block) {
		return nil, errS2
	}
	return s2.Decode(dst, block)
}

// repeats walks through the tags of a raw block. Whether they make sense is the
// decoder's business.
func repeats(block []byte) bool {
	_, at := binary.Uvarint(block)
	for at = max(at, 0); at < len(block); {
		tag := block[at]
		switch tag & 3 {
		case 0:
			at += literalSize(block[at:])
		case 1: // an offset of 11 bits: 3 in the tag, 8 behind it
			if tag&0xe0 == 0 && at+1 < len(block) && block[at+1] == 0 {
				return true
			}
			at += 2
		case 2:
			at += 3
		case 3:
			at += 5
		}
	}
	return false
}

// literalSize is the size of the literal at the start of b, tag and length
// included, or that of b: the tag holds the length less 1 below 60, else says how
// many bytes after it do.
func literalSize(b []byte) int {
	const inTag = 60
	n := int(b[0] >> 2)
	if n < inTag {
		return 1 + n + 1
	}
	lengthSize, length := n-inTag+1, uint32(0)
	for i, c := range b[1:min(len(b), 1+lengthSize)] {
		length |= uint32(c) << (8 * i)
	}
	return 1 + lengthSize + int(min(length, uint32(len(b)))) + 1
}
