// Package record lays out Kafka's record batch v2 (magic 2): the batch header,
// the records inside it, its CRC-32C. It is pure; it does not compress (see
// engine/codec), does not assign offsets and does not promise that a batch is
// what a topic's configuration allows.
//
// A batch is a header of 61 bytes and a records section. Integers are
// big-endian (org.apache.kafka.common.record.DefaultRecordBatch, KIP-98):
//
//	 0        8        12       16  17      21      23       27
//	+--------+--------+--------+---+-------+-------+--------+
//	| base   | batch  | leader | m | CRC   | attri | last   |
//	| offset | length | epoch  | a | 32C   | butes | offset |
//	| i64    | i32    | i32    | g | u32   | i16   | delta  |
//	|        |        |        | 2 |       |       | i32    |
//	+--------+--------+--------+---+-------+-------+--------+
//	27         35         43         51      53      57      61
//	+----------+----------+----------+-------+-------+-------+---------
//	| base     | max      | producer | prod. | base  | count | records
//	| timestamp| timestamp| id       | epoch | seq.  |       |
//	| i64 ms   | i64 ms   | i64      | i16   | i32   | i32   | ...
//	+----------+----------+----------+-------+-------+-------+---------
//
// The batch length counts what follows it: 49 bytes of header and the records.
// The CRC covers everything from the attributes to the end, so that a leader can
// set the base offset and the leader epoch of a batch without touching it.
// Attributes: bits 0-2 codec, 3 log append time, 4 transactional, 5 control,
// 6 delete horizon.
//
// The records section is the records one after the other, compressed as a whole
// if the attributes name a codec. In a record (DefaultRecord) every integer is a
// zigzag varint, and a negative length is null:
//
//	+--------+------------+-----------+--------+---------+-----+
//	| length | attributes | timestamp | offset | key     | key |
//	| varint | i8 (0)     | delta     | delta  | length  |     |
//	+--------+------------+-----------+--------+---------+-----+
//	+--------+-------+---------+---------------------------------------+
//	| value  | value | header  | headers: key length, key, value       |
//	| length |       | count   | length, value                         |
//	+--------+-------+---------+---------------------------------------+
//
// The length counts what follows it.
package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"brokerlab/engine/codec"
)

// Sizes and positions in a batch, in bytes.
const (
	// HeaderSize is the size of a batch without records
	// (DefaultRecordBatch.RECORD_BATCH_OVERHEAD).
	HeaderSize = 61
	// CRCOffset is where the CRC lies.
	CRCOffset = 17
	// AttributesOffset is where the attributes lie. The CRC covers the bytes
	// from here to the end of the batch.
	AttributesOffset = 21

	magicV2       = 2
	lengthEnd     = 12                     // the batch length counts from here
	batchLenMin   = HeaderSize - lengthEnd // of a batch without records
	batchLenMax   = math.MaxInt32 - lengthEnd
	recordSizeMin = 7 // length, attributes, two deltas, two lengths, header count
)

// Errors of this package; test with errors.Is.
var (
	// ErrCorrupt says that bytes are no header of a record batch v2
	// (org.apache.kafka.common.errors.CorruptRecordException).
	ErrCorrupt = errors.New("corrupt record batch")
	// ErrInvalid says that the records section is malformed or does not agree
	// with its header (org.apache.kafka.common.InvalidRecordException).
	ErrInvalid = errors.New("invalid records")
)

// Attributes are the flags of a batch.
type Attributes int16

// The bits of Attributes.
const (
	attrCodecMask     Attributes = 0x07
	attrLogAppendTime Attributes = 0x08
	attrTransactional Attributes = 0x10
	attrControl       Attributes = 0x20
	attrDeleteHorizon Attributes = 0x40
)

// Codec is how the records section is compressed. The value may be no codec
// that Kafka knows (5 to 7).
func (a Attributes) Codec() codec.Type { return codec.Type(a & attrCodecMask) }

// LogAppendTime says that the broker set the timestamps: every record has the
// batch's max timestamp.
func (a Attributes) LogAppendTime() bool { return a&attrLogAppendTime != 0 }

// Transactional says that the batch belongs to a transaction.
func (a Attributes) Transactional() bool { return a&attrTransactional != 0 }

// Control says that the batch holds a transaction marker and no user's records:
// consumers skip it, but count its offset.
func (a Attributes) Control() bool { return a&attrControl != 0 }

// DeleteHorizon says that compaction has put into the place of the base timestamp when
// it may remove the batch's tombstones, from which the records' timestamps count then
// (KIP-534).
func (a Attributes) DeleteHorizon() bool { return a&attrDeleteHorizon != 0 }

// Header is the batch header, field by field.
type Header struct {
	BaseOffset           int64      // of the first record
	BatchLength          int32      // bytes after this field
	PartitionLeaderEpoch int32      // set by the leader; -1 from a producer
	Magic                int8       // 2
	CRC                  uint32     // CRC-32C of the bytes from AttributesOffset
	Attributes           Attributes // codec and flags
	LastOffsetDelta      int32      // last offset less base offset, also after compaction
	BaseTimestamp        int64      // ms since 1970; of the first record, or see DeleteHorizon
	MaxTimestamp         int64      // ms since 1970
	ProducerID           int64      // -1 for none
	ProducerEpoch        int16      // -1 for none
	BaseSequence         int32      // -1 for none
	RecordCount          int32      // fewer than offsets after compaction
}

