package record

import "fmt"

// Validate checks what a leader demands of the records of a batch that a
// producer sends (LogValidator, DefaultRecordBatch): there are some, they are
// well-formed with their headers, nothing follows them, and their offset deltas
// are 0, 1, 2 ... up to the header's last offset delta. records is the
// decompressed records section. Errors are ErrInvalid.
//
// It does not check the CRC, and leaves to the caller what depends on the topic
// or the client: timestamps, null keys, control and transactional batches,
// sequence numbers. Where Kafka rewrites a compressed batch whose inner offsets
// are wrong, for the sake of old clients, Validate returns an error.
func Validate(h *Header, records []byte) error {
	if h.RecordCount <= 0 || h.LastOffsetDelta != h.RecordCount-1 {
		return fmt.Errorf("record: validate: %d records, last offset delta %d: %w",
			h.RecordCount, h.LastOffsetDelta, ErrInvalid)
	}
	var l layout
	for i := range h.RecordCount {
		n := parse(records, &l)
		if n == bad {
			return fmt.Errorf("record: validate record %d of %d, %d bytes left: %w",
				i, h.RecordCount, len(records), ErrInvalid)
		}
		if l.offsetDelta != i {
			return fmt.Errorf("record: validate record %d of %d: offset delta %d: %w",
				i, h.RecordCount, l.offsetDelta, ErrInvalid)
		}
		if l.headerCount != 0 {
			if err := eachHeader(records[l.headersAt:n], l.headerCount, nil); err != nil {
				return fmt.Errorf("record: validate record %d of %d: %w", i, h.RecordCount, err)
			}
		}
		records = records[n:]
	}
	if len(records) > 0 {
		return fmt.Errorf("record: validate: %d bytes after the last of %d records: %w",
			len(records), h.RecordCount, ErrInvalid)
	}
	return nil
}
