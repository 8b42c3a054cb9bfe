package run

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// Goal: jobs begin in order, beside each other as far as workers and memory allow, and
// the error of a pool begins with that of its earliest job. Method: jobs that end when the test
// says so, and what runs at each moment.
func TestPool(t *testing.T) {
	const budget = 100
	broken := errors.New("broken")
	for _, row := range []struct {
		sentence string
		workers  int
		needs    []int64 // by job
		fails    []int
		beside   []int // by job: how many run when it begins, itself included, if no job ends before it must
		want     string
		begun    int
	}{
		{"as many as workers", 2, []int64{10, 10, 10, 10}, nil, []int{1, 2, 2, 2}, "", 4},
		{"as many as memory has room for", 4, []int64{60, 40, 60, 40}, nil, []int{1, 2, 2, 2}, "", 4},
		{"a need that is not known runs alone", 3, []int64{10, 0, 10}, nil, []int{1, 1, 1}, "", 3},
		{"a need above the budget runs alone", 3, []int64{10, 1000, 10}, nil, []int{1, 1, 1}, "", 3},
		{"cells that fail do not take others down", 2, []int64{1, 1, 1, 1}, []int{0, 1}, []int{1, 2, 2, 2},
			"0\nbroken\n1\nbroken", 4},
	} {
		var mu sync.Mutex
		var order, running []int
		begun := make(chan int, len(row.needs))
		jobs := make([]job, len(row.needs))
		finish := make([]chan struct{}, len(jobs))
		for i := range jobs {
			jobs[i] = job{index: i, number: 1}
			finish[i] = make(chan struct{})
		}
		p := &pool{jobs: jobs, budget: budget, need: func(j job) int64 { return row.needs[j.index] }}
		result := make(chan error, 1)
		go func() {
			result <- p.run(row.workers, func(j job) error {
				mu.Lock()
				order, running = append(order, j.index), append(running, j.index)
				if len(running) > slices.Max(row.beside) {
					t.Errorf("%s: job %d runs beside %v", row.sentence, j.index, running)
				}
				mu.Unlock()
				begun <- j.index
				<-finish[j.index]
				mu.Lock()
				running = slices.DeleteFunc(running, func(i int) bool { return i == j.index })
				mu.Unlock()
				if slices.Contains(row.fails, j.index) {
					return errors.Join(errors.New(string(rune('0'+j.index))), broken)
				}
				return nil
			})
		}()
		// The oldest job ends only when no other one can begin: then the next one must.
		var open []int
		seen := make([]bool, len(jobs))
		for i := range row.begun {
			for len(open) >= row.beside[i] {
				close(finish[open[0]])
				open = open[1:]
			}
			for !seen[i] { // workers may be seen in another order than that in which they began
				seen[<-begun] = true
			}
			open = append(open, i)
		}
		slices.Reverse(open) // the later one fails first
		for _, i := range open {
			close(finish[i])
		}
		err := <-result
		if (err == nil) != (row.want == "") || err != nil && !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: error %v, want that of job %q", row.sentence, err, row.want)
		}
		if len(order) != row.begun {
			t.Errorf("%s: began %v", row.sentence, order)
		}
	}
}

// Goal: what is left of a cell that failed does not begin, and after an interruption
// nothing does; the error names each cell once, and the interruption once. Method: jobs of
// two cells in turn, of which some fail, one after the other, and all that begin at once.
func TestPoolGivesUpCells(t *testing.T) {
	jobs := []job{{0, 1}, {1, 1}, {0, 2}, {1, 2}}
	for _, row := range []struct {
		sentence string
		fails    map[job]error
		begun    []job
		want     string
	}{
		{"none fails", nil, jobs, ""},
		{"one cell fails", map[job]error{{0, 1}: errors.New("a")}, []job{{0, 1}, {1, 1}, {1, 2}}, "a"},
		{"both fail, one later", map[job]error{{1, 1}: errors.New("b"), {0, 2}: errors.New("c")},
			[]job{{0, 1}, {1, 1}, {0, 2}}, "b\nc"},
		{"an interruption", map[job]error{{1, 1}: ErrInterrupted}, []job{{0, 1}, {1, 1}}, ErrInterrupted.Error()},
	} {
		var begun []job
		p := &pool{jobs: jobs, need: needUnknown}
		err := p.run(1, func(j job) error {
			begun = append(begun, j)
			return row.fails[j]
		})
		if !slices.Equal(begun, row.begun) || (err == nil) != (row.want == "") || err != nil && err.Error() != row.want {
			t.Errorf("%s: began %v, error %v", row.sentence, begun, err)
		}
	}
	for _, row := range []struct {
		jobs []job
		err  error
		want string
	}{
		{[]job{{0, 1}, {0, 2}}, errors.New("a"), "a"},
		{[]job{{0, 1}, {1, 1}}, ErrInterrupted, ErrInterrupted.Error()},
	} {
		var all sync.WaitGroup
		all.Add(len(row.jobs))
		p := &pool{jobs: row.jobs, budget: 2, need: func(job) int64 { return 1 }}
		err := p.run(len(row.jobs), func(job) error {
			all.Done()
			all.Wait()
			return row.err
		})
		if err == nil || err.Error() != row.want {
			t.Errorf("%v at once: error %v, want %s once", row.jobs, err, row.want)
		}
	}
}

// Goal: a result does not depend on how many cells run at once. Method: the same
// repeats of the same cells with one worker and with four.
func TestWorkersDoNotShow(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	var texts []string
	for _, workers := range []int{1, 4} {
		runtime.GOMAXPROCS(workers)
		out, err := execute(t, tiny, DiskSim, func(f *spec.File) { f.Base.Repeat, f.Base.Load.MaxBytes = 2, 2e6 })
		if err != nil {
			t.Fatal(err)
		}
		text, err := results.Encode(withoutWall(out.Result))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if texts[0] != texts[1] {
		t.Error("one worker and four gave different results")
	}
}

// withoutWall takes out what may differ between two runs of one seed.
func withoutWall(r *results.Result) *results.Result {
	r.Wall = results.RunWall{}
	for i := range r.Cells {
		r.Cells[i].Wall = results.CellWall{}
		for k := range r.Cells[i].Repeats {
			r.Cells[i].Repeats[k].Wall = results.CellWall{}
		}
	}
	return r
}
