package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
)

// outcomes counts what the callbacks of a producer say. Callbacks come from
// several tasks.
type outcomes struct {
	t  testing.TB
	mu struct {
		env.Mutex
		of map[string][]string // by value: each outcome that it got
	}
}

func newOutcomes(r *rig) *outcomes {
	o := &outcomes{t: r.t}
	o.mu.Mutex = r.client.NewMutex()
	o.mu.of = make(map[string][]string)
	return o
}

// send sends a value and notes what becomes of it. The key makes the record large
// enough to be alone in the smallest batch.
func (o *outcomes) send(p *producer.Producer, partition int32, value string) {
	err := p.Send(&producer.Record{Topic: topic, Partition: partition, Key: make([]byte, 30), Value: []byte(value)},
		func(a producer.Ack, err error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			text := fmt.Sprint(a.Offset)
			for _, known := range []error{env.ErrTimeout, env.ErrReset, env.ErrClosed} {
				if errors.Is(err, known) {
					text = known.Error()
				}
			}
			var code protocol.ErrorCode
			if errors.As(err, &code) {
				text = fmt.Sprintf("%v %d", code, a.Offset)
			}
			o.mu.of[value] = append(o.mu.of[value], text)
		})
	if err != nil {
		o.t.Errorf("send %q: %v", value, err)
	}
}

// expect compares the outcome of one value.
func (o *outcomes) expect(value string, want ...string) {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.mu.of[value], want) {
		o.t.Errorf("%q ended as %q, want %q", value, o.mu.of[value], want)
	}
}

// singles makes every record a batch that leaves at once.
func singles(inFlight int) func(*producer.Config) {
	return func(c *producer.Config) { c.Linger, c.BatchSize, c.MaxInFlight = 0, 1, inFlight }
}

// once is singles that are sent once, whatever comes back.
func once(inFlight int) func(*producer.Config) {
	return func(c *producer.Config) {
		singles(inFlight)(c)
		c.Retries, c.ReconnectBackoff = 0, 0
	}
}

// TestMaxInFlight: a connection never has more requests without a response than
// max.in.flight.requests.per.connection, has as many if there is work, and keeps
// the order of a partition. Method: a script that answers from another task, a
// while later.
func TestMaxInFlight(t *testing.T) {
	for _, limit := range []int{1, 5} {
		for _, wd := range []world{onFiles, exact(ms)} {
			t.Run(fmt.Sprintf("%d, %s", limit, wd.name), func(t *testing.T) {
				const records = 40
				var values []string
				var answers *task.Queue[func()]
				flying, flyingMax := 0, 0
				var mu env.Mutex
				handle := func(p *peer, req *protocol.Request) {
					in := req.Body.(*protocol.ProduceRequest)
					mu.Lock()
					flying++
					flyingMax = max(flyingMax, flying)
					mu.Unlock()
					values = append(values, valuesOf(t, in.Partitions[0].Records)...)
					base := int64(len(values) - 1)
					err := answers.Put(func() {
						mu.Lock()
						flying--
						mu.Unlock()
						p.produced(req, base)
					}, env.Never)
					if err != nil {
						t.Error(err)
					}
				}
				runScript(t, wd, 1, handle, func(r *rig, s *script) {
					mu, answers = r.nodes[0].NewMutex(), task.NewQueue[func()](r.nodes[0], records)
					s.tasks.Go("answers", func() error {
						for answer, err := answers.Get(env.Never); err == nil; answer, err = answers.Get(env.Never) {
							if wd.name == "sim" {
								r.nodes[0].Sleep(10 * ms)
							}
							answer()
						}
						return nil
					})
					p, o := r.producer(singles(limit)), newOutcomes(r)
					for i := range records {
						o.send(p, 0, fmt.Sprintf("%03d", i))
					}
					r.close(p)
					answers.Close()
					for i := range records {
						o.expect(fmt.Sprintf("%03d", i), fmt.Sprint(i))
					}
				})
				if flyingMax > limit || wd.name == "sim" && flyingMax != limit {
					t.Errorf("%d requests in flight, want %d", flyingMax, limit)
				}
				if !slices.IsSorted(values) || len(values) != records {
					t.Errorf("%d values arrived as %v", len(values), values)
				}
			})
		}
	}
}

