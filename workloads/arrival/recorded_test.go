package arrival

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func flat(length time.Duration, rate float64) Piece { return Piece{length, rate, rate} }

// Goal: every way in which a curve may be written is read. Method: table.
func TestReadRecorded(t *testing.T) {
	const s = time.Second
	day := []Piece{flat(60*s, 1500), flat(30*s, 0), flat(30*s, 2.5)}
	rows := []struct{ sentence, text string }{
		{"Seconds, without a header.", "0,1500\n60,0\n90,2.5"},
		{"A header, units, space and carriage returns.", "time,rate\r\n0s, 1500/s\r\n1m,0/s\r\n1m30s,2.5 /s\r\n"},
		{"A byte order mark, comments and empty lines.",
			"\ufeff# of one day\ntime,rate\n\n0,1500\n60,0\n# evening\n90,2.5\n"},
		{"Semicolons.", "Zeit;Rate\n0;1500\n60;0\n90;2.5"},
		{"A comment with commas above semicolons.", "\n# one day, by the hour\r\n0;1500\n60;0\n90;2.5"},
		{"Tabs.", "0\t1500\n60\t0\n90\t2.5"},
		{"Times of day.", "2026-01-01T12:00:00Z,1.5e3\n2026-01-01T12:01:00Z,0\n2026-01-01T13:01:30+01:00,2.5"},
		{"Times as Grafana writes them, in quotes.",
			"\"Time\",\"produced\"\n\"2026-01-01 12:00:00\",1500\n\"2026-01-01 12:01:00\",0\n\"2026-01-01 12:01:30\",2.5"},
		{"Seconds since 1970.", "1767268800,1500\n1767268860.000,0\n1767268890,2.5"},
		{"Milliseconds since 1970.", "1767268800000,1500\n1767268860000,0\n1767268890000,2.5"},
	}
	for _, row := range rows {
		got, err := ReadRecorded("a.csv", strings.NewReader(row.text))
		if diff := cmp.Diff(day, got); diff != "" || err != nil {
			t.Errorf("%s %v (-want +got):\n%s", row.sentence, err, diff)
		}
	}
}

// Goal: all faults are told with file and line. Method: table.
func TestReadRecordedErrors(t *testing.T) {
	rows := []struct{ sentence, text, want string }{
		{"Nothing.", "", "a.csv: has 0 rows with a time and a rate: two make a curve"},
		{"A header alone.", "time,rate\n", "a.csv: has 0 rows with a time and a rate: two make a curve"},
		{"One row.", "0,5\n", "a.csv: has 1 rows with a time and a rate: two make a curve"},
		{"A row that is nearly a header.", "0,fast\n1,5\n2,6\n",
			`a.csv:1: "fast" is not a rate: write records per second, such as 1500 or 1500/s`},
		{"A second header.", "time,rate\ntime,rate\n1,5\n2,6\n",
			`a.csv:2: "time" is not a time: write seconds, a duration such as 1m30s, or 2026-01-01T12:00:00Z
a.csv:2: "rate" is not a rate: write records per second, such as 1500 or 1500/s`},
		{"Times that do not go on, a missing rate, a column too many, all at once.",
			"0,5\n0,6\n3,7\n2,8\n5\n6,\n7,8,9\n",
			`a.csv:2: the time 0 is not after that of the line before
a.csv:4: the time 2 is not after that of the line before
a.csv:5: has 1 columns: a time and a rate are wanted
a.csv:6: "" is not a rate: write records per second, such as 1500 or 1500/s
a.csv:7: has 3 columns: a time and a rate are wanted`},
		{"Rates that are none.", "0,-1\n1,NaN\n2,Inf\n3,0x10\n4,2e9\n",
			`a.csv:1: a rate of -1 is not within 0 and 1e+09 records/s
a.csv:2: "NaN" is not a rate: write records per second, such as 1500 or 1500/s
a.csv:3: "Inf" is not a rate: write records per second, such as 1500 or 1500/s
a.csv:4: "0x10" is not a rate: write records per second, such as 1500 or 1500/s
a.csv:5: a rate of 2e9 is not within 0 and 1e+09 records/s`},
		{"Two ways to write times.", "0,1\n2026-01-01 12:00,2\n",
			"a.csv:2: the time 2026-01-01 12:00 is written in another way than that of the line before"},
		{"A curve of years.", "0,1\n500h,2\n500h1s,3\n", "a.csv:3: the curve is longer than 500h0m0s"},
		{"A quote that does not end.", "0,1\n\"2,3\n4,5\n", "a.csv:3: extraneous or missing \" in quoted-field"},
		{"No text.", "0,1\n\xff,2", "a.csv: is not UTF-8"},
	}
	for _, row := range rows {
		_, err := ReadRecorded("a.csv", strings.NewReader(row.text))
		if err == nil || err.Error() != row.want {
			t.Errorf("%s\n%v\nwant\n%s", row.sentence, err, row.want)
		}
	}
	many := strings.Repeat("x\n", 1000)
	if _, err := ReadRecorded("a.csv", strings.NewReader(many)); strings.Count(err.Error(), "\n") != rowErrorsMax {
		t.Errorf("of 1000 faults: %v", err)
	}
}

// Goal: no text makes the reader panic, and what it accepts is a curve unless nothing
// is ever due. Method: fuzzing.
func FuzzReadRecorded(f *testing.F) {
	f.Add([]byte("time,rate\n0,1500\n60,0/s\n1m30s,2.5\n"))
	f.Add([]byte("2026-01-01T12:00:00Z,1e3\n2026-01-01 12:01:00,0\n"))
	f.Add([]byte("1767268800000;1\n# x\n1767268860000;2\n"))
	f.Add([]byte("-9223372036.8,1\n9223372036.8,2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		pieces, err := ReadRecorded("a.csv", strings.NewReader(string(text)))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "a.csv:") {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		if _, err := NewCurve(pieces, Loop); err != nil && !strings.Contains(err.Error(), "no rate above 0") {
			t.Fatalf("%v: %v", pieces, err)
		}
	})
}
