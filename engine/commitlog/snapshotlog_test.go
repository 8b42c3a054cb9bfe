package commitlog_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"brokerlab/engine/commitlog"
	"brokerlab/engine/record"
)

// producedBatch is a batch of two records of an idempotent producer.
func (b *bed) producedBatch(id int64, sequence int32) []byte {
	b.Helper()
	p := b.batchOf(make([]byte, 200), make([]byte, 200))
	h, err := record.ParseHeader(p)
	b.must(err)
	h.ProducerID, h.ProducerEpoch, h.BaseSequence = id, 1, sequence
	h.Put(p)
	h.CRC = record.UpdateCRC(0, p[record.AttributesOffset:])
	h.Put(p)
	return p
}

// Goal: the state of producers survives a restart through its snapshots: only what
// follows the latest good one is read, broken ones are skipped and removed, those of
// other histories never count, and they go with their segments. Method: two producers
// append by turns over several segments; the log is opened again with snapshots whole,
// torn, missing and from beyond its end; then the next batch of each producer must be
// taken and its last one be known.
func TestSnapshotsOfALog(t *testing.T) {
	inWorlds(t, func(b *bed) {
		cfg := small()
		l := b.open(cfg)
		next := map[int64]int32{}
		produce := func(id int64) error {
			_, err := l.AppendAsLeader(1, b.buf(b.producedBatch(id, next[id])))
			if err == nil {
				next[id] += 2
			}
			return err
		}
		for i := range 40 {
			b.must(produce([]int64{7, 8}[i%2]))
		}
		b.must(l.Close())
		files := b.files()
		snapshots := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(n string) bool {
			return !strings.HasSuffix(n, ".snapshot")
		})
		if last := len(snapshots) - 1; last < 3 || snapshots[last] != "00000000000000000080.snapshot" {
			b.Fatalf("the snapshots are %v", snapshots)
		}
		latest, before := snapshots[len(snapshots)-1], snapshots[len(snapshots)-2]
		var readsWhole, readsNone int64
		for _, test := range []struct {
			name string
			do   func(f map[string][]byte)
		}{
			{"all are whole", func(map[string][]byte) {}},
			{"there are none", func(f map[string][]byte) {
				maps.DeleteFunc(f, func(n string, _ []byte) bool { return strings.HasSuffix(n, ".snapshot") })
			}},
			{"the latest is torn", func(f map[string][]byte) { f[latest] = f[latest][:20] }},
			{"the latest is empty, the one before is broken", func(f map[string][]byte) {
				f[latest], f[before] = nil, slices.Concat([]byte{0, 9}, f[before][2:])
			}},
			{"one is of offsets that the log has not", func(f map[string][]byte) {
				f["00000000000000000099.snapshot"] = f[snapshots[0]]
			}},
		} {
			changed := maps.Clone(files)
			test.do(changed)
			b.setFiles(changed)
			reads := b.fs.reads.Load()
			var err error
			l, err = commitlog.OpenAfter(b.node, dir, cfg, commitlog.Past{CleanShutdown: true})
			b.must(err)
			reads = b.fs.reads.Load() - reads
			if readsWhole == 0 {
				readsWhole = reads
			} else if readsNone == 0 {
				readsNone = reads
			}
			kept := maps.Clone(next)
			for _, id := range []int64{7, 8} {
				again, err := l.AppendAsLeader(1, b.buf(b.producedBatch(id, next[id]-2)))
				if err != nil || !again.Duplicate {
					b.Errorf("%s: the last batch of producer %d again: %+v, %v", test.name, id, again, err)
				}
				if _, err = l.AppendAsLeader(1, b.buf(b.producedBatch(id, next[id]+2))); !errors.Is(err,
					commitlog.ErrOutOfOrderSequence) {
					b.Errorf("%s: a gap of producer %d: %v", test.name, id, err)
				}
				b.must(produce(id))
			}
			next = kept
			if _, there := b.files()["00000000000000000099.snapshot"]; there {
				b.Errorf("%s: a snapshot from beyond the end is there still", test.name)
			}
			b.must(l.Close())
		}
		if readsWhole+5 > readsNone {
			b.Errorf("opening took %d reads with snapshots, %d without", readsWhole, readsNone)
		}
		b.snapshotsGo(cfg, files)
	})
}

// snapshotsGo checks that snapshots go with what they tell of.
func (b *bed) snapshotsGo(cfg commitlog.Config, files map[string][]byte) {
	b.Helper()
	b.setFiles(files)
	count := func() (n int) {
		for name := range b.files() {
			if strings.HasSuffix(name, ".snapshot") {
				n++
			}
		}
		return n
	}
	cfg.RetentionBytes, cfg.RetentionInterval = 4000, 0
	l := b.open(cfg)
	before := count()
	b.must(l.Truncate(l.EndOffset() - 2))
	if got := count(); got != before-1 {
		b.Errorf("%d snapshots are left of %d after a truncation of the end", got, before)
	}
	segments, err := l.DeleteOldSegments(l.EndOffset())
	b.must(err)
	if got := count(); segments == 0 || got != before-segments {
		b.Errorf("%d snapshots are left of %d after %d segments were deleted", got, before-1, segments)
	}
	b.must(l.TruncateFullyAndStartAt(500))
	if count() != 0 {
		b.Error("snapshots are left of a log that was deleted")
	}
	b.must(l.Remove())
}
