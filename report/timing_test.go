package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/report/document"
)

// Goal: parts of the work are rows where cells are few, and columns where cells are many; no
// figure changes its cell or its part. Method: one table of each.
func TestUpright(t *testing.T) {
	wide := document.Table{Caption: "c", Heading: []string{"cell", "of", "append", "copy"},
		Rows: [][]string{{"a", "brokers", "1", "2"}, {"b", "clients", "3", "4"}}}
	want := document.Table{Caption: "c", Heading: []string{"part", "a, brokers", "b, clients"},
		Rows: [][]string{{"append", "1", "3"}, {"copy", "2", "4"}}}
	if diff := cmp.Diff(want, upright(wide)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	wide.Rows = append(wide.Rows, []string{"c", "brokers", "5", "6"})
	if diff := cmp.Diff(wide, upright(wide)); diff != "" {
		t.Errorf("many cells: (-want +got)\n%s", diff)
	}
}
