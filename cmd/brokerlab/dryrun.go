package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"brokerlab/results"
	"brokerlab/scenarios/run"
)

// dryRun checks scenarios as a run does and shows what would run. Nothing starts and
// nothing is left behind.
func dryRun(all []*scenario, flags runFlags, stdout io.Writer, c *console) error {
	plans, err := plansOf(all, flags, func(message string) { c.note("warning: " + message) })
	if err != nil {
		return err
	}
	if flags.format == formatJSON {
		return printJSON(stdout, plans)
	}
	for i, plan := range plans {
		if i > 0 {
			fmt.Fprintln(stdout)
		}
		if err := printPlan(stdout, plan, all[i].file.LabelNames(), flags.keep); err != nil {
			return err
		}
	}
	return nil
}

// plansOf checks scenarios as their runs do, and says what these would do. All faults of
// all scenarios are wrong use together.
func plansOf(all []*scenario, flags runFlags, warn func(message string)) (plans []*run.Plan, err error) {
	var faults []error
	for _, s := range all {
		for _, message := range s.warnings {
			warn(message)
		}
		plan, err := run.DryRun(s.file, run.Options{Out: flags.out, Keep: flags.keep, Warn: warn})
		var usage *run.UsageError
		switch {
		case errors.As(err, &usage):
			faults = append(faults, each(usage.Err)...)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", s.arg, err)
		default:
			plans = append(plans, plan)
		}
	}
	return plans, usageOf(faults)
}

// each takes joined errors apart.
func each(err error) []error {
	if usage, ok := err.(*run.UsageError); ok {
		return each(usage.Err)
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range many.Unwrap() {
			all = append(all, each(one)...)
		}
		return all
	}
	return []error{err}
}

func printPlan(out io.Writer, p *run.Plan, labels []string, keep bool) error {
	fmt.Fprintf(out, "%s would run:\n\n", p.Scenario)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "cell\t%s\tdisk\tload\truns\twrites at most\n", strings.Join(append([]string{}, labels...), "\t"))
	reading := false
	for i, c := range p.Cells {
		fmt.Fprintf(w, "%d\t", i+1)
		for _, name := range labels {
			fmt.Fprintf(w, "%s\t", c.Labels[name])
		}
		most := megabytesOf(c.BytesMost)
		if !c.Bounded {
			most = "no bound"
		}
		load := seconds(c.LoadS)
		if c.Reading {
			load, reading = load+" + reading", true
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", c.Labels[run.DiskLabel], load, c.Repeats, most)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s", plural(len(p.Cells), "cell"))
	if p.Goals > 0 {
		fmt.Fprintf(out, ", %s to meet", plural(p.Goals, "goal"))
	}
	fmt.Fprintln(out, ".")
	if p.MeasuredS > 0 {
		fmt.Fprintf(out, "Time: about %s, of which %s are measured load, one cell after the other; the rest is starting, "+
			"draining and\nreading back.\n", measuredWords(p), seconds(p.MeasuredS))
	}
	if p.SimulatedS > 0 {
		fmt.Fprintf(out, "Time: %s of simulated load, on a virtual clock: what that takes depends on its records.\n",
			seconds(p.SimulatedS))
	}
	if reading {
		fmt.Fprintln(out, "After the load consumers read what was written, for load.read.limit at most: that comes on top.")
	}
	for _, d := range p.Disks {
		fmt.Fprintln(out, spaceLine(d, keep))
	}
	return nil
}

// measuredWords is about how long the measured cells of a plan take, to the second.
func measuredWords(p *run.Plan) string {
	w := run.Work{RealPlanned: time.Duration(p.MeasuredS * float64(time.Second))}
	for _, c := range p.Cells {
		if c.Target == results.TargetReal {
			w.RealTotal += c.Repeats
		}
	}
	return measuredLeft(w).Round(time.Second).String()
}

// spaceLine says what a disk needs.
func spaceLine(d run.PlannedDisk, keep bool) string {
	line := fmt.Sprintf("Space: at most %s on %s", megabytesOf(d.BytesMost), d.Disk)
	if keep && d.Target == results.TargetReal {
		line += " in all, since logs are kept"
	} else {
		line += " at a time; logs are removed after each repeat"
	}
	if d.FreeBytes > 0 {
		line += fmt.Sprintf("; %s are free", megabytesOf(d.FreeBytes))
	}
	if !d.Bounded {
		line += "; and as much as full speed writes until the load ends or the disk is as full as it may be: bound it with " +
			"load.max-bytes"
	}
	if d.Target == results.TargetSim {
		line = strings.Replace(line, "Space: ", "Simulated space: ", 1)
	}
	return line + "."
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}

func megabytesOf(bytes int64) string {
	switch {
	case bytes >= 10e9:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 10e6:
		return fmt.Sprintf("%.0f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.3g MB", float64(bytes)/1e6)
}
