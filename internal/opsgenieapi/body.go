package opsgenieapi

import (
	"slices"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// An alert is the body of a creation.
type alert struct {
	Message     string              `json:"message"`
	Alias       string              `json:"alias,omitzero"`
	Description string              `json:"description,omitzero"`
	Responders  []Responder         `json:"responders,omitzero"`
	Tags        []string            `json:"tags,omitzero"`
	Details     provider.Properties `json:"details"`
	Entity      string              `json:"entity,omitzero"`
	Source      string              `json:"source,omitzero"`
	Priority    Priority            `json:"priority,omitzero"`
}

// A note is the body of everything else.
type note struct {
	Source string `json:"source,omitzero"`
	Note   string `json:"note,omitzero"`
}

// A cutter shortens texts and remembers what it cut.
type cutter struct{ cuts []mackerel.Cut }

func (c *cutter) short(field, text string, limit int) string {
	text = provider.Plain(text)
	cut := provider.UTF16.Shorten(text, limit)
	if from, to := provider.UTF16.Len(text), provider.UTF16.Len(cut); to < from {
		c.cuts = append(c.cuts, mackerel.Cut{Field: field, Unit: provider.UTF16.Name, From: from, To: to})
	}
	return cut
}

// body renders a message within the limits, and says what was cut for that.
func (m Message) body() ([]byte, []mackerel.Cut, error) {
	var c cutter
	var body any
	if m.action() == ActionCreate {
		body = m.alert(&c)
	} else {
		body = note{Source: c.short("source", m.Source, MaxSource), Note: m.note(&c)}
	}
	b, err := provider.EncodeJSON(body)
	return b, c.cuts, err
}

func (m Message) alert(c *cutter) alert {
	title := provider.Plain(m.Title)
	a := alert{
		Alias: m.Alias, Responders: m.Responders, Priority: m.Priority,
		Message: c.short("title", title, MaxMessage),
		Entity:  c.short("entity", m.Entity, MaxEntity),
		Source:  c.short("source", m.Source, MaxSource),
	}
	if a.Message == title {
		title = "" // it need not be said again
	}
	a.Description = m.description(c, title)
	a.Details = m.details(c)
	a.Tags = m.tags(c)
	return a
}

// description begins with a title that did not fit into the message, and ends with the link.
func (m Message) description(c *cutter, title string) string {
	text, memo, address := provider.Plain(m.Text), m.Memo, provider.Plain(m.URL)
	memo.Label, memo.Value = provider.Plain(memo.Label), provider.Plain(memo.Value)
	out, cuts := provider.UTF16.Fit(MaxDescription,
		func() string { return provider.Join("\n\n", title, text, provider.Line(memo), address) },
		provider.Part{Field: "memo", Text: &memo.Value}, provider.Part{Field: "text", Text: &text},
		provider.Part{Field: "title", Text: &title}, provider.Part{Field: "url", Text: &address},
	)
	c.cuts = append(c.cuts, cuts...)
	return out
}

// details are the facts. The last go first.
func (m Message) details(c *cutter) provider.Properties {
	all := provider.NewProperties(m.Facts)
	var parts []provider.Part
	for i := len(all) - 1; i >= 0; i-- {
		parts = append(parts, provider.Part{Field: "facts", Text: &all[i].Value})
	}
	encode := func() string {
		b, err := all.Whole().MarshalJSON()
		if err != nil {
			return "" // strings always encode
		}
		return string(b)
	}
	_, cuts := provider.UTF16.Fit(MaxDetails, encode, parts...)
	c.cuts = append(c.cuts, cuts...)
	return all.Whole()
}

// tags are each there once.
func (m Message) tags(c *cutter) []string {
	var tags []string
	for _, tag := range m.Tags {
		if tag = c.short("tags", tag, MaxTag); tag != "" && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	if n := len(tags); n > MaxTags {
		c.cuts = append(c.cuts, mackerel.Cut{Field: "tags", Unit: "items", From: n, To: MaxTags})
		tags = tags[:MaxTags]
	}
	return tags
}

// note is a message as one text.
func (m Message) note(c *cutter) string {
	text, facts, memo := m.Text, provider.Lines(m.Facts), m.Memo.Value
	out, cuts := provider.UTF16.Fit(MaxNote,
		func() string { return m.text(facts, text, memo) },
		provider.Part{Field: "memo", Text: &memo}, provider.Part{Field: "text", Text: &text},
		provider.Part{Field: "facts", Text: &facts}, provider.Part{Field: "title", Text: &m.Title},
		provider.Part{Field: "url", Text: &m.URL},
	)
	c.cuts = append(c.cuts, cuts...)
	return out
}

// text is the message with these for its facts, text and memo.
func (m Message) text(facts, text, memo string) string {
	memo = provider.Line(mackerel.Fact{Label: m.Memo.Label, Value: memo})
	return provider.Plain(provider.Join("\n", m.Title, text, facts, memo, m.URL))
}
