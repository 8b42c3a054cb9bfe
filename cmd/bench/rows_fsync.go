package main

import (
	"fmt"

	"brokerlab/cmd/bench/measure"
	"brokerlab/cmd/bench/path"
	"brokerlab/cmd/bench/plain"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/protocol"
)

// The rows of this file hang on the disk, and on what else it is asked to do. Each
// has lines without a target that say how many appends a second the disk gives to
// plain loops of the same batches. A slow single producer flatters the ratio of many
// to one; the ratio of ours to as many loops does not know it.

// everyBatch forces each batch to disk before it is acknowledged.
func everyBatch(c *commitlog.Config) { c.FlushMessages = 1 }

var fsyncRow = row{
	name: "fsync-128k",
	lines: []line{
		{what: "fsync per batch of 128 KiB, 5 in flight, headers counted",
			plain: "append + fdatasync of as many bytes: no whole pages", unit: "MB/s", target: 0.9},
		{what: "the records alone, beside a loop that appends whole pages", judged: nothing,
			plain: "append + fdatasync of 128 KiB", unit: "MB/s"},
	},
	run: func(s *session, out *samples) error {
		const recordBytes = 1024
		cfg := path.Config{Dir: s.dir, Brokers: 1, Partitions: s.attempts(), Replicas: 1, Clients: 1, Log: everyBatch}
		return path.Run(cfg, func(c *path.Cluster) error {
			return s.each(out, func(round int) error {
				s.settle(blockBytes)
				loop := plain.Syncing{Dir: s.dir, Loops: 1, PieceBytes: batchBytes, Span: s.span}
				pages, pagesUsage, err := watched(loop.Each)
				if err != nil {
					return err
				}
				got, err := c.Produce(path.Load{Producers: 1, First: round, RecordBytes: recordBytes,
					BatchBytes: batchBytes, BufferBytes: 16 * batchBytes, Acks: protocol.AcksLeader, Span: s.span})
				if err != nil {
					return err
				}
				if err := c.Recycle(round); err != nil {
					return err
				}
				loop.PieceBytes = got.BatchBytes()
				same, sameUsage, err := watched(loop.Each)
				if err != nil {
					return err
				}
				if round > 0 {
					size := float64(loop.PieceBytes)
					out.add(0, sample{got.BatchesPerSec() * size / 1e6, same.PerSec() * size / 1e6,
						got.Usage, sameUsage.Others, got.Records})
					out.add(1, sample{got.PerSec() * recordBytes / 1e6, pages.PerSec() * batchBytes / 1e6,
						got.Usage, pagesUsage.Others, got.Records})
				}
				return nil
			})
		})
	},
}

// watched measures a plain loop.
func watched(loop func() (plain.Synced, error)) (plain.Synced, measure.Usage, error) {
	watch := measure.Start()
	got, err := loop()
	return got, watch.Stop(), err
}

// Small batches, as a service sends them that waits for the disk: what counts is
// how many fsyncs there are, not how long their bytes take.
const smallBatchBytes = 4096

// groupCommit forces each batch to disk before it is acknowledged, and lets
// batches that wait at the same time share an fsync (flush.group.commit, ours).
func groupCommit(c *commitlog.Config) { c.FlushMessages, c.FlushGroupCommit = 1, true }

// fsyncMany is a row of many producers beside one, all with group commit.
type fsyncMany struct {
	producers, partitions int // one producer a partition, or all to one
	target                float64
}

func fsyncManyRow(name string, p fsyncMany) row {
	producers := fmt.Sprintf("%d producers to %d partitions", p.producers, p.partitions)
	loops := fmt.Sprintf("%d loops of append + fdatasync, a file each", p.producers)
	if p.partitions == 1 {
		producers = fmt.Sprintf("%d producers to 1 partition", p.producers)
		loops = fmt.Sprintf("%d loops that append to a file and share fdatasync", p.producers)
	}
	return row{
		name: name,
		lines: []line{
			{what: "fsync per batch of 4 KiB, group commit: " + producers, unit: "records/s", target: p.target,
				plain: "1 producer to 1 partition, the same way"},
			{what: "what the disk gives: " + loops, plain: "1 loop", unit: "batches/s", judged: nothing},
			{what: producers + " beside these loops", plain: loops, unit: "batches/s", judged: nothing},
		},
		run: func(s *session, out *samples) error {
			// A broker has an I/O thread for each producer: only appends that run at
			// once share an fsync.
			cfg := path.Config{Dir: s.dir, Brokers: 1, Partitions: p.partitions, Replicas: 1, Clients: p.producers,
				Log: groupCommit, IOThreads: p.producers}
			return path.Run(cfg, func(c *path.Cluster) error {
				return s.each(out, func(round int) error { return p.measure(s, c, round, out) })
			})
		},
	}
}

// measure is one round.
func (p fsyncMany) measure(s *session, c *path.Cluster, round int, out *samples) error {
	many := path.Load{Producers: p.producers, RecordBytes: 1000, BatchBytes: smallBatchBytes,
		BufferBytes: 64 * smallBatchBytes, Acks: protocol.AcksLeader, Span: s.span}
	if p.partitions > 1 {
		many.Step = 1
	}
	one := many
	one.Producers = 1
	s.patience.Quiet()
	few, err := c.Produce(one)
	if err != nil {
		return err
	}
	got, err := c.Produce(many)
	if err != nil {
		return err
	}
	loops := plain.Syncing{Dir: s.dir, Loops: 1, PieceBytes: got.BatchBytes(), Span: s.span}
	plainFew, fewUsage, err := watched(loops.Each)
	if err != nil {
		return err
	}
	loops.Loops = p.producers
	body := loops.Each
	if p.partitions == 1 {
		body = loops.Shared
	}
	plainMany, manyUsage, err := watched(body)
	if err != nil || round == 0 {
		return err
	}
	out.add(0, sample{got.PerSec(), few.PerSec(), got.Usage, few.Usage.Others, got.Records})
	out.add(1, sample{plainMany.PerSec(), plainFew.PerSec(), manyUsage, fewUsage.Others, 0})
	out.add(2, sample{got.BatchesPerSec(), plainMany.PerSec(), got.Usage, manyUsage.Others, got.Records})
	return nil
}
