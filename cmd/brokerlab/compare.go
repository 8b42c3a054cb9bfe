package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"brokerlab/report/findings"
	"brokerlab/report/table"
	"brokerlab/results"
)

const formatMarkdown = "markdown"

func compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "say whether runs really differ, or whether it is noise",
		ArgsUsage: "RUN RUN...",
		Description: runHelp + `

Each further run is held against the first, figure by figure: the change with its interval of 95 %, and ~ where no
difference is shown. It takes 4 repeats of each to show one, and 6 (--repeat 6) for an interval of the figures
themselves. Cells are the same if what varies in either run has one value in both; the disks of runs that have one each
may differ. A cell that is measured in one run and simulated in the other is not compared.

The exit code is 0 whether they differ or not: goals of a scenario make a run a check.

Try:
  brokerlab compare results/runs/quickstart/2026-11-28T09-00-00Z results/runs/quickstart/latest
  brokerlab compare ./before ./after --format markdown
  brokerlab compare codecs ./other-machine --format json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: formatTable,
				Usage: "`F` of standard output: table, markdown or json (table)"},
			rootFlag(),
		},
		Action: compareRuns,
	}
}

func compareRuns(ctx *cli.Context) error {
	if ctx.NArg() < 2 {
		return wrongUse("compare: name two runs or more, by folder or scenario; brokerlab results list shows them")
	}
	formats := []string{formatTable, formatMarkdown, formatJSON}
	format := ctx.String("format")
	if format != formatTable && format != formatMarkdown && format != formatJSON {
		return wrongUse("--format %s: there are table, markdown and json%s", format, didYouMean("", format, formats))
	}
	var runs []*results.Result
	var faults []error
	for _, name := range ctx.Args().Slice() {
		folder, r, err := findRun(ctx, name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		r.Wall.Folder = folder.Path // where it is now
		runs = append(runs, r)
	}
	if err := usageOf(faults); err != nil {
		return err
	}
	all := []findings.Comparison{}
	for _, other := range runs[1:] {
		all = append(all, findings.CompareRuns(runs[0], other))
	}
	if format == formatJSON {
		return printJSON(ctx.App.Writer, all)
	}
	for i, c := range all {
		if i > 0 {
			fmt.Fprintln(ctx.App.Writer)
		}
		text := table.CompareText(c)
		if format == formatMarkdown {
			text = table.CompareMarkdown(c)
		}
		if _, err := fmt.Fprint(ctx.App.Writer, text); err != nil {
			return err
		}
	}
	return nil
}
