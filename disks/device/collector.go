package device

import "math"

// collector says how much more than the host an SSD writes. When live and dead
// pages share an erase block, the live ones are copied before it is erased; each
// program then takes the time of as many as the write amplification says.
//
// The model is analytic, on a state that is kept. The state: the address space in
// regions, of each how much holds data and how much of that was written out of
// order. A write is in order if it begins a region or goes on where the last one
// in the region ended; so much of the region is then no longer scattered, and
// blocks that are overwritten from end to end cost nothing. The formula is that
// for writes in uniformly random order, collected oldest block first (Desnoyers,
// Analytic models of SSD write performance, 2014, and others before him), with
// alpha the flash per byte that holds data:
//
//	A = alpha / (alpha - x),    x the smaller root of  x = alpha * e^(x-alpha)
//
// It gives 7.8 for 7 % of spare flash and 2.5 for 28 %. Of a drive of which a share
// is scattered, that share of A - 1 is paid.
type collector struct {
	regionBytes int64
	capacity    int64
	regions     []region
	filled      int64
	scattered   int64
	table       [tableSteps + 1]float64 // A by the share of the drive that holds data
}

const tableSteps = 128

// region is a stretch of the address space.
type region struct {
	frontier  int64 // where the last write ended
	filled    int64 // bytes that hold data
	scattered int64 // of these, written out of order
}

func newCollector(d *SSD, capacity int64) collector {
	c := collector{
		regionBytes: d.RegionBytes, capacity: capacity,
		regions: make([]region, (capacity+d.RegionBytes-1)/d.RegionBytes),
	}
	for i := range c.table {
		c.table[i] = 1
		if i > 0 {
			c.table[i] = uniformAmplification((1 + d.OverProvisioning) * tableSteps / float64(i))
		}
	}
	for i := range int(d.StartFilled * float64(len(c.regions))) {
		r := &c.regions[i]
		r.filled = min(d.RegionBytes, capacity-int64(i)*d.RegionBytes)
		r.scattered = int64(d.StartScattered * float64(r.filled))
		r.frontier = -1
		c.filled += r.filled
		c.scattered += r.scattered
	}
	return c
}

// uniformAmplification is A of the type's doc, by Newton's method from 0, which
// climbs to the smaller root.
func uniformAmplification(alpha float64) float64 {
	x := 0.0
	for range 60 {
		y := alpha * math.Exp(x-alpha)
		step := (y - x) / (1 - y)
		x += step
		if step < 1e-12 {
			break
		}
	}
	return alpha / (alpha - x)
}

// wrote keeps the state for a write of the host.
func (c *collector) wrote(offset, bytes int64) {
	for bytes > 0 {
		i := offset / c.regionBytes
		start := i * c.regionBytes
		n := min(bytes, start+c.regionBytes-offset)
		r := &c.regions[i]
		before := *r
		r.filled = min(c.regionBytes, r.filled+n)
		if offset == start || offset == r.frontier {
			r.scattered = max(0, r.scattered-n)
		} else {
			r.scattered = min(r.filled, r.scattered+n)
		}
		r.frontier = offset + n
		c.filled += r.filled - before.filled
		c.scattered += r.scattered - before.scattered
		offset, bytes = offset+n, bytes-n
	}
}

// amplification is how many bytes the medium writes for one of the host's.
func (c *collector) amplification() float64 {
	if c.scattered == 0 {
		return 1
	}
	i := min(tableSteps, c.filled*tableSteps/c.capacity)
	return 1 + (c.table[i]-1)*float64(c.scattered)/float64(c.filled)
}
