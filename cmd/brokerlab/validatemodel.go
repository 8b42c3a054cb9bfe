package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"brokerlab/report"
	"brokerlab/report/table"
	"brokerlab/results"
	"brokerlab/scenarios/run"
	model "brokerlab/scenarios/validate"
)

func validateModelCommand(commandLine []string) *cli.Command {
	return &cli.Command{
		Name:  "validate-model",
		Usage: "predict published benchmarks, and this machine, and compare",
		Description: `Runs published benchmarks of Apache Kafka (scenarios/published) in the simulated world, and a few
scenarios of this engine both for real in a directory and simulated, and prints predicted against observed, with the
error of each figure and whether it is within the aim: throughput within 15 %, p50 within 30 %, p99 within a factor of
2. Where Apache Kafka itself was run on a machine of ours in a like setting, its figure is beside. The table, two charts
and the rows as JSON go to results/runs/validate-model/TIME/, with the folders of all runs below it.

The simulated half of a pair takes profiles of this machine: files that brokerlab calibrate and brokerlab disks probe
wrote, or what both measure in ten seconds each, which is left in the folder.

Exit code: 0 when all ran, whatever the errors are; with --strict, 1 if an aim is missed.

Try:
  brokerlab validate-model --published-only
  brokerlab validate-model --only bartholomew-2019
  brokerlab validate-model --dir /mnt/ssd/brokerlab --only this-machine --disk-profile ./my-disk.yaml`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "`D` where the real half of pairs runs (results/data)", Value: "results/data"},
			&cli.StringSliceFlag{Name: "only", Usage: "`TEXT` rows whose name contains it; repeatable"},
			&cli.BoolFlag{Name: "published-only", Usage: "leave this machine's pairs out"},
			&cli.StringFlag{Name: "host-profile", Usage: "`P` of this machine, a name or a file; measured unless given"},
			&cli.StringFlag{Name: "disk-profile", Usage: "`P` of the disk of --dir, a name or a file; measured unless given"},
			setFlag(),
			&cli.StringFlag{Name: "out", Usage: "`DIR` where the folder goes (results/runs)", Value: defaultOut},
			&cli.BoolFlag{Name: "strict", Usage: "exit with 1 if an aim is missed"},
			&cli.StringFlag{Name: "format", Usage: "`F` of standard output: table or json (table)", Value: formatTable},
		},
		Action: func(ctx *cli.Context) error { return validateModel(ctx, commandLine) },
	}
}

func validateModel(ctx *cli.Context, commandLine []string) error {
	opts, faults := validateOptions(ctx)
	if err := noArguments(ctx); err != nil {
		faults = append(faults, err)
	}
	if err := usageOf(faults); err != nil {
		return err
	}
	opts.Command = append([]string{"brokerlab"}, commandLine...)
	s := &session{console: newConsole(ctx.App.ErrWriter)}
	defer s.interruptible()()
	began := false
	opts.Begin = func(name string, later run.Work) *run.Live {
		if began {
			s.endRun(nil)
		}
		began = true
		s.console.note(name)
		return s.beginRun(later)
	}
	opts.Say = s.console.note
	out, err := model.Run(opts)
	if began {
		s.endRun(err)
	}
	var usage *run.UsageError
	if errors.As(err, &usage) {
		return usageOf([]error{usage.Err})
	}
	if out == nil {
		return err
	}
	return errors.Join(err, showValidation(ctx, s.console, out))
}

func validateOptions(ctx *cli.Context) (opts model.Options, faults []error) {
	opts = model.Options{Out: ctx.String("out"), Only: ctx.StringSlice("only"), Dir: ctx.String("dir"),
		HostProfile: ctx.String("host-profile"), DiskProfile: ctx.String("disk-profile")}
	if ctx.Bool("published-only") {
		opts.Dir = ""
	}
	if f := ctx.String("format"); f != formatTable && f != formatJSON {
		faults = append(faults, fmt.Errorf("--format %s: there are table and json%s", f,
			didYouMean("", f, []string{formatTable, formatJSON})))
	}
	overrides, faults := appendSettings(ctx, faults)
	for _, o := range overrides {
		opts.Set = append(opts.Set, model.Override{Path: o.Path, Value: o.Value})
	}
	return opts, faults
}

// showValidation writes the report and prints the table; missed aims are a bad end
// only if they were asked to be.
func showValidation(ctx *cli.Context, c *console, out *model.Outcome) error {
	names, err := report.WriteValidation(out.Folder, out.Validation)
	if err != nil {
		return err
	}
	if ctx.String("format") == formatJSON {
		if err := printJSON(ctx.App.Writer, out.Validation); err != nil {
			return err
		}
	} else {
		fmt.Fprint(ctx.App.Writer, table.ValidationText(out.Validation))
	}
	c.note("folder: " + out.Folder.Path)
	c.note(fmt.Sprintf("report: %s (%s)", filepath.Join(out.Folder.Path, names[0]), plural(len(names)-1, "chart")))
	if ctx.Bool("strict") && missed(out.Validation) {
		return errBadRun
	}
	return nil
}

// missed says whether a figure is outside of its aim, or a ranking another one.
func missed(v *results.Validation) bool {
	for i := range v.Rows {
		for _, f := range v.Rows[i].Figures {
			if f.Aim.Held() && !f.Within {
				return true
			}
		}
	}
	for _, r := range v.Rankings {
		if !r.Same {
			return true
		}
	}
	return false
}
