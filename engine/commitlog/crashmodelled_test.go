package commitlog_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/profiles"
	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// modelledHistories let time pass, so that pages are written back, and commits of the
// journal run, without a flush and beside one.
var modelledHistories = []crashHistory{
	{"appends that are never flushed", "a w40 a w6000 a w40 a w40", nil},
	{"flushes", "a flush a w40 a flush a", nil},
	{"a roll", "a a a w40 a flush a", nil},
	{"a truncation", "a a flush e1 t1 a w40 a w6000 a", nil},
	{"retention", "a a a a a flush d4 a w6000 a", func(c *commitlog.Config) { c.RetentionBytes = 72 }},
	{"segment.recycle", "a a a a a flush d4 a w40 a w6000 a", func(c *commitlog.Config) {
		c.RetentionBytes, c.SegmentRecycle = 72, true
	}},
	{"a clean shutdown", "a a a close a w40", nil},
	{"recovery points", "a a a flush points a w40 a points", nil},
}

// Goal: recovery is right on modelled disks too, where a power loss leaves what the file
// system has committed and the drive, if its cache is volatile, has flushed. Method: short
// histories on a hard disk and on flash drives whose caches lose their content or keep it,
// under ext4 and xfs, with eager write-back; the power is cut before each operation of the
// file system and at instants between, at each of which all images are opened.
func TestCrashImagesOfModelledDisks(t *testing.T) {
	for _, on := range []struct{ profile, fs string }{
		{"hdd-7200", "ext4"}, {"nvme", "xfs"}, {"nvme", "ext4"}, {"nvme-plp", "ext4"}, {"nvme-plp", "xfs"},
	} {
		t.Run(on.profile+" "+on.fs, func(t *testing.T) {
			p, err := profiles.Load(on.profile)
			if err != nil {
				t.Fatal(err)
			}
			var cuts, runs, different, lives int
			for _, row := range modelledHistories {
				cfg := smallest()
				if row.change != nil {
					row.change(&cfg)
				}
				c := newCrashes(t, cfg, 1000)
				c.playModelled(row.script, p.Config, on.fs)
				c.recoverAll()
				if c.images[0].Bounded > 0 {
					t.Errorf("%s: %d walks did not see all images", row.says, c.images[0].Bounded)
				}
				cuts, runs, different = cuts+c.images[0].Walks, runs+c.images[0].Runs, different+len(c.seen)
				lives += c.lives
			}
			t.Logf("%d histories, %d cuts, %d images, %d different, %d lives", len(modelledHistories), cuts, runs,
				different, lives)
		})
	}
}

// betweenMax is how many instants between operations the power is cut at.
const betweenMax = 400

// playModelled is play on a modelled disk, in one life.
func (c *crashes) playModelled(script string, dev device.Config, fs string) {
	w := simworld.New(simworld.Config{Seed: 1, Poison: true, Prices: simworld.DefaultPrices()})
	host := simfs.DefaultHostConfig()
	host.MemoryBytes, host.DirtyExpire, host.DirtyWriteback = 1<<20, 20*time.Millisecond, 10*time.Millisecond
	d := simfs.NewHost(w, host).NewDisk(simfs.DiskConfig{Name: "disk", Device: dev, FileSystem: fs,
		Rand: rand.New(rand.NewPCG(1, 2))})
	p := &player{crashes: c, disk: d, want: exactly(0, nil)}
	step, left := "start", betweenMax
	gap := env.Time(30 * time.Microsecond) // grows, so that what takes long is seen too
	var between func()
	between = func() {
		if left--; left > 0 {
			c.cut(d, p.want, "in "+step, 0)
			gap += gap / 8
			w.At(w.Now()+gap, between)
		}
	}
	c.lifeIn(w, d, func(op string) {
		c.cut(d, p.want, fmt.Sprintf("in %s before %s", step, op), 0)
		gap = env.Time(30 * time.Microsecond)
	}, func(b *bed) {
		p.b = b
		w.At(w.Now()+gap, between)
		p.open()
		for n, word := range strings.Fields(script) {
			step = fmt.Sprintf("%s (word %d)", word, n)
			p.step(word)
		}
		left = 0
		c.cut(d, p.want, "at the end", 0)
	})
	d.Close()
}
