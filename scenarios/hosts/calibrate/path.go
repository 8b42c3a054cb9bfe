package calibrate

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"brokerlab/disks/osfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/realworld"
	"brokerlab/engine/record"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/payload"
)

const (
	topic      = "calibrate"
	partitions = 8
	brokerAddr = "broker:9092"
	patience   = 10 * time.Second
	// wakeEvery is the pace of the round trips that wake-ups are taken from.
	wakeEvery = 500 * time.Microsecond
)

// recordBytes are the sizes of values whose Sends are compared.
var recordBytes = [2]int{100, 1000}

// Names of probes of the path.
const (
	messageName = "a message"
	produceOne  = "produce of one partition"
	produceAll  = "produce of eight partitions"
	askOne      = "offsets of one partition"
	askAll      = "offsets of eight partitions"
)

func sendName(i int) string { return fmt.Sprintf("Send of %d bytes", recordBytes[i]) }

// path is a broker and a client in this process.
type path struct {
	c      *calibration
	broker env.Node
	client env.Node
	conn   *client.Conn
}

// measurePath measures what goes through a real broker.
func (c *calibration) measurePath() error {
	w := realworld.New(realworld.Config{Seed: 1})
	fs := osfs.New(c.dir)
	p := &path{c: c,
		broker: w.NewNode(env.NodeConfig{Name: "broker", Mount: func(env.Node) env.FS { return fs }}),
		client: w.NewNode(env.NodeConfig{Name: "client"})}
	var failure error
	err := w.Run(p.client, func() { failure = p.run() })
	return errors.Join(err, failure)
}

func (p *path) run() (err error) {
	plan, err := cluster.Assign([]cluster.Broker{{ID: 1, Addr: brokerAddr}},
		[]cluster.Topic{{Name: topic, Partitions: partitions, ReplicationFactor: 1}})
	if err != nil {
		return err
	}
	cfg := broker.DefaultConfig()
	cfg.ID, cfg.Plan, cfg.LogDirs = 1, plan, []string{"logs"}
	cfg.Topics = []broker.TopicLog{{Topic: topic, Log: commitlog.DefaultConfig()}}
	b, err := broker.Start(p.broker, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Err(), b.Discard()) }()
	if p.conn, err = client.Dial(p.client, brokerAddr, "calibrate", patience); err != nil {
		return err
	}
	defer p.conn.Close()
	if err := p.onOneCore(); err != nil {
		return err
	}
	if err := p.wakeUps(); err != nil {
		return err
	}
	p.timersLate()
	return nil
}

// onOneCore measures the processor time of whole round trips. All tasks share one
// core meanwhile: elsewhere the Go runtime looks for work on the others, and it
// could not be told from work.
func (p *path) onOneCore() error {
	cores := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(cores)
	messages, end, err := p.pingPong()
	if err != nil {
		return err
	}
	defer end()
	probes := []struct {
		name string
		call func() error
	}{
		{messageName, messages},
		{askOne, func() error { return p.ask(1) }}, {askAll, func() error { return p.ask(partitions) }},
		{produceOne, func() error { return p.produce(1) }}, {produceAll, func() error { return p.produce(partitions) }},
	}
	samples := map[string][]float64{}
	for range p.c.o.Rounds {
		for _, q := range probes {
			if p.c.o.Stopped() {
				return ErrStopped
			}
			before := processTime()
			for range p.c.o.Trips {
				if err := q.call(); err != nil {
					return fmt.Errorf("%s: %w", q.name, err)
				}
			}
			samples[q.name] = append(samples[q.name], float64(processTime()-before)/float64(p.c.o.Trips))
		}
		for i := range recordBytes {
			ns, err := p.sends(i)
			if err != nil {
				return fmt.Errorf("%s: %w", sendName(i), err)
			}
			samples[sendName(i)] = append(samples[sendName(i)], ns)
		}
	}
	for name, all := range samples {
		p.c.costs[name] = (&probe{samples: all}).lowerQuartile()
	}
	return nil
}

