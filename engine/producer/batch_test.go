package producer

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

// sealed builds a batch of records with 300 ms between them, in memory that must
// grow, seals it, and gives its bytes to check.
func sealed(t *testing.T, kind codec.Type, records []Record, check func(b *batch, wire []byte)) {
	t.Helper()
	cfg := simworld.DefaultConfig()
	cfg.Poison = true
	w := simworld.New(cfg)
	defer w.Close()
	n := w.NewNode(env.NodeConfig{Name: "client"})
	err := w.Run(n, func() {
		b := &batch{mem: n.Pool().Get(record.HeaderSize), used: record.HeaderSize, ratio: 1,
			id: noProducer, sequence: record.NoSequence}
		for i := range records {
			join(b, n.Pool(), joining{Record: &records[i], timestamp: 1_700_000_000_000 + 300*int64(i)})
		}
		c, err := codec.NewCompressor(kind, codec.DefaultLevel(kind))
		if err != nil {
			t.Error(err)
			return
		}
		if err := b.seal(n, c, kind); err != nil {
			t.Error(err)
			return
		}
		b.head(n)
		wire, ok := b.wire.Contiguous()
		if !ok || len(wire) != b.wireSize {
			t.Errorf("%d bytes in one part: %v, want %d", len(wire), ok, b.wireSize)
		}
		testNode = n
		check(b, wire)
		b.wire.Release()
	})
	if err != nil {
		t.Fatal(err)
	}
	if live := n.Pool().Live(); live != 0 {
		t.Errorf("%d buffers were not released", live)
	}
}

// join adds a record to a batch.
func join(b *batch, pool *env.Pool, j joining) {
	j.measured()
	b.add(pool, &j)
}

// measured takes the record's size.
func (j *joining) measured() *joining {
	j.fields = record.FieldsSize(j.Key, j.Value, j.Headers)
	j.bound = record.SizeUpperBound(j.fields)
	return j
}

// testNode is the node that sealed works on.
var testNode env.Node

var sealedRecords = []Record{
	{Key: []byte("k"), Value: bytes.Repeat([]byte("first value "), 30)},
	{Value: []byte("no key")},
	{Key: []byte{}, Value: nil},
	{Key: []byte("h"), Value: bytes.Repeat([]byte{7}, 3000),
		Headers: []record.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b"}}},
}

// TestSealedBatch: a sealed batch is what franz-go's kmsg reads and would write,
// with every codec.
func TestSealedBatch(t *testing.T) {
	for _, kind := range codec.Types() {
		t.Run(kind.String(), func(t *testing.T) {
			sealed(t, kind, sealedRecords, func(b *batch, wire []byte) {
				var got kmsg.RecordBatch
				if err := got.ReadFrom(wire); err != nil {
					t.Errorf("kmsg: %v", err)
					return
				}
				plain, err := codec.NewDecompressor(1<<20).Append(nil, kind, got.Records)
				if err != nil {
					t.Error(err)
				}
				crc := uint32(got.CRC)
				got.Records, got.CRC = nil, 0
				want := kmsg.RecordBatch{
					Length: int32(len(wire) - 12), PartitionLeaderEpoch: -1, Magic: 2, Attributes: int16(kind),
					LastOffsetDelta: 3, FirstTimestamp: 1_700_000_000_000, MaxTimestamp: 1_700_000_000_900,
					ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 4,
				}
				if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
					t.Errorf("header\n%s, want\n%s", g, w)
				}
				if crc != record.UpdateCRC(0, wire[record.AttributesOffset:]) {
					t.Errorf("CRC is %08x, the bytes have %08x", crc, record.UpdateCRC(0, wire[record.AttributesOffset:]))
				}
				if want := kmsgRecords(); !bytes.Equal(plain, want) {
					t.Errorf("records\n%x, want\n%x", plain, want)
				}
			})
		})
	}
}

// kmsgRecords is sealedRecords as kmsg writes them.
func kmsgRecords() (out []byte) {
	for i, r := range sealedRecords {
		k := kmsg.Record{TimestampDelta64: 300 * int64(i), OffsetDelta: int32(i), Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			k.Headers = append(k.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
		}
		k.Length = int32(len(k.AppendTo(nil)) - 1) // without the length 0 itself, which takes a byte
		out = k.AppendTo(out)
	}
	return out
}

// TestCallbacks: each record's callback is called once, with its own offset, and
// records without one do not shift those of others.
func TestCallbacks(t *testing.T) {
	w := simworld.New(simworld.DefaultConfig())
	defer w.Close()
	pool := w.NewNode(env.NodeConfig{Name: "client"}).Pool()
	refused := errors.New("refused")
	for _, c := range []struct {
		why  string
		out  Batch
		want string
	}{
		{"acknowledged at offset 100", Batch{BaseOffset: 100}, "1@101 4@104 "},
		{"failed", Batch{BaseOffset: -1, Err: refused}, "1@-1refused 4@-1refused "},
		{"acks=0", Batch{BaseOffset: -1}, "1@-1 4@-1 "},
	} {
		b := &batch{mem: pool.Get(1000), used: record.HeaderSize, ratio: 1}
		got := ""
		for i := range 6 {
			var done func(Ack, error)
			if i == 1 || i == 4 {
				done = func(a Ack, err error) {
					got += fmt.Sprintf("%d@%d", i, a.Offset)
					if err != nil {
						got += err.Error()
					}
					got += " "
				}
			}
			join(b, pool, joining{Record: &Record{Value: []byte("v")}, now: env.Time(time.Second), done: done})
		}
		b.err, b.offset = c.out.Err, c.out.BaseOffset
		(&Producer{}).tell(b, 0)
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.why, got, c.want)
		}
		b.mem.Release()
	}
}
