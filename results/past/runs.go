// Package past finds the run folders below a root, finds one of them by the name
// that a user gives it, and chooses and removes old ones. It knows folders by what
// they hold, not by their place alone, and removes nothing that is not brokerlab's.
package past

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"brokerlab/results"
)

// Run is one run folder.
type Run struct {
	Scenario string // the folder's parent
	Name     string // of the folder
	Path     string
	Started  time.Time // UTC, to the second, by the folder's name
	Latest   bool      // the link latest of its scenario names it
	Bytes    int64     // of all its files
	Written  time.Time // when its newest file was last written
	// Result is nil where result.json is missing or cannot be read, which Err says.
	Result *results.Result
	Err    error
	// Foreign are entries that brokerlab does not write.
	Foreign []string
}

// folderName is that of results.Create: a second, and a number where runs began
// within one.
var folderName = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)(-\d+)?$`)

// ownFile is the name of a file that a run or a report leaves, or its temporary name. A
// copy of a recorded curve ends as the user's own file is called.
var ownFile = regexp.MustCompile(
	`^(\.?(scenario\.yaml|result\.json|report\.(md|html)|cell-\d+-[a-z0-9_.-]+|curve-\d+-.+|[a-z0-9_.-]+\.png)` +
		`(\.tmp\d+)?)$`)

// List finds the run folders below root, which are root/<scenario>/<time>, by
// scenario and from the oldest to the newest. A root that is not there has none, and
// folders that the user may not look into, such as lost+found, are passed over.
func List(root string) ([]Run, error) {
	parents, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	var all []Run
	for _, parent := range parents {
		if !parent.IsDir() {
			continue
		}
		some, err := OfScenario(root, parent.Name())
		if errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return all, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// OfScenario finds the run folders of one scenario, from the oldest to the newest.
func OfScenario(root, scenario string) ([]Run, error) {
	dir := filepath.Join(root, scenario)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	latest := latestOf(dir)
	var all []Run
	for _, e := range entries {
		parts := folderName.FindStringSubmatch(e.Name())
		if parts == nil || !e.IsDir() {
			continue
		}
		started, err := time.Parse(results.FolderTime, parts[1])
		if err != nil {
			continue // such as month 13
		}
		r := Run{Scenario: scenario, Name: e.Name(), Path: filepath.Join(dir, e.Name()), Started: started,
			Latest: e.Name() == latest}
		isRun, err := r.look()
		if err != nil {
			return nil, err
		}
		if isRun {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, inTime)
	return all, nil
}

// look reads what is in the folder. It is a run's if it holds its scenario or its
// result.
func (r *Run) look() (isRun bool, err error) {
	entries, err := os.ReadDir(r.Path)
	if errors.Is(err, fs.ErrPermission) {
		r.Err = fmt.Errorf("runs: %w", err)
		return true, nil // by its name
	}
	if err != nil {
		return false, fmt.Errorf("runs: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // a temporary file of a run that goes on
		}
		if err != nil {
			return false, fmt.Errorf("runs: %w", err)
		}
		if e.Name() == results.ScenarioFile || e.Name() == results.ResultFile {
			isRun = true
		}
		if !info.Mode().IsRegular() || !ownFile.MatchString(e.Name()) {
			r.Foreign = append(r.Foreign, e.Name())
		}
		if info.Mode().IsRegular() {
			r.Bytes += info.Size()
		}
		if info.ModTime().After(r.Written) {
			r.Written = info.ModTime()
		}
	}
	if isRun {
		_, r.Result, r.Err = results.Open(r.Path)
	}
	return isRun, nil
}

// latestOf is the name of the folder that the link latest of a scenario names; ""
// where there is none.
func latestOf(dir string) string {
	link := filepath.Join(dir, results.LatestName)
	if to, err := os.Readlink(link); err == nil {
		return filepath.Base(to)
	}
	if text, err := os.ReadFile(link); err == nil {
		return strings.TrimSpace(string(text))
	}
	return ""
}

// Complete says whether the run came to its end.
func (r *Run) Complete() bool { return r.Result != nil && r.Result.Complete }

// Find finds the run that a user names: the path of a folder, of its result.json or
// of a link latest; a scenario, whose newest run it is; or the beginning of a
// folder's name that only one has, with or without its scenario in front. Without a
// name it is the newest run of all. A folder that is no run and is called as a scenario,
// such as disks, does not hide its runs.
func Find(root, name string) (*results.Folder, *results.Result, error) {
	var noRun error
	if name != "" {
		if _, err := os.Lstat(name); err == nil {
			folder, r, err := results.Open(name)
			if err == nil || name != filepath.Base(name) {
				return folder, r, err
			}
			noRun = err
		}
	}
	all, err := List(root)
	if err != nil {
		return nil, nil, err
	}
	if name == "" {
		if len(all) == 0 {
			return nil, nil, fmt.Errorf("runs: there are no runs in %s", root)
		}
		slices.SortStableFunc(all, inTime)
		return results.Open(all[len(all)-1].Path)
	}
	var found []Run
	for _, r := range all {
		switch {
		case r.Scenario == name && r.Latest:
			return results.Open(r.Path)
		case r.Scenario == name: // the newest so far, if the link latest is missing
			found = []Run{r}
		case len(found) == 1 && found[0].Scenario == name: // the name of a scenario is no beginning of another
		case strings.HasPrefix(r.Name, name) || strings.HasPrefix(r.Scenario+"/"+r.Name, name):
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 0 && noRun != nil:
		return nil, nil, noRun
	case len(found) == 0:
		return nil, nil, fmt.Errorf("runs: %q is no path, no scenario that ran and no beginning of a run's name in %s; "+
			"brokerlab results list shows what is there", name, root)
	case len(found) == 1:
		return results.Open(found[0].Path)
	}
	return nil, nil, fmt.Errorf("runs: %q is the beginning of %d runs: %s", name, len(found), namesOf(found))
}

// inTime orders runs by when they began; of those of one second by the number that
// results.Create gave them.
func inTime(a, b Run) int {
	return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
}

// namesMax is how many names a message has.
const namesMax = 5

func namesOf(all []Run) string {
	var names []string
	for i, r := range all {
		if i == namesMax {
			names = append(names, "...")
			break
		}
		names = append(names, r.Scenario+"/"+r.Name)
	}
	return strings.Join(names, ", ")
}
