// Package omb reads workload and driver files of the OpenMessaging Benchmark
// (github.com/openmessaging/benchmark) as they are, and writes what they ask for as a
// scenario of ours, which says in comments what is not the same. It is pure: it opens no
// file, and the scenario that it writes is checked by scenarios/spec.
//
//	t, err := omb.Translate(omb.Files{Workload: ..., Driver: ...})
//	f, cells, err := spec.Read(t.Name+".yaml", t.Scenario, nil)
package omb

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"brokerlab/scenarios/spec"
)

// Source is a file with the name under which it was asked for.
type Source struct {
	Name string
	Text []byte
}

// Files are what one test of the OpenMessaging Benchmark is made of.
type Files struct {
	Workload, Driver Source
	// ReadPayload reads a file of payloads, if there is one. The benchmark looks for it from
	// where it was started; from the workload's folder and the one above are tried too.
	ReadPayload func(path string) (text []byte, ok bool)
}

func (f *Files) readPayload(path string) (text []byte, ok bool) {
	if f.ReadPayload == nil {
		return nil, false
	}
	return f.ReadPayload(path)
}

// Translation is the scenario that two files ask for.
type Translation struct {
	Name     string // of the scenario
	Scenario []byte // YAML, with the notes as comments
	// Notes say what is read in another way than the benchmark does, or not at all.
	Notes []string
	// Warnings are those of them that change what is measured, and what is not known.
	Warnings []string
}

// workloadFields are those of the benchmark's Workload class.
var workloadFields = []string{"name", "topics", "partitionsPerTopic", "keyDistributor", "messageSize",
	"useRandomizedPayloads", "randomBytesRatio", "randomizedPayloadPoolSize", "payloadFile", "subscriptionsPerTopic",
	"producersPerTopic", "consumerPerSubscription", "producerRate", "consumerBacklogSizeGB", "backlogDrainRatio",
	"testDurationMinutes", "warmupDurationMinutes"}

// driverFields are those of its Kafka driver, and reset, which older files have.
var driverFields = []string{"name", "driverClass", "replicationFactor", "topicConfig", "commonConfig", "producerConfig",
	"consumerConfig", "reset"}

func known(name string) bool {
	return slices.Contains(workloadFields, name) || slices.Contains(driverFields, name)
}

// IsWorkload says whether a text looks like a workload of the benchmark.
func IsWorkload(src []byte) bool {
	f := read("", src)
	_, topics := f.fields["topics"]
	_, size := f.fields["messageSize"]
	return topics && size
}

// Translate reads both files. The error, of type spec.Errors, holds all of their faults.
func Translate(files Files) (*Translation, error) {
	t := &translator{
		files: files, workload: read(files.Workload.Name, files.Workload.Text),
		driver: read(files.Driver.Name, files.Driver.Text), values: make(map[string]string),
	}
	if !t.workload.broken {
		t.unknownFields(t.workload, workloadFields)
		t.translateWorkload()
	}
	if !t.driver.broken {
		t.unknownFields(t.driver, driverFields)
		t.translateDriver()
	}
	for _, f := range []*file{t.workload, t.driver} {
		slices.SortStableFunc(f.errs, func(a, b spec.Error) int { return cmp.Compare(a.Line, b.Line) })
	}
	if errs := slices.Concat(t.workload.errs, t.driver.errs); len(errs) > 0 {
		return nil, errs
	}
	name := nameOf(files.Workload.Name, files.Driver.Name)
	return &Translation{Name: name, Scenario: t.scenario(), Notes: t.notes, Warnings: t.warnings}, nil
}

// nameBytesMax keeps the folders of results within what file systems take.
const nameBytesMax = 120

// nameOf makes the name of a scenario out of those of two files.
func nameOf(workload, driver string) string {
	var parts []string
	for _, name := range []string{workload, driver} {
		name = path.Base(filepath.ToSlash(name))
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml")
		parts = append(parts, strings.Trim(strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				return r
			case r >= 'A' && r <= 'Z':
				return r - 'A' + 'a'
			}
			return '-'
		}, name), "-"))
	}
	name := strings.Trim(strings.Join(parts, "-"), "-")
	if name == "" { // of other letters
		name = "omb"
	}
	return strings.TrimRight(name[:min(len(name), nameBytesMax)], "-")
}

type translator struct {
	files            Files
	workload, driver *file
	values           map[string]string // canonical or not, by path
	groups           []string          // of consumers
	notes            []string
	warnings         []string
}

func (t *translator) set(path, format string, args ...any) {
	t.values[path] = fmt.Sprintf(format, args...)
}

func (t *translator) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

// warn notes what the user should see before the run.
func (t *translator) warn(format string, args ...any) {
	t.note(format, args...)
	t.warnings = append(t.warnings, t.notes[len(t.notes)-1])
}

// unknownFields warns of names that the benchmark would pass over in silence.
func (t *translator) unknownFields(f *file, fields []string) {
	for _, name := range f.order {
		if slices.Contains(fields, name) {
			continue
		}
		hint := ""
		if best := spec.DidYouMean(name, fields); best != "" {
			hint = " (did you mean " + best + "?)"
		}
		t.warn("%s:%d: %s is not a field of the OpenMessaging Benchmark, and is left out%s", f.name, f.fields[name].line,
			name, hint)
	}
}

// scenario writes the YAML, with the notes above it.
func (t *translator) scenario() []byte {
	var b strings.Builder
	title := t.workload.text("name", nameOf(t.files.Workload.Name, ""))
	if driver := t.driver.text("name", ""); driver != "" {
		title += ", " + driver
	}
	fmt.Fprintf(&b, "# What does the OpenMessaging Benchmark's workload do here?\n#\n# Made of %s\n# and of %s.\n",
		oneLine(t.files.Workload.Name), oneLine(t.files.Driver.Name))
	for _, n := range t.notes {
		fmt.Fprintf(&b, "# - %s\n", oneLine(n))
	}
	t.set("title", "%s", clip(oneLine(title), titleCharacters))
	t.set("question", "What does the OpenMessaging Benchmark's workload %s do here?",
		clip(oneLine(nameOf(t.files.Workload.Name, "")), titleCharacters))
	b.Write(spec.MarshalSettings(t.values, t.groups))
	return []byte(b.String())
}

const titleCharacters = 200

func clip(text string, characters int) string {
	if all := []rune(text); len(all) > characters {
		return string(all[:characters])
	}
	return text
}

// oneLine keeps a text printable and in its line.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == '\ufeff' ||
			r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029
	}), " ")
}
