package record

import "slices"

// RecordHeader is one header of a record. Kafka's header keys are never null;
// a nil value is null.
type RecordHeader struct {
	Key   string
	Value []byte
}

// FieldsSize is the size in bytes of what a record holds besides its length,
// attributes and deltas: key, value and headers, each with its length. It is the
// same wherever in a batch the record is put and whenever, so that who asks for
// several sizes and then writes the record counts this part once.
func FieldsSize(key, value []byte, headers []RecordHeader) int {
	n := bytesSize(key) + bytesSize(value) + uvarintSize(zigzag64(int64(len(headers))))
	for i := range headers {
		k := len(headers[i].Key)
		n += uvarintSize(zigzag64(int64(k))) + k + bytesSize(headers[i].Value)
	}
	return n
}

// FieldsSizeOf is FieldsSize of a value of which only the size is known.
func FieldsSizeOf(key []byte, valueBytes int, headers []RecordHeader) int {
	return FieldsSize(key, nil, headers) - 1 + uvarintSize(zigzag64(int64(valueBytes))) + valueBytes
}

// SizeWith is the size in bytes of a record whose fields have a FieldsSize, its
// length field included.
func SizeWith(fieldsSize int, offsetDelta int32, timestampDelta int64) int {
	body := bodySize(fieldsSize, offsetDelta, timestampDelta)
	return uvarintSize(zigzag64(int64(body))) + body
}

// RecordSize is the size in bytes of the record that AppendRecord would write,
// its length field included.
func RecordSize(
	offsetDelta int32, timestampDelta int64, key, value []byte, headers []RecordHeader,
) int {
	return SizeWith(FieldsSize(key, value, headers), offsetDelta, timestampDelta)
}

// AppendRecord appends one record to dst; nil key and value are null. It does
// not allocate if dst has RecordSize bytes of room. Key, value and headers
// together must stay below 2 GiB.
func AppendRecord(
	dst []byte, offsetDelta int32, timestampDelta int64, key, value []byte, headers []RecordHeader,
) []byte {
	fields := FieldsSize(key, value, headers)
	at, size := len(dst), SizeWith(fields, offsetDelta, timestampDelta)
	dst = slices.Grow(dst, size)[:at+size]
	PutRecord(dst[at:], fields, offsetDelta, timestampDelta, key, value, headers)
	return dst
}

// PutRecord writes one record, whose fields have the FieldsSize, to the start of
// dst and returns its size, SizeWith. dst has room for it.
func PutRecord(
	dst []byte, fieldsSize int, offsetDelta int32, timestampDelta int64, key, value []byte, headers []RecordHeader,
) (size int) {
	length := zigzag64(int64(bodySize(fieldsSize, offsetDelta, timestampDelta)))
	timestamp, offset := zigzag64(timestampDelta), uint64(zigzag32(offsetDelta))
	at := 0
	if (length|offset) <= shortMax && timestamp < 1<<7 && len(dst) >= fastRoom {
		// As almost all records have it: no loops.
		if dst[0], at = byte(length), 1; length >= 1<<7 {
			dst[0], dst[1], at = byte(length)|1<<7, byte(length>>7), 2
		}
		dst[at] = 0 // attributes: none is defined
		dst[at+1] = byte(timestamp)
		if offset < 1<<7 {
			dst[at+2] = byte(offset)
			at += 3
		} else {
			dst[at+2] = byte(offset) | 1<<7
			dst[at+3] = byte(offset >> 7)
			at += 4
		}
	} else {
		at = putUvarint(dst, 0, length)
		dst[at] = 0
		at = putUvarint(dst, at+1, timestamp)
		at = putUvarint(dst, at, offset)
	}
	if key == nil {
		dst[at] = 1 // zigzag of -1
		at++
	} else {
		at = putBytes(dst, at, key)
	}
	at = putBytes(dst, at, value)
	if len(headers) == 0 {
		dst[at] = 0
		return at + 1
	}
	at = putUvarint(dst, at, zigzag64(int64(len(headers))))
	for i := range headers {
		at = putUvarint(dst, at, zigzag64(int64(len(headers[i].Key))))
		at += copy(dst[at:], headers[i].Key)
		at = putBytes(dst, at, headers[i].Value)
	}
	return at
}

// putBytes writes b with its length, or null, at dst[at:] and returns the position
// after it.
func putBytes(dst []byte, at int, b []byte) int {
	if b == nil {
		dst[at] = 1 // zigzag of -1
		return at + 1
	}
	at = putUvarint(dst, at, zigzag64(int64(len(b))))
	return at + copy(dst[at:], b)
}

// recordOverheadMax is the most that a record's fields take besides key, value
// and headers (Kafka's DefaultRecord.MAX_RECORD_OVERHEAD): three varints of 5, 5
// and 10 bytes and the attributes.
const recordOverheadMax = 21

// SizeUpperBound is the most that a record takes whose fields have a FieldsSize,
// wherever in a batch it is put and whenever (Kafka's
// DefaultRecord.recordSizeUpperBound). Producers hold it, with a batch header,
// against max.request.size.
func SizeUpperBound(fieldsSize int) int { return recordOverheadMax + fieldsSize }

// bodySize is what a record's length field counts: attributes, deltas, fields.
func bodySize(fieldsSize int, offsetDelta int32, timestampDelta int64) int {
	return 1 + uvarintSize(zigzag64(timestampDelta)) + uvarintSize(uint64(zigzag32(offsetDelta))) + fieldsSize
}

func bytesSize(b []byte) int {
	if b == nil {
		return 1
	}
	return uvarintSize(zigzag64(int64(len(b)))) + len(b)
}
