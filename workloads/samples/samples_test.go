package samples_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"brokerlab/workloads/samples"
)

func scan(data []byte, format samples.Format) (*samples.File, error) {
	in := samples.Input{Name: "f", Reader: bytes.NewReader(data), Bytes: int64(len(data)), Format: format}
	return samples.Scan(in)
}

// read returns the file's records from one on, so many.
func read(t testing.TB, f *samples.File, from, count uint64) []string {
	t.Helper()
	c, err := f.Cursor(from)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for range count {
		record, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(record))
	}
	return out
}

// delimited is records with their lengths before them.
func delimited(varint bool, records ...string) []byte {
	var out []byte
	for _, r := range records {
		if varint {
			out = binary.AppendUvarint(out, uint64(len(r)))
		} else {
			out = binary.BigEndian.AppendUint32(out, uint32(len(r)))
		}
		out = append(out, r...)
	}
	return out
}

// Goal: each format gives the records that are in it, found by itself too, and begins
// anew at the end. Method: table; each file is read round twice, from every record on.
func TestFormats(t *testing.T) {
	binaries := []string{"\x00\x01\x02", "", strings.Repeat("\xff\x00", 300), "abc"}
	for _, row := range []struct {
		why    string
		data   string
		format samples.Format
		want   []string
	}{
		{"lines", "one\ntwo\nthree\n", samples.Lines, []string{"one", "two", "three"}},
		{"the last line has no end", "one\ntwo", samples.Lines, []string{"one", "two"}},
		{"ends of lines as Windows has them, empty lines, a byte order mark", "\xef\xbb\xbf\r\none\r\n\n\n two \r\n\n",
			samples.Lines, []string{"one", " two "}},
		{"lines in an old encoding", strings.Repeat("tr\xe8s bien \xe9t\xe9\n", 20), samples.Lines,
			slices.Repeat([]string{"tr\xe8s bien \xe9t\xe9"}, 20)},
		{"lines of JSON", "{\"a\":1}\n{\"a\":[2]}\n", samples.Lines, []string{`{"a":1}`, `{"a":[2]}`}},
		{"lines that are arrays", "[1]\n[2]\n", samples.Lines, []string{"[1]", "[2]"}},
		{"an array", " [ {\"a\": \"]\\\"}\"} , 12,\"x\" ,[1,[2]],\nnull ] \n", samples.JSONArray,
			[]string{`{"a": "]\"}"}`, "12", `"x"`, "[1,[2]]", "null"}},
		{"an array of one", "[1]", samples.JSONArray, []string{"1"}},
		{"four bytes of length", string(delimited(false, binaries...)), samples.LengthDelimited, binaries},
		{"varints of length", string(delimited(true, binaries...)), samples.VarintDelimited, binaries},
	} {
		for _, format := range []samples.Format{row.format, samples.Auto} {
			f, err := scan([]byte(row.data), format)
			if err != nil {
				t.Errorf("%s, %s: %v", row.why, format, err)
				continue
			}
			if f.Format() != row.format || f.Records() != uint64(len(row.want)) {
				t.Errorf("%s, %s: %d records as %s", row.why, format, f.Records(), f.Format())
				continue
			}
			twice := slices.Concat(row.want, row.want, row.want)
			for from := range row.want {
				got := read(t, f, uint64(from), uint64(2*len(row.want)))
				if want := twice[from : from+2*len(row.want)]; !slices.Equal(got, want) {
					t.Errorf("%s, %s, from record %d: %q, want %q", row.why, format, from, got, want)
				}
			}
		}
	}
}

// Goal: what is wrong with a file is told with its place. Method: table.
func TestErrors(t *testing.T) {
	for _, row := range []struct {
		why, data string
		format    samples.Format
		want      string
	}{
		{"nothing", "", samples.Auto, "f: is empty: there is no record in it"},
		{"empty lines", "\n\n\r\n", samples.Auto, "f: there is no record in it"},
		{"an empty array", "[ ]", samples.Auto, "f: there is no record in it"},
		{"packed", "\x1f\x8b\x08\x00", samples.Auto,
			"f: is a gzip file: unpack it into lines, a JSON array or length-delimited records first"},
		{"no array", "{}\n", samples.JSONArray, "f:1: no array begins at the file's beginning (at byte 0)"},
		{"an array without end", "[1,\n{\"a\":2}\n,{\"b\"", samples.JSONArray,
			"f:3: the file ends within an element of the array (at byte 13)"},
		{"no comma", "[1,\n2 3]", samples.JSONArray,
			`f:2: "3" follows an element of the array, not a comma (at byte 6)`},
		{"a comma too many", "[1,]", samples.JSONArray, "f:1: no element follows a comma of the array (at byte 3)"},
		{"no element", "[,1]", samples.JSONArray,
			`f:1: "," is where an element of the array should be (at byte 1)`},
		{"something behind the array", "[1]\n[2]x", samples.JSONArray,
			`f:2: "[" follows the array's end (at byte 4)`},
		{"a length without record", "\x00\x00\x00\x05abc", samples.LengthDelimited,
			"f: record 1, at byte 0: the file ends within a record of 5 bytes"},
		{"half a length", "\x00\x00\x00\x01a\x00\x00", samples.LengthDelimited,
			"f: record 2, at byte 5: the file ends within a length"},
		{"a length that is none", "\x7f\x00\x00\x05abc", samples.LengthDelimited,
			"f: record 1, at byte 0: a length of 2130706437 bytes is more than a record may have, 16777216"},
		{"a varint without end", "\xff\xff", samples.VarintDelimited,
			"f: record 1, at byte 0: the file ends within a length"},
		{"a varint of 70 bits", strings.Repeat("\xff", 11), samples.VarintDelimited,
			"f: record 1, at byte 0: a length has more than 64 bits"},
		{"neither text nor lengths", "\x80\x00\x00\x00\x00\x00\x01", samples.Auto,
			"f: is neither text nor records with their lengths before them"},
		{"a format that is none", "a", "lnies", `f: format "lnies" is not known`},
	} {
		_, err := scan([]byte(row.data), row.format)
		if err == nil || err.Error() != row.want {
			t.Errorf("%s:\n%v, want\n%s", row.why, err, row.want)
		}
	}
}

