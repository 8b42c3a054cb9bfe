package run

import (
	"fmt"
	"strconv"

	"brokerlab/results"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/keys"
	"brokerlab/workloads/load"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

// recordsOf makes what the records of producers hold, of which the first has a number:
// bytes, or sizes alone.
func (l *library) recordsOf(s *spec.Scenario, seed uint64, first int) (*records.Source, *payload.Model, error) {
	cfg, err := l.configOf(s, seed, first)
	if err != nil {
		return nil, nil, err
	}
	if s.Records.Payload != spec.PayloadModelled {
		source, err := records.New(cfg)
		return source, nil, err
	}
	client, err := producerConfig(s, 0)
	if err != nil {
		return nil, nil, err
	}
	model, err := records.NewModel(cfg, payload.ModelConfig{Codec: client.Compression, Level: client.Level,
		Implementation: client.Implementation})
	return nil, model, err
}

// configOf is what records are made of; of modelled ones, what they stand for.
func (l *library) configOf(s *spec.Scenario, seed uint64, first int) (cfg records.Config, err error) {
	r := &s.Records
	cfg = records.Config{Seed: seed, First: first, Producers: s.Producers.Count, Keys: keys.Config{Kind: keys.None}}
	if path, ok := r.SampleFile(); ok {
		cfg.Samples = l.sample(path, r.Format)
	} else {
		sizes, err := l.sizesOf(r)
		if err != nil {
			return cfg, err
		}
		cfg.Payload = payload.Config{Kind: payload.Kind(r.Payload), Size: int(r.MaxBytes()), Sizes: sizes, Seed: seed,
			ZeroPercent: r.Zeros}
		if r.Payload == spec.PayloadModelled {
			cfg.Payload.Kind = payload.Kind(r.Corpus)
		}
	}
	if cfg.KeyFrom, err = keyFrom(&r.Key); err != nil {
		return cfg, err
	}
	if cfg.KeyFrom == nil {
		cfg.Keys = keys.Config{Kind: keys.Kind(r.Key.Kind), Count: uint64(r.Key.Count), Exponent: r.Key.Exponent,
			First: first, Producers: s.Producers.Count, Seed: seed}
	}
	return cfg, nil
}

func (l *library) source(s *spec.Scenario, seed uint64) (*records.Source, error) {
	cfg, err := l.configOf(s, seed, 0)
	if err != nil {
		return nil, err
	}
	return records.New(cfg)
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

// corpus says what the records of producers have in common. It is computed once for all
// cells that have the same records.
func (l *library) corpus(s *spec.Scenario) (results.Corpus, error) {
	key := corpusKey{records: s.Records.Settled(), seed: s.Seed}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.known[key]; ok {
		return c, nil
	}
	source, err := l.source(s, s.Seed)
	if err != nil {
		return results.Corpus{}, err
	}
	c, err := source.Corpus()
	if err != nil {
		return results.Corpus{}, err
	}
	if s.Records.Payload == spec.PayloadModelled {
		c.Payload = spec.PayloadModelled + " " + c.Payload
	}
	l.known[key] = c
	return c, nil
}

// describeRecords says in a cell what its records hold.
func (r *runner) describeRecords(index int, s *spec.Scenario) error {
	groups := s.ProducerGroups()
	all := make([]results.Corpus, len(groups))
	differ := false
	for i := range groups {
		var err error
		if all[i], err = r.library.corpus(&groups[i].Scenario); err != nil {
			return err
		}
		differ = differ || all[i] != all[0]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &r.result.Cells[index]
	c.Corpus = &all[0]
	if differ {
		c.GroupCorpora = make(map[string]results.Corpus)
	}
	for i, g := range groups {
		if differ {
			c.GroupCorpora[g.Name] = all[i]
		}
		if share := all[i].WithoutKey; share > 0 {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s of the records that were looked at have no key in them (%s): "+
				"they go to partitions as records without keys do", percent(share), s.Records.Key.Kind))
		}
	}
	return nil
}

// percent writes a share of 0 to 1.
func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" }

// partitions is how many records each partition has, by where its log ends: of several
// topics those of one after the other.
func partitions(targets []load.Target) *results.Partitions {
	records := make([]int64, len(targets))
	for i := range targets {
		records[i] = targets[i].End
	}
	return results.PartitionsOf(records)
}
