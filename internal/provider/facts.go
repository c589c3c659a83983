package provider

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
)

// Line returns a fact in one line, "label: value", or "" if it has no value.
func Line(f mackerel.Fact) string {
	if f.Value == "" {
		return ""
	}
	return Lines([]mackerel.Fact{f})
}

// Lines returns the facts, a line each. They are not escaped.
func Lines(facts []mackerel.Fact) string {
	size := 0
	for _, f := range facts {
		size += len(f.Label) + len(f.Value) + len(": \n")
	}
	var b strings.Builder
	b.Grow(size)
	for _, f := range facts {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if f.Label != "" {
			b.WriteString(f.Label)
			b.WriteString(": ")
		}
		b.WriteString(f.Value)
	}
	return b.String()
}

// Join joins the parts that are not empty.
func Join(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
}

// Properties are facts as a JSON object, whose members keep their order.
type Properties []mackerel.Fact

// unnamed is the label of a fact that has a value and no label.
const unnamed = "info"

// NewProperties makes facts fit for an object: plain text, no empty values, and every label once. Values under the same
// label become the lines of one value.
func NewProperties(facts []mackerel.Fact) Properties {
	p := make(Properties, 0, len(facts))
	at := make(map[string]int)
	more := map[int][]string{} // the values of labels that occur again
	for _, f := range facts {
		f = mackerel.Fact{Label: Plain(f.Label), Value: Plain(f.Value)}
		if f.Value == "" {
			continue
		}
		f.Label = cmp.Or(f.Label, unnamed)
		if i, ok := at[f.Label]; ok {
			more[i] = append(more[i], f.Value)
			continue
		}
		at[f.Label] = len(p)
		p = append(p, f)
	}
	for i, values := range more {
		p[i].Value += "\n" + strings.Join(values, "\n")
	}
	return p
}

// MarshalJSONTo writes the object, without properties whose value was cut to nothing.
func (p Properties) MarshalJSONTo(e *jsontext.Encoder) error {
	err := e.WriteToken(jsontext.BeginObject)
	for _, f := range p {
		if err == nil && f.Value != "" {
			err = cmp.Or(e.WriteToken(jsontext.String(f.Label)), e.WriteToken(jsontext.String(f.Value)))
		}
	}
	return cmp.Or(err, e.WriteToken(jsontext.EndObject))
}
