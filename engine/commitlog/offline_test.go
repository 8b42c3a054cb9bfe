package commitlog_test

import (
	"slices"
	"testing"

	"brokerlab/engine/commitlog"
	"brokerlab/engine/protocol"
)

// Goal: a log that fails takes its whole directory offline and no other one, for
// good, and what the directory says about its logs stays what it was. Method: three
// logs in two directories; the fsync of one of them fails once.
func TestOffline(t *testing.T) {
	inWorlds(t, func(b *bed) {
		d := b.openDirs("a", "b")
		var logs []*commitlog.Log
		for p := range int32(3) {
			logs = append(logs, b.openIn(d, p, small()))
		}
		for p, want := range map[int32]string{0: "a", 1: "b", 2: "a", 3: ""} {
			if got := d.DirOf(protocol.TopicPartition{Topic: "topic", Partition: p}); got != want {
				b.Errorf("partition %d is in %q, want %q", p, got, want)
			}
		}
		p := b.batchOf([]byte("first"))
		for _, l := range logs {
			b.must(appendOne(b, l, p))
		}
		if got := d.Offline(); got != nil {
			b.Errorf("offline are %v, and nothing has failed", got)
		}
		b.fs.syncErr = errDisk
		b.wantErr(logs[0].Flush(), commitlog.ErrFailed, errDisk)
		b.fs.heal()
		for range 2 {
			if got := d.Offline(); !slices.Equal(got, []string{"a"}) {
				b.Errorf("offline are %v", got)
			}
		}
		b.must(appendOne(b, logs[1], p))
		b.must(logs[1].Flush())
		b.wantErr(appendOne(b, logs[2], p), commitlog.ErrFailed, errDisk)
		b.must(d.Checkpoint())
		b.must(d.CheckpointHighWatermarks(func(protocol.TopicPartition) int64 { return 1 }))
		b.must(d.Close())
		names := map[string]bool{}
		for _, dir := range []string{"a", "b"} {
			entries, err := b.node.FS().List(dir)
			b.must(err)
			for _, e := range entries {
				names[dir+"/"+e.Name] = true
			}
		}
		for _, name := range []string{"recovery-point-offset-checkpoint", "replication-offset-checkpoint",
			".kafka_cleanshutdown"} {
			if names["a/"+name] || !names["b/"+name] {
				b.Errorf("%s: in the failed directory %v, in the other one %v", name, names["a/"+name], names["b/"+name])
			}
		}
	})
}
