package report

import (
	"slices"
	"strconv"

	"brokerlab/report/document"
	"brokerlab/report/table"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// timing is where the time went, beside the times of requests and fsyncs.
func (p *page) timing() {
	stages, times, requests := table.Stages(p.r), table.Times(p.r), table.Requests(p.r)
	if len(stages.Rows)+len(times.Rows)+len(requests.Rows) == 0 {
		return
	}
	p.add(document.Section{ID: "time", Title: "Where the time went"})
	if len(stages.Rows) > 0 {
		p.add(document.Table{Caption: "Mean time of a record in each stage", Heading: stages.Heading, Rows: stages.Rows})
		p.say("The stages of a row add up to its mean, over the records of the measured window. accumulator: from the " +
			"instant at which a record was due to its batch leaving the producer's accumulator; compress: on the client; " +
			"queue: for a place in flight and a thread of the broker; network: under way, both ways; append: checks, the " +
			"log's lock and the write; fsync: forced flushes of the leader, also those of others that hold the lock; " +
			"replicate: until all in-sync replicas have it; fetch: from there to the consumer.")
		if explained := rareStages(p.r); explained != "" {
			p.say("%s", explained)
		}
	}
	if len(times.Rows) > 0 {
		p.add(document.Table{Caption: "Latency, service time and fsyncs", Heading: times.Heading, Rows: times.Rows})
		p.say("Latency runs from the instant at which a record was due to its acknowledgement. Service time begins when " +
			"its batch is handed to the connection: it leaves out what records wait for on the client, so that a load that " +
			"is too high shows in latency alone. fsyncs are timed in the measured window.")
	}
	if len(requests.Rows) > 0 {
		p.add(document.Table{Caption: "Record batches and produce requests", Heading: requests.Heading,
			Rows: requests.Rows})
		p.say("Batches and requests that were acknowledged in the measured window: what batch.size and linger.ms decide. A " +
			"request holds the batches that a producer has for one broker at a time, at most one of each partition.")
	}
}

// rareStages explains those that most runs do not have.
func rareStages(r *results.Result) (words string) {
	has := func(name string) bool {
		return slices.ContainsFunc(r.Cells, func(c results.Cell) bool {
			return c.Breakdown != nil && slices.ContainsFunc(slices.Concat(c.Breakdown.Produce, c.Breakdown.EndToEnd),
				func(s results.Stage) bool { return s.Name == name })
		})
	}
	if has(results.StageRetry) {
		words = "retry: attempts of a batch that failed, and the waits between them."
	}
	if has(results.StageUnknown) {
		if words != "" {
			words += " "
		}
		words += "unknown: the whole latency of records that were read so late, or from another leader, that no broker " +
			"remembers when it appended them."
	}
	return words
}

// parts is what processors worked on.
func (p *page) parts() {
	parts := p.cpuParts()
	if len(parts.Rows) == 0 {
		return
	}
	p.add(document.Section{ID: "work", Title: "What the processors worked on"})
	p.add(upright(parts))
	p.say("Seconds of all repeats' measured windows. Of simulated cells they are what the price list charged; waking " +
		"a task takes time but no processor there. Of measured cells they are samples of this process, 100 a second " +
		"of processor time, whose brokers and clients are told apart by what is on the stack.")
}

func (p *page) cpuParts() document.Table {
	t := document.Table{Caption: "Processor time by part of the work, in seconds", Heading: []string{"cell", "of"}}
	all := make([][]results.CPUPart, len(p.r.Cells))
	for i := range p.r.Cells {
		if all[i] = p.r.Cells[i].CPUParts; len(all[i]) == 0 {
			all[i] = p.r.Cells[i].Wall.CPUParts
		}
		for _, part := range all[i] {
			if !slices.Contains(t.Heading[2:], part.Name) {
				t.Heading = append(t.Heading, part.Name)
			}
		}
	}
	for i, parts := range all {
		for _, side := range []string{results.SideBrokers, results.SideClients, ""} {
			row := []string{p.names.Cell(i), side}
			if side == "" {
				row[1] = "not told apart"
			}
			found := false
			for _, name := range t.Heading[2:] {
				at := slices.IndexFunc(parts, func(c results.CPUPart) bool { return c.Name == name && c.Side == side })
				if at < 0 {
					row = append(row, quantity.None)
					continue
				}
				row, found = append(row, cpuSeconds(p.r.Cells[i].Target, parts[at].Seconds)), true
			}
			if found {
				t.Rows = append(t.Rows, row)
			}
		}
	}
	return t
}

// upright gives the parts of the work rows and the cells columns where that is narrower, as
// it is for a few cells: parts are many and their names long.
func upright(t document.Table) document.Table {
	if len(t.Rows)+1 >= len(t.Heading) {
		return t
	}
	turned := document.Table{Caption: t.Caption, Heading: []string{"part"}}
	for _, name := range t.Heading[2:] {
		turned.Rows = append(turned.Rows, []string{name})
	}
	for _, row := range t.Rows {
		turned.Heading = append(turned.Heading, row[0]+", "+row[1])
		for i, seconds := range row[2:] {
			turned.Rows[i] = append(turned.Rows[i], seconds)
		}
	}
	return turned
}

// cpuSeconds has the hundredths that samples of a real run have, and three digits of a
// simulated one.
func cpuSeconds(target string, seconds float64) string {
	if target == results.TargetSim {
		return quantity.Digits(seconds)
	}
	return strconv.FormatFloat(seconds, 'f', 2, 64)
}
