// Package crashimage is for tests: it walks all that a power loss may leave of a short
// history on a disk of simfs, each different image once, where a seeded power loss draws
// one. It does not know what recovery should make of an image.
//
// # What is left out
//
// Every change of names and every Truncate is tried both ways. Of the lengths that a torn
// tail may have, a Reduction keeps those between which no reader of the file can tell:
// see Lengths. Where that is still too many for the product over all files, the walk is
// bounded, says that it did not end, and draws some of the others.
package crashimage

import (
	"crypto/sha256"
	"math/rand/v2"
	"slices"

	"brokerlab/disks/simfs"
)

// Enumerate calls run once for each sequence of choices that run makes by its argument,
// depth first: choose(n) is one of 0 to n-1. It stops after runsMax calls, and says how
// many there were and whether these are all.
func Enumerate(runsMax int, run func(choose func(n int) int)) (runs int, whole bool) {
	var picked, of []int // the path to the leaf that is next
	for {
		if runs == runsMax {
			return runs, false
		}
		depth := 0
		run(func(n int) int {
			if n < 1 {
				panic("crashimage: a choice of nothing")
			}
			if depth == len(picked) {
				picked, of = append(picked, 0), append(of, n)
			}
			if of[depth] != n {
				panic("crashimage: the same choices lead to another choice: the run is not deterministic")
			}
			depth++
			return picked[depth-1]
		})
		runs++
		for len(picked) > 0 && picked[len(picked)-1] == of[len(of)-1]-1 {
			picked, of = picked[:len(picked)-1], of[:len(of)-1]
		}
		if len(picked) == 0 {
			return runs, true
		}
		picked[len(picked)-1]++
	}
}

// Reduction lists the outcomes of a choice that are tried; nil stands for all.
type Reduction func(c simfs.Choice) []int64

// Lengths reduces the lengths of a tail to: nothing and everything; where each Append, and
// each part of one, ends, and one byte to either side of that; and the places, and one byte
// to either side, at the given borders, counted from the start of each Append or part: those
// of the fields that a reader looks at before it has the whole. So a reader that takes whole
// fields, and refuses what was appended at once if it is not whole, sees every difference
// that there is.
func Lengths(borders ...int64) Reduction {
	return func(c simfs.Choice) []int64 {
		if c.Kind != simfs.ChoiceTail && c.Kind != simfs.ChoiceFormer {
			return nil
		}
		places := []int64{0, c.Outcomes - 1}
		ends := append([]int64{0}, c.Ends()...)
		for _, end := range ends {
			places = append(places, end-1, end, end+1)
			for _, b := range borders {
				places = append(places, end+b-1, end+b, end+b+1)
			}
		}
		places = slices.DeleteFunc(places, func(n int64) bool { return n < 0 || n >= c.Outcomes })
		slices.Sort(places)
		return slices.Compact(places)
	}
}

// Images are the walks over the images of disks, and what they have seen.
type Images struct {
	Reduce  Reduction
	RunsMax int // of one walk
	// Draws is how many images are drawn, with a generator of Seed, where RunsMax ended
	// the walk: what comes first in its order is not all there is to see.
	Draws int
	Seed  uint64

	Walks   int
	Runs    int // images made, alike or not
	Bounded int // walks that RunsMax ended
}

// Each calls see with each different image that a power loss may leave of the disk, which
// stays as it is. The image is closed afterwards.
func (m *Images) Each(d *simfs.Disk, see func(image *simfs.Disk, digest [sha256.Size]byte)) {
	seen := map[[sha256.Size]byte]bool{}
	one := func(choose func(n int) int) {
		image := d.Clone()
		defer image.Close()
		image.PowerLossBy(m.chooser(choose))
		digest := image.Digest()
		if !seen[digest] {
			seen[digest] = true
			see(image, digest)
		}
	}
	runs, whole := Enumerate(m.RunsMax, one)
	m.Walks++
	m.Runs += runs
	if whole {
		return
	}
	m.Bounded++
	r := rand.New(rand.NewPCG(m.Seed, uint64(m.Walks)))
	for range m.Draws {
		one(r.IntN)
	}
	m.Runs += m.Draws
}

// chooser picks among the outcomes that are tried.
func (m *Images) chooser(choose func(n int) int) simfs.Chooser {
	return func(c simfs.Choice) int64 {
		if c.Forced {
			return 1
		}
		if outcomes := m.reduced(c); outcomes != nil {
			return outcomes[choose(len(outcomes))]
		}
		return int64(choose(int(c.Outcomes)))
	}
}

func (m *Images) reduced(c simfs.Choice) []int64 {
	if m.Reduce == nil {
		return nil
	}
	return m.Reduce(c)
}
