package server_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/realworld"
	"brokerlab/engine/server"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ms       = time.Millisecond
	patience = 20 * time.Second
	addr     = "broker:9092"
)

// bed is a server whose requests name what they cost in the topics of a metadata
// request: the name, and how long it takes a network thread, an I/O thread, and in
// purgatory.
type bed struct {
	t      *testing.T
	broker env.Node
	client env.Node
	server *server.Server
	began  env.Time
	log    struct {
		env.Mutex
		lines []string
	}
	waiting struct { // requests in purgatory
		env.Mutex
		end    env.Cond
		closed bool
	}
}

// cost is a request.
type cost struct {
	name                     string
	parse, handle, purgatory time.Duration
}

func (c cost) body() protocol.Body {
	return &protocol.MetadataRequest{Topics: []string{c.name, c.parse.String(), c.handle.String(), c.purgatory.String()}}
}

func costOf(body protocol.Body) cost {
	r := body.(*protocol.MetadataRequest)
	var d [3]time.Duration
	for i := range d {
		d[i], _ = time.ParseDuration(r.Topics[i+1])
	}
	return cost{r.Topics[0], d[0], d[1], d[2]}
}

func (b *bed) note(what, name string) {
	b.log.Lock()
	defer b.log.Unlock()
	b.log.lines = append(b.log.lines, fmt.Sprintf("%v %s %s", b.broker.Now().Sub(b.began), what, name))
}

func (b *bed) Parse(req *protocol.Request) { b.broker.Sleep(costOf(req.Body).parse) }

func (b *bed) Handle(req *protocol.Request, received env.Time) server.Answer {
	c := costOf(req.Body)
	b.note("begins", c.name)
	if waited := b.broker.Now().Sub(received); waited < c.parse {
		b.t.Errorf("%s was received %v before it was handled, and took %v to parse", c.name, waited, c.parse)
	}
	b.broker.Sleep(c.handle)
	switch {
	case c.name == "shut":
		return server.Answer{Close: true}
	case c.purgatory > 0:
		return server.Answer{Delayed: &delayed{b, b.broker.Now().Add(c.purgatory)}}
	}
	return server.Answer{Body: &protocol.MetadataResponse{Brokers: []protocol.BrokerMetadata{{Addr: c.name}}}}
}

type delayed struct {
	b        *bed
	deadline env.Time
}

func (d *delayed) Await() protocol.Body {
	w := &d.b.waiting
	w.Lock()
	defer w.Unlock()
	for !w.closed && w.end.WaitUntil(d.deadline) {
	}
	return &protocol.MetadataResponse{}
}

// close ends the server and checks that all its tasks do.
func (b *bed) close() {
	b.waiting.Lock()
	b.waiting.closed = true
	b.waiting.end.Broadcast()
	b.waiting.Unlock()
	if err := errors.Join(b.server.Close(), b.server.Wait(), b.server.Close()); err != nil {
		b.t.Error(err)
	}
}

// exactly runs body in a simulated world in which only what the requests name takes
// time.
func exactly(t *testing.T, cfg server.Config, body func(b *bed)) {
	t.Helper()
	w := simworld.New(simworld.Config{Seed: 1})
	defer w.Close()
	run(t, w, cfg, body)
}

func inWorlds(t *testing.T, cfg server.Config, body func(b *bed)) {
	t.Run("real", func(t *testing.T) { run(t, realworld.New(realworld.Config{Seed: 1}), cfg, body) })
	t.Run("sim", func(t *testing.T) { exactly(t, cfg, body) })
}

