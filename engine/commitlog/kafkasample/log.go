package kafkasample

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// readBytes is how much is read of a log at once.
const readBytes = 1 << 20

// sectionBytesMax is the largest records section that is decompressed.
const sectionBytesMax = 64 << 20

// attributes of a batch besides its codec (record.Attributes).
const (
	transactional record.Attributes = 0x10
	control       record.Attributes = 0x20
)

// Config is the settings of the log that the input is for.
func (in *Input) Config() commitlog.Config {
	cfg := commitlog.DefaultConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes = in.SegmentBytes, in.IndexIntervalBytes
	return cfg
}

// Write writes the input to a new log in dir: batches as the leader; markers,
// which our leaders do not take, as a follower that got them from Kafka.
func (in *Input) Write(node env.Node, dir string, kind codec.Type) (err error) {
	c, err := codec.NewCompressor(kind, codec.DefaultLevel(kind))
	if err != nil {
		return err
	}
	l, err := commitlog.Open(node, dir, in.Config())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for i := range in.Batches {
		b := &in.Batches[i]
		sealed, err := b.seal(c, kind)
		if err != nil {
			return err
		}
		if b.Marker == "" {
			_, err = l.AppendAsLeader(b.Epoch, env.StaticBuf(sealed))
		} else {
			binary.BigEndian.PutUint64(sealed, uint64(l.EndOffset()))
			binary.BigEndian.PutUint32(sealed[12:], uint32(b.Epoch))
			_, err = l.AppendAsFollower(env.StaticBuf(sealed))
		}
		if err != nil {
			return fmt.Errorf("batch %d: %w", i, err)
		}
	}
	return nil
}

// seal makes the bytes that a producer sends, or a coordinator.
func (b *Batch) seal(c *codec.Compressor, kind codec.Type) ([]byte, error) {
	last := int32(len(b.Records) - 1)
	h := record.Header{PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: last, RecordCount: last + 1,
		BaseTimestamp: b.Records[0].Timestamp, MaxTimestamp: b.Records[0].Timestamp,
		ProducerID: b.ProducerID, ProducerEpoch: b.ProducerEpoch, BaseSequence: b.Sequence,
		Attributes: record.Attributes(kind)}
	if b.Transactional {
		h.Attributes |= transactional
	}
	var records []byte
	for i := range b.Records {
		r := &b.Records[i]
		h.MaxTimestamp = max(h.MaxTimestamp, r.Timestamp)
		var headers []record.RecordHeader
		for _, x := range r.Headers {
			headers = append(headers, record.RecordHeader{Key: x.Key, Value: bytesOf(x.Value)})
		}
		key, value := bytesOf(r.Key), bytesOf(r.Value)
		if b.Marker != "" {
			key, value = b.marker()
		}
		records = record.AppendRecord(records, int32(i), r.Timestamp-h.BaseTimestamp, key, value, headers)
	}
	batch := make([]byte, record.HeaderSize)
	if b.Marker != "" {
		h.Attributes = transactional | control
		batch = append(batch, records...)
	} else {
		var err error
		if batch, err = c.Append(batch, records); err != nil {
			return nil, err
		}
	}
	h.BatchLength = int32(len(batch) - 12)
	h.Put(batch)
	h.CRC = record.UpdateCRC(0, batch[record.AttributesOffset:])
	h.Put(batch)
	return batch, nil
}

// marker is the record that ends a transaction: EndTransactionMarker of version 0.
func (b *Batch) marker() (key, value []byte) {
	key, value = make([]byte, 4), make([]byte, 6)
	if b.Marker == "commit" {
		key[3] = 1
	}
	binary.BigEndian.PutUint32(value[2:], coordinatorEpoch)
	return key, value
}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

func stringOf(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

// Read returns the batches of a log from an offset on, and the codecs that its
// batches have, markers apart. That offsets follow one another is checked.
func Read(node env.Node, l *commitlog.Log, from int64) (batches []Batch, codecs map[codec.Type]int, err error) {
	codecs = map[codec.Type]int{}
	d := codec.NewDecompressor(sectionBytesMax)
	for next := from; next < l.EndOffset(); {
		buf, err := l.Read(commitlog.ReadRequest{Offset: next, MaxBytes: readBytes, Limit: l.EndOffset(), AtLeastOne: true})
		if err == nil {
			buf, err = buf.Load(node.Pool())
		}
		if err == nil {
			buf, err = buf.Flat(node.Pool())
		}
		if err != nil {
			return nil, nil, err
		}
		p, _ := buf.Contiguous()
		for len(p) > 0 && err == nil {
			var b Batch
			var h record.Header
			if h, b, err = decode(d, p); err == nil && h.BaseOffset > next {
				err = fmt.Errorf("batch at offset %d, want %d", h.BaseOffset, next)
			}
			if err != nil {
				break
			}
			if b.Marker == "" {
				codecs[h.Attributes.Codec()]++
			}
			batches = append(batches, b)
			next = h.NextOffset()
			p = p[h.SizeBytes():]
		}
		buf.Release()
		if err != nil {
			return nil, nil, err
		}
	}
	return batches, codecs, nil
}

// decode reads the batch at the start of p, every field of it.
func decode(d *codec.Decompressor, p []byte) (record.Header, Batch, error) {
	h, err := record.ParseHeader(p)
	if err != nil {
		return h, Batch{}, err
	}
	if crc := record.UpdateCRC(0, p[record.AttributesOffset:h.SizeBytes()]); crc != h.CRC {
		return h, Batch{}, fmt.Errorf("batch at offset %d: CRC %08x, its header says %08x", h.BaseOffset, crc, h.CRC)
	}
	b := Batch{Epoch: h.PartitionLeaderEpoch, ProducerID: h.ProducerID, ProducerEpoch: h.ProducerEpoch,
		Sequence: h.BaseSequence, Transactional: h.Attributes.Transactional()}
	records, err := d.Append(nil, h.Attributes.Codec(), p[record.HeaderSize:h.SizeBytes()])
	if err != nil {
		return h, b, err
	}
	it := record.NewIterator(&h, records)
	var r record.Record
	for it.Next(&r) {
		if h.Attributes.Control() {
			b.Marker = "abort"
			if len(r.Key) == 4 && r.Key[3] == 1 {
				b.Marker = "commit"
			}
			b.Records = append(b.Records, Record{Timestamp: r.Timestamp})
			continue
		}
		headers, err := r.Headers()
		if err != nil {
			return h, b, err
		}
		out := Record{Timestamp: r.Timestamp, Key: stringOf(r.Key), Value: stringOf(r.Value)}
		for _, x := range headers {
			out.Headers = append(out.Headers, Header{Key: x.Key, Value: stringOf(x.Value)})
		}
		b.Records = append(b.Records, out)
	}
	return h, b, it.Err()
}

// Difference says where two lists of batches differ first; "" if nowhere.
func Difference(want, got []Batch) (string, error) {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) {
			return fmt.Sprintf("%d batches, want %d", len(got), len(want)), nil
		}
		a, err := json.Marshal(&want[i])
		if err != nil {
			return "", err
		}
		b, err := json.Marshal(&got[i])
		if err != nil {
			return "", err
		}
		if string(a) != string(b) {
			return fmt.Sprintf("batch %d is\n%s\nwant\n%s", i, b, a), nil
		}
	}
	return "", nil
}