// TestRequestTimeout: without retries a request without an answer fails request.timeout.ms after
// it was sent, though others were answered before it, and takes the requests
// behind it along; the next record gets a new connection. Method: a script that
// answers only the first request of its first connection.
func TestRequestTimeout(t *testing.T) {
	for _, wd := range []world{onFiles, exact(0)} {
		t.Run(wd.name, func(t *testing.T) {
			handled := 0
			handle := func(p *peer, req *protocol.Request) {
				if handled++; p.number > 0 || handled == 1 {
					p.produced(req, int64(10*p.number))
				}
			}
			runScript(t, wd, 1, handle, func(r *rig, _ *script) {
				const timeout = 40 * ms
				p := r.producer(func(c *producer.Config) {
					once(5)(c)
					c.RequestTimeout = timeout
				})
				o := newOutcomes(r)
				o.send(p, 0, "answered")
				p.Flush()
				r.pass(7 * ms)
				sent := r.client.Now()
				o.send(p, 0, "silence")
				o.send(p, 0, "behind it")
				p.Flush()
				if took := r.client.Now().Sub(sent); took < timeout || wd.name == "sim" && took != timeout {
					t.Errorf("failed after %v, want %v", took, timeout)
				}
				o.send(p, 0, "again")
				r.close(p)
				o.expect("answered", "0")
				o.expect("silence", env.ErrTimeout.Error())
				o.expect("behind it", env.ErrTimeout.Error())
				o.expect("again", "10")
			})
		})
	}
}

// TestBrokerCloses: without retries a broker that closes the connection fails what waits on it,
// once, after the answers that it had sent; the memory comes back, and later
// records go over a new connection. Method: a script that answers one of three
// requests and closes, with buffer.memory for three batches.
func TestBrokerCloses(t *testing.T) {
	for _, wd := range []world{onFiles, exact(ms)} {
		t.Run(wd.name, func(t *testing.T) {
			handled := 0
			handle := func(p *peer, req *protocol.Request) {
				switch handled++; {
				case p.number > 0:
					p.produced(req, 7)
				case handled == 3:
					p.produced(&protocol.Request{CorrelationID: 1, Body: req.Body}, 0)
					_ = p.conn.Close() // the first error of a script closes nothing else
				}
			}
			runScript(t, wd, 1, handle, func(r *rig, _ *script) {
				p := r.producer(func(c *producer.Config) {
					once(5)(c)
					c.BufferMemory = 400
				})
				o := newOutcomes(r)
				for _, v := range []string{"one", "two", "three"} {
					o.send(p, 0, v)
				}
				p.Flush()
				for _, v := range []string{"four", "five", "six", "seven"} { // more than the buffer holds
					o.send(p, 0, v)
				}
				r.close(p)
				o.expect("one", "0")
				o.expect("two", env.ErrReset.Error())
				o.expect("three", env.ErrReset.Error())
				for _, v := range []string{"four", "five", "six", "seven"} {
					o.expect(v, "7")
				}
			})
		})
	}
}

// TestAnswers: what the broker's answer says reaches the callback. Method: table.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		why  string
		body protocol.Body
		want string
	}{
		{"an acknowledgement", &protocol.ProduceResponse{
			Partitions: []protocol.ProducePartitionResult{{TopicPartition: part0, BaseOffset: 42}}}, "42"},
		{"an error, which has no offset", &protocol.ProduceResponse{
			Partitions: []protocol.ProducePartitionResult{{TopicPartition: part0, BaseOffset: 42,
				Err: protocol.ErrRequestTimedOut}}}, "REQUEST_TIMED_OUT -1"},
		{"an answer without the partition", &protocol.ProduceResponse{}, "-1"},
		{"an answer to something else", &protocol.ListOffsetsResponse{}, "-1"},
	} {
		t.Run(c.why, func(t *testing.T) {
			handle := func(p *peer, req *protocol.Request) { p.reply(req, c.body) }
			runScript(t, onFiles, 1, handle, func(r *rig, _ *script) {
				p, o := r.producer(once(1)), newOutcomes(r)
				o.send(p, 0, "v")
				r.close(p)
				o.expect("v", c.want)
			})
		})
	}
}

// Goal: of the batches of each request of which any was acknowledged one is told as the first,
// so that who counts these counts requests. Method: requests of three batches, of which a
// script refuses the first one, all, or none.
func TestFirstOfRequest(t *testing.T) {
	refused := []int{1, 3, 0} // of each request
	requests := 0
	handle := func(p *peer, req *protocol.Request) {
		out := &protocol.ProduceResponse{}
		for i, part := range req.Body.(*protocol.ProduceRequest).Partitions {
			one := protocol.ProducePartitionResult{TopicPartition: part.TopicPartition}
			if i < refused[requests] {
				one.BaseOffset, one.Err = -1, protocol.ErrInvalidRecord
			}
			out.Partitions = append(out.Partitions, one)
		}
		requests++
		p.reply(req, out)
	}
	runScript(t, exact(0), 3, handle, func(r *rig, _ *script) {
		told := ""
		p := r.producer(func(c *producer.Config) {
			c.Linger, c.Idempotence = 10*ms, producer.IdempotenceOff
			c.OnBatch = func(b *producer.Batch) {
				switch {
				case b.Err != nil && b.FirstOfRequest:
					told += "!"
				case b.Err != nil:
					told += "x"
				case b.FirstOfRequest:
					told += "F"
				default:
					told += "-"
				}
			}
		})
		for range refused {
			for partition := range int32(3) {
				if err := p.Send(&producer.Record{Topic: topic, Partition: partition, Value: []byte("v")}, nil); err != nil {
					t.Error(err)
				}
			}
			r.client.Sleep(100 * ms)
			told += " "
		}
		r.close(p)
		if want := "xF- xxx F-- "; told != want || requests != len(refused) {
			t.Errorf("%d requests, told %q, want %q", requests, told, want)
		}
	})
}

