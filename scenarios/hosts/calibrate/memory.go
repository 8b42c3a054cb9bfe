package calibrate

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"brokerlab/disks/osfs"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
	"brokerlab/results"
	"brokerlab/workloads/check"
	"brokerlab/workloads/payload"
)

// Sizes of the operations on bytes.
var (
	memorySizes = []int{256, 4 << 10, 64 << 10, 1 << 20}
	appendSizes = []int{128, 1 << 10, 16 << 10, 128 << 10, 1 << 20}
)

// Names of probes.
const (
	syscallName = "system call"
	checkName   = "record check"
	decodeName  = "record decode"
	ackName     = "record ack"
)

func crcName(size int) string    { return fmt.Sprintf("CRC of %d bytes", size) }
func copyName(size int) string   { return fmt.Sprintf("copy of %d bytes", size) }
func appendName(size int) string { return fmt.Sprintf("append of %d bytes", size) }

// memoryBytes is the memory that operations walk through: more than a core's own
// cache, as what a broker works on is.
const memoryBytes = 4 << 20

// probeRecords is the number of records of a batch that probes of records work on.
const probeRecords = 500

// probeValueBytes is the size of their values.
const probeValueBytes = 200

// walk returns pieces of b of one size, one after the other and from its beginning
// again.
func walk(b []byte, size int) func() []byte {
	at := 0
	return func() []byte {
		if at+size > len(b) {
			at = 0
		}
		at += size
		return b[at-size : at]
	}
}

// prepareMemory makes the probes of what works on memory alone.
func (c *calibration) prepareMemory() error {
	memory, target := make([]byte, memoryBytes), make([]byte, memoryBytes)
	for i := range memory {
		memory[i], target[i] = byte(i*7), 1 // pages that nobody has touched cost far more
	}
	sum := uint32(0)
	for _, size := range memorySizes {
		from, to, next := walk(memory, size), walk(target, size), walk(memory, size)
		c.loop(crcName(size), func() error { sum ^= record.UpdateCRC(0, next()); return nil })
		c.loop(copyName(size), func() error { copy(to(), from()); return nil })
	}
	source, err := payload.New(payload.Config{Kind: payload.JSONLogs, Size: probeValueBytes, Seed: 1})
	if err != nil {
		return err
	}
	header, records := batchOf(source, probeRecords)
	c.loop(checkName, func() error { return record.Validate(&header, records) })
	recorder := results.NewRecorder()
	c.loop(decodeName, func() error {
		it := record.NewIterator(&header, records)
		var r record.Record
		for it.Next(&r) {
			if _, intended, ok := payload.Decode(r.Value); ok {
				recorder.Record(int64(intended))
			}
		}
		return it.Err()
	})
	checker, err := check.New(check.Config{Producers: 1, Partitions: 1})
	if err != nil {
		return err
	}
	sender, sequence := checker.Sender(0), uint64(0)
	c.loop(ackName, func() error {
		for range probeRecords {
			sender.Sent(sequence)
			recorder.Record(int64(sequence % 1_000_000))
			sender.Acked(sequence, env.Time(sequence))
			sequence++
		}
		return nil
	})
	return nil
}

// batchOf is a batch of so many records, without its header's bytes.
func batchOf(source *payload.Source, count int) (record.Header, []byte) {
	var records, value []byte
	for i := range count {
		value = source.Append(value[:0], payload.ID{Sequence: uint64(i)}, env.Time(1000*i))
		records = record.AppendRecord(records, int32(i), int64(i/10), nil, value, nil)
	}
	h := record.Header{Magic: 2, LastOffsetDelta: int32(count - 1), RecordCount: int32(count),
		MaxTimestamp: int64(count / 10), ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1,
		BatchLength: int32(record.HeaderSize - 12 + len(records))}
	return h, records
}

// fileBytes is where the probe of appends begins its file again.
const fileBytes = 16 << 20

// prepareFiles makes the probes of what works on files; end closes them.
func (c *calibration) prepareFiles() (end func(), err error) {
	fs := osfs.New(c.dir)
	file, err := fs.Create("append")
	if err != nil {
		return nil, err
	}
	name := filepath.Join(c.dir, "byte")
	if err := os.WriteFile(name, []byte{1}, 0o600); err != nil {
		return nil, err
	}
	plain, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	var one [1]byte
	c.loop(syscallName, func() error {
		if _, err := plain.ReadAt(one[:], 0); err != nil && err != io.EOF {
			return err
		}
		return nil
	})
	pool := env.NewPool()
	for _, size := range appendSizes {
		c.loop(appendName(size), func() error {
			m := pool.Get(size)
			if err := file.Append(env.MemBuf(m, m.Bytes()[:size])); err != nil {
				return err
			}
			if file.Size() < fileBytes {
				return nil
			}
			return file.Truncate(0)
		})
	}
	return func() {
		_ = file.Close() // the directory is removed, whatever they say
		_ = plain.Close()
	}, nil
}
