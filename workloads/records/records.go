// Package records makes the records of a run, key and value, and tells whoever reads
// one back whose it is and whether it is what was sent. It is pure, and promises
// nothing about partitions: keys go through the producer's partitioner.
//
// Values are made (package payload), or are those of a user's file (package samples).
// A made record names itself in its value, and is a function of the seed, the producer
// and the sequence. The record of a file is sent as it is, byte for byte; what names it
// is in a header of the record, of the key "brokerlab":
//
//	byte  0        2              8                16               24
//	      +--------+--------------+----------------+----------------+
//	      |producer| sequence     | intended       | check          |
//	      |16 bits | 48 bits      | ns, env.Time   | 64 bits        |
//	      +--------+--------------+----------------+----------------+
//
// The check is a sum (xxHash) of key and value, mixed with the name: nobody needs to
// read the file again to see that a record is whole and in its place. The producers of
// a file begin evenly apart in it: the first of P at its first record, number i after
// i/P of its records.
package records

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/record"
	"brokerlab/workloads/chance"
	"brokerlab/workloads/keys"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/samples"
)

// The header that names the record of a file.
const (
	headerKey   = "brokerlab"
	headerBytes = 24
	// HeaderRoom is what it takes in a record: its key, its value and their lengths.
	HeaderRoom = 1 + len(headerKey) + 1 + headerBytes
)

// KeyFrom finds a record's key in what the record holds. It allocates nothing; the key
// points into the content.
type KeyFrom interface {
	Of(content []byte) (key []byte, ok bool)
}

// Config describes the records of a run.
type Config struct {
	Payload payload.Config // of records that are made
	// Samples, if not nil, takes the place of Payload.
	Samples *samples.File
	Seed    uint64
	Keys    keys.Config
	// KeyFrom, if not nil, takes the place of Keys. A record whose content has no key
	// has none.
	KeyFrom KeyFrom
	// First is the number of the first producer of these records, and Producers how
	// many there are: they begin evenly apart in a file. 0 counts as one.
	First     int
	Producers int
}

// Source makes and verifies records. After New nothing in it changes: any number of
// tasks may use one Source at once.
type Source struct {
	cfg    Config
	values *payload.Source // nil: samples
	keys   *keys.Keys      // nil: none, or in what records hold
	salt   uint64
}

// New makes what records are made of, which takes some tens of milliseconds.
func New(cfg Config) (*Source, error) {
	s := &Source{cfg: cfg, salt: chance.Mix(cfg.Seed ^ 0x7265636f72647301)}
	var err error
	if cfg.Samples == nil {
		if s.values, err = payload.New(cfg.Payload); err != nil {
			return nil, err
		}
	}
	if cfg.KeyFrom == nil && cfg.Keys.Kind != keys.None && cfg.Keys.Kind != "" {
		s.keys, err = keys.New(cfg.Keys)
	}
	return s, err
}

// Of returns records that have values of a kind and one size, and no keys.
func Of(cfg payload.Config) (*Source, error) { return New(Config{Payload: cfg}) }

// Stream is the records of one producer, in the order of their sequences.
type Stream struct {
	source   *Source
	producer uint16
	cursor   *samples.Cursor // of a file
	next     uint64          // sequence, of a file
	headers  []record.RecordHeader
}

// headersKept is how many records of a file stay valid after the next ones were made.
const headersKept = 256

// Stream begins the records of a producer, with sequence 0.
func (s *Source) Stream(producer uint16) (*Stream, error) {
	st := &Stream{source: s, producer: producer}
	if s.cfg.Samples == nil {
		return st, nil
	}
	place := uint64(max(0, int(producer)-s.cfg.First))
	hi, lo := bits.Mul64(s.cfg.Samples.Records(), place)
	from, _ := bits.Div64(hi, lo, max(place+1, uint64(s.cfg.Producers)))
	st.headers = make([]record.RecordHeader, headersKept)
	var err error
	st.cursor, err = s.cfg.Samples.Cursor(from)
	return st, err
}

// Fill gives the stream's next record its key and value, and a header if it needs one:
// the record whose sequence is its Cookie, due at its Intended. They lie behind
// scratch, which it returns with them; the record of a file is valid until 256 more
// were made. It allocates only if scratch lacks room.
func (st *Stream) Fill(rec *producer.Record, scratch []byte) (used []byte, err error) {
	if st.cursor != nil {
		return st.fillSample(rec, scratch)
	}
	s := st.source
	from := len(scratch)
	scratch = s.values.Append(scratch, payload.ID{Producer: st.producer, Sequence: rec.Cookie}, rec.Intended)
	to := len(scratch)
	scratch = s.appendKey(rec, scratch, scratch[from+payload.HeaderBytes:to], st.producer)
	rec.Value = scratch[from:to:to]
	return scratch, nil
}

