package spec

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"brokerlab/disks/profiles"
)

// oneOf notates a choice of words.
func oneOf(words ...string) notation[string] {
	noun := "one of " + strings.Join(words, ", ")
	return notation[string]{
		parse: func(text string) (string, error) {
			if slices.Contains(words, text) {
				return text, nil
			}
			return "", fmt.Errorf("%q is not %s%s", text, noun, didYouMean(text, words))
		},
		format: func(s string) string { return s },
		shape:  &shape{words: words},
	}
}

// flags notates a switch.
var flags = notation[bool]{
	parse: func(text string) (bool, error) {
		if text != "true" && text != "false" {
			return false, fmt.Errorf("%q is not true or false", text)
		}
		return text == "true", nil
	},
	format: func(on bool) string {
		if on {
			return "true"
		}
		return "false"
	},
	shape: &shape{words: []string{"true", "false"}},
}

// acks notates the producer's acks; -1 is Kafka's other name of all.
var acks = notation[string]{
	parse: func(text string) (string, error) {
		switch text {
		case "0", "1", "all":
			return text, nil
		case "-1":
			return "all", nil
		}
		return "", fmt.Errorf("%q is not 0, 1 or all", text)
	},
	format: func(s string) string { return s },
	shape:  &shape{words: []string{"0", "1", "all", "-1"}},
}

// level notates a compression level, given what Kafka accepts.
func level(accepts func(int) bool, says string) notation[int] {
	n := integer[int]()
	inner := n.parse
	n.parse = func(text string) (int, error) {
		v, err := inner(text)
		if err == nil && !accepts(v) {
			err = fmt.Errorf("must be %s, not %s", says, text)
		}
		return v, err
	}
	return n
}

// prose notates a sentence: white space is folded, so that YAML's folded and
// literal blocks read the same.
func prose(charactersMax int) notation[string] {
	return notation[string]{
		parse: func(text string) (string, error) {
			if !utf8.ValidString(text) {
				return "", fmt.Errorf("is not UTF-8")
			}
			text = strings.Join(strings.Fields(text), " ")
			if n := utf8.RuneCountInString(text); n > charactersMax {
				return "", fmt.Errorf("is %d characters long; at most %d fit", n, charactersMax)
			}
			for _, r := range text {
				if !unicode.IsPrint(r) {
					return "", fmt.Errorf("holds the unprintable character %U", r)
				}
			}
			return text, nil
		},
		format: func(s string) string { return s },
	}
}

// topicNameBytesMax is Kafka's limit (Topic.MAX_NAME_LENGTH).
const topicNameBytesMax = 249

// topicName notates legal names of Kafka topics.
var topicName = notation[string]{
	parse: func(text string) (string, error) {
		legal := text != "" && text != "." && text != ".." && len(text) <= topicNameBytesMax
		for _, r := range text {
			legal = legal && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
				strings.ContainsRune("._-", r))
		}
		if !legal {
			return "", fmt.Errorf("%q is not a topic name: Kafka takes 1 to %d of a-z A-Z 0-9 . _ -", text, topicNameBytesMax)
		}
		return text, nil
	},
	format: func(s string) string { return s },
	shape:  &shape{number: numberWhole, pattern: `^[a-zA-Z0-9._-]{1,249}$`},
}

const (
	diskSim   = "sim"
	diskDir   = "dir:"
	diskKafka = "kafka:"
	disksMax  = 16
	// diskDirSep separates the log directories of one disk: dir:/a:/b.
	diskDirSep = ":"
	// directoriesMax bounds them.
	directoriesMax = 64
)

// diskProfiles are the modelled disks that are built in.
var diskProfiles = profiles.Names()

// checkDirectories says what is wrong with the directories of a disk.
func checkDirectories(name string, dirs []string) error {
	if len(dirs) > directoriesMax {
		return fmt.Errorf("names %d directories; at most %d fit", len(dirs), directoriesMax)
	}
	for i, dir := range dirs {
		if dir == "" || strings.TrimSpace(dir) != dir {
			return fmt.Errorf("%q has an empty path: write dir:PATH, or dir:PATH:PATH for several log directories", name)
		}
		if dir == "~" || strings.HasPrefix(dir, "~/") {
			return fmt.Errorf("%q: ~ is no home directory here: write the whole path", name)
		}
		if slices.ContainsFunc(dirs[:i], func(d string) bool { return path.Clean(d) == path.Clean(dir) }) {
			return fmt.Errorf("%q names %q twice", name, dir)
		}
	}
	return nil
}

// disks notates the disks of a run, separated by commas.
var disks = notation[[]string]{
	parse: func(text string) ([]string, error) {
		names := strings.Split(text, ",")
		if len(names) > disksMax {
			return nil, fmt.Errorf("names %d disks; at most %d fit", len(names), disksMax)
		}
		for i, name := range names {
			if err := checkDisk(name); err != nil {
				return nil, err
			}
			if slices.Contains(names[:i], name) {
				return nil, fmt.Errorf("names %q twice", name)
			}
		}
		return names, nil
	},
	format: func(names []string) string { return strings.Join(names, ",") },
	shape:  &shape{words: append([]string{diskSim}, diskProfiles...), pattern: `^dir:.+|\.ya?ml(,|$)|,`},
}

// checkDisk says what is wrong with the name of a disk.
func checkDisk(name string) error {
	dir, isDir := strings.CutPrefix(name, diskDir)
	switch {
	case name == diskSim || slices.Contains(diskProfiles, name):
		return nil
	case !isDir && isFile(name):
		return checkPath(name)
	case isDir && strings.TrimSpace(dir) != dir || name == diskDir:
		return fmt.Errorf("%q does not name a directory: write dir:PATH", name)
	case isDir && (!utf8.ValidString(dir) || strings.ContainsFunc(dir, unicode.IsControl)):
		return fmt.Errorf("%q is not a path that a scenario can name", name)
	case isDir:
		return checkDirectories(name, strings.Split(dir, diskDirSep))
	case strings.HasPrefix(name, diskKafka):
		return fmt.Errorf("%q is a real cluster, which is not yet supported: use dir:PATH, sim or a profile", name)
	case strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, "."):
		return fmt.Errorf("%q is not a disk: write dir:%s for a directory", name, name)
	case name == "":
		return fmt.Errorf("names no disk: use dir:PATH, sim or a profile")
	}
	all := append([]string{diskSim}, diskProfiles...)
	if best := didYouMean(name, all); best != "" {
		return fmt.Errorf("%q is not a disk%s", name, best)
	}
	return fmt.Errorf("%q is not a disk: use dir:PATH, a profile's file (./%s.yaml) or one of %s", name, name,
		strings.Join(all, ", "))
}

// checkPath says what is wrong with the path of a file.
func checkPath(name string) error {
	if strings.TrimSpace(name) != name || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("%q is not a path that a scenario can name", name)
	}
	return nil
}
