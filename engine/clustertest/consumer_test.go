package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// pollAll polls until no record comes for a while or an error is final, and
// returns the values with their offsets; a corrupt batch is "!" and its offset.
func pollAll(r *rig, c *consumer.Consumer, count int) (got []string, final error) {
	deadline := r.client.Now().Add(10 * time.Second)
	for len(got) < count && r.client.Now() < deadline {
		_, err := c.Poll(r.client.Now().Add(time.Second), func(tp protocol.TopicPartition, rec *record.Record) {
			got = append(got, fmt.Sprintf("%d/%d:%s", tp.Partition, rec.Offset, rec.Value))
		})
		var corrupt *consumer.CorruptError
		switch {
		case errors.As(err, &corrupt):
			got = append(got, fmt.Sprintf("%d/%d!", corrupt.Partition, corrupt.BaseOffset))
		case err != nil:
			return got, err
		}
	}
	return got, nil
}

// fetchScript answers fetches with what give returns for each partition.
func fetchScript(
	give func(*peer, protocol.FetchPartition) protocol.FetchPartitionResult,
) func(*peer, *protocol.Request) {
	return func(p *peer, req *protocol.Request) {
		in := req.Body.(*protocol.FetchRequest)
		out := &protocol.FetchResponse{}
		found := false
		for _, part := range in.Partitions {
			one := give(p, part)
			one.TopicPartition = part.TopicPartition
			found = found || one.Records.Len() > 0 || one.Err != protocol.ErrNone
			out.Partitions = append(out.Partitions, one)
		}
		if !found {
			p.s.r.nodes[0].Sleep(ms) // instead of a long poll
		}
		p.reply(req, out)
	}
}

// stored is a partition's bytes as a script serves them: from the batch that holds
// the offset on.
func stored(batches ...[]byte) func(in protocol.FetchPartition) protocol.FetchPartitionResult {
	return func(in protocol.FetchPartition) (out protocol.FetchPartitionResult) {
		var bytes []byte
		for _, b := range batches {
			h, err := record.ParseHeader(b)
			if err != nil || h.NextOffset() > in.FetchOffset {
				bytes = append(bytes, b...)
			}
		}
		out.Records = env.StaticBuf(bytes)
		return out
	}
}

func broken(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 0x55
	return b
}

// TestResponses: what the consumer makes of a broker's bytes. Method: a script
// that serves batches of partition 0, of offsets 0-1, 2-3 and 4.
func TestResponses(t *testing.T) {
	one, two, three := batchOf(0, "a", "b"), batchOf(2, "c", "d"), batchOf(4, "e")
	all := []string{"0/0:a", "0/1:b", "0/2:c", "0/3:d", "0/4:e"}
	whole := slices.Concat(one, two, three)
	cases := []struct {
		why    string
		offset int64
		give   func(in protocol.FetchPartition) protocol.FetchPartitionResult
		want   []string
		final  string // error that ends polling
	}{
		{"all of it", 0, stored(one, two, three), all, ""},
		{"records below the offset are left out of the first batch", 3, stored(one, two, three), all[3:], ""},
		{"a batch whose CRC is wrong is told, and the others are read", 0,
			stored(one, broken(two, len(two)-1), three), []string{"0/0:a", "0/1:b", "0/2!", "0/4:e"}, ""},
		{"a response that ends inside a batch: the rest is fetched again", 0,
			func(in protocol.FetchPartition) protocol.FetchPartitionResult {
				from := map[int64]int{0: 0, 2: len(one), 4: len(one) + len(two)}[in.FetchOffset]
				end := min(len(whole), from+len(one)+20)
				return protocol.FetchPartitionResult{Records: env.StaticBuf(whole[from:end])}
			}, all, ""},
		{"a response without a whole batch cannot get better", 0,
			func(protocol.FetchPartition) protocol.FetchPartitionResult {
				return protocol.FetchPartitionResult{Records: env.StaticBuf(one[:len(one)-1])}
			}, nil, "no whole record batch"},
		{"nor can bytes that are no batch, behind one that is", 0, stored(one, broken(two, 16)), all[:2],
			"no whole record batch"},
		{"nor a batch that ends before the offset", 2,
			func(protocol.FetchPartition) protocol.FetchPartitionResult {
				return protocol.FetchPartitionResult{Records: env.StaticBuf(one)}
			}, nil, "no whole record batch"},
		{"an error that is not retriable", 9, func(protocol.FetchPartition) protocol.FetchPartitionResult {
			return protocol.FetchPartitionResult{Err: protocol.ErrOffsetOutOfRange}
		}, nil, "OFFSET_OUT_OF_RANGE"},
	}
	for _, c := range cases {
		for _, wd := range worlds {
			t.Run(c.why+", "+wd.name, func(t *testing.T) {
				handle := fetchScript(func(_ *peer, in protocol.FetchPartition) protocol.FetchPartitionResult {
					if in.FetchOffset == 5 {
						return protocol.FetchPartitionResult{}
					}
					return c.give(in)
				})
				runScript(t, wd, 1, handle, func(r *rig, _ *script) {
					cons := r.consumer(c.offset, nil)
					want := len(c.want)
					if c.final != "" {
						want++
					}
					got, err := pollAll(r, cons, want)
					if !slices.Equal(got, c.want) {
						t.Errorf("got %q, want %q", got, c.want)
					}
					if (err != nil) != (c.final != "") || err != nil && !strings.Contains(err.Error(), c.final) {
						t.Errorf("error %v, want %q", err, c.final)
					}
					if at, ok := cons.Position(part0); c.final == "" && (at != 5 || !ok) {
						t.Errorf("position %d, %v, want 5", at, ok)
					}
					r.close(cons)
				})
			})
		}
	}
}

