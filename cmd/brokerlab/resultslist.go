package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"brokerlab/results"
	"brokerlab/results/past"
	"brokerlab/results/quantity"
)

func resultsListCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list past runs with their main figures and their size",
		ArgsUsage: "[SCENARIO...]",
		Description: `Lists the run folders of all scenarios, or of those named, from the oldest to the newest. Figures are
the least and the greatest over the cells of a run; "latest" marks the run that the link latest names.

Try:
  brokerlab results list
  brokerlab results list quickstart codecs
  brokerlab results list --json | jq '.[] | select(.complete | not) | .folder'`,
		Flags:  []cli.Flag{rootFlag(), jsonFlag()},
		Action: listResults,
	}
}

// rootFlag is where runs are; --out of run is where they go.
func rootFlag() cli.Flag {
	return &cli.StringFlag{Name: "out", Usage: "`DIR` where run folders are (results/runs)", Value: defaultOut}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON instead of a table"}
}

// listedRun is one run of the list, as JSON.
type listedRun struct {
	Scenario   string    `json:"scenario"`
	Folder     string    `json:"folder"`
	Started    time.Time `json:"started"`
	Latest     bool      `json:"latest"`
	Complete   bool      `json:"complete"`
	Incomplete string    `json:"incomplete,omitempty"` // why
	Error      string    `json:"error,omitempty"`      // why its result cannot be read
	Cells      int       `json:"cells"`
	Targets    []string  `json:"targets"`
	SizeBytes  int64     `json:"size_bytes"`
	// The least and the greatest of the cells that ran; absent where none did.
	RecordsPerS  *span `json:"records_per_s,omitempty"`
	ProduceP99NS *span `json:"produce_p99_ns,omitempty"`
}

type span struct {
	Least    float64 `json:"least"`
	Greatest float64 `json:"greatest"`
}

func (s *span) words(format func(float64) string) string {
	if s == nil {
		return quantity.None
	}
	least, greatest := format(s.Least), format(s.Greatest)
	if least == greatest {
		return least
	}
	return least + " to " + greatest
}

func listResults(ctx *cli.Context) error {
	all, err := runsOf(ctx.String("out"), ctx.Args().Slice())
	if err != nil {
		return err
	}
	listed := make([]listedRun, 0, len(all))
	for i := range all {
		listed = append(listed, listedOf(&all[i]))
	}
	if ctx.Bool("json") {
		return printJSON(ctx.App.Writer, listed)
	}
	if len(all) == 0 {
		fmt.Fprintf(ctx.App.ErrWriter, "there are no runs in %s\n", ctx.String("out"))
		return nil
	}
	return printRuns(ctx.App.Writer, listed)
}

// findRun finds a run below --out by what the user calls it.
func findRun(ctx *cli.Context, name string) (*results.Folder, *results.Result, error) {
	root := ctx.String("out")
	folder, r, err := past.Find(root, name)
	if err == nil {
		return folder, r, nil
	}
	hint := ""
	if all, listErr := past.List(root); listErr == nil {
		hint = didYouMean("", name, scenariosOf(all))
	}
	return nil, nil, fmt.Errorf("%w%s", err, hint)
}

// scenariosOf are the scenarios of runs, each once.
func scenariosOf(all []past.Run) (names []string) {
	for _, r := range all {
		if !slices.Contains(names, r.Scenario) {
			names = append(names, r.Scenario)
		}
	}
	return names
}

// runsOf lists the runs below a root, of some scenarios or of all.
func runsOf(root string, scenarios []string) ([]past.Run, error) {
	all, err := past.List(root)
	if err != nil || len(scenarios) == 0 {
		return all, err
	}
	there := scenariosOf(all)
	var faults []error
	for _, name := range scenarios {
		if !slices.Contains(there, name) {
			faults = append(faults, fmt.Errorf("no run of %q in %s%s", name, root, didYouMean("", name, there)))
		}
	}
	all = slices.DeleteFunc(all, func(r past.Run) bool { return !slices.Contains(scenarios, r.Scenario) })
	return all, usageOf(faults)
}

func listedOf(r *past.Run) listedRun {
	l := listedRun{Scenario: r.Scenario, Folder: r.Path, Started: r.Started, Latest: r.Latest, Complete: r.Complete(),
		SizeBytes: r.Bytes, Targets: []string{}}
	if r.Err != nil {
		l.Error = oneLine(r.Err)
		return l
	}
	l.Incomplete, l.Cells = r.Result.Incomplete, len(r.Result.Cells)
	for i := range r.Result.Cells {
		c := &r.Result.Cells[i]
		if !slices.Contains(l.Targets, c.Target) {
			l.Targets = append(l.Targets, c.Target)
		}
		if len(c.Repeats) == 0 {
			continue
		}
		l.RecordsPerS = l.RecordsPerS.with(c.RecordsPerS)
		if p := c.Latency[results.Produce]; p.Supports("p99") {
			l.ProduceP99NS = l.ProduceP99NS.with(float64(p.P99))
		}
	}
	return l
}

// with widens a span, which may be nil, by a value.
func (s *span) with(v float64) *span {
	if s == nil {
		return &span{v, v}
	}
	return &span{min(s.Least, v), max(s.Greatest, v)}
}

func printRuns(out io.Writer, all []listedRun) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tstarted (UTC)\tcells\tfigures\trecords/s\tproduce p99\tsize\tstate\tfolder")
	fmt.Fprintln(w, "--------\t-------------\t-----\t-------\t---------\t-----------\t----\t-----\t------")
	var bytes int64
	for _, l := range all {
		bytes += l.SizeBytes
		fmt.Fprintf(w, "%s\t%s\t%5d\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Scenario, l.Started.Format("2006-01-02 15:04:05"), l.Cells,
			targetWords(l.Targets), l.RecordsPerS.words(quantity.Digits),
			l.ProduceP99NS.words(quantity.Nanoseconds),
			quantity.Bytes(l.SizeBytes), l.state(), l.Folder)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s, %s\n", plural(len(all), "run"), quantity.Bytes(bytes))
	return err
}

func targetWords(targets []string) string {
	var words []string
	for _, t := range targets {
		switch t {
		case results.TargetReal:
			words = append(words, "measured")
		case results.TargetSim:
			words = append(words, "simulated")
		default:
			words = append(words, t)
		}
	}
	if len(words) == 0 {
		return quantity.None
	}
	return strings.Join(words, ", ")
}

// state is one word or two: the whole of an error is in the JSON and in show.
func (l *listedRun) state() string {
	text := "complete"
	switch {
	case l.Error != "":
		text = "unreadable"
	case l.Incomplete == results.NotEnded:
		text = "not ended"
	case !l.Complete:
		text = "incomplete"
	}
	if l.Latest {
		text += ", latest"
	}
	return text
}
