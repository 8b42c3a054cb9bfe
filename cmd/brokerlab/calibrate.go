package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"brokerlab/engine/codec"
	"brokerlab/engine/simworld"
	"brokerlab/results/quantity"
	"brokerlab/scenarios/hosts"
	"brokerlab/scenarios/hosts/calibrate"
	"brokerlab/scenarios/run"
)

func calibrateCommand() *cli.Command {
	return &cli.Command{
		Name:  "calibrate",
		Usage: "measure what work costs on this machine, and write a host profile",
		Description: `Measures what the engine's own operations take on one core of this machine: records, CRC, copies,
appends to the page cache, system calls, requests through a broker, every codec at every level by batch size, the
wake-up of a task and late timers. Work is processor time; wake-ups and timers are wall time, so that the machine
should be left alone meanwhile: it is said if it was not. It takes under a minute, with --quick under 10 s.

The profile is written to FILE. Simulated runs take their prices from it if a scenario says so:

  host:
    profile: ./FILE

Without that they take the profile "go", which is built in.

Try:
  brokerlab calibrate --quick
  brokerlab calibrate --name office-pc --out office-pc.yaml
  brokerlab run quickstart --disk sim --set host.profile=./office-pc.yaml`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the machine, in the profile; without it, my-host"},
			&cli.StringFlag{Name: "out",
				Usage: "`FILE` for the profile, ending in .yaml; without it, NAME.yaml in this directory"},
			&cli.BoolFlag{Name: "quick", Usage: "fewer samples"},
		},
		Action: calibrateHost,
	}
}

func calibrateHost(ctx *cli.Context) error {
	if err := noArguments(ctx); err != nil {
		return err
	}
	o := calibrate.DefaultOptions()
	if ctx.Bool("quick") {
		o = calibrate.QuickOptions()
	}
	o.Name, o.Machine, o.Version = "my-host", run.Machine(), run.Version()
	if ctx.IsSet("name") {
		o.Name = ctx.String("name")
	}
	file := o.Name + ".yaml"
	if ctx.IsSet("out") {
		file = ctx.String("out")
	}
	if err := mayWriteProfile(o.Name, file); err != nil {
		return err
	}
	console := newConsole(ctx.App.ErrWriter)
	o.Progress = func(what string, share float64) {
		console.progress(fmt.Sprintf("calibrate %2.0f %%: %s", 100*share, what))
	}
	interrupted, stop := untilInterrupted()
	defer stop()
	o.Stopped = func() bool { return interrupted.Err() != nil }
	began := time.Now()
	p, busy, err := calibrate.Run(o)
	console.clear()
	if errors.Is(err, calibrate.ErrStopped) {
		console.note("stopped: no profile was written")
		return errBadRun
	}
	if err != nil {
		return err
	}
	text := p.Format("Host profile, written by brokerlab calibrate.")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	if err := printHost(ctx.App.Writer, p); err != nil {
		return err
	}
	if busy > calibrate.BusyShare {
		console.note(fmt.Sprintf("warning: others used %.0f %% of the cores: wake-ups and timers are those of a busy "+
			"machine, and work may be too dear; measure again when it is idle", 100*busy))
	}
	console.note(fmt.Sprintf("measured in %.0f s; host profile: %s", time.Since(began).Seconds(), file))
	if !strings.ContainsRune(filepath.ToSlash(file), '/') {
		file = "./" + file
	}
	console.note("simulate with it: brokerlab run quickstart --disk sim --set host.profile=" + file)
	return nil
}

// mayWriteProfile says before anything is measured whether the profile can be
// written: not over anything but an older profile.
func mayWriteProfile(name, file string) error {
	if name == "" || strings.ContainsAny(name, "/\\\n") {
		return wrongUse("calibrate: --name %q is no name for a machine", name)
	}
	if filepath.Ext(file) != ".yaml" {
		return wrongUse("calibrate: --out %s must end in .yaml", file)
	}
	dir := filepath.Dir(file)
	if at, err := os.Stat(dir); err != nil || !at.IsDir() {
		return wrongUse("calibrate: --out %s: there is no directory %s", file, dir)
	}
	if _, err := os.Lstat(file); err == nil {
		if _, err := hosts.Load(file); err != nil {
			return wrongUse("calibrate: --out %s exists and is no host profile", file)
		}
	}
	return nil
}

// shownSizes are those of which the table of codecs tells the rate, and shownLevels
// the levels: Kafka's defaults, and the ends.
var (
	shownSizes  = []int{1 << 10, 16 << 10, 256 << 10}
	shownLevels = map[codec.Type][]int{
		codec.Gzip: {1, 6, 9}, codec.Snappy: {0}, codec.LZ4: {1, 9, 17}, codec.Zstd: {1, 3, 10},
	}
)

// printHost prints a profile as tables: operations, and codecs with their rates.
func printHost(out io.Writer, p *hosts.Profile) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "operation\tprocessor time")
	fmt.Fprintln(w, "---------\t--------------")
	for _, o := range p.Priced() {
		fmt.Fprintf(w, "%s\t%s\n", o.Name, o.Price)
	}
	fmt.Fprintf(w, "\n%s\tp50\tp90\tp99\tp99.9\n%s\t---\t---\t---\t-----\n", "delay", "-----")
	for _, d := range []struct {
		name   string
		spread simworld.Spread
	}{{"wake-up", p.Wake.Spread}, {"timer late", p.TimerLate.Spread}} {
		fmt.Fprintf(w, "%s\t%v\t%v\t%v\t%v\n", d.name, d.spread.P50, d.spread.P90, d.spread.P99, d.spread.P999)
	}
	fmt.Fprintln(w, "\nMB/s before compression\tcompress\t\t\tdecompress\t\t")
	fmt.Fprintln(w, "batch of\t1 KiB\t16 KiB\t256 KiB\t1 KiB\t16 KiB\t256 KiB")
	fmt.Fprintln(w, "--------\t-----\t------\t-------\t-----\t------\t-------")
	for _, c := range p.Codecs {
		if !slices.Contains(shownLevels[c.Codec], c.Level) {
			continue
		}
		fmt.Fprintf(w, "%v %d, %s", c.Codec, c.Level, c.Implementation)
		for _, price := range []simworld.Price{c.Compress, c.Decompress} {
			for _, size := range shownSizes {
				fmt.Fprintf(w, "\t%s", quantity.Digits(1000*float64(size)/price.Ns(size)))
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