// TestCloseWithoutAcks: with acks=0, Close returns when the broker has taken up
// all that was sent. Method: a script that takes a while for each request.
func TestCloseWithoutAcks(t *testing.T) {
	for _, wd := range []world{onFiles, exact(0)} {
		t.Run(wd.name, func(t *testing.T) {
			handled := 0
			handle := func(p *peer, _ *protocol.Request) {
				if wd.name == "sim" {
					p.s.r.nodes[0].Sleep(time.Second)
				}
				handled++
			}
			runScript(t, wd, 1, handle, func(r *rig, _ *script) {
				p := r.producer(func(c *producer.Config) {
					singles(5)(c)
					c.Acks = protocol.AcksNone
				})
				o := newOutcomes(r)
				for i := range 5 {
					o.send(p, 0, fmt.Sprint(i))
				}
				r.close(p)
				if handled != 5 {
					t.Errorf("Close returned after %d of 5 requests were taken up", handled)
				}
				for i := range 5 {
					o.expect(fmt.Sprint(i), "-1")
				}
			})
		})
	}
}

// TestSilentBrokerWithoutAcks: with acks=0, a broker that takes nothing any more
// holds up its sender for request.timeout.ms and not for ever. Method: a link
// with room for 10 KB, a script that stops to read.
func TestSilentBrokerWithoutAcks(t *testing.T) {
	wd := simulated(func(c *simworld.Config) {
		*c = simworld.Config{Seed: 1, Poison: true, Link: simworld.Link{InFlightBytes: 10_000}}
	})
	handle := func(p *peer, _ *protocol.Request) {
		p.s.r.nodes[0].Sleep(time.Hour)
	}
	runScript(t, wd, 1, handle, func(r *rig, _ *script) {
		p := r.producer(func(c *producer.Config) {
			once(5)(c)
			c.Acks, c.RequestTimeout = protocol.AcksNone, time.Second
		})
		o := newOutcomes(r)
		value := string(make([]byte, 4000))
		for i := range 5 { // one is taken, two fill the link
			o.send(p, 0, fmt.Sprint(i)+value)
		}
		p.Flush()
		if took := r.client.Now(); took < env.Time(time.Second) || took > env.Time(2*time.Second) {
			t.Errorf("flushed at %v", time.Duration(took))
		}
		for i, want := range []string{"-1", "-1", "-1", env.ErrTimeout.Error(), "-1"} {
			o.expect(fmt.Sprint(i)+value, want)
		}
		if err := p.Close(); !errors.Is(err, env.ErrTimeout) { // the new connection is not read either
			t.Errorf("close: %v", err)
		}
	})
}

// TestFlushAmongSenders: Flush returns though others go on to send. Method: a task
// that sends until the flush has returned.
func TestFlushAmongSenders(t *testing.T) {
	for _, wd := range []world{onFiles, exact(ms)} {
		t.Run(wd.name, func(t *testing.T) {
			handle := func(p *peer, req *protocol.Request) { p.produced(req, 0) }
			runScript(t, wd, 2, handle, func(r *rig, _ *script) {
				p := r.producer(func(c *producer.Config) { c.Linger = ms })
				flushed := task.NewFuture[int](r.client)
				g := task.NewGroup(r.client)
				g.Go("sends", func() error {
					for !flushed.Done() {
						if err := p.Send(&producer.Record{Topic: topic, Value: []byte("more")}, nil); err != nil {
							return err
						}
						r.client.Sleep(100 * time.Microsecond)
					}
					return nil
				})
				o := newOutcomes(r)
				o.send(p, 1, "before")
				p.Flush()
				o.expect("before", "0")
				flushed.Set(0, nil)
				if err := g.Wait(); err != nil {
					t.Error(err)
				}
				r.close(p)
			})
		})
	}
}
