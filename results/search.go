package results

// Search is how the highest rate was looked for that brokers and consumers keep up with.
type Search struct {
	FoundPerS float64 `json:"found_per_s"` // records per second, held in the measured window
	// Settled says that it is known to be about the highest one: it held to the end of the
	// warm-up, and little more did not.
	Settled bool `json:"settled"`
	// Held says that it was kept up with in the measured window.
	Held  bool         `json:"held"`
	Steps []SearchStep `json:"steps"`
}

// SearchStep is one rate that was tried.
type SearchStep struct {
	At       float64 `json:"at_s"` // its start, since the load began
	RatePerS float64 `json:"rate_per_s"`
	KeptUp   bool    `json:"kept_up"`
	// Backlog is how many records were due at its end, and not yet acknowledged and read by
	// all who read along.
	Backlog int64 `json:"backlog"`
}

// FoundPerS is the median of the rates that repeats found.
func FoundPerS(repeats []Repeat) float64 {
	return medianOf(repeats, func(r Repeat) float64 {
		if r.Search == nil {
			return 0
		}
		return r.Search.FoundPerS
	})
}
