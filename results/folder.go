package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Files of a run folder.
const (
	ScenarioFile = "scenario.yaml"
	ResultFile   = "result.json"
	// LatestName is the link beside the run folders that names the newest one.
	LatestName = "latest"
)

// FolderTime is the name of a run folder. Colons are legal in no Windows name
// and split lists of paths elsewhere, hence the dashes.
const FolderTime = "2006-01-02T15-04-05Z"

// collisionsMax bounds the search for a free name.
const collisionsMax = 10_000

// Folder is one run's folder.
type Folder struct {
	// Path of the folder, as relative or absolute as it was given.
	Path string
}

// Create makes an empty folder for a run of scenario that began at the given
// instant: root/<scenario>/<time, UTC>, or that name with -2, -3, ... when runs
// began in one second. It never uses a folder that is there.
func Create(root, scenario string, at time.Time) (*Folder, error) {
	if !filepath.IsLocal(scenario) || scenario != filepath.Base(scenario) || scenario == "." || scenario == LatestName {
		return nil, fmt.Errorf("results: create a run folder: the scenario name %q cannot name a folder", scenario)
	}
	parent := filepath.Join(root, scenario)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("results: create a run folder: %w (choose another place with --out)", err)
	}
	name := at.UTC().Format(FolderTime)
	for n := 1; n <= collisionsMax; n++ {
		path := filepath.Join(parent, name)
		if n > 1 {
			path += "-" + strconv.Itoa(n)
		}
		err := os.Mkdir(path, 0o755)
		if err == nil {
			return &Folder{Path: path}, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("results: create a run folder: %w (choose another place with --out)", err)
		}
	}
	return nil, fmt.Errorf("results: create a run folder: %d names like %s are taken in %s", collisionsMax, name, parent)
}

// WriteScenario writes the scenario as run.
func (f *Folder) WriteScenario(src []byte) error { return f.WriteFile(ScenarioFile, src) }

// Scenario reads the scenario as run.
func (f *Folder) Scenario() ([]byte, error) {
	src, err := os.ReadFile(filepath.Join(f.Path, ScenarioFile))
	if err != nil {
		return nil, fmt.Errorf("results: read the scenario as run: %w", err)
	}
	return src, nil
}

// WriteResult writes result.json as a whole or not at all, and over an earlier
// one: a run may write it after each cell. The same result gives the same bytes.
func (f *Folder) WriteResult(r *Result) error {
	text, err := Encode(r)
	if err != nil {
		return err
	}
	return f.WriteFile(ResultFile, text)
}

// WriteFile writes one file of the folder as a whole or not at all: readers see
// the old bytes or the new ones.
func (f *Folder) WriteFile(name string, content []byte) error {
	if err := replace(filepath.Join(f.Path, name), func(temp string) error {
		return os.WriteFile(temp, content, 0o644)
	}); err != nil {
		return fmt.Errorf("results: write %s: %w", name, err)
	}
	return nil
}

// HistogramFile names a histogram file of a cell: cell-01-produce.hlog. Cell is
// the index in Result.Cells, so file names are one higher; kind is hlog or hgrm.
func HistogramFile(cell int, latency, kind string) string {
	return fmt.Sprintf("cell-%02d-%s.%s", cell+1, latency, kind)
}

// WriteHistograms writes the .hlog with all intervals and the .hgrm (in
// milliseconds) of those that are not warm-up. Cell is the index in Result.Cells.
func (f *Folder) WriteHistograms(cell int, latency string, hs []Interval) error {
	log, err := encodeLog(hs)
	if err != nil {
		return fmt.Errorf("results: encode the %s histograms of cell %d: %w", latency, cell+1, err)
	}
	merged, _ := Measured(hs)
	percentiles, err := encodePercentiles(merged)
	if err != nil {
		return fmt.Errorf("results: encode the %s percentiles of cell %d: %w", latency, cell+1, err)
	}
	if err := f.WriteFile(HistogramFile(cell, latency, "hlog"), log); err != nil {
		return err
	}
	return f.WriteFile(HistogramFile(cell, latency, "hgrm"), percentiles)
}

