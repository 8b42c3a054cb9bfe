package main

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"

	"brokerlab/scenarios/run"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version of the program",
		Description: `Try:
  brokerlab version`,
		Action: version,
	}
}

func version(ctx *cli.Context) error {
	if err := noArguments(ctx); err != nil {
		return err
	}
	v := run.Version()
	commit := v.Commit
	if v.Modified {
		commit += ", with local changes"
	}
	_, err := fmt.Fprintf(ctx.App.Writer, "brokerlab %s\ncommit    %s\ngo        %s\nsystem    %s/%s\n",
		v.Brokerlab, commit, v.Go, runtime.GOOS, runtime.GOARCH)
	return err
}
