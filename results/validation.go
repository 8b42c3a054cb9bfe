package results

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ValidationFile is the file of a validation in its folder.
const ValidationFile = "validation.json"

// ValidationVersion is the version of Validation that this package writes.
const ValidationVersion = 1

// Validation is predicted against observed: what brokerlab validate-model leaves.
type Validation struct {
	Schema int             `json:"schema"`
	Rows   []ValidationRow `json:"rows"`
	// Rankings say for each table whether the rows come in the observed order.
	Rankings []Ranking `json:"rankings"`
	// Profile is the host profile that published rows are predicted with.
	Profile  string   `json:"host_profile"`
	Warnings []string `json:"warnings"`
	Wall     RunWall  `json:"wall"`
}

// Kinds of rows by where the observation comes from.
const (
	KindPublished = "published" // others published it
	KindPair      = "pair"      // this engine for real on this machine, in the same run
)

// ValidationRow is one scenario, predicted and observed.
type ValidationRow struct {
	Kind     string             `json:"kind"`
	Table    string             `json:"table"`
	Row      string             `json:"row"`
	Setting  string             `json:"setting"`
	Scenario string             `json:"scenario"`
	Sources  []string           `json:"sources"`
	Figures  []ValidationFigure `json:"figures"`
	// Like is the setting in which Apache Kafka itself was observed on one machine.
	Like  string  `json:"like,omitempty"`
	Bound *Bound  `json:"bound,omitempty"` // of the prediction
	Hash  string  `json:"hash,omitempty"`
	WallS float64 `json:"wall_s"`
}

// Quantities that are compared.
const (
	QuantityThroughput  = "throughput"     // acknowledged records/s
	QuantityConsumed    = "consumed"       // records/s that consumers took
	QuantityProduceP50  = "produce-p50"    // ms
	QuantityProduceP99  = "produce-p99"    // ms
	QuantityProduceMean = "produce-mean"   // ms
	QuantityEndP50      = "end-to-end-p50" // ms
	QuantityEndP99      = "end-to-end-p99" // ms
)

// ValidationFigure is one quantity of a row.
type ValidationFigure struct {
	Quantity string  `json:"quantity"`
	Unit     string  `json:"unit"` // records/s or ms
	Observed float64 `json:"observed"`
	// Resolution is the step of the observed figure; 0 is none.
	Resolution float64 `json:"resolution,omitempty"`
	Predicted  float64 `json:"predicted"`
	// Here is what Apache Kafka itself did on one machine, in the setting Like.
	Here *float64 `json:"kafka_here,omitempty"`
	// Error is predicted / observed - 1, from the nearest value that the
	// resolution allows.
	Error float64 `json:"error"`
	Aim   Aim     `json:"aim"`
	// Within says whether the aim is reached; false where there is none.
	Within bool `json:"within"`
}

// Aim is how far a prediction may be off.
type Aim struct {
	// Share bounds |predicted / observed - 1|; Factor bounds the ratio either way.
	// At most one is set; with neither, the figure is shown only.
	Share  float64 `json:"share,omitempty"`
	Factor float64 `json:"factor,omitempty"`
}

// Held says whether there is an aim.
func (a Aim) Held() bool { return a.Share > 0 || a.Factor > 0 }

// String is the aim in words.
func (a Aim) String() string {
	switch {
	case a.Share > 0:
		return fmt.Sprintf("\u00b1%.0f %%", 100*a.Share)
	case a.Factor > 0:
		return fmt.Sprintf("factor %g", a.Factor)
	}
	return ""
}

// Ranking is the order of a table's rows by one quantity.
type Ranking struct {
	Table     string   `json:"table"`
	Quantity  string   `json:"quantity"`
	Observed  []string `json:"observed"`  // rows, from the least
	Predicted []string `json:"predicted"` // rows, from the least
	Same      bool     `json:"same"`
}

// WriteValidation writes the validation's file.
func (f *Folder) WriteValidation(v *Validation) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("results: encode the validation: %w", err)
	}
	return f.WriteFile(ValidationFile, out.Bytes())
}