// appendKey gives a record its key.
func (s *Source) appendKey(rec *producer.Record, scratch, content []byte, producer uint16) []byte {
	rec.Key = nil
	switch {
	case s.cfg.KeyFrom != nil:
		if key, ok := s.cfg.KeyFrom.Of(content); ok {
			rec.Key = key
		}
	case s.keys != nil:
		from := len(scratch)
		scratch = s.keys.Append(scratch, producer, rec.Cookie)
		rec.Key = scratch[from:]
	}
	return scratch
}

func (st *Stream) fillSample(rec *producer.Record, scratch []byte) ([]byte, error) {
	if rec.Cookie != st.next {
		panic(fmt.Sprintf("records: sequence %d of a file is asked for after %d records", rec.Cookie, st.next))
	}
	sample, err := st.cursor.Next()
	if err != nil {
		return scratch, fmt.Errorf("records: %w", err)
	}
	from := len(scratch)
	scratch = append(scratch, sample...)
	to := len(scratch)
	scratch = st.source.appendKey(rec, scratch, scratch[from:to], st.producer)
	rec.Value = scratch[from:to:to]
	id := payload.ID{Producer: st.producer, Sequence: rec.Cookie}
	at := len(scratch)
	scratch = id.Append(scratch)
	scratch = binary.BigEndian.AppendUint64(scratch, uint64(rec.Intended))
	scratch = binary.BigEndian.AppendUint64(scratch, st.source.check(id, rec.Key, rec.Value))
	h := st.headers[st.next%headersKept:][:1:1]
	h[0] = record.RecordHeader{Key: headerKey, Value: scratch[at:]}
	rec.Headers = h
	st.next++
	return scratch, nil
}

// check is the sum of a file's record. A key that is null and one of no bytes differ.
func (s *Source) check(id payload.ID, key, value []byte) uint64 {
	sum := xxhash.Sum64(value)
	if key != nil {
		sum = chance.Mix(sum ^ chance.Mix(xxhash.Sum64(key)+1))
	}
	return chance.Mix(sum ^ chance.Mix(id.Hash()^s.salt))
}

// Decode says whose record one is and when it was due; ok is false if it does not say.
// Whether it is as it was sent only Verify can tell.
func Decode(r *record.Record) (id payload.ID, intended env.Time, ok bool) {
	if r.HasHeaders() {
		return decodeHeader(r)
	}
	return payload.Decode(r.Value)
}

func decodeHeader(r *record.Record) (id payload.ID, intended env.Time, ok bool) {
	if header, ok := r.Header(headerKey); ok && len(header) == headerBytes {
		return payload.Decode(header)
	}
	return payload.Decode(r.Value)
}

// Decode does what the function of this name does.
func (s *Source) Decode(r *record.Record) (id payload.ID, intended env.Time, ok bool) {
	return Decode(r)
}

// Verify returns an error unless the record's key and value are those that its name
// stands for; of the instant at which it was due nobody else knows.
func (s *Source) Verify(r *record.Record) error {
	if s.cfg.Samples != nil {
		return s.verifySample(r)
	}
	if err := s.values.Verify(r.Value); err != nil {
		return err
	}
	id, _, _ := payload.Decode(r.Value)
	var want []byte
	switch {
	case s.cfg.KeyFrom != nil:
		want, _ = s.cfg.KeyFrom.Of(r.Value[payload.HeaderBytes:])
	case s.keys != nil:
		var room [32]byte
		want = s.keys.Append(room[:0], id.Producer, id.Sequence)
	}
	if !bytes.Equal(r.Key, want) {
		return fmt.Errorf("records: %v: key %q, want %q", id, string(r.Key), string(want))
	}
	return nil
}

func (s *Source) verifySample(r *record.Record) error {
	header, ok := r.Header(headerKey)
	if !ok || len(header) != headerBytes {
		return errors.New("records: a record of a file has no header that names it")
	}
	id, _, _ := payload.Decode(header)
	if want := binary.BigEndian.Uint64(header[16:]); s.check(id, r.Key, r.Value) != want {
		return fmt.Errorf("records: %v: key and value of %d bytes are not those that were sent", id, len(r.Value))
	}
	return nil
}