// pingPong connects two tasks that answer each other.
func (p *path) pingPong() (trip func() error, end func(), err error) {
	const addr = "broker:1"
	listener, err := p.broker.Net().Listen(addr)
	if err != nil {
		return nil, nil, err
	}
	p.broker.Go("echo", func() {
		conn, err := listener.Accept()
		for err == nil {
			var m env.Message
			if m, err = conn.Recv(env.Never); err == nil {
				err = conn.Send(m)
			}
		}
	})
	conn, err := p.client.Net().Dial(addr, patience)
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	m := &protocol.Request{Body: &protocol.InitProducerIDRequest{}}
	return func() error {
			if err := conn.Send(m); err != nil {
				return err
			}
			_, err := conn.Recv(env.Never)
			return err
		}, func() {
			_ = conn.Close() // nothing is lost with it
			_ = listener.Close()
		}, nil
}

// ask asks where so many partitions end, which is hardly more than a request.
func (p *path) ask(count int) error {
	req := &protocol.ListOffsetsRequest{ReplicaID: -1}
	for i := range count {
		req.Partitions = append(req.Partitions, protocol.ListOffsetsPartition{
			TopicPartition: protocol.TopicPartition{Topic: topic, Partition: int32(i)}, Timestamp: protocol.LatestOffset})
	}
	body, err := p.conn.Call(req, patience)
	if err != nil {
		return err
	}
	defer body.Release()
	for _, r := range body.(*protocol.ListOffsetsResponse).Partitions {
		if r.Err != protocol.ErrNone {
			return r.Err
		}
	}
	return nil
}

// tinyValueBytes is the size of the only record of a produced batch.
const tinyValueBytes = 100

// produce sends a batch of one record to each of so many partitions and waits for
// the answer.
func (p *path) produce(count int) error {
	req := &protocol.ProduceRequest{Acks: protocol.AcksLeader, Timeout: patience}
	for i := range count {
		req.Partitions = append(req.Partitions, protocol.ProducePartition{
			TopicPartition: protocol.TopicPartition{Topic: topic, Partition: int32(i)}, Records: p.batch()})
	}
	body, err := p.conn.Call(req, patience)
	if err != nil {
		return err
	}
	defer body.Release()
	for _, r := range body.(*protocol.ProduceResponse).Partitions {
		if r.Err != protocol.ErrNone {
			return r.Err
		}
	}
	return nil
}

// batch is one of one record.
func (p *path) batch() env.Buf {
	var value [tinyValueBytes]byte
	size := record.HeaderSize + record.RecordSize(0, 0, nil, value[:], nil)
	m := p.client.Pool().Get(size)
	buf := record.AppendRecord(m.Bytes()[:record.HeaderSize], 0, 0, nil, value[:], nil)
	h := record.Header{Magic: 2, RecordCount: 1, PartitionLeaderEpoch: -1, ProducerID: -1, ProducerEpoch: -1,
		BaseSequence: -1, BatchLength: int32(len(buf) - 12)}
	h.Put(buf)
	h.CRC = record.UpdateCRC(0, buf[record.AttributesOffset:])
	h.Put(buf)
	return env.MemBuf(m, buf)
}

// sends is the processor time of making a record and of one Send.
func (p *path) sends(i int) (ns float64, err error) {
	source, err := payload.New(payload.Config{Kind: payload.JSONLogs, Size: recordBytes[i], Seed: 1})
	if err != nil {
		return 0, err
	}
	cfg := producer.DefaultConfig()
	cfg.Bootstrap, cfg.Acks = []string{brokerAddr}, protocol.AcksLeader
	q, err := producer.New(p.client, cfg)
	if err != nil {
		return 0, err
	}
	pacer, err := arrival.New(arrival.Config{Producers: 1})
	if err != nil {
		return 0, errors.Join(err, q.Close())
	}
	value := source.Append(nil, payload.ID{}, 0)
	p.c.recordsB[i] = record.SizeUpperBound(record.FieldsSize(nil, value, nil))
	r := &producer.Record{Topic: topic, Partition: -1}
	ns, err = timed(p.c.o.Records, func() error { // what the load generator does for each
		now := p.client.Now()
		pacer.Next(now)
		r.Intended = pacer.Take(now)
		value = source.Append(value[:0], payload.ID{Sequence: r.Cookie}, r.Intended)
		r.Value = value
		r.Cookie++
		return q.Send(r, nil)
	})
	return ns, errors.Join(err, q.Close())
}

