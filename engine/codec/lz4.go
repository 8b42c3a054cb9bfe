package codec

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// Kafka writes and reads LZ4 frames with classes of its own, Lz4BlockOutputStream
// and Lz4BlockInputStream, which know a part of the format:
//
//	+--------+-------+------+---------+-----+-------+-------+-----+-------+
//	| magic  | flags | size | content | sum | block | block | ... | 0     |
//	| u32 LE | 0x60  | 0x40 | size if | u8  | len.  |       |     | u32   |
//	|        |       |      | flagged |     | u32   |       |     |       |
//	+--------+-------+------+---------+-----+-------+-------+-----+-------+
//
// Blocks are independent. The high bit of a block's length says that it is
// stored as it is. The frame is built here and the library compresses blocks:
// its frame reader takes dependent blocks, which Kafka does not, and allocates
// on every reset.
const (
	lz4Magic    = 0x184d2204
	lz4BlockMax = 64 << 10
	lz4Stored   = 1 << 31
	lz4HeadMin  = 7
	lz4EndMark  = 4
	lz4SumSize  = 4

	// lz4Header is the header of every frame that we write: version 1, blocks
	// independent, no checksums, no content size, blocks of 64 KiB; then the
	// second byte of the xxHash32 of these two bytes.
	lz4Header = "\x04\x22\x4d\x18\x60\x40\x82"

	// lz4Ratio bounds what a block expands to: a byte of a length stands for 255.
	lz4Ratio = 255
)

// lz4Compressor holds the tables of the one algorithm that its level uses.
type lz4Compressor struct {
	fast *lz4.CompressorCCompat
	high *lz4.CompressorHC
}

// newLZ4Compressor chooses as Lz4BlockOutputStream does: the default level, 9,
// is the fast compressor, and every other level the high compressor.
func newLZ4Compressor(level int) lz4Compressor {
	if level == DefaultLevel(LZ4) {
		return lz4Compressor{fast: &lz4.CompressorCCompat{Acceleration: 1}}
	}
	attempts := lz4.CompressionLevel(1) << (level - 1) // net.jpountz.lz4.LZ4HCJavaSafeCompressor
	return lz4Compressor{high: &lz4.CompressorHC{Level: attempts}}
}

// maxLZ4Size leaves room for the compressed form of the last block, before it is
// known whether the block will be stored.
func maxLZ4Size(n int) int {
	blocks := (n + lz4BlockMax - 1) / lz4BlockMax
	return len(lz4Header) + 4*blocks + n + lz4.CompressBlockBound(min(n, lz4BlockMax)) + lz4EndMark
}

func (c *lz4Compressor) append(dst, src []byte) ([]byte, error) {
	dst = append(dst, lz4Header...)
	for len(src) > 0 {
		in := src[:min(len(src), lz4BlockMax)]
		src = src[len(in):]
		room := lz4.CompressBlockBound(len(in))
		dst = slices.Grow(dst, 4+room)
		block := dst[len(dst)+4 : len(dst)+4+room]
		n, err := c.compressBlock(in, block)
		if err != nil {
			return nil, err
		}
		length := uint32(n)
		if n >= len(in) {
			n = copy(block, in)
			length = uint32(n) | lz4Stored
		}
		dst = binary.LittleEndian.AppendUint32(dst, length)
		dst = dst[:len(dst)+n]
	}
	return append(dst, 0, 0, 0, 0), nil
}

// compressBlock has room for any result, so that the library never gives up.
func (c *lz4Compressor) compressBlock(in, out []byte) (int, error) {
	if c.fast != nil {
		return c.fast.CompressBlock(in, out)
	}
	return c.high.CompressBlock(in, out)
}

// lz4Frame is what a frame's header says.
type lz4Frame struct {
	size        int // of the header
	blockMax    int
	blockSums   bool
	contentSum  bool
	contentSize int64 // -1 for unknown
}

