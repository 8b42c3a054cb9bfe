package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// sortArguments separates flags, with their values, from arguments. The flag
// package stops at the first argument and takes all that follows for arguments,
// so `run quickstart --disk sim` would look for a scenario of the name --disk.
// Everything behind "--" is an argument.
func sortArguments(c *cli.Command, args []string) (flags, arguments []string, err error) {
	takesValue := flagsOf(c)
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return flags, append(arguments, args[i+1:]...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			arguments = append(arguments, arg)
			continue
		}
		name, value, hasValue := strings.Cut(flagName(arg), "=")
		takes, known := takesValue[name]
		if !known {
			return nil, nil, unknownFlag(c, name)
		}
		if !takes && hasValue && value != "true" && value != "false" {
			return nil, nil, wrongUse("%s: --%s takes no value, and there is %q", c.HelpName, name, value)
		}
		flags = append(flags, arg)
		if !takes || hasValue {
			continue
		}
		if i++; i == len(args) || isFlag(takesValue, args[i]) {
			return nil, nil, wrongUse("%s: --%s needs a value", c.HelpName, name)
		}
		flags = append(flags, args[i])
	}
	return flags, arguments, nil
}

// flagsOf are the names of a command's flags, and which of them take a value.
func flagsOf(c *cli.Command) map[string]bool {
	takesValue := map[string]bool{"help": false, "h": false}
	for _, f := range c.Flags {
		takes := f.(cli.DocGenerationFlag).TakesValue()
		for _, name := range f.Names() {
			takesValue[name] = takes
		}
	}
	return takesValue
}

// flagName is a flag without its one or two dashes.
func flagName(arg string) string { return strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-") }

// isHelp tells the flag from a value such as the directory "h".
func isHelp(arg string) bool {
	return strings.HasPrefix(arg, "-") && (flagName(arg) == "help" || flagName(arg) == "h")
}

// isFlag reports whether an argument is a flag that exists: then it is not the
// value of the flag before it.
func isFlag(known map[string]bool, arg string) bool {
	name, _, _ := strings.Cut(flagName(arg), "=")
	_, ok := known[name]
	return ok && strings.HasPrefix(arg, "-") || arg == "--"
}

func unknownFlag(c *cli.Command, name string) error {
	names := []string{"help"}
	for _, f := range c.Flags {
		names = append(names, f.Names()[0])
	}
	return wrongUse("%s: there is no flag --%s%s; brokerlab %s --help lists the flags", c.HelpName, name,
		didYouMean("--", name, names), c.HelpName)
}

// noArguments refuses arguments of a command that has none.
func noArguments(ctx *cli.Context) error {
	if ctx.NArg() > 0 {
		name := strings.TrimPrefix(ctx.Command.HelpName, "brokerlab ") // which the cli package puts before it
		return wrongUse("%s takes no arguments, and there is %q", name, ctx.Args().First())
	}
	return nil
}
