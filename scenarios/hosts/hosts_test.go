package hosts_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
	"brokerlab/scenarios/hosts"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/form.yaml anew")

// everyLevel are levels that producers can be set to, of every library.
func everyLevel() (all []hosts.Levels) {
	all = append(all, nil)
	for _, t := range codec.Types() {
		for _, impl := range append(codec.Implementations(t), codec.Default, "") {
			for level := -10; level <= 22; level++ {
				if codec.CheckLevel(t, level) == nil && t != codec.None {
					all = append(all, hosts.Levels{t: {Level: level, Implementation: impl}})
				}
			}
		}
	}
	return all
}

// Goal: the built-in profiles are read without a fault and give valid prices for
// every level, which cost something. Method: all of them.
func TestBuiltIn(t *testing.T) {
	for _, name := range hosts.Names() {
		p, err := hosts.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name || p.Title == "" {
			t.Errorf("%s: name %q, title %q", name, p.Name, p.Title)
		}
		for _, levels := range everyLevel() {
			prices := p.Prices(levels)
			if err := prices.Validate(); err != nil {
				t.Errorf("%s %v: %v", name, levels, err)
			}
			for op, price := range prices.Ops {
				if reflect.DeepEqual(price, simworld.Price{}) {
					t.Errorf("%s %v: operation %d is free", name, levels, op)
				}
			}
			if prices.Wake.P50 <= 0 {
				t.Errorf("%s: wake-ups are free", name)
			}
		}
	}
	if _, err := hosts.Load("gopher"); err == nil || !strings.Contains(err.Error(), "there are go") {
		t.Errorf("an unknown name: %v", err)
	}
}

