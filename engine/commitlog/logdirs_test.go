package commitlog_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

func (b *bed) openDirs(roots ...string) *commitlog.LogDirs {
	b.Helper()
	d, err := commitlog.OpenLogDirs(b.node, roots)
	b.must(err)
	return d
}

func (b *bed) openIn(d *commitlog.LogDirs, partition int32, cfg commitlog.Config) *commitlog.Log {
	b.Helper()
	l, err := d.Open("topic", partition, cfg)
	b.must(err)
	return l
}

// Goal: what is scanned at the start is what the last life left open. Method: a
// table of lives of one log of many segments; each ends by a clean shutdown or
// without a word, and the next one counts the segments that it scanned.
func TestWhatRecoveryScans(t *testing.T) {
	tests := []struct {
		name  string
		life  func(b *bed, d *commitlog.LogDirs, l *commitlog.Log)
		all   bool // all segments are scanned, else at most
		most  int64
		clean bool
	}{
		{"a clean shutdown leaves nothing to scan", func(b *bed, d *commitlog.LogDirs, _ *commitlog.Log) {
			b.must(d.Close())
		}, false, 0, true},
		{"without a checkpoint everything is scanned", func(b *bed, _ *commitlog.LogDirs, l *commitlog.Log) {
			b.must(l.Close())
		}, true, 0, false},
		{"a checkpoint after a flush leaves the last segment", func(b *bed, d *commitlog.LogDirs, l *commitlog.Log) {
			b.must(l.Flush())
			b.must(d.Checkpoint())
			b.must(l.Close())
		}, false, 1, false},
		{"a broken checkpoint file says nothing", func(b *bed, d *commitlog.LogDirs, l *commitlog.Log) {
			b.must(l.Flush())
			b.must(d.Checkpoint())
			b.must(l.Close())
			b.replace("logs/recovery-point-offset-checkpoint", "0\n2\ntopic 0 1000000\n")
		}, true, 0, false},
		{"nor does a log without its leader epochs trust", func(b *bed, d *commitlog.LogDirs, _ *commitlog.Log) {
			b.must(d.Close())
			b.must(b.fs.Remove(path.Join(dir, "leader-epoch-checkpoint")))
		}, true, 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				d := b.openDirs("logs")
				l, m := b.openIn(d, 0, small()), &model{}
				b.fill(l, m, 60, 4, 200)
				segments := int64(l.Stats().Segments)
				test.life(b, d, l)
				d = b.openDirs("logs")
				if d.CleanShutdown() != test.clean {
					b.Errorf("clean shutdown is %v", !test.clean)
				}
				l = b.openIn(d, 0, small())
				scanned := l.Stats().SegmentsScanned
				if test.all && scanned != segments || !test.all && scanned > test.most {
					b.Errorf("%d of %d segments were scanned", scanned, segments)
				}
				b.same(l, m)
				if epoch, ok := l.EpochFor(0); epoch != 7 || !ok || l.EndOffsetFor(7).EndOffset != m.end() {
					b.Errorf("epoch of offset 0 is %d, %v", epoch, ok)
				}
				b.fill(l, m, 5, 4, 200)
				b.readsMatch(l, m)
				b.must(d.Close())
			})
		})
	}
}

// replace gives a file other content.
func (b *bed) replace(name, text string) {
	b.Helper()
	b.must(b.fs.Remove(name))
	f, err := b.fs.Create(name)
	b.must(err)
	b.must(f.Append(env.StaticBuf([]byte(text))))
	b.must(f.Close())
}

