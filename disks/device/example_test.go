package device_test

import (
	"fmt"
	"math/rand/v2"

	"brokerlab/disks/device"
	"brokerlab/disks/profiles"
	"brokerlab/engine/env"
)

// Two appends, each flushed, on a disk that turns 120 times a second, and a third
// one that a power loss takes.
func Example() {
	p, err := profiles.Load("hdd-7200")
	if err != nil {
		panic(err)
	}
	d, err := device.New(p.Config, rand.New(rand.NewPCG(3, 1)))
	if err != nil {
		panic(err)
	}
	now := env.Time(0)
	do := func(r device.Request) {
		d.Submit(now, r)
		for waiting := true; waiting; {
			d.Advance(d.NextEvent(), func(c device.Completion) {
				fmt.Printf("%v done after %.2f ms\n", c.Op, c.Done.Sub(c.Submitted).Seconds()*1e3)
				now, waiting = c.Done, false
			})
		}
	}
	for i := range int64(2) {
		do(device.Request{Op: device.Write, Offset: i * 4096, Bytes: 4096})
		do(device.Request{Op: device.Flush})
	}
	do(device.Request{Op: device.Write, Offset: 2 * 4096, Bytes: 4096})
	d.PowerLoss(now, func(r device.Range) { fmt.Printf("lost: %d bytes at %d\n", r.Bytes, r.Offset) })
	// Output:
	// write done after 0.06 ms
	// flush done after 6.96 ms
	// write done after 0.06 ms
	// flush done after 8.30 ms
	// write done after 0.06 ms
	// lost: 4096 bytes at 8192
}
