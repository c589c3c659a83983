package provider

import (
	"slices"
	"strings"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Line is a fact in one line, "label: value", or nothing if it has no value.
func Line(f mackerel.Fact) string {
	if f.Value == "" {
		return ""
	}
	return f.Label + ": " + f.Value
}

// Lines are the facts, a line each. They are not escaped.
func Lines(facts []mackerel.Fact) string {
	size := 0
	for _, f := range facts {
		size += len(f.Label) + len(f.Value) + len(": \n")
	}
	var b strings.Builder
	b.Grow(size)
	for i, f := range facts {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(f.Label)
		b.WriteString(": ")
		b.WriteString(f.Value)
	}
	return b.String()
}

// Join joins what is not empty.
func Join(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
}

// Rating is the status of an alert or an alert group, and "" of any other event: a host that was registered is not
// unknown.
func Rating(a mackerel.Alert) mackerel.Status {
	switch a.Event {
	case "", mackerel.EventAlert, mackerel.EventAlertGroup:
		return a.Status.Fold()
	default:
		return ""
	}
}

// ByStatus copies what a configuration has for each status, under the statuses in the form in which they are looked up.
func ByStatus[V any](m map[mackerel.Status]V) map[mackerel.Status]V {
	folded := make(map[mackerel.Status]V, len(m))
	for status, v := range m {
		folded[status.Fold()] = v
	}
	return folded
}

// Linkable reports whether an address can be put behind a link: http or https, without blanks, and no longer than so
// many characters.
func Linkable(address string, longest int) bool {
	if strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return false
	}
	_, problem := transport.ParseURL(address)
	return problem == "" && Runes.Len(address) <= longest
}
