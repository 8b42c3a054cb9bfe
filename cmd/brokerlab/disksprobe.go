package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"brokerlab/cmd/bench/measure"
	"brokerlab/disks/datadir"
	"brokerlab/disks/probe"
	"brokerlab/disks/profiles"
	"brokerlab/report/chart"
	"brokerlab/report/table"
	"brokerlab/scenarios/disktest"
)

const probeProfile = "probe.yaml"

func disksProbeCommand() *cli.Command {
	return &cli.Command{
		Name:      "probe",
		Usage:     "measure the disk below a directory, and write a profile of it",
		ArgsUsage: "DIR",
		Description: `Measures sequential and random reads and writes past the page cache by block size and depth, and writes
with fdatasync and fsync, overwriting and growing, by block size and number of files. Then a model is fitted to a few
of these figures, run with the same patterns, and printed beside them: how well it foretells the others is told. The
profile and a chart are written; --disk and disks show read the profile.

DIR must be empty, new or one that brokerlab used before; what is written goes into a directory of its own there, which
is removed at the end and after Ctrl-C. At most 8 GB are written (1.6 GB with --quick), with 1.7 GB of space
(300 MB), in less than a minute (10 s). What lies between the directory and the disk, such as a hypervisor's cache, is
measured with it; so is what other programs do meanwhile, which is told.

Try:
  brokerlab disks probe /mnt/disk/probe
  brokerlab disks probe /tmp/probe --quick --out my-disk.yaml
  brokerlab disks show ./probe.yaml
  brokerlab disks compare ./probe.yaml nvme`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "`FILE` of the profile (" + probeProfile + "); the chart is beside it, as .png",
				Value: probeProfile},
			&cli.BoolFlag{Name: "quick", Usage: "fewer block sizes and files, and less time for each"},
			&cli.StringFlag{Name: "format", Usage: "`F` of standard output: table or json (table)", Value: formatTable},
		},
		Action: disksProbe,
	}
}

func disksProbe(ctx *cli.Context) error {
	if ctx.NArg() != 1 {
		return wrongUse("disks probe takes one directory: an empty or a new one, on the disk that is meant")
	}
	out, format := ctx.String("out"), ctx.String("format")
	if !strings.HasSuffix(out, ".yaml") {
		return wrongUse("disks probe: --out %s: a profile's name ends in .yaml", out)
	}
	if format != formatTable && format != formatJSON {
		return wrongUse("disks probe: --format %s: there are table and json", format)
	}
	plan := probe.Full()
	if ctx.Bool("quick") {
		plan = probe.Quick()
	}
	interruptible, stop := untilInterrupted()
	defer stop()
	c := newConsole(ctx.App.ErrWriter)
	watch := measure.Start()
	name := strings.TrimSuffix(filepath.Base(out), ".yaml")
	found, err := disktest.Probe(interruptible, disktest.ProbeOptions{Dir: ctx.Args().First(), Plan: plan, Name: name,
		Progress: probeProgress(c, plan), Busy: func() float64 { return watch.Stop().Others }})
	c.clear()
	if err != nil {
		return probeError(err)
	}
	for _, warning := range found.Warnings {
		fmt.Fprintln(ctx.App.ErrWriter, "warning: "+warning)
	}
	if _, err := profiles.Parse(out, found.Profile); err != nil {
		return fmt.Errorf("the fitted profile is none: %w", err)
	}
	if err := writeComparison(ctx, found.Comparison, format, table.Probe); err != nil {
		return err
	}
	if err := os.WriteFile(out, found.Profile, 0o644); err != nil {
		return fmt.Errorf("the profile was not written: %w", err)
	}
	fmt.Fprintf(ctx.App.ErrWriter, "profile: %s (%s)\n", out, found.Kind)
	return drawFigure(ctx, chart.Probe(found.Comparison), strings.TrimSuffix(out, ".yaml")+".png")
}

// probeError tells an interrupt, and wrong use from what went wrong.
func probeError(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted: nothing was written but for the measurement, and that is removed")
	case errors.Is(err, datadir.ErrNotOurs):
		return usageOf([]error{err})
	}
	return err
}

// probeProgress is called before each row of a measurement and says on the console what
// is measured; row -1 is the preparation.
func probeProgress(c *console, plan probe.Plan) func(row int) {
	return func(i int) {
		if i < 0 {
			c.progress(fmt.Sprintf("writing the file of %d MiB that is read and overwritten", plan.FileBytes>>20))
			return
		}
		row := plan.Rows[i]
		left := time.Duration(len(plan.Rows)-i) * (plan.Warmup + plan.RowTime)
		c.progress(fmt.Sprintf("%d of %d, %s: %s, %s", i+1, len(plan.Rows), leftWords(left), row.Group, row.Name))
	}
}
