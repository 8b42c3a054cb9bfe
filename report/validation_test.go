package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brokerlab/results"
)

// Goal: a validation's folder holds its page and two charts, the same bytes each
// time, also without any row. Method: write both twice.
func TestWriteValidation(t *testing.T) {
	row := results.ValidationRow{Kind: results.KindPublished, Table: "acme-2020", Row: "fast", Setting: "full speed",
		Sources: []string{"https://example.org/acme"}, Figures: []results.ValidationFigure{
			{Quantity: results.QuantityThroughput, Unit: "records/s", Observed: 821557, Predicted: 790000,
				Aim: results.Aim{Share: 0.15}, Within: true},
			{Quantity: results.QuantityProduceP50, Unit: "ms", Observed: 1.7, Predicted: 2.9, Aim: results.Aim{Share: 0.3}},
			{Quantity: results.QuantityEndP99, Unit: "ms", Observed: 7, Predicted: 90, Aim: results.Aim{Factor: 2}},
		}}
	for _, v := range []*results.Validation{{Rows: []results.ValidationRow{row}, Profile: "kafka-jvm"}, {}} {
		var first [][]byte
		for range 2 {
			folder, err := results.Create(t.TempDir(), "validate-model", time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC))
			if err != nil {
				t.Fatal(err)
			}
			names, err := WriteValidation(folder, v)
			if err != nil || len(names) != 3 || names[0] != ValidationMarkdownFile {
				t.Fatalf("%v, %v", names, err)
			}
			var all [][]byte
			for _, name := range names {
				content, err := os.ReadFile(filepath.Join(folder.Path, name))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, content)
			}
			if first == nil {
				first = all
				continue
			}
			for i := range all {
				if !bytes.Equal(first[i], all[i]) {
					t.Errorf("%s differs from time to time", names[i])
				}
			}
		}
		if page := string(first[0]); len(v.Rows) > 0 && (!strings.Contains(page, "https://example.org/acme") ||
			!strings.Contains(page, "821,557/s")) {
			t.Errorf("the page lacks a figure or its source:\n%s", page)
		}
	}
}
