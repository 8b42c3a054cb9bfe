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
	"strings"

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
	if len(args) > 0 && args[0] == completeName {
		printCompletion(stdout, args[1:])
		return nil
	}
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
		Commands: []*cli.Command{ // one a line, in the order of the help
			runCommand(commandLine),
			listCommand(),
			showCommand(),
			newCommand(),
			validateCommand(),
			schemaCommand(),
			validateModelCommand(commandLine),
			reportCommand(),
			compareCommand(),
			exportCommand(),
			resultsCommand(),
			disksCommand(),
			payloadsCommand(),
			calibrateCommand(),
			dumpCommand(),
			doctorCommand(),
			completionCommand(),
			versionCommand(),
		},
		HideHelpCommand: true, // arrange understands "help NAME"
		HideVersion:     true, // and --version
		// A comma belongs to the value: --set topic.flush.messages=1,100 is one.
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {}, // exit codes are ours
	}
	for _, c := range app.Commands {
		dress(c, c.Name)
	}
	app.CustomAppHelpTemplate = appHelp(app)
	return app
}

// dress gives a command, whose full name this is, and those below it our help and
// our words for wrong use.
func dress(c *cli.Command, name string) {
	c.HelpName = name
	c.HideHelpCommand = true // "help" may be the name of an argument
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return wrongUse("%s: %s", name, flagFault(err)) }
	for _, sub := range c.Subcommands {
		dress(sub, name+" "+sub.Name)
	}
	c.CustomHelpTemplate = commandHelp(c)
}

// flagFault says in our words what the flag package says of a value.
func flagFault(err error) string {
	var value, flag string
	if n, _ := fmt.Sscanf(err.Error(), "invalid value %q for flag -%s", &value, &flag); n < 2 {
		return err.Error()
	}
	return fmt.Sprintf("--%s %s: give a whole number", strings.TrimSuffix(flag, ":"), value)
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
		args = slices.Concat(args, []string{"--help"})
	case "-v", "-version", "--version":
		args = slices.Concat([]string{"version"}, args[1:])
	}
	c, path, args, err := findCommand(app, args)
	if err != nil {
		return nil, err
	}
	flags, arguments, err := sortArguments(c, args)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(flags, isHelp) { // the cli package would look for help about the first argument
		return append(path, "--help"), nil
	}
	return slices.Concat(path, flags, []string{"--"}, arguments), nil
}

// findCommand follows the names of commands; path are those names, and rest is
// what stands behind them. A command that has others below it does nothing itself.
func findCommand(app *cli.App, args []string) (c *cli.Command, path, rest []string, err error) {
	all, within := app.Commands, ""
	for rest = args; len(all) > 0; rest = rest[1:] {
		if c != nil && (len(rest) == 0 || isHelp(rest[0])) {
			return c, path, []string{"--help"}, nil
		}
		at := slices.IndexFunc(all, func(c *cli.Command) bool { return c.HasName(rest[0]) })
		if at < 0 {
			return nil, nil, nil, unknownCommand(all, within, rest[0])
		}
		c = all[at]
		all, within, path = c.Subcommands, c.HelpName+" ", append(path, c.Name)
	}
	return c, path, rest, nil
}

// unknownCommand is wrong use; within is the name of the command that has these.
func unknownCommand(all []*cli.Command, within, name string) error {
	if name != "" && name[0] == '-' {
		return wrongUse("flags belong behind a command, such as %s%s; brokerlab %s--help lists the commands",
			within, all[0].Name, within)
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	return wrongUse("there is no command %q%s; brokerlab %s--help lists the commands", within+name,
		didYouMean(within, name, names), within)
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
