// Package logdump prints the files of a partition's log line by line as Apache
// Kafka's kafka.tools.DumpLogSegments of 4.1 does with --deep-iteration and
// --print-data-log, so that what we read in a file can be compared with what Kafka
// reads in it. It is pure. It does not judge: what Kafka finds wrong with an index
// it prints on standard error, and nothing of that is here.
//
// Not printed as Kafka does: batches of old formats, and what is in control records
// that are no transaction markers, of which the type is printed.
package logdump

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"brokerlab/engine/codec"
	"brokerlab/engine/record"
)

// sectionBytesMax is the largest records section that is decompressed.
const sectionBytesMax = 64 << 20

// Sizes of entries of index files.
const (
	indexEntryBytes = 8
	timeEntryBytes  = 12
)

// Text is how the bytes of a key or a value are printed (Kafka's Decoder).
type Text func(b []byte) string

// Plain prints bytes as they are: Kafka's StringDecoder, if they are UTF-8.
func Plain(b []byte) string { return string(b) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Digest prints the length of bytes and their CRC-32C, so that any bytes fit in a
// line. Kafka has no such decoder: it must be given one.
func Digest(b []byte) string { return fmt.Sprintf("%d:%08x", len(b), crc32.Checksum(b, castagnoli)) }

// Printer prints segments. It is not for concurrent use.
type Printer struct {
	text         Text
	decompressor *codec.Decompressor
	records      []byte
}

// NewPrinter returns a printer of keys and values by text.
func NewPrinter(text Text) *Printer {
	return &Printer{text: text, decompressor: codec.NewDecompressor(sectionBytesMax)}
}

// AppendLog appends the lines of a .log file to dst. Bytes that are no whole and
// right batch are an error of engine/record or engine/codec.
func (p *Printer) AppendLog(dst, log []byte, base int64) ([]byte, error) {
	dst = fmt.Appendf(dst, "Log starting offset: %d\n", base)
	for at := 0; at < len(log); {
		h, err := record.ParseHeader(log[at:])
		if err != nil {
			return dst, fmt.Errorf("logdump: at %d: %w", at, err)
		}
		if h.SizeBytes() > len(log)-at {
			return dst, fmt.Errorf("logdump: at %d: %d bytes of %d: %w", at, len(log)-at, h.SizeBytes(), record.ErrCorrupt)
		}
		batch := log[at : at+h.SizeBytes()]
		dst = AppendBatch(dst, &h, int64(at), record.UpdateCRC(0, batch[record.AttributesOffset:]) == h.CRC)
		if dst, err = p.appendRecords(dst, &h, batch[record.HeaderSize:]); err != nil {
			return dst, fmt.Errorf("logdump: at %d: %w", at, err)
		}
		at += h.SizeBytes()
	}
	return dst, nil
}

func timestampType(h *record.Header) string {
	if h.Attributes.LogAppendTime() {
		return "LogAppendTime"
	}
	return "CreateTime"
}

// sequence is that of the record at an offset delta; that of the batch where it is
// negative: -1 in a batch without any, and anything in a broken one.
func sequence(h *record.Header, delta int32) int32 {
	if h.BaseSequence < 0 {
		return h.BaseSequence
	}
	return record.IncrementSequence(h.BaseSequence, delta)
}

// Sequence is that of a record of a batch, -1 without any.
func Sequence(h *record.Header, r *record.Record) int32 {
	return sequence(h, int32(r.Offset-h.BaseOffset))
}

// horizon is a delete horizon as java.util.OptionalLong prints it.
func horizon(h *record.Header) string {
	if !h.Attributes.DeleteHorizon() {
		return "OptionalLong.empty"
	}
	return fmt.Sprintf("OptionalLong[%d]", h.BaseTimestamp)
}

// AppendBatch appends the line of a batch at a position of its file; valid says that
// its CRC is right.
func AppendBatch(dst []byte, h *record.Header, position int64, valid bool) []byte {
	return fmt.Appendf(dst, "baseOffset: %d lastOffset: %d count: %d baseSequence: %d lastSequence: %d producerId: %d "+
		"producerEpoch: %d partitionLeaderEpoch: %d isTransactional: %t isControl: %t deleteHorizonMs: %s "+
		"position: %d %s: %d size: %d magic: %d compresscodec: %s crc: %d isvalid: %t\n",
		h.BaseOffset, h.LastOffset(), h.RecordCount, h.BaseSequence, sequence(h, h.LastOffsetDelta), h.ProducerID,
		h.ProducerEpoch, h.PartitionLeaderEpoch, h.Attributes.Transactional(), h.Attributes.Control(), horizon(h),
		position, timestampType(h), h.MaxTimestamp, h.SizeBytes(), h.Magic, h.Attributes.Codec(), h.CRC, valid)
}

func (p *Printer) appendRecords(dst []byte, h *record.Header, section []byte) ([]byte, error) {
	var err error
	if p.records, err = p.decompressor.Append(p.records[:0], h.Attributes.Codec(), section); err != nil {
		return dst, err
	}
	it := record.NewIterator(h, p.records)
	var r record.Record
	for it.Next(&r) {
		if dst, err = AppendRecord(dst, h, &r, p.text); err != nil {
			return dst, err
		}
	}
	return dst, it.Err()
}

// AppendRecord appends the line of a record of a batch.
func AppendRecord(dst []byte, h *record.Header, r *record.Record, text Text) ([]byte, error) {
	headers, err := r.Headers()
	if err != nil {
		return dst, err
	}
	dst = fmt.Appendf(dst, "| offset: %d %s: %d keySize: %d valueSize: %d sequence: %d headerKeys: [",
		r.Offset, timestampType(h), r.Timestamp, size(r.Key), size(r.Value), Sequence(h, r))
	for i := range headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, headers[i].Key...)
	}
	dst = append(dst, ']')
	if h.Attributes.Control() {
		dst = appendMarker(dst, r)
	} else {
		dst = appendText(dst, " key: ", r.Key, text)
		dst = appendText(dst, " payload: ", r.Value, text)
	}
	return append(dst, '\n'), nil
}

