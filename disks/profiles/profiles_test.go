package profiles_test

import (
	"strings"
	"testing"

	"brokerlab/disks/figures"
	"brokerlab/disks/profiles"
)

// Goal: the built-in profiles are read without a fault and nothing of them is
// lost. Method: each has a title, its name, and as many figures as values in its
// text.
func TestBuiltIn(t *testing.T) {
	for _, name := range profiles.Names() {
		p, err := profiles.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := profiles.Text(name)
		if err != nil {
			t.Fatal(err)
		}
		if values := strings.Count(string(text), "{value: "); p.Name != name || p.Title == "" || len(p.Figures) != values {
			t.Errorf("%s: name %q, title %q, %d figures of %d", name, p.Name, p.Title, len(p.Figures), values)
		}
		for _, f := range p.Figures {
			sourced := f.Source != "" || f.Status == figures.Recalled || f.Status == figures.Assumed
			if f.Text == "" || f.Status == "" || !sourced {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if len(p.Sources) == 0 {
			t.Errorf("%s has no sources", name)
		}
	}
	if _, err := profiles.Load("hdd-720"); err == nil || !strings.Contains(err.Error(), "hdd-7200, hetzner") {
		t.Errorf("an unknown name: %v", err)
	}
}

// Goal: every kind of fault of a profile is found, at its place, and all at once.
// Method: one edit of a good profile a row.
func TestFaults(t *testing.T) {
	good, err := profiles.Text("hdd-7200")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ sentence, from, to, want string }{
		{"an unknown figure",
			"  rpm: {", "  rmp: {", "x.yaml:22:3: hdd.rmp: is not a figure of this kind of disk: there are rpm, heads"},
		{"so that one is missing", "  rpm: {", "  rmp: {", "x.yaml:1:1: hdd.rpm: is missing"},
		{"another kind's section", "hdd:\n", "ssd:\n", "x.yaml:21:1: ssd: is not a figure"},
		{"an unknown kind", "kind: hdd", "kind: tape", "x.yaml:12:7: kind: must be hdd, ssd or provisioned"},
		{"no kind", "kind: hdd\n", "", "x.yaml:1:1: kind: is missing"},
		{"no title", "title: ", "note2: ", "title: is missing"},
		{"a figure without value", "{value: 7200, status", "{status", "hdd.rpm: has no value"},
		{"a figure that is no mapping",
			"rpm: {value: 7200, status: verified, source: es3}", "rpm: 7200", "x.yaml:22:8: hdd.rpm: must be a mapping"},
		{"a figure without status",
			"{value: 7200, status: verified, source: es3}", "{value: 7200, source: es3}", "hdd.rpm: has no status"},
		{"an unknown status",
			"status: verified, source: es3}\n  heads", "status: sure, source: es3}\n  heads", `status "sure" is none of`},
		{"a verified figure without source",
			"7200, status: verified, source: es3", "7200, status: verified", "hdd.rpm: is verified and has no source"},
		{"a derived figure that does not say how",
			", note: 0.32 - 0.23 ms of a single track", "", "is derived and has no note"},
		{"a source that is not listed",
			"7200, status: verified, source: es3", "7200, status: verified, source: es4", `source "es4" is not among`},
		{"a source that nothing names", "kind: hdd", "  more: text\nkind: hdd", "sources.more: is the source of no figure"},
		{"an unknown key of a figure", "7200, status", "7200, statu: x, status", `"statu" is none of value, status`},
		{"a number with a unit", "value: 7200,", "value: 7200rpm,", `hdd.rpm: "7200rpm" is not a whole number`},
		{"a size without unit", "value: 4TB", "value: 4000", `capacity: "4000" is not a size`},
		{"a rate without time", "value: 175MB/s", "value: 175MB", `hdd.outer-rate: "175MB" is not a rate`},
		{"a duration without unit", "value: 8.2ms", "value: 8.2", `"8.2" is not a duration`},
		{"neither yes nor no", "volatile-cache: {value: yes", "volatile-cache: {value: true", `"true" is neither yes nor no`},
		{"a value that is a list", "value: 7200,", "value: [7200],", "hdd.rpm: must be one value"},
		{"a key twice",
			"  rpm: {", "  heads: {value: 1, status: assumed}\n  rpm: {", "hdd.heads: is given twice: already in line 22"},
		{"what the device refuses, at the figure",
			"value: 83MB/s", "value: 183MB/s", "x.yaml:25:23: hdd.outer-rate: must be between hdd.inner-rate"},
		{"a figure that contradicts another",
			"volatile-cache: {value: yes", "volatile-cache: {value: no",
			"x.yaml:14:25: volatile-cache: of a hard disk must be yes"},
		{"an anchor", "kind: hdd", "kind: &a hdd", "x.yaml:12:7: anchors, aliases and tags"},
		{"no YAML", "kind: hdd", "kind: [hdd", "is not YAML"},
		{"two documents", "kind: hdd", "kind: hdd\n---\na: b", "begins a second document"},
	} {
		text := strings.Replace(string(good), row.from, row.to, 1)
		if text == string(good) {
			t.Errorf("%s: the edit changes nothing", row.sentence)
		}
		_, err := profiles.Parse("x.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got\n%v\nwant\n%s", row.sentence, err, row.want)
		}
	}
	if _, err := profiles.Parse("x.yaml", nil); err == nil || !strings.Contains(err.Error(), "x.yaml:1:1: is empty") {
		t.Errorf("an empty profile: %v", err)
	}
	two := strings.NewReplacer("value: 7200,", "value: x,", "value: 8.2ms", "value: y").Replace(string(good))
	if _, err := profiles.Parse("x.yaml", []byte(two)); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults give:\n%v", err)
	}
}

// FuzzParse: no text makes Parse panic, and what it takes is a device.
func FuzzParse(f *testing.F) {
	for _, name := range profiles.Names() {
		text, err := profiles.Text(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := profiles.Parse("x.yaml", text)
		if err != nil {
			return
		}
		if err := p.Config.Validate(); err != nil {
			t.Errorf("a profile was read that is no device: %v", err)
		}
	})
}
