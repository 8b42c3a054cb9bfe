package report

import (
	"maps"
	"slices"
	"strings"

	"brokerlab/report/document"
	"brokerlab/results/quantity"
)

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
			errors = append(errors, name+" "+quantity.Count(c.Errors[name]))
		}
		rows = append(rows, []string{p.names.Cell(i), quantity.Count(c.Late), quantity.Count(c.Unsent),
			quantity.Count(c.Retries), orNone(strings.Join(errors, ", "))})
	}
	if len(rows) == 0 {
		return
	}
	p.add(document.Table{Caption: "Cells with late or unsent records, retries or errors",
		Heading: []string{"cell", "late", "unsent", "retries", "errors"},
		Rows:    rows})
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
		rows = append(rows, []string{p.names.Cell(i), quantity.Bytes(o.MemoryMaxBytes), quantity.Count(o.ContextSwitches),
			quantity.Count(o.InvoluntarySwitches), quantity.Duration(o.OtherCPUMillisecs * 1e6),
			quantity.Duration(o.GarbageCollectionsNS)})
	}
	if len(rows) == 0 {
		return
	}
	p.add(document.Table{
		Caption: "What the process took while it was measured", Rows: rows,
		Heading: []string{"cell", "memory at most", "context switches", "involuntary", "processor used by others",
			"pauses to collect garbage"}})
	p.say("The process holds brokers and clients. Involuntary switches are those at which the processor was taken away. " +
		"What the system does not tell is 0.")
}
