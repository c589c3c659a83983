package opsgenieapi

import (
	"slices"

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

// encode returns the body of a message within all limits.
func (m Message) encode(c *provider.Cutter) ([]byte, error) {
	if m.Action == ActionCreate {
		return provider.EncodeJSON(m.alert(c))
	}
	return provider.EncodeJSON(note{Source: c.Text("source", m.Source, maxSource), Note: m.note(c)})
}

// alert puts the title and the first line of the text into the message. The description has what the message does not
// say in full, the memo and the address.
func (m Message) alert(c *provider.Cutter) alert {
	a := alert{
		Alias: m.Alias, Responders: m.Responders, Priority: m.Priority,
		Entity: c.Text("entity", m.Entity, maxEntity),
		Source: c.Text("source", m.Source, maxSource),
	}
	texts := provider.Texts{Memo: m.Memo, URL: m.URL}
	a.Message, texts.Title, texts.Text = c.Summary("message", m.Title, m.Text, maxMessage)
	a.Description = c.Texts(maxDescription, texts, func(t provider.Texts) string {
		return provider.Join("\n\n", t.Title, t.Text, provider.Line(t.Memo), t.URL)
	})
	a.Details = m.details(c)
	a.Tags = m.tags(c)
	return a
}

// details returns the facts. The limit counts their JSON.
func (m Message) details(c *provider.Cutter) (all provider.Properties) {
	c.Texts(maxDetails, provider.Texts{Facts: m.Facts}, func(t provider.Texts) string {
		all = provider.NewProperties(t.Facts)
		encoded, err := provider.EncodeJSON(all)
		if err != nil {
			return "" // strings always encode
		}
		return string(encoded)
	})
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
	texts := provider.Texts{Title: m.Title, Text: m.Text, Facts: m.Facts, Memo: m.Memo, URL: m.URL}
	return c.Texts(maxNote, texts, func(t provider.Texts) string {
		return provider.Join("\n", t.Title, t.Text, provider.Lines(t.Facts), provider.Line(t.Memo), t.URL)
	})
}
