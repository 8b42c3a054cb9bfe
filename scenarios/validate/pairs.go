package validate

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"path/filepath"

	"brokerlab/disks/probe"
	"brokerlab/results"
	"brokerlab/scenarios/disktest"
	"brokerlab/scenarios/hosts/calibrate"
	"brokerlab/scenarios/run"
	"brokerlab/scenarios/spec"
)

// pairFiles are scenarios that this engine runs for real and simulated.
//
//go:embed pairs/*.yaml
var pairFiles embed.FS

// pairNames are in the order in which they run.
var pairNames = []string{"full-speed", "fixed-rate", "flush-each"}

// pairTable is the name of pairs' table.
const pairTable = "this-machine"

// pairQuantities are those of a pair; latencies at full speed are waits in the
// producer's own buffer, and shown only.
var pairQuantities = []string{results.QuantityThroughput, results.QuantityProduceP50, results.QuantityProduceP99}

// pairJobs prepares the pairs: the real disk first, then the one that stands for it.
func (v *validator) pairJobs() (jobs []job, err error) {
	var faults []error
	for _, name := range pairNames {
		full := pairTable + "-" + name
		if !v.opts.wanted(full) {
			continue
		}
		source, err := pairFiles.ReadFile("pairs/" + name + ".yaml")
		if err != nil {
			return nil, err
		}
		j := job{name: full, source: source}
		if j.file, err = spec.Parse(name+".yaml", source); err == nil && v.opts.HostProfile != "" {
			err = j.file.Set("host.profile", v.opts.HostProfile)
		}
		for _, s := range v.opts.Set {
			if err == nil {
				err = j.file.Set(s.Path, s.Value)
			}
		}
		faults = append(faults, err)
		j.row = results.ValidationRow{Kind: results.KindPair, Table: pairTable, Row: name, Scenario: name,
			Sources: []string{}}
		if j.file != nil {
			j.row.Setting = j.file.Base.Title
		}
		jobs = append(jobs, j)
	}
	return jobs, errors.Join(faults...)
}

// machine is what stands for this machine in the simulated half of pairs.
type machine struct{ host, disk string }

// thisMachine are the profiles that the options name, and where they name none what
// is measured now: files in the validation's folder.
func (v *validator) thisMachine() (m machine, err error) {
	m = machine{host: v.opts.HostProfile, disk: v.opts.DiskProfile}
	if m.disk == "" {
		v.say("measuring the disk")
		found, err := disktest.Probe(context.Background(), disktest.ProbeOptions{Dir: v.opts.Dir, Plan: probe.Quick(),
			Name: "this-disk", Progress: func(int) {}})
		if err != nil {
			return m, err
		}
		if m.disk, err = v.keep("this-disk.yaml", found.Profile); err != nil {
			return m, err
		}
	}
	if m.host == "" {
		v.say("measuring the processor")
		o := calibrate.QuickOptions()
		o.Name, o.Machine, o.Version, o.Dir = "this-host", run.Machine(), run.Version(), v.folder.Path
		p, busy, err := calibrate.Run(o)
		if err != nil {
			return m, err
		}
		if busy > calibrate.BusyShare {
			v.out.Warnings = append(v.out.Warnings, fmt.Sprintf(
				"others used %.0f %% of this machine's cores while it was measured: its pairs may be off by as much", 100*busy))
		}
		m.host, err = v.keep("this-host.yaml", p.Format("Host profile, measured by brokerlab validate-model."))
		return m, err
	}
	return m, nil
}

// keep writes a profile into the folder and returns its path, which begins as a path
// does.
func (v *validator) keep(name string, text []byte) (string, error) {
	at := filepath.Join(v.folder.Path, name)
	return at, v.folder.WriteFile(name, text)
}

// onThisMachine completes a pair.
func (v *validator) onThisMachine(j *job) error {
	if v.machine == nil {
		m, err := v.thisMachine()
		if err != nil {
			return err
		}
		v.machine = &m
	}
	j.disks = []string{"dir:" + v.opts.Dir, v.machine.disk}
	return j.file.Set("host.profile", v.machine.host)
}

// pairFigures takes the real cell as observed.
func pairFigures(real *results.Cell) []results.ValidationFigure {
	var figures []results.ValidationFigure
	for _, name := range pairQuantities {
		q, _ := quantityOf(name)
		f := results.ValidationFigure{Quantity: q.name, Unit: q.unit, Observed: q.of(real), Aim: q.aim}
		if real.AtSaturation && q.latency != "" {
			f.Aim = results.Aim{}
		}
		figures = append(figures, f)
	}
	return figures
}
