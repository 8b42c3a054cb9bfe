package chart

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"brokerlab/report/reporttest"
)

func TestView(t *testing.T) {
	out := os.Getenv("VIEW")
	for _, run := range reporttest.Runs(2000) {
		r, hs := reporttest.Make(run)
		d := New(r)
		for i, by := range hs {
			for l, h := range by {
				d.SetHistograms(i, l, h)
			}
		}
		for _, f := range All(d) {
			var b bytes.Buffer
			if err := f.Figure.WritePNG(&b); err != nil {
				t.Fatal(err)
			}
			if out != "" {
				os.WriteFile(filepath.Join(out, run.Scenario+"-"+f.Name), b.Bytes(), 0o644)
			}
		}
	}
}
