package simworld_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"brokerlab/engine/env"
	"brokerlab/engine/env/envtest"
	"brokerlab/engine/simworld"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Goal: the simulated world keeps what env promises, whatever its prices, links
// and order. Method: the suite of every world, under several configurations.
func TestWorld(t *testing.T) {
	wan := simworld.Link{BytesPerSec: 10_000_000, Delay: 3 * time.Millisecond}
	configs := []struct {
		name string
		cfg  simworld.Config
	}{
		{"free", simworld.Config{}},
		{"priced", simworld.Config{Prices: simworld.DefaultPrices(), Poison: true}},
		{"slow links", simworld.Config{Link: wan, Prices: simworld.DefaultPrices()}},
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
