package chart

import (
	"strings"
	"testing"

	"brokerlab/report/reporttest"
	"brokerlab/results"
)

// Goal: a probe's figure is readable with many rows, with few, and with none, and
// says what is measured. Method: draw synthetic ones, look for ink and for words.
func TestProbe(t *testing.T) {
	for name, c := range reporttest.Probes() {
		f := Probe(c)
		if inside, margin := ink(f.Image(perInch)); inside < 500 || margin != 0 {
			t.Errorf("%s: %d pixels of ink, of which %d on the margin", name, inside, margin)
		}
		words := f.Title + f.Subtitle
		for _, want := range []string{"Measured: dir", "solid with points: measured", "simulated"} {
			if !strings.Contains(words, want) {
				t.Errorf("%s: lacks %q: %s", name, want, words)
			}
		}
	}
	if f := Probe(&results.DiskComparison{}); f.NoData == "" {
		t.Error("without disks it does not say why it is empty")
	}
}
