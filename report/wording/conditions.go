package wording

import (
	"strconv"
	"strings"

	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Dot joins the parts of a subtitle.
const Dot = " \u00b7 "

// Conditions says under what all cells ran: "3 brokers, replication 3, 1 KiB records,
// acks=all, snappy", the load, and whether figures were measured or simulated. What varies
// or is not known is left out.
func Conditions(r *results.Result) string {
	if len(r.Cells) == 0 {
		return ""
	}
	return Join(settings(r), CommonLoad(r), Targets(r), incomplete(r))
}

// ConditionsBelow are the same for the line below a title that says already whether
// figures were measured or simulated.
func ConditionsBelow(r *results.Result) string {
	if len(r.Cells) == 0 {
		return ""
	}
	return Join(settings(r), CommonLoad(r), incomplete(r))
}

// settings are those of Conditions.
func settings(r *results.Result) string {
	var settings []string
	add := func(words string) {
		if words != "" {
			settings = append(settings, words)
		}
	}
	add(counted(r, "cluster.brokers", "broker"))
	add(topicWords(r))
	add(prefixed(r, "topic.replication.factor", "replication "))
	add(recordWords(r))
	add(prefixed(r, "producers.acks", "acks="))
	switch codec := Common(r, "producers.compression.type"); codec {
	case "none":
		add("no compression")
	default:
		add(codec)
	}
	return strings.Join(settings, ", ")
}

// incomplete says of a run that it did not end.
func incomplete(r *results.Result) string {
	if r.Complete {
		return ""
	}
	return "incomplete run"
}

// Join joins the parts of a subtitle or note that there are.
func Join(parts ...string) string {
	var there []string
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return strings.Join(there, Dot)
}

// Common is a setting that all cells have with one value, else "".
func Common(r *results.Result, path string) string {
	if len(r.Cells) == 0 {
		return ""
	}
	value := r.Cells[0].Config[path]
	for _, cell := range r.Cells {
		if cell.Config[path] != value || groupsSet(cell.Config, path) {
			return ""
		}
	}
	return value
}

// groupsSet says whether a group of clients has a setting for itself: a path such as
// producers.groups.orders.acks or producers.groups.orders.records.size.
func groupsSet(config map[string]string, path string) bool {
	section, _, _ := strings.Cut(path, ".")
	for key := range config {
		of, rest, ok := strings.Cut(key, ".groups.")
		if !ok {
			continue
		}
		if _, inner, _ := strings.Cut(rest, "."); inner == path || of == section && section+"."+inner == path {
			return true
		}
	}
	return false
}

func counted(r *results.Result, path, noun string) string {
	n, err := strconv.ParseInt(Common(r, path), 10, 64)
	if err != nil {
		return ""
	}
	return quantity.Plural(n, noun)
}

// topicWords is "6 partitions", or "10 topics of 3 partitions".
func topicWords(r *results.Result) string {
	partitions := counted(r, "topic.partitions", "partition")
	switch topics := counted(r, "topic.count", "topic"); {
	case topics == "" || topics == quantity.Plural(1, "topic"):
		return partitions
	case partitions == "":
		return topics
	default:
		return topics + " of " + partitions
	}
}

func prefixed(r *results.Result, path, before string) string {
	if value := Common(r, path); value != "" {
		return before + value
	}
	return ""
}

// recordWords is "1 KiB json-logs records", or "records of ./sample.jsonl".
func recordWords(r *results.Result) string {
	size, payload := Common(r, "records.size"), Common(r, "records.payload")
	if path, ok := strings.CutPrefix(payload, "file:"); ok {
		return "records of " + path
	}
	if size == "auto" { // as the payload has it, which varies
		size = ""
	}
	words := strings.TrimSpace(quantity.Size(size) + " " + payload)
	if words == "" {
		return ""
	}
	return words + " records"
}

// CommonLabel is a label's value, in full, that all cells have, or nothing.
func CommonLabel(r *results.Result, name string) string {
	if values := valuesOf(r, name); len(values) == 1 {
		return values[0]
	}
	return ""
}

// Targets says how figures came about: measured, simulated, or both. A result
// without cells has none.
func Targets(r *results.Result) string {
	switch {
	case len(r.Cells) == 0:
		return ""
	case TargetVaries(r):
		return "measured and simulated"
	}
	return Target(r.Cells[0])
}

// Repeats says what is done with several repeats of a cell, such as "median of"
// or "merged", as "median of 3 runs"; nothing when no cell has more than one.
func Repeats(r *results.Result, before, after string) string {
	least, greatest := 0, 0
	for n, cell := range r.Cells {
		if n == 0 {
			least = len(cell.Repeats)
		}
		least, greatest = min(least, len(cell.Repeats)), max(greatest, len(cell.Repeats))
	}
	if greatest <= 1 {
		return ""
	}
	count := strconv.Itoa(greatest)
	if least != greatest {
		count = "up to " + count
	}
	return before + count + " runs" + after
}

// Runs says how often each cell ran: "3 runs of each cell".
func Runs(r *results.Result) string {
	if words := Repeats(r, "", " of each cell"); words != "" {
		return words
	}
	return "one run of each cell"
}
