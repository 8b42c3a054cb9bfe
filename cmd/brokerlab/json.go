package main

import (
	"encoding/json"
	"io"

	"brokerlab/results"
	"brokerlab/scenarios/run"
)

// runsDocument is standard output for several scenarios: one document whose
// cells can be read as those of one scenario are.
type runsDocument struct {
	Schema   int          `json:"schema"`
	Complete bool         `json:"complete"` // of all runs
	Cells    []namedCell  `json:"cells"`
	Runs     []runSummary `json:"runs"`
}

// namedCell is a cell with the scenario that it belongs to.
type namedCell struct {
	Scenario string `json:"scenario"`
	results.Cell
}

// runSummary is result.json without its cells.
type runSummary struct {
	results.Result
	Cells int         `json:"cells"` // how many; hides Result.Cells
	Wall  summaryWall `json:"wall"`  // hides Result.Wall
}

type summaryWall struct {
	results.RunWall
	Folder string `json:"folder"`
}

// writeJSON writes one document: result.json itself if one scenario was asked
// for, else a runsDocument.
func writeJSON(w io.Writer, outcomes []*run.Outcome, scenarios int) error {
	if scenarios == 1 {
		text, err := results.Encode(outcomes[0].Result)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	}
	doc := runsDocument{Schema: results.SchemaVersion, Complete: len(outcomes) == scenarios, Cells: []namedCell{}}
	for _, o := range outcomes {
		r, err := asStored(o.Result)
		if err != nil {
			return err
		}
		doc.Complete = doc.Complete && r.Complete
		for _, c := range r.Cells {
			doc.Cells = append(doc.Cells, namedCell{Scenario: r.Scenario, Cell: c})
		}
		doc.Runs = append(doc.Runs, runSummary{Result: *r, Cells: len(r.Cells),
			Wall: summaryWall{RunWall: r.Wall, Folder: o.Folder.Path}})
	}
	return printJSON(w, doc)
}

// printJSON writes one document, indented.
func printJSON(out io.Writer, document any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}

// asStored is a result as it reads back from result.json: lists are never null.
func asStored(r *results.Result) (*results.Result, error) {
	text, err := results.Encode(r)
	if err != nil {
		return nil, err
	}
	return results.Decode(text)
}
