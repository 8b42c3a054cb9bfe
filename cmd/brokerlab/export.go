package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"brokerlab/report/export"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a run in the format of another tool",
		ArgsUsage: "RUN --format FORMAT",
		Description: runHelp + `

Formats:
` + formatWords() + `
Without -o the export goes to standard output, if it is one file. -o FILE writes one file, -o DIR/ all files into a
folder. What is there is not written over without --force.

Try:
  brokerlab export codecs --format csv --table cells
  brokerlab export codecs --format csv -o codecs-csv/
  brokerlab export quickstart --format benchstat > new.txt    # then: benchstat old.txt new.txt
  brokerlab export results/runs/quickstart/latest --format omb -o omb/
  brokerlab export quickstart --format hgrm --cell 1 --latency produce
  brokerlab export quickstart --format hlog > quickstart.hlog`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "`F` " + strings.Join(export.Names(), ", ")},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"},
				Usage: "`PATH` a file, or a folder if it ends in / or is one (also -o)"},
			&cli.IntFlag{Name: "cell", Usage: "`N` one cell only; the first is 1"},
			&cli.StringFlag{Name: "latency", Usage: "`L` one latency only, of histograms: produce, end_to_end, ..."},
			&cli.StringFlag{Name: "table", Usage: "`T` one table only, of CSV: " + strings.Join(export.Tables, ", ")},
			&cli.BoolFlag{Name: "force", Usage: "write over files that are there"},
			rootFlag(),
		},
		Action: exportRun,
	}
}

func formatWords() string {
	var b strings.Builder
	for _, f := range export.Formats {
		fmt.Fprintf(&b, "  %-10s %s\n", f.Name, f.Usage)
	}
	return b.String()
}

func exportRun(ctx *cli.Context) error {
	if ctx.NArg() != 1 {
		return wrongUse("export: name one run, by its folder or its scenario; brokerlab results list shows them")
	}
	if !ctx.IsSet("format") {
		return wrongUse("export: say in which format: --format %s", strings.Join(export.Names(), ", "))
	}
	format, ok := export.FormatOf(ctx.String("format"))
	if !ok {
		return wrongUse("export: --format %s: there are %s%s", ctx.String("format"), strings.Join(export.Names(), ", "),
			didYouMean("", ctx.String("format"), export.Names()))
	}
	folder, r, err := findRun(ctx, ctx.Args().First())
	if err != nil {
		return usageOf([]error{err})
	}
	if ctx.IsSet("cell") && ctx.Int("cell") < 1 {
		return wrongUse("export: --cell %d: cells count from 1", ctx.Int("cell"))
	}
	sel := export.Selection{Cell: ctx.Int("cell"), Latency: ctx.String("latency"), Table: ctx.String("table")}
	to := ctx.String("output")
	if isFolder(to) {
		files, err := format.Write(folder, r, sel)
		if err != nil {
			return usageOf([]error{err})
		}
		return writeExport(ctx, to, files)
	}
	text, err := format.Join(folder, r, sel)
	if several, ok := errors.AsType[*export.SeveralError](err); ok {
		return wrongUse("%v; name a folder for them, such as -o %s-%s/, or choose with --cell, --latency, --table",
			several, r.Scenario, format.Name)
	}
	if err != nil {
		return usageOf([]error{err})
	}
	if to == "" || to == "-" {
		_, err := ctx.App.Writer.Write(text)
		return err
	}
	return writeExport(ctx, filepath.Dir(to), []export.File{{Name: filepath.Base(to), Content: text}})
}

// isFolder says whether a path names a folder, which need not be there.
func isFolder(path string) bool {
	if path == "" {
		return false
	}
	at, err := os.Stat(path)
	return strings.HasSuffix(path, "/") || strings.HasSuffix(path, string(filepath.Separator)) || err == nil && at.IsDir()
}

// writeExport writes files and prints their names; none of them if one is there already.
func writeExport(ctx *cli.Context, dir string, files []export.File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if ctx.Bool("force") {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	there := func(path string) error {
		return wrongUse("export: %s is there already: choose another name, or add --force", path)
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name)
		if _, err := os.Lstat(path); err == nil && !ctx.Bool("force") {
			return there(path)
		}
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name)
		out, err := os.OpenFile(path, flags, 0o644)
		if errors.Is(err, fs.ErrExist) { // since a moment ago
			return there(path)
		}
		if err != nil {
			return err
		}
		_, err = out.Write(file.Content)
		err = errors.Join(err, out.Close())
		if err != nil && flags&os.O_EXCL != 0 { // it was not there: a part of it would pass for the whole
			err = errors.Join(err, os.Remove(path))
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(ctx.App.ErrWriter, path)
	}
	return nil
}
