package hosts

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"brokerlab/disks/figures"
	"brokerlab/engine/simworld"
)

// Format writes a profile as Parse reads it, with comments, in a form that does not
// depend on how it came about.
func (p *Profile) Format(comments ...string) []byte {
	var b strings.Builder
	for _, c := range comments {
		fmt.Fprintf(&b, "# %s\n", c)
	}
	fmt.Fprintf(&b, "%s: %s\n", titleKey, quote(p.Title))
	if p.Note != "" {
		fmt.Fprintf(&b, "%s: %s\n", noteKey, quote(p.Note))
	}
	if p.Measured != nil {
		fmt.Fprintf(&b, "%s:\n", measuredKey)
		for _, f := range p.Measured.fields() {
			fmt.Fprintf(&b, "  %s: %s\n", f.key, quote(*f.text))
		}
	}
	if len(p.Sources) > 0 {
		fmt.Fprintf(&b, "%s:\n", sourcesKey)
		for _, s := range p.Sources {
			fmt.Fprintf(&b, "  %s: %s\n", s.Key, quote(s.Text))
		}
	}
	if f := p.CPUFactor; f != nil {
		fmt.Fprintf(&b, "%s: {value: %s%s}\n", factorKey, strconv.FormatFloat(f.Value, 'f', -1, 64), formatOrigin(f.Origin))
	}
	fmt.Fprintf(&b, "%s:\n", operationsKey)
	for _, o := range operations {
		c := &p.Ops[o.op]
		fmt.Fprintf(&b, "  %s: {%s%s}\n", o.name, formatPrice(&c.Price, o.bytes), formatOrigin(c.Origin))
	}
	fmt.Fprintf(&b, "%s:\n", codecsKey)
	for i := range p.Codecs {
		c := &p.Codecs[i]
		impl := ""
		if c.Implementation != "" {
			impl = ", implementation: " + string(c.Implementation)
		}
		fmt.Fprintf(&b, "  - {codec: %v%s, level: %d,\n", c.Codec, impl, c.Level)
		fmt.Fprintf(&b, "     compress: {%s},\n", formatPrice(&c.Compress, true))
		fmt.Fprintf(&b, "     decompress: {%s}%s}\n", formatPrice(&c.Decompress, true), formatOrigin(c.Origin))
	}
	fmt.Fprintf(&b, "%s: {%s%s}\n", wakeKey, formatSpread(p.Wake.Spread), formatOrigin(p.Wake.Origin))
	if p.TimerLate != (Delay{}) {
		fmt.Fprintf(&b, "%s: {%s%s}\n", timerLateKey, formatSpread(p.TimerLate.Spread), formatOrigin(p.TimerLate.Origin))
	}
	return []byte(b.String())
}

// Priced is an operation and its price in words.
type Priced struct{ Name, Price string }

// Priced are the operations of a profile, in the order of Operations.
func (p *Profile) Priced() []Priced {
	var all []Priced
	for _, o := range operations {
		price := &p.Ops[o.op].Price
		var parts []string
		for _, at := range price.Table {
			parts = append(parts, formatSpan(at.Ns)+" for "+formatSize(at.Size, o.bytes))
		}
		if price.PerCallNs != 0 {
			parts = append(parts, formatSpan(price.PerCallNs))
		}
		if price.PerUnitNs != 0 {
			parts = append(parts, formatSpan(price.PerUnitNs)+" a "+o.unit)
		}
		sep := ", "
		if len(price.Table) == 0 {
			sep = " and "
		}
		all = append(all, Priced{Name: o.name, Price: strings.Join(parts, sep)})
	}
	return all
}

// quote is a YAML text in double quotes, whose escapes are Go's for what is in
// such texts.
func quote(text string) string { return strconv.Quote(text) }

func formatPrice(p *simworld.Price, bytes bool) string {
	if len(p.Table) == 0 {
		var parts []string
		if p.PerCallNs != 0 || p.PerUnitNs == 0 {
			parts = append(parts, "per-call: "+formatSpan(p.PerCallNs))
		}
		if p.PerUnitNs != 0 {
			parts = append(parts, "per-unit: "+formatSpan(p.PerUnitNs))
		}
		return strings.Join(parts, ", ")
	}
	points := make([]string, len(p.Table))
	for i, at := range p.Table {
		points[i] = formatSize(at.Size, bytes) + ": " + formatSpan(at.Ns)
	}
	return "table: {" + strings.Join(points, ", ") + "}"
}

func formatSize(n int, bytes bool) string {
	switch {
	case !bytes:
		return strconv.Itoa(n)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}

func formatOrigin(o figures.Origin) string {
	var b strings.Builder
	fmt.Fprintf(&b, ", status: %s", o.Status)
	if o.Source != "" {
		fmt.Fprintf(&b, ", source: %s", o.Source)
	}
	if o.Note != "" {
		fmt.Fprintf(&b, ", note: %s", quote(o.Note))
	}
	return b.String()
}

func formatSpread(s simworld.Spread) string {
	if s == simworld.Fixed(s.P50) {
		return "p50: " + formatSpan(float64(s.P50))
	}
	var parts []string
	for i, d := range quantiles(&s) {
		parts = append(parts, quantileKeys[i]+": "+formatSpan(float64(*d/time.Nanosecond)))
	}
	return strings.Join(parts, ", ")
}
