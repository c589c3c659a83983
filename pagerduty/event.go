package pagerduty

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// An event is a message as it is sent.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     Action   `json:"event_action"`
	DedupKey   string   `json:"dedup_key,omitzero"`
	Payload    *payload `json:"payload,omitzero"` // of a trigger
	Images     []Image  `json:"images,omitzero"`
	Links      []Link   `json:"links,omitzero"`
	Client     string   `json:"client,omitzero"`
	ClientURL  string   `json:"client_url,omitzero"`
}

type payload struct {
	Summary       string              `json:"summary"`
	Source        string              `json:"source"`
	Severity      Severity            `json:"severity"`
	Timestamp     string              `json:"timestamp,omitzero"`
	Component     string              `json:"component,omitzero"`
	Group         string              `json:"group,omitzero"`
	Class         string              `json:"class,omitzero"`
	CustomDetails provider.Properties `json:"custom_details"`
}

// addressLabel is the label of an address that cannot be a link, in the custom details.
const addressLabel = "url"

// client is the name of the link to the alert.
const client = "Mackerel"

// timestamp is ISO 8601 to the millisecond.
const timestamp = "2006-01-02T15:04:05.000Z07:00"

// encode returns the event as JSON of at most maxBody bytes.
func (m Message) encode(routingKey string, c *provider.Cutter) ([]byte, error) {
	e := event{RoutingKey: routingKey, Action: m.Action, DedupKey: m.Key}
	if m.Action != ActionTrigger {
		return provider.EncodeJSON(e)
	}
	details := e.fill(m, c)
	e.Images, e.Links = images(m.Images), links(m.Links)
	e.dropPictures(c)
	var body []byte
	var err error
	bytes := provider.Cutter{Unit: provider.Bytes, Language: c.Language}
	bytes.Texts(maxBody, details, func(t provider.Texts) string {
		text := mackerel.Fact{Label: provider.MessageLabel(c.Language), Value: provider.Join("\n", t.Title, t.Text)}
		all := slices.Concat([]mackerel.Fact{text}, t.Facts, []mackerel.Fact{t.Memo})
		e.Payload.CustomDetails = provider.NewProperties(all)
		body, err = provider.EncodeJSON(e)
		return string(body)
	})
	c.Cuts = append(c.Cuts, bytes.Cuts...)
	return body, err
}

// fill takes over all texts, each within its own limit. It returns those of the custom details: what the summary does
// not say in full, the facts and the memo.
func (e *event) fill(m Message, c *provider.Cutter) provider.Texts {
	details := provider.Texts{Facts: m.Facts, Memo: m.Memo}
	p := &payload{Severity: cmp.Or(m.Severity, SeverityError)}
	p.Summary, details.Title, details.Text = c.Summary("summary", m.Title, m.Text, maxSummary)
	p.Source = c.Text("source", cmp.Or(strings.TrimSpace(m.Source), "mackerel"), maxField)
	p.Component = c.Text("component", m.Component, maxField)
	p.Group = c.Text("group", m.Group, maxField)
	p.Class = c.Text("class", m.Class, maxField)
	if at := m.Timestamp.UTC(); !at.IsZero() && at.Year() >= 0 && at.Year() <= 9999 { // other years have no form
		p.Timestamp = at.Format(timestamp)
	}
	e.Payload, e.Client = p, client
	if address := provider.Address(m.URL); provider.Linkable(address, maxLink) {
		e.ClientURL = address
	} else {
		details.Facts = append(slices.Clip(details.Facts), mackerel.Fact{Label: addressLabel, Value: address})
	}
	return details
}

// images returns the images that PagerDuty takes.
func images(all []Image) (taken []Image) {
	for _, i := range all {
		i.Src, i.Href, i.Alt = provider.Address(i.Src), provider.Address(i.Href), short(i.Alt)
		if !provider.Linkable(i.Href, maxLink) {
			i.Href = ""
		}
		if i.fits() {
			taken = append(taken, i)
		}
	}
	return taken
}

// links returns the links that PagerDuty takes.
func links(all []Link) (taken []Link) {
	for _, l := range all {
		l.Href, l.Text = provider.Address(l.Href), short(l.Text)
		if provider.Linkable(l.Href, maxLink) {
			taken = append(taken, l)
		}
	}
	return taken
}

// short cuts the text of an image or of a link.
func short(text string) string { return provider.UTF16.ShortenPlain(text, maxField) }

// dropPictures drops all images of an event that is too large without custom details, and all links if it is still too
// large. What is left without both is always small enough.
func (e *event) dropPictures(c *provider.Cutter) {
	tooLarge := func() bool {
		body, err := provider.EncodeJSON(e)
		return err == nil && len(body) > maxBody
	}
	if n := len(e.Images); n > 0 && tooLarge() {
		e.Images = nil
		c.Items("images", n, 0)
	}
	if n := len(e.Links); n > 0 && tooLarge() {
		e.Links = nil
		c.Items("links", n, 0)
	}
}
