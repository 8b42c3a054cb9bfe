package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
)

const ms = time.Millisecond

// note is what a script saw of one produce request: when, and its partitions with
// their records.
func note(t testing.TB, at env.Time, req *protocol.ProduceRequest) string {
	var parts []string
	for i := range req.Partitions {
		p := &req.Partitions[i]
		parts = append(parts, fmt.Sprintf("p%d:%s", p.Partition, strings.Join(valuesOf(t, p.Records), "")))
	}
	slices.Sort(parts) // the order in a request goes round
	return fmt.Sprintf("%v %s", time.Duration(at), strings.Join(parts, " "))
}

// lingerCase is what a producer does and when its batches leave.
type lingerCase struct {
	why    string
	change func(*producer.Config)
	do     func(r *rig, p *producer.Producer, send func(partition int32, value string))
	want   []string
}

// lingerCases: a batch of 200 bytes has room for one value of 100 bytes and not
// for two.
func lingerCases() []lingerCase {
	long := strings.Repeat("L", 100)
	linger := func(d time.Duration) func(*producer.Config) {
		return func(c *producer.Config) { c.Linger, c.BatchSize = d, 200 }
	}
	return []lingerCase{
		{"a lone record leaves at the end of its linger", linger(5 * ms),
			func(r *rig, _ *producer.Producer, send func(int32, string)) { send(0, "a"); r.client.Sleep(10 * ms) },
			[]string{"5ms p0:a"}},
		{"the linger runs from the first record of the batch", linger(5 * ms),
			func(r *rig, _ *producer.Producer, send func(int32, string)) {
				send(0, "a")
				r.client.Sleep(3 * ms)
				send(0, "b")
				r.client.Sleep(10 * ms)
			}, []string{"5ms p0:ab"}},
		{"without linger a record leaves at once", linger(0),
			func(r *rig, _ *producer.Producer, send func(int32, string)) {
				r.client.Sleep(3 * ms)
				send(0, "a")
				r.client.Sleep(ms)
			}, []string{"3ms p0:a"}},
		{"a batch into which the next record does not go leaves at once; the next one lingers", linger(5 * ms),
			func(r *rig, _ *producer.Producer, send func(int32, string)) {
				r.client.Sleep(ms)
				send(0, long)
				send(0, long)
				r.client.Sleep(10 * ms)
			}, []string{"1ms p0:" + long, "6ms p0:" + long}},
		{"a request takes what lingers in the other partitions of the broker along", linger(5 * ms),
			func(r *rig, _ *producer.Producer, send func(int32, string)) {
				send(0, "a")
				r.client.Sleep(2 * ms)
				send(1, "b")
				r.client.Sleep(10 * ms)
			}, []string{"5ms p0:a p1:b"}},
		{"the earlier of two lingers counts, also if it began later in a busy sender", linger(5 * ms),
			func(r *rig, _ *producer.Producer, send func(int32, string)) {
				send(0, long)
				r.client.Sleep(ms)
				send(1, "b")
				send(0, long)
				r.client.Sleep(10 * ms)
			}, []string{"1ms p0:" + long + " p1:b", "6ms p0:" + long}},
		{"flush ends the linger", linger(time.Hour),
			func(r *rig, p *producer.Producer, send func(int32, string)) {
				send(0, "a")
				r.client.Sleep(2 * ms)
				p.Flush()
				send(0, "b")
				r.client.Sleep(3 * ms)
			}, []string{"2ms p0:a", "5ms p0:b"}}, // b leaves at Close
		{"a task that waits for memory ends the linger of all", func(c *producer.Config) {
			c.Linger, c.BatchSize, c.BufferMemory = time.Hour, 200, 400
		}, func(r *rig, _ *producer.Producer, send func(int32, string)) {
			send(0, "a")
			send(1, "b")
			r.client.Sleep(2 * ms)
			send(2, "c")
			r.client.Sleep(3 * ms)
		}, []string{"2ms p0:a p1:b", "5ms p2:c"}},
	}
}