// ParseHeader reads the header at the start of b and checks what can be checked
// without the records: magic, length, counts, offsets. It needs HeaderSize bytes
// and does not look at the rest. Errors are ErrCorrupt.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize {
		return Header{}, fmt.Errorf("record: parse header: %d bytes, want %d: %w", len(b), HeaderSize, ErrCorrupt)
	}
	_ = b[HeaderSize-1]
	h := Header{
		BaseOffset:           int64(binary.BigEndian.Uint64(b[0:])),
		BatchLength:          int32(binary.BigEndian.Uint32(b[8:])),
		PartitionLeaderEpoch: int32(binary.BigEndian.Uint32(b[12:])),
		Magic:                int8(b[16]),
		CRC:                  binary.BigEndian.Uint32(b[CRCOffset:]),
		Attributes:           Attributes(binary.BigEndian.Uint16(b[AttributesOffset:])),
		LastOffsetDelta:      int32(binary.BigEndian.Uint32(b[23:])),
		BaseTimestamp:        int64(binary.BigEndian.Uint64(b[27:])),
		MaxTimestamp:         int64(binary.BigEndian.Uint64(b[35:])),
		ProducerID:           int64(binary.BigEndian.Uint64(b[43:])),
		ProducerEpoch:        int16(binary.BigEndian.Uint16(b[51:])),
		BaseSequence:         int32(binary.BigEndian.Uint32(b[53:])),
		RecordCount:          int32(binary.BigEndian.Uint32(b[57:])),
	}
	if err := h.check(); err != nil {
		return Header{}, fmt.Errorf("record: parse header: %w", err)
	}
	return h, nil
}

func (h *Header) check() error {
	switch {
	case h.Magic != magicV2:
		return fmt.Errorf("magic %d, want %d: %w", h.Magic, magicV2, ErrCorrupt)
	case h.BatchLength < batchLenMin || h.BatchLength > batchLenMax:
		return fmt.Errorf("batch length %d outside %d to %d: %w", h.BatchLength, batchLenMin, batchLenMax, ErrCorrupt)
	case h.LastOffsetDelta < 0:
		return fmt.Errorf("last offset delta %d: %w", h.LastOffsetDelta, ErrCorrupt)
	case h.BaseOffset < 0 || h.BaseOffset >= math.MaxInt64-int64(h.LastOffsetDelta):
		return fmt.Errorf("base offset %d with last offset delta %d: %w", h.BaseOffset, h.LastOffsetDelta, ErrCorrupt)
	case h.RecordCount < 0 || int64(h.RecordCount) > int64(h.LastOffsetDelta)+1:
		return fmt.Errorf("%d records in %d offsets: %w", h.RecordCount, int64(h.LastOffsetDelta)+1, ErrCorrupt)
	case h.Attributes.Codec() == codec.None && h.RecordCount > (h.BatchLength-batchLenMin)/recordSizeMin:
		return fmt.Errorf("%d records in %d bytes: %w", h.RecordCount, h.BatchLength-batchLenMin, ErrCorrupt)
	default:
		return nil
	}
}

// Put writes the header to the first HeaderSize bytes of b, h.CRC included. It
// checks nothing.
func (h *Header) Put(b []byte) {
	_ = b[HeaderSize-1]
	binary.BigEndian.PutUint64(b[0:], uint64(h.BaseOffset))
	binary.BigEndian.PutUint32(b[8:], uint32(h.BatchLength))
	binary.BigEndian.PutUint32(b[12:], uint32(h.PartitionLeaderEpoch))
	b[16] = byte(h.Magic)
	binary.BigEndian.PutUint32(b[CRCOffset:], h.CRC)
	binary.BigEndian.PutUint16(b[AttributesOffset:], uint16(h.Attributes))
	binary.BigEndian.PutUint32(b[23:], uint32(h.LastOffsetDelta))
	binary.BigEndian.PutUint64(b[27:], uint64(h.BaseTimestamp))
	binary.BigEndian.PutUint64(b[35:], uint64(h.MaxTimestamp))
	binary.BigEndian.PutUint64(b[43:], uint64(h.ProducerID))
	binary.BigEndian.PutUint16(b[51:], uint16(h.ProducerEpoch))
	binary.BigEndian.PutUint32(b[53:], uint32(h.BaseSequence))
	binary.BigEndian.PutUint32(b[57:], uint32(h.RecordCount))
}

// PutModelled writes the header of a batch whose body is a stub: its CRC, which it
// takes, covers the rest of the header alone (see BufCRC).
func (h *Header) PutModelled(b []byte) {
	h.Put(b)
	h.CRC = UpdateCRC(0, b[AttributesOffset:HeaderSize])
	h.Put(b)
}

// SetLogAppendTime makes timestamp (ms since 1970) that of all records, as a broker
// does for message.timestamp.type=LogAppendTime: it sets the attribute and the max
// timestamp, and leaves the records as they are (DefaultRecordBatch.setMaxTimestamp).
// The CRC covers both: the caller computes it again.
func (h *Header) SetLogAppendTime(timestamp int64) {
	h.Attributes |= attrLogAppendTime
	h.MaxTimestamp = timestamp
}

// SizeBytes is the size of the whole batch in bytes, header and records.
func (h *Header) SizeBytes() int { return lengthEnd + int(h.BatchLength) }

// LastOffset is the offset of the batch's last record, also if compaction has
// removed it.
func (h *Header) LastOffset() int64 { return h.BaseOffset + int64(h.LastOffsetDelta) }

// NextOffset is the offset after the batch.
func (h *Header) NextOffset() int64 { return h.LastOffset() + 1 }
