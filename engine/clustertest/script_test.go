package clustertest

import (
	"testing"

	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/task"
)

// script is a broker that answers as a test says. It answers metadata, list
// offsets and init producer id by itself.
type script struct {
	r        *rig
	listener env.Listener
	tasks    *task.Group
	// handle gets the other requests of one connection one after the other; what
	// it leaves in them is released after it.
	handle func(p *peer, req *protocol.Request)
}

// peer is one connection to the script.
type peer struct {
	s      *script
	number int // counts produce or fetch connections from 0; -1 before its first such request
	conn   env.Conn
}

func (p *peer) reply(req *protocol.Request, body protocol.Body) {
	// A client that has gone away is none of the script's business.
	_ = p.conn.Send(&protocol.Response{CorrelationID: req.CorrelationID, Body: body})
}

// produced answers a produce request: batches of each partition follow one
// another from base on.
func (p *peer) produced(req *protocol.Request, base int64) {
	in := req.Body.(*protocol.ProduceRequest)
	out := &protocol.ProduceResponse{}
	for i := range in.Partitions {
		out.Partitions = append(out.Partitions, protocol.ProducePartitionResult{
			TopicPartition: in.Partitions[i].TopicPartition, BaseOffset: base})
	}
	p.reply(req, out)
}

// runScript runs body with a script in the place of the only broker.
func runScript(t *testing.T, wd world, partitions int, handle func(p *peer, req *protocol.Request),
	body func(r *rig, s *script)) {
	t.Helper()
	r := &rig{t: t, stage: wd.make(t), brokers: make([]*broker.Broker, 1)}
	r.nodes = []env.Node{r.stage.NewNode(env.NodeConfig{Name: "broker-1"})}
	r.client = r.stage.NewNode(env.NodeConfig{Name: "client"})
	var err error
	r.plan, err = cluster.Assign([]cluster.Broker{{ID: 1, Addr: "broker-1:9092"}},
		[]cluster.Topic{{Name: topic, Partitions: partitions, ReplicationFactor: 1}})
	if err != nil {
		t.Fatal(err)
	}
	s := &script{r: r, tasks: task.NewGroup(r.nodes[0]), handle: handle}
	err = r.stage.Run(r.client, func() {
		if s.listener, err = r.nodes[0].Net().Listen("broker-1:9092"); err != nil {
			t.Error(err)
			return
		}
		s.tasks.Go("acceptor", s.accept)
		body(r, s)
		r.close(s.listener)
		if err := s.tasks.Wait(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r.checkPools()
}

func (s *script) accept() error {
	number := 0 // of connections that came to produce or fetch: shared by tasks of one node, under mu
	mu := s.r.nodes[0].NewMutex()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return nil
		}
		p := &peer{s: s, number: -1, conn: conn}
		s.tasks.Go("connection", func() error {
			defer func() { _ = conn.Close() }()
			for {
				m, err := conn.Recv(env.Never)
				if err != nil {
					return nil
				}
				req := m.(*protocol.Request)
				switch body := req.Body.(type) {
				case *protocol.MetadataRequest:
					p.reply(req, s.r.plan.Metadata(body.Topics))
				case *protocol.InitProducerIDRequest:
					p.reply(req, &protocol.InitProducerIDResponse{ProducerID: 1000})
				case *protocol.ListOffsetsRequest:
					out := &protocol.ListOffsetsResponse{}
					for _, in := range body.Partitions {
						out.Partitions = append(out.Partitions, protocol.ListOffsetsResult{TopicPartition: in.TopicPartition})
					}
					p.reply(req, out)
				default:
					if p.number < 0 {
						mu.Lock()
						p.number = number
						number++
						mu.Unlock()
					}
					s.handle(p, req)
				}
				req.Release()
			}
		})
	}
}

// batchOf is a record batch of values from an offset on.
func batchOf(base int64, values ...string) []byte {
	records := make([]byte, record.HeaderSize)
	for i, v := range values {
		records = record.AppendRecord(records, int32(i), 0, nil, []byte(v), nil)
	}
	h := record.Header{BaseOffset: base, BatchLength: int32(len(records) - 12), Magic: 2,
		LastOffsetDelta: int32(len(values) - 1), ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1,
		RecordCount: int32(len(values))}
	h.Put(records)
	h.CRC = record.UpdateCRC(0, records[record.AttributesOffset:])
	h.Put(records)
	return records
}

// valuesOf is the values of an uncompressed batch.
func valuesOf(t testing.TB, b env.Buf) (values []string) {
	raw := make([]byte, b.Len())
	if err := b.ReadAt(raw, 0); err != nil {
		t.Error(err)
		return nil
	}
	for len(raw) > 0 {
		h, err := record.ParseHeader(raw)
		if err != nil {
			t.Error(err)
			return nil
		}
		it := record.NewIterator(&h, raw[record.HeaderSize:h.SizeBytes()])
		var r record.Record
		for it.Next(&r) {
			values = append(values, string(r.Value))
		}
		raw = raw[h.SizeBytes():]
	}
	return values
}
