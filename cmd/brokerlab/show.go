package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"brokerlab/scenarios/spec"
)

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "print a scenario with every default filled in",
		ArgsUsage: "NAME|FILE",
		Description: `Prints YAML that can be saved, changed and run. NAME is built in; what ends in .yaml or holds a slash is
a FILE.

Try:
  brokerlab show quickstart
  brokerlab show quickstart --source > my-test.yaml
  brokerlab show quickstart --set producers.acks=0,1,all
  brokerlab show --driver driver-kafka/kafka-latency.yaml workloads/simple-workload.yaml > mine.yaml`,
		Flags: []cli.Flag{
			setFlag(),
			goalFlag(),
			driverFlag(),
			&cli.BoolFlag{Name: "source", Usage: "the text as it was written, comments included, without the defaults"},
		},
		Action: show,
	}
}

func show(ctx *cli.Context) error {
	if ctx.NArg() != 1 {
		return wrongUse("show takes one scenario, by its name or its file; brokerlab list shows what is built in")
	}
	overrides, faults := settings(ctx)
	if ctx.Bool("source") && len(overrides) > 0 {
		return wrongUse("show: --source is the text as written, which --set and --goal do not change: give one of them")
	}
	all, more := loadScenarios(ctx.Args().Slice(), ctx.String("driver"), overrides)
	if err := usageOf(append(faults, more...)); err != nil {
		return err
	}
	text := spec.Marshal(all[0].file)
	switch {
	case ctx.Bool("source"):
		text = all[0].source
	case ctx.IsSet("driver"): // its comments say what is not the same
		text = all[0].asRun()
	}
	_, err := fmt.Fprintf(ctx.App.Writer, "%s", text)
	return err
}
