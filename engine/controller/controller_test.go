package controller_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/controller"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/realworld"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ms       = time.Millisecond
	patience = 20 * time.Second
	addr     = "controller:9093"
)

// bed is a controller of two brokers with one partition of both, and a node that
// speaks for the brokers.
type bed struct {
	t          *testing.T
	node       env.Node
	controller *controller.Controller
	sim        bool
}

// inWorlds runs body with a controller in each world; in the simulated one nothing
// takes time.
func inWorlds(t *testing.T, change func(*cluster.ControllerConfig), body func(b *bed)) {
	t.Run("real", func(t *testing.T) { run(t, realworld.New(realworld.Config{Seed: 1}), change, &bed{}, body) })
	t.Run("sim", func(t *testing.T) {
		w := simworld.New(simworld.Config{Seed: 1})
		defer w.Close()
		run(t, w, change, &bed{sim: true}, body)
	})
}

func run(t *testing.T, w env.World, change func(*cluster.ControllerConfig), b *bed, body func(b *bed)) {
	t.Helper()
	plan, err := cluster.Assign([]cluster.Broker{{ID: 1, Addr: "a:1"}, {ID: 2, Addr: "b:1"}},
		[]cluster.Topic{{Name: "t", Partitions: 1, ReplicationFactor: 2}})
	if err != nil {
		t.Fatal(err)
	}
	b.t = t
	home := w.NewNode(env.NodeConfig{Name: "controller"})
	b.node = w.NewNode(env.NodeConfig{Name: "brokers"})
	cfg := controller.Config{ControllerConfig: cluster.DefaultControllerConfig(), Addr: addr, Plan: plan}
	change(&cfg.ControllerConfig)
	err = w.Run(home, func() {
		if b.controller, err = controller.Start(home, cfg); err != nil {
			t.Error(err)
			return
		}
		g := task.NewGroup(b.node)
		g.Go("test", func() error { body(b); return nil })
		_ = g.Wait()
		if err := errors.Join(b.controller.Close(), b.controller.Close()); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends a request on a connection of its own.
func (b *bed) ask(body protocol.Body) (protocol.Body, error) {
	c, err := client.Dial(b.node, addr, "test", patience)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Call(body, patience)
}

func (b *bed) register(id int32) (epoch int64) {
	b.t.Helper()
	body, err := b.ask(&protocol.BrokerRegistrationRequest{BrokerID: id, Incarnation: uint64(id)})
	resp, ok := body.(*protocol.BrokerRegistrationResponse)
	if !ok || resp.Err != protocol.ErrNone {
		b.t.Errorf("register broker %d: %+v, %v", id, body, err)
		return 0
	}
	return resp.BrokerEpoch
}

// news waits for what comes after a version.
func (b *bed) news(version int64, wait time.Duration) (*protocol.MetadataLogResponse, time.Duration) {
	b.t.Helper()
	began := b.node.Now()
	body, err := b.ask(&protocol.MetadataLogRequest{BrokerID: 1, Version: version, MaxWait: wait})
	resp, ok := body.(*protocol.MetadataLogResponse)
	if !ok {
		b.t.Errorf("news: %+v, %v", body, err)
		return &protocol.MetadataLogResponse{}, 0
	}
	return resp, b.node.Now().Sub(began)
}

// Goal: a broker that waits for news gets them as soon as there are some, and an
// empty answer when it does not want to wait longer; a session that ends is news.
// Method: the news of a cluster whose brokers register and then are silent. How soon
// is said in the simulated world only: a real machine may be busy.
func TestNews(t *testing.T) {
	const session = 200 * ms
	short := func(c *cluster.ControllerConfig) { c.SessionTimeout = session }
	inWorlds(t, short, func(b *bed) {
		b.register(1)
		second := b.register(2)
		if n, took := b.news(0, time.Minute); b.sim && (n.Version != second || took > 0) || len(n.Partitions) != 1 {
			b.t.Errorf("all that there is: version %d, %d partitions, after %v", n.Version, len(n.Partitions), took)
		}
		if n, took := b.news(second, 10*ms); b.sim && (n.Version != second || len(n.Partitions) != 0 || took != 10*ms) {
			b.t.Errorf("nothing new: version %d, %d partitions, after %v", n.Version, len(n.Partitions), took)
		}
		n, _ := b.news(second, time.Minute)
		for n.Version < second+2 { // the sessions end one after another
			n, _ = b.news(n.Version, time.Minute)
		}
		if now := time.Duration(b.node.Now()); now < session || b.sim && now != session {
			b.t.Errorf("both sessions were over at %v", now)
		}
		if p := b.controller.Plan().Partitions[0]; p.Leader != cluster.NoLeader {
			b.t.Errorf("broker %d leads, and all are silent", p.Leader)
		}
	})
}

// Goal: what is no broker's request ends its connection, and no other one.
func TestStrangers(t *testing.T) {
	inWorlds(t, func(*cluster.ControllerConfig) {}, func(b *bed) {
		c, err := client.Dial(b.node, addr, "test", patience)
		if err != nil {
			b.t.Error(err)
			return
		}
		defer c.Close()
		if _, err := b.ask(&protocol.ProduceRequest{}); !errors.Is(err, env.ErrReset) {
			b.t.Errorf("a produce request: %v", err)
		}
		if body, err := c.Call(&protocol.ElectLeadersRequest{}, patience); err != nil {
			b.t.Errorf("another connection: %+v, %v", body, err)
		}
	})
}

// Goal: Close answers brokers that wait for news, or ends their connections, at
// once. Method: more of them than the controller has I/O threads.
func TestClose(t *testing.T) {
	inWorlds(t, func(*cluster.ControllerConfig) {}, func(b *bed) {
		g := task.NewGroup(b.node)
		for range 20 {
			g.Go("waits", func() error {
				_, err := b.ask(&protocol.MetadataLogRequest{Version: 100, MaxWait: time.Hour})
				if errors.Is(err, env.ErrReset) {
					return nil
				}
				return err
			})
		}
		b.node.Sleep(10 * ms)
		began := b.node.Now()
		if err := b.controller.Close(); err != nil {
			b.t.Error(err)
		}
		if err := g.Wait(); err != nil {
			b.t.Error(err)
		}
		if took := b.node.Now().Sub(began); took > 5*time.Second {
			b.t.Errorf("it took %v", took)
		}
	})
}

// Goal: a controller that cannot start says why.
func TestStart(t *testing.T) {
	w := realworld.New(realworld.Config{Seed: 1})
	n := w.NewNode(env.NodeConfig{Name: "controller"})
	for _, c := range []struct {
		why string
		cfg controller.Config
	}{
		{"no session", controller.Config{Addr: addr, Plan: &cluster.Plan{}}},
		{"another node's address", controller.Config{ControllerConfig: cluster.DefaultControllerConfig(),
			Addr: "elsewhere:1", Plan: &cluster.Plan{}}},
	} {
		err := w.Run(n, func() {
			if _, err := controller.Start(n, c.cfg); err == nil {
				t.Errorf("%s: it starts", c.why)
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
}
