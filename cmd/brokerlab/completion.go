package main

import (
	"embed"
	"strings"

	"github.com/urfave/cli/v2"
)

// The scripts, one for each shell; they ask the program itself what may follow.
//
//go:embed completion
var completionScripts embed.FS

var shells = []string{"bash", "zsh", "fish"}

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that completes command lines in bash, zsh or fish",
		ArgsUsage: "bash|zsh|fish",
		Description: `Completes commands, flags, scenarios, disks, settings of --set and their values, past runs and files.
The script asks the brokerlab that is on the line, so that it needs no update.

For every new shell:
  bash   echo 'source <(brokerlab completion bash)' >> ~/.bashrc
  zsh    brokerlab completion zsh > "${fpath[1]}/_brokerlab"     (compinit must be on)
  fish   brokerlab completion fish > ~/.config/fish/completions/brokerlab.fish

Try:
  brokerlab completion bash > brokerlab.bash`,
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 1 {
				return wrongUse("completion takes one shell: %s", strings.Join(shells, ", "))
			}
			shell := ctx.Args().First()
			text, err := completionScripts.ReadFile("completion/brokerlab." + shell)
			if err != nil {
				return wrongUse("completion: there is no script for %q%s: there are %s", shell,
					didYouMean("", shell, shells), strings.Join(shells, ", "))
			}
			_, err = ctx.App.Writer.Write(text)
			return err
		},
	}
}
