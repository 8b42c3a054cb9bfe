package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func validateCommand() *cli.Command {
	return &cli.Command{
		Name:      "validate",
		Usage:     "check scenarios and run nothing",
		ArgsUsage: "NAME|FILE...",
		Description: `Prints every fault as FILE:LINE:COLUMN: SETTING: what is wrong, to standard error, and exits with 2 if
there is one.

Try:
  brokerlab validate ./my-test.yaml
  brokerlab validate quickstart --set producers.linger.ms=0,5,50`,
		Flags:  []cli.Flag{setFlag(), goalFlag(), driverFlag()},
		Action: validate,
	}
}

func validate(ctx *cli.Context) error {
	if ctx.NArg() == 0 {
		return wrongUse("validate: name a scenario or a file")
	}
	overrides, faults := settings(ctx)
	all, more := loadScenarios(ctx.Args().Slice(), ctx.String("driver"), overrides)
	for _, s := range all {
		fmt.Fprintf(ctx.App.Writer, "%s: ok, %s\n", s.arg, s.cellCount())
	}
	return usageOf(append(faults, more...))
}
