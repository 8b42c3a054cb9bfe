package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"brokerlab/results/past"
	"brokerlab/results/quantity"
)

func resultsGCCommand() *cli.Command {
	return &cli.Command{
		Name:      "gc",
		Usage:     "remove old runs",
		ArgsUsage: "[SCENARIO...]",
		Description: `Removes run folders of all scenarios, or of those named, that fit everything that is given of --keep,
--older-than and --incomplete: at least one of them. It shows what goes and asks; without a terminal it wants --yes.

What is no run folder is never touched, nor is a run folder that holds files of yours, or whose run may still go on. The
link latest names the newest run that is left.

Try:
  brokerlab results gc --keep 5 --dry-run
  brokerlab results gc --keep 5 --older-than 30d --yes
  brokerlab results gc --incomplete
  brokerlab results gc codecs --older-than 36h`,
		Flags: []cli.Flag{
			rootFlag(),
			&cli.StringFlag{Name: "keep", Usage: "`N` keep the newest N runs of each scenario"},
			&cli.StringFlag{Name: "older-than", Usage: "`AGE` only runs that began longer ago: 36h, 30d, 8w"},
			&cli.BoolFlag{Name: "incomplete", Usage: "only runs that did not come to their end"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would go, and remove nothing"},
			&cli.BoolFlag{Name: "yes", Usage: "remove without asking"},
		},
		Action: clearResults,
	}
}

// policyOf reads the flags; faults are wrong use.
func policyOf(ctx *cli.Context) (p past.Policy, faults []error) {
	p = past.Policy{Keep: -1, Incomplete: ctx.Bool("incomplete")}
	if text := ctx.String("keep"); ctx.IsSet("keep") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			faults = append(faults, fmt.Errorf("--keep %s: give a number of runs, 0 or more", text))
		}
		p.Keep = n
	}
	if text := ctx.String("older-than"); ctx.IsSet("older-than") {
		age, err := parseAge(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("--older-than %s: %w", text, err))
		}
		p.OlderThan = age
	}
	if len(faults) == 0 && !p.Given() {
		faults = append(faults, errors.New("results gc: say what may go: --keep N, --older-than AGE, --incomplete"))
	}
	return p, faults
}

// parseAge reads a span of time, in which days and weeks are common.
func parseAge(text string) (time.Duration, error) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			if n, err := strconv.ParseFloat(number, 64); err == nil && n > 0 && n < 100_000 {
				return time.Duration(n * float64(length)), nil
			}
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errors.New("give an age, such as 36h, 30d or 8w")
	}
	return d, nil
}

func clearResults(ctx *cli.Context) error {
	policy, faults := policyOf(ctx)
	if err := usageOf(faults); err != nil {
		return err
	}
	root := ctx.String("out")
	all, err := runsOf(root, ctx.Args().Slice())
	if err != nil {
		return err
	}
	plan := past.Choose(all, policy, time.Now())
	for i, r := range plan.Spared {
		fmt.Fprintf(ctx.App.ErrWriter, "kept %s: %s\n", r.Path, plan.Reason[i])
	}
	for _, r := range plan.Remove {
		fmt.Fprintf(ctx.App.Writer, "%s\t%s\n", r.Path, quantity.Bytes(r.Bytes))
	}
	what := plural(len(plan.Remove), "run") + ", " + quantity.Bytes(plan.Bytes())
	switch {
	case len(plan.Remove) == 0:
		fmt.Fprintf(ctx.App.ErrWriter, "nothing to remove of %s\n", plural(len(all), "run"))
		return nil
	case ctx.Bool("dry-run"):
		fmt.Fprintf(ctx.App.ErrWriter, "would remove %s\n", what)
		return nil
	case !ctx.Bool("yes"):
		if err := confirm(ctx, what); err != nil {
			return err
		}
	}
	if err := plan.Execute(root); err != nil {
		for _, one := range each(err) {
			sayError(ctx.App.ErrWriter, one)
		}
		return errBadRun
	}
	fmt.Fprintf(ctx.App.ErrWriter, "removed %s\n", what)
	return nil
}

// confirm asks on the terminal whether to remove what. Without one there is nobody to ask.
func confirm(ctx *cli.Context, what string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return wrongUse("nothing was removed: %s would go, and there is no terminal to ask on; add --yes", what)
	}
	fmt.Fprintf(ctx.App.ErrWriter, "remove %s? [y/N] ", what)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && answer == "" {
		return fmt.Errorf("nothing was removed: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	fmt.Fprintln(ctx.App.ErrWriter, "nothing was removed")
	return errBadRun
}
