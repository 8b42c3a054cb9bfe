// Package payload makes the values of records: who sent each one, when it was
// meant to be sent, and content that can be checked byte for byte by whoever
// reads it back. It is pure: it knows no clock, keeps no history, and does not
// promise that two records differ in their content.
//
//	byte  0        2              8                16
//	      +--------+--------------+----------------+------------------+
//	      |producer| sequence     | intended       | content          |
//	      |16 bits | 48 bits      | ns, env.Time   | to the full size |
//	      +--------+--------------+----------------+------------------+
//
// All integers are big-endian. The content is a function of (seed, producer,
// sequence) and nothing else: the same bytes in any process, on any machine.
//
// Content is cut from a corpus of 16 MiB that New makes from the seed, at a place
// that a hash of (producer, sequence) chooses: a copy, where making text anew
// would cost ten times as much and a load generator would measure itself. Records
// of kind json-logs start at the start of a line and end where their size ends.
// Two of them in one batch share text of the corpus by chance: in 128 KiB of
// records less than one byte in a hundred, in 1 MiB about three. Records of kind
// random are two places of the corpus XORed, and share nothing.
package payload

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"

	"brokerlab/engine/env"
)

// Limits of a value.
const (
	HeaderBytes = 16       // producer, sequence, intended instant
	SizeMin     = 24       // smallest value in bytes
	SizeMax     = 16 << 20 // largest value in bytes
	SequenceMax = 1<<48 - 1
)

const corpusBytes = 16 << 20

// Kind says what the content is.
type Kind string

// The kinds.
const (
	// JSONLogs is lines of a structured log of several services, the newest
	// lines sharing requests, users and hosts as they do in a real one. In
	// batches of 128 KiB of 1 KiB records snappy packs it about 3 to 1 and zstd about
	// 5 to 1; smaller records less (2 and 3.5 at 100 bytes), larger ones more.
	JSONLogs Kind = "json-logs"
	// Random is bytes that no codec makes smaller, but for the value's header.
	Random Kind = "random"
)

// Kinds returns every kind, in the order in which they are documented.
func Kinds() []Kind { return []Kind{JSONLogs, Random} }

// ID names one record of a run.
type ID struct {
	Producer uint16
	Sequence uint64 // from 0; at most SequenceMax
}

// String is how messages name a record.
func (id ID) String() string {
	return fmt.Sprintf("producer %d sequence %d", id.Producer, id.Sequence)
}

func (id ID) pack() uint64 { return uint64(id.Producer)<<48 | id.Sequence }

// Config says what values to make.
type Config struct {
	Kind Kind
	Size int // bytes of every value, header included
	Seed uint64
}

// Validate returns an error that names the first bad field.
func (c Config) Validate() error {
	if c.Kind != JSONLogs && c.Kind != Random {
		names := make([]string, 0, len(Kinds()))
		for _, kind := range Kinds() {
			names = append(names, string(kind))
		}
		return fmt.Errorf("payload: kind %q is none of %s", c.Kind, strings.Join(names, ", "))
	}
	if c.Size < SizeMin || c.Size > SizeMax {
		return fmt.Errorf("payload: size %d is not within %d and %d bytes", c.Size, SizeMin, SizeMax)
	}
	return nil
}

// Source makes and verifies values. After New nothing in it changes: any number
// of tasks may use one Source at once. It holds the corpus and one value more.
type Source struct {
	kind Kind
	size int
	salt uint64
	// corpus is corpusBytes long, followed by its own beginning, so that a value
	// that starts anywhere is one straight copy.
	corpus []byte
	starts []uint32 // of the lines, JSONLogs only
}

