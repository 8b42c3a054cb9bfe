package wording

import (
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// DiskTarget says whether a disk's figures are measured or simulated.
func DiskTarget(d results.ComparedDisk) string {
	if d.Target == results.TargetSim {
		return "simulated"
	}
	return "measured"
}

// DiskConditions say of a comparison what its figures are and where on the disks.
func DiskConditions(c *results.DiskComparison) string {
	words, real, sim := "", false, false
	for _, d := range c.Disks {
		real, sim = real || d.Target != results.TargetSim, sim || d.Target == results.TargetSim
	}
	switch {
	case real && sim:
		words = "measured and simulated"
	case real:
		words = "measured"
	case sim:
		words = "simulated"
	}
	where := "over the whole disk"
	if c.SpanBytes > 0 {
		where = "within " + quantity.Bytes(c.SpanBytes)
	}
	return Join(words, where)
}
