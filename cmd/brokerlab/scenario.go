package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"brokerlab/scenarios"
	"brokerlab/scenarios/omb"
	"brokerlab/scenarios/spec"
)

// scenario is one that the command line names, with what it overrides.
type scenario struct {
	arg    string // as named
	file   *spec.File
	source []byte // as written
	cells  []spec.Cell
	// changed are the flags that override the text.
	changed []spec.Override
	// warnings are what was translated in another way than it was meant.
	warnings []string
}

func setFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "set", Usage: "`PATH=VALUE` another value than the scenario's; repeatable\n" +
		"PATH=A,B varies it, vary.NAME=CHOICE picks one of what varies"}
}

func goalFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "goal",
		Usage: "`GOAL` that results must meet, besides the scenario's; repeatable:\n" +
			"\"p99(produce) < 10ms\", \"lost == 0 when acks=all\""}
}

// settings reads the --set and --goal flags; what has no --goal gives none.
func settings(ctx *cli.Context) (all []spec.Override, faults []error) {
	for _, text := range ctx.StringSlice("set") {
		path, value, ok := strings.Cut(text, "=")
		if !ok || path == "" {
			faults = append(faults, fmt.Errorf("--set %s: write PATH=VALUE, such as --set load.duration=5s", text))
			continue
		}
		all = append(all, spec.Override{Flag: "--set " + text, Path: path, Value: value})
	}
	for _, text := range ctx.StringSlice("goal") {
		all = append(all, spec.Override{Flag: "--goal " + text, Path: "goals", Value: text})
	}
	return all, faults
}

// loadScenarios reads, overrides and checks all scenarios, so that every fault is
// known before anything starts.
func loadScenarios(args []string, driver string, overrides []spec.Override) (all []*scenario, faults []error) {
	for _, arg := range args {
		s, err := readScenario(arg, driver, overrides)
		if err != nil {
			if len(args) > 1 {
				err = named(arg, err)
			}
			faults = append(faults, err)
			continue
		}
		all = append(all, s)
	}
	return all, faults
}

// readScenario finds what is named: a file if it looks like one, else one that
// is built in. With a driver it is a workload of the OpenMessaging Benchmark.
func readScenario(arg, driver string, overrides []spec.Override) (*scenario, error) {
	name, source := arg, []byte(nil)
	var err error
	switch {
	case driver != "":
		source, err = readFile("workload", arg)
	case looksLikeFile(arg):
		source, err = readFile("scenario", arg)
	default:
		name = arg + ".yaml"
		source, err = readBuiltIn(arg)
	}
	if err != nil {
		return nil, err
	}
	s := &scenario{arg: arg, source: source, changed: overrides}
	if driver != "" {
		return s.translated(driver)
	}
	if s.file, s.cells, err = spec.Read(name, source, overrides); err != nil {
		if looksLikeFile(arg) && omb.IsWorkload(source) {
			err = fmt.Errorf("%s is a workload of the OpenMessaging Benchmark: give its driver too, --driver FILE", arg)
		}
		return nil, err
	}
	return s, nil
}

func looksLikeFile(arg string) bool {
	return strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml") || strings.ContainsAny(arg, `/\`)
}

func readBuiltIn(name string) ([]byte, error) {
	source, err := scenarios.Source(name)
	if err == nil {
		return source, nil
	}
	if stat, statErr := os.Stat(name); statErr == nil && stat.Mode().IsRegular() {
		return nil, fmt.Errorf("no scenario %q is built in, and a file needs its path: write ./%s", name, name)
	}
	if hint := didYouMean("", name, scenarios.Names()); hint != "" {
		return nil, fmt.Errorf("no scenario %q is built in%s; brokerlab list shows those that are", name, hint)
	}
	file := cmp.Or(strings.TrimLeft(name, "-."), "my-test")
	return nil, fmt.Errorf("no scenario %q is built in; brokerlab list shows those that are, "+
		"and a file needs its path, such as ./%s.yaml", name, file)
}

// sourceBytesMax is more than any scenario has; it stops what has no end.
const sourceBytesMax = 4 << 20

// readFile reads a file of the user's; what is what it should hold.
func readFile(what, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		var source []byte
		if source, err = io.ReadAll(io.LimitReader(f, sourceBytesMax)); err == nil {
			return source, nil
		}
	}
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	return nil, fmt.Errorf("%s %s: %w", what, path, err)
}

// named says which of several scenarios a flag does not fit.
func named(arg string, err error) error {
	var faults spec.Errors
	if !errors.As(err, &faults) {
		return err
	}
	for i := range faults {
		if faults[i].Line == 0 {
			faults[i].Message += " (scenario " + arg + ")"
		}
	}
	return faults
}

// asRun is the text for the run folder: what was written, or every setting if
// flags changed any, so that the text alone gives the same cells again.
func (s *scenario) asRun() []byte {
	if len(s.changed) == 0 {
		return s.source
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s with:\n", printable(s.arg))
	for _, o := range s.changed {
		fmt.Fprintf(&b, "#     %s\n", printable(o.Flag))
	}
	b.WriteString("# Below is every setting as it ran, defaults included.\n")
	return append([]byte(b.String()), spec.Marshal(s.file)...)
}

// printable keeps a text on its line of a comment.
func printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// cellCount says how many cells a run has.
func (s *scenario) cellCount() string {
	text := plural(len(s.cells), "cell")
	if disks := len(s.file.Base.Disks); disks > 1 {
		placed := len(s.file.Place(s.cells))
		if placed == disks*len(s.cells) {
			text += fmt.Sprintf(" on each of %d disks", disks)
		} else {
			text = fmt.Sprintf("%s on %d disks", plural(placed, "cell"), disks)
		}
	}
	if s.file.Base.Repeat > 1 {
		text += fmt.Sprintf(", each run %d times", s.file.Base.Repeat)
	}
	return text
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
