package simfs_test

import (
	"math/rand/v2"
	"testing"

	"brokerlab/disks/fstest"
	"brokerlab/disks/profiles"
	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// modelledDisk is a disk of a profile in a world of its own.
func modelledDisk(t testing.TB, w *simworld.World, host simfs.HostConfig, profile, fs string) (
	*simfs.Host, *simfs.Disk,
) {
	t.Helper()
	p, err := profiles.Load(profile)
	if err != nil {
		t.Fatal(err)
	}
	h := simfs.NewHost(w, host)
	return h, h.NewDisk(simfs.DiskConfig{Name: profile, Device: p.Config, FileSystem: fs,
		Rand: rand.New(rand.NewPCG(1, 2))})
}

// Goal: a modelled disk keeps every promise of env.FS. Method: the conformance
// suite, on both file systems and on devices that are fast and slow.
func TestModelledConformance(t *testing.T) {
	for _, row := range []struct {
		profile, fs string
		memory      int64
		explore     bool
	}{
		{"nvme", "ext4", 1 << 30, false},
		{"nvme-plp", "xfs", 1 << 30, true},
		{"hdd-7200", "ext4", 1 << 20, false},
	} {
		t.Run(row.profile+" "+row.fs, func(t *testing.T) {
			fstest.TestFS(t, func(t *testing.T) (env.World, func(env.Node) env.FS) {
				cfg := simworld.DefaultConfig()
				cfg.Seed, cfg.Poison, cfg.Explore = 1, true, row.explore
				w := simworld.New(cfg)
				host := simfs.DefaultHostConfig()
				host.MemoryBytes = row.memory
				_, d := modelledDisk(t, w, host, row.profile, row.fs)
				return w, d.Mount
			})
		})
	}
}
