package realworld_test

import (
	"testing"

	"go.uber.org/goleak"

	"brokerlab/engine/env"
	"brokerlab/engine/env/envtest"
	"brokerlab/engine/netmodel"
	"brokerlab/engine/realworld"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWorld: the real world keeps what env promises, on links as fast as memory
// and on links with a rate and a delay. The suite is the method.
func TestWorld(t *testing.T) {
	gigabit, err := netmodel.Profile("1gbe")
	if err != nil {
		t.Fatal(err)
	}
	links := []struct {
		name string // a sentence
		link realworld.Link
	}{
		{"links are as fast as memory", realworld.Link{}},
		{"links have a rate and a delay", realworld.Link{BytesPerSec: 200e6, Delay: 300_000}},
		{"links are those of 1 GbE", gigabit.Config},
		{"links have a rate, jitter, and lose segments",
			realworld.Link{BytesPerSec: 200e6, MTU: 1500, Jitter: 300_000, Loss: 0.01}},
		{"links have jitter and no rate", realworld.Link{Delay: 100_000, Jitter: 300_000}},
	}
	for _, l := range links {
		t.Run(l.name, func(t *testing.T) {
			envtest.TestWorld(t, func(t *testing.T, o envtest.Options) env.World {
				link := l.link
				link.InFlightBytes = o.InFlightBytes
				return realworld.New(realworld.Config{Seed: 1, Link: link, Poison: true})
			})
		})
	}
}
