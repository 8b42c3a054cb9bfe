package wording

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Corpus says what records held, computed from them: "json-logs of 1 KiB on average,
// 5.2 bits of entropy a byte; zstd's ratio is 1.9 for one alone and 6.1 for 1,000 together".
func Corpus(c *results.Corpus) string {
	words := fmt.Sprintf("%s of %s on average, %s bits of entropy a byte; zstd's ratio is %s for one alone",
		c.Payload, quantity.Bytes(int64(c.MeanBytes+0.5)), quantity.Digits(c.EntropyBits), quantity.Ratio(c.RatioAlone))
	if c.Together > 1 {
		words += fmt.Sprintf(" and %s for %s together", quantity.Ratio(c.RatioTogether), quantity.Count(int64(c.Together)))
	}
	if f := c.File; f != nil {
		words += fmt.Sprintf(" (%s in %s, read as %s, SHA-256 %s)", quantity.Plural(f.Records, "record"),
			quantity.Plural(f.Bytes, "byte"), f.Format, f.SHA256)
	}
	return words
}

// CommonCorpus is what the records of all cells held, if that was the same; nil if it
// differs or is not known.
func CommonCorpus(r *results.Result) *results.Corpus {
	var common *results.Corpus
	for i := range r.Cells {
		c := r.Cells[i].Corpus
		switch {
		case c == nil || len(r.Cells[i].GroupCorpora) > 0:
			return nil
		case common == nil:
			common = c
		case !sameCorpus(c, common):
			return nil
		}
	}
	return common
}

// sameCorpus compares figures, and files by their sums.
func sameCorpus(a, b *results.Corpus) bool {
	x, y := *a, *b
	x.File, y.File = nil, nil
	if (a.File == nil) != (b.File == nil) || a.File != nil && *a.File != *b.File {
		return false
	}
	return x == y
}

// unevenFrom is the imbalance from which partitions are told of as uneven.
const unevenFrom = 1.3

// Uneven says of cells whose records have keys which partition got the most: "partition
// 4 got 37 % of the records, 4.4 times its share". It is empty where partitions were
// filled about evenly, or records have no keys.
func Uneven(c *results.Cell) string {
	p := c.Partitions
	if key := c.Config["records.key"]; p == nil || p.Count < 2 || p.Imbalance < unevenFrom || !hasKeys(c, key) {
		return ""
	}
	busiest := fmt.Sprintf("partition %d", p.Busiest)
	if topics, err := strconv.Atoi(c.Config["topic.count"]); err == nil && topics > 1 && p.Count%topics == 0 {
		each := p.Count / topics
		busiest = fmt.Sprintf("partition %d of topic %d", p.Busiest%each, p.Busiest/each)
	}
	return fmt.Sprintf("%s got %s of the records, %s times its share", busiest, quantity.Percent(p.Share),
		quantity.Digits(p.Imbalance))
}

// hasKeys says whether records have keys, of any group.
func hasKeys(c *results.Cell, key string) bool {
	if key != "" && key != "none" {
		return true
	}
	for path, value := range c.Config {
		if strings.HasSuffix(path, ".records.key") && value != "none" {
			return true
		}
	}
	return false
}

// RecordNotes say what records held and where partitions were filled unevenly, for the
// lines below a table.
func RecordNotes(r *results.Result) []string {
	var notes []string
	if c := CommonCorpus(r); c != nil {
		notes = append(notes, "Records: "+Corpus(c)+".")
	} else if kinds := corpusKinds(r); len(kinds) > 0 {
		for _, c := range kinds {
			notes = append(notes, "Records: "+Corpus(&c)+".")
		}
	}
	if words := unevenCells(r); words != "" {
		notes = append(notes, "Uneven partitions: "+words+".")
	}
	return notes
}

// unevenTold is how many cells the lines below a table tell of as uneven.
const unevenTold = 3

// unevenCells says it of the cells that are the least even, those first.
func unevenCells(r *results.Result) string {
	var cells []int
	for i := range r.Cells {
		if Uneven(&r.Cells[i]) != "" {
			cells = append(cells, i)
		}
	}
	slices.SortStableFunc(cells, func(a, b int) int {
		return cmp.Compare(r.Cells[b].Partitions.Imbalance, r.Cells[a].Partitions.Imbalance)
	})
	more := ""
	if n := len(cells) - unevenTold; n > 0 {
		cells, more = cells[:unevenTold], "; and less so "+quantity.Plural(int64(n), "other cell")
	}
	names := NamesOf(r)
	var words []string
	for _, i := range cells {
		of := ""
		if len(r.Cells) > 1 {
			of = names.Cell(i) + ": "
		}
		words = append(words, of+Uneven(&r.Cells[i]))
	}
	return strings.Join(words, "; ") + more
}

// kindsTold is how many different kinds of records the lines below a table tell of; the
// report has those of each cell.
const kindsTold = 6

// corpusKinds are the different kinds of records of all cells, unless there are too many.
func corpusKinds(r *results.Result) []results.Corpus {
	var kinds []results.Corpus
	add := func(c *results.Corpus) {
		if !slices.ContainsFunc(kinds, func(k results.Corpus) bool { return sameCorpus(&k, c) }) {
			kinds = append(kinds, *c)
		}
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		for _, name := range slices.Sorted(maps.Keys(c.GroupCorpora)) {
			of := c.GroupCorpora[name]
			add(&of)
		}
		if c.Corpus != nil {
			add(c.Corpus)
		}
	}
	if len(kinds) > kindsTold {
		return nil
	}
	return kinds
}