// repeated is a large file that is never in memory: lines that tell their number.
type repeated struct{ lines int64 }

const lineBytes = 100

func (r repeated) bytes() int64 { return r.lines * lineBytes }

func (r repeated) ReadAt(b []byte, at int64) (n int, err error) {
	line := bytes.Repeat([]byte(" "), lineBytes)
	line[lineBytes-1] = '\n'
	for n < len(b) {
		if at >= r.bytes() {
			return n, io.EOF
		}
		number := strconv.AppendInt(line[:0], at/lineBytes, 10)
		for i := len(number); i < 12; i++ {
			line[i] = ' '
		}
		took := copy(b[n:], line[at%lineBytes:lineBytes])
		n, at = n+took, at+int64(took)
	}
	return n, nil
}

// Goal: a file is never in memory, and any record of it is soon found. Method: a file
// of 30 MB that is made as it is read: the memory that looking through it takes, and
// cursors from records all over it.
func TestLargeFile(t *testing.T) {
	large := repeated{lines: 300_000}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := samples.Scan(samples.Input{Name: "f", Reader: large, Bytes: large.bytes()})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("looking through %d bytes took %d bytes of memory", large.bytes(), took)
	}
	if f.Records() != uint64(large.lines) || f.MeanBytes() != lineBytes-1 {
		t.Errorf("%d records of %.1f bytes", f.Records(), f.MeanBytes())
	}
	for _, from := range []uint64{0, 1, 4095, 150_001, 299_999, 300_007} {
		got := strings.TrimRight(read(t, f, from, 1)[0], " ")
		if want := fmt.Sprint(from % 300_000); got != want {
			t.Errorf("record %d is %q", from, got)
		}
	}
}

// Goal: a record larger than a buffer is read whole, one that is too large is refused.
// Method: elements and lines of a megabyte, and one of 17.
func TestLargeRecords(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, data := range []string{long + "\n" + long + "y\nz", `["` + long + `","` + long + `"]`} {
		f, err := scan([]byte(data), samples.Auto)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, f, 1, 1)[0]; len(got) < 1<<20 || !strings.Contains(got, long) {
			t.Errorf("a record of %d bytes", len(got))
		}
	}
	_, err := scan([]byte("a\n"+strings.Repeat("x", 17<<20)), samples.Lines)
	if want := "f:2: a record has more than 16777216 bytes (at byte 2)"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// shrunk ends after some reads, as a file does that is being written anew.
type shrunk struct {
	bytes.Reader
	reads int
}

func (s *shrunk) ReadAt(b []byte, at int64) (int, error) {
	if s.reads--; s.reads < 0 {
		return 0, io.EOF
	}
	return s.Reader.ReadAt(b, at)
}