// Goal: the files at the root are Kafka's, to the byte, and go where they have
// to. Method: two partitions through a life; the files after each step.
func TestLogDirFiles(t *testing.T) {
	inWorlds(t, func(b *bed) {
		check := func(step, name, want string) {
			b.Helper()
			f, err := b.fs.Open("logs/" + name)
			if errors.Is(err, fs.ErrNotExist) && want == "" {
				return
			}
			b.must(err)
			b.must(f.Close())
			if got := string(b.readFile("logs/" + name)); got != want {
				b.Errorf("%s: %s holds %q, want %q", step, name, got, want)
			}
		}
		const points, mark = "recovery-point-offset-checkpoint", ".kafka_cleanshutdown"
		d := b.openDirs("logs")
		one, zero := b.openIn(d, 1, small()), b.openIn(d, 0, small())
		m := &model{}
		b.fill(one, m, 3, 1, 10)
		b.must(d.Checkpoint())
		check("nothing flushed", points, "")
		b.must(one.Flush())
		b.must(d.Checkpoint())
		check("flushed", points, "0\n2\ntopic 0 0\ntopic 1 3\n")
		b.must(one.Truncate(1))
		check("a truncation lowers it at once", points, "0\n2\ntopic 0 0\ntopic 1 1\n")
		b.fill(zero, &model{}, 2, 1, 10)
		check("while it runs", mark, "")
		b.must(d.Close())
		check("closed", points, "0\n2\ntopic 0 2\ntopic 1 1\n")
		check("closed", mark, `{"version":0,"brokerEpoch":-1}`)
		b.must(d.Close())
		d = b.openDirs("logs")
		check("open again", mark, "")
		b.openIn(d, 0, small())
		b.openIn(d, 1, small())
		b.must(d.Remove())
		entries, err := b.fs.List("logs")
		b.must(err)
		if len(entries) != 0 {
			b.Errorf("after Remove there is %v", entries)
		}
		_, err = d.Open("topic", 0, small())
		b.wantErr(err, env.ErrClosed)
	})
}

// Goal: a broker that loses a log shuts down the others, and is not marked clean.
func TestNoMarkAfterAFailure(t *testing.T) {
	inWorlds(t, func(b *bed) {
		d := b.openDirs("logs")
		l := b.openIn(d, 0, small())
		m := &model{}
		b.fill(l, m, 1, 1, 10)
		b.fs.syncErr = errDisk
		b.wantErr(l.Flush(), commitlog.ErrFailed)
		b.fs.heal()
		b.must(d.Close())
		if b.openDirs("logs").CleanShutdown() {
			b.Error("the shutdown counts as clean")
		}
	})
}

// Goal: partitions go to the directory with the fewest, and stay where they are.
// Method: three directories, one of which has two partitions already.
func TestPlacement(t *testing.T) {
	inWorlds(t, func(b *bed) {
		b.must(b.fs.MkdirAll("b/other-0"))
		b.must(b.fs.MkdirAll("b/other-1"))
		where := func() string {
			var out []string
			for _, root := range []string{"a", "b", "c/d"} {
				entries, err := b.fs.List(root)
				b.must(err)
				for _, e := range entries {
					if strings.HasPrefix(e.Name, "topic-") {
						out = append(out, root+"/"+e.Name)
					}
				}
			}
			return strings.Join(out, " ")
		}
		const want = "a/topic-0 a/topic-2 a/topic-4 b/topic-5 c/d/topic-1 c/d/topic-3"
		for range 2 {
			d := b.openDirs("a", "b", "c/d")
			for p := range int32(6) {
				b.openIn(d, p, small())
			}
			b.must(d.Close())
			if got := where(); got != want {
				b.Errorf("partitions lie in %s, want %s", got, want)
			}
		}
		if _, err := commitlog.OpenLogDirs(b.node, nil); err == nil {
			b.Error("no directory at all is accepted")
		}
	})
}

