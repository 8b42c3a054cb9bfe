package record

import (
	"math"
	"math/bits"
)

// bad is the position after an integer that could not be read. It is sticky:
// reading on from it gives bad again, so that a parser checks once at its end.
const bad = -1

// zigzag32 and zigzag64 map small numbers of either sign to small unsigned ones.
func zigzag32(v int32) uint32 { return uint32(v<<1) ^ uint32(v>>31) }
func zigzag64(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func unzigzag32(u uint32) int32 { return int32(u>>1) ^ -int32(u&1) }
func unzigzag64(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// uvarintSize is the number of bytes of u as a varint: 7 bits a byte. 9/64 is
// close enough to 1/7 for the at most 64 bits, and takes no division.
func uvarintSize(u uint64) int { return int(9*uint(bits.Len64(u))+64) / 64 }

// putUvarint writes u at dst[at:], low 7 bits first, the high bit saying that more
// follow, and returns the position after it.
func putUvarint(dst []byte, at int, u uint64) (next int) {
	for u >= 1<<7 {
		dst[at] = byte(u) | 1<<7
		u >>= 7
		at++
	}
	dst[at] = byte(u)
	return at + 1
}

// shortMax is the largest varint of 2 bytes, before the zigzag is undone.
const shortMax = 1<<14 - 1

// short reads a varint of 1 or 2 bytes at b[at:], where 2 bytes are. If it is a
// longer one, the result is above shortMax.
func short(b []byte, at int) (u uint32, next int) {
	u = uint32(b[at])
	if u < 0x80 {
		return u, at + 1
	}
	return u&0x7f | uint32(b[at+1])<<7, at + 2
}

// varint32 reads a zigzag varint of at most 32 bits at b[at:] and returns the
// position after it, or bad. Longer encodings than needed are accepted up to 5
// bytes, as in Kafka's ByteUtils.
func varint32(b []byte, at int) (v int32, next int) {
	if uint(at) < uint(len(b)) && b[at] < 0x80 {
		return unzigzag32(uint32(b[at])), at + 1
	}
	return varint32Long(b, at)
}

func varint32Long(b []byte, at int) (v int32, next int) {
	if uint(at) < uint(len(b)) && len(b)-at >= 2 && b[at+1] < 0x80 {
		return unzigzag32(uint32(b[at]&0x7f) | uint32(b[at+1])<<7), at + 2
	}
	u, next := uvarint(b, at, 5)
	if u > math.MaxUint32 {
		return 0, bad
	}
	return unzigzag32(uint32(u)), next
}

// varint64 reads a zigzag varint of at most 64 bits, as varint32 does.
func varint64(b []byte, at int) (v int64, next int) {
	if uint(at) < uint(len(b)) && b[at] < 0x80 {
		return unzigzag64(uint64(b[at])), at + 1
	}
	return varint64Long(b, at)
}

func varint64Long(b []byte, at int) (v int64, next int) {
	u, next := uvarint(b, at, 10)
	return unzigzag64(u), next
}

// uvarint reads at most sizeMax bytes.
func uvarint(b []byte, at, sizeMax int) (u uint64, next int) {
	if uint(at) >= uint(len(b)) {
		return 0, bad
	}
	for i, c := range b[at:min(len(b), at+sizeMax)] {
		if i == 9 && c > 1 {
			return 0, bad // more than 64 bits
		}
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return u, at + i + 1
		}
	}
	return 0, bad
}