// Histograms reads the intervals of a cell back; Measured of them is exactly the
// histogram that was summarised. Cell is the index in Result.Cells. The error is
// fs.ErrNotExist where the cell left none, as in a run that was interrupted.
func (f *Folder) Histograms(cell int, latency string) ([]Interval, error) {
	name := HistogramFile(cell, latency, "hlog")
	text, err := os.ReadFile(filepath.Join(f.Path, name))
	if err != nil {
		return nil, fmt.Errorf("results: read histograms: %w", err)
	}
	hs, err := decodeLog(text)
	if err != nil {
		return nil, fmt.Errorf("results: read histograms: %s: %w", filepath.Join(f.Path, name), err)
	}
	return hs, nil
}

// Finish points the link "latest" beside the folder at it: a relative symbolic
// link, or a text file with the folder's name where the file system has none.
func (f *Folder) Finish() error {
	name := filepath.Base(f.Path)
	link := filepath.Join(filepath.Dir(f.Path), LatestName)
	err := replace(link, func(temp string) error { return os.Symlink(name, temp) })
	if err == nil {
		return nil
	}
	if old, statErr := os.Lstat(link); statErr == nil && old.IsDir() {
		return fmt.Errorf("results: point %s at %s: a folder of that name is in the way", link, name)
	}
	err = replace(link, func(temp string) error { return os.WriteFile(temp, []byte(name+"\n"), 0o644) })
	if err != nil {
		return fmt.Errorf("results: point %s at %s: %w", link, name, err)
	}
	return nil
}

// replace lets make create a temporary name beside path and renames it to path.
func replace(path string, make func(temp string) error) error {
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp"+strconv.Itoa(os.Getpid()))
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := make(temp)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp) // the first error is the one to report
	}
	return err
}

// Open reads a run's result. Path is the run folder, its result.json, or the
// link "latest" to it.
func Open(path string) (*Folder, *Result, error) {
	folder, err := locate(path)
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(folder, ResultFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("results: open %s: it has no %s%s", folder, ResultFile, hint(folder))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("results: open a run folder: %w", err)
	}
	r, err := Decode(text)
	if err != nil {
		return nil, nil, fmt.Errorf("results: open %s: %w", file, err)
	}
	return &Folder{Path: folder}, r, nil
}

// locate turns what a user names into the run folder.
func locate(path string) (string, error) {
	at, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if to, linkErr := os.Readlink(path); linkErr == nil {
			return "", fmt.Errorf("results: open %s: it points at %s, which is gone: name another run folder", path, to)
		}
		return "", fmt.Errorf("results: open %s: no such file or folder: name a run folder, its %s, or a link %q",
			path, ResultFile, LatestName)
	}
	if err != nil {
		return "", fmt.Errorf("results: open a run folder: %w", err)
	}
	switch {
	case at.IsDir():
		return path, nil
	case filepath.Base(path) == LatestName:
		return followText(path)
	case filepath.Base(path) == ResultFile:
		return filepath.Dir(path), nil
	}
	return "", fmt.Errorf("results: open %s: not a run folder, its %s, or a link %q", path, ResultFile, LatestName)
}

// followText reads the text file that stands for the link "latest" where there
// are no symbolic links.
func followText(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("results: open a run folder: %w", err)
	}
	name := strings.TrimSpace(string(text))
	if name == "" || name != filepath.Base(name) || !filepath.IsLocal(name) {
		return "", fmt.Errorf("results: open %s: it does not hold the name of a run folder", path)
	}
	return filepath.Join(filepath.Dir(path), name), nil
}

// hint says where a result may be instead.
func hint(folder string) string {
	if _, err := os.Lstat(filepath.Join(folder, LatestName)); err == nil {
		return ": did you mean " + filepath.Join(folder, LatestName) + "?"
	}
	return ": it is not a run folder, or its run ended before the first cell"
}
