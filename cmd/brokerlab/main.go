// Command brokerlab measures what the design choices of Kafka cost: it runs
// scenarios on this machine's disk or on a simulated one, and reports on them.
//
// It turns a command line into calls of other packages and their results into
// text and an exit code: 0 good, 1 a run failed or lost records, 2 wrong use.
// Results go to files and to standard output, all else to standard error.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"brokerlab/scenarios/spec"
)

func main() { os.Exit(brokerlab(os.Args[1:], os.Stdout, os.Stderr)) }

// brokerlab runs one command line and returns the exit code.
func brokerlab(args []string, stdout, stderr *os.File) int {
	out := &checkedWriter{w: stdout}
	err := dispatch(args, out, stderr)
	if err == nil && out.err != nil {
		err = fmt.Errorf("standard output: %w", out.err)
	}
	sayError(stderr, err)
	return exitCode(err)
}

// dispatch finds the command and runs it.
func dispatch(args []string, stdout, stderr io.Writer) error {
	app := newApp(args)
	app.Writer, app.ErrWriter = stdout, stderr
	args, err := arrange(app, args)
	if err != nil {
		return err
	}
	return app.Run(append([]string{app.Name}, args...))
}

// newApp is the table of subcommands. The command line as typed is for results.
func newApp(commandLine []string) *cli.App {
	app := &cli.App{
		Name:  "brokerlab",
		Usage: "what do Kafka's design choices cost, and what do they buy, on this disk?",
		Commands: []*cli.Command{
			runCommand(commandLine), listCommand(), showCommand(), validateCommand(), reportCommand(), versionCommand(),
		},
		HideHelpCommand: true, // arrange understands "help NAME"
		HideVersion:     true, // and --version
		// A comma belongs to the value: --set topic.flush.messages=1,100 is one.
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {}, // exit codes are ours
	}
	for _, c := range app.Commands {
		c.HideHelpCommand = true // "help" may be the name of an argument
		c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return wrongUse("%s: %v", c.Name, err) }
		c.CustomHelpTemplate = commandHelp(c)
	}
	app.CustomAppHelpTemplate = appHelp(app)
	return app
}

// arrange turns what was typed into what the flag package takes: the flags of a
// command before its arguments, with "--" between them. What it cannot place is
// wrong use.
func arrange(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if args = args[1:]; len(args) == 0 {
			return []string{"--help"}, nil
		}
		if len(args) > 1 {
			return nil, wrongUse("help takes one command")
		}
		args = []string{args[0], "--help"}
	case "-v", "-version", "--version":
		args = slices.Concat([]string{"version"}, args[1:])
	}
	c := app.Command(args[0])
	if c == nil {
		return nil, unknownCommand(app, args[0])
	}
	flags, arguments, err := sortArguments(c, args[1:])
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(flags, isHelp) { // the cli package would look for help about the first argument
		return []string{c.Name, "--help"}, nil
	}
	return slices.Concat([]string{c.Name}, flags, []string{"--"}, arguments), nil
}

func unknownCommand(app *cli.App, name string) error {
	if name != "" && name[0] == '-' {
		return wrongUse("flags belong behind a command, such as run; brokerlab --help lists the commands")
	}
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	return wrongUse("there is no command %q%s; brokerlab --help lists the commands", name, didYouMean("", name, names))
}

// didYouMean is the end of a message; empty if no candidate is near.
func didYouMean(prefix, name string, candidates []string) string {
	if best := spec.DidYouMean(name, candidates); best != "" {
		return " (did you mean " + prefix + best + "?)"
	}
	return ""
}

// checkedWriter keeps the first error of a writer: a table that did not reach a
// full disk is no success.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if c.err == nil {
		c.err = err
	}
	return n, err
}
