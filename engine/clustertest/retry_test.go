package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
)

// faulty is a scripted broker with a real log, that fails in a way of the test's.
type faulty struct {
	r     *rig
	log   *commitlog.Log
	count int // of produce requests
	// fault says what goes wrong with a request: it is not taken up, or its answer
	// is lost; then the connection ends, or nothing is said any more.
	fault func(count int) fault
	quiet map[*peer]bool // connections on which nothing is answered any more
}

type fault int

const (
	wellDone fault = iota
	resetBefore
	resetAfter
	silentAfter
	notLeader
)

func (f *faulty) handle(p *peer, req *protocol.Request) {
	f.count++
	kind := f.fault(f.count)
	if f.quiet[p] || kind == resetBefore {
		_ = p.conn.Close() // what is lost is the test's affair
		return
	}
	in := &req.Body.(*protocol.ProduceRequest).Partitions[0]
	out := protocol.ProducePartitionResult{TopicPartition: in.TopicPartition, BaseOffset: -1,
		Err: protocol.ErrNotLeaderOrFollower}
	if kind != notLeader {
		records := in.Records
		in.Records = env.Buf{}
		done, err := f.log.AppendAsLeader(0, records)
		out.BaseOffset, out.Err = done.BaseOffset, protocol.ErrNone
		if errors.Is(err, commitlog.ErrOutOfOrderSequence) {
			out.BaseOffset, out.Err = -1, protocol.ErrOutOfOrderSequence
		} else if err != nil {
			f.r.t.Error(err)
		}
	}
	switch kind {
	case resetAfter:
		_ = p.conn.Close() // as above
	case silentAfter:
		f.quiet[p] = true
	default:
		p.reply(req, &protocol.ProduceResponse{Partitions: []protocol.ProducePartitionResult{out}})
	}
}

// values is what the log holds.
func (f *faulty) values() []string {
	b, err := f.log.Read(commitlog.ReadRequest{MaxBytes: 1 << 20, Limit: f.log.EndOffset()})
	if err != nil {
		f.r.t.Error(err)
		return nil
	}
	defer b.Release()
	return valuesOf(f.r.t, b)
}

// TestIdempotentUnderFaults: whatever goes wrong on the way, each record is
// acknowledged once, at its offset, and the log has it once and in order. Method: a
// broker that applies batches to a real log and fails with every third request,
// table of faults, with five requests in flight.
func TestIdempotentUnderFaults(t *testing.T) {
	for _, c := range []struct {
		why  string
		kind fault
	}{
		{"nothing goes wrong", wellDone},
		{"the connection ends before the batch is taken up", resetBefore},
		{"the batch is taken up and the answer lost", resetAfter},
		{"the batch is taken up and the broker falls silent", silentAfter},
		{"the broker says that it is not the leader", notLeader},
	} {
		for _, wd := range []world{onFiles, exact(ms)} {
			t.Run(c.why+", "+wd.name, func(t *testing.T) { underFaults(t, wd, c.kind) })
		}
	}
}

func underFaults(t *testing.T, wd world, kind fault) {
	const records = 20
	f := &faulty{quiet: make(map[*peer]bool), fault: func(count int) fault {
		if count%3 == 0 && count < 30 {
			return kind
		}
		return wellDone
	}}
	var mu env.Mutex
	handle := func(p *peer, req *protocol.Request) {
		mu.Lock()
		defer mu.Unlock()
		f.handle(p, req)
	}
	runScript(t, wd, 1, handle, func(r *rig, _ *script) {
		f.r, mu = r, r.nodes[0].NewMutex()
		store := r.stage.NewNode(env.NodeConfig{Name: "store", Mount: r.stage.mount(t, simfs.DefaultConfig())})
		log, err := commitlog.Open(store, "log", commitlog.DefaultConfig())
		if err != nil {
			t.Error(err)
			return
		}
		f.log = log
		p, o := r.producer(func(c *producer.Config) {
			singles(5)(c)
			c.RequestTimeout, c.RetryBackoff, c.ReconnectBackoff = 20*ms, ms, ms
			c.DeliveryTimeout = 20 * time.Second
		}), newOutcomes(r)
		var want []string
		for i := range records {
			want = append(want, fmt.Sprintf("%03d", i))
			o.send(p, 0, want[i])
		}
		r.close(p)
		for i, v := range want {
			o.expect(v, fmt.Sprint(i))
		}
		if again := f.count - records; again == 0 != (kind == wellDone) {
			t.Errorf("%d batches were sent again", again)
		}
		if got := f.values(); !slices.Equal(got, want) {
			t.Errorf("the log holds %q", got)
		}
		r.close(log)
	})
}

// TestDeliveryTimeout: a broker that cannot be reached fails records at
// delivery.timeout.ms, to the nanosecond, with an error that says so; those that
// wait and those in flight alike. Method: a script that never answers.
func TestDeliveryTimeout(t *testing.T) {
	runScript(t, exact(ms), 1, func(*peer, *protocol.Request) {}, func(r *rig, _ *script) {
		p := r.producer(func(c *producer.Config) {
			singles(1)(c)
			c.RequestTimeout, c.DeliveryTimeout = 700*ms, 2*time.Second
		})
		began, told := r.client.Now(), 0
		for range 3 {
			err := p.Send(&producer.Record{Topic: topic, Key: make([]byte, 30)}, func(_ producer.Ack, err error) {
				told++
				var expired *producer.ExpiredError
				if took := r.client.Now().Sub(began); !errors.As(err, &expired) || took != 2*time.Second {
					t.Errorf("after %v: %v", took, err)
				}
			})
			if err != nil {
				t.Error(err)
			}
		}
		r.close(p)
		if told != 3 {
			t.Errorf("%d outcomes of 3 records", told)
		}
	})
}
