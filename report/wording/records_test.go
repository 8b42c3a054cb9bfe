package wording

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/results"
)

// Goal: what records held is told once if all cells share it, and else of each kind;
// uneven partitions are told where keys made them. Method: results made by hand.
func TestRecordNotes(t *testing.T) {
	logs := results.Corpus{Payload: "json-logs", MeanBytes: 1024, EntropyBits: 5.21, RatioAlone: 1.92, RatioTogether: 6.1,
		Records: 4000, Together: 1000}
	file := results.Corpus{Payload: "file:./my.jsonl", MeanBytes: 312.4, EntropyBits: 4, RatioAlone: 1.1, RatioTogether: 3,
		Records: 40, Together: 10,
		File: &results.CorpusFile{Path: "./my.jsonl", Format: "lines", Bytes: 3124, Records: 10, SHA256: "ab"}}
	again := file
	again.File = &results.CorpusFile{Path: "./my.jsonl", Format: "lines", Bytes: 3124, Records: 10, SHA256: "ab"}
	cell := func(load, key string, c *results.Corpus, records ...int64) results.Cell {
		return results.Cell{Labels: map[string]string{"key": key, "disk": "sim"}, Load: load, Corpus: c,
			Config: map[string]string{"records.key": key}, Partitions: results.PartitionsOf(records)}
	}
	const logsNote = "Records: json-logs of 1 KiB on average, 5.21 bits of entropy a byte; zstd's ratio is 1.92 " +
		"for one alone and 6.10 for 1,000 together."
	const fileNote = "Records: file:./my.jsonl of 312 B on average, 4.00 bits of entropy a byte; zstd's ratio is " +
		"1.10 for one alone and 3.00 for 10 together (10 records in 3,124 bytes, read as lines, SHA-256 ab)."
	small := logs
	small.RatioAlone, small.Together, small.RatioTogether = 0.917, 1, 0.917
	const smallNote = "Records: json-logs of 1 KiB on average, 5.21 bits of entropy a byte; zstd's ratio is 0.917 " +
		"for one alone."
	for _, row := range []struct {
		why   string
		cells []results.Cell
		want  []string
	}{
		{"nothing is known", []results.Cell{cell("open", "none", nil)}, nil},
		{"no keys, uneven all the same", []results.Cell{cell("open", "none", &logs, 1, 9)}, []string{logsNote}},
		{"even keys", []results.Cell{cell("open", "uniform 9", &logs, 9, 10)}, []string{logsNote}},
		{"a hot key in one of two cells", []results.Cell{cell("open", "none", &logs, 9, 10),
			cell("open", "zipf 9 exponent 2", &logs, 30, 90, 0, 0)}, []string{logsNote,
			"Uneven partitions: key=zipf 9 exponent 2: partition 1 got 75 % of the records, 3.00 times its share."}},
		{"the worst of many hot keys", []results.Cell{cell("open", "a", &logs, 9, 1), cell("open", "b", &logs, 8, 2),
			cell("open", "c", &logs, 10, 0), cell("open", "d", &logs, 7, 3), cell("open", "e", &logs, 3, 7)},
			[]string{logsNote, "Uneven partitions: key=c: partition 0 got 100 % of the records, 2.00 times its share; " +
				"key=a: partition 0 got 90 % of the records, 1.80 times its share; key=b: partition 0 got 80 % of the records, " +
				"1.60 times its share; and less so 2 other cells."}},
		{"a file, twice", []results.Cell{cell("open", "none", &file), cell("open", "none", &again)}, []string{fileNote}},
		{"one record, which grows", []results.Cell{cell("open", "none", &small)}, []string{smallNote}},
		{"two kinds", []results.Cell{cell("open", "none", &file), cell("open", "none", &logs)},
			[]string{fileNote, logsNote}},
	} {
		r := &results.Result{Cells: row.cells, LabelNames: []string{"key", "disk"}}
		if diff := cmp.Diff(row.want, RecordNotes(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

// Goal: of several topics the busiest partition is named with its topic. Method: three topics of two.
func TestUnevenTopics(t *testing.T) {
	c := &results.Cell{Config: map[string]string{"records.key": "uniform 9", "topic.count": "3"},
		Partitions: results.PartitionsOf([]int64{10, 10, 10, 50, 10, 10})}
	if got, want := Uneven(c), "partition 1 of topic 1 got 50 % of the records, 3.00 times its share"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
