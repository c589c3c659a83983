package provider

import (
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// The separators of JoinFacts, which are ASCII's own for this. Plain text has neither.
const (
	factSeparator  = "\x1e"
	valueSeparator = "\x1f"
)

// JoinFacts makes one text of facts, plain and without those that are empty, so that a service that lays them out can
// still cut them as one [Part]. [SplitFacts] is the way back, whatever was cut off the end.
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

// SplitFacts returns the facts of a text that JoinFacts made. Of one that was cut within its label nothing else is left.
func SplitFacts(text string) []mackerel.Fact {
	if text == "" {
		return nil
	}
	var facts []mackerel.Fact
	for _, s := range strings.Split(text, factSeparator) {
		label, value, _ := strings.Cut(s, valueSeparator)
		facts = append(facts, mackerel.Fact{Label: label, Value: value})
	}
	return facts
}