// Goal: a file that becomes shorter is told of. Method: a reader that ends early.
func TestFileChanges(t *testing.T) {
	data := []byte(strings.Repeat("a line\n", 100_000))
	r := &shrunk{Reader: *bytes.NewReader(data), reads: 10}
	f, err := samples.Scan(samples.Input{Name: "f", Reader: r, Bytes: int64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	r.reads = 1
	c, err := f.Cursor(0)
	for err == nil {
		_, err = c.Next()
	}
	if !strings.HasSuffix(err.Error(), "cannot be read: the file is shorter than it was") {
		t.Errorf("%v", err)
	}
}

// Goal: sizes are those of the records, the largest one is found, behind empty lines too,
// the sum is that of the file. Method: a small file, in both formats of text.
func TestScanTells(t *testing.T) {
	data := []byte("aa\n\n\r\nbbbb\ncc\n")
	f, err := scan(data, samples.Lines)
	if err != nil {
		t.Fatal(err)
	}
	sizes, err := f.Sizes(3)
	if err != nil {
		t.Fatal(err)
	}
	bytesMax, at := f.Largest("is too large")
	got := fmt.Sprintf("%d..%d mean %.3f, %d: %v, %s", sizes.Min(), sizes.Max(), sizes.Mean(), bytesMax, at,
		f.SHA256()[:16])
	want := "3..4 mean 3.333, 4: f:4: is too large (at byte 6), a1642a8a81d7ead6"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if f, err = scan([]byte("[\n  12345,\n 1]"), samples.JSONArray); err != nil {
		t.Fatal(err)
	}
	if _, at := f.Largest("is too large"); at.Error() != "f:2: is too large (at byte 4)" {
		t.Error(at)
	}
}

// Goal: lists of sizes are read as people write them, and faults are told with their
// line. Method: table.
func TestReadSizes(t *testing.T) {
	for _, row := range []struct{ why, text, want string }{
		{"sizes alone", "100\n200\n100\n", "[{100 2} {200 1}]"},
		{"weights, names, comments, other dividers", "\ufeffbytes,weight\n# mine\n100,0.25\n\n200; 3\n50\t1e2\n",
			"[{50 100} {100 0.25} {200 3}]"},
		{"nothing", "# none\n", "s.csv: there is no size in it that has a weight"},
		{"weights of nothing", "5,0\n", "s.csv: there is no size in it that has a weight"},
		{"a word", "100\nlarge\n", `s.csv:2: "large" is not a size of 0 to 16777216 bytes`},
		{"all faults at once", "bytes\n1;x\r\n\n7\n-3\n",
			"s.csv:2: \"x\" is not a weight\ns.csv:5: \"-3\" is not a size of 0 to 16777216 bytes"},
		{"a unit", "1KiB\n", `s.csv:1: "1KiB" is not a size of 0 to 16777216 bytes`},
		{"a negative weight", "1,-2\n", `s.csv:1: "-2" is not a weight`},
		{"three columns", "1,2,3\n", `s.csv:1: "1,2,3" is not a size and a weight: write 1024,0.25`},
		{"a long line", strings.Repeat("1", 2000), "s.csv:1: is longer than 1024 bytes"},
	} {
		list, err := samples.ReadSizes("s.csv", strings.NewReader(row.text))
		got := fmt.Sprint(list)
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
}

// Goal: no file makes the reader panic, hang or give other records the second time
// round, and every element of an array that is JSON is given as it is. Method: fuzzing,
// with the standard library's decoder as the judge of arrays.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{"a\nb\r\n\nc",
		"[1,{\"a\":\"]\"}, [2] ]", "\x00\x00\x00\x01a", "\x03abc\x00", "[]", "[\"\\\\\"]"} {
		for i := range samples.Formats() {
			f.Add([]byte(seed), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		format := append(samples.Formats(), samples.Auto)[int(which)%5]
		file, err := scan(data, format)
		var elements []json.RawMessage
		isArray := json.Unmarshal(data, &elements) == nil && len(elements) > 0
		if err != nil {
			if isArray && format == samples.JSONArray {
				t.Fatalf("an array is refused: %v", err)
			}
			return
		}
		count := min(file.Records(), 1000)
		first := read(t, file, 0, count)
		again := read(t, file, file.Records()-1, count+1)[1:]
		if !slices.Equal(first, again) {
			t.Fatalf("other records the second time:\n%q\n%q", first, again)
		}
		if isArray && file.Format() == samples.JSONArray {
			for i, e := range elements[:count] {
				if string(e) != first[i] {
					t.Fatalf("element %d is %q, want %q", i, first[i], e)
				}
			}
		}
	})
}

// Goal: no list of sizes makes the reader panic, and whatever it takes can be drawn
// from. Method: fuzzing.
func FuzzReadSizes(f *testing.F) {
	f.Add("100,2\n# x\n7\n")
	f.Add("bytes\n1;1e9")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := samples.ReadSizes("s.csv", strings.NewReader(text))
		if err != nil {
			return
		}
		for i := range list {
			if list[i].Bytes < 0 || i > 0 && list[i].Bytes <= list[i-1].Bytes {
				t.Fatalf("sizes are not in order: %v", list)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	line := []byte(`{"id":12345,"name":"a record of a file","tags":["x","y"],"at":"2026-01-01T00:00:00Z","n":1.5}` + "\n")
	text := bytes.Repeat(line, 100_000)
	array := slices.Concat([]byte("["), bytes.ReplaceAll(text[:len(text)-1], []byte("\n"), []byte(",")), []byte("]"))
	for _, row := range []struct {
		name string
		data []byte
	}{{"lines", text}, {"json-array", array}} {
		b.Run(row.name, func(b *testing.B) {
			b.SetBytes(int64(len(row.data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := scan(row.data, samples.Auto); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	large := repeated{lines: 1000}
	data := make([]byte, large.bytes())
	if _, err := large.ReadAt(data, 0); err != nil {
		b.Fatal(err)
	}
	f, err := scan(data, samples.Lines)
	if err != nil {
		b.Fatal(err)
	}
	c, err := f.Cursor(0)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(lineBytes)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Next(); err != nil {
			b.Fatal(err)
		}
	}
}
