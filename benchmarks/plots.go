package main

import (
	"bytes"
	"image/color"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

var (
	blue   = color.RGBA{0x1f, 0x6f, 0xb5, 0xff} // this module
	grey   = color.RGBA{0x9a, 0xa3, 0xab, 0xff} // everything else
	orange = color.RGBA{0xd9, 0x82, 0x1f, 0xff}
	green  = color.RGBA{0x3a, 0x92, 0x5a, 0xff}
	purple = color.RGBA{0x80, 0x55, 0xa8, 0xff}
	red    = color.RGBA{0xc0, 0x3d, 0x3d, 0xff}
	faint  = color.RGBA{0xdd, 0xe1, 0xe5, 0xff}
)

// A bar is one bar of a chart, with the quartiles of its value if it has any.
type bar struct {
	label     string
	value     float64
	quartiles Quartiles
	color     color.Color
}

// A chart is a plot of bars, the first on top.
type chart struct {
	title, axis string
	mark        float64 // where a line is drawn across all bars; 0 for no line
	bars        []bar
}

func (c chart) plot() (*plot.Plot, error) {
	p := newPlot(c.title)
	p.X.Label.Text, p.X.Min = c.axis, 0
	labels := make([]string, len(c.bars))
	var errors xErrors
	for i, b := range c.bars {
		at := len(c.bars) - 1 - i
		labels[at] = b.label
		one, err := plotter.NewBarChart(plotter.Values{b.value}, vg.Points(11))
		if err != nil {
			return nil, err
		}
		one.Horizontal, one.XMin, one.Color, one.LineStyle.Width = true, float64(at), b.color, 0
		p.Add(one)
		if b.quartiles != (Quartiles{}) {
			errors.add(b.value, float64(at), b.quartiles)
		}
	}
	if len(errors.XYs) > 0 {
		whiskers, err := plotter.NewXErrorBars(errors)
		if err != nil {
			return nil, err
		}
		p.Add(whiskers)
	}
	if c.mark > 0 {
		line, err := plotter.NewLine(plotter.XYs{{X: c.mark, Y: -0.5}, {X: c.mark, Y: float64(len(c.bars)) - 0.5}})
		if err != nil {
			return nil, err
		}
		line.Color, line.Dashes = red, []vg.Length{vg.Points(4), vg.Points(3)}
		p.Add(line)
	}
	p.NominalY(labels...)
	p.Y.Padding = vg.Points(14) // the reader's font may be wider than the font that is measured here
	p.X.Tick.Marker = plot.TickerFunc(ticks)
	p.Y.Min, p.Y.Max = -0.6, float64(len(c.bars))-0.4
	p.X.Max *= 1.04
	return p, nil
}

// ticks are at most ten round numbers of an axis.
func ticks(low, high float64) (all []plot.Tick) {
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	for _, part := range []float64{0.1, 0.2, 0.5, 1} {
		if (high-low)/(part*step) <= 10 {
			step *= part
			break
		}
	}
	for n := math.Ceil(low / step); n*step <= high; n++ {
		all = append(all, plot.Tick{Value: n * step, Label: trimmed(n * step)})
	}
	return all
}

// xErrors are the whiskers of bars.
type xErrors struct {
	plotter.XYs
	plotter.XErrors
}

func (e *xErrors) add(value, at float64, q Quartiles) {
	e.XYs = append(e.XYs, plotter.XY{X: value, Y: at})
	e.XErrors = append(e.XErrors, struct{ Low, High float64 }{value - q.Low, q.High - value})
}

// A curve is a line through points.
type curve struct {
	label  string
	points plotter.XYs
	color  color.Color
}

// curves plots lines. The axis below is logarithmic.
func curves(title, x, y string, all []curve) (*plot.Plot, error) {
	p := newPlot(title)
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	for _, c := range all {
		line, points, err := plotter.NewLinePoints(c.points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width, points.Color, points.Shape = c.color, vg.Points(1.6), c.color, draw.CircleGlyph{}
		p.Add(line, points)
		p.Legend.Add(c.label, line, points)
	}
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(3)
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(8), -vg.Points(6)
	return p, nil
}

func newPlot(title string) *plot.Plot {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(13), vg.Points(8)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font.Size, axis.Tick.Label.Font.Size = vg.Points(11), vg.Points(10)
		axis.LineStyle.Color, axis.Tick.LineStyle.Color = grey, grey
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, nil
	p.Add(grid)
	p.BackgroundColor = nil
	return p
}

// drawTo writes a plot as SVG. Who does not have the font, which looks like Arial, sees another one without serifs.
func drawTo(file string, p *plot.Plot, height vg.Length) error {
	canvas := vgsvg.New(vg.Points(640), height)
	full := draw.New(canvas)
	full.SetColor(color.White) // the text is black, also where the page is dark
	full.Fill(full.Rectangle.Path())
	p.Draw(draw.Crop(full, vg.Points(8), -vg.Points(16), vg.Points(6), -vg.Points(8)))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return err
	}
	svg := bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,sans-serif"))
	return os.WriteFile(file, svg, 0o644)
}
