package env_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"brokerlab/engine/env"
)

// Goal: memory is as long as asked for, in any class. Method: sizes around the
// powers of two, twice, so that the second comes from what the first gave back.
func TestPoolSizes(t *testing.T) {
	pool := env.NewPool()
	for range 2 {
		for _, n := range []int{0, 1, 63, 64, 65, 127, 128, 129, 4095, 4096, 4097, 1 << 20, 64 << 20, 64<<20 + 1} {
			m := pool.Get(n)
			if len(m.Bytes()) < n {
				t.Errorf("asked for %d bytes, got %d", n, len(m.Bytes()))
			}
			if n < 1<<20 && len(m.Bytes()) > max(64, 2*n) {
				t.Errorf("asked for %d bytes, got as many as %d", n, len(m.Bytes()))
			}
			m.Release()
		}
	}
	if pool.Live() != 0 {
		t.Errorf("%d are live", pool.Live())
	}
}

// Goal: released memory is used again, and live memory is not.
func TestPoolReuses(t *testing.T) {
	pool := env.NewPool()
	first, second := pool.Get(1000), pool.Get(1000)
	if &first.Bytes()[0] == &second.Bytes()[0] {
		t.Fatalf("live memory was given out twice")
	}
	kept := &first.Bytes()[0]
	first.Retain()
	first.Release()
	if third := pool.Get(1000); &third.Bytes()[0] == kept {
		t.Fatalf("memory with a reference left was given out")
	} else {
		third.Release()
	}
	if pool.Live() != 2 {
		t.Errorf("%d are live, want 2", pool.Live())
	}
	first.Release()
	if again := pool.Get(600); &again.Bytes()[0] != kept {
		t.Errorf("released memory of the class was not used again")
	}
}

// Goal: a poisoned pool shows late readers that they are late, and does not touch
// live memory.
func TestPoison(t *testing.T) {
	pool := env.NewPoisonedPool()
	b := memBuf(pool, []byte("still mine"))
	other := b.Retain()
	late, _ := b.Contiguous()
	b.Release()
	if string(late) != "still mine" {
		t.Errorf("bytes with a reference left are %q", late)
	}
	other.Release()
	for i, c := range late {
		if c != 0xdb {
			t.Errorf("byte %d of released memory is still %q", i, c)
		}
	}
}

// Goal: counting references wrongly is a panic.
func TestReferenceMistakes(t *testing.T) {
	cases := []struct {
		name string
		call func(m *env.Mem)
		want string
	}{
		{"released twice", func(m *env.Mem) { m.Release(); m.Release() }, "env: memory released twice"},
		{"retained after its release", func(m *env.Mem) { m.Release(); m.Retain() }, "env: retain of released memory"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if r := fmt.Sprint(recover()); r != c.want {
					t.Errorf("panic is %q, want %q", r, c.want)
				}
			}()
			c.call(env.NewPool().Get(10))
		})
	}
	defer func() {
		if recover() == nil {
			t.Errorf("a negative size does not panic")
		}
	}()
	env.NewPool().Get(-1)
}

// Goal: references may be dropped by any task. Method: goroutines that share
// memory and give it back, under the race detector.
func TestPoolIsShared(t *testing.T) {
	pool := env.NewPoisonedPool()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				b := memBuf(pool, []byte{byte(i), byte(j)})
				again := b.Retain()
				wg.Go(func() {
					var got [2]byte
					if err := again.ReadAt(got[:], 0); err != nil || got != [2]byte{byte(i), byte(j)} {
						t.Errorf("read %v, %v, want %d %d", got, err, i, j)
					}
					again.Release()
				})
				b.Release()
			}
		})
	}
	wg.Wait()
	if pool.Live() != 0 {
		t.Errorf("%d are live", pool.Live())
	}
}

// Goal: Never stays Never, and no sum wraps around.
func TestTime(t *testing.T) {
	cases := []struct {
		name string
		at   env.Time
		d    time.Duration
		want env.Time
	}{
		{"a sum", 5, 7, 12},
		{"back", 5, -7, -2},
		{"Never plus anything", env.Never, -7, env.Never},
		{"a sum above the maximum", env.Never - 3, 4, env.Never},
		{"the longest span", 1, 1<<63 - 1, env.Never},
	}
	for _, c := range cases {
		if got := c.at.Add(c.d); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := env.Time(12).Sub(5); got != 7 {
		t.Errorf("12 - 5 is %v", got)
	}
}

func BenchmarkPoolGetRelease(b *testing.B) {
	b.ReportAllocs()
	pool := env.NewPool()
	for b.Loop() {
		pool.Get(16 << 10).Release()
	}
}
