package run

import (
	"errors"
	"fmt"

	"brokerlab/results"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/records"
)

// PayloadFigures is what can be said of records without a run.
type PayloadFigures struct {
	Size   string         `json:"size"` // as the scenario says
	Key    string         `json:"key"`
	Corpus results.Corpus `json:"corpus"`
	// Batches is what codecs make of batches of BatchBytes, at Kafka's levels.
	BatchBytes int                  `json:"batch_bytes"`
	Batches    []records.CodecRatio `json:"batches"`
}

// payloadBatchBytes is how large the batches are: those of the scenario codecs.
const payloadBatchBytes = 128 << 10

// Payloads computes it for the records of all cells, each once. The error is a
// UsageError where a file is not as it must be.
func Payloads(cells []spec.Cell) (all []PayloadFigures, err error) {
	l, err := openLibrary(cells, newCorpora(), func() bool { return false })
	if err != nil {
		return nil, &UsageError{err}
	}
	defer func() { err = errors.Join(err, l.close()) }()
	told := make(map[spec.Records]bool)
	for i := range cells {
		for _, g := range cells[i].Scenario.ProducerGroups() {
			g.Records = g.Records.Settled()
			if told[g.Records] {
				continue
			}
			told[g.Records] = true
			f, err := l.figures(&g.Scenario)
			if err != nil {
				return nil, fmt.Errorf("records.payload %s: %w", g.Records.Payload, err)
			}
			all = append(all, f)
		}
	}
	return all, nil
}

func (l *library) figures(s *spec.Scenario) (f PayloadFigures, err error) {
	f.BatchBytes = payloadBatchBytes
	for _, st := range s.Settings() {
		switch st.Path {
		case "records.size":
			f.Size = st.Value
		case "records.key":
			f.Key = st.Value
		}
	}
	if f.Corpus, err = l.corpus(s); err != nil {
		return f, err
	}
	source, err := l.source(s, s.Seed)
	if err != nil {
		return f, err
	}
	f.Batches, err = source.Ratios(payloadBatchBytes)
	return f, err
}
