package spec

import "testing"

// Goal: a record's room is Kafka's upper bound. Method: what
// AbstractRecords.estimateSizeInBytesUpperBound of kafka-clients 4.1.0 gave.
func TestBatchOverheadIsKafkas(t *testing.T) {
	for value, want := range map[int64]int64{24: 109, 63: 148, 64: 150, 700: 786, 8191: 8277, 8192: 8279,
		1 << 20: 1048664} {
		if got := value + batchOverhead(value, 0); got != want {
			t.Errorf("a value of %d bytes: %d, Kafka says %d", value, got, want)
		}
	}
}
