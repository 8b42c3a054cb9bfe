package validate

import (
	"math"
	"slices"

	"brokerlab/results"
)

// Aims are how near predictions should come: throughput within 15 %, the median
// latency within 30 %, the 99th percentile within a factor of 2.
var (
	aimThroughput = results.Aim{Share: 0.15}
	aimP50        = results.Aim{Share: 0.30}
	aimP99        = results.Aim{Factor: 2}
)

// quantity is what a figure measures.
type quantity struct {
	name string
	unit string
	aim  results.Aim
	// latency is "" for rates, else which one.
	latency string
	of      func(c *results.Cell) float64
}

const (
	unitRate = "records/s"
	unitMS   = "ms"
)

func millis(ns float64) float64 { return ns / 1e6 }

var quantities = []quantity{
	{results.QuantityThroughput, unitRate, aimThroughput, "",
		func(c *results.Cell) float64 { return c.RecordsPerS }},
	{results.QuantityConsumed, unitRate, aimThroughput, "",
		func(c *results.Cell) float64 { return c.ConsumedPerS }},
	{results.QuantityProduceP50, unitMS, aimP50, results.Produce,
		func(c *results.Cell) float64 { return millis(float64(c.Latency[results.Produce].P50)) }},
	{results.QuantityProduceP99, unitMS, aimP99, results.Produce,
		func(c *results.Cell) float64 { return millis(float64(c.Latency[results.Produce].P99)) }},
	{results.QuantityProduceMean, unitMS, results.Aim{}, results.Produce,
		func(c *results.Cell) float64 { return millis(c.Latency[results.Produce].Mean) }},
	{results.QuantityEndP50, unitMS, aimP50, results.EndToEnd,
		func(c *results.Cell) float64 { return millis(float64(c.Latency[results.EndToEnd].P50)) }},
	{results.QuantityEndP99, unitMS, aimP99, results.EndToEnd,
		func(c *results.Cell) float64 { return millis(float64(c.Latency[results.EndToEnd].P99)) }},
}

// quantityOf finds a quantity by its name.
func quantityOf(name string) (*quantity, bool) {
	i := slices.IndexFunc(quantities, func(q quantity) bool { return q.name == name })
	if i < 0 {
		return nil, false
	}
	return &quantities[i], true
}

// relativeError is predicted / observed - 1. A figure that was printed in steps
// stands for all values that round to it or were cut to it: the nearest of those
// counts, from half a step below to a whole step above.
func relativeError(predicted, observed, resolution float64) float64 {
	nearest := min(max(predicted, observed-resolution/2), observed+resolution)
	if nearest <= 0 {
		return math.Inf(1)
	}
	return predicted/nearest - 1
}

// within says whether an error reaches an aim.
func within(err float64, aim results.Aim) bool {
	switch {
	case aim.Share > 0:
		return math.Abs(err) <= aim.Share
	case aim.Factor > 0:
		return 1+err <= aim.Factor && 1+err >= 1/aim.Factor
	}
	return false
}

// compare fills in what follows from observed and predicted.
func compare(f *results.ValidationFigure) {
	f.Error = relativeError(f.Predicted, f.Observed, f.Resolution)
	f.Within = f.Aim.Held() && within(f.Error, f.Aim)
}

// tie is how far two figures may be apart to count as equal in a ranking: what is
// measured twice differs by as much.
const tie = 0.05

// rankings compares the order of rows within each table by each quantity that at
// least two of them have, with an aim. Rows that were observed within 5 % of each other may
// come in either order.
func rankings(rows []results.ValidationRow) []results.Ranking {
	out := []results.Ranking{}
	for _, table := range tablesOf(rows) {
		for i := range quantities {
			if r, ok := rank(rows, table, quantities[i].name); ok {
				out = append(out, r)
			}
		}
	}
	return out
}

func tablesOf(rows []results.ValidationRow) (tables []string) {
	for i := range rows {
		if !slices.Contains(tables, rows[i].Table) {
			tables = append(tables, rows[i].Table)
		}
	}
	return tables
}

// place is one row in a ranking.
type place struct {
	row                 string
	observed, predicted float64
}

func rank(rows []results.ValidationRow, table, quantity string) (results.Ranking, bool) {
	var places []place
	for i := range rows {
		if rows[i].Table != table {
			continue
		}
		for _, f := range rows[i].Figures {
			if f.Quantity == quantity && f.Aim.Held() {
				places = append(places, place{rows[i].Row, f.Observed, f.Predicted})
			}
		}
	}
	if len(places) < 2 {
		return results.Ranking{}, false
	}
	r := results.Ranking{Table: table, Quantity: quantity, Same: true,
		Observed:  order(places, func(p place) float64 { return p.observed }),
		Predicted: order(places, func(p place) float64 { return p.predicted })}
	for _, a := range places {
		for _, b := range places {
			if a.observed < b.observed*(1-tie) && a.predicted >= b.predicted {
				r.Same = false
			}
		}
	}
	return r, true
}

func order(places []place, by func(place) float64) []string {
	sorted := slices.Clone(places)
	slices.SortStableFunc(sorted, func(a, b place) int {
		switch x, y := by(a), by(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	names := make([]string, len(sorted))
	for i := range sorted {
		names[i] = sorted[i].row
	}
	return names
}
