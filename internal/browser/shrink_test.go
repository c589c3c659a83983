package browser_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"slices"
	"testing"
)

// shrink reduces a PNG file to its 256 most frequent colours. A picture of a page then has a third of its size.
func shrink(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	full, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	palette := frequent(full)
	small := image.NewPaletted(full.Bounds(), palette)
	nearest := map[color.Color]uint8{}
	for x, y := range pixels(full) {
		c := full.At(x, y)
		if _, known := nearest[c]; !known {
			nearest[c] = uint8(palette.Index(c))
		}
		small.SetColorIndex(x, y, nearest[c])
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// frequent returns the 256 most frequent colours of a picture.
func frequent(picture image.Image) color.Palette {
	count := map[color.Color]int{}
	for x, y := range pixels(picture) {
		count[picture.At(x, y)]++
	}
	all := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return cmp.Compare(count[b], count[a]) })
	return all[:min(256, len(all))]
}

// pixels yields the place of each pixel of a picture.
func pixels(picture image.Image) func(yield func(x, y int) bool) {
	return func(yield func(x, y int) bool) {
		b := picture.Bounds()
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				if !yield(x, y) {
					return
				}
			}
		}
	}
}
