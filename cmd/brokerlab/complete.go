package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"brokerlab/disks/profiles"
	"brokerlab/report/export"
	"brokerlab/results/past"
	"brokerlab/scenarios"
	"brokerlab/scenarios/spec"
)

// completeName is the command that the shells' scripts call. It is in no help.
const completeName = "__complete"

// completion is what may stand at the end of a command line.
type completion struct {
	candidates []candidate
	// paths says that names of files may too, and where in the word they begin.
	paths  paths
	prefix string
}

// candidate is a whole word and what it means. A word that ends in =, : or a comma
// goes on.
type candidate struct{ word, meaning string }

// paths are the names of files that fit.
type paths string

const (
	noPaths     paths = "nothing"
	files       paths = "files"
	directories paths = "directories"
)

// printCompletion answers a shell: a line for each candidate, a tab before its
// meaning, and a last line that begins with a colon.
func printCompletion(w io.Writer, words []string) {
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	c := complete(newApp(nil), words)
	for _, one := range c.candidates {
		meaning, _, _ := strings.Cut(one.meaning, "\n")
		fmt.Fprintf(w, "%s\t%s\n", one.word, meaning)
	}
	fmt.Fprintf(w, ":%s %s\n", c.paths, c.prefix)
}

// complete finds what may stand for the last of words, which are those behind the
// program's name. It knows commands, flags, and the values of both.
func complete(app *cli.App, words []string) completion {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	words = words[:len(words)-1]
	asked := len(words) > 0 && words[0] == "help"
	if asked {
		words = words[1:]
	}
	var c *cli.Command
	all := app.Commands
	for len(words) > 0 && len(all) > 0 {
		i := slices.IndexFunc(all, func(c *cli.Command) bool { return c.HasName(words[0]) })
		if i < 0 {
			return nothing()
		}
		c, all, words = all[i], all[i].Subcommands, words[1:]
	}
	if len(all) > 0 {
		return commandNames(all, c == nil && !asked, last)
	}
	if asked {
		return nothing()
	}
	return completeWord(c, words, last)
}

func nothing() completion { return completion{paths: noPaths} }

// among are those of some candidates that a word is the beginning of.
func among(all []candidate, word string) completion {
	c := nothing()
	for _, one := range all {
		if strings.HasPrefix(one.word, word) {
			c.candidates = append(c.candidates, one)
		}
	}
	return c
}

func commandNames(all []*cli.Command, top bool, word string) completion {
	var names []candidate
	for _, c := range all {
		names = append(names, candidate{c.Name, c.Usage})
	}
	if top {
		names = append(names, candidate{"help", "all about a command"})
	}
	if strings.HasPrefix(word, "-") {
		names = []candidate{{"--help", "this and all about it"}}
		if top {
			names = append(names, candidate{"--version", "of the program"})
		}
	}
	return among(names, word)
}

// completeWord completes a word behind a command that does something.
func completeWord(c *cli.Command, before []string, word string) completion {
	takesValue := flagsOf(c)
	if n := len(before); n > 0 && strings.HasPrefix(before[n-1], "-") && !slices.Contains(before[:n-1], "--") {
		if name := flagName(before[n-1]); takesValue[name] {
			return valueOf(c, longName(c, name), word)
		}
	}
	if slices.Contains(before, "--") {
		return argumentOf(c, before, word)
	}
	if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(word, "--") {
		values := valueOf(c, flagName(name), value)
		for i := range values.candidates {
			values.candidates[i].word = name + "=" + values.candidates[i].word
		}
		values.prefix = name + "=" + values.prefix
		return values
	}
	if strings.HasPrefix(word, "-") {
		return flagNames(c, before, word)
	}
	return argumentOf(c, before, word)
}

// longName is the first name of a flag.
func longName(c *cli.Command, name string) string {
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), name) {
			return f.Names()[0]
		}
	}
	return name
}

// flagNames are the flags that are not given yet, or that may be given again.
func flagNames(c *cli.Command, before []string, word string) completion {
	all := []candidate{}
	for _, f := range c.Flags {
		name := f.Names()[0]
		_, again := f.(*cli.StringSliceFlag)
		given := slices.ContainsFunc(before, func(arg string) bool {
			typed, _, _ := strings.Cut(flagName(arg), "=")
			return strings.HasPrefix(arg, "-") && slices.Contains(f.Names(), typed)
		})
		if again || !given {
			_, usage := placeholder(f.(cli.DocGenerationFlag).GetUsage())
			all = append(all, candidate{"--" + name, usage})
		}
	}
	return among(append(all, candidate{"--help", "all about the command"}), word)
}

// words makes candidates without meanings.
func words(all ...string) (out []candidate) {
	for _, word := range all {
		out = append(out, candidate{word: word})
	}
	return out
}

// inList completes the last element of a list with commas.
func inList(all []candidate, word string) completion {
	list, last := "", word
	if i := strings.LastIndexByte(word, ','); i >= 0 {
		list, last = word[:i+1], word[i+1:]
	}
	given := strings.Split(list, ",")
	c := nothing()
	for _, one := range all {
		if strings.HasPrefix(one.word, last) && !slices.Contains(given, one.word) {
			c.candidates = append(c.candidates, candidate{list + one.word, one.meaning})
		}
	}
	c.prefix = list
	return c
}

