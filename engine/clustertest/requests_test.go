package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/task"
)

// patience is the timeout of calls that are not to time out.
const patience = 20 * time.Second

// dial connects to a broker as a client that sends requests by hand.
func (r *rig) dial(i int) *client.Conn {
	c, err := client.Dial(r.client, r.plan.Brokers[i].Addr, "by-hand", patience)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// produceOne produces a batch to a partition by hand.
func produceOne(r *rig, c *client.Conn, acks int16, timeout time.Duration, part int32, batch []byte) (
	protocol.ProducePartitionResult, error) {
	req := &protocol.ProduceRequest{Acks: acks, Timeout: timeout, Partitions: []protocol.ProducePartition{{
		TopicPartition: protocol.TopicPartition{Topic: topic, Partition: part}, Records: env.StaticBuf(batch)}}}
	body, err := c.Call(req, patience)
	if err != nil {
		return protocol.ProducePartitionResult{}, err
	}
	resp, ok := body.(*protocol.ProduceResponse)
	if !ok || len(resp.Partitions) != 1 {
		return protocol.ProducePartitionResult{}, fmt.Errorf("answer is %+v", body)
	}
	return resp.Partitions[0], nil
}

// fetchAsk is a fetch by hand of one partition.
type fetchAsk struct {
	replica  int32
	part     int32
	epoch    int32
	offset   int64
	minBytes int32
	wait     time.Duration
}

// fetchOne returns the answer with its records as text "offset:value ...".
func fetchOne(r *rig, c *client.Conn, ask fetchAsk) (protocol.FetchPartitionResult, string) {
	r.t.Helper()
	body, err := c.Call(&protocol.FetchRequest{ReplicaID: ask.replica, MaxWait: ask.wait, MinBytes: ask.minBytes,
		MaxBytes: 1 << 20, Partitions: []protocol.FetchPartition{{
			TopicPartition:     protocol.TopicPartition{Topic: topic, Partition: ask.part},
			CurrentLeaderEpoch: ask.epoch, FetchOffset: ask.offset, MaxBytes: 1 << 20}}}, patience)
	if err != nil {
		r.t.Error(err)
		return protocol.FetchPartitionResult{}, ""
	}
	defer body.Release()
	out := body.(*protocol.FetchResponse).Partitions[0]
	text := ""
	for i, v := range valuesOf(r.t, out.Records) {
		text += fmt.Sprintf("%s@%d ", v, i)
	}
	return out, text
}

// TestProduceErrors: what a leader refuses has Kafka's code, and takes no offset.
func TestProduceErrors(t *testing.T) {
	good := batchOf(0, "good")
	count := slices.Clone(good) // two records claimed, one there; the CRC is right
	h, err := record.ParseHeader(good)
	if err != nil {
		t.Fatal(err)
	}
	h.RecordCount, h.LastOffsetDelta, h.MaxTimestamp = 1, 1, 0
	h.Put(count)
	h.CRC = record.UpdateCRC(0, count[record.AttributesOffset:])
	h.Put(count)
	negative := slices.Clone(good)
	h.RecordCount, h.LastOffsetDelta, h.ProducerID, h.BaseSequence = 1, 0, 5, -3
	h.Put(negative)
	h.CRC = record.UpdateCRC(0, negative[record.AttributesOffset:])
	h.Put(negative)
	cases := []struct {
		why   string
		acks  int16
		part  int32
		batch []byte
		want  protocol.ErrorCode
	}{
		{"a good batch", 1, 0, good, protocol.ErrNone},
		{"a partition that is not there", 1, 9, good, protocol.ErrUnknownTopicOrPartition},
		{"a partition that another broker leads", 1, 1, good, protocol.ErrNotLeaderOrFollower},
		{"a wrong CRC", 1, 0, broken(good, len(good)-1), protocol.ErrCorruptMessage},
		{"no header", 1, 0, good[:20], protocol.ErrCorruptMessage},
		{"another magic", 1, 0, broken(good, 16), protocol.ErrCorruptMessage},
		{"more than max.message.bytes", 1, 0, batchOf(0, string(make([]byte, 2000))), protocol.ErrMessageTooLarge},
		{"fewer records than offsets", 1, 0, count, protocol.ErrInvalidRecord},
		{"a producer's batch with a sequence below 0", 1, 0, negative, protocol.ErrInvalidRecord},
		{"offsets of its own", 1, 0, batchOf(7, "x"), protocol.ErrInvalidRecord},
		{"two batches", 1, 0, slices.Concat(good, good), protocol.ErrInvalidRecord},
		{"acks that Kafka does not know", 2, 0, good, protocol.ErrInvalidRequiredAcks},
		{"and a good one again, behind the first", -1, 0, good, protocol.ErrNone},
	}
	s := setup{brokers: 2, partitions: 2, replicas: 1, log: func(c *commitlog.Config) { c.MaxMessageBytes = 1000 }}
	inWorlds(t, s, func(r *rig) {
		c := r.dial(0)
		next := int64(0)
		for _, k := range cases {
			want := int64(-1)
			if k.want == protocol.ErrNone {
				want = next
				next++
			}
			out, err := produceOne(r, c, k.acks, patience, k.part, k.batch)
			if err != nil || out.Err != k.want || out.BaseOffset != want {
				t.Errorf("%s: offset %d, %v, %v; want %d, %v", k.why, out.BaseOffset, out.Err, err, want, k.want)
			}
		}
		if err := r.brokers[0].Err(); err != nil {
			t.Errorf("the broker says that a log failed: %v", err)
		}
		c.Close()
	})
}

// TestErrorWithoutAcks: with acks=0 there is no answer to carry an error, and the
// broker closes the connection.
func TestErrorWithoutAcks(t *testing.T) {
	inWorlds(t, setup{brokers: 1, partitions: 1, replicas: 1}, func(r *rig) {
		for _, k := range []struct {
			why   string
			batch []byte
			want  error
		}{
			{"a good batch: no answer", batchOf(0, "good"), nil},
			{"a bad one: a reset", broken(batchOf(0, "bad"), 65), env.ErrReset},
		} {
			c := r.dial(0)
			err := c.SendOneWay(&protocol.ProduceRequest{Partitions: []protocol.ProducePartition{
				{TopicPartition: part0, Records: env.StaticBuf(k.batch)}}})
			if err != nil {
				t.Error(err)
			}
			// The broker takes requests in order, so that an answer says that there was none before.
			if _, err := c.Call(&protocol.MetadataRequest{}, patience); !errors.Is(err, k.want) {
				t.Errorf("%s: %v, want %v", k.why, err, k.want)
			}
			c.Close()
		}
	})
}

// TestMutedConnection: a produce that waits for its replicas holds up the next
// request of its connection and none of another one, and times out. Method: of two
// replicas only the leader runs, so that acks=all never ends well.
func TestMutedConnection(t *testing.T) {
	for _, wd := range []world{onFiles, exact(0)} {
		t.Run(wd.name, func(t *testing.T) {
			run(t, wd, setup{brokers: 2, started: 1, partitions: 1, replicas: 2}, func(r *rig) {
				const timeout = 30 * ms
				muted, other := r.dial(0), r.dial(0)
				began := r.client.Now()
				for _, body := range []protocol.Body{
					&protocol.ProduceRequest{Acks: protocol.AcksAll, Timeout: timeout, Partitions: []protocol.ProducePartition{
						{TopicPartition: part0, Records: env.StaticBuf(batchOf(0, "waits"))}}},
					&protocol.MetadataRequest{},
				} {
					if err := muted.Send(body); err != nil {
						t.Error(err)
					}
				}
				if _, err := other.Call(&protocol.MetadataRequest{}, patience); err != nil {
					t.Error(err)
				}
				if took := r.client.Now().Sub(began); wd.name == "sim" && took != 0 {
					t.Errorf("another connection was held up for %v", took)
				}
				first, err := muted.Recv(r.client.Now().Add(patience))
				took := r.client.Now().Sub(began)
				out, ok := first.(*protocol.ProduceResponse)
				if err != nil || !ok || out.Partitions[0].Err != protocol.ErrRequestTimedOut {
					t.Errorf("the first answer is %+v, %v", first, err)
				}
				if took < timeout || wd.name == "sim" && took != timeout {
					t.Errorf("it took %v, want %v", took, timeout)
				}
				second, err := muted.Recv(r.client.Now().Add(patience))
				if _, ok := second.(*protocol.MetadataResponse); err != nil || !ok {
					t.Errorf("the second answer is %+v, %v", second, err)
				}
				muted.Close()
				other.Close()
			})
		})
	}
}

// TestAcks: how long an acknowledgement takes, to the nanosecond, on links of 1 ms
// where nothing else takes time. acks=1 is one round trip. acks=all adds one: the
// answer to the follower's waiting fetch, and its next fetch, which says what it has.
func TestAcks(t *testing.T) {
	for _, c := range []struct {
		why      string
		replicas int
		acks     int16
		want     time.Duration
	}{
		{"acks=1 of one replica", 1, protocol.AcksLeader, 2 * ms},
		{"acks=all of one replica", 1, protocol.AcksAll, 2 * ms},
		{"acks=1 of three", 3, protocol.AcksLeader, 2 * ms},
		{"acks=all of three", 3, protocol.AcksAll, 4 * ms},
	} {
		run(t, exact(ms), setup{brokers: 3, partitions: 1, replicas: c.replicas}, func(r *rig) {
			conn := r.dial(0)
			r.client.Sleep(100 * ms) // the followers' fetches wait
			for range 2 {
				began := r.client.Now()
				out, err := produceOne(r, conn, c.acks, patience, 0, batchOf(0, "v"))
				if took := r.client.Now().Sub(began); err != nil || out.Err != protocol.ErrNone || took != c.want {
					t.Errorf("%s: %v, %v, %v, want %v", c.why, took, out.Err, err, c.want)
				}
				r.client.Sleep(50 * ms)
			}
			conn.Close()
		})
	}
}

// TestHighWatermark: a consumer gets nothing at or above the high watermark, which
// the followers' fetches move; a follower gets all. Method: the test is the
// follower: of two replicas only the leader runs.
func TestHighWatermark(t *testing.T) {
	inWorlds(t, setup{brokers: 2, started: 1, partitions: 1, replicas: 2}, func(r *rig) {
		c := r.dial(0)
		for _, v := range []string{"a", "b"} {
			if out, err := produceOne(r, c, protocol.AcksLeader, patience, 0, batchOf(0, v)); err != nil || out.Err != 0 {
				t.Errorf("produce: %v, %v", out.Err, err)
			}
		}
		for _, k := range []struct {
			why     string
			replica int32
			offset  int64
			want    string
			hw      int64
			code    protocol.ErrorCode
		}{
			{"a consumer gets nothing yet", protocol.ConsumerReplicaID, 0, "", 0, 0},
			{"the follower gets both", 2, 0, "a@0 b@1 ", 0, 0},
			{"and says by its next fetch that it has one", 2, 1, "b@0 ", 1, 0},
			{"which the consumer can read now", protocol.ConsumerReplicaID, 0, "a@0 ", 1, 0},
			{"but not the other", protocol.ConsumerReplicaID, 1, "", 1, 0},
			{"a fetch from a broker that is no replica moves nothing", 3, 2, "", 1, 0},
			{"the follower has both", 2, 2, "", 2, 0},
			{"and so the consumer", protocol.ConsumerReplicaID, 0, "a@0 b@1 ", 2, 0},
			{"a follower that starts again does not take it back", 2, 0, "a@0 b@1 ", 2, 0},
			{"beyond the end is out of range", protocol.ConsumerReplicaID, 3, "", 2, protocol.ErrOffsetOutOfRange},
		} {
			out, got := fetchOne(r, c, fetchAsk{replica: k.replica, epoch: -1, offset: k.offset})
			if got != k.want || out.HighWatermark != k.hw || out.Err != k.code {
				t.Errorf("%s: %q, high watermark %d, %v; want %q, %d, %v", k.why, got, out.HighWatermark, out.Err,
					k.want, k.hw, k.code)
			}
		}
		c.Close()
	})
}

// TestFetchErrors: what a broker does not serve has Kafka's code, at once.
func TestFetchErrors(t *testing.T) {
	inWorlds(t, setup{brokers: 2, partitions: 2, replicas: 2}, func(r *rig) {
		c := r.dial(0)
		for _, k := range []struct {
			why         string
			part, epoch int32
			want        protocol.ErrorCode
		}{
			{"an unknown partition", 7, -1, protocol.ErrUnknownTopicOrPartition},
			{"a partition that it follows", 1, -1, protocol.ErrNotLeaderOrFollower},
			{"an old epoch", 0, -1, protocol.ErrNone},
			{"a later epoch than the leader's", 0, 5, protocol.ErrUnknownLeaderEpoch},
		} {
			began := r.client.Now()
			wait := 10 * time.Second
			if k.want == protocol.ErrNone {
				wait = 0
			}
			out, _ := fetchOne(r, c, fetchAsk{replica: -1, part: k.part, epoch: k.epoch, minBytes: 1, wait: wait})
			if out.Err != k.want {
				t.Errorf("%s: %v, want %v", k.why, out.Err, k.want)
			}
			if took := r.client.Now().Sub(began); took > 5*time.Second {
				t.Errorf("%s: it took %v", k.why, took)
			}
		}
		c.Close()
	})
}

// TestLongPoll: a fetch without enough waits for fetch.max.wait.ms, and ends as
// soon as there is enough, to the nanosecond. Method: batches of 70 bytes every
// 10 ms, in a world where nothing takes time.
func TestLongPoll(t *testing.T) {
	size := int32(len(batchOf(0, "a")))
	for _, c := range []struct {
		why      string
		produce  int
		minBytes int32
		wait     time.Duration
		took     time.Duration
		want     string
	}{
		{"nothing comes", 0, 1, 500 * ms, 500 * ms, ""},
		{"the first batch is enough", 3, 1, 500 * ms, 10 * ms, "a@0 "},
		{"two are, exactly", 3, 2 * size, 500 * ms, 20 * ms, "a@0 a@1 "},
		{"a byte more needs the third", 3, 2*size + 1, 500 * ms, 30 * ms, "a@0 a@1 a@2 "},
		{"never enough: what there is at the end", 3, 10 * size, 500 * ms, 500 * ms, "a@0 a@1 a@2 "},
		{"the deadline comes between", 3, 10 * size, 15 * ms, 15 * ms, "a@0 "},
		{"it does not want to wait", 3, 1, 0, 0, ""},
		{"it wants nothing", 3, 0, 500 * ms, 0, ""},
	} {
		run(t, exact(0), setup{brokers: 1, partitions: 1, replicas: 1}, func(r *rig) {
			g := task.NewGroup(r.client)
			began := r.client.Now()
			g.Go("produce", func() error {
				conn := r.dial(0)
				defer conn.Close()
				for range c.produce {
					r.client.Sleep(10 * ms)
					if _, err := produceOne(r, conn, protocol.AcksLeader, patience, 0, batchOf(0, "a")); err != nil {
						return err
					}
				}
				return nil
			})
			conn := r.dial(0)
			_, got := fetchOne(r, conn, fetchAsk{replica: -1, epoch: -1, minBytes: c.minBytes, wait: c.wait})
			if took := r.client.Now().Sub(began); took != c.took || got != c.want {
				t.Errorf("%s: %q after %v, want %q after %v", c.why, got, took, c.want, c.took)
			}
			conn.Close()
			if err := g.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFlushScheduler: how often logs are forced, counted exactly. Method: a record
// every 10 ms for 100 ms in a world where nothing takes time.
func TestFlushScheduler(t *testing.T) {
	for _, c := range []struct {
		why       string
		messages  int64
		interval  time.Duration
		scheduler time.Duration
		want      int64
	}{
		{"never, as Kafka's default", 0, 0, 0, 0},
		{"flush.messages=1 forces each batch", 1, 0, 0, 10},
		{"flush.messages=4 every fourth", 4, 0, 0, 2},
		{"flush.ms without a scheduler does nothing", 0, ms, 0, 0},
		{"a scheduler without flush.ms does nothing", 0, 0, ms, 0},
		{"flush.ms=25 with a scheduler of 5: at 25, 50, 75 and 100", 0, 25 * ms, 5 * ms, 4},
		{"a slow scheduler decides: at 40 and 80", 0, 25 * ms, 40 * ms, 2},
	} {
		s := setup{brokers: 1, partitions: 1, replicas: 1,
			log:    func(l *commitlog.Config) { l.FlushMessages, l.FlushInterval = c.messages, c.interval },
			broker: func(b *broker.Config) { b.FlushScheduler = c.scheduler }}
		run(t, exact(0), s, func(r *rig) {
			conn := r.dial(0)
			for range 10 {
				r.client.Sleep(10*ms - 1)
				if _, err := produceOne(r, conn, protocol.AcksLeader, patience, 0, batchOf(0, "a")); err != nil {
					t.Error(err)
				}
				r.client.Sleep(1)
			}
			r.client.Sleep(1)
			if got := r.brokers[0].Stats().Fsyncs; got != c.want {
				t.Errorf("%s: %d fsyncs, want %d", c.why, got, c.want)
			}
			conn.Close()
		})
	}
}
