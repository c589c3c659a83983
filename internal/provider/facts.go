package provider

import (
	"cmp"
	"math"
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
	lines, _ := Bytes.Lines(facts, math.MaxInt)
	return lines
}

// Lines returns a beginning of the facts' lines that is long enough for cutting them to n units, and how many units the
// rest has.
func (u Unit) Lines(facts []mackerel.Fact, n int) (lines string, rest int) {
	size := 0
	for _, f := range facts {
		size += len(f.Label) + len(f.Value) + len(": \n")
	}
	c := collector{unit: u, room: n}
	c.text.Grow(min(size, n))
	for i, f := range facts {
		if i > 0 {
			c.add("\n")
		}
		c.add(f.Label)
		c.add(": ")
		c.add(f.Value)
	}
	return c.text.String(), c.rest
}

// Line is Lines of a single fact. The line is empty if the fact has no value.
func (u Unit) Line(f mackerel.Fact, n int) (line string, rest int) {
	if f.Value == "" {
		return "", 0
	}
	return u.Lines([]mackerel.Fact{f}, n)
}

// A collector joins texts as far as there is room, and counts the rest.
type collector struct {
	unit Unit
	room int // in units; negative if no more text is needed
	text strings.Builder
	rest int
}

func (c *collector) add(text string) { c.take(c.unit.Limit(text, c.room)) }

func (c *collector) addPlain(text string) { c.take(c.unit.Plain(text, c.room)) }

func (c *collector) take(beginning string, rest int) {
	c.text.WriteString(beginning)
	c.room -= c.unit.Len(valid(beginning))
	c.rest += rest
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

// JoinFacts returns the facts as one text, plain and without those that are empty, so that a service that lays facts
// out can cut them as one [Part]. It returns a beginning that is long enough for cutting the text to n units, and how
// many units the rest has. [SplitFacts] takes the text apart again, also after it was cut.
func (u Unit) JoinFacts(facts []mackerel.Fact, n int) (joined string, rest int) {
	c := collector{unit: u, room: n}
	for _, f := range facts {
		if f.Value == "" {
			continue
		}
		if c.text.Len() > 0 {
			c.add(factSeparator)
		}
		c.addPlain(f.Label)
		c.add(valueSeparator)
		c.addPlain(f.Value)
	}
	return c.text.String(), c.rest
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

// minMember is the fewest characters of JSON that a member has beside its name and value.
const minMember = len(`"":"",`)

// Facts returns the facts that a JSON object of n units may have room for, as plain text, and how many units the values
// of the rest have. It leaves out facts that are empty.
func (u Unit) Facts(facts []mackerel.Fact, n int) (first []mackerel.Fact, rest int) {
	first = make([]mackerel.Fact, 0, min(len(facts), n))
	named := make(map[string]bool)
	for _, f := range facts {
		if f.Value == "" {
			continue
		}
		value, more := u.Plain(f.Value, n)
		if rest += more; n < 0 {
			continue
		}
		label, _ := u.Plain(f.Label, n)
		first = append(first, mackerel.Fact{Label: label, Value: value})
		if n -= u.Len(value); !named[label] { // otherwise the value is added to another
			n -= u.Len(label) + minMember
		}
		named[label] = true
	}
	return first, rest
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

// Parts returns the values under some labels as the parts of a field, from the last one on. The rest is what
// [Unit.Facts] returns.
func (p Properties) Parts(field string, rest int, has func(label string) bool) (parts []Part) {
	for i := len(p) - 1; i >= 0; i-- {
		if has(p[i].Label) {
			parts = append(parts, Part{field, &p[i].Value, rest})
			rest = 0
		}
	}
	return parts
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
