package plotstyle

import (
	"cmp"
	"image"
	"image/color"
	"slices"
)

// paletteMost is how many colours a picture has at most, as its format asks.
const paletteMost = 256

// paletted gives a picture at most 256 colours, which makes its file less than half as
// large: the most frequent ones as they are, and of the shades at the edges of letters
// and lines those that are rare as the nearest of these.
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
	chosen := choose(colours)
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

// Of a palette, how many colours are the most frequent ones whatever they are, and how
// much the others differ from all before them, so that they are spread over what is there.
const (
	paletteExact = 96
	paletteApart = 150
)

// choose takes the palette from colours in the order of how frequent they are.
func choose(colours []uint32) (chosen []uint32) {
	if len(colours) <= paletteMost {
		return colours
	}
	for _, c := range colours {
		if len(chosen) == paletteMost {
			break
		}
		if len(chosen) >= paletteExact {
			if _, d := nearest(chosen, c); d < paletteApart {
				continue
			}
		}
		chosen = append(chosen, c)
	}
	return chosen
}

// nearest is the place of the colour that differs least, and by how much, as eyes weigh
// red, green and blue.
func nearest(palette []uint32, c uint32) (best uint8, least int) {
	least = 1 << 30
	for n, p := range palette {
		r, g, b := int(p>>16)-int(c>>16), int(p>>8&255)-int(c>>8&255), int(p&255)-int(c&255)
		if d := 2*r*r + 4*g*g + b*b; d < least {
			least, best = d, uint8(n)
		}
	}
	return best, least
}
