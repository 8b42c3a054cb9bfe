package simworld_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"brokerlab/engine/env"
	"brokerlab/engine/env/envtest"
	"brokerlab/engine/netmodel"
	"brokerlab/engine/simworld"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Goal: the simulated world keeps what env promises, whatever its prices, links
// and order. Method: the suite of every world, under several configurations.
func TestWorld(t *testing.T) {
	wan := simworld.Link{BytesPerSec: 10_000_000, Delay: 3 * time.Millisecond}
	gigabit, err := netmodel.Profile("1gbe")
	if err != nil {
		t.Fatal(err)
	}
	lossy := simworld.Link{BytesPerSec: 200e6, MTU: 1500, Jitter: 300_000, Loss: 0.01}
	configs := []struct {
		name string
		cfg  simworld.Config
	}{
		{"free", simworld.Config{}},
		{"priced", simworld.Config{Prices: simworld.DefaultPrices(), Poison: true}},
		{"slow links", simworld.Config{Link: wan, Prices: simworld.DefaultPrices()}},
		{"1 GbE", simworld.Config{Link: gigabit.Config, Prices: simworld.DefaultPrices()}},
		{"lossy links", simworld.Config{Link: lossy, Prices: simworld.DefaultPrices()}},
		{"explore lossy links", simworld.Config{Seed: 3, Explore: true, Link: lossy}},
		{"jitter and no rate", simworld.Config{Link: simworld.Link{Delay: 100_000, Jitter: 300_000}}},
		{"explore 1", simworld.Config{Seed: 1, Explore: true, Link: wan, Prices: simworld.DefaultPrices()}},
		{"explore 2", simworld.Config{Seed: 2, Explore: true}},
	}
	for _, c := range configs {
		t.Run(c.name, func(t *testing.T) {
			envtest.TestWorld(t, func(t *testing.T, o envtest.Options) env.World {
				cfg := c.cfg
				cfg.Link.InFlightBytes = o.InFlightBytes
				w := simworld.New(cfg)
				t.Cleanup(w.Close)
				return w
			})
		})
	}
}
