package profiles_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/device/pattern"
	"brokerlab/disks/profiles"
)

// measure is what a row looks at.
type measure func(pattern.Result) float64

func ops(r pattern.Result) float64        { return r.OpsPerSec }
func mbPerSec(r pattern.Result) float64   { return r.MBPerSec }
func syncs(r pattern.Result) float64      { return r.SyncsPerSec }
func syncMillis(r pattern.Result) float64 { return r.SyncLatency.P50.Seconds() * 1e3 }
func p50Micros(r pattern.Result) float64  { return r.Latency.P50.Seconds() * 1e6 }
func p99Millis(r pattern.Result) float64  { return r.Latency.P99.Seconds() * 1e3 }

// syncAloneMicros is a sync without the write before it.
func syncAloneMicros(r pattern.Result) float64 {
	return (r.SyncLatency.P50 - r.Latency.P50).Seconds() * 1e6
}

// The patterns, by the names that fio's users give them.
var (
	seqRead      = pattern.Pattern{ReadShare: 1, BlockBytes: 1 << 20, Depth: 4}
	seqWrite     = pattern.Pattern{BlockBytes: 1 << 20, Depth: 4}
	randRead1    = pattern.Pattern{ReadShare: 1, Random: true, BlockBytes: 4096, Depth: 1}
	randRead32   = pattern.Pattern{ReadShare: 1, Random: true, BlockBytes: 4096, Depth: 32}
	randRead256  = pattern.Pattern{ReadShare: 1, Random: true, BlockBytes: 4096, Depth: 256}
	randWrite1   = pattern.Pattern{Random: true, BlockBytes: 4096, Depth: 1}
	randWrite32  = pattern.Pattern{Random: true, BlockBytes: 4096, Depth: 32}
	writeFlush   = pattern.Pattern{BlockBytes: 4096, Depth: 1, SyncEvery: 1}
	write8kFlush = pattern.Pattern{BlockBytes: 8192, Depth: 1, SyncEvery: 1}
	writeFUA     = pattern.Pattern{BlockBytes: 4096, Depth: 1, SyncEvery: 1, Sync: pattern.SyncFUA}
	fsync        = pattern.Pattern{BlockBytes: 4096, Depth: 1, SyncEvery: 1, Sync: pattern.SyncJournal}
)

// inner is the last tenth of a hard disk; nearJournal lies beside the journal.
func inner(p pattern.Pattern, c *device.Config) pattern.Pattern {
	p.SpanOffset = c.CapacityBytes / 100 * 99
	return p
}

func nearJournal(p pattern.Pattern, c *device.Config) pattern.Pattern {
	p.SpanOffset, p.SpanBytes = c.CapacityBytes/2, 1<<30
	return p
}

// used is a drive that was full and written at random for long.
func used(c *device.Config) { c.SSD.StartFilled, c.SSD.StartScattered, c.SSD.StartFastUsed = 1, 1, 1 }

// tired is a drive whose fast cache is used up.
func tired(c *device.Config) { c.SSD.StartFastUsed = 1 }

