package spec

import (
	"testing"
	"unicode/utf8"
)

// Goal: no text does harm, faults lie within it, and a goal's canonical text is read as
// the same goal. Method: arbitrary texts, read twice.
func FuzzParseGoal(f *testing.F) {
	for _, text := range []string{
		"p99(produce) < 10ms", "lost == 0 when acks=0,1 and disk!=sim",
		"p99.9(end_to_end, web) <= 1.5 * p50(produce) of never",
		"records_per_s of 'every batch' >= 5000/s", `lost != 1 when "a b"='c"d'`, "mb_per_s > 100MiB/s", "max(fsync)<1 s",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ParseGoal(text)
		if err != nil {
			fault, ok := err.(*goalFault)
			if !ok || fault.message == "" || fault.at < 0 || fault.at > utf8.RuneCountInString(text) {
				t.Fatalf("%q: fault %+v", text, err)
			}
			return
		}
		again, err := ParseGoal(g.Text)
		if err != nil && utf8.RuneCountInString(g.Text) <= goalCharactersMax {
			t.Fatalf("%q is read as %q, which is refused: %v", text, g.Text, err)
		}
		if err == nil && (again.Text != g.Text || again.Value != g.Value || again.Left != g.Left) {
			t.Fatalf("%q is read as %q, and that as %q", text, g.Text, again.Text)
		}
	})
}
