package provider

import (
	"bytes"
	"slices"

	"github.com/mackerel-notify/mackerel"
)

// Properties are facts as the members of a JSON object, which is written in their order.
type Properties []mackerel.Fact

// unnamed is the label of a fact that has a value and no label.
const unnamed = "info"

// NewProperties makes facts fit for an object: plain text, nothing empty, and every label once. Values under the same
// label become the lines of one.
func NewProperties(facts []mackerel.Fact) Properties {
	p := make(Properties, 0, len(facts))
	for _, f := range facts {
		f = mackerel.Fact{Label: Plain(f.Label), Value: Plain(f.Value)}
		if f.Value == "" {
			continue
		}
		if f.Label == "" {
			f.Label = unnamed
		}
		i := slices.IndexFunc(p, func(o mackerel.Fact) bool { return o.Label == f.Label })
		if i < 0 {
			p = append(p, f)
			continue
		}
		p[i].Value += "\n" + f.Value
	}
	return p
}

// Whole returns those that still have a value, after others were cut to nothing.
func (p Properties) Whole() Properties {
	return slices.DeleteFunc(slices.Clone(p), func(f mackerel.Fact) bool { return f.Value == "" })
}

// MarshalJSON writes the object.
func (p Properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, s := range [...]string{f.Label, f.Value} {
			quoted, err := EncodeJSON(s)
			if err != nil {
				return nil, err
			}
			if j == 1 {
				b.WriteByte(':')
			}
			b.Write(quoted)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
