package main

import (
	"github.com/urfave/cli/v2"

	"brokerlab/results/schema"
)

// resultsCommand is what can be done with what runs left behind.
func resultsCommand() *cli.Command {
	return &cli.Command{
		Name:      "results",
		Usage:     "list, show and clear away past runs, and their schema",
		ArgsUsage: commandsUsage,
		Description: `Try:
  brokerlab results list
  brokerlab results show quickstart
  brokerlab results gc --keep 5 --dry-run
  brokerlab results schema`,
		Subcommands: []*cli.Command{resultsListCommand(), resultsShowCommand(), resultsGCCommand(), resultsSchemaCommand()},
	}
}

func resultsSchemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of result.json",
		Description: `It is of draft 2020-12 and describes every member with its unit. A result names the version that it has
("schema"); older versions are read and brought up to date, newer ones are refused.

Try:
  brokerlab results schema > result.schema.json`,
		Action: func(ctx *cli.Context) error {
			if err := noArguments(ctx); err != nil {
				return err
			}
			_, err := ctx.App.Writer.Write(schema.File())
			return err
		},
	}
}
