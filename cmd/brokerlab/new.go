package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"brokerlab/scenarios/spec"
)

func newCommand() *cli.Command {
	return &cli.Command{
		Name:      "new",
		Usage:     "write a commented scenario to start from",
		ArgsUsage: "NAME|FILE",
		Description: `Writes NAME.yaml into this directory, or FILE, with every setting, its default and what it means, and
examples of what varies and of goals. The name is of a-z, 0-9 and -. A file that exists is never written over.

Try:
  brokerlab new my-test
  brokerlab new tests/my-test.yaml --from flush-policies
  brokerlab run ./my-test.yaml --dry-run`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "`NAME|FILE` start from the text of this scenario instead"},
		},
		Action: newScenario,
	}
}

func newScenario(ctx *cli.Context) error {
	if ctx.NArg() != 1 {
		return wrongUse("new takes one name, such as brokerlab new my-test")
	}
	path := ctx.Args().First()
	if !strings.HasSuffix(path, ".yaml") && !strings.HasSuffix(path, ".yml") {
		path += ".yaml"
	}
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".yaml"), ".yml")
	text := spec.New(name)
	if from := ctx.String("from"); ctx.IsSet("from") {
		s, err := readScenario(from, "", nil)
		if err != nil {
			return usageOf([]error{err})
		}
		text = s.source
	}
	if _, err := spec.Parse(path, text); err != nil { // its name
		return usageOf([]error{fmt.Errorf("new %s: %q is not a scenario's name: use a-z, 0-9 and - only", path, name)})
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return wrongUse("new: %s exists, and is left as it is: choose another name", path)
	case errors.Is(err, fs.ErrNotExist):
		return wrongUse("new: there is no directory %s", filepath.Dir(path))
	case err != nil:
		return fmt.Errorf("new: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("new: %w", errors.Join(err, os.Remove(path))) // a part of it would be in the way
	}
	fmt.Fprintf(ctx.App.Writer, "%s written; brokerlab run %s runs it\n", path, runnable(path))
	return nil
}

// runnable is a path as run takes it: what has no slash would be a built-in name.
func runnable(path string) string {
	if strings.ContainsAny(path, `/\`) {
		return path
	}
	return "./" + path
}

func schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of scenario files",
		Description: `Prints a JSON Schema (draft-07), with which editors complete settings, show what they mean and mark what
is wrong. With a YAML language server (VS Code's YAML extension, Neovim, Emacs, JetBrains), save it beside your
scenarios and begin each with a line that names it:

  # yaml-language-server: $schema=./brokerlab.schema.json

What contradicts itself, and which labels there are, only "brokerlab validate" knows.

Try:
  brokerlab schema > brokerlab.schema.json
  brokerlab new my-test`,
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 0 {
				return wrongUse("schema takes no arguments: there is one schema, of all scenario files")
			}
			_, err := ctx.App.Writer.Write(spec.SchemaJSON())
			return err
		},
	}
}
