package commitlog_test

import (
	"bytes"
	"testing"

	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

// Goal: modelled payloads change nothing that can be seen: appends, flushes,
// reads and recovery take the same virtual time and the same steps. Method: the
// same run twice, with bodies of bytes and of lengths; hashes and clocks must be
// equal.
func TestModelledRunsTakeTheSameSteps(t *testing.T) {
	run := func(form func(batch []byte) env.Buf) (hash uint64, now env.Time, end int64) {
		d := simfs.NewDisk(simfs.DefaultConfig())
		w := simworld.New(simworld.DefaultConfig())
		n := w.NewNode(env.NodeConfig{Name: "broker", Mount: d.Mount})
		err := w.Run(n, func() {
			b := &bed{TB: t, node: n}
			cfg := small()
			cfg.FlushMessages = 7
			l := b.open(cfg)
			for i := range 50 {
				_, err := l.AppendAsLeader(1, form(b.batchOf(make([]byte, 10*i), make([]byte, 100))))
				b.must(err)
			}
			b.copyLog(l, cfg)
			b.must(l.Close())
			l = b.open(cfg)
			end = l.EndOffset()
			if l.Stats().RecoveryCut != 0 {
				t.Errorf("recovery cut %d bytes", l.Stats().RecoveryCut)
			}
			b.copyLog(l, cfg)
			b.must(l.Close())
		})
		if err != nil {
			t.Fatal(err)
		}
		return w.Hash(), w.Now(), end
	}
	fullHash, fullNow, fullEnd := run(env.StaticBuf)
	hash, now, end := run(func(batch []byte) env.Buf {
		body := len(batch) - record.HeaderSize
		return env.Join(modelledHeader(t, batch), env.StubBuf(body, &env.Stub{PlainBytes: body}))
	})
	if fullHash != hash || fullNow != now || fullEnd != end || end != 100 {
		t.Errorf("modelled: hash %x at %d, end %d; full: %x at %d, end %d", hash, now, end, fullHash, fullNow, fullEnd)
	}
}

// copyLog replicates a log to a follower and removes that.
func (b *bed) copyLog(l *commitlog.Log, cfg commitlog.Config) {
	b.Helper()
	follower, err := commitlog.Open(b.node, "follower", cfg)
	b.must(err)
	for follower.EndOffset() < l.EndOffset() {
		buf, err := l.Read(commitlog.ReadRequest{Offset: follower.EndOffset(), MaxBytes: 2000, Limit: l.EndOffset()})
		b.must(err)
		_, err = follower.AppendAsFollower(buf)
		b.must(err)
	}
	b.must(follower.Remove())
}

// Goal: the memory for the places of recent batches is bounded, and reads are
// right on both sides of the bound. Method: more small batches than the bound in
// one segment, then reads all over, before and after a truncation far back.
func TestMoreBatchesThanAreRemembered(t *testing.T) {
	const batches = 1<<16 + 5000
	simulated(t, func(b *bed) {
		l := b.open(commitlog.DefaultConfig())
		one := b.batchOf(nil)
		var all []byte
		for base := 0; base < batches; {
			start := len(all)
			for range 1000 {
				all = append(all, b.stamped(one, int64(base), 1)...)
				base++
			}
			_, err := l.AppendAsFollower(env.StaticBuf(all[start:len(all):len(all)]))
			b.must(err)
		}
		check := func(end int64) {
			b.Helper()
			for offset := int64(0); offset < end; offset += 997 {
				count := min(1+b.rand.Int64N(300), end-offset)
				buf, err := l.Read(commitlog.ReadRequest{
					Offset: offset, MaxBytes: int(count)*len(one) + b.rand.IntN(len(one)), Limit: end,
				})
				b.must(err)
				if want := all[int(offset)*len(one):][:int(count)*len(one)]; !bytes.Equal(b.bytesOf(buf), want) {
					b.Fatalf("a read of %d batches at %d is wrong", count, offset)
				}
			}
		}
		check(l.EndOffset())
		for _, end := range []int64{60000, 20000} { // inside of what is remembered, and before it
			b.must(l.Truncate(end))
			check(end)
		}
		_, err := l.AppendAsFollower(env.StaticBuf(all[20000*len(one):][:30000*len(one)]))
		b.must(err)
		check(50000)
		b.must(l.Close())
	})
}
