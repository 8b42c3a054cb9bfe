// Package records makes the records of a run, key and value, and tells whoever reads
// one back whose it is and whether it is what was sent. Values are made (package
// payload); a record is then a function of the seed, the producer and the sequence. It
// is pure, and promises nothing about partitions: keys go through the producer's
// partitioner.
package records

import (
	"bytes"
	"fmt"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/record"
	"brokerlab/workloads/keys"
	"brokerlab/workloads/payload"
)

// KeyFrom finds a record's key in what the record holds. It allocates nothing; the key
// points into the content.
type KeyFrom interface {
	Of(content []byte) (key []byte, ok bool)
}

// Config describes the records of a run.
type Config struct {
	Payload payload.Config
	Keys    keys.Config
	// KeyFrom, if not nil, takes the place of Keys. A record whose content has no key
	// has none.
	KeyFrom KeyFrom
}

// Source makes and verifies records. After New nothing in it changes: any number of
// tasks may use one Source at once.
type Source struct {
	values  *payload.Source
	keys    *keys.Keys // nil: none
	keyFrom KeyFrom    // nil: keys, or none
}

// New makes what records are made of, which takes some tens of milliseconds.
func New(cfg Config) (*Source, error) {
	s := &Source{keyFrom: cfg.KeyFrom}
	var err error
	if s.values, err = payload.New(cfg.Payload); err != nil {
		return nil, err
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
}

// Stream begins the records of a producer.
func (s *Source) Stream(producer uint16) *Stream { return &Stream{source: s, producer: producer} }

// Fill gives the stream's next record its key and value: the one whose sequence is its
// Cookie, due at its Intended. They lie behind scratch, which it returns with them. It
// allocates only if scratch lacks room.
func (st *Stream) Fill(rec *producer.Record, scratch []byte) (used []byte, err error) {
	s := st.source
	from := len(scratch)
	scratch = s.values.Append(scratch, payload.ID{Producer: st.producer, Sequence: rec.Cookie}, rec.Intended)
	to := len(scratch)
	rec.Key = nil
	switch {
	case s.keyFrom != nil:
		if key, ok := s.keyFrom.Of(scratch[from+payload.HeaderBytes : to]); ok {
			rec.Key = key
		}
	case s.keys != nil:
		scratch = s.keys.Append(scratch, st.producer, rec.Cookie)
		rec.Key = scratch[to:]
	}
	rec.Value = scratch[from:to:to]
	return scratch, nil
}

// Decode says whose record one is and when it was due; ok is false if it does not say.
// Whether it is as it was sent only Verify can tell.
func (s *Source) Decode(r *record.Record) (id payload.ID, intended env.Time, ok bool) {
	return payload.Decode(r.Value)
}

// Verify returns an error unless the record's key and value are those that its name
// stands for; of the instant at which it was due nobody else knows.
func (s *Source) Verify(r *record.Record) error {
	if err := s.values.Verify(r.Value); err != nil {
		return err
	}
	id, _, _ := payload.Decode(r.Value)
	var want []byte
	switch {
	case s.keyFrom != nil:
		want, _ = s.keyFrom.Of(r.Value[payload.HeaderBytes:])
	case s.keys != nil:
		var room [32]byte
		want = s.keys.Append(room[:0], id.Producer, id.Sequence)
	}
	if !bytes.Equal(r.Key, want) {
		return fmt.Errorf("records: %v: key %q, want %q", id, string(r.Key), string(want))
	}
	return nil
}
