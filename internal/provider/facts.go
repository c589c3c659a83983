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
	return f.Label + ": " + f.Value
}

// Lines returns the facts, a line each. They are not escaped.
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

// Join joins the parts that are not empty.
func Join(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
}

// The separators of JoinFacts: the record and the unit separator of ASCII. [Plain] replaces both in texts.
const (
	factSeparator  = "\x1e"
	valueSeparator = "\x1f"
)

// JoinFacts returns the facts as one text, plain and without those that are empty, so that a service that lays facts out
// can cut them as one [Part]. [SplitFacts] takes the text apart again, also after it was cut.
func JoinFacts(facts []mackerel.Fact) string {
	var b strings.Builder
	for _, f := range facts {
		if f.Value == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(factSeparator)
		}
		b.WriteString(Plain(f.Label))
		b.WriteString(valueSeparator)
		b.WriteString(Plain(f.Value))
	}
	return b.String()
}

// SplitFacts returns the facts of a text that JoinFacts made. A fact that was cut within its label has no value.
func SplitFacts(text string) []mackerel.Fact {
	if text == "" {
		return nil
	}
	var facts []mackerel.Fact
	for s := range strings.SplitSeq(text, factSeparator) {
		label, value, _ := strings.Cut(s, valueSeparator)
		facts = append(facts, mackerel.Fact{Label: label, Value: value})
	}
	return facts
}

// Properties are facts as a JSON object, whose members keep their order.
type Properties []mackerel.Fact

// unnamed is the label of a fact that has a value and no label.
const unnamed = "info"

// NewProperties makes facts fit for an object: plain text, no empty values, and every label once. Values under the same
// label become the lines of one value.
func NewProperties(facts []mackerel.Fact) Properties {
	p := make(Properties, 0, len(facts))
	at := make(map[string]int, len(facts))
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

// Whole returns the properties that have a value, after others were cut to nothing.
func (p Properties) Whole() Properties {
	return slices.DeleteFunc(slices.Clone(p), func(f mackerel.Fact) bool { return f.Value == "" })
}

// MarshalJSONTo writes the object.
func (p Properties) MarshalJSONTo(e *jsontext.Encoder) error {
	tokens := []jsontext.Token{jsontext.BeginObject}
	for _, f := range p {
		tokens = append(tokens, jsontext.String(f.Label), jsontext.String(f.Value))
	}
	for _, t := range append(tokens, jsontext.EndObject) {
		if err := e.WriteToken(t); err != nil {
			return err
		}
	}
	return nil
}
