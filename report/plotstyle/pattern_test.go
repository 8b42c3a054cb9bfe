package plotstyle

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Goal: what stands side by side can be told in grey: no two colours of one set have both
// the pattern of their areas and nearly the same lightness, or the same shape of marks.
// Method: all pairs of the colours of series, of codecs and of stages.
func TestPatternsAreDistinct(t *testing.T) {
	sets := map[string][]color.RGBA{"series": Series, "stages": Stages}
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		colour, ok := Codec(name)
		if !ok {
			t.Fatalf("the codec %s has no colour", name)
		}
		sets["codecs"] = append(sets["codecs"], colour)
	}
	for name, set := range sets {
		for i, a := range set {
			for _, b := range set[:i] {
				same := fmt.Sprint(patterns[a].hatch) == fmt.Sprint(patterns[b].hatch)
				if apart := luminance(a) - luminance(b); same && apart*apart < 0.1*0.1 {
					t.Errorf("%s: areas of %v and %v look the same in grey", name, a, b)
				}
				if name != "stages" && Shape(a) == Shape(b) {
					t.Errorf("%s: marks of %v and %v have one shape", name, a, b)
				}
			}
		}
	}
}

// Goal: patterns repeat themselves after whole pixels, so that pictures of them are small.
// Method: an area of each hatch at the density of pictures; every pixel within it is that
// one period on.
func TestPatternsRepeat(t *testing.T) {
	for ink, p := range patterns {
		for _, h := range p.hatch {
			img := vgimg.NewWith(vgimg.UseWH(60, 60), vgimg.UseDPI(dotsPerInch))
			c := draw.New(img)
			for _, line := range h.across(c.Rectangle) {
				c.StrokeLine2(draw.LineStyle{Color: ink, Width: hatchWide}, line[0].X, line[0].Y, line[1].X, line[1].Y)
			}
			right, up, marked := h.pixels, 0, 0
			if h.degrees == 0 {
				right, up = 0, h.pixels
			}
			for y := 10; y < 100; y++ {
				for x := 10; x < 100; x++ {
					here, there := img.Image().At(x, y), img.Image().At(x+right, y+up)
					if here != there {
						t.Fatalf("%v: pixel %d,%d is %v and a period on %v", h, x, y, here, there)
					}
					if r, _, _, _ := here.RGBA(); r < 0xff00 {
						marked++
					}
				}
			}
			if marked == 0 {
				t.Errorf("%v: no line is drawn", h)
			}
		}
	}
}

// Goal: a picture of few colours keeps them exactly, and one of many keeps the frequent
// ones and stays near the others. Method: made pictures.
func TestPaletted(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range 64 * 64 {
		c := color.RGBA{R: uint8(i), G: uint8(i >> 4), B: 7, A: 255} // many, each once or twice
		if i >= 1000 {
			c = color.RGBA{R: 213, G: 94, A: 255}
		}
		img.SetRGBA(i%64, i/64, c)
	}
	out := paletted(img)
	if len(out.Palette) > paletteMost {
		t.Fatalf("%d colours", len(out.Palette))
	}
	for i := range 64 * 64 {
		want, got := img.RGBAAt(i%64, i/64), color.RGBAModel.Convert(out.At(i%64, i/64)).(color.RGBA)
		if i >= 1000 && got != want {
			t.Fatalf("the most frequent colour %v became %v", want, got)
		}
		far := func(a, b uint8) bool { return max(a, b)-min(a, b) > 24 }
		if far(got.R, want.R) || far(got.G, want.G) || far(got.B, want.B) {
			t.Fatalf("pixel %d: %v became %v", i, want, got)
		}
	}
}

// Goal: names beside points lie on no other name, no point, and within the frame.
// Method: places for three points close to each other, taken one after the other.
func TestNamesBesidePoints(t *testing.T) {
	frame := vg.Rectangle{Max: vg.Point{X: 200, Y: 100}}
	points := []vg.Point{{X: 100, Y: 50}, {X: 104, Y: 52}, {X: 198, Y: 50}}
	var taken []vg.Rectangle
	for _, p := range points {
		taken = append(taken, around(p, spotRadius))
	}
	for n, p := range points {
		found := false
		for _, box := range besides(p, 40, 7) {
			if inside(box, frame) && !overlaps(box, taken) {
				taken, found = append(taken, box), true
				break
			}
		}
		if !found {
			t.Errorf("point %d has no place for its name", n)
		}
	}
}
