package device_test

import (
	"math/rand/v2"
	"testing"

	"brokerlab/disks/device"
	"brokerlab/disks/profiles"
)

// loop keeps depth requests under way.
type loop struct {
	d     device.Device
	next  func() device.Request
	left  int
	again func(device.Completion)
}

func newLoop(d device.Device, depth int, next func() device.Request) *loop {
	l := &loop{d: d, next: next}
	l.again = func(c device.Completion) {
		l.left--
		l.d.Submit(c.Done, l.next())
	}
	for range depth {
		d.Submit(0, next())
	}
	return l
}

func (l *loop) run(count int) {
	for l.left = count; l.left > 0; {
		l.d.Advance(l.d.NextEvent(), l.again)
	}
}

// loads are what the benchmarks run. A sequential one is a log: appends of 64 KiB,
// with a flush after every 16.
var loads = []struct {
	name  string
	depth int
	next  func(capacity int64) func() device.Request
}{
	{"random-read-4k", 32, func(capacity int64) func() device.Request { return randomly(capacity, device.Read) }},
	{"random-write-4k", 32, func(capacity int64) func() device.Request { return randomly(capacity, device.Write) }},
	{"log-64k", 1, func(capacity int64) func() device.Request {
		i := int64(0)
		return func() device.Request {
			if i++; i%17 == 0 {
				return device.Request{Op: device.Flush}
			}
			return device.Request{Op: device.Write, Offset: i << 16 % (capacity - 1<<16), Bytes: 64 << 10}
		}
	}},
}

func randomly(capacity int64, op device.Op) func() device.Request {
	rng := rand.New(rand.NewPCG(1, 1))
	return func() device.Request {
		return device.Request{Op: op, Offset: rng.Int64N(capacity/4096) * 4096, Bytes: 4096}
	}
}

// BenchmarkDevice is the time of one simulated request, its share of the caller's
// loop included.
func BenchmarkDevice(b *testing.B) {
	for _, name := range []string{"hdd-7200", "sata-ssd", "nvme", "nvme-plp", "aws-gp3"} {
		for _, load := range loads {
			b.Run(name+"/"+load.name, func(b *testing.B) {
				p, err := profiles.Load(name)
				if err != nil {
					b.Fatal(err)
				}
				l := newLoop(open(b, p.Config, 1), load.depth, load.next(p.Config.CapacityBytes))
				b.ReportAllocs()
				b.ResetTimer()
				l.run(b.N)
			})
		}
	}
}

// Goal: in a steady state nothing is allocated. Method: every load on every
// profile, after a warm-up in which the queues grow.
func TestAllocatesNothing(t *testing.T) {
	for _, name := range profiles.Names() {
		for _, row := range loads {
			cfg := load(t, name)
			l := newLoop(open(t, cfg, 1), row.depth, row.next(cfg.CapacityBytes))
			l.run(20000)
			if allocs := testing.AllocsPerRun(10, func() { l.run(200) }); allocs != 0 {
				t.Errorf("%s, %s: %g allocations in 200 requests", name, row.name, allocs)
			}
		}
	}
}
