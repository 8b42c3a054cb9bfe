package crashimage_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/crashimage"
	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
)

// Goal: all sequences of choices are walked once, and a bound ends the walk and is told.
// Method: choices whose number and sizes depend on those before.
func TestEnumerate(t *testing.T) {
	var got []string
	walk := func(choose func(n int) int) {
		path := ""
		for depth := range 3 {
			i := choose(3 - depth)
			path += fmt.Sprint(i)
			if i == 0 {
				break
			}
		}
		got = append(got, path)
	}
	runs, whole := crashimage.Enumerate(100, walk)
	want := []string{"0", "10", "110", "20", "210"}
	if !slices.Equal(got, want) || runs != len(want) || !whole {
		t.Errorf("%d runs, whole %v: %q, want %q", runs, whole, got, want)
	}
	got = nil
	if runs, whole := crashimage.Enumerate(3, walk); runs != 3 || whole || !slices.Equal(got, want[:3]) {
		t.Errorf("bounded: %d runs, whole %v: %q", runs, whole, got)
	}
	if runs, whole := crashimage.Enumerate(1, func(func(int) int) {}); runs != 1 || !whole {
		t.Errorf("without a choice: %d runs, whole %v", runs, whole)
	}
}

// still is a node on which nothing takes time.
type still struct {
	env.Node
	pool *env.Pool
}

func (still) Now() env.Time       { return 0 }
func (still) Sleep(time.Duration) {}
func (still) Charge(env.Op, int)  {}
func (n still) Pool() *env.Pool   { return n.pool }

// Goal: of a tail the lengths are tried that a reader of whole fields can tell from each
// other, and without a reduction all. Method: files of one Append of two parts and of a
// second one; the sizes of their images.
func TestLengths(t *testing.T) {
	for _, row := range []struct {
		says    string
		reduce  crashimage.Reduction
		appends [][]int // sizes of the parts of each
		want    []int64
	}{
		{"without a reduction there are all lengths", nil, [][]int{{3, 4}, {1}}, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{"a long one has the ends of the parts and the border at 8, and what is beside them",
			crashimage.Lengths(8), [][]int{{10, 20}, {15}},
			[]int64{0, 1, 7, 8, 9, 10, 11, 17, 18, 19, 29, 30, 31, 37, 38, 39, 44, 45}},
	} {
		d := simfs.NewDisk(simfs.Config{})
		mount := d.Mount(still{pool: env.NewPool()})
		f, err := mount.Create("a")
		if err != nil {
			t.Fatal(err)
		}
		if err := mount.SyncDir("."); err != nil {
			t.Fatal(err)
		}
		for _, sizes := range row.appends {
			var parts []env.Buf
			for _, n := range sizes {
				parts = append(parts, env.LengthBuf(n))
			}
			if err := f.Append(env.Join(parts...)); err != nil {
				t.Fatal(err)
			}
		}
		images := crashimage.Images{Reduce: row.reduce, RunsMax: 100}
		var got []int64
		images.Each(d, func(image *simfs.Disk, _ [32]byte) {
			list, err := image.Mount(still{}).List(".")
			if err != nil || len(list) != 1 {
				t.Fatalf("%v, %v", list, err)
			}
			got = append(got, list[0].Bytes)
		})
		if !slices.Equal(got, row.want) || images.Runs != len(got) || images.Bounded != 0 {
			t.Errorf("%s: %d in %d runs, want %d", row.says, got, images.Runs, row.want)
		}
	}
}
