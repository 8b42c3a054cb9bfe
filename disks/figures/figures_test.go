package figures_test

import (
	"strings"
	"testing"

	"brokerlab/disks/figures"
)

// Goal: sizes mean what their units say, and nothing else is one. Method: a text a
// row.
func TestSize(t *testing.T) {
	for _, row := range []struct {
		text string
		want int64 // -1: none
	}{
		{"0B", 0}, {"4TB", 4e12}, {"64MiB", 64 << 20}, {"1.5KiB", 1536}, {"16kB", 16000},
		{"1.5B", -1}, {"12", -1}, {"MB", -1}, {"1KB", -1}, {"-1B", -1}, {"1.2.3MB", -1}, {"99999999999TB", -1}, {"", -1},
	} {
		got, err := figures.Size(row.text)
		if (err == nil) != (row.want >= 0) || err == nil && got != row.want {
			t.Errorf("%q is %d, %v, want %d", row.text, got, err, row.want)
		}
	}
}

// Goal: faults are told in the order of the file, and one that has no path has none.
// Method: three out of order.
func TestErrors(t *testing.T) {
	r := figures.Reader{File: "f.yaml"}
	if r.Errs.OrNil() != nil {
		t.Error("no fault is an error")
	}
	r.Fail(figures.Place{Line: 3, Column: 1}, "c", "is %d", 3)
	r.Fail(figures.Place{Line: 1, Column: 9}, "b", "is 2")
	r.Fail(figures.Place{Line: 1, Column: 2}, "", "is 1")
	const want = "f.yaml:1:2: is 1\nf.yaml:1:9: b: is 2\nf.yaml:3:1: c: is 3"
	if got := r.Errs.OrNil().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Goal: a figure says where it comes from. Method: an origin a row.
func TestOrigin(t *testing.T) {
	for _, row := range []struct {
		origin figures.Origin
		want   string // empty: right
	}{
		{figures.Origin{Status: figures.Measured}, ""},
		{figures.Origin{Status: figures.Assumed}, ""},
		{figures.Origin{Status: figures.Verified, Source: "s"}, ""},
		{figures.Origin{Status: figures.Verified}, "is verified and has no source"},
		{figures.Origin{Status: figures.Derived, Source: "s"}, "is derived and has no note"},
		{figures.Origin{Status: figures.Derived, Note: "n"}, "is derived and has no source"},
		{figures.Origin{Source: "s"}, "has no status"},
	} {
		r := figures.Reader{File: "f.yaml"}
		r.CheckOrigin(figures.Place{Line: 1, Column: 1}, "x", row.origin)
		err := r.Errs.OrNil()
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: %v, want %q", row.origin, err, row.want)
		}
	}
}