// parseLZ4Frame accepts what Kafka's FLG and BD accept, and checks the sum.
func parseLZ4Frame(src []byte) (f lz4Frame, err error) {
	if len(src) < lz4HeadMin || binary.LittleEndian.Uint32(src) != lz4Magic {
		return f, fmt.Errorf("no frame header in %d bytes: %w", len(src), ErrCorrupt)
	}
	flags, block := src[4], src[5]
	const version, independent, reserved = 0x40, 0x20, 0x83
	if flags&0xe3 != version|independent || block&0x8f != 0 || block < 0x40 {
		return f, fmt.Errorf("frame flags %#02x and block size %#02x: %w", flags, block, ErrCorrupt)
	}
	f = lz4Frame{
		size:        lz4HeadMin,
		blockMax:    1 << (8 + 2*(block>>4)),
		blockSums:   flags&0x10 != 0,
		contentSum:  flags&0x04 != 0,
		contentSize: -1,
	}
	if flags&0x08 != 0 {
		f.size += 8
		if len(src) < f.size {
			return f, fmt.Errorf("frame header cut to %d bytes: %w", len(src), ErrCorrupt)
		}
		f.contentSize = int64(binary.LittleEndian.Uint64(src[6:]))
	}
	if sum := byte(xxHash32(src[4:f.size-1]) >> 8); sum != src[f.size-1] {
		return f, fmt.Errorf("frame header's checksum %#02x, want %#02x: %w", src[f.size-1], sum, ErrCorrupt)
	}
	return f, nil
}

func (d *Decompressor) appendLZ4(dst, src []byte) ([]byte, error) {
	f, err := parseLZ4Frame(src)
	if err != nil {
		return nil, err
	}
	src = src[f.size:]
	start := len(dst)
	for {
		if len(src) < 4 {
			return nil, fmt.Errorf("no end mark after %d bytes of output: %w", len(dst)-start, ErrCorrupt)
		}
		length := binary.LittleEndian.Uint32(src)
		size := int(length &^ lz4Stored)
		src = src[4:]
		if size == 0 {
			return dst, f.checkEnd(dst[start:], src)
		}
		block := src[:min(size, len(src))]
		src = src[len(block):]
		if len(block) < size || size > f.blockMax {
			return nil, fmt.Errorf("block of %d bytes, of which %d are there: %w", size, len(block), ErrCorrupt)
		}
		if f.blockSums {
			if src, err = checkLZ4Sum(block, src); err != nil {
				return nil, fmt.Errorf("block: %w", err)
			}
		}
		if dst, err = f.appendBlock(dst, block, length&lz4Stored != 0); err != nil {
			return nil, err
		}
		if len(dst)-start > d.limit {
			return nil, d.errLimit()
		}
	}
}

// appendBlock may go above the decompressor's limit by one block.
func (f *lz4Frame) appendBlock(dst, block []byte, stored bool) ([]byte, error) {
	if stored {
		return append(dst, block...), nil
	}
	room := min(f.blockMax, lz4Ratio*len(block))
	// A block does not say how large its content is, and too little room looks
	// like damage: what room there is may be enough. (With none at all the
	// library crashes on nil.)
	if free := cap(dst) - len(dst); 0 < free && free < room {
		if n, err := lz4.UncompressBlock(block, dst[len(dst):cap(dst)]); err == nil {
			return dst[:len(dst)+n], nil
		}
	}
	dst = slices.Grow(dst, room)
	n, err := lz4.UncompressBlock(block, dst[len(dst):len(dst)+room])
	if err != nil {
		return nil, err
	}
	return dst[:len(dst)+n], nil
}

// checkEnd checks what follows the end mark, and the content.
func (f *lz4Frame) checkEnd(content, src []byte) error {
	if f.contentSum {
		var err error
		if src, err = checkLZ4Sum(content, src); err != nil {
			return fmt.Errorf("content: %w", err)
		}
	}
	if f.contentSize >= 0 && f.contentSize != int64(len(content)) {
		return fmt.Errorf("content of %d bytes, want %d: %w", len(content), f.contentSize, ErrCorrupt)
	}
	if len(src) > 0 {
		return fmt.Errorf("%d bytes after the frame: %w", len(src), ErrCorrupt)
	}
	return nil
}

// checkLZ4Sum compares the sum of p with the one at the start of src, and
// returns the rest of src.
func checkLZ4Sum(p, src []byte) ([]byte, error) {
	if len(src) < lz4SumSize {
		return nil, fmt.Errorf("checksum cut to %d bytes: %w", len(src), ErrCorrupt)
	}
	if got, want := binary.LittleEndian.Uint32(src), xxHash32(p); got != want {
		return nil, fmt.Errorf("checksum %#08x, want %#08x: %w", got, want, ErrCorrupt)
	}
	return src[lz4SumSize:], nil
}
