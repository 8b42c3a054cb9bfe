package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"brokerlab/report"
	"brokerlab/report/table"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

func resultsShowCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "print the table of a past run again",
		ArgsUsage: "[RUN...]",
		Description: runHelp + `
Without one it is the newest run of all. Prints what the run printed, with its question and its warnings.

Try:
  brokerlab results show
  brokerlab results show codecs
  brokerlab results show codecs/2026-11-28T09
  brokerlab results show results/runs/codecs/latest --json`,
		Flags:  []cli.Flag{rootFlag(), jsonFlag()},
		Action: showResults,
	}
}

// runHelp says how commands take runs.
const runHelp = `RUN is the path of a run folder, a scenario (its latest run), or the beginning of a folder's name.`

func showResults(ctx *cli.Context) error {
	names := ctx.Args().Slice()
	if len(names) == 0 {
		names = []string{""}
	}
	if ctx.Bool("json") && len(names) > 1 {
		return wrongUse("results show: --json prints the result.json of one run: name one")
	}
	var faults []error
	for i, name := range names {
		folder, r, err := findRun(ctx, name)
		switch {
		case err != nil:
			faults = append(faults, err)
		case ctx.Bool("json"):
			text, err := results.Encode(r)
			if err != nil {
				return err
			}
			if _, err := ctx.App.Writer.Write(text); err != nil {
				return err
			}
		default:
			if i > 0 {
				fmt.Fprintln(ctx.App.Writer)
			}
			showRun(ctx, folder, r)
		}
	}
	return usageOf(faults)
}

func showRun(ctx *cli.Context, folder *results.Folder, r *results.Result) {
	out := ctx.App.Writer
	title := r.Title
	if title == "" {
		title = r.Scenario
	}
	fmt.Fprintln(out, title)
	if r.Question != "" {
		fmt.Fprintln(out, r.Question)
	}
	fmt.Fprintf(out, "%s, %s, ", r.Scenario, r.Wall.Started.UTC().Format(time.RFC3339))
	if r.Wall.Seconds > 0 { // not of a run that has not ended
		fmt.Fprintf(out, "took %s, ", quantity.Duration(int64(r.Wall.Seconds*1e9)))
	}
	fmt.Fprintf(out, "in %s\n\n", folder.Path)
	fmt.Fprint(out, table.TextWithin(r, columnsOf(out)))
	for _, w := range warnings(r) {
		fmt.Fprintln(out, "warning: "+w)
	}
	for _, name := range []string{report.PageFile, report.MarkdownFile} { // an older program made no page
		page := filepath.Join(folder.Path, name)
		if _, err := os.Stat(page); err == nil {
			fmt.Fprintf(out, "report: %s\n", page)
			return
		}
	}
}
