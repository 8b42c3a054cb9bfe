package pagecache_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/pagecache"
	"brokerlab/disks/profiles"
	"brokerlab/engine/env"
)

// rig is a cache with one volume, driven by hand.
type rig struct {
	testing.TB
	c         *pagecache.Cache
	v         *pagecache.Volume
	now       env.Time
	committed int
	sealed    map[*pagecache.File]int64 // by the commit that runs
	durable   map[*pagecache.File]int64
}

func newRig(t testing.TB, cfg pagecache.Config, profile string, fs pagecache.FileSystem) *rig {
	t.Helper()
	return newRigWith(t, cfg, profile, fs, func(d device.Device) device.Device { return d })
}

// newRigWith puts something around the device.
func newRigWith(t testing.TB, cfg pagecache.Config, profile string, fs pagecache.FileSystem,
	around func(device.Device) device.Device,
) *rig {
	t.Helper()
	p, err := profiles.Load(profile)
	if err != nil {
		t.Fatal(err)
	}
	d, err := device.New(p.Config, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, c: pagecache.New(cfg), sealed: map[*pagecache.File]int64{}, durable: map[*pagecache.File]int64{}}
	r.v = r.c.NewVolume(pagecache.VolumeConfig{Device: around(d), CapacityBytes: p.Config.CapacityBytes, FileSystem: fs,
		WritebackDepth: p.Config.Queue.BackgroundDepth, Owner: r})
	return r
}

// Sealed implements pagecache.Owner.
func (r *rig) Sealed(sizes []pagecache.FileSize, _ int64) {
	for _, s := range sizes {
		r.sealed[s.File] = s.Bytes
	}
}

// Committed implements pagecache.Owner.
func (r *rig) Committed() {
	r.committed++
	for f, size := range r.sealed {
		r.durable[f] = size
	}
	clear(r.sealed)
}

// advance lets time pass.
func (r *rig) advance(to env.Time) {
	for next := r.v.NextEvent(); next <= to && next != env.Never; next = r.v.NextEvent() {
		r.now = next
		r.v.Advance(next)
	}
	r.now = to
}

// wait runs an operation to its end, and says how long it took.
func (r *rig) wait(begin func(op *pagecache.Op)) time.Duration {
	r.Helper()
	began, done := r.now, false
	op := &pagecache.Op{Done: func() { done = true }}
	begin(op)
	for !done {
		next := r.v.NextEvent()
		if next == env.Never {
			r.Fatal("an operation never ends: nothing is due")
		}
		r.advance(next)
	}
	return r.now.Sub(began)
}

// sync is an fdatasync.
func (r *rig) sync(f *pagecache.File) time.Duration {
	r.Helper()
	return r.wait(func(op *pagecache.Op) { r.v.Sync(r.now, f, op) })
}