// Goal: leader epochs follow the batches, in a leader, a follower and across
// truncation and restart. Method: appends of several epochs, then questions.
func TestLeaderEpochsOfALog(t *testing.T) {
	inWorlds(t, func(b *bed) {
		leader := b.open(small())
		follower, err := commitlog.Open(b.node, "follower", small())
		b.must(err)
		b.must(leader.BeginEpoch(3))
		for _, epoch := range []int32{3, 3, 5, 5, 5, 6} {
			_, err := leader.AppendAsLeader(epoch, b.buf(b.batchOf([]byte("v"), []byte("w"))))
			b.must(err)
		}
		buf, err := leader.Read(commitlog.ReadRequest{MaxBytes: 1 << 20, Limit: leader.EndOffset()})
		b.must(err)
		_, err = follower.AppendAsFollower(buf)
		b.must(err)
		check := func(step string, l *commitlog.Log, epochs ...int64) {
			b.Helper()
			for i := 0; i < len(epochs); i += 2 {
				if got := l.EndOffsetFor(int32(epochs[i])); got.EndOffset != epochs[i+1] {
					b.Errorf("%s: epoch %d ends at %+v, want %d", step, epochs[i], got, epochs[i+1])
				}
			}
		}
		for range 2 {
			check("leader", leader, 2, 0, 3, 4, 4, 4, 5, 10, 6, 12, 7, -1)
			check("follower", follower, 3, 4, 5, 10, 6, 12, 7, -1)
			b.must(follower.Close())
			follower, err = commitlog.Open(b.node, "follower", small())
			b.must(err)
		}
		b.must(follower.Truncate(10))
		check("a truncation where an epoch begins", follower, 3, 4, 5, 10, 6, -1)
		b.must(follower.Truncate(6))
		check("a truncation inside an epoch", follower, 3, 4, 5, 6)
		if epoch, ok := follower.LatestEpoch(); epoch != 5 || !ok {
			b.Errorf("the latest epoch is %d", epoch)
		}
		b.must(follower.BeginEpoch(9))
		check("a leader that wrote nothing yet", follower, 5, 6, 9, 6)
		if epoch, ok := follower.EpochFor(6); ok {
			b.Errorf("an offset behind the end has epoch %d", epoch)
		}
		b.must(follower.Truncate(6))
		for range 2 {
			check("a truncation to the end forgets an epoch that has no record", follower, 5, 6, 9, -1)
			b.must(follower.Close())
			follower, err = commitlog.Open(b.node, "follower", small())
			b.must(err)
		}
		b.must(follower.Close())
		b.must(leader.Close())
	})
}

// Goal: with recovery points and trust a power loss at any instant still leaves
// a prefix that holds all that was flushed. Method: as in
// TestPowerLossKeepsWhatWasFlushed, through LogDirs, with checkpoints all the
// time, and with some lives that end cleanly just before the power goes.
func TestPowerLossWithRecoveryPoints(t *testing.T) {
	trusted, clean, total := 0, 0, 0
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 11))
		d := simfs.NewDisk(simfs.DefaultConfig())
		w := simworld.New(simworld.Config{Seed: seed, Prices: simworld.DefaultPrices(), Poison: true})
		cfg := small()
		cfg.FlushMessages = []int64{0, 1, 20}[seed%3]
		cfg.RetentionInterval = 0 // timestamps are those of 1970
		cfg.RetentionBytes = int64(seed%2) * 5000
		cfg.SegmentRecycle = seed%8 > 2
		h := &history{}
		span := 60 * time.Millisecond
		if seed%4 == 0 {
			span = 200 * time.Millisecond
		}
		life := func(n env.Node) {
			b := &bed{TB: t, node: n, fs: &faultFS{FS: n.FS()}, rand: r}
			dirs := b.openDirs("logs")
			l := b.openIn(dirs, 0, cfg)
			total++
			if dirs.CleanShutdown() {
				clean++
			}
			if int(l.Stats().SegmentsScanned) < l.Stats().Segments {
				trusted++
			}
			b.recovered(l, h)
			n.Go("checkpoints", func() {
				for {
					n.Sleep(time.Duration(b.rand.IntN(4000)) * time.Microsecond)
					if dirs.Checkpoint() != nil {
						return
					}
				}
			})
			if seed%4 == 0 {
				b.liveFor(l, h, 15)
				b.must(dirs.Close())
				h.flushed, h.cuts = h.model.end(), 0
				return
			}
			b.live(l, h)
		}
		node := w.NewNode(env.NodeConfig{Name: "broker", Mount: d.Mount})
		lives := 0
		var powerLoss func()
		powerLoss = func() {
			w.PowerOff("broker")
			d.PowerLoss(r)
			if lives++; lives < 6 {
				n := w.Restart("broker", d.Mount)
				n.Go("life", func() { life(n) })
				w.At(w.Now().Add(time.Duration(r.Int64N(int64(span)))), powerLoss)
			}
		}
		w.At(env.Time(r.Int64N(int64(span))), powerLoss)
		if err := w.Run(node, func() { life(node) }); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		w.Close()
		d.Close()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d recoveries, %d trusted segments, %d after a clean shutdown", total, trusted, clean)
	if trusted < total/10 || clean == 0 {
		t.Errorf("of %d recoveries %d trusted segments, %d were clean: the test sees too little", total, trusted, clean)
	}
}
