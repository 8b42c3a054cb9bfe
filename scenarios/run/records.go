package run

import (
	"fmt"
	"math"

	"brokerlab/scenarios/spec"
	"brokerlab/workloads/keys"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

// checkRecords refuses records that come from files.
func (r *runner) checkRecords() error {
	for i := range r.cells {
		for _, g := range r.cells[i].Scenario.ProducerGroups() {
			if _, ok := g.Records.SampleFile(); ok || g.Records.Size.File != "" {
				return &UsageError{fmt.Errorf("records.payload %s, records.size %s: files of records are not read yet",
					g.Records.Payload, g.Records.Size.Kind)}
			}
		}
	}
	return nil
}

// recordsOf makes what records hold: bytes, or sizes alone.
func recordsOf(s *spec.Scenario, seed uint64) (*records.Source, *payload.Model, error) {
	sizes, err := sizesOf(&s.Records)
	if err != nil {
		return nil, nil, err
	}
	cfg := payload.Config{Kind: payload.Kind(s.Records.Payload), Size: int(s.Records.MaxBytes()), Sizes: sizes, Seed: seed}
	if s.Records.Payload != spec.PayloadModelled {
		all := records.Config{Payload: cfg}
		if all.KeyFrom, err = keyFrom(&s.Records.Key); err != nil {
			return nil, nil, err
		}
		all.Keys = keys.Config{Kind: keys.None}
		if all.KeyFrom == nil {
			all.Keys = keys.Config{Kind: keys.Kind(s.Records.Key.Kind), Count: uint64(s.Records.Key.Count),
				Exponent: s.Records.Key.Exponent, Producers: s.Producers.Count, Seed: seed}
		}
		source, err := records.New(all)
		return source, nil, err
	}
	cfg.Kind = payload.Kind(s.Records.Corpus)
	client, err := producerConfig(s, 0)
	if err != nil {
		return nil, nil, err
	}
	model, err := payload.NewModel(payload.ModelConfig{Config: cfg, Codec: client.Compression, Level: client.Level,
		Implementation: client.Implementation})
	return nil, model, err
}

// sizesOf is how large records are; nil is one size.
func sizesOf(r *spec.Records) (*payload.Sizes, error) {
	switch r.Size.Kind {
	case spec.SizeUniform:
		return payload.Uniform(int(r.Size.Min), int(r.Size.Max))
	case spec.SizeLogNormal:
		return payload.LogNormal(payload.LogNormalConfig{Mean: float64(r.Size.Mean), Sigma: r.Size.Sigma,
			Min: payload.SizeMin, Max: int(r.Size.Max)})
	}
	return nil, nil
}

// keyFrom is where in a record its key is; nil if it is not in it.
func keyFrom(k *spec.Keys) (records.KeyFrom, error) {
	switch k.Kind {
	case spec.KeyField:
		return keys.NewPath(k.Path)
	case spec.KeyColumn:
		dividers := map[string]byte{"space": ' ', "comma": ',', "tab": '\t'}
		return keys.Column{Number: k.Column, Divider: dividers[k.Divider]}, nil
	}
	return nil, nil
}

// meanBytes is the mean size of a record's key and value.
func meanBytes(s *spec.Scenario) float64 {
	return math.Ceil(s.Records.MeanBytes()) + float64(s.Records.Key.Bytes())
}