// size is -1 for null.
func size(b []byte) int {
	if b == nil {
		return -1
	}
	return len(b)
}

func appendText(dst []byte, name string, b []byte, text Text) []byte {
	if b == nil {
		return dst
	}
	return append(append(dst, name...), text(b)...)
}

// controlTypes are the names of control records by their types (ControlRecordType).
var controlTypes = []string{"ABORT", "COMMIT", "LEADER_CHANGE", "SNAPSHOT_HEADER", "SNAPSHOT_FOOTER", "KRAFT_VERSION",
	"KRAFT_VOTERS"}

// appendMarker prints a control record, whose key is a version and a type: the end of a
// transaction (EndTransactionMarker) has a version and a coordinator's epoch for value.
func appendMarker(dst []byte, r *record.Record) []byte {
	if len(r.Key) < 4 {
		return dst
	}
	kind, name := int16(binary.BigEndian.Uint16(r.Key[2:])), "UNKNOWN"
	if kind >= 0 && int(kind) < len(controlTypes) {
		name = controlTypes[kind]
	}
	if kind > 1 || kind < 0 {
		return fmt.Appendf(dst, " controlType: %s(%d)", name, kind)
	}
	if len(r.Value) < 6 {
		return dst
	}
	return fmt.Appendf(dst, " endTxnMarker: %s coordinatorEpoch: %d", name, int32(binary.BigEndian.Uint32(r.Value[2:])))
}

// AppendIndex appends the lines of an .index file to dst. base is the segment's
// first offset.
func AppendIndex(dst, index []byte, base int64) []byte {
	for ; len(index) >= indexEntryBytes; index = index[indexEntryBytes:] {
		dst = fmt.Appendf(dst, "offset: %d position: %d\n",
			base+int64(binary.BigEndian.Uint32(index)), binary.BigEndian.Uint32(index[4:]))
	}
	return dst
}

// AppendTimeIndex appends the lines of a .timeindex file to dst. base is the
// segment's first offset.
func AppendTimeIndex(dst, index []byte, base int64) []byte {
	for ; len(index) >= timeEntryBytes; index = index[timeEntryBytes:] {
		dst = fmt.Appendf(dst, "timestamp: %d offset: %d\n",
			int64(binary.BigEndian.Uint64(index)), base+int64(binary.BigEndian.Uint32(index[8:])))
	}
	return dst
}
