package chart

import (
	"strings"
	"testing"

	"brokerlab/report/reporttest"
)

// Goal: every comparison of disks gives a readable figure that says what is
// measured. Method: draw the synthetic ones, look for ink and for none on the margin,
// and for words.
func TestDisks(t *testing.T) {
	for name, c := range reporttest.Disks() {
		f := Disks(c)
		if inside, margin := ink(f.Image(perInch)); inside < 500 || margin != 0 {
			t.Errorf("%s: %d pixels of ink, of which %d on the margin", name, inside, margin)
		}
		words := f.Title + f.Subtitle + f.NoData
		want := map[string]string{"disks": "measured and simulated", "disks-lone": "compared (simulated)",
			"disks-empty": "no disk was compared"}[name]
		if !strings.Contains(words, want) {
			t.Errorf("%s: lacks %q: %s", name, want, words)
		}
	}
}
