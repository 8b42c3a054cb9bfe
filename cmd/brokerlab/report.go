package main

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"brokerlab/report"
	"brokerlab/results"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "make the report of a run again, from its folder alone",
		ArgsUsage: "RUN...",
		Description: runHelp + `
Writes report.html, which holds everything that it shows, and report.md with the charts beside it, and prints their
names.

Try:
  brokerlab report quickstart
  brokerlab report results/runs/quickstart/latest
  brokerlab report results/runs/*/latest`,
		Flags:  []cli.Flag{rootFlag()},
		Action: makeReports,
	}
}

func makeReports(ctx *cli.Context) error {
	if ctx.NArg() == 0 {
		return wrongUse("report: name a run, by its folder or its scenario; brokerlab results list shows them")
	}
	var unreadable, failed []error
	for _, path := range ctx.Args().Slice() {
		folder, r, err := findRun(ctx, path)
		if err != nil {
			unreadable = append(unreadable, err)
			continue
		}
		names, err := report.Write(folder)
		for _, name := range names {
			fmt.Fprintln(ctx.App.Writer, filepath.Join(folder.Path, name))
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", path, err))
		} else if !r.Complete {
			fmt.Fprintf(ctx.App.ErrWriter, "%s: the run is incomplete: %s\n", path, r.Incomplete)
		}
	}
	for _, err := range failed {
		sayError(ctx.App.ErrWriter, err)
	}
	if err := usageOf(unreadable); err != nil {
		return err
	}
	if len(failed) > 0 {
		return errBadRun
	}
	return nil
}

// reportPages is how many of a report's files are no charts.
const reportPages = 2

// writeReport makes the report of a run that has just ended.
func writeReport(folder *results.Folder) (page string, charts int, err error) {
	names, err := report.Write(folder)
	if err != nil {
		return "", 0, fmt.Errorf("the report was not written: %w", err)
	}
	return filepath.Join(folder.Path, report.PageFile), len(names) - reportPages, nil
}
