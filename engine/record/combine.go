package record

import "hash/crc32"

// powers are x to the powers of two of 8, 16, 32 and so on modulo the polynomial.
var powers = func() (p [32]uint32) {
	x := uint32(1) << 30 // x itself
	for range 3 {
		x = multiply(x, x)
	}
	for i := range p {
		p[i] = x
		x = multiply(x, x)
	}
	return p
}()

// multiply is the product of two polynomials modulo the CRC's.
func multiply(a, b uint32) (product uint32) {
	for m := uint32(1) << 31; m != 0; m >>= 1 {
		if a&m != 0 {
			product ^= b
			if a&(m-1) == 0 {
				break
			}
		}
		b = b>>1 ^ crc32.Castagnoli*(b&1)
	}
	return product
}

// CombineCRC is the CRC-32C of two pieces that follow one another, of which the
// second is so many bytes long: zlib's crc32_combine. It takes under a microsecond.
func CombineCRC(first, second uint32, secondBytes int) uint32 {
	shift := uint32(1) << 31 // x to the power of 0
	for i := 0; secondBytes > 0; i, secondBytes = i+1, secondBytes>>1 {
		if secondBytes&1 != 0 {
			shift = multiply(powers[i], shift)
		}
	}
	return multiply(shift, first) ^ second
}
