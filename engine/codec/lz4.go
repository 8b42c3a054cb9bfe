package codec

import (
	"encoding/binary"
	"fmt"

	"github.com/pierrec/lz4/v4"
)

const (
	lz4Magic     = 0x184d2204
	lz4Block     = 64 << 10
	lz4Stored    = 1 << 31 // in a block's length: the block is not compressed
	lz4EndMark   = 4
	lz4HeaderLen = 7
	// lz4Ratio bounds what a block can expand to: each byte of a match's length
	// adds at most 255.
	lz4Ratio = 255
)

// lz4Header: magic, flags (version 1, independent blocks), block size 64 KiB,
// second byte of the descriptor's xxHash32.
const lz4Header = "\x04\x22\x4d\x18\x60\x40\x82"

// lz4Compressor holds the tables of the one algorithm that its level uses.
type lz4Compressor struct {
	fast *lz4.Compressor
	high *lz4.CompressorHC
}

func newLZ4Compressor(level int) lz4Compressor {
	if level == levels[LZ4].standard {
		return lz4Compressor{fast: new(lz4.Compressor)}
	}
	depth := lz4.Level1 << (min(level, 9) - 1)
	return lz4Compressor{high: &lz4.CompressorHC{Level: depth}}
}

func maxLZ4Size(n int) int {
	// Room for a compressed block beside its input, before it is known whether
	// the block will be stored.
	blocks := (n + lz4Block - 1) / lz4Block
	return lz4HeaderLen + n + 4*blocks + lz4EndMark + lz4.CompressBlockBound(min(n, lz4Block))
}

func (c *lz4Compressor) append(dst, src []byte) ([]byte, error) {
	dst = append(dst, lz4Header...)
	for len(src) > 0 {
		in := src[:min(len(src), lz4Block)]
		src = src[len(in):]
		dst = grow(dst, 4+lz4.CompressBlockBound(len(in)))
		at := len(dst)
		out := dst[at+4 : at+4+lz4.CompressBlockBound(len(in))]
		n, err := c.block(in, out)
		if err != nil {
			return nil, err
		}
		head := uint32(n)
		if n == 0 || n >= len(in) {
			n = copy(out, in)
			head = uint32(n) | lz4Stored
		}
		dst = binary.LittleEndian.AppendUint32(dst, head)
		dst = dst[:at+4+n]
	}
	return append(dst, 0, 0, 0, 0), nil
}

func (c *lz4Compressor) block(in, out []byte) (int, error) {
	if c.fast != nil {
		return c.fast.CompressBlock(in, out)
	}
	return c.high.CompressBlock(in, out)
}

func (d *Decompressor) appendLZ4(dst, src []byte) ([]byte, error) {
	if len(src) < lz4HeaderLen || binary.LittleEndian.Uint32(src) != lz4Magic {
		return nil, fmt.Errorf("no frame header: %w", ErrCorrupt)
	}
	f, n, err := parseLZ4Frame(src)
	if err != nil {
		return nil, err
	}
	src = src[n:]
	start := len(dst)
	for {
		if len(src) < 4 {
			return nil, fmt.Errorf("no end mark: %w", ErrCorrupt)
		}
		head := binary.LittleEndian.Uint32(src)
		src = src[4:]
		size := int(head &^ lz4Stored)
		if head == 0 {
			return dst, nil
		}
		if size > f.blockMax || size > len(src) {
			return nil, fmt.Errorf("block of %d bytes in %d: %w", size, len(src), ErrCorrupt)
		}
		room := min(f.blockMax, d.limit-(len(dst)-start))
		if dst, err = d.appendLZ4Block(dst, src[:size], head&lz4Stored != 0, room); err != nil {
			return nil, err
		}
		src = src[size:]
		if f.blockChecksum {
			if len(src) < 4 {
				return nil, fmt.Errorf("block checksum cut: %w", ErrCorrupt)
			}
			src = src[4:]
		}
	}
}

func (d *Decompressor) appendLZ4Block(dst, block []byte, stored bool, room int) ([]byte, error) {
	if stored {
		if len(block) > room {
			return nil, d.errLimit()
		}
		return append(dst, block...), nil
	}
	room = min(room, lz4Ratio*len(block))
	dst = grow(dst, room)
	n, err := lz4.UncompressBlock(block, dst[len(dst):len(dst)+room])
	if err != nil {
		return nil, err
	}
	return dst[:len(dst)+n], nil
}

// lz4Frame is what a frame's descriptor says.
type lz4Frame struct {
	blockMax      int
	blockChecksum bool
}

func parseLZ4Frame(src []byte) (f lz4Frame, size int, err error) {
	flags, bd := src[4], src[5]
	f.blockMax = 1 << (8 + 2*(bd>>4&7))
	f.blockChecksum = flags&0x10 != 0
	size = lz4HeaderLen
	if flags&0x08 != 0 {
		size += 8
	}
	if flags>>6 != 1 || flags&0x20 == 0 || f.blockMax < lz4Block || len(src) < size {
		return f, 0, fmt.Errorf("frame flags %#x, block descriptor %#x: %w", flags, bd, ErrCorrupt)
	}
	return f, size, nil
}
