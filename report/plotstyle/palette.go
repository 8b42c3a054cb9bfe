package plotstyle

import (
	"cmp"
	"image"
	"image/color"
	"math"
	"slices"
)

// paletteMost is how many colours a picture has at most. The format allows 256; with 64
// nobody sees a difference, and files are a third smaller.
const paletteMost = 64

// paletted gives a picture few colours, which makes its file a third as large: the most
// frequent ones as they are, and the rare shades at the edges of letters and lines as the
// nearest ones of the palette.
func paletted(img *image.RGBA) *image.Paletted {
	counts := map[uint32]int{}
	pixels := make([]uint32, len(img.Pix)/4)
	last, run := uint32(0), 0
	for i := range pixels {
		p := img.Pix[4*i : 4*i+4 : 4*i+4]
		c := uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2])
		pixels[i] = c
		if c != last {
			counts[last] += run
			last, run = c, 0
		}
		run++
	}
	counts[last] += run
	colours := make([]uint32, 0, len(counts))
	for c, n := range counts {
		if n > 0 {
			colours = append(colours, c)
		}
	}
	slices.SortFunc(colours, func(a, b uint32) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	chosen := choose(colours, counts)
	out := image.NewPaletted(img.Bounds(), nil)
	for _, c := range chosen {
		out.Palette = append(out.Palette, color.RGBA{R: uint8(c >> 16), G: uint8(c >> 8), B: uint8(c), A: 255})
	}
	index := make(map[uint32]uint8, len(colours))
	for _, c := range colours {
		index[c], _ = nearest(chosen, c)
	}
	last, at := pixels[0], index[pixels[0]]
	for i, c := range pixels {
		if c != last {
			last, at = c, index[c]
		}
		out.Pix[i] = at
	}
	return out
}

// paletteExact is how many colours of a palette are the most frequent ones whatever they
// are: the inks and fills that the figure names. The others are chosen so that what is
// left is near one of them.
const paletteExact = 32

// choose takes the palette from colours in the order of how frequent they are: after the
// exact ones always that which differs most from all chosen before it, the more so the
// more pixels have it.
func choose(colours []uint32, counts map[uint32]int) (chosen []uint32) {
	if len(colours) <= paletteMost {
		return colours
	}
	chosen = append(chosen, colours[:paletteExact]...)
	far := make([]float64, len(colours)) // of each colour from the nearest one chosen
	for i, c := range colours {
		_, d := nearest(chosen, c)
		far[i] = float64(d)
	}
	for len(chosen) < paletteMost {
		best, most := 0, -1.0
		for i, c := range colours {
			if score := far[i] * math.Sqrt(float64(counts[c])); score > most {
				best, most = i, score
			}
		}
		chosen = append(chosen, colours[best])
		for i, c := range colours {
			far[i] = min(far[i], float64(difference(colours[best], c)))
		}
	}
	return chosen
}

// nearest is the place of the colour that differs least, and by how much.
func nearest(palette []uint32, c uint32) (best uint8, least int) {
	least = 1 << 30
	for n, p := range palette {
		if d := difference(p, c); d < least {
			least, best = d, uint8(n)
		}
	}
	return best, least
}

// difference of two colours, as eyes weigh red, green and blue.
func difference(a, b uint32) int {
	red, green, blue := int(a>>16)-int(b>>16), int(a>>8&255)-int(b>>8&255), int(a&255)-int(b&255)
	return 2*red*red + 4*green*green + blue*blue
}
