package record

import "testing"

// Goal: the upper bound of a record's size is Kafka's. Method: what
// AbstractRecords.estimateSizeInBytesUpperBound of kafka-clients 4.1.0 gave,
// less the batch header that it counts.
func TestSizeUpperBound(t *testing.T) {
	for _, test := range []struct {
		says    string
		key     []byte
		value   int
		headers []RecordHeader
		want    int
	}{
		{"the smallest of ours", nil, 24, nil, 109},
		{"a value whose length takes one byte", nil, 63, nil, 148},
		{"and two", nil, 64, nil, 150},
		{"1 KiB", nil, 1024, nil, 1110},
		{"the last with two", nil, 8191, nil, 8277},
		{"and three", nil, 8192, nil, 8279},
		{"1 MiB", nil, 1 << 20, nil, 1048664},
		{"a key and a header", make([]byte, 10), 700, []RecordHeader{{Key: "abc", Value: make([]byte, 5)}}, 806},
	} {
		got := SizeUpperBound(FieldsSize(test.key, make([]byte, test.value), test.headers)) + HeaderSize
		if got != test.want {
			t.Errorf("%s: %d bytes, Kafka says %d", test.says, got, test.want)
		}
		if most := RecordSize(1<<31-1, -1<<62, test.key, make([]byte, test.value), test.headers); most+HeaderSize > got {
			t.Errorf("%s: a record can take %d bytes, more than the bound", test.says, most+HeaderSize)
		}
	}
}

// Goal: the size of a varint is known before it is written. Method: the least and
// the largest integer of each number of bits.
func TestUvarintSize(t *testing.T) {
	for bits := range 65 {
		least := uint64(1) << bits / 2
		for _, u := range []uint64{least, max(least, 2*least-1)} {
			dst := make([]byte, 16)
			if got, want := uvarintSize(u), putUvarint(dst, 0, u); got != want {
				t.Errorf("%#x: %d bytes, writing it takes %d", u, got, want)
			}
		}
	}
}
