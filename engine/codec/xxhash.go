package codec

import (
	"encoding/binary"
	"math/bits"
)

// The primes of xxHash32.
const (
	xxPrime1 uint32 = 2654435761
	xxPrime2 uint32 = 2246822519
	xxPrime3 uint32 = 3266489917
	xxPrime4 uint32 = 668265263
	xxPrime5 uint32 = 374761393
)

// xxHash32 is the checksum of the LZ4 frame format, with seed 0.
func xxHash32(p []byte) uint32 {
	total := uint32(len(p))
	h := xxPrime5
	if len(p) >= 16 {
		h, p = xxStripes(p)
	}
	h += total
	for ; len(p) >= 4; p = p[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(p)*xxPrime3, 17) * xxPrime4
	}
	for _, c := range p {
		h = bits.RotateLeft32(h+uint32(c)*xxPrime5, 11) * xxPrime1
	}
	h = (h ^ h>>15) * xxPrime2
	h = (h ^ h>>13) * xxPrime3
	return h ^ h>>16
}

// xxStripes takes the whole 16 bytes of p and returns what is left of it.
func xxStripes(p []byte) (h uint32, rest []byte) {
	round := func(acc uint32, lane []byte) uint32 {
		return bits.RotateLeft32(acc+binary.LittleEndian.Uint32(lane)*xxPrime2, 13) * xxPrime1
	}
	one, two := xxPrime1, xxPrime2 // variables: constants would not wrap around
	a, b, c, d := one+two, two, uint32(0), -one
	for ; len(p) >= 16; p = p[16:] {
		a, b, c, d = round(a, p), round(b, p[4:]), round(c, p[8:]), round(d, p[12:])
	}
	h = bits.RotateLeft32(a, 1) + bits.RotateLeft32(b, 7) + bits.RotateLeft32(c, 12) + bits.RotateLeft32(d, 18)
	return h, p
}
