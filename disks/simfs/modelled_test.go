package simfs_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/disks/fstest"
	"brokerlab/disks/profiles"
	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// loaded are the profiles that tests have used, since parsing them takes longer.
var loaded = map[string]*profiles.Profile{}

// profile is a built-in profile.
func profile(t testing.TB, name string) *profiles.Profile {
	t.Helper()
	p := loaded[name]
	if p == nil {
		var err error
		if p, err = profiles.Load(name); err != nil {
			t.Fatal(err)
		}
		loaded[name] = p
	}
	return p
}

// modelledDisk is a disk of a profile on a host of its own.
func modelledDisk(t testing.TB, w *simworld.World, host simfs.HostConfig, name, fs string) (
	*simfs.Host, *simfs.Disk,
) {
	t.Helper()
	h := simfs.NewHost(w, host)
	return h, h.NewDisk(simfs.DiskConfig{Name: name, Device: profile(t, name).Config, FileSystem: fs,
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

// Goal: a writer that is faster than the device is slowed down to the device's rate,
// smoothly: no pause is longer than 200 ms, and the dirty bytes stay between free run
// and limit. Method: appends at twice the rate of a hard disk's outer tracks, with
// memory for a few seconds of them; the rate of the last 40 of 80 s.
func TestWritersAreThrottled(t *testing.T) {
	for _, row := range []struct {
		says  string
		tasks int
	}{{"one writer", 1}, {"eight writers", 8}} {
		w := simworld.New(simworld.DefaultConfig())
		host := simfs.DefaultHostConfig()
		host.MemoryBytes = 8 << 30
		h, d := modelledDisk(t, w, host, "hdd-7200", "ext4")
		n := w.NewNode(env.NodeConfig{Name: "a", Mount: d.Mount})
		const piece, half, end = 128 << 10, env.Time(40 * time.Second), env.Time(80 * time.Second)
		var first, last simfs.Stats
		pauseMax := time.Duration(0)
		err := w.Run(n, func() {
			for i := range row.tasks {
				n.Go("writer", func() {
					f, err := n.FS().Create(fmt.Sprintf("log%d", i))
					if err != nil {
						t.Error(err)
						return
					}
					for n.Now() < end {
						before := n.Now()
						if err := f.Append(env.LengthBuf(piece)); err != nil {
							t.Error(err)
						}
						pauseMax = max(pauseMax, n.Now().Sub(before))
						n.Sleep(time.Duration(row.tasks) * 375 * time.Microsecond) // 350 MB/s together
					}
				})
			}
			n.Sleep(time.Duration(half))
			first = d.Stats()
			n.Sleep(time.Duration(end - half))
			last = d.Stats()
		})
		if err != nil {
			t.Fatal(err)
		}
		written := float64(last.Volume.Device.BytesWritten-first.Volume.Device.BytesWritten) / 40e6
		appended := float64(last.BytesAppended-first.BytesAppended) / 40e6
		s := h.Stats()
		if appended < 0.93*written || appended > 1.07*written || written < 140 {
			t.Errorf("%s: %.0f MB/s are appended, %.0f written", row.says, appended, written)
		}
		if s.PauseMax > 200*time.Millisecond || pauseMax > 250*time.Millisecond || s.Pauses == 0 {
			t.Errorf("%s: %d pauses, the longest %v; the longest append took %v", row.says, s.Pauses, s.PauseMax, pauseMax)
		}
		if s.DirtyMaxBytes > s.HardBytes || s.DirtyBytes+s.WritebackBytes < s.FreeRunBytes*9/10 {
			t.Errorf("%s: %d bytes were dirty at most, %d are, under a limit of %d", row.says, s.DirtyMaxBytes,
				s.DirtyBytes+s.WritebackBytes, s.HardBytes)
		}
		t.Logf("%s: %.0f MB/s appended, %.0f written, pauses up to %v", row.says, appended, written, s.PauseMax)
	}
}

// syncCost is the mean time of an fsync after an append of 4 KiB, and the longest.
func syncCost(t *testing.T, profile, fs string) (mean, most time.Duration) {
	t.Helper()
	prices := simworld.DefaultPrices()
	prices.Wake = simworld.Spread{} // the reference figures are of the disk
	w := simworld.New(simworld.Config{Prices: prices})
	_, d := modelledDisk(t, w, simfs.DefaultHostConfig(), profile, fs)
	n := w.NewNode(env.NodeConfig{Name: "a", Mount: d.Mount})
	const count = 300
	err := w.Run(n, func() {
		f, err := n.FS().Create("a")
		if err != nil {
			t.Error(err)
			return
		}
		for range count {
			if err := f.Append(env.LengthBuf(4096)); err != nil {
				t.Error(err)
			}
			before := n.Now()
			if err := f.Sync(); err != nil {
				t.Error(err)
			}
			took := n.Now().Sub(before)
			mean += took / count
			most = max(most, took)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return mean, most
}

// Goal: an fdatasync after an append of 4 KiB costs what such disks cost. Method:
// the figures of fsync (an append changes the size, so that it needs the commit that
// an fdatasync of preallocated bytes saves) in the reference data, with the range
// over the drives of a class widened by the stated factor.
func TestSyncCosts(t *testing.T) {
	const us, ms = time.Microsecond, time.Millisecond
	for _, row := range []struct {
		profile, fs string
		low, high   time.Duration
		source      string
	}{
		{"nvme", "ext4", 890 * us, 3800 * us, "Crucial T500 891 us to Samsung 960 Pro 3.8 ms"},
		{"nvme-plp", "ext4", 12 * us, 62 * us, "P5520 12.4 us, PM983 25 us, ext4 on a c3d's local disk 56 us; 10 %"},
		{"nvme-plp", "xfs", 10 * us, 44 * us, "P5520 9.8 us, xfs on a c3d's local disk 40 us; 10 %"},
		{"gcp-c3d-local", "ext4", 42 * us, 70 * us, "56.2 us; 25 %"},
		{"gcp-c3d-local", "xfs", 30 * us, 50 * us, "40 us; 25 %"},
		{"sata-ssd", "ext4", 1500 * us, 2830 * us, "Micron 1100 1.5 ms, 850 Pro 2.26 ms; 25 %"},
		{"sata-ssd-plp", "ext4", 39 * us, 280 * us, "PM863 39 us, DC600M 278 us"},
		{"hdd-7200", "ext4", 17 * ms, 37500 * us,
			"17 to 25 ms of a desktop drive, times 1.5, since the journal is half a stroke away"},
	} {
		mean, most := syncCost(t, row.profile, row.fs)
		t.Logf("%s, %s: mean %v, longest %v", row.profile, row.fs, mean, most)
		if mean < row.low || mean > row.high {
			t.Errorf("%s, %s: an fsync takes %v, want %v to %v (%s)", row.profile, row.fs, mean, row.low, row.high, row.source)
		}
	}
}

// Goal: DropCache really forgets, and a read after it waits for the device; a read
// before it does not. Method: times and counts of reads of synced bytes.
func TestModelledDropCache(t *testing.T) {
	w := simworld.New(simworld.DefaultConfig())
	_, d := modelledDisk(t, w, simfs.DefaultHostConfig(), "hdd-7200", "ext4")
	n := w.NewNode(env.NodeConfig{Name: "a", Mount: d.Mount})
	err := w.Run(n, func() {
		f, err := n.FS().Create("a")
		ok := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		ok(err)
		ok(f.Append(env.LengthBuf(1 << 20)))
		timed := func() time.Duration {
			before := n.Now()
			b, err := f.Read(512<<10, 4096)
			ok(err)
			b.Release()
			return n.Now().Sub(before)
		}
		if took := timed(); took > 10*time.Microsecond {
			t.Errorf("a read of dirty bytes takes %v", took)
		}
		ok(f.DropCache())
		if took := timed(); took > 10*time.Microsecond {
			t.Errorf("dirty bytes were dropped: a read takes %v", took)
		}
		ok(f.Sync())
		ok(f.DropCache())
		if took := timed(); took < time.Millisecond {
			t.Errorf("a read of dropped bytes takes %v", took)
		}
		if took := timed(); took > 10*time.Microsecond {
			t.Errorf("the second read takes %v", took)
		}
	})
	if s := d.Stats(); err != nil || s.BytesDropped != 1<<20 || s.Volume.MissBytes != 4096 {
		t.Errorf("%v; %d bytes dropped, %d missed", err, s.BytesDropped, s.Volume.MissBytes)
	}
}

// Goal: each disk of a host has its own share of the dirty memory, so that a slow one
// slows its own writers down and not those of a fast one. Method: a hard disk and an
// NVMe drive, with 300 MB/s offered to each, for 60 s.
func TestDisksHaveShares(t *testing.T) {
	w := simworld.New(simworld.DefaultConfig())
	host := simfs.DefaultHostConfig()
	host.MemoryBytes = 8 << 30
	h, slow := modelledDisk(t, w, host, "hdd-7200", "ext4")
	fast := h.NewDisk(simfs.DiskConfig{Name: "fast", Device: profile(t, "nvme").Config, FileSystem: "ext4",
		Rand: rand.New(rand.NewPCG(3, 4))})
	n := w.NewNode(env.NodeConfig{Name: "a", Mount: slow.Mount})
	const end, piece = env.Time(60 * time.Second), 256 << 10
	var rates [2]float64
	err := w.Run(n, func() {
		for i, d := range []*simfs.Disk{slow, fast} {
			n.Go("writer", func() {
				f, err := d.Mount(n).Create("log")
				if err != nil {
					t.Error(err)
					return
				}
				var first int64
				for n.Now() < end {
					if n.Now() < end/2 {
						first = f.Size()
					}
					if err := f.Append(env.LengthBuf(piece)); err != nil {
						t.Error(err)
					}
					n.Sleep(time.Duration(int64(piece) * 1000 / 300))
				}
				rates[i] = float64(f.Size()-first) / (end / 2).Sub(0).Seconds() / 1e6
			})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.0f MB/s", rates)
	if rates[0] < 140 || rates[0] > 190 || rates[1] < 270 {
		t.Errorf("with 300 MB/s offered the hard disk takes %.0f MB/s and the NVMe drive %.0f", rates[0], rates[1])
	}
}

// Goal: the timers of the page cache end when nothing is dirty, so that tasks that
// wait for nothing are found. Method: a task that waits for ever after an append.
func TestModelledDisksGoIdle(t *testing.T) {
	w := simworld.New(simworld.DefaultConfig())
	_, d := modelledDisk(t, w, simfs.DefaultHostConfig(), "nvme", "xfs")
	n := w.NewNode(env.NodeConfig{Name: "a", Mount: d.Mount})
	err := w.Run(n, func() {
		f, err := n.FS().Create("a")
		if err != nil {
			t.Error(err)
		}
		if err := f.Append(env.LengthBuf(1000)); err != nil {
			t.Error(err)
		}
		mu := n.NewMutex()
		mu.Lock()
		n.NewCond(mu).WaitUntil(env.Never)
	})
	if !errors.Is(err, simworld.ErrDeadlock) || w.Now() > env.Time(2*time.Minute) {
		t.Errorf("at %v the world ended with %v", time.Duration(w.Now()), err)
	}
}
