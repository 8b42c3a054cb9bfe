package wording

import (
	"testing"

	"brokerlab/results"
)

// Goal: what a group has for itself is not said of all. Method: table of settings.
func TestCommonWithGroups(t *testing.T) {
	r := &results.Result{Cells: []results.Cell{{Config: map[string]string{
		"producers.acks": "all", "producers.linger.ms": "5ms", "records.size": "1KiB", "load.rate": "max",
		"producers.groups.a.acks": "1", "producers.groups.b.records.size": "200", "consumers.groups.a.rate": "5/s",
		"consumers.rate": "max",
	}}}}
	for path, want := range map[string]string{"producers.acks": "", "records.size": "", "consumers.rate": "",
		"producers.linger.ms": "5ms", "load.rate": "max"} {
		if got := Common(r, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
