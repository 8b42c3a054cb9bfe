package simfs_test

import (
	"testing"

	"brokerlab/disks/fstest"
	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
)

// Goal: simfs keeps every promise of env.FS with goroutines and the race
// detector. Method: the conformance suite in the real world, on a disk that
// takes no time and on one whose costs make operations overlap.
func TestConformanceRealWorld(t *testing.T) {
	fast := simfs.Config{CapacityBytes: 1 << 30, AppendCost: 1, ReadCost: 1, BytesPerSec: 1 << 40}
	for _, row := range []struct {
		name string
		cfg  simfs.Config
	}{{"no cost", simfs.Config{}}, {"small costs", fast}} {
		t.Run(row.name, func(t *testing.T) {
			fstest.TestFS(t, func(t *testing.T) (env.World, func(env.Node) env.FS) {
				return realworld.New(realworld.Config{Seed: 1, Poison: true}), simfs.NewDisk(row.cfg).Mount
			})
		})
	}
}
