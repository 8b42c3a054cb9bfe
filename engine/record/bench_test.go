package record

import (
	"fmt"
	"testing"
)

// Goal: what a record costs to write, to read and to check, and a byte to sum.
// Method: a batch of 16 KiB, as batch.size has it, of 100 B or 1 KiB records; the
// time is per batch, and ns/record is reported beside it.

const benchBatch = 16 << 10

func benchRecords(valueSize int) (h Header, records []byte) {
	value := make([]byte, valueSize)
	for len(records)+RecordSize(h.RecordCount, 3, nil, value, nil) <= benchBatch {
		records = AppendRecord(records, h.RecordCount, int64(h.RecordCount/10), nil, value, nil)
		h.RecordCount++
	}
	h.LastOffsetDelta = h.RecordCount - 1
	return h, records
}

func perRecord(b *testing.B, records int32) {
	b.ReportAllocs()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(records), "ns/record")
}

func BenchmarkAppendRecord(b *testing.B) {
	for _, size := range []int{100, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h, records := benchRecords(size)
			value := make([]byte, size)
			dst := make([]byte, 0, len(records))
			b.SetBytes(int64(len(records)))
			for b.Loop() {
				dst = dst[:0]
				for i := range h.RecordCount {
					dst = AppendRecord(dst, i, int64(i/10), nil, value, nil)
				}
			}
			perRecord(b, h.RecordCount)
		})
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{100, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h, records := benchRecords(size)
			value := make([]byte, size)
			dst := make([]byte, len(records))
			b.SetBytes(int64(len(records)))
			for b.Loop() {
				at := 0
				for i := range h.RecordCount {
					fields := FieldsSize(nil, value, nil)
					if at+SizeWith(fields, i, int64(i/10)) > len(dst) {
						b.Fatal("no room")
					}
					at += PutRecord(dst[at:], fields, i, int64(i/10), nil, value, nil)
				}
			}
			perRecord(b, h.RecordCount)
		})
	}
}

func BenchmarkIterator(b *testing.B) {
	for _, size := range []int{100, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h, records := benchRecords(size)
			b.SetBytes(int64(len(records)))
			var r Record
			for b.Loop() {
				it := NewIterator(&h, records)
				for it.Next(&r) {
				}
				if it.Err() != nil {
					b.Fatal(it.Err())
				}
			}
			perRecord(b, h.RecordCount)
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, size := range []int{100, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h, records := benchRecords(size)
			b.SetBytes(int64(len(records)))
			for b.Loop() {
				if err := Validate(&h, records); err != nil {
					b.Fatal(err)
				}
			}
			perRecord(b, h.RecordCount)
		})
	}
}

func BenchmarkCRC(b *testing.B) {
	for _, size := range []int{1 << 10, benchBatch, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				UpdateCRC(0, p)
			}
		})
	}
}

func BenchmarkParseHeader(b *testing.B) {
	h, records := benchRecords(100)
	h.Magic, h.BatchLength = magicV2, int32(batchLenMin+len(records))
	buf := make([]byte, HeaderSize)
	h.Put(buf)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseHeader(buf); err != nil {
			b.Fatal(err)
		}
	}
}
