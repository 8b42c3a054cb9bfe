package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"brokerlab/scenarios/doctor"
)

// defaultDataDir is where scenarios run unless they say otherwise.
const defaultDataDir = "results/data"

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "look at this machine and say what will disturb a measurement",
		Description: `Looks at processors (governor, turbo, heat, a battery, neighbours), clock and timers, other
programs, memory and swap, limits of containers, and at the directory's file system and disk, for a second, and says of
each what it does to a measurement and what to do about it. Changes nothing.

Exit code: 0; 1 if something would make results untrustworthy.

Try:
  brokerlab doctor
  brokerlab doctor --dir /mnt/ssd/brokerlab
  brokerlab doctor --json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "`D` directory where brokers will keep their logs (results/data)",
				Value: defaultDataDir},
			jsonFlag(),
		},
		Action: examineMachine,
	}
}

// diagnosis is what doctor prints as JSON.
type diagnosis struct {
	Dir         string         `json:"dir"`
	Trustworthy bool           `json:"trustworthy"`
	Checks      []doctor.Check `json:"checks"`
}

func examineMachine(ctx *cli.Context) error {
	if err := noArguments(ctx); err != nil {
		return err
	}
	checks := doctor.Examine(doctor.This(ctx.String("dir")))
	worst := doctor.Worst(checks)
	if ctx.Bool("json") {
		err := printJSON(ctx.App.Writer, diagnosis{ctx.String("dir"), worst != doctor.Bad, checks})
		if err != nil {
			return err
		}
	} else {
		printChecks(ctx.App.Writer, checks)
	}
	if worst == doctor.Bad {
		return errBadRun
	}
	return nil
}

// printChecks prints a line for each check, what it does and what to do below it.
func printChecks(out io.Writer, checks []doctor.Check) {
	counts := map[doctor.Level]int{}
	for _, c := range checks {
		counts[c.Level]++
		fmt.Fprintf(out, "%-14s %-20s %s\n", markOf(c.Level), c.Name, c.Value)
		if c.Effect != "" {
			fmt.Fprintf(out, "%-35s %s\n", "", c.Effect)
		}
		if c.Advice != "" {
			fmt.Fprintf(out, "%-35s do: %s\n", "", c.Advice)
		}
	}
	var words []string
	for _, level := range []doctor.Level{doctor.Bad, doctor.Note, doctor.Good, doctor.Unknown} {
		words = append(words, fmt.Sprintf("%d %s", counts[level], level))
	}
	fmt.Fprintf(out, "\n%s\n", strings.Join(words, ", "))
	switch doctor.Worst(checks) {
	case doctor.Bad:
		fmt.Fprintln(out, "Results from this machine, as it is now, would not be trustworthy.")
	case doctor.Note:
		fmt.Fprintln(out, "Results want care: see the notes.")
	default:
		fmt.Fprintln(out, "Nothing will disturb a measurement, as far as the machine tells.")
	}
}

func markOf(level doctor.Level) string {
	if level == doctor.Bad {
		return "BAD"
	}
	return string(level)
}