// TestLinger: when batches leave, to the nanosecond. Method: a simulated world in
// which nothing takes time; a script notes what comes when.
func TestLinger(t *testing.T) {
	for _, c := range lingerCases() {
		t.Run(c.why, func(t *testing.T) {
			var got []string
			handle := func(p *peer, req *protocol.Request) {
				got = append(got, note(t, p.s.r.nodes[0].Now(), req.Body.(*protocol.ProduceRequest)))
				p.produced(req, 0)
			}
			runScript(t, exact(0), 3, handle, func(r *rig, _ *script) {
				p := r.producer(c.change)
				c.do(r, p, func(partition int32, value string) {
					err := p.Send(&producer.Record{Topic: topic, Partition: partition, Value: []byte(value)}, nil)
					if err != nil {
						t.Error(err)
					}
				})
				r.close(p)
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestLingerAfterMemory: a batch that had to wait for memory lingers from when it
// exists. Method: the broker answers after 50 ms; the second record waits for that
// and then for its own linger of 20 ms.
func TestLingerAfterMemory(t *testing.T) {
	var got []string
	handle := func(p *peer, req *protocol.Request) {
		got = append(got, note(t, p.s.r.nodes[0].Now(), req.Body.(*protocol.ProduceRequest)))
		p.s.r.nodes[0].Sleep(50 * ms)
		p.produced(req, 0)
	}
	runScript(t, exact(0), 1, handle, func(r *rig, _ *script) {
		p := r.producer(func(c *producer.Config) { c.Linger, c.BatchSize, c.BufferMemory = 20*ms, 200, 300 })
		for _, v := range []string{"a", strings.Repeat("b", 150)} {
			if err := p.Send(&producer.Record{Topic: topic, Value: []byte(v)}, nil); err != nil {
				t.Error(err)
			}
		}
		r.client.Sleep(30 * ms)
		r.close(p)
	})
	want := []string{"0s p0:a", "70ms p0:" + strings.Repeat("b", 150)}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestBufferMemory: Send waits while buffer.memory is full, and fails after
// max.block.ms, to the nanosecond in the simulated world. Method: a script that
// does not answer until it is told to.
func TestBufferMemory(t *testing.T) {
	for _, wd := range []world{onFiles, exact(0)} {
		t.Run(wd.name, func(t *testing.T) {
			var held []*protocol.Request
			handle := func(p *peer, req *protocol.Request) {
				if held = append(held, req); len(held) == 3 {
					for i, r := range held {
						p.produced(r, int64(i))
					}
				}
				if len(held) > 3 {
					p.produced(req, 3)
				}
			}
			runScript(t, wd, 1, handle, func(r *rig, _ *script) {
				const block = 20 * ms
				p := r.producer(func(c *producer.Config) {
					c.Linger, c.BatchSize, c.BufferMemory, c.MaxBlock = 0, 100, 400, block
				})
				done := 0
				rec := &producer.Record{Topic: topic, Value: make([]byte, 30)}
				send := func() error {
					return p.Send(rec, func(producer.Ack, error) { done++ })
				}
				for range 2 {
					if err := send(); err != nil {
						t.Error(err)
					}
				}
				large := &producer.Record{Topic: topic, Value: make([]byte, 150)}
				began := r.client.Now()
				err := p.Send(large, nil)
				waited := r.client.Now().Sub(began)
				if !errors.Is(err, producer.ErrBufferExhausted) || !errors.Is(err, producer.ErrNotSent) {
					t.Errorf("a full buffer: %v", err)
				}
				if waited < block || wd.name == "sim" && waited != block {
					t.Errorf("waited %v, want %v", waited, block)
				}
				if err := send(); err != nil { // the third small one still fits, and lets the script answer
					t.Error(err)
				}
				p.Flush()
				if err := p.Send(large, nil); err != nil {
					t.Errorf("after the buffer was given back: %v", err)
				}
				r.close(p)
				if done != 3 {
					t.Errorf("%d callbacks, want 3", done)
				}
			})
		})
	}
}
