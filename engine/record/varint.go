package record

import "math/bits"

// bad is the position after an integer that could not be read. It is sticky:
// reading on from it gives bad again, so that a parser checks once at its end.
const bad = -1

// zigzag32 and zigzag64 map small numbers of either sign to small unsigned ones.
func zigzag32(v int32) uint32 { return uint32(v<<1) ^ uint32(v>>31) }
func zigzag64(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func unzigzag32(u uint32) int32 { return int32(u>>1) ^ -int32(u&1) }
func unzigzag64(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// uvarintSize is the number of bytes of u as a varint: 7 bits a byte.
func uvarintSize(u uint64) int { return (bits.Len64(u|1) + 6) / 7 }

// appendUvarint appends u, low 7 bits first, the high bit saying that more follow.
func appendUvarint(dst []byte, u uint64) []byte {
	switch {
	case u < 1<<7:
		return append(dst, byte(u))
	case u < 1<<14:
		return append(dst, byte(u)|0x80, byte(u>>7))
	}
	for u >= 0x80 {
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}

// varint32 reads a zigzag varint of at most 32 bits at b[at:] and returns the
// position after it, or bad.
func varint32(b []byte, at int) (v int32, next int) {
	if uint(at) < uint(len(b)) && b[at] < 0x80 {
		return unzigzag32(uint32(b[at])), at + 1
	}
	return varint32Slow(b, at)
}

func varint32Slow(b []byte, at int) (v int32, next int) {
	u, next := uvarint(b, at)
	if u > 1<<32-1 {
		return 0, bad
	}
	return unzigzag32(uint32(u)), next
}

// varint64 reads a zigzag varint of at most 64 bits.
func varint64(b []byte, at int) (v int64, next int) {
	if uint(at) < uint(len(b)) && b[at] < 0x80 {
		return unzigzag64(uint64(b[at])), at + 1
	}
	u, next := uvarint(b, at)
	return unzigzag64(u), next
}

func uvarint(b []byte, at int) (u uint64, next int) {
	if uint(at) >= uint(len(b)) {
		return 0, bad
	}
	rest := b[at:]
	if len(rest) >= 2 && rest[1] < 0x80 {
		if rest[0] < 0x80 {
			return uint64(rest[0]), at + 1
		}
		return uint64(rest[0]&0x7f) | uint64(rest[1])<<7, at + 2
	}
	for i, c := range rest {
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
