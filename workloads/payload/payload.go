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
// of lines, messages and samples start where one of them does and end where their
// size ends. Two of them in one batch share text of the corpus by chance: in 128 KiB of
// records less than one byte in a hundred, in 1 MiB about three. Records of kind
// random are two places of the corpus XORed, and share nothing.
package payload

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"brokerlab/engine/env"
	"brokerlab/workloads/chance"
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
	// AccessLog is lines of a web server's access log in the combined format: visitors
	// who load pages, which are asked for by Zipf's law, and what belongs to them. As
	// above snappy packs it 4 to 1 and zstd 7 to 1, and zstd 13 to 1 in files.
	AccessLog Kind = "access-log"
	// Metrics is samples of time series in a binary format, some of which stand still, or
	// count, or are noise: 1.4 and 1.8 to 1.
	Metrics Kind = "metrics"
	// Chat is messages of people in plain text, of words by their frequency: 1.8 and 2.8
	// to 1, and zstd 3.2 to 1 in files, as of enwik9 in klauspost/compress's table.
	Chat Kind = "chat"
	// Random is bytes that no codec makes smaller, but for the value's header.
	Random Kind = "random"
	// Zeros is bytes of 0, behind 8 bytes that tell one record from another.
	Zeros Kind = "zeros"
)

// Kinds returns every kind, in the order in which they are documented.
func Kinds() []Kind { return []Kind{JSONLogs, AccessLog, Metrics, Chat, Random, Zeros} }

// units makes corpora that consist of lines, messages or samples: it appends
// corpusBytes of them and a little more to dst, and returns where those start that
// begin within corpusBytes.
var units = map[Kind]func(dst []byte, draw *draws) ([]byte, []uint32){
	JSONLogs: appendLines, AccessLog: appendAccesses, Metrics: appendSamples, Chat: appendMessages,
}

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

// Append appends the 8 bytes that a record is named by.
func (id ID) Append(dst []byte) []byte { return binary.BigEndian.AppendUint64(dst, id.pack()) }

// Hash has every bit of the name in all of its bits.
func (id ID) Hash() uint64 { return mix(id.pack()) }

// Config says what values to make.
type Config struct {
	Kind Kind
	Size int // bytes of every value, header included, unless there are Sizes
	Seed uint64
	// Sizes, if not nil, says how large values are, header included.
	Sizes *Sizes
	// ZeroPercent of the content of Random, at its end, is zeros; see OpenMessaging
	// Benchmark's randomized payloads.
	ZeroPercent int
}

func (c *Config) sizes() *Sizes {
	if c.Sizes != nil {
		return c.Sizes
	}
	return Fixed(c.Size)
}

// Validate returns an error that names the first bad field.
func (c Config) Validate() error {
	if !slices.Contains(Kinds(), c.Kind) {
		names := make([]string, 0, len(Kinds()))
		for _, kind := range Kinds() {
			names = append(names, string(kind))
		}
		return fmt.Errorf("payload: kind %q is none of %s", c.Kind, strings.Join(names, ", "))
	}
	if c.ZeroPercent < 0 || c.ZeroPercent > 100 || c.ZeroPercent > 0 && c.Kind != Random {
		return fmt.Errorf("payload: %d %% zeros of kind %q", c.ZeroPercent, c.Kind)
	}
	sizes := c.sizes()
	for _, size := range []int{sizes.Min(), sizes.Max()} {
		if size < SizeMin || size > SizeMax {
			return fmt.Errorf("payload: size %d is not within %d and %d bytes", size, SizeMin, SizeMax)
		}
	}
	return nil
}

// Source makes and verifies values. After New nothing in it changes: any number
// of tasks may use one Source at once. It holds the corpus and one value more.
type Source struct {
	kind  Kind
	sizes *Sizes
	salt  uint64
	zeros int // percent of the content of Random
	// corpus is corpusBytes long, followed by its own beginning, so that a value
	// that starts anywhere is one straight copy.
	corpus []byte
	starts []uint32 // of lines, messages or samples, where there are any
}

