package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"brokerlab/scenarios/spec"
)

// What the flags are unless given, and the formats of standard output.
const (
	defaultOut  = "results/runs"
	formatTable = "table"
	formatJSON  = "json"
)

// runFlags are the flags of run.
type runFlags struct {
	out       string
	keep      bool
	format    string
	progress  string
	overrides []spec.Override
}

func runCommand(commandLine []string) *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run scenarios, print their results and leave them in a folder",
		ArgsUsage: "NAME|FILE...",
		Description: `NAME is built in; what ends in .yaml or holds a slash is a FILE. Several run one after the other; all
are checked before the first one starts. Every acknowledged record is read back: lost, duplicated, reordered,
corrupted and failed ones are told by cell, and the exit code is then 1.

The table, or the JSON, goes to standard output, progress and notes to standard error, and everything to
results/runs/NAME/TIME/, which NAME/latest points at: the scenario as run, result.json, HDR histograms, report.html,
report.md and charts. The scenario.yaml in there runs the same cells again (as a scenario of the name "scenario";
copy it to rename).

JSON of one scenario is its result.json. JSON of several is one document too: "cells" has the cells of all, each with
its "scenario", and "runs" has what else their result.json hold, with the "folder" in "wall".

Ctrl-C ends the run, keeps what has ended and marks the result incomplete; a second one quits at once.
Exit code: 0 good; 1 a run failed, was interrupted, missed a goal or did not get all records right; 2 wrong use, or no
room on the disk: nothing started; 130 after a second Ctrl-C.

Try:
  brokerlab run quickstart
  brokerlab run quickstart --dir /mnt/ssd/brokerlab
  brokerlab run codecs --disk sim --set load.duration=3s
  brokerlab run flush-policies --disk hdd-7200,sata-ssd,nvme,nvme-plp,dir:/tmp/brokerlab
  brokerlab run flush-policies --disk sim,dir:/tmp/brokerlab --repeat 3
  brokerlab run quickstart --dry-run
  brokerlab run quickstart --goal 'lost == 0' --goal 'p99(produce) < 50ms when load="open loop"'
  brokerlab run --driver kafka-latency.yaml workload.yaml --set load.warmup=1s --set load.duration=10s
  brokerlab run ./my-test.yaml --set producers.acks=0,1,all --format json > result.json`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "disk", Usage: "`D` where to run, instead of the scenario's disk:\n" +
				"dir:PATH, dir:PATH:PATH, a profile (brokerlab disks list), its FILE.yaml, or sim;\n" +
				"repeatable, or with commas: the results of all disks are side by side"},
			&cli.StringFlag{Name: "dir", Usage: "`D` short for --disk dir:D: an empty or a new directory, or several: /a:/b"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` where run folders go (results/runs)", Value: defaultOut},
			&cli.BoolFlag{Name: "keep", Usage: "leave the brokers' logs in the data directory, which simulated disks have not"},
			setFlag(),
			goalFlag(),
			driverFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "check all that a run checks, show the cells, their time and the disk\n" +
				"space that they need, and start nothing"},
			&cli.StringFlag{Name: "repeat", Usage: "`N` run each cell N times, interleaved; rates are then medians"},
			&cli.StringFlag{Name: "seed", Usage: "`N` of payloads and all that is drawn at random"},
			&cli.StringFlag{Name: "format", Usage: "`F` of standard output: table or json (table)", Value: formatTable},
			&cli.StringFlag{Name: "progress", Usage: "`P` auto: on terminals; plain: a line now and then; none (auto)",
				Value: progressAuto},
		},
		Action: func(ctx *cli.Context) error { return runScenarios(ctx, commandLine) },
	}
}

// runFlagsOf checks what the flags say; faults are wrong use.
func runFlagsOf(ctx *cli.Context) (f runFlags, faults []error) {
	f = runFlags{out: ctx.String("out"), keep: ctx.Bool("keep"), format: ctx.String("format"),
		progress: ctx.String("progress")}
	if f.format != formatTable && f.format != formatJSON {
		faults = append(faults, fmt.Errorf("--format %s: there are table and json%s", f.format,
			didYouMean("", f.format, []string{formatTable, formatJSON})))
	}
	if all := []string{progressAuto, progressPlain, progressNone}; !slices.Contains(all, f.progress) {
		faults = append(faults, fmt.Errorf("--progress %s: there are auto, plain and none%s", f.progress,
			didYouMean("", f.progress, all)))
	}
	if f.out == "" {
		faults = append(faults, errors.New("--out: name a folder"))
	}
	f.overrides, faults = appendSettings(ctx, faults)
	add := func(flag, path, value string) {
		for _, o := range f.overrides {
			if o.Path == path {
				faults = append(faults, fmt.Errorf("%s and %s: give one of them", flag, o.Flag))
				return
			}
		}
		f.overrides = append(f.overrides, spec.Override{Flag: flag, Path: path, Value: value})
	}
	if list := strings.Join(ctx.StringSlice("disk"), ","); ctx.IsSet("disk") {
		add("--disk "+list, "disk", list)
	}
	if dir := ctx.String("dir"); ctx.IsSet("dir") {
		switch {
		case dir == "":
			faults = append(faults, errors.New("--dir: name a directory"))
		case strings.Contains(dir, ","):
			faults = append(faults, fmt.Errorf("--dir %s: a comma separates disks: name a directory without one", dir))
		default:
			add("--dir "+dir, "disk", "dir:"+dir)
		}
	}
	for _, name := range []string{"repeat", "seed"} {
		if ctx.IsSet(name) {
			add("--"+name+" "+ctx.String(name), name, ctx.String(name))
		}
	}
	return f, faults
}

func appendSettings(ctx *cli.Context, faults []error) ([]spec.Override, []error) {
	overrides, more := settings(ctx)
	return overrides, append(faults, more...)
}

func runScenarios(ctx *cli.Context, commandLine []string) error {
	if ctx.NArg() == 0 {
		return wrongUse("run: name a scenario or a file; brokerlab list shows what is built in")
	}
	flags, faults := runFlagsOf(ctx)
	all, more := loadScenarios(ctx.Args().Slice(), ctx.String("driver"), flags.overrides)
	if err := usageOf(append(faults, more...)); err != nil {
		return err
	}
	if ctx.Bool("dry-run") {
		return dryRun(all, flags, ctx.App.Writer, newConsole(ctx.App.ErrWriter))
	}
	if len(all) > 1 { // each is checked again when its turn comes, and says its warnings then
		if _, err := plansOf(all, flags, func(string) {}); err != nil {
			return err
		}
	}
	s := &session{flags: flags, stdout: ctx.App.Writer, commandLine: append([]string{"brokerlab"}, commandLine...)}
	s.console = newRunConsole(ctx.App.ErrWriter, flags.progress)
	defer s.interruptible()()
	s.runAll(all)
	if flags.format == formatJSON && len(s.outcomes) > 0 {
		if err := writeJSON(s.stdout, s.outcomes, len(all)); err != nil {
			return err
		}
	}
	return s.verdict()
}

func names(all []*scenario) string {
	var list []string
	for _, s := range all {
		list = append(list, s.arg)
	}
	return strings.Join(list, ", ")
}
