package chart

import (
	"image/color"
	"slices"
	"strconv"
	"time"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
)

// policy is when a cell forces its logs to disk.
type policy struct{ messages, ms string }

// Settings that make a flush policy, and their value for "by itself never".
const (
	flushMessages = "topic.flush.messages"
	flushMS       = "topic.flush.ms"
	never         = "never"
)

// policyOf reads a cell's settings.
func policyOf(config map[string]string) policy {
	return policy{messages: config[flushMessages], ms: config[flushMS]}
}

func (p policy) byRecords() bool { return p.messages != "" && p.messages != never }
func (p policy) byTime() bool    { return p.ms != "" && p.ms != never }

// flushRarely is from how many records on a policy has the colour of rare flushes.
const flushRarely = 1000

// colour is the same for one policy in every figure of every run.
func (p policy) colour() color.RGBA {
	switch records, err := strconv.Atoi(p.messages); {
	case p.byRecords() && p.byTime():
		return plotstyle.FlushBoth
	case p.byRecords() && records == 1:
		return plotstyle.FlushAlways
	case p.byRecords() && err == nil && records >= flushRarely:
		return plotstyle.FlushRarely
	case p.byRecords():
		return plotstyle.FlushRecords
	case p.byTime():
		if every, err := time.ParseDuration(p.ms); err == nil && every >= time.Second {
			return plotstyle.FlushSeconds
		}
		return plotstyle.FlushTime
	}
	return plotstyle.FlushNever
}

// policyLabel is the varied label that decides the flush policy, if there is one and
// the policy varies.
func (d *Data) policyLabel() string {
	var all []policy
	for _, cell := range d.Result.Cells {
		if p := policyOf(cell.Config); !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	if len(all) < 2 {
		return ""
	}
	for _, name := range d.names.Varied {
		of := map[string]policy{}
		decides := name != wording.Disk
		for _, cell := range d.Result.Cells {
			value, p := cell.Labels[name], policyOf(cell.Config)
			if seen, ok := of[value]; ok && seen != p {
				decides = false
			}
			of[value] = p
		}
		if decides {
			return name
		}
	}
	return ""
}
