package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// report is what a run prints.
type report struct {
	Dir    string    `json:"dir"`
	When   time.Time `json:"when"`
	Go     string    `json:"go"`
	System string    `json:"system"`
	Cores  int       `json:"cores"`
	Rounds int       `json:"rounds"`
	Time   string    `json:"time"`
	Lines  []result  `json:"lines"`
}

func newReport(dir string, o options) *report {
	return &report{Dir: dir, When: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Rounds: o.rounds, Time: o.span.String()}
}

func (r *report) print(w io.Writer, format string) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0
	t.AppendHeader(table.Row{"row", "what", "unit", "ours", "plain", "ratio", "min..max", "target", "aim", "",
		"what bounds it"})
	for _, l := range r.Lines {
		t.AppendRow(l.cells())
	}
	_, err := fmt.Fprintf(w, "%s\n%s, %s, %d cores, %s; medians of %d rounds in turns with the plain loop, %s each\n%s",
		t.Render(), r.Go, r.System, r.Cores, r.When.Format(time.DateTime), r.Rounds, r.Time, legend)
	return err
}

const legend = `ratio: ours / plain. plain: what the row's plain loop reaches with the same bytes
min..max: of the ratio, else of ours. aim, pass or short: the median against target and aim
rounds in which others used the processor were made up for, and those that they used least were taken
`

func (l *result) cells() table.Row {
	plain, ratio, spread := "", "", number(l.Ours.Min)+".."+number(l.Ours.Max)
	if l.Beside != nil {
		plain, ratio = number(l.Beside.Plain.Median), number(l.Beside.Ratio.Median)
		spread = number(l.Beside.Ratio.Min) + ".." + number(l.Beside.Ratio.Max)
	}
	target, aim := "", ""
	if l.Judged != "" {
		target = l.Judged + " " + number(l.Target)
	}
	if l.Aim != 0 {
		aim = number(l.Aim)
	}
	return table.Row{l.Row, l.What, l.Unit, number(l.Ours.Median), plain, ratio, spread, target, aim, l.Verdict, l.Limit}
}

// number writes three digits.
func number(x float64) string {
	if x == 0 || math.IsNaN(x) {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(x)))))
	return strconv.FormatFloat(x, 'f', digits, 64)
}