// recordEncode is the price of a record from the Sends of two sizes.
func (c *calibration) recordEncode() (perCall, perByte float64) {
	bytes := c.costs[crcName(memorySizes[1])]/float64(memorySizes[1]) +
		c.costs[copyName(memorySizes[1])]/float64(memorySizes[1])
	small := c.costs[sendName(0)] - bytes*float64(c.recordsB[0])
	large := c.costs[sendName(1)] - bytes*float64(c.recordsB[1])
	perByte = max(0, (large-small)/float64(c.recordsB[1]-c.recordsB[0]))
	return max(0, small-perByte*float64(c.recordsB[0])), perByte
}

// prices of a call and of each of its partitions.
type prices struct{ call, partition float64 }

// requests are the prices of half a message; of one of the four steps of a request
// that hardly does more than to be one: built and parsed, worked on, and its answer
// parsed; and of the work on a produce request, which is what its round trip takes
// beside the other three steps and what has a price of its own.
func (c *calibration) requests() (message float64, request, handle prices) {
	const steps = 4
	message = c.costs[messageName] / 4 // two messages of two halves
	known := c.costs[appendName(appendSizes[0])] + c.costs[checkName]/probeRecords + c.costs[crcName(memorySizes[0])]
	partition := func(one, all string) float64 { return max(0, (c.costs[all]-c.costs[one])/(partitions-1)) }
	request.partition = partition(askOne, askAll) / steps
	request.call = max(0, (c.costs[askOne]-c.costs[messageName])/steps-request.partition)
	handle.partition = max(request.partition, partition(produceOne, produceAll)-known-(steps-1)*request.partition)
	produce := c.costs[produceOne] - c.costs[messageName] - known - (steps-1)*(request.call+request.partition)
	handle.call = max(request.call, produce-handle.partition)
	return message, request, handle
}

// wakeUps measures how long a message takes to a task that waits for it, in both
// directions, at a pace at which threads go to sleep in between.
func (p *path) wakeUps() error {
	const addr = "broker:2"
	listener, err := p.broker.Net().Listen(addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	var sent env.Time // handed over with the messages
	var there []time.Duration
	p.broker.Go("paced echo", func() {
		conn, err := listener.Accept()
		for err == nil {
			var m env.Message
			if m, err = conn.Recv(env.Never); err == nil {
				now := p.broker.Now()
				there = append(there, now.Sub(sent))
				sent = now
				err = conn.Send(m)
			}
		}
	})
	conn, err := p.client.Net().Dial(addr, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	m := &protocol.Request{Body: &protocol.InitProducerIDRequest{}}
	var back []time.Duration
	for range p.c.o.Wakes {
		if p.c.o.Stopped() {
			return ErrStopped
		}
		p.client.Sleep(wakeEvery)
		sent = p.client.Now()
		if err := conn.Send(m); err != nil {
			return err
		}
		if _, err := conn.Recv(env.Never); err != nil {
			return err
		}
		back = append(back, p.client.Now().Sub(sent))
	}
	p.c.wakes = slices.Concat(there, back)
	return nil
}

// timersLate measures how late waits end that nobody wakes.
func (p *path) timersLate() {
	mu := p.client.NewMutex()
	cond := p.client.NewCond(mu)
	mu.Lock()
	defer mu.Unlock()
	for i := range p.c.o.Timers {
		deadline := p.client.Now().Add(time.Millisecond + time.Duration(i%10)*100*time.Microsecond)
		cond.WaitUntil(deadline)
		p.c.timers = append(p.c.timers, max(0, p.client.Now().Sub(deadline)))
	}
}
