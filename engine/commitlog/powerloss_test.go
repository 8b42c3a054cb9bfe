package commitlog_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// history is what a power loss test knows of a log, kept outside of the node.
type history struct {
	model   model
	flushed int64 // all offsets below it were covered by a Flush that returned
	// cuts counts truncations that no flush has covered: a power loss may undo
	// them, and then the log goes on with what it held before.
	cuts int
}

// Goal: a power loss at any instant leaves a prefix of the log that holds all
// that was flushed, and the log goes on from there. Method: a node appends,
// flushes, truncates, in a simulated world on a simulated disk; at a random
// instant the power goes; it restarts several times, and each time the recovered
// log is compared with the history.
func TestPowerLossKeepsWhatWasFlushed(t *testing.T) {
	undone, cut, total := 0, 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		d := simfs.NewDisk(simfs.DefaultConfig())
		w := simworld.New(simworld.Config{Seed: seed, Prices: simworld.DefaultPrices(), Poison: true})
		cfg := small()
		cfg.FlushMessages = []int64{0, 1, 20}[seed%3]
		cfg.FlushGroupCommit = seed%2 == 0
		cfg.Preallocate = seed%4 < 2
		cfg.RetentionInterval = 0 // timestamps are those of 1970
		cfg.RetentionBytes = int64(seed%2) * 5000
		cfg.SegmentRecycle = seed%8 > 3
		h := &history{}
		life := func(n env.Node) {
			b := &bed{TB: t, node: n, fs: &faultFS{FS: n.FS()}, rand: r}
			l := b.open(cfg)
			if h.cuts > 0 && l.EndOffset() > h.model.end() {
				undone++
			}
			cut += int(min(1, l.Stats().RecoveryCut))
			total++
			b.recovered(l, h)
			b.live(l, h)
		}
		node := w.NewNode(env.NodeConfig{Name: "broker", Mount: d.Mount})
		lives := 0
		var powerLoss func()
		powerLoss = func() {
			w.PowerOff("broker")
			d.PowerLoss(r)
			if lives++; lives < 5 {
				n := w.Restart("broker", d.Mount)
				n.Go("life", func() { life(n) })
				w.At(w.Now().Add(time.Duration(r.Int64N(int64(60*time.Millisecond)))), powerLoss)
			}
		}
		w.At(env.Time(r.Int64N(int64(60*time.Millisecond))), powerLoss)
		if err := w.Run(node, func() { life(node) }); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		w.Close()
		d.Close()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d recoveries, %d cut a tail, %d undid a truncation", total, cut, undone)
	if cut == 0 || undone == 0 {
		t.Errorf("of %d recoveries %d cut a tail and %d undid a truncation: the test sees too little", total, cut, undone)
	}
}

// live uses the log until the power goes.
func (b *bed) live(l *commitlog.Log, h *history) { b.liveFor(l, h, 1<<62) }

func (b *bed) liveFor(l *commitlog.Log, h *history, steps int) {
	for range steps {
		switch b.rand.IntN(11) {
		case 10:
			// Its high watermark is what was flushed, so that what goes is no loss.
			flushed := h.flushed
			if b.rand.IntN(3) == 0 && h.cuts == 0 {
				h.model.startMax = flushed
				_, err := l.DeleteOldSegments(flushed)
				b.must(err)
			}
		case 0:
			b.must(l.Flush())
			h.flushed, h.cuts = h.model.end(), 0
		case 1:
			if offset := h.model.end() - b.rand.Int64N(30); b.rand.IntN(4) == 0 && offset >= l.StartOffset() {
				h.model.truncate(offset)
				h.flushed = min(h.flushed, h.model.end())
				h.cuts++
				b.must(l.Truncate(offset))
			}
		default:
			p := b.randomBatch(4, 200)
			h.model.add(b.stamped(p, h.model.end(), 7)) // before: the power may go in the append
			a, err := l.AppendAsLeader(7, b.buf(p))
			b.must(err)
			if a.Flushed != 0 {
				h.flushed, h.cuts = a.NextOffset, 0
			}
		}
		b.node.Sleep(time.Duration(b.rand.IntN(200)) * time.Microsecond)
	}
}

// recovered checks a log after a power loss and makes it the history.
func (b *bed) recovered(l *commitlog.Log, h *history) {
	b.Helper()
	if l.EndOffset() < h.flushed {
		b.Fatalf("the log ends at %d, up to %d was flushed", l.EndOffset(), h.flushed)
	}
	got := b.all(l)
	start := l.StartOffset()
	if start > h.model.startMax {
		b.Fatalf("the log starts at %d, nothing from %d on was deleted", start, h.model.startMax)
	}
	for len(h.model.batches) > 0 && h.model.batches[0].base < start {
		h.model.batches = h.model.batches[1:]
	}
	keep := &model{}
	for _, x := range h.model.batches {
		if x.next <= h.flushed {
			keep.batches = append(keep.batches, x)
		}
	}
	switch {
	case h.cuts == 0 && !bytes.HasPrefix(h.model.bytes(), got):
		b.Fatalf("%d bytes that are no prefix of what was appended, up to %d, flushed %d", len(got), h.model.end(), h.flushed)
	case !bytes.HasPrefix(got, keep.bytes()):
		b.Fatal("bytes that were flushed have changed")
	}
	// What came back is durable from here on only as far as it was flushed.
	h.model, h.cuts = model{start: start, startMax: start}, 0
	for p := got; len(p) > 0; {
		n, err := checkedBatch(p)
		b.must(err)
		h.model.add(p[:n])
		p = p[n:]
	}
}

// Goal: a log without any flush may lose everything in a power loss, and nothing
// in a crash of the process. Method: append, then each of the two.
func TestCrashLosesNothing(t *testing.T) {
	for _, powerLoss := range []bool{false, true} {
		t.Run(fmt.Sprintf("powerLoss=%v", powerLoss), func(t *testing.T) {
			d := simfs.NewDisk(simfs.Config{})
			w := simworld.New(simworld.Config{Seed: 1, Poison: true})
			m := &model{}
			node := w.NewNode(env.NodeConfig{Name: "broker", Mount: d.Mount})
			err := w.Run(node, func() {
				b := &bed{TB: t, node: node, fs: &faultFS{FS: node.FS()}, rand: rand.New(rand.NewPCG(1, 1))}
				b.fill(b.open(small()), m, 100, 4, 200)
				w.Crash("broker")
			})
			if err != nil {
				t.Fatal(err)
			}
			d.Crash()
			if powerLoss {
				d.PowerLoss(rand.New(rand.NewPCG(2, 2)))
			}
			n := w.Restart("broker", d.Mount)
			err = w.Run(n, func() {
				b := &bed{TB: t, node: n, fs: &faultFS{FS: n.FS()}, rand: rand.New(rand.NewPCG(1, 1))}
				l := b.open(small())
				if !powerLoss {
					b.same(l, m)
				} else if !bytes.HasPrefix(m.bytes(), b.all(l)) || l.EndOffset() == m.end() {
					t.Errorf("a power loss left %d of %d offsets", l.EndOffset(), m.end())
				}
				b.must(l.Close())
			})
			if err != nil {
				t.Fatal(err)
			}
			d.Close()
		})
	}
}
