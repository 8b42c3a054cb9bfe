package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"brokerlab/disks/profiles"
	"brokerlab/disks/suite"
	"brokerlab/results/quantity"
	"brokerlab/scenarios/disktest"
)

func disksCommand() *cli.Command {
	return &cli.Command{
		Name:      "disks",
		Usage:     "list, show and compare models of disks, and measure a disk",
		ArgsUsage: commandsUsage,
		Description: `A profile describes a disk for simulations: mechanics or flash, queue, cache and flush, each figure
with its source and how well it is known.

Try:
  brokerlab disks list                        the profiles that are built in
  brokerlab disks show hdd-7200               one of them with every figure's source
  brokerlab disks compare hdd-7200 nvme-plp   the same requests on both
  brokerlab disks probe /mnt/disk/probe       measure a disk and write its profile`,
		Subcommands: []*cli.Command{disksListCommand(), disksShowCommand(), disksCompareCommand(), disksProbeCommand()},
	}
}

func disksListCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the profiles that are built in",
		Description: `Capacity is the profile's. The other figures are simulated, with the patterns of disks compare:
sequential reads of 1 MiB, random reads of 4 KiB one at a time, and an append of 4 KiB with its fsync (median).

Try:
  brokerlab disks list
  brokerlab disks show nvme`,
		Action: disksList,
	}
}

// seedOfPatterns is that of disks list, and of disks compare unless it is given.
const seedOfPatterns = 1

func disksList(ctx *cli.Context) error {
	if err := noArguments(ctx); err != nil {
		return err
	}
	disks, err := loadProfiles(profiles.Names())
	if err != nil {
		return err
	}
	var rows []suite.Row
	for _, row := range suite.Compare() {
		switch row.Short {
		case "read", "read 1", "fsync":
			rows = append(rows, row)
		}
	}
	c, err := disktest.Compare(context.Background(), disks, disktest.Options{Rows: rows, Seed: seedOfPatterns})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(ctx.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "profile\tkind\tcapacity\tread MB/s\tread 4 KiB/s\tfsync\twhat")
	fmt.Fprintln(w, "-------\t----\t--------\t---------\t------------\t-----\t----")
	for i, p := range disks {
		f := c.Disks[i].Figures
		fmt.Fprintf(w, "%s\t%s\t%s\t%9s\t%12s\t%s\t%s\n", p.Name, p.Config.Kind, capacity(p),
			quantity.Digits(f[0].MBPerS), quantity.Digits(f[1].OpsPerS), quantity.Duration(f[2].Sync.P50), p.Title)
	}
	fmt.Fprintln(w, "\nRates and times are simulated. disks compare has more of them, disks show the figures behind.")
	return w.Flush()
}

// capacity is a profile's, as it is written there.
func capacity(p *profiles.Profile) string {
	for _, f := range p.Figures {
		if f.Path == "capacity" {
			return f.Text
		}
	}
	return quantity.Bytes(p.Config.CapacityBytes)
}

// loadProfiles finds every profile or says of each that is missing what is.
func loadProfiles(names []string) (all []*profiles.Profile, err error) {
	var faults []error
	for _, name := range names {
		p, err := loadProfile(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		all = append(all, p)
	}
	return all, usageOf(faults)
}

func loadProfile(name string) (*profiles.Profile, error) {
	p, err := profiles.Find(name)
	if err == nil || profiles.IsFile(name) {
		return p, err
	}
	return nil, fmt.Errorf("no disk profile %q is built in%s; brokerlab disks list shows those that are, "+
		"and a file needs its path, such as ./%s.yaml", name, didYouMean("", name, profiles.Names()), name)
}

func disksShowCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "print every figure of a profile with its status and source",
		ArgsUsage: "NAME|FILE",
		Description: `NAME is built in; what ends in .yaml or holds a slash is a FILE, which is checked. The statuses, from
the best known to the least: measured (here), verified, verified-secondary (quoted), derived, inferred, recalled (not
looked up), fitted (chosen so that the model shows a figure of the source), assumed.

Try:
  brokerlab disks show hdd-7200
  brokerlab disks show nvme --source > my-disk.yaml
  brokerlab disks show ./my-disk.yaml`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "source", Usage: "the text as it was written, comments included"}},
		Action: disksShow,
	}
}

func disksShow(ctx *cli.Context) error {
	if ctx.NArg() != 1 {
		return wrongUse("disks show takes one profile, by its name or its file; brokerlab disks list shows what is built in")
	}
	name := ctx.Args().First()
	p, err := loadProfile(name)
	if err != nil {
		return usageOf([]error{err})
	}
	if ctx.Bool("source") {
		text, err := profiles.TextOf(name)
		if err != nil {
			return err
		}
		_, err = ctx.App.Writer.Write(text)
		return err
	}
	writeProfile(ctx.App.Writer, p)
	return nil
}

// writeProfile prints a profile's figures as a table, and its sources below it.
func writeProfile(out io.Writer, p *profiles.Profile) {
	fmt.Fprintf(out, "%s: %s (%s)\n", p.Name, p.Title, p.Config.Kind)
	if p.Note != "" {
		fmt.Fprintln(out, strings.TrimSpace(p.Note))
	}
	fmt.Fprintln(out)
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tvalue\tstatus\tsource\tnote")
	fmt.Fprintln(w, "------\t-----\t------\t------\t----")
	for _, f := range p.Figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Path, f.Text, f.Status, f.Source, f.Note)
	}
	w.Flush()
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
	fmt.Fprintln(out)
	for _, s := range p.Sources {
		fmt.Fprintf(out, "%s: %s\n", s.Key, s.Text)
	}
}
