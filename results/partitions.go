package results

import "slices"

// PartitionsListed is how many partitions a list of them has at most.
const PartitionsListed = 1000

// Partitions says how evenly the records of a run went to the partitions of its topic:
// a hot key makes a hot partition. Those of several topics are numbered through.
type Partitions struct {
	Count int `json:"count"`
	// Records of each partition by its number; absent where there are more than
	// PartitionsListed.
	Records []int64 `json:"records,omitempty"`
	// Busiest is the number of the partition with the most records, and Share its part
	// of all of them, 0 to 1.
	Busiest int     `json:"busiest"`
	Share   float64 `json:"busiest_share"`
	// Imbalance is the records of the busiest partition over the mean of all: 1 is even.
	Imbalance float64 `json:"imbalance"`
	// Empty is how many partitions have no record.
	Empty int `json:"empty"`
}

// PartitionsOf says it of the records of each partition; nil if there are none.
func PartitionsOf(records []int64) *Partitions {
	var sum int64
	p := &Partitions{Count: len(records)}
	for i, n := range records {
		sum += n
		if n > records[p.Busiest] {
			p.Busiest = i
		}
		if n == 0 {
			p.Empty++
		}
	}
	if sum == 0 {
		return nil
	}
	p.Share = float64(records[p.Busiest]) / float64(sum)
	p.Imbalance = p.Share * float64(len(records))
	if len(records) <= PartitionsListed {
		p.Records = slices.Clone(records)
	}
	return p
}

// MergePartitions puts together what repeats say: the records of all of them, or where
// they are not listed the repeat that is the least even.
func MergePartitions(repeats []Repeat) *Partitions {
	var worst *Partitions
	var sums []int64
	for i := range repeats {
		p := repeats[i].Partitions
		if p == nil {
			continue
		}
		if worst == nil || p.Imbalance > worst.Imbalance {
			worst = p
		}
		if len(p.Records) == 0 || sums != nil && len(sums) != len(p.Records) {
			continue
		}
		if sums == nil {
			sums = make([]int64, len(p.Records))
		}
		for at, n := range p.Records {
			sums[at] += n
		}
	}
	if sums != nil {
		return PartitionsOf(sums)
	}
	return worst
}
