package clustertest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// FuzzRequests: whatever requests come, in whatever order, no broker and no
// controller panics, none hangs, each request gets an answer or the end of its
// connection, no buffer leaks, and the logs can be read to their ends and appended
// to. Requests are typed here, with Kafka's sizes and no bytes of their own, so that
// there is no decoder to be fuzzed: the target makes requests of the fuzzer's bytes,
// with fields of any value; the batches in them are bytes, right ones and wrong ones.
// Method: a simulated cluster; requests by hand, one after another, on connections
// that are made anew when they end.
func FuzzRequests(f *testing.F) {
	f.Add([]byte{})
	for kind := range byte(requestKinds) {
		f.Add([]byte{0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0})
	}
	for seed := range uint64(16) {
		random := rand.New(rand.NewPCG(seed, 0))
		data := make([]byte, 50+random.IntN(400))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 2000 {
			t.Skip("more of the same")
		}
		s := setup{brokers: 2, partitions: 2, replicas: 2, elects: standard,
			log: func(c *commitlog.Config) { c.SegmentBytes, c.MaxMessageBytes = 4000, 1000 },
			broker: func(c *broker.Config) {
				c.Server.IOThreads, c.Server.NetworkThreads, c.Server.QueuedRequests = 2, 1, 1
				c.Server.RequestBytesMax, c.Server.QueuedBytes = 5000, 5000
			}}
		run(t, exact(0), s, func(r *rig) { (&fuzzer{r: r, data: data}).run() })
	})
}

// requestKinds is how many kinds of message request makes.
const requestKinds = 13

// fuzzer makes requests of bytes.
type fuzzer struct {
	r          *rig
	data       []byte
	conns      map[string]*client.Conn
	session    int32 // the last fetch session that a broker made
	controlled bool  // the controller is told lies too: who leads is open then
}

// next takes a byte; 0 when there are none left.
func (f *fuzzer) next() byte {
	if len(f.data) == 0 {
		return 0
	}
	b := f.data[0]
	f.data = f.data[1:]
	return b
}

// number is any number, often one near a limit.
func (f *fuzzer) number() int64 {
	near := []int64{0, 1, 2, 3, -1, -2, -3, 7, 100, 1000, math.MaxInt16, math.MaxInt32, math.MinInt32, math.MaxInt64,
		math.MinInt64, math.MaxInt64 - 1}
	b := f.next()
	if int(b) < 8*len(near) {
		return near[int(b)%len(near)]
	}
	var raw [8]byte
	for i := range b % 8 {
		raw[i] = f.next()
	}
	return int64(binary.LittleEndian.Uint64(raw[:])) * (1 - 2*int64(b&1))
}

// wait is any time that a request may wait, at most a minute: longer ones would be
// kept to, and the target waits for each.
func (f *fuzzer) wait() time.Duration { return time.Duration(f.number()) % time.Minute }

func (f *fuzzer) partition() protocol.TopicPartition {
	tp := protocol.TopicPartition{Topic: topic}
	switch b := f.next(); {
	case b < 200:
		tp.Partition = int32(b % 2)
	case b < 220:
		tp.Partition = int32(f.number())
	default:
		tp.Topic = []string{"", "u", "tt"}[b%3]
	}
	return tp
}

// list calls one for each of a few things.
func (f *fuzzer) list(one func()) {
	for range f.next() % 5 {
		one()
	}
}

// ids are numbers of brokers, right ones and wrong ones.
func (f *fuzzer) ids() (ids []int32) {
	f.list(func() { ids = append(ids, f.broker()) })
	return ids
}

func (f *fuzzer) broker() int32 {
	if b := f.next(); b < 200 {
		return int32(b % 4)
	}
	return int32(f.number())
}

// epoch is often the present one of a registration.
func (f *fuzzer) epoch() int64 {
	if b := f.next(); b < 200 {
		return int64(b % 8)
	}
	return f.number()
}

// batch is the bytes of a right batch with changes, of which some are sealed again.
func (f *fuzzer) batch() env.Buf {
	b := batchOf(0, "value", "of two")
	switch f.next() % 8 {
	case 0, 1:
		return env.StaticBuf(b)
	case 2:
		return env.StaticBuf(b[:int(f.next())%len(b)])
	case 3:
		return env.StaticBuf(append(b, b...))
	case 4:
		return env.LengthBuf(int(f.next()) * 20)
	case 5:
		return env.Buf{}
	}
	f.list(func() { b[int(f.next())%len(b)] = f.next() })
	if h, err := record.ParseHeader(b); err == nil && f.next()%2 == 0 {
		h.CRC = record.UpdateCRC(0, b[record.AttributesOffset:])
		h.Put(b)
	}
	return env.StaticBuf(b)
}

// run sends what the bytes say, and then looks whether all is well.
func (f *fuzzer) run() {
	r := f.r
	f.conns = map[string]*client.Conn{}
	addrs := r.bootstrap()
	if f.controlled = f.next()%2 == 1; f.controlled {
		addrs = append(addrs, controllerAddr)
	}
	for len(f.data) > 0 && !r.t.Failed() {
		f.send(addrs[int(f.next())%len(addrs)], f.request())
	}
	for _, addr := range addrs {
		if c := f.conns[addr]; c != nil {
			c.Close()
		}
	}
	for i := range r.brokers {
		if err := r.brokers[i].Err(); err != nil {
			r.t.Errorf("broker %d: %v", i+1, err)
		}
		for _, p := range r.plan.Partitions {
			valuesOf(r.t, env.StaticBuf(r.logBytes(i, p.TopicPartition)))
		}
	}
	if !f.controlled {
		r.must(r.put(protocol.AcksAll, "after"))
		r.client.Sleep(time.Minute) // the followers fetch what acks=1 brought, if need be from the start
		r.sameLogs()
	}
}

