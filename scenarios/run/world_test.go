package run

import (
	"errors"
	"testing"

	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// Goal: what went wrong in a task is told once, however often somebody waits for it: a run
// that failed says so in one sentence. Method: three waits for tasks that fail in turn.
func TestJoinTellsOnce(t *testing.T) {
	w := simworld.New(simworld.DefaultConfig())
	defer w.Close()
	n := w.NewNode(env.NodeConfig{Name: "driver"})
	one, two := errors.New("one"), errors.New("two")
	if err := w.Run(n, func() {
		j := newJoin(n)
		for _, want := range []error{one, nil, two} {
			j.start(n, "task", func() error { return want })
			if err := j.wait(); want == nil && err != nil || want != nil && (err == nil || err.Error() != want.Error()) {
				t.Errorf("told %v, want %v", err, want)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}