// New makes the corpus, which takes some tens of milliseconds.
func New(cfg Config) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Source{kind: cfg.Kind, sizes: cfg.sizes(), salt: saltOf(cfg.Seed),
		zeros: cfg.ZeroPercent}
	if cfg.Kind == Zeros {
		return s, nil
	}
	s.corpus = make([]byte, 0, corpusBytes+max(s.sizes.Max(), unitBytesMax))
	draw := &draws{pcg: rand.NewPCG(cfg.Seed, s.salt)}
	if appendUnits := units[cfg.Kind]; appendUnits != nil {
		s.corpus, s.starts = appendUnits(s.corpus, draw)
	}
	for len(s.corpus) < corpusBytes { // Random
		s.corpus = binary.LittleEndian.AppendUint64(s.corpus, draw.pcg.Uint64())
	}
	s.corpus = s.corpus[:corpusBytes]
	for need := s.sizes.Max(); need > 0; {
		take := min(need, corpusBytes)
		s.corpus = append(s.corpus, s.corpus[:take]...)
		need -= take
	}
	return s, nil
}

func saltOf(seed uint64) uint64 { return mix(seed ^ 0x9e3779b97f4a7c15) }

// Sizes says how large values are.
func (s *Source) Sizes() *Sizes { return s.sizes }

// sizeSalt keeps what is drawn for a size apart from what is drawn for content.
const sizeSalt = 0x73697a65

// contentBytes is how much content a record has.
func (s *Source) contentBytes(hash uint64) int {
	if s.sizes.fixed > 0 {
		return s.sizes.fixed - HeaderBytes
	}
	return s.sizes.Of(mix(hash^sizeSalt)) - HeaderBytes
}

// Append appends the value of record id to dst, and allocates only if dst lacks
// room. intended is the instant at which the record was due.
func (s *Source) Append(dst []byte, id ID, intended env.Time) []byte {
	if id.Sequence > SequenceMax {
		panic("payload: a sequence has 48 bits")
	}
	dst = binary.BigEndian.AppendUint64(dst, id.pack())
	dst = binary.BigEndian.AppendUint64(dst, uint64(intended))
	hash := mix(id.pack() ^ s.salt)
	n := s.contentBytes(hash)
	if s.starts != nil {
		return append(dst, s.unit(hash, n)...)
	}
	from := len(dst)
	dst = slices.Grow(dst, n)[:from+n]
	if s.kind == Zeros {
		clear(dst[from:])
		binary.BigEndian.PutUint64(dst[from:], hash)
		return dst
	}
	a, b := s.pads(hash, n)
	drawn := s.drawn(n)
	subtle.XORBytes(dst[from:], a[:drawn], b[:drawn])
	clear(dst[from+drawn:])
	return dst
}

// drawn is how much of a Random content is not zeros: as much as tells one record from
// another at least.
func (s *Source) drawn(n int) int { return min(n, max(8, n-n*s.zeros/100)) }

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
	id, _, ok := Decode(value)
	if !ok {
		return fmt.Errorf("payload: value of %d bytes, too few for a name and a check", len(value))
	}
	hash := mix(id.pack() ^ s.salt)
	content := value[HeaderBytes:]
	if want := s.contentBytes(hash); len(content) != want {
		return fmt.Errorf("payload: %v: value of %d bytes, want %d", id, len(value), want+HeaderBytes)
	}
	if s.starts != nil {
		if want := s.unit(hash, len(content)); !bytes.Equal(content, want) {
			return mismatch(id, firstDifference(content, want))
		}
		return nil
	}
	a, b := []byte(nil), []byte(nil)
	drawn := 0
	if s.kind == Random {
		a, b = s.pads(hash, len(content))
		drawn = s.drawn(len(content))
	}
	var block [1024]byte
	for at := 0; at < len(content); at += len(block) {
		end := min(at+len(block), len(content))
		want := block[:end-at]
		switch {
		case s.kind == Random:
			n := max(0, min(end, drawn)-at)
			subtle.XORBytes(want[:n], a[at:at+n], b[at:at+n])
			clear(want[n:])
		case at == 0:
			binary.BigEndian.PutUint64(want, hash)
		default:
			clear(want[:8])
		}
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

// unit returns the content of a record that begins where a unit does.
func (s *Source) unit(hash uint64, n int) []byte {
	start := s.starts[scale(hash, len(s.starts))]
	return s.corpus[start : int(start)+n]
}

// pads returns the two pieces of a Random record, which never start at one place.
// One of them comes from a part of the corpus that stays in the processor's cache.
func (s *Source) pads(hash uint64, n int) (a, b []byte) {
	const near, half = 256 << 10, corpusBytes / 2
	low, high := int(hash%near), half+int(hash>>32%half)
	return s.corpus[low : low+n], s.corpus[high : high+n]
}

// mix gives every bit of a name to all bits of a hash.
func mix(x uint64) uint64 { return chance.Mix(x) }

// scale maps a hash evenly onto 0..n-1.
func scale(hash uint64, n int) int { return int(chance.Scale(hash, uint64(n))) }
