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
	title, moreTitle := provider.UTF16.Plain(m.Title, maxDescription)
	a := alert{
		Alias: m.Alias, Responders: m.Responders, Priority: m.Priority,
		Message: c.Text("title", m.Title, maxMessage),
		Entity:  c.Text("entity", m.Entity, maxEntity),
		Source:  c.Text("source", m.Source, maxSource),
	}
	if a.Message == title {
		title = "" // the description need not repeat it
	}
	a.Description = m.description(c, provider.Part{Field: "title", Text: &title, Rest: moreTitle})
	a.Details = m.details(c)
	a.Tags = m.tags(c)
	return a
}

// description begins with a title that was too long for the message, and ends with the address.
func (m Message) description(c *provider.Cutter, title provider.Part) string {
	text, moreText := c.Unit.Plain(m.Text, maxDescription)
	address, moreAddress := c.Unit.Plain(m.URL, maxDescription)
	value, moreMemo := c.Unit.Plain(m.Memo.Value, maxDescription)
	memo := mackerel.Fact{Label: provider.Plain(m.Memo.Label), Value: value}
	return c.Fit(maxDescription,
		func() string { return provider.Join("\n\n", *title.Text, text, provider.Line(memo), address) },
		provider.Part{Field: "memo", Text: &memo.Value, Rest: moreMemo},
		provider.Part{Field: "text", Text: &text, Rest: moreText}, title,
		provider.Part{Field: "url", Text: &address, Rest: moreAddress},
	)
}

// details returns the facts, which are cut from the last one on. The limit counts their JSON.
func (m Message) details(c *provider.Cutter) provider.Properties {
	facts, rest := c.Unit.Facts(m.Facts, maxDetails)
	all := provider.NewProperties(facts)
	c.Fit(maxDetails, func() string {
		encoded, err := provider.EncodeJSON(all)
		if err != nil {
			return "" // strings always encode
		}
		return string(encoded)
	}, all.Parts("facts", rest, func(string) bool { return true })...)
	return all
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
	facts, moreFacts := c.Unit.Lines(m.Facts, maxNote)
	text, memo := m.Text, m.Memo.Value
	return c.Fit(maxNote,
		func() string { return m.text(facts, text, memo) },
		provider.Part{Field: "memo", Text: &memo}, provider.Part{Field: "text", Text: &text},
		provider.Part{Field: "facts", Text: &facts, Rest: moreFacts}, provider.Part{Field: "title", Text: &m.Title},
		provider.Part{Field: "url", Text: &m.URL},
	)
}

// text returns the message with these facts, text and memo.
func (m Message) text(facts, text, memo string) string {
	memo = provider.Line(mackerel.Fact{Label: m.Memo.Label, Value: memo})
	return provider.Plain(provider.Join("\n", m.Title, text, facts, memo, m.URL))
}
