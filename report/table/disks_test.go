package table

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/report/reporttest"
)

// Goal: tables of disks read well and stay as they are, also where figures are
// missing. Method: compare the text of synthetic comparisons and probes with testdata.
func TestDisksGolden(t *testing.T) {
	texts := map[string]string{}
	for name, c := range reporttest.Disks() {
		texts[name] = Disks(c)
	}
	for name, c := range reporttest.Probes() {
		texts[name] = Probe(c)
	}
	for name, got := range texts {
		path := filepath.Join("testdata", name+".txt")
		if *rewrite {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: go test ./report/table -rewrite writes it: (-want +got)\n%s", name, diff)
		}
	}
}
