package record

// RecordHeader is one header of a record. Kafka's header keys are never null;
// a nil value is null.
type RecordHeader struct {
	Key   string
	Value []byte
}

// RecordSize is the size in bytes of the record that AppendRecord would write,
// its length field included.
func RecordSize(
	offsetDelta int32, timestampDelta int64, key, value []byte, headers []RecordHeader,
) int {
	body := bodySize(offsetDelta, timestampDelta, key, value, headers)
	return uvarintSize(zigzag64(int64(body))) + body
}

// AppendRecord appends one record to dst; nil key and value are null. It does
// not allocate if dst has RecordSize bytes of room. Key, value and headers
// together must stay below 2 GiB.
func AppendRecord(
	dst []byte, offsetDelta int32, timestampDelta int64, key, value []byte, headers []RecordHeader,
) []byte {
	body := bodySize(offsetDelta, timestampDelta, key, value, headers)
	dst = appendUvarint(dst, zigzag64(int64(body)))
	dst = append(dst, 0) // attributes: none is defined
	dst = appendUvarint(dst, zigzag64(timestampDelta))
	dst = appendUvarint(dst, uint64(zigzag32(offsetDelta)))
	dst = appendBytes(dst, key)
	dst = appendBytes(dst, value)
	dst = appendUvarint(dst, zigzag64(int64(len(headers))))
	for i := range headers {
		dst = appendUvarint(dst, zigzag64(int64(len(headers[i].Key))))
		dst = append(dst, headers[i].Key...)
		dst = appendBytes(dst, headers[i].Value)
	}
	return dst
}

// recordOverheadMax is the most that a record's fields take besides key, value
// and headers (Kafka's DefaultRecord.MAX_RECORD_OVERHEAD): three varints of 5, 5
// and 10 bytes and the attributes.
const recordOverheadMax = 21

// SizeUpperBound is the most that a record takes, wherever in a batch it is put
// and whenever (Kafka's DefaultRecord.recordSizeUpperBound). Producers hold it,
// with a batch header, against max.request.size.
func SizeUpperBound(key, value []byte, headers []RecordHeader) int {
	const least = 3 // attributes and deltas of 0 in bodySize
	return recordOverheadMax + bodySize(0, 0, key, value, headers) - least
}

func bodySize(
	offsetDelta int32, timestampDelta int64, key, value []byte, headers []RecordHeader,
) int {
	n := 1 + uvarintSize(zigzag64(timestampDelta)) + uvarintSize(uint64(zigzag32(offsetDelta))) +
		bytesSize(key) + bytesSize(value) + uvarintSize(zigzag64(int64(len(headers))))
	for i := range headers {
		k := len(headers[i].Key)
		n += uvarintSize(zigzag64(int64(k))) + k + bytesSize(headers[i].Value)
	}
	return n
}

func bytesSize(b []byte) int {
	if b == nil {
		return 1
	}
	return uvarintSize(zigzag64(int64(len(b)))) + len(b)
}

func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return append(dst, 1) // zigzag of -1
	}
	dst = appendUvarint(dst, zigzag64(int64(len(b))))
	return append(dst, b...)
}
