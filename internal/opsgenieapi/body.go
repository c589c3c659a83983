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

// A note is the body of every other operation.
type note struct {
	Source string `json:"source,omitzero"`
	Note   string `json:"note,omitzero"`
}

// encode returns the body of a message within all limits, and says what was cut for that.
func (m Message) encode() ([]byte, []mackerel.Cut, error) {
	c := provider.Cutter{Unit: provider.UTF16}
	var body any
	if m.Action == ActionCreate {
		body = m.alert(&c)
	} else {
		body = note{Source: c.Text("source", m.Source, maxSource), Note: m.note(&c)}
	}
	encoded, err := provider.EncodeJSON(body)
	return encoded, c.Cuts, err
}

func (m Message) alert(c *provider.Cutter) alert {
	title := provider.Plain(m.Title)
	a := alert{
		Alias: m.Alias, Responders: m.Responders, Priority: m.Priority,
		Message: c.Text("title", title, maxMessage),
		Entity:  c.Text("entity", m.Entity, maxEntity),
		Source:  c.Text("source", m.Source, maxSource),
	}
	if a.Message == title {
		title = "" // the description need not repeat it
	}
	a.Description = m.description(c, title)
	a.Details = m.details(c)
	a.Tags = m.tags(c)
	return a
}

// description begins with a title that was too long for the message, and ends with the address.
func (m Message) description(c *provider.Cutter, title string) string {
	text, address := provider.Plain(m.Text), provider.Plain(m.URL)
	memo := mackerel.Fact{Label: provider.Plain(m.Memo.Label), Value: provider.Plain(m.Memo.Value)}
	return c.Fit(maxDescription,
		func() string { return provider.Join("\n\n", title, text, provider.Line(memo), address) },
		provider.Part{Field: "memo", Text: &memo.Value}, provider.Part{Field: "text", Text: &text},
		provider.Part{Field: "title", Text: &title}, provider.Part{Field: "url", Text: &address},
	)
}

// details returns the facts, which are cut from the last one on. The limit counts their JSON.
func (m Message) details(c *provider.Cutter) provider.Properties {
	all := provider.NewProperties(m.Facts)
	var parts []provider.Part
	for i := len(all) - 1; i >= 0; i-- {
		parts = append(parts, provider.Part{Field: "facts", Text: &all[i].Value})
	}
	c.Fit(maxDetails, func() string {
		encoded, err := provider.EncodeJSON(all.Whole())
		if err != nil {
			return "" // strings always encode
		}
		return string(encoded)
	}, parts...)
	return all.Whole()
}

// tags returns each tag once.
func (m Message) tags(c *provider.Cutter) []string {
	var tags []string
	for _, tag := range m.Tags {
		if tag = c.Text("tags", tag, maxTag); tag != "" && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	if n := len(tags); n > maxTags {
		c.Items("tags", n, maxTags)
		tags = tags[:maxTags]
	}
	return tags
}

// note returns the message as one text.
func (m Message) note(c *provider.Cutter) string {
	text, facts, memo := m.Text, provider.Lines(m.Facts), m.Memo.Value
	return c.Fit(maxNote,
		func() string { return m.text(facts, text, memo) },
		provider.Part{Field: "memo", Text: &memo}, provider.Part{Field: "text", Text: &text},
		provider.Part{Field: "facts", Text: &facts}, provider.Part{Field: "title", Text: &m.Title},
		provider.Part{Field: "url", Text: &m.URL},
	)
}

// text returns the message with these facts, text and memo.
func (m Message) text(facts, text, memo string) string {
	memo = provider.Line(mackerel.Fact{Label: m.Memo.Label, Value: memo})
	return provider.Plain(provider.Join("\n", m.Title, text, facts, memo, m.URL))
}