// rows are figures of datasheets and of others' measurements, with the range that
// the model must meet. Where a figure was fitted, the profile says so.
var rows = []struct {
	sentence  string
	profile   string
	pattern   pattern.Pattern
	place     func(pattern.Pattern, *device.Config) pattern.Pattern
	state     func(*device.Config)
	what      measure
	low, high float64
}{
	{"Constellation ES.3: 175 MB/s at the outer edge, within 2 %", "hdd-7200", seqRead, nil, nil, mbPerSec, 171, 179},
	{"and writing", "hdd-7200", seqWrite, nil, nil, mbPerSec, 171, 179},
	{"Constellation ES.3: 83 MB/s at the inner edge, within 2 %", "hdd-7200", seqRead, inner, nil, mbPerSec, 81, 85},
	{"5K320 class: 80 MB/s at the outer edge, within 2 %", "hdd-5400", seqRead, nil, nil, mbPerSec, 78, 82},
	{"random 4 KiB at depth 1: 81 IOPS from 8.2 ms and half a turn, within 5 %",
		"hdd-7200", randRead1, nil, nil, ops, 77, 86},
	{"5400 rpm: 57 IOPS from 12 ms and half a turn, within 10 %", "hdd-5400", randRead1, nil, nil, ops, 52, 63},
	{"NCQ at depth 32: 150 to 200 random reads a second", "hdd-7200", randRead32, nil, nil, ops, 150, 200},
	{"cached random writes at depth 32: 150 to 250 a second", "hdd-7200", randWrite32, nil, nil, ops, 150, 250},
	{"fsync of an append, 7200 rpm: 17 to 25 ms, within 20 %", "hdd-7200", fsync, nearJournal, nil, syncMillis, 14, 30},
	{"fsync of an append, 5400 rpm laptop: 45 to 66 ms, within 20 %", "hdd-5400", fsync, nil, nil, syncMillis, 36, 79},
	{"d2: 1750 MB/s of 12 drives", "aws-d2-hdd", seqRead, nil, nil, mbPerSec, 142, 150},

	{"SATA reads at 550 MB/s, within 3 %", "sata-ssd", seqRead, nil, nil, mbPerSec, 533, 566},
	{"SATA writes at 520 MB/s, within 7 %", "sata-ssd", seqWrite, nil, nil, mbPerSec, 484, 556},
	{"95,000 random reads a second, within 5 %", "sata-ssd", randRead32, nil, nil, ops, 90000, 100000},
	{"90,000 random writes a second in the fast cache, within 10 %", "sata-ssd", randWrite32, nil, nil, ops, 81000, 99000},
	{"10,000 to 30,000 random writes a second when it is used up", "sata-ssd", randWrite32, nil, used, ops, 10000, 30000},
	{"a random read takes 80 to 120 us", "sata-ssd", randRead1, nil, nil, p50Micros, 80, 120},
	{"850 Pro: an fsync of 4 KiB takes 2.26 ms, within 25 %", "sata-ssd", fsync, nil, nil, syncMillis, 1.7, 2.8},
	{"Ultra II: an fdatasync of 8 KiB takes 0.65 ms; other drives more, within a factor of 2",
		"sata-ssd", write8kFlush, nil, nil, syncMillis, 0.65, 1.3},
	{"S4510, PM883: 550 MB/s of reads, within 3 %", "sata-ssd-plp", seqRead, nil, nil, mbPerSec, 533, 566},
	{"S4510, PM883: 490 to 520 MB/s of writes, within 5 %", "sata-ssd-plp", seqWrite, nil, nil, mbPerSec, 465, 546},
	{"S4510, PM883: 20,000 to 36,000 random writes a second sustained",
		"sata-ssd-plp", randWrite32, nil, used, ops, 20000, 36000},
	{"S4510, PM883: a write takes 35 to 40 us", "sata-ssd-plp", randWrite1, nil, nil, p50Micros, 35, 40},
	{"PM863: 25,394 writes of 4 KiB with fsync a second, within 10 %",
		"sata-ssd-plp", writeFlush, nil, nil, syncs, 22900, 27900},

	{"PCIe 4: 7000 MB/s of reads, within 3 %", "nvme", seqRead, nil, nil, mbPerSec, 6790, 7210},
	{"5000 to 6500 MB/s of writes into the fast cache", "nvme", seqWrite, nil, nil, mbPerSec, 5000, 6500},
	{"1000 to 1800 MB/s of writes after it", "nvme", seqWrite, nil, tired, mbPerSec, 1000, 1800},
	{"a random read takes 50 to 100 us", "nvme", randRead1, nil, nil, p50Micros, 50, 100},
	{"70,000 to 97,000 writes of 4 KiB a second without a flush", "nvme", randWrite1, nil, nil, ops, 70000, 97000},
	{"970 EVO Plus: an fdatasync of 8 KiB takes 0.706 ms, within 15 %",
		"nvme", write8kFlush, nil, nil, syncMillis, 0.6, 0.81},
	{"970 EVO Plus: an fsync takes 1.456 ms, within 15 %", "nvme", fsync, nil, nil, syncMillis, 1.24, 1.68},
	{"90 to 4863 FUA writes a second, by drive", "nvme", writeFUA, nil, nil, ops, 90, 4863},

	{"PM983: 3000 MB/s of reads, within 3 %", "nvme-plp", seqRead, nil, nil, mbPerSec, 2910, 3090},
	{"PM983: 1050 MB/s of writes, within 5 %", "nvme-plp", seqWrite, nil, nil, mbPerSec, 998, 1103},
	{"PM983: 400,000 random reads a second, within 5 %", "nvme-plp", randRead256, nil, nil, ops, 380000, 420000},
	{"PM983: 40,000 random writes a second, within 10 %", "nvme-plp", randWrite32, nil, used, ops, 36000, 44000},
	{"PM983 and DC1500M: 40,473 writes with fsync a second, within a factor of 1.5 without a file system",
		"nvme-plp", writeFlush, nil, nil, syncs, 40473, 60700},

	{"gp3: 3000 IOPS", "aws-gp3", randRead32, nil, nil, ops, 2990, 3010},
	{"gp3: 125 MB/s", "aws-gp3", seqWrite, nil, nil, mbPerSec, 123, 127},
	{"gp3: an fsync takes 2.6 ms on average, within 15 %", "aws-gp3", fsync, nil, nil, syncMillis, 2.2, 3},
	{"io2: a request takes under 500 us", "aws-io2", randWrite1, nil, nil, p50Micros, 300, 500},
	{"i3en.2xlarge: 327 MB/s of writes, within 2 %", "aws-i3en-2xlarge", seqWrite, nil, nil, mbPerSec, 320, 334},
	{"i3en.6xlarge: 1 GB/s of writes, within 2 %", "aws-i3en-6xlarge", seqWrite, nil, nil, mbPerSec, 980, 1020},
	{"i3.4xlarge: 700 to 800 MB/s of writes", "aws-i3-4xlarge", seqWrite, nil, nil, mbPerSec, 700, 800},
	{"c3d: an fsync after the write takes 40 to 56 us",
		"gcp-c3d-local", fsync, nil, nil, syncAloneMicros, 40, 56},
	{"Hyperdisk: an fsync after the write takes 738 us, within 15 %", "gcp-hyperdisk-balanced",
		fsync, nil, nil, syncAloneMicros, 630, 850},
	{"CCX33: 10,200 writes of 8 kB a second at depth 123, within 3 %", "hetzner-ccx33",
		pattern.Pattern{Random: true, BlockBytes: 8000, Depth: 123}, nil, nil, ops, 9900, 10500},
	{"CCX33: such a write takes 12.1 ms, within 5 %", "hetzner-ccx33",
		pattern.Pattern{Random: true, BlockBytes: 8000, Depth: 123}, nil, nil, p50Micros, 11500, 12700},
	{"CCX33: the p99 of a read is 1.3 ms, within 10 %", "hetzner-ccx33", randRead1, nil, nil, p99Millis, 1.17, 1.43},
}

