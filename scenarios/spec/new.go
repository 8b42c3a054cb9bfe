package spec

import (
	"fmt"
	"slices"
	"strings"
)

// usual are the settings that most scenarios give; New writes the others down too,
// commented out.
var usual = []string{
	"title", "question", "seed", "repeat", "disk", "cluster.brokers", "topic.partitions", "topic.replication.factor",
	"topic.flush.messages", "producers.count", "producers.mode", "producers.acks", "producers.batch.size",
	"producers.linger.ms", "producers.compression.type", "consumers.count", "records.size", "records.payload",
	"load.rate", "load.warmup", "load.duration", "load.max-bytes", "network.profile",
}

// newHead opens a new scenario; the name stands in its last line.
const newHead = `# What do these settings cost, and what do they buy?
#
# Every setting has its default. Those that most scenarios give come with a value; take the # away from another one to
# give it. To check and to run it:
#     brokerlab validate ./%[1]s.yaml
#     brokerlab run ./%[1]s.yaml --dry-run
#     brokerlab run ./%[1]s.yaml
# Editors with a YAML language server complete and check it once "brokerlab schema > brokerlab.schema.json" has run, and
# the next line has lost its first "# ":
# # yaml-language-server: $schema=./brokerlab.schema.json

`

// newTail is what may follow the settings.
const newTail = `
# What varies: each value of one entry with each of the others.
#vary:
#  producers.acks: [1, all]                # a setting with its values
#  batching:                               # settings that vary together, entry by entry
#    producers.batch.size: [16KiB, 128KiB]
#    producers.linger.ms: [0, 10]
#  flush policy:                           # choices with names
#    never: {}
#    every batch: {topic.flush.messages: 1}

# Combinations that are left out.
#exclude:
#  - {acks: 1, flush policy: every batch}

# What results must meet: else the exit code is 1, and a line says by how much it was missed.
#goals:
#  - p99(produce) < 10ms
#  - lost == 0
#  - p99(produce) < 5 * p99(produce) of "flush policy"=never
`

// newColumns is the width of comments in a new scenario.
const newColumns = 118

// New is a commented scenario of that name, to be changed: its settings are the
// defaults, each with what it means.
func New(name string) []byte {
	defaults := Default(name)
	defaults.Question = "What do these settings cost, and what do they buy?"
	var b strings.Builder
	fmt.Fprintf(&b, newHead, name)
	last := ""
	for i := range settings {
		st := &settings[i]
		section, key := splitPath(st.path)
		indent := ""
		if section != "" {
			indent = "  "
		}
		if section != last {
			b.WriteString("\n" + section + ":\n")
			last = section
		}
		mark := "#"
		if slices.Contains(usual, st.path) {
			mark = ""
		}
		comment(&b, indent, st.doc)
		line := mapping()
		add(line, key, scalar(st.format(&defaults)))
		b.WriteString(indent + mark + string(dump(line)))
	}
	b.WriteString(newTail)
	return []byte(b.String())
}

// comment writes what a setting means above it.
func comment(b *strings.Builder, indent, text string) {
	line := indent + "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > newColumns {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
