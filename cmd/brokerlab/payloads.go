package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"brokerlab/results/quantity"
	"brokerlab/scenarios/run"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/payload"
)

func payloadsCommand() *cli.Command {
	return &cli.Command{
		Name:      "payloads",
		Usage:     "what records hold: entropy, what they have in common, what codecs make of them",
		ArgsUsage: "[SCENARIO|FILE]",
		Description: `Prints figures of every payload that is built in, or of those of a scenario, computed from its records:
entropy is that of single bytes; zstd packs records one by one and 1,000 of them together, and what it gains is
what they have in common; the codecs pack batches of 128 KiB as a producer sends them, at Kafka's levels. A file of
yours is looked through whole. Nothing runs.

Try:
  brokerlab payloads
  brokerlab payloads --set records.size=200
  brokerlab payloads --set records.payload=file:./sample.jsonl --set "records.key=field user.id"
  brokerlab payloads ./my-test.yaml --json`,
		Flags: []cli.Flag{
			setFlag(),
			&cli.BoolFlag{Name: "json", Usage: "the same as JSON"},
		},
		Action: payloads,
	}
}

func payloads(ctx *cli.Context) error {
	overrides, faults := settings(ctx)
	var cells []spec.Cell
	switch ctx.NArg() {
	case 0:
		file, all, err := spec.Read("payloads.yaml", []byte(builtInPayloads()), overrides)
		if err != nil {
			faults = append(faults, err)
		} else if file != nil {
			cells = all
		}
	case 1:
		all, more := loadScenarios(ctx.Args().Slice(), "", overrides)
		faults = append(faults, more...)
		for _, s := range all {
			cells = append(cells, s.cells...)
		}
	default:
		return wrongUse("payloads takes one scenario, or none")
	}
	if err := usageOf(faults); err != nil {
		return err
	}
	figures, err := run.Payloads(cells)
	var usage *run.UsageError
	if errors.As(err, &usage) {
		return usageOf([]error{usage.Err})
	}
	if err != nil {
		return err
	}
	if ctx.Bool("json") {
		return printJSON(ctx.App.Writer, figures)
	}
	return writePayloads(ctx.App.Writer, figures)
}

// builtInPayloads is a scenario with a cell for each payload that is built in.
func builtInPayloads() string {
	var names []string
	for _, kind := range payload.Kinds() {
		names = append(names, string(kind))
	}
	return "disk: sim\nvary: {records.payload: [" + strings.Join(names, ", ") + "]}\n"
}

func writePayloads(out io.Writer, figures []run.PayloadFigures) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	keyed := slices.ContainsFunc(figures, func(f run.PayloadFigures) bool { return f.Key != "none" })
	titles, width := []string{"payload"}, 0
	for i := range figures {
		titles = append(titles, title(&figures[i], keyed))
	}
	for _, words := range titles {
		width = max(width, len(words))
	}
	line := func(title string, columns []string) {
		fmt.Fprintf(w, "%-*s\t%s\t\n", width, title, strings.Join(columns, "\t"))
	}
	heading := []string{"mean bytes", "entropy", "zstd alone", "1,000 together"}
	if len(figures) > 0 {
		for _, b := range figures[0].Batches {
			heading = append(heading, b.Codec)
		}
	}
	line(titles[0], heading)
	for i, f := range figures {
		c := &f.Corpus
		row := []string{quantity.Digits(c.MeanBytes), quantity.Digits(c.EntropyBits), quantity.Ratio(c.RatioAlone),
			quantity.Ratio(c.RatioTogether)}
		for _, b := range f.Batches {
			row = append(row, quantity.Ratio(b.Ratio))
		}
		line(titles[1+i], row)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nEntropy is bits a byte, by the frequencies of bytes. Ratios are bytes before / after: zstd at "+
		"its default level of\none record alone and of 1,000 one after the other; codecs of batches of 128 KiB, at "+
		"Kafka's levels.")
	for _, f := range figures {
		if file := f.Corpus.File; file != nil {
			fmt.Fprintf(out, "%s: %s records, read as %s; %s bytes, SHA-256 %s.\n", file.Path, quantity.Count(file.Records),
				file.Format, quantity.Count(file.Bytes), file.SHA256)
		}
		if share := f.Corpus.WithoutKey; share > 0 {
			fmt.Fprintf(out, "%s: %s of the records that were looked at have no key: %s.\n", f.Corpus.Payload,
				quantity.Percent(share), f.Key)
		}
	}
	return nil
}

// title names the records of a row, with their sizes if these vary and their keys.
func title(f *run.PayloadFigures, keyed bool) string {
	words := f.Corpus.Payload
	if strings.Contains(f.Size, " ") {
		words += ", " + f.Size
	}
	if keyed {
		words += ", key " + f.Key
	}
	return words
}