// send sends a request and waits for its answer, or for the end of the connection.
func (f *fuzzer) send(addr string, body protocol.Body) {
	r := f.r
	c := f.conns[addr]
	if c == nil {
		var err error
		if c, err = client.Dial(r.client, addr, "fuzzer", patience); err != nil {
			r.t.Error(err)
			return
		}
		f.conns[addr] = c
	}
	what := fmt.Sprintf("%T", body)
	var err error
	if p, ok := body.(*protocol.ProduceRequest); ok && p.Acks == protocol.AcksNone && addr != controllerAddr {
		if err = c.SendOneWay(body); err == nil {
			body, err = c.Call(&protocol.MetadataRequest{}, 2*time.Minute)
		}
	} else {
		body, err = c.Call(body, 2*time.Minute)
	}
	switch {
	case err == nil:
		if resp, ok := body.(*protocol.FetchResponse); ok && resp.SessionID != 0 {
			f.session = resp.SessionID
		}
		body.Release()
	case errors.Is(err, env.ErrReset):
		c.Close()
		delete(f.conns, addr)
	default:
		r.t.Errorf("%s to %s: %v", what, addr, err)
		c.Close()
		delete(f.conns, addr)
	}
}

// request makes a request of one kind.
func (f *fuzzer) request() protocol.Body {
	switch f.next() % requestKinds {
	case 0, 1:
		r := &protocol.ProduceRequest{Acks: int16(int8(f.next()%4) - 1), Timeout: f.wait()}
		f.list(func() {
			r.Partitions = append(r.Partitions, protocol.ProducePartition{TopicPartition: f.partition(), Records: f.batch()})
		})
		return r
	case 2, 3:
		r := &protocol.FetchRequest{ReplicaID: f.broker() - 1, MaxWait: f.wait(), MinBytes: int32(f.number()),
			MaxBytes: int32(f.number()), SessionID: f.session, SessionEpoch: int32(f.next()%8) - 1}
		if f.next() > 200 {
			r.SessionID, r.SessionEpoch = int32(f.number()), int32(f.number())
		}
		f.list(func() { r.Forgotten = append(r.Forgotten, f.partition()) })
		f.list(func() {
			r.Partitions = append(r.Partitions, protocol.FetchPartition{TopicPartition: f.partition(),
				CurrentLeaderEpoch: int32(f.epoch()) - 1, FetchOffset: f.number(), MaxBytes: int32(f.number()),
				LastFetchedEpoch: int32(f.number())})
		})
		return r
	case 4:
		if f.next()%2 == 0 {
			r := &protocol.OffsetsForLeaderEpochRequest{ReplicaID: f.broker() - 1}
			f.list(func() {
				r.Partitions = append(r.Partitions, protocol.OffsetsForLeaderEpochPartition{TopicPartition: f.partition(),
					CurrentLeaderEpoch: int32(f.epoch()) - 1, LeaderEpoch: int32(f.epoch()) - 1})
			})
			return r
		}
		r := &protocol.ListOffsetsRequest{ReplicaID: f.broker() - 1}
		f.list(func() {
			r.Partitions = append(r.Partitions, protocol.ListOffsetsPartition{
				TopicPartition: f.partition(), Timestamp: f.number()})
		})
		return r
	case 5:
		r := &protocol.MetadataRequest{}
		f.list(func() { r.Topics = append(r.Topics, f.partition().Topic) })
		return r
	case 6:
		return &protocol.InitProducerIDRequest{}
	case 7:
		return &protocol.MetadataResponse{} // a body that no request has
	default:
		return f.controllerRequest()
	}
}

func (f *fuzzer) controllerRequest() protocol.Body {
	switch f.next() % 6 {
	case 0:
		return &protocol.BrokerRegistrationRequest{BrokerID: f.broker(), Incarnation: uint64(f.number()),
			Addr: "broker-1:9092"}
	case 1:
		r := &protocol.BrokerHeartbeatRequest{BrokerID: f.broker(), BrokerEpoch: f.epoch(), Version: f.number(),
			WantShutDown: f.next()%2 == 0}
		f.list(func() { r.OfflineLogDirs = append(r.OfflineLogDirs, "logs") })
		return r
	case 2:
		r := &protocol.AlterPartitionRequest{BrokerID: f.broker(), BrokerEpoch: f.epoch()}
		f.list(func() {
			r.Partitions = append(r.Partitions, protocol.AlterPartition{TopicPartition: f.partition(),
				LeaderEpoch: int32(f.epoch()), PartitionEpoch: int32(f.epoch()), NewISR: f.ids()})
		})
		return r
	case 3:
		return &protocol.MetadataLogRequest{BrokerID: f.broker(), Version: f.number(), MaxWait: f.wait()}
	case 4:
		r := &protocol.AssignReplicasToDirsRequest{BrokerID: f.broker(), BrokerEpoch: f.epoch()}
		f.list(func() {
			r.Partitions = append(r.Partitions, protocol.ReplicaDir{TopicPartition: f.partition(), Dir: "logs"})
		})
		return r
	default:
		r := &protocol.ElectLeadersRequest{}
		f.list(func() { r.Partitions = append(r.Partitions, f.partition()) })
		return r
	}
}
