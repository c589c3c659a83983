package provider

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// A measure is how numbers of a metric are written.
type measure struct {
	unit  string // behind the number, with a blank if there has to be one
	scale bool   // bytes, in thousands: B, kB, MB, ...
}

// The metrics of mackerel-agent whose names prove a unit. Other names prove nothing: a service metric named "bytes" may
// be anything. See https://mackerel.io/docs/entry/spec/metrics.
var (
	bytesMetric = regexp.MustCompile(`^(memory\..*|filesystem\..*\.(size|used))$`)
	rateMetric  = regexp.MustCompile(`^interface\..*\.[rt]xBytes\.delta$`)
	iopsMetric  = regexp.MustCompile(`^disk\..*\.(reads|writes)\.delta$`)
)

// measureOf returns how to write the numbers of a metric.
func measureOf(kind, label string, ofHost bool) measure {
	switch {
	case kind == "external":
		return measure{unit: " ms"}
	case kind == "expression":
		return measure{} // the label is a formula
	case strings.HasSuffix(label, "%"), strings.HasSuffix(label, ".percentage"):
		return measure{unit: "%"}
	case !ofHost || len(label) > maxMetricName:
		return measure{}
	case bytesMetric.MatchString(label):
		return measure{scale: true}
	case rateMetric.MatchString(label):
		return measure{unit: "/s", scale: true}
	case iopsMetric.MatchString(label):
		return measure{unit: " iops"}
	}
	return measure{}
}

// maxMetricName is the longest name that is looked at for a unit, in bytes.
const maxMetricName = 1000

// byteUnits are powers of a thousand, as Mackerel counts ("2000000000000byte(2TB)").
var byteUnits = []string{" B", " kB", " MB", " GB", " TB"}

// unitOf returns the unit in which numbers are written, that of the largest, and by what they are divided.
func (m measure) unitOf(values ...float64) (divisor float64, unit string) {
	if !m.scale {
		return 1, m.unit
	}
	largest := 0.0
	for _, v := range values {
		if !math.IsInf(v, 0) {
			largest = max(largest, math.Abs(v)) // NaN stays out of it below
		}
	}
	i, divisor := 0, 1.0
	for i < len(byteUnits)-1 && largest >= 1000*divisor {
		i, divisor = i+1, divisor*1000
	}
	return divisor, byteUnits[i] + m.unit
}

// number writes one number with its unit.
func (m measure) number(v float64) string {
	divisor, unit := m.unitOf(v)
	v /= divisor
	return number(v, decimals(v)) + unit
}

// compare writes two numbers so that a comparison of what is written is true, if that of the numbers is.
func (m measure) compare(a float64, operator string, b float64) string {
	divisor, unit := m.unitOf(a, b)
	a, b = a/divisor, b/divisor
	left, right := different(a, b, number, decimals(a), decimals(b))
	return left + unit + " " + operator + " " + right + unit
}

// different writes two numbers with the given decimals, and with more decimals until they differ.
func different(a, b float64, write func(float64, int) string, forA, forB int) (left, right string) {
	left, right = write(a, forA), write(b, forB)
	for n := min(forA, forB) + 1; left == right && a != b && n < maxDecimals; n++ {
		left, right = write(a, max(n, forA)), write(b, max(n, forB))
	}
	return left, right
}

// maxDecimals is more than two different numbers need.
const maxDecimals = 340

// decimals returns with how many decimals a number is written: 2, as Mackerel writes numbers, or as many as three digits
// of a number below 1 need.
func decimals(v float64) int {
	v = math.Abs(v)
	if v >= 1 || v == 0 || math.IsNaN(v) {
		return 2
	}
	return 2 - int(math.Floor(math.Log10(v)))
}

// number writes a number with at most so many decimals: without an exponent, without zeros at the end, and with commas
// from 10,000 on. "NaN", "+Inf" and "-Inf" stay as strconv writes them.
func number(v float64, decimals int) string {
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(v, 'f', decimals, 64), ".")
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		fraction = "." + fraction
	}
	if whole == "-0" && fraction == "" {
		return "0"
	}
	return commas(whole) + fraction
}

func commas(whole string) string {
	digits := strings.TrimPrefix(whole, "-")
	sign := whole[:len(whole)-len(digits)]
	if len(digits) < 5 {
		return whole
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range []byte(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(d)
	}
	return b.String()
}

// holds reports whether a comparison is true. An operator that this version does not know is taken at its word.
func holds(a float64, operator string, b float64) bool {
	switch operator {
	case ">":
		return a > b
	case "<":
		return a < b
	}
	return true
}

// measureOfAlert returns how to write the numbers of an alert.
func measureOfAlert(a mackerel.Alert) measure {
	return measureOf(a.Monitor.Type, a.Metric.Label, a.Host != nil || a.Monitor.Type == "host")
}