// New makes the corpus, which takes some tens of milliseconds.
func New(cfg Config) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Source{kind: cfg.Kind, size: cfg.Size, salt: mix(cfg.Seed ^ 0x9e3779b97f4a7c15)}
	s.corpus = make([]byte, 0, corpusBytes+max(cfg.Size, lineBytesMax))
	draw := &draws{pcg: rand.NewPCG(cfg.Seed, s.salt)}
	switch cfg.Kind {
	case JSONLogs:
		s.corpus, s.starts = appendLines(s.corpus, draw)
	case Random:
		for len(s.corpus) < corpusBytes {
			s.corpus = binary.LittleEndian.AppendUint64(s.corpus, draw.pcg.Uint64())
		}
	}
	s.corpus = s.corpus[:corpusBytes]
	for need := cfg.Size; need > 0; {
		take := min(need, corpusBytes)
		s.corpus = append(s.corpus, s.corpus[:take]...)
		need -= take
	}
	return s, nil
}

// Size is the length of every value in bytes.
func (s *Source) Size() int { return s.size }

// Append appends the value of record id to dst, and allocates only if dst lacks
// room. intended is the instant at which the record was due.
func (s *Source) Append(dst []byte, id ID, intended env.Time) []byte {
	if id.Sequence > SequenceMax {
		panic("payload: a sequence has 48 bits")
	}
	dst = binary.BigEndian.AppendUint64(dst, id.pack())
	dst = binary.BigEndian.AppendUint64(dst, uint64(intended))
	hash := mix(id.pack() ^ s.salt)
	if s.kind == JSONLogs {
		return append(dst, s.line(hash)...)
	}
	a, b := s.pads(hash)
	from := len(dst)
	dst = slices.Grow(dst, len(a))[:from+len(a)]
	subtle.XORBytes(dst[from:], a, b)
	return dst
}

// Decode reads the first 16 bytes of a value. ok is false if the value is
// shorter than SizeMin; whether its content is right only Verify can tell.
func Decode(value []byte) (id ID, intended env.Time, ok bool) {
	if len(value) < SizeMin {
		return ID{}, 0, false
	}
	packed := binary.BigEndian.Uint64(value)
	id = ID{Producer: uint16(packed >> 48), Sequence: packed & SequenceMax}
	return id, env.Time(binary.BigEndian.Uint64(value[8:])), true
}

// Verify returns an error unless the value is what Append made for the record
// that it names: every byte but those of the intended instant is checked, those
// of the name through the content that follows from them.
func (s *Source) Verify(value []byte) error {
	if len(value) != s.size {
		return fmt.Errorf("payload: value of %d bytes, want %d", len(value), s.size)
	}
	id, _, _ := Decode(value)
	content := value[HeaderBytes:]
	hash := mix(id.pack() ^ s.salt)
	if s.kind == JSONLogs {
		if want := s.line(hash); !bytes.Equal(content, want) {
			return mismatch(id, firstDifference(content, want))
		}
		return nil
	}
	a, b := s.pads(hash)
	var block [1024]byte
	for at := 0; at < len(content); at += len(block) {
		end := min(at+len(block), len(content))
		want := block[:subtle.XORBytes(block[:], a[at:end], b[at:end])]
		if !bytes.Equal(content[at:end], want) {
			return mismatch(id, at+firstDifference(content[at:end], want))
		}
	}
	return nil
}

func mismatch(id ID, at int) error {
	return fmt.Errorf("payload: %v: wrong content from byte %d on", id, HeaderBytes+at)
}

func firstDifference(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// line returns the content of a JSONLogs record.
func (s *Source) line(hash uint64) []byte {
	start := s.starts[scale(hash, len(s.starts))]
	return s.corpus[start : int(start)+s.size-HeaderBytes]
}

// pads returns the two pieces of a Random record, which never start at one place.
// One of them comes from a part of the corpus that stays in the processor's cache.
func (s *Source) pads(hash uint64) (a, b []byte) {
	const near, half = 256 << 10, corpusBytes / 2
	n := s.size - HeaderBytes
	low, high := int(hash%near), half+int(hash>>32%half)
	return s.corpus[low : low+n], s.corpus[high : high+n]
}

// mix is the finalizer of splitmix64: every input bit changes half of the output.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// scale maps a hash evenly onto 0..n-1.
func scale(hash uint64, n int) int {
	hi, _ := bits.Mul64(hash, uint64(n))
	return int(hi)
}
