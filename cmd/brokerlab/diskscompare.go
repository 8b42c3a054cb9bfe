package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/urfave/cli/v2"

	"brokerlab/cmd/bench/measure"
	"brokerlab/disks/probe"
	"brokerlab/disks/profiles"
	"brokerlab/disks/suite"
	"brokerlab/report/chart"
	"brokerlab/report/plotstyle"
	"brokerlab/report/table"
	"brokerlab/results"
	"brokerlab/scenarios/disktest"
)

const compareChart = "disks-compare.png"

func disksCompareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "run the same requests on several disks",
		ArgsUsage: "[NAME|FILE]...",
		Description: `Runs the patterns of requests that the tool fio is used for on each profile alone, all that are built in
if none is named: sequential reads and writes of 1 MiB and writes to many files in turn, random reads and writes of
4 KiB at depth 1 and 32 (so many requests under way), a mix with 70 % of reads, and appends of 4 KiB with a flush or an
fsync. All of it is simulated in virtual time: the disk alone, new, without page cache and file system but for the
journal of an fsync.

--dir D measures the same patterns in a directory of this machine (past the page cache; a sync is a write and fdatasync
or fsync) and puts them beside the others, which then use no more of their disks than the file of 1 GiB that is
measured: about 20 s, at most 8 GB written. D must be empty, new or brokerlab's, and is left as it was.

Prints a table and draws a chart.

Try:
  brokerlab disks compare
  brokerlab disks compare hdd-7200 sata-ssd nvme nvme-plp
  brokerlab disks compare nvme ./my-disk.yaml --chart mine.png
  brokerlab disks compare hdd-7200 nvme --dir /mnt/disk/probe
  brokerlab disks compare --format json > disks.json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "`D` a directory to be measured beside the profiles"},
			&cli.StringFlag{Name: "chart", Usage: "`FILE` of the chart (" + compareChart + ")", Value: compareChart},
			&cli.StringFlag{Name: "seed", Usage: "`N` of all that is drawn at random (1)", Value: strconv.Itoa(seedOfPatterns)},
			&cli.StringFlag{Name: "format", Usage: "`F` of standard output: table or json (table)", Value: formatTable},
		},
		Action: disksCompare,
	}
}

func disksCompare(ctx *cli.Context) error {
	names := ctx.Args().Slice()
	if len(names) == 0 {
		names = profiles.Names()
	}
	disks, err := loadProfiles(names)
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(ctx.String("seed"), 10, 64)
	if err != nil {
		return wrongUse("disks compare: --seed %s: %q is not a whole number from 0", ctx.String("seed"), ctx.String("seed"))
	}
	format := ctx.String("format")
	if format != formatTable && format != formatJSON {
		return wrongUse("disks compare: --format %s: there are table and json", format)
	}
	interruptible, stop := untilInterrupted()
	defer stop()
	options := disktest.Options{Rows: suite.Compare(), Seed: seed}
	var measured []results.ComparedDisk
	if dir := ctx.String("dir"); ctx.IsSet("dir") {
		d, span, err := compareDir(interruptible, ctx.App.ErrWriter, dir)
		if err != nil {
			return err
		}
		measured, options.SpanBytes = append(measured, d), span
	}
	c, err := disktest.Compare(interruptible, disks, options)
	if err != nil {
		return fmt.Errorf("disks compare: %w", err)
	}
	c.Disks = append(c.Disks, measured...)
	if err := writeComparison(ctx, c, format, table.Disks); err != nil {
		return err
	}
	return drawFigure(ctx, chart.Disks(c), ctx.String("chart"))
}

// compareDir measures a directory with the patterns of a comparison.
func compareDir(ctx context.Context, stderr io.Writer, dir string) (d results.ComparedDisk, span int64, err error) {
	plan := probe.Comparison()
	c := newConsole(stderr)
	watch := measure.Start()
	d, span, warnings, err := disktest.Measure(ctx, disktest.ProbeOptions{Dir: dir, Plan: plan, Name: "dir:" + dir,
		Progress: probeProgress(c, plan), Busy: func() float64 { return watch.Stop().Others }})
	c.clear()
	if err != nil {
		return d, 0, probeError(err)
	}
	for _, warning := range warnings {
		fmt.Fprintln(stderr, "warning: "+warning)
	}
	return d, span, nil
}

// writeComparison prints a comparison as a text, or as JSON.
func writeComparison(ctx *cli.Context, c *results.DiskComparison, format string,
	text func(*results.DiskComparison) string) error {
	if format == formatTable {
		_, err := fmt.Fprint(ctx.App.Writer, text(c))
		return err
	}
	return printJSON(ctx.App.Writer, c)
}

// drawFigure writes a chart into a file and says so.
func drawFigure(ctx *cli.Context, f *plotstyle.Figure, file string) error {
	var png bytes.Buffer
	if err := f.WritePNG(&png); err != nil {
		return err
	}
	if err := os.WriteFile(file, png.Bytes(), 0o644); err != nil {
		return fmt.Errorf("the chart was not written: %w", err)
	}
	_, err := fmt.Fprintf(ctx.App.ErrWriter, "chart: %s\n", file)
	return err
}
