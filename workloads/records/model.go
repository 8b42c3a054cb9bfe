package records

import (
	"errors"

	"brokerlab/workloads/keys"
	"brokerlab/workloads/payload"
)

// NewModel returns a model of the records that New would make of the same
// configuration: their sizes and keys are the same. Where a key is in what a record
// holds, and of the records of a file, there is none. Config of m is ignored, and so are
// its keys.
func NewModel(cfg Config, m payload.ModelConfig) (*payload.Model, error) {
	if cfg.Samples != nil || cfg.KeyFrom != nil {
		return nil, errors.New("records: what a file or a field holds is not modelled")
	}
	m.Config, m.AppendKey, m.KeyBytes = cfg.Payload, nil, 0
	if cfg.Keys.Kind != keys.None && cfg.Keys.Kind != "" {
		k, err := keys.New(cfg.Keys)
		if err != nil {
			return nil, err
		}
		m.KeyBytes = cfg.Keys.Bytes()
		m.AppendKey = func(dst []byte, id payload.ID) []byte { return k.Append(dst, id.Producer, id.Sequence) }
	}
	return payload.NewModel(m)
}
