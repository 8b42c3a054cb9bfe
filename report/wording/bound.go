package wording

import (
	"slices"

	"brokerlab/results"
	"brokerlab/results/quantity"
)

// boundWords are the resources that may bound a cell: as short as a column needs
// them, and what they say: busy is 80 % of the time or more (results.BoundOf).
var boundWords = []struct{ resource, short, says string }{
	{results.BoundDisk, "disk", "a disk had a request under way most of the time"},
	{results.BoundPageCache, "page cache", "writers were held back, a tenth of the time or more, to what the disk takes"},
	{results.BoundNetwork, "network", "a network card sent or received most of the time"},
	{results.BoundCPU, "CPU", "all cores of a broker, of a real run those of the machine, worked most of the time"},
	{results.BoundClientCPU, "client CPU", "all cores of a client worked most of the time"},
	{results.BoundClientThread, "client", "a client's one thread worked most of the time: the rate is what clients make"},
	{results.BoundRate, "rate", "the offered rate was all there was to do"},
	{results.BoundLatency, "waits", "nothing was busy most of the time: one wait followed another"},
}

// Bound names what bounds a cell, in a word or two; None where it is not known.
func Bound(c results.Cell) string {
	if c.Bound == nil {
		return quantity.None
	}
	for _, w := range boundWords {
		if w.resource == c.Bound.Resource {
			return w.short
		}
	}
	return c.Bound.Resource
}

// BoundOrder is all resources that may bound a cell.
func BoundOrder() (all []string) {
	for _, w := range boundWords {
		all = append(all, w.resource)
	}
	return all
}

// BoundSays explains a resource that bounds a cell: "a disk had a request under way
// most of the time".
func BoundSays(resource string) string {
	for _, w := range boundWords {
		if w.resource == resource {
			return w.says
		}
	}
	return resource
}

// BoundKnown says whether any cell names what bounds it.
func BoundKnown(r *results.Result) bool {
	return slices.ContainsFunc(r.Cells, func(c results.Cell) bool { return c.Bound != nil })
}

// Bounds explain the words that Bound has for the cells of a result, in the order of
// the words: "disk: a disk had ...".
func Bounds(r *results.Result) (lines []string) {
	for _, w := range boundWords {
		if slices.ContainsFunc(r.Cells, func(c results.Cell) bool {
			return c.Bound != nil && c.Bound.Resource == w.resource
		}) {
			lines = append(lines, w.short+": "+w.says)
		}
	}
	return lines
}

// BoundMark says behind the share of a resource that it was what limited the cell, and
// how where that is not plain: "98 %, the limit".
func BoundMark(b *results.Bound) string {
	switch b.Resource {
	case results.BoundPageCache:
		return ", the limit (page cache)"
	case results.BoundClientThread:
		return ", the limit (one thread)"
	}
	return ", the limit"
}
