package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"brokerlab/scenarios"
)

func listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the scenarios that are built in",
		Description: `Cells is how many combinations of what varies a scenario runs, on each disk.

Try:
  brokerlab list
  brokerlab show codecs                   one of them with all its settings
  brokerlab run codecs`,
		Action: list,
	}
}

func list(ctx *cli.Context) error {
	if err := noArguments(ctx); err != nil {
		return err
	}
	w := tabwriter.NewWriter(ctx.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tcells\tquestion")
	fmt.Fprintln(w, "--------\t-----\t--------")
	for _, e := range scenarios.List() {
		fmt.Fprintf(w, "%s\t%5d\t%s\n", e.Name, e.Cells, e.Question)
	}
	return w.Flush()
}