// TestErrorOfOnePartition: a partition that the broker cannot read holds back none
// of the others, and is read once it can be. Method: a script that refuses
// partition 1 a few times, between the records of 0 and 2.
func TestErrorOfOnePartition(t *testing.T) {
	for _, wd := range worlds {
		t.Run(wd.name, func(t *testing.T) {
			refused := 0
			serve := []func(protocol.FetchPartition) protocol.FetchPartitionResult{
				stored(batchOf(0, "a"), batchOf(1, "b")), stored(batchOf(0, "c")), stored(batchOf(0, "d"))}
			handle := fetchScript(func(_ *peer, in protocol.FetchPartition) protocol.FetchPartitionResult {
				if refused < 3 && in.Partition == 1 {
					refused++
					return protocol.FetchPartitionResult{Err: protocol.ErrStorage}
				}
				return serve[in.Partition](in)
			})
			runScript(t, wd, 3, handle, func(r *rig, _ *script) {
				c := r.consumerOf(r.all(), func(c *consumer.Config) { c.RetryBackoff = ms })
				got, err := pollAll(r, c, 4)
				slices.Sort(got)
				if want := []string{"0/0:a", "0/1:b", "1/0:c", "2/0:d"}; err != nil || !slices.Equal(got, want) {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
				r.close(c)
			})
		})
	}
}

// TestReconnect: after a reset the consumer connects again and goes on where it
// was. Method: a script that closes each of the first connections after one batch.
func TestReconnect(t *testing.T) {
	for _, wd := range worlds {
		t.Run(wd.name, func(t *testing.T) {
			handle := func(p *peer, req *protocol.Request) {
				in := req.Body.(*protocol.FetchRequest)
				at := in.Partitions[0].FetchOffset
				if at == int64(p.number) && at < 3 {
					fetchScript(func(*peer, protocol.FetchPartition) protocol.FetchPartitionResult {
						return protocol.FetchPartitionResult{Records: env.StaticBuf(batchOf(at, fmt.Sprint("v", at)))}
					})(p, req)
					return
				}
				_ = p.conn.Close()
			}
			runScript(t, wd, 1, handle, func(r *rig, _ *script) {
				c := r.consumer(0, func(c *consumer.Config) { c.ReconnectBackoff = ms })
				got, err := pollAll(r, c, 3)
				if want := []string{"0/0:v0", "0/1:v1", "0/2:v2"}; err != nil || !slices.Equal(got, want) {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
				r.close(c)
			})
		})
	}
}

// TestCloseUnread: a consumer that is closed with responses that nobody has polled
// for, one of them half handed out, gives all of them back.
func TestCloseUnread(t *testing.T) {
	inWorlds(t, setup{brokers: 2, partitions: 4, replicas: 1}, func(r *rig) {
		produceTo(r, 4, 50)
		c := r.consumerOf(r.all(), func(c *consumer.Config) { c.MaxPartitionFetchBytes = 1000 })
		if _, err := pollAll(r, c, 1); err != nil {
			t.Error(err)
		}
		r.pass(10 * ms) // the fetchers fill up
		r.close(c)
	})
	corrupt := stored(broken(batchOf(0, "a"), 66), batchOf(1, "b"))
	handle := fetchScript(func(_ *peer, in protocol.FetchPartition) protocol.FetchPartitionResult { return corrupt(in) })
	runScript(t, onFiles, 1, handle, func(r *rig, _ *script) {
		c := r.consumer(0, nil)
		if got, err := pollAll(r, c, 1); err != nil || got[0] != "0/0!" {
			t.Errorf("got %q, %v", got, err)
		}
		r.close(c)
	})
}

// produceTo sends a number of records to each partition, each a batch of its own
// of about 120 bytes, and waits for them.
func produceTo(r *rig, partitions int32, each int) {
	r.t.Helper()
	p := r.producer(func(c *producer.Config) { c.Linger, c.BatchSize = 0, 1 })
	for i := range each {
		for part := range partitions {
			value := fmt.Sprintf("%04d some more text to be alone in a batch", i)
			err := p.Send(&producer.Record{Topic: topic, Partition: part, Value: []byte(value)},
				func(_ producer.Ack, err error) {
					if err != nil {
						r.t.Errorf("record %d of partition %d: %v", i, part, err)
					}
				})
			if err != nil {
				r.t.Error(err)
			}
		}
	}
	r.close(p)
}

// TestStartOffsets: where a consumer begins. Method: a topic with records 0 to 9
// in batches of several records.
func TestStartOffsets(t *testing.T) {
	cases := []struct {
		why    string
		offset int64
		want   int // first record, 10 for none
		final  error
	}{
		{"earliest", protocol.EarliestOffset, 0, nil},
		{"a number in the middle of a batch", 3, 3, nil},
		{"the last one", 9, 9, nil},
		{"latest: only what comes later", protocol.LatestOffset, 10, nil},
		{"the end: as latest", 10, 10, nil},
		{"beyond the end", 11, 10, protocol.ErrOffsetOutOfRange},
	}
	inWorlds(t, setup{brokers: 1, partitions: 1, replicas: 1}, func(r *rig) {
		p := r.producer(func(c *producer.Config) { c.Linger = time.Hour })
		send := func(from, to int) {
			for i := from; i < to; i++ {
				if err := p.Send(&producer.Record{Topic: topic, Value: fmt.Append(nil, i)}, nil); err != nil {
					t.Error(err)
				}
				if i%4 == 3 {
					p.Flush()
				}
			}
			p.Flush()
		}
		send(0, 10)
		var consumers []*consumer.Consumer
		for _, c := range cases {
			cons := r.consumer(c.offset, nil)
			if err := cons.AwaitPositions(r.client.Now().Add(patience)); err != nil {
				t.Errorf("%s: %v", c.why, err)
			}
			consumers = append(consumers, cons)
		}
		for i, c := range cases {
			if c.final != nil {
				if got, err := pollAll(r, consumers[i], 1); len(got) > 0 || !errors.Is(err, c.final) {
					t.Errorf("%s: got %q, %v, want %v", c.why, got, err, c.final)
				}
			}
		}
		send(10, 11)
		for i, c := range cases {
			if c.final == nil {
				got, err := pollAll(r, consumers[i], 11-c.want)
				if want := fmt.Sprintf("0/%d:%d", c.want, c.want); err != nil || len(got) != 11-c.want || got[0] != want {
					t.Errorf("%s: got %q, %v, want %q to 10", c.why, got, err, want)
				}
			}
			r.close(consumers[i])
		}
		r.close(p)
	})
}

// TestSmallFetches: limits below the size of one batch still make progress
// (KIP-74), and no partition is left behind. Method: four partitions of equal
// batches, and room for less than one.
func TestSmallFetches(t *testing.T) {
	cases := []struct {
		why    string
		change func(*consumer.Config)
		spread int // how many records one partition may be ahead of another
	}{
		{"max.partition.fetch.bytes of 1 byte", func(c *consumer.Config) { c.MaxPartitionFetchBytes = 1 }, 1},
		{"fetch.max.bytes of 1 byte", func(c *consumer.Config) { c.FetchMaxBytes = 1 }, 1},
		{"room for three batches in all", func(c *consumer.Config) { c.FetchMaxBytes = 400 }, 3},
	}
	const partitions, each = 4, 20
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			inWorlds(t, setup{brokers: 1, partitions: partitions, replicas: 1}, func(r *rig) {
				produceTo(r, partitions, each)
				cons := r.consumerOf(r.all(), c.change)
				var read [partitions]int
				for total := 0; total < partitions*each; {
					n, err := cons.Poll(r.client.Now().Add(time.Second), func(tp protocol.TopicPartition, _ *record.Record) {
						read[tp.Partition]++
					})
					if err != nil || n == 0 {
						t.Errorf("%d records, %v after %v", n, err, read)
						break
					}
					if spread := slices.Max(read[:]) - slices.Min(read[:]); spread > c.spread {
						t.Errorf("one partition is %d records ahead: %v", spread, read)
					}
					total += n
				}
				r.close(cons)
			})
		})
	}
}