func run(t *testing.T, w env.World, cfg server.Config, body func(b *bed)) {
	t.Helper()
	b := &bed{t: t, broker: w.NewNode(env.NodeConfig{Name: "broker"}), client: w.NewNode(env.NodeConfig{Name: "client"})}
	b.log.Mutex, b.waiting.Mutex = b.broker.NewMutex(), b.broker.NewMutex()
	b.waiting.end = b.broker.NewCond(b.waiting.Mutex)
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	b.server = server.New(b.broker, cfg, func() server.Handler { return b })
	err := w.Run(b.broker, func() {
		if err := b.server.Listen(addr); err != nil {
			t.Error(err)
			return
		}
		b.began = b.broker.Now()
		body(b)
		b.close()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bed) dial() *client.Conn {
	c, err := client.Dial(b.client, addr, "test", patience)
	if err != nil {
		b.t.Error(err)
		return nil
	}
	return c
}

// ask sends each request on a connection of its own, one a microsecond, and returns
// after how many milliseconds each was answered.
func (b *bed) ask(costs []cost) []int {
	took := make([]int, len(costs))
	g := task.NewGroup(b.client)
	for i, c := range costs {
		g.Go("client", func() error {
			conn := b.dial()
			defer conn.Close()
			b.client.Sleep(time.Duration(i) * time.Microsecond)
			_, err := conn.Call(c.body(), patience)
			took[i] = int(b.client.Now().Sub(b.began) / ms)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		b.t.Error(err)
	}
	return took
}

func repeated(n int, c cost) []cost {
	out := make([]cost, n)
	for i := range out {
		out[i] = c
		out[i].name = fmt.Sprint(i)
	}
	return out
}

// Goal: no more requests are worked on at once than there are threads, the others
// wait in the order in which they came, and what waits in purgatory holds no thread.
// Method: when requests of known cost are answered, in a world where nothing else
// takes time.
func TestThreads(t *testing.T) {
	slow := cost{handle: 10 * ms}
	for _, c := range []struct {
		why          string
		io, net, max int
		costs        []cost
		want         []int // ms until each answer
	}{
		{"one thread, one after another", 1, 3, 500, repeated(4, slow), []int{10, 20, 30, 40}},
		{"two threads, two at once", 2, 3, 500, repeated(5, slow), []int{10, 10, 20, 20, 30}},
		{"as many threads as requests", 4, 3, 500, repeated(4, slow), []int{10, 10, 10, 10}},
		{"a wait in purgatory holds no thread", 1, 3, 500, repeated(3, cost{purgatory: 30 * ms}), []int{30, 30, 30}},
		{"but what comes before it does", 1, 3, 500, repeated(3, cost{handle: 5 * ms, purgatory: 30 * ms}),
			[]int{35, 40, 45}},
		{"two network threads parse two at once", 8, 2, 500, repeated(4, cost{parse: 10 * ms}), []int{10, 10, 20, 20}},
		{"parsing goes on beside handling", 1, 1, 500, repeated(3, cost{parse: 10 * ms, handle: 10 * ms}),
			[]int{20, 30, 40}},
		// The first is handled to 10, the second is queued, the third holds the network
		// thread until the second has left the queue, so that the fourth, of which only
		// the parsing takes time, is parsed from 10 on.
		{"a full queue stops the network thread", 1, 1, 1,
			append(repeated(3, slow), cost{name: "last", parse: 25 * ms}), []int{10, 20, 30, 35}},
		{"a longer one does not", 1, 1, 2,
			append(repeated(3, slow), cost{name: "last", parse: 25 * ms}), []int{10, 20, 30, 30}},
	} {
		cfg := server.DefaultConfig()
		cfg.IOThreads, cfg.NetworkThreads, cfg.QueuedRequests = c.io, c.net, c.max
		exactly(t, cfg, func(b *bed) {
			if got := b.ask(c.costs); !slices.Equal(got, c.want) {
				t.Errorf("%s: answered after %v ms, want %v\n%v", c.why, got, c.want, b.log.lines)
			}
		})
	}
}

// Goal: in neither world is a request lost, done twice or left waiting where threads
// and queue are as few as they can be, and never are more worked on at once. Method:
// many connections, whose requests end in each of the ways; the handler counts.
func TestFewThreads(t *testing.T) {
	cfg := server.DefaultConfig()
	cfg.IOThreads, cfg.NetworkThreads, cfg.QueuedRequests = 2, 2, 1
	cfg.RequestBytesMax, cfg.QueuedBytes = 200, 200
	inWorlds(t, cfg, func(b *bed) {
		const conns, requests = 16, 20
		g := task.NewGroup(b.client)
		for range conns {
			g.Go("client", func() error {
				conn := b.dial()
				defer conn.Close()
				for k := range requests {
					c := cost{name: "x"}
					if k%3 == 0 {
						c.purgatory = 20 * time.Microsecond
					}
					if _, err := conn.Call(c.body(), patience); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			b.t.Error(err)
		}
		b.log.Lock()
		defer b.log.Unlock()
		if len(b.log.lines) != conns*requests {
			b.t.Errorf("%d requests were handled, %d sent", len(b.log.lines), conns*requests)
		}
	})
}

// Goal: while requests hold queued.max.request.bytes no other one is worked on, and
// the last one may go beyond. Method: requests of 10 ms, each of one size.
func TestMemory(t *testing.T) {
	costs := repeated(4, cost{handle: 10 * ms})
	size := int64((&protocol.Request{ClientID: "test", Body: costs[0].body()}).WireBytes())
	for _, c := range []struct {
		why   string
		bytes int64
		want  []int
	}{
		{"no limit", -1, []int{10, 10, 10, 10}},
		{"room for one, and a byte: two at a time", size + 1, []int{10, 10, 20, 20}},
		{"room for one: one at a time", size, []int{10, 20, 30, 40}},
		{"room for less than one: one at a time", size - 4, []int{10, 20, 30, 40}},
	} {
		cfg := server.DefaultConfig()
		cfg.QueuedBytes, cfg.RequestBytesMax = c.bytes, size-4
		exactly(t, cfg, func(b *bed) {
			if got := b.ask(costs); !slices.Equal(got, c.want) {
				t.Errorf("%s: answered after %v ms, want %v", c.why, got, c.want)
			}
		})
	}
}

// Goal: a request above socket.request.max.bytes ends its connection, unhandled, and
// is counted; one of just that size is answered; so ends what no request is, and a
// request that the handler will not answer.
func TestRefusals(t *testing.T) {
	fits := cost{name: "fits"}
	cfg := server.DefaultConfig()
	cfg.RequestBytesMax = int64((&protocol.Request{ClientID: "test", Body: fits.body()}).WireBytes()) - 4
	inWorlds(t, cfg, func(b *bed) {
		for _, k := range []struct {
			name string
			want error
		}{{"fits", nil}, {"large", env.ErrReset}, {"shut", env.ErrReset}} {
			conn := b.dial()
			if _, err := conn.Call(cost{name: k.name}.body(), patience); !errors.Is(err, k.want) {
				b.t.Errorf("%s: %v, want %v", k.name, err, k.want)
			}
			conn.Close()
		}
		raw, err := b.client.Net().Dial(addr, patience)
		if err == nil {
			err = raw.Send(&protocol.Response{Body: &protocol.MetadataResponse{}})
		}
		if err != nil {
			b.t.Error(err)
		}
		if _, err := raw.Recv(env.Never); !errors.Is(err, env.ErrReset) {
			b.t.Errorf("a response in place of a request: %v", err)
		}
		_ = raw.Close()
		if got := b.server.Stats().TooLarge; got != 1 {
			b.t.Errorf("%d requests were too large, want 1", got)
		}
	})
}

// Goal: Close ends at once whatever the peers do. Method: one that says nothing, one
// whose request waits in purgatory, one that waits for memory, and one that reads no
// responses, so that the link is full. The leak check and Wait say that all ended.
func TestCloseWithSilentPeers(t *testing.T) {
	cfg := server.DefaultConfig()
	cfg.IOThreads, cfg.QueuedRequests = 1, 1
	inWorlds(t, cfg, func(b *bed) {
		b.dial()
		for range 3 {
			if err := b.dial().Send(cost{name: "waits", purgatory: time.Hour}.body()); err != nil {
				b.t.Error(err)
			}
		}
		deaf := b.dial()
		g := task.NewGroup(b.client)
		g.Go("deaf", func() error {
			for deaf.Send(cost{name: strings.Repeat("x", 1<<14)}.body()) == nil {
			}
			return nil
		})
		b.client.Sleep(5 * ms)
		began := b.broker.Now()
		b.close()
		if took := b.broker.Now().Sub(began); took > time.Second {
			b.t.Errorf("Close took %v", took)
		}
		if err := g.Wait(); err != nil {
			b.t.Error(err)
		}
	})
}

// Goal: wrong settings are refused.
func TestValidate(t *testing.T) {
	for _, c := range []struct {
		why    string
		change func(*server.Config)
		ok     bool
	}{
		{"Kafka's defaults", func(*server.Config) {}, true},
		{"no network thread", func(c *server.Config) { c.NetworkThreads = 0 }, false},
		{"no I/O thread", func(c *server.Config) { c.IOThreads = 0 }, false},
		{"no queue", func(c *server.Config) { c.QueuedRequests = 0 }, false},
		{"no request fits", func(c *server.Config) { c.RequestBytesMax = 0 }, false},
		{"memory for no request", func(c *server.Config) { c.QueuedBytes = 0 }, false},
		{"less memory than the largest request takes", func(c *server.Config) { c.QueuedBytes = 100<<20 - 1 }, false},
		{"just as much", func(c *server.Config) { c.QueuedBytes = 100 << 20 }, true},
	} {
		cfg := server.DefaultConfig()
		c.change(&cfg)
		if err := cfg.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.why, err)
		}
	}
}
