package run

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sampleFile writes a file of JSON lines, of which one in four has the user "hot".
func sampleFile(t *testing.T, lines int) string {
	t.Helper()
	var text strings.Builder
	for i := range lines {
		user := "hot"
		if i%4 > 0 {
			user = fmt.Sprint("user-", i)
		}
		fmt.Fprintf(&text, "{\"n\":%d,\"user\":{\"id\":%q},\"text\":%q}\n", i, user, strings.Repeat("word ", i%40))
	}
	path := filepath.Join(t.TempDir(), "sample.jsonl")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Goal: the records of a user's file go through a run in both worlds, by their keys, and
// are read back whole; the result says what they are. Method: a small file, simulated
// and for real.
func TestUsersFile(t *testing.T) {
	path := sampleFile(t, 400)
	for _, disk := range []string{"sim", "dir:" + t.TempDir()} {
		f := parsed(t, "load: {rate: 3000/s, warmup: 0s, duration: 400ms}\ntopic: {partitions: 4}\nproducers: {count: 2}",
			"records.payload=file:"+path, "records.key=field user.id", "disk="+disk)
		out, err := Run(f, nil, Options{Out: t.TempDir(), Live: &Live{}})
		if err != nil {
			t.Fatal(err)
		}
		c := &out.Result.Cells[0]
		if c.Sent == 0 || c.Bad() != 0 || c.Acked != c.Sent || c.Consumed != c.Sent || len(c.Warnings) > 0 && disk == "sim" {
			t.Errorf("%s: %+v, warnings %v", disk, c.Counts, c.Warnings)
		}
		if c.Corpus == nil || c.Corpus.File == nil || c.Corpus.File.Records != 400 || len(c.Corpus.File.SHA256) != 64 ||
			c.Corpus.Payload != "file:"+path || c.Corpus.RatioTogether < 5 {
			t.Fatalf("%s: corpus %+v", disk, c.Corpus)
		}
		var sum int64
		for _, n := range c.Partitions.Records {
			sum += n
		}
		if sum != c.Sent || c.Partitions.Share < 0.3 || c.Partitions.Share > 0.6 { // a quarter, and a share of the others
			t.Errorf("%s: partitions %+v of %d records", disk, c.Partitions, c.Sent)
		}
	}
}

// Goal: looking through a large file ends soon when the run is stopped, which is no wrong use
// and leaves nothing; a file that was looked through is read to the end of a load that is
// stopped. Method: a file of many buffers, stopped at its third; then its records after a stop.
func TestLookingThroughFileInterrupted(t *testing.T) {
	path := sampleFile(t, 20_000)
	cells, err := parsed(t, "disk: sim\nrecords: {payload: file:"+path+"}").Cells()
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	third := func() bool { reads++; return reads >= 3 }
	if _, err := openLibrary(cells, newCorpora(), third); !errors.Is(err, ErrInterrupted) || reads > 4 {
		t.Errorf("after %d reads: %v", reads, err)
	}
	live := &Live{}
	l, err := openLibrary(cells, newCorpora(), live.isStopped)
	if err != nil {
		t.Fatal(err)
	}
	live.Stop()
	if c, err := l.sample(path, "auto").Cursor(0); err != nil {
		t.Error(err)
	} else if _, err := c.Next(); err != nil {
		t.Errorf("a record after the stop: %v", err)
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	var usage *UsageError
	outcome, err := Run(parsed(t, "disk: sim\nrecords: {payload: file:"+path+"}"), nil, Options{Out: out, Live: live})
	if !errors.Is(err, ErrInterrupted) || errors.As(err, &usage) || outcome != nil {
		t.Errorf("a run that is stopped before it begins: %v, %v", err, outcome)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a run that is stopped before it begins left a folder")
	}
}

// Goal: sizes of files bound what is estimated and sent. Method: a list of sizes, and
// the sizes of another file's records, simulated.
func TestSizesOfFiles(t *testing.T) {
	skipUnderRace(t)
	list := filepath.Join(t.TempDir(), "sizes.csv")
	if err := os.WriteFile(list, []byte("bytes,weight\n100,3\n900,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for size, mean := range map[string]float64{"empirical " + list: 300, "like " + sampleFile(t, 400): 138} {
		f := parsed(t, "disk: sim\nload: {rate: 2000/s, warmup: 0s, duration: 500ms}\nrecords: {payload: chat}",
			"records.size="+size)
		out, err := Run(f, nil, Options{Out: t.TempDir(), Live: &Live{}})
		if err != nil {
			t.Fatal(err)
		}
		c := &out.Result.Cells[0]
		got, said := float64(c.BytesRecords)/float64(c.Sent)/mean, c.Corpus.MeanBytes/mean
		if c.Bad() != 0 || got < 0.9 || got > 1.1 || said < 0.98 || said > 1.02 {
			t.Errorf("%s: mean %.1f, corpus %.1f, want %.1f; %+v", size, got*mean, said*mean, mean, c.Counts)
		}
	}
}

// Goal: what is wrong with a file is told before anything starts, with its place.
// Method: table.
func TestUsersFileRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.jsonl", "{\"a\":1}\n{\"b\":2}\n")
	for _, row := range []struct {
		why, set, key, want string
	}{
		{"no file", "records.payload=file:" + dir + "/none", "none", "none: no such file or directory"},
		{"a directory", "records.payload=file:" + dir, "none", "is not a file that can be read from any place"},
		{"broken JSON", "records.payload=file:" + write("bad.json", "[1,\n2 3]"), "none",
			`bad.json:2: "3" follows an element of the array, not a comma (at byte 6); it looks like json-array, and ` +
				"records.file.format says how it is to be read"},
		{"no format", "records.payload=file:" + write("odd", "\x80\x00\x00\x00"), "none",
			"odd: is neither text nor records with their lengths before them: records.file.format says how it is to be read"},
		{"no key", "records.payload=file:" + good, "field a", "good.jsonl: record 2: it has no key: no field a"},
		{"too large", "records.payload=file:" + write("large.txt", "a\n"+strings.Repeat("x", 2<<20)), "none",
			"large.txt:2: the largest record, 2097152 bytes, does not fit with key and header in " +
				"producers.max.request.size 1048576 (at byte 2)"},
		{"a size too large", "records.size=empirical " + write("s.csv", "2000000\n"), "none",
			"s.csv: its largest size, 2000000 bytes, does not fit in producers.max.request.size 1048576"},
		{"sizes that are none", "records.size=empirical " + write("t.csv", "5\nx1\n"), "none",
			`t.csv:2: "x1" is not a size of 0 to 16777216 bytes`},
	} {
		f := parsed(t, "disk: sim", row.set, "records.key="+row.key)
		_, err := Run(f, nil, Options{Out: filepath.Join(dir, "out"), Live: &Live{}})
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.why, err, row.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
			t.Errorf("%s: something was started", row.why)
		}
	}
}