// Goal: each profile behaves as the product's figures say, in patterns that are not
// what its figures state directly. Method: closed loops as fio runs them.
func TestPatterns(t *testing.T) {
	for _, row := range rows {
		t.Run(row.profile, func(t *testing.T) {
			p, err := profiles.Load(row.profile)
			if err != nil {
				t.Fatal(err)
			}
			cfg, load := p.Config, row.pattern
			if row.place != nil {
				load = row.place(load, &cfg)
			}
			if row.state != nil {
				row.state(&cfg)
			}
			load.Warmup, load.Duration = 500*time.Millisecond, 500*time.Millisecond
			switch cfg.Kind {
			case device.KindHardDisk:
				load.Warmup, load.Duration = 20*time.Second, 20*time.Second
			case device.KindProvisioned:
				load.Duration = 3 * time.Second
			}
			d, err := device.New(cfg, rand.New(rand.NewPCG(1, 1)))
			if err != nil {
				t.Fatal(err)
			}
			r, err := pattern.Run(d, cfg.CapacityBytes, load)
			if err != nil {
				t.Fatal(err)
			}
			if got := row.what(r); got < row.low || got > row.high {
				t.Errorf("%s: %.4g, want %.4g to %.4g", row.sentence, got, row.low, row.high)
			}
		})
	}
}
