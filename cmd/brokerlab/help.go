package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// Help texts are plain: usage, what it does, flags, commands to paste. The cli
// package takes them as templates, so they must not hold two opening braces.

// commandsUsage are the arguments of what has commands below it.
const commandsUsage = "COMMAND [arguments and flags]"

func appHelp(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "brokerlab - %s\n\nUsage:\n  brokerlab %s\n\nCommands:\n", app.Usage,
		commandsUsage)
	for _, c := range app.Commands {
		fmt.Fprintf(&b, "  %-14s %s\n", c.Name, c.Usage)
	}
	b.WriteString(`
A scenario says what runs: brokers, a topic, producers, consumers, and what varies. Its disk says where: dir:PATH
measures this machine; nvme, hdd-7200 and others (brokerlab disks list) simulate the same engine on such a disk.

Exit code: 0 good; 1 something failed, or a check did not pass; 2 wrong use.

Try:
  brokerlab doctor                        what will disturb a measurement here
  brokerlab list                          what is built in
  brokerlab run quickstart                three brokers on this disk, under 30 s
  brokerlab run quickstart --disk nvme    the same, simulated
  brokerlab results list                  what past runs found
  brokerlab run --help                    all about running
`)
	return b.String()
}

// commandHelp is a command's help; the commands to paste are the end of its
// description.
func commandHelp(c *cli.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "brokerlab %s - %s\n\nUsage:\n  brokerlab %s\n", c.HelpName, c.Usage, usageOfCommand(c))
	if len(c.Subcommands) > 0 {
		b.WriteString("\nCommands:\n")
	}
	for _, sub := range c.Subcommands {
		fmt.Fprintf(&b, "  %-10s %s\n", sub.Name, sub.Usage)
	}
	text, try, _ := strings.Cut("\n"+c.Description, "\nTry:\n")
	if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintf(&b, "\n%s\n", text)
	}
	b.WriteString("\nFlags:\n")
	for _, f := range append(append([]cli.Flag{}, c.Flags...), &cli.BoolFlag{Name: "help", Usage: "this text"}) {
		value, usage := placeholder(f.(cli.DocGenerationFlag).GetUsage())
		lines := strings.Split(usage, "\n")
		fmt.Fprintf(&b, "  %-18s %s\n", strings.TrimSpace("--"+f.Names()[0]+" "+value), lines[0])
		for _, line := range lines[1:] {
			fmt.Fprintf(&b, "  %-18s %s\n", "", line)
		}
	}
	if try != "" {
		fmt.Fprintf(&b, "\nTry:\n%s\n", strings.TrimRight(try, "\n"))
	}
	return b.String()
}

// usageOfCommand is how to call a command: its name, its arguments, and its flags if it
// has any.
func usageOfCommand(c *cli.Command) string {
	words := []string{c.HelpName}
	if c.ArgsUsage != "" {
		words = append(words, c.ArgsUsage)
	}
	if len(c.Flags) > 0 {
		words = append(words, "[flags]")
	}
	return strings.Join(words, " ")
}

// placeholder cuts the name of a flag's value off the front of its usage, where
// it stands in backquotes.
func placeholder(usage string) (value, rest string) {
	if !strings.HasPrefix(usage, "`") {
		return "", usage
	}
	value, rest, _ = strings.Cut(usage[1:], "`")
	return value, strings.TrimSpace(rest)
}