// Goal: a profile of a file is read as a built-in one, and its faults have its
// name. Method: a copy of the built-in one, and none.
func TestLoadFile(t *testing.T) {
	text, err := hosts.Text(hosts.Default)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := hosts.Load(file)
	if err != nil || p.Name != "mine" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := hosts.Load(file + ".yaml"); err == nil || !strings.Contains(err.Error(), "mine.yaml.yaml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Goal: what Format writes, Parse reads as the same profile, and it is written the
// same again. Method: the built-in ones.
func TestFormat(t *testing.T) {
	for _, name := range hosts.Names() {
		p, err := hosts.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		text := p.Format("a comment")
		again, err := hosts.Parse(name+".yaml", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if !reflect.DeepEqual(p, again) {
			t.Errorf("%s was written as\n%s", name, text)
		}
		if string(again.Format("a comment")) != string(text) {
			t.Errorf("%s is written in two ways", name)
		}
	}
}

// Goal: the form of a written profile does not change unawares. Method: one with
// every kind of figure against testdata/form.yaml, which -rewrite writes.
func TestForm(t *testing.T) {
	p, err := hosts.Parse("small.yaml", []byte(strings.Replace(small, "operations:",
		"measured: {machine: \"a core: 2\", kernel: k, go: go1, brokerlab: b, date: 2026-11-28, load: quiet}\n"+
			"cpu-factor: {value: 1.25, status: assumed}\noperations:", 1)))
	if err != nil {
		t.Fatal(err)
	}
	got := p.Format("One of every kind.")
	const file = "testdata/form.yaml"
	if *rewrite {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// small is a profile whose prices tell where they come from.
const small = `title: small
sources:
  here: a test
operations:
  record-encode: {per-call: 30ns, per-unit: 0.25ns, status: assumed}
  record-decode: {per-unit: 25ns, status: recalled}
  crc: {table: {100B: 1us, 1KiB: 2us}, status: fitted, source: here}
  copy: {per-unit: 50ns, status: assumed}
  request: {per-call: 5us, per-unit: 300ns, status: assumed}
  syscall: {per-unit: 1us, status: assumed}
  record-ack: {per-unit: 1ns, status: assumed}
  record-check: {per-unit: 1ns, status: assumed}
  append: {per-unit: 1ns, status: assumed}
  handle: {per-unit: 1ns, status: assumed}
  send: {per-unit: 1ns, status: assumed}
  receive: {per-unit: 1ns, status: assumed}
codecs:
  - {codec: gzip, implementation: klauspost, level: 2, compress: {per-call: 2ns},
     decompress: {per-call: 1ns}, status: assumed}
  - {codec: gzip, implementation: klauspost, level: 6, compress: {per-call: 6ns},
     decompress: {per-call: 1ns}, status: assumed}
  - {codec: gzip, implementation: standard, level: 1, compress: {per-call: 100ns},
     decompress: {per-call: 1ns}, status: assumed}
  - {codec: snappy, level: 0, compress: {per-call: 10ns},
     decompress: {per-call: 1ns}, status: assumed}
  - {codec: lz4, level: 9, compress: {per-call: 9ns},
     decompress: {per-call: 1ns}, status: assumed}
  - {codec: lz4, level: 3, compress: {per-call: 3ns},
     decompress: {per-call: 1ns}, status: assumed}
  - {codec: zstd, level: 3, compress: {per-call: 3ns},
     decompress: {per-call: 1ns}, status: assumed}
wake: {p50: 20us, p99: 100us, status: assumed}
`

// Goal: a level and a library are priced by the entry that is meant. Method: a
// level a row.
func TestLevels(t *testing.T) {
	p, err := hosts.Parse("small.yaml", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence string
		codec    codec.Type
		level    hosts.Level
		want     float64
	}{
		{"its own", codec.Gzip, hosts.Level{Level: 6}, 6},
		{"gzip's -1 is 6", codec.Gzip, hosts.Level{Level: -1}, 6},
		{"the next lower one", codec.Gzip, hosts.Level{Level: 5}, 2},
		{"below the lowest", codec.Gzip, hosts.Level{Level: 1}, 2},
		{"above the highest", codec.Gzip, hosts.Level{Level: 9}, 6},
		{"another library", codec.Gzip, hosts.Level{Level: 9, Implementation: codec.Standard}, 100},
		{"default is the codec's first", codec.Gzip, hosts.Level{Level: 2, Implementation: codec.Default}, 2},
		{"any library", codec.Snappy, hosts.Level{Implementation: codec.Klauspost}, 10},
		{"lz4's fast compressor", codec.LZ4, hosts.Level{Level: 9}, 9},
		{"lz4 above it does not use its price", codec.LZ4, hosts.Level{Level: 10}, 3},
		{"lz4 below it", codec.LZ4, hosts.Level{Level: 1}, 3},
		{"a level below 0", codec.Zstd, hosts.Level{Level: -5}, 3},
	} {
		op, _ := codec.CompressOp(row.codec)
		prices := p.Prices(hosts.Levels{row.codec: row.level})
		if got := prices.Ops[op].PerCallNs; got != row.want {
			t.Errorf("%s: %v, want %v", row.sentence, got, row.want)
		}
	}
	def := p.Prices(nil)
	for op, want := range map[env.Op]simworld.Price{
		env.OpRecordEncode: {PerCallNs: 30, PerUnitNs: 0.25},
		env.OpCRC:          {Table: []simworld.Point{{Size: 100, Ns: 1000}, {Size: 1024, Ns: 2000}}},
		env.OpCompressGzip: {PerCallNs: 6},
		env.OpCompressLZ4:  {PerCallNs: 9},
	} {
		if !reflect.DeepEqual(def.Ops[op], want) {
			t.Errorf("operation %d: %+v, want %+v", op, def.Ops[op], want)
		}
	}
	if def.Wake.P10 != 20_000 || def.Wake.P90 != 20_000 || def.Wake.P99 != 100_000 || def.Wake.P999 != 100_000 {
		t.Errorf("wake-ups: %+v", def.Wake)
	}
}

// Goal: the factor is on all work and on no delay. Method: the same profile with 2.
func TestFactor(t *testing.T) {
	text := strings.Replace(small, "operations:", "cpu-factor: {value: 2, status: assumed}\noperations:", 1)
	p, err := hosts.Parse("small.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	prices := p.Prices(nil)
	if e, c := prices.Ops[env.OpRecordEncode], prices.Ops[env.OpCRC]; e.PerCallNs != 60 || e.PerUnitNs != 0.5 ||
		c.Table[1].Ns != 4000 || prices.Ops[env.OpCompressZstd].PerCallNs != 6 ||
		prices.Wake.P50 != 20_000 {
		t.Errorf("twice the prices: %+v", prices)
	}
	if again := p.Prices(nil); !reflect.DeepEqual(prices, again) {
		t.Error("the factor counts twice")
	}
}

// Goal: every kind of fault of a profile is found, at its place. Method: one edit of
// a good profile a row.
func TestFaults(t *testing.T) {
	for _, row := range []struct{ sentence, from, to, want string }{
		{"an unknown key", "title: small", "title: small\ntitel: x", "x.yaml:2:1: titel: is none of title, note"},
		{"no title", "title: small\n", "", "x.yaml:1:1: title: is missing"},
		{"no wake", "wake: {p50: 20us, p99: 100us, status: assumed}\n", "", "wake: is missing"},
		{"an unknown operation", "  copy:", "  cpoy:",
			"x.yaml:8:3: operations.cpoy: is no operation: there are record-encode"},
		{"so that one is missing", "  copy:", "  cpoy:", "x.yaml:1:1: operations.copy: is missing"},
		{"an operation twice", "  copy:", "  crc: {per-call: 1ns, status: assumed}\n  copy:",
			"crc: is given twice: already in line 7"},
		{"no status", "per-unit: 50ns, status: assumed", "per-unit: 50ns", "x.yaml:8:3: operations.copy: has no status"},
		{"an unknown status", "50ns, status: assumed", "50ns, status: sure", `status "sure" is none of`},
		{"a figure without source", "status: fitted, source: here", "status: fitted",
			"operations.crc: is fitted and has no source"},
		{"a source that is not listed", "source: here", "source: there", `source "there" is not among`},
		{"a source that nothing names", "  here: a test", "  here: a test\n  more: b",
			"sources.more: is the source of no figure"},
		{"no price", "per-unit: 50ns, ", "", "operations.copy: has no price"},
		{"an unknown key of a price", "per-unit: 50ns", "per-byte: 50ns",
			`x.yaml:8:10: operations.copy: "per-byte" is none of per-call`},
		{"a time without unit", "per-unit: 50ns", "per-unit: 50", `x.yaml:8:20: operations.copy: "50" is not a time`},
		{"a negative time", "per-unit: 50ns", "per-unit: -50ns", `"-50ns" is not a time`},
		{"a time of ages", "per-unit: 50ns", "per-unit: 11s", `"11s" is not a time`},
		{"a time that is a list", "per-unit: 50ns", "per-unit: [50ns]", "is not a time"},
		{"a table and a line", "table: {100B", "per-call: 1ns, table: {100B", "has a table and a price per call"},
		{"sizes that fall", "1KiB: 2us", "99B: 2us", "sizes must rise: 99B follows a size of 100"},
		{"times that fall", "1KiB: 2us", "1KiB: 2ns", "times must not fall: 2ns follows 1us"},
		{"a size without meaning", "1KiB: 2us", "1KB: 2us", `"1KB" is not a size`},
		{"an empty table", "table: {100B: 1us, 1KiB: 2us}", "table: {}", "has an empty table"},
		{"codecs that are no list", "codecs:\n", "codecs: {}\nx:\n", "codecs: must be a list"},
		{"an unknown codec", "codec: snappy", "codec: snapy", `codec "snapy" is none of gzip`},
		{"a level that does not exist", "gzip, implementation: klauspost, level: 2",
			"gzip, implementation: klauspost, level: 10",
			"codecs.0: gzip has no level 10"},
		{"gzip's default level by its other name", "gzip, implementation: klauspost, level: 2",
			"gzip, implementation: klauspost, level: -1", "gzip has no level -1"},
		{"a library of another codec", "implementation: standard", "implementation: pierrec",
			`gzip has no implementation "pierrec"`},
		{"an entry twice", "klauspost, level: 2", "klauspost, level: 6", "gzip level 6 is given twice"},
		{"a library without prices", "implementation: standard", "implementation: klauspost",
			"gzip of standard is missing"},
		{"lz4 without its fast compressor", "codec: lz4, level: 9", "codec: lz4, level: 8", "lz4 of pierrec is missing"},
		{"an entry without its price", "level: 0, compress: {per-call: 10ns}", "level: 0", "codecs.3.compress: is missing"},
		{"quantiles without the median", "wake: {p50", "wake: {p90", "wake: has no p50"},
		{"quantiles that fall", "p99: 100us", "p99: 10us", "wake: p99 is below p90"},
		{"an unknown quantile", "p99: 100us", "p98: 100us", `wake: "p98" is none of p10`},
		{"a factor that is none", "operations:", "cpu-factor: {value: fast, status: assumed}\noperations:",
			`"fast" is not a number`},
		{"measured where", "sources:", "measured: {machine: x}\nsources:", "measured.kernel: is missing"},
		{"an unknown fact", "sources:", "measured: {cpu: x}\nsources:", "measured.cpu: is none of machine"},
		{"an anchor", "title: small", "title: &a small", "x.yaml:1:8: anchors, aliases and tags"},
		{"no YAML", "title: small", "title: [small", "is not YAML"},
	} {
		text := strings.Replace(small, row.from, row.to, 1)
		if text == small {
			t.Errorf("%s: the edit changes nothing", row.sentence)
		}
		_, err := hosts.Parse("x.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got\n%v\nwant\n%s", row.sentence, err, row.want)
		}
	}
	if _, err := hosts.Parse("x.yaml", nil); err == nil || !strings.Contains(err.Error(), "x.yaml:1:1: is empty") {
		t.Errorf("an empty profile: %v", err)
	}
}

// FuzzParse: no text makes Parse panic, and what it takes gives prices and is
// written as it was read.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range hosts.Names() {
		text, err := hosts.Text(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := hosts.Parse("x.yaml", text)
		if err != nil {
			return
		}
		prices := p.Prices(nil)
		if err := prices.Validate(); err != nil {
			t.Errorf("a profile was read that gives no prices: %v", err)
		}
		again, err := hosts.Parse("x.yaml", p.Format())
		if err != nil || !reflect.DeepEqual(again.Prices(nil), prices) {
			t.Errorf("%v after writing it as\n%s", err, p.Format())
		}
	})
}
