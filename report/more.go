package report

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"brokerlab/report/document"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// contents say what records held, and how they spread over partitions, where that was
// computed.
func (p *page) contents() {
	heading := []string{"cell", "payload", "bytes a record, mean", "entropy, bits a byte", "smaller alone",
		"smaller together"}
	var rows [][]string
	add := func(name string, c *results.Corpus) {
		rows = append(rows, []string{name, orNone(c.Payload), wording.Digits(c.MeanBytes), wording.Digits(c.EntropyBits),
			wording.Ratio(c.RatioAlone), wording.Ratio(c.RatioTogether)})
	}
	for i := range p.r.Cells {
		c := &p.r.Cells[i]
		for _, group := range slices.Sorted(maps.Keys(c.GroupCorpora)) {
			corpus := c.GroupCorpora[group]
			add(p.names.Cell(i)+", "+group, &corpus)
		}
		if c.Corpus != nil && len(c.GroupCorpora) == 0 {
			add(p.names.Cell(i), c.Corpus)
		}
	}
	if len(rows) > 0 {
		p.add(document.Section{ID: "contents", Title: "What records held"},
			document.Table{Caption: "Contents of records", Heading: heading, Rows: rows})
		p.say("Entropy is that of bytes by their frequencies: 8 is noise. Smaller is how often zstd, at its default level, " +
			"makes a record by itself, and 1,000 of them together: what the second has over the first is what records " +
			"have in common, and what a batch can save.")
	}
	p.spread()
}

// evenly is up to which imbalance records are said to be spread evenly.
const evenly = 1.1

// spread is how records spread over partitions, where any cell did so unevenly.
func (p *page) spread() {
	var rows [][]string
	uneven := func(c results.Cell) bool { return c.Partitions != nil && c.Partitions.Imbalance > evenly }
	if !slices.ContainsFunc(p.r.Cells, uneven) {
		return
	}
	for i := range p.r.Cells {
		if s := p.r.Cells[i].Partitions; s != nil && s.Count > 1 {
			rows = append(rows, []string{p.names.Cell(i), wording.Count(int64(s.Count)), strconv.Itoa(s.Busiest),
				wording.Percent(s.Share), wording.Digits(s.Imbalance), wording.Count(int64(s.Empty))})
		}
	}
	p.add(document.Section{ID: "partitions", Title: "Partitions"}, document.Table{Caption: "Records by partition",
		Heading: []string{"cell", "partitions", "busiest", "its part of all records", "over the mean", "empty"}, Rows: rows})
}

// troubles are errors and retries, and late and unsent records, of cells that had any.
func (p *page) troubles() {
	var rows [][]string
	for i := range p.r.Cells {
		c := &p.r.Cells[i]
		if c.Retries == 0 && len(c.Errors) == 0 && c.Late == 0 && c.Unsent == 0 {
			continue
		}
		var errors []string
		for _, name := range slices.Sorted(maps.Keys(c.Errors)) {
			errors = append(errors, name+" "+wording.Count(c.Errors[name]))
		}
		rows = append(rows, []string{p.names.Cell(i), wording.Count(c.Late), wording.Count(c.Unsent),
			wording.Count(c.Retries), orNone(strings.Join(errors, ", "))})
	}
	if len(rows) == 0 {
		return
	}
	p.add(document.Section{ID: "errors", Title: "Late records, retries and errors"},
		document.Table{Caption: "Cells that had any", Heading: []string{"cell", "late", "unsent", "retries", "errors"},
			Rows: rows})
	p.say("Late records were sent noticeably after they were due, unsent ones never; retries are batches that were sent " +
		"again, errors failed batches and refused requests by Kafka's names.")
}

// process is what the whole process took, in real runs.
func (p *page) process() {
	var rows [][]string
	for i := range p.r.Cells {
		o := p.r.Cells[i].Wall.Process
		if o == nil {
			continue
		}
		rows = append(rows, []string{p.names.Cell(i), wording.Bytes(o.MemoryMaxBytes), wording.Count(o.ContextSwitches),
			wording.Count(o.InvoluntarySwitches), wording.Duration(o.OtherCPUMillisecs * 1e6),
			wording.Duration(o.GarbageCollectionsNS)})
	}
	if len(rows) == 0 {
		return
	}
	p.add(document.Section{ID: "process", Title: "The process"}, document.Table{
		Caption: "What the process took while it was measured", Rows: rows,
		Heading: []string{"cell", "memory at most", "context switches", "involuntary", "processor used by others",
			"pauses to collect garbage"}})
	p.say("The process holds brokers and clients. Involuntary switches are those at which the processor was taken away. " +
		"What the system does not tell is 0.")
}