// valueOf completes the value of a flag.
func valueOf(c *cli.Command, flag, word string) completion {
	switch flag {
	case "set":
		return settingOf(word)
	case "disk":
		return diskOf(word)
	case "dir", "out":
		if c.HelpName == "calibrate" || c.HelpName == "disks probe" {
			return completion{paths: files} // --out is a file there
		}
		return completion{paths: directories}
	case "driver", "output", "chart", "host-profile", "disk-profile":
		return completion{paths: files}
	case "from":
		if c.HelpName == "new" {
			return among(scenarioNames(), word)
		}
	case "format":
		if c.HelpName == "export" {
			return among(exportFormats(), word)
		}
		if c.HelpName == "compare" {
			return among(words(formatTable, formatMarkdown, formatJSON), word)
		}
		return among(words(formatTable, formatJSON), word)
	case "table":
		return among(words(export.Tables...), word)
	case "latency":
		return among(words("produce", "service", "end_to_end", "fsync"), word)
	case "progress":
		return among(words("auto", "plain", "none"), word)
	}
	return nothing()
}

func exportFormats() (all []candidate) {
	for _, f := range export.Formats {
		all = append(all, candidate{f.Name, f.Usage})
	}
	return all
}

// diskOf completes a list of disks.
func diskOf(word string) completion {
	list, last := "", word
	if i := strings.LastIndexByte(word, ','); i >= 0 {
		list, last = word[:i+1], word[i+1:]
	}
	if rest, ok := strings.CutPrefix(last, "dir:"); ok {
		at := strings.LastIndexByte(rest, ':') + 1
		return completion{paths: directories, prefix: list + "dir:" + rest[:at]}
	}
	if looksLikeFile(last) {
		return completion{paths: files, prefix: list}
	}
	all := append(words(profiles.Names()...), candidate{"sim", "the plain simulated disk"},
		candidate{"dir:", "a directory of this machine"})
	return inList(all, word)
}

// settingOf completes PATH=VALUE: the path with the equals sign, then words that the
// setting knows, and its default.
func settingOf(word string) completion {
	path, value, ok := strings.Cut(word, "=")
	if !ok {
		var all []candidate
		for _, s := range spec.Reference() {
			all = append(all, candidate{s.Path + "=", s.Doc})
		}
		return among(all, word)
	}
	for _, s := range spec.Reference() {
		if s.Path != path {
			continue
		}
		values := words(s.Words...)
		if s.Default != "" && !slices.Contains(s.Words, s.Default) {
			values = append(values, candidate{s.Default, "the default"})
		}
		if path == "disk" {
			return withPrefix(path+"=", diskOf(value))
		}
		return withPrefix(path+"=", inList(values, value))
	}
	return nothing()
}

func withPrefix(prefix string, c completion) completion {
	for i := range c.candidates {
		c.candidates[i].word = prefix + c.candidates[i].word
	}
	c.prefix = prefix + c.prefix
	return c
}

func scenarioNames() (all []candidate) {
	for _, e := range scenarios.List() {
		all = append(all, candidate{e.Name, e.Question})
	}
	return all
}

// orFiles are names, or files where none fits and where the word looks like a path.
func orFiles(all []candidate, word string) completion {
	c := among(all, word)
	if len(c.candidates) == 0 || strings.ContainsAny(word, `./\`) {
		c.paths = files
	}
	return c
}

// argumentOf completes an argument of a command.
func argumentOf(c *cli.Command, before []string, word string) completion {
	switch c.HelpName {
	case "export", "compare", "report", "results show":
		return orFiles(scenariosThatRan(c, before), word)
	case "results list", "results gc":
		return among(scenariosThatRan(c, before), word)
	case "disks show", "disks compare":
		return orFiles(words(profiles.Names()...), word)
	case "completion":
		return among(words(shells...), word)
	}
	// The usage says what others take.
	switch {
	case strings.Contains(c.ArgsUsage, "NAME|FILE") && c.HelpName != "new", // whose name is a new one
		strings.Contains(c.ArgsUsage, "SCENARIO|FILE"):
		return orFiles(scenarioNames(), word)
	case strings.Contains(c.ArgsUsage, "FILE"), strings.Contains(c.ArgsUsage, "FOLDER"):
		return completion{paths: files}
	case strings.Contains(c.ArgsUsage, "DIR"):
		return completion{paths: directories}
	}
	return nothing()
}

// scenariosThatRan are those below --out, as far as it is given.
func scenariosThatRan(c *cli.Command, before []string) (all []candidate) {
	root := defaultOut
	for i, arg := range before {
		if value, ok := strings.CutPrefix(arg, "--out="); ok {
			root = value
		} else if arg == "--out" && i+1 < len(before) {
			root = before[i+1]
		}
	}
	runs, err := past.List(root)
	if err != nil {
		return nil // a shell that completes shows no errors
	}
	counts := map[string]int{}
	for _, r := range runs {
		counts[r.Scenario]++
	}
	for _, name := range scenariosOf(runs) {
		all = append(all, candidate{name, plural(counts[name], "run")})
	}
	return all
}
