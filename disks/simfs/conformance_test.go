package simfs_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/disks/fstest"
	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
	"brokerlab/engine/simworld"
)

// Goal: simfs keeps every promise of env.FS in both worlds, in the real one
// under the race detector. Method: the conformance suite, on disks that take no
// time, little time, and the default time.
func TestConformance(t *testing.T) {
	small := simfs.Config{CapacityBytes: 1 << 30, AppendCost: 1, ReadCost: 1, BytesPerSec: 1 << 40}
	realWorld := func() env.World { return realworld.New(realworld.Config{Seed: 1, Poison: true}) }
	simWorld := func(explore bool) func() env.World {
		return func() env.World {
			cfg := simworld.DefaultConfig()
			cfg.Seed, cfg.Poison, cfg.Explore = 1, true, explore
			return simworld.New(cfg)
		}
	}
	for _, row := range []struct {
		name  string
		disk  simfs.Config
		world func() env.World
	}{
		{"real world, no cost", simfs.Config{}, realWorld},
		{"real world, small costs", small, realWorld},
		{"simulated world, no cost", simfs.Config{}, simWorld(false)},
		{"simulated world, default costs", simfs.DefaultConfig(), simWorld(false)},
		{"simulated world, perturbed", simfs.DefaultConfig(), simWorld(true)},
	} {
		t.Run(row.name, func(t *testing.T) {
			fstest.TestFS(t, func(t *testing.T) (env.World, func(env.Node) env.FS) {
				return row.world(), simfs.NewDisk(row.disk).Mount
			})
		})
	}
}

// Goal: a power loss at any instant, in the middle of any operation, leaves the
// synced bytes, leaks nothing, and the node boots on what is left. Method: one
// task appends and syncs, the power goes at 60 instants; the same twice gives
// the same image.
func TestPowerLossInTheSimulatedWorld(t *testing.T) {
	images := map[string]bool{}
	for i := range 60 {
		at := env.Time(i) * env.Time(133*time.Microsecond)
		first, second := powerLossAt(t, at), powerLossAt(t, at)
		if first != second {
			t.Fatalf("power loss at %d ns leaves %q and %q", at, first, second)
		}
		images[first] = true
	}
	if len(images) < 5 {
		t.Errorf("60 instants leave %d images", len(images))
	}
}

func powerLossAt(t *testing.T, at env.Time) (image string) {
	t.Helper()
	world := simworld.New(simworld.DefaultConfig())
	disk := simfs.NewDisk(simfs.DefaultConfig())
	pool := env.NewPoisonedPool()
	node := world.NewNode(env.NodeConfig{Name: "broker", Mount: disk.Mount})
	operator := world.NewNode(env.NodeConfig{Name: "operator"})
	synced := 0
	err := world.Run(operator, func() {
		node.Go("writer", func() {
			f, err := node.FS().Create("log")
			if err != nil {
				t.Errorf("create: %v", err)
				return
			}
			defer f.Close() // on a dead node it must do no harm
			if err := node.FS().SyncDir("."); err != nil {
				t.Errorf("sync of the directory: %v", err)
			}
			for written := 0; written < 40; {
				for range 10 {
					m := pool.Get(1)
					m.Bytes()[0] = 'a' + byte(written%26)
					if err := f.Append(env.MemBuf(m, m.Bytes()[:1])); err != nil {
						t.Errorf("append: %v", err)
					}
					written++
				}
				if err := f.Sync(); err != nil {
					t.Errorf("sync: %v", err)
				}
				synced = written
			}
		})
		operator.Sleep(time.Duration(at))
		world.PowerOff("broker")
		disk.PowerLoss(rand.New(rand.NewPCG(uint64(at), 1)))
		booted := world.Restart("broker", disk.Mount)
		booted.Go("reader", func() {
			r := &rig{T: t, disk: disk, fs: booted.FS(), pool: pool}
			image = r.image(".")
		})
	})
	if err != nil {
		t.Fatalf("power loss at %d ns: the world ended with: %v", at, err)
	}
	if kept := max(0, len(image)-len("log=")); kept < synced {
		t.Errorf("power loss at %d ns: %d bytes were synced, and the disk holds %q", at, synced, image)
	}
	disk.Close()
	if live := pool.Live(); live != 0 {
		t.Errorf("power loss at %d ns: %d buffers are still referred to", at, live)
	}
	return image
}
