// Package codec compresses and decompresses the records section of a batch with
// Kafka's five codecs, in the framing of Kafka's Java clients. It promises bytes
// that those clients read, and the same bytes for the same input; it does not
// promise the very bytes that they would write, though some are.
//
//	codec   framing                              levels, default   same bytes as Java
//	none    none                                 0                 yes
//	gzip    one RFC 1952 member                  1 to 9, -1 (6)    no
//	snappy  xerial: header, blocks of 32 KiB     0                 mostly, not promised
//	lz4     frame, independent blocks of 64 KiB  1 to 17, 9        at level 9
//	zstd    one frame without checksum           -131072 to 22, 3  no
//
// gzip and snappy can be had from two libraries each (Implementation); both write
// the same framing, and read and refuse the same bytes. MB/s on one core of the
// first, and the second's speed relative to it, batches of 16 KiB:
//
//	               log lines     mixed         random        ratio of log lines
//	               pack  unpack  pack  unpack  pack  unpack
//	snappy golang  1695    5295  2833   20706  14008  28369  2.85
//	    klauspost  1.02    0.72  0.67    0.64   0.56   0.99  2.79
//	gzip klauspost  241     517   152     298   4604  14061  4.88
//	      standard 0.34    0.85  0.60    0.75   0.03   0.89  4.99
//
// Levels are Kafka's (KIP-390), and what they do is the library's: gzip is
// klauspost's, whose output is 3 to 5 % larger than zlib's on log lines. zstd has
// four levels only: below 3, 3 to 5, 6 to 9, and above. lz4's 9 is not a high
// level: Kafka's Lz4BlockOutputStream takes it to mean the fast compressor, as
// before there were levels, and every other one, 1 included, the high compressor.
// Level n makes 2^(n-1) attempts at a match, as lz4-java's own code does (the
// native one, which it prefers, has other tables, and none above 12).
package codec

import (
	"fmt"

	"brokerlab/engine/env"
)

// Type is a codec, by Kafka's number in a batch's attributes
// (org.apache.kafka.common.record.CompressionType).
type Type int8

// The codecs.
const (
	None   Type = 0
	Gzip   Type = 1
	Snappy Type = 2
	LZ4    Type = 3
	Zstd   Type = 4
)

var names = [...]string{"none", "gzip", "snappy", "lz4", "zstd"}

// String is Kafka's name of the codec, as in compression.type.
func (t Type) String() string {
	if !t.known() {
		return fmt.Sprintf("codec %d", int8(t))
	}
	return names[t]
}

func (t Type) known() bool { return t >= 0 && int(t) < len(names) }

// Parse returns the codec of one of Kafka's names.
func Parse(name string) (Type, error) {
	for i, s := range names {
		if s == name {
			return Type(i), nil
		}
	}
	return None, fmt.Errorf("codec: %q is none of none, gzip, snappy, lz4, zstd", name)
}

// Types returns all codecs in the order of their numbers.
func Types() []Type { return []Type{None, Gzip, Snappy, LZ4, Zstd} }

// levelRange is what Kafka accepts for compression.<codec>.level (KIP-390).
type levelRange struct{ min, max, standard int }

var levels = [...]levelRange{
	Gzip: {1, 9, -1},       // GzipCompression; -1 is zlib's own choice, 6
	LZ4:  {1, 17, 9},       // Lz4Compression
	Zstd: {-131072, 22, 3}, // ZstdCompression; min is zstd's ZSTD_minCLevel
}

// DefaultLevel is Kafka's default level: gzip -1, lz4 9, zstd 3. Codecs without
// levels have 0.
func DefaultLevel(t Type) int {
	if !t.known() {
		return 0
	}
	return levels[t].standard
}

// CheckLevel returns an error if Kafka would not accept the level: gzip takes -1
// and 1 to 9, lz4 1 to 17, zstd -131072 to 22, the others 0 only.
func CheckLevel(t Type, level int) error {
	if !t.known() {
		return fmt.Errorf("codec: unknown %v", t)
	}
	r := levels[t]
	if level != r.standard && (level < r.min || level > r.max) {
		return fmt.Errorf("codec: %v level %d: want %d or %d to %d", t, level, r.standard, r.min, r.max)
	}
	return nil
}

// CompressOp is the work to charge for compressing; ok is false for None.
func CompressOp(t Type) (op env.Op, ok bool) {
	switch t {
	case Gzip:
		return env.OpCompressGzip, true
	case Snappy:
		return env.OpCompressSnappy, true
	case LZ4:
		return env.OpCompressLZ4, true
	case Zstd:
		return env.OpCompressZstd, true
	default:
		return 0, false
	}
}

// DecompressOp is the work to charge for decompressing; ok is false for None.
func DecompressOp(t Type) (op env.Op, ok bool) {
	switch t {
	case Gzip:
		return env.OpDecompressGzip, true
	case Snappy:
		return env.OpDecompressSnappy, true
	case LZ4:
		return env.OpDecompressLZ4, true
	case Zstd:
		return env.OpDecompressZstd, true
	default:
		return 0, false
	}
}
