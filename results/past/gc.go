package past

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"brokerlab/results"
)

// Policy says which runs may go. A run goes if it fits all that is given.
type Policy struct {
	// Keep is how many of the newest runs of each scenario stay; negative: not given.
	Keep int
	// OlderThan is the age that a run has at least; 0: not given.
	OlderThan time.Duration
	// Incomplete: only runs that did not come to their end go.
	Incomplete bool
}

// Given says whether the policy chooses at all.
func (p Policy) Given() bool { return p.Keep >= 0 || p.OlderThan > 0 || p.Incomplete }

// quietFor is how long nothing was written into the folder of a run that has not
// ended, before it counts as dead, beside the longest load that it may be in: a run
// writes after each repeat of a cell, and not while one goes on.
const quietFor = 6 * time.Hour

// Plan is what is to be done with each run.
type Plan struct {
	Remove []Run
	// Spared would go by the policy and stay, which Reason says of each in turn.
	Spared []Run
	Reason []string
}

// Bytes is what the removal gives back.
func (p *Plan) Bytes() (sum int64) {
	for _, r := range p.Remove {
		sum += r.Bytes
	}
	return sum
}

// Choose applies the policy to runs as List gives them.
func Choose(all []Run, p Policy, now time.Time) Plan {
	var plan Plan
	for i, r := range all {
		newer := 0
		for _, other := range all[i+1:] {
			if other.Scenario == r.Scenario {
				newer++
			}
		}
		if p.Keep >= 0 && newer < p.Keep || p.OlderThan > 0 && now.Sub(r.Started) < p.OlderThan ||
			p.Incomplete && (r.Complete() || r.unreadable()) {
			continue
		}
		if why := r.spare(now); why != "" {
			plan.Spared, plan.Reason = append(plan.Spared, r), append(plan.Reason, why)
			continue
		}
		plan.Remove = append(plan.Remove, r)
	}
	return plan
}

// unreadable says that there is, or may be, a result.json that this program cannot
// read, which says nothing of the run.
func (r *Run) unreadable() bool {
	_, err := os.Lstat(filepath.Join(r.Path, results.ResultFile))
	return r.Result == nil && !errors.Is(err, fs.ErrNotExist)
}

// quietMax is how long the run may write nothing and still go on.
func (r *Run) quietMax() time.Duration {
	longest := time.Duration(0)
	if r.Result != nil {
		for i := range r.Result.Cells {
			config := r.Result.Cells[i].Config
			// A setting that is no span of time says nothing.
			load, _ := time.ParseDuration(config["load.duration"])
			read, _ := time.ParseDuration(config["load.read.limit"])
			longest = max(longest, load+read)
		}
	}
	return quietFor + longest
}

// spare says why a run must not go; "": it may.
func (r *Run) spare(now time.Time) string {
	if len(r.Foreign) > 0 {
		return "it holds what brokerlab did not write: " + strings.Join(r.Foreign, ", ")
	}
	if quiet := now.Sub(r.Written); !r.Complete() && quiet < r.quietMax() {
		if r.Result == nil || r.Result.Incomplete == results.NotEnded {
			return fmt.Sprintf("it may go on: it was written %v ago", quiet.Truncate(time.Second))
		}
	}
	return ""
}

// Execute removes what the plan says, puts right each link latest whose run has
// gone, and takes away folders of scenarios that are empty then. It goes on after an
// error, so that one folder without permission does not hold the others.
func (p *Plan) Execute(root string) error {
	var faults []error
	var scenarios []string
	for _, r := range p.Remove {
		if err := remove(r); err != nil {
			faults = append(faults, err)
		}
		if !slices.Contains(scenarios, r.Scenario) {
			scenarios = append(scenarios, r.Scenario)
		}
	}
	for _, scenario := range scenarios {
		if err := pointLatest(root, scenario); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// remove removes one run, file by file: what is not brokerlab's would hold the
// folder. result.json goes last, so that what is left of a removal that was cut
// short is still a run.
func remove(r Run) error {
	entries, err := os.ReadDir(r.Path)
	if err != nil {
		return fmt.Errorf("runs: remove a run: %w", err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if !e.Type().IsRegular() || !ownFile.MatchString(e.Name()) {
			return fmt.Errorf("runs: remove %s: it holds %s, which brokerlab did not write", r.Path, e.Name())
		}
		names = append(names, e.Name())
	}
	slices.SortStableFunc(names, func(a, b string) int {
		last := func(name string) int {
			if name == results.ResultFile {
				return 1
			}
			return 0
		}
		return last(a) - last(b)
	})
	for _, name := range names {
		if err := os.Remove(filepath.Join(r.Path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("runs: remove a run: %w", err)
		}
	}
	if err := os.Remove(r.Path); err != nil {
		return fmt.Errorf("runs: remove a run: %w", err)
	}
	return nil
}

// pointLatest points the link latest of a scenario at its newest run if it names
// none, and removes link and folder if there is none.
func pointLatest(root, scenario string) error {
	left, err := OfScenario(root, scenario)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(left, func(r Run) bool { return r.Latest }) {
		return nil
	}
	if len(left) > 0 {
		newest := left[len(left)-1]
		for _, r := range left { // one that goes on says so itself when it ends
			if r.Result != nil && r.Result.Incomplete != results.NotEnded {
				newest = r
			}
		}
		return (&results.Folder{Path: newest.Path}).Finish()
	}
	dir := filepath.Join(root, scenario)
	link := filepath.Join(dir, results.LatestName)
	if at, err := os.Lstat(link); err == nil && !at.IsDir() {
		if err := os.Remove(link); err != nil {
			return fmt.Errorf("runs: %w", err)
		}
	}
	// What else is in the folder is not ours; then it stays, and that is no error.
	_ = os.Remove(dir)
	return nil
}
