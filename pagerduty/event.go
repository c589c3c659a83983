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

	whole bool // the summary has all of the title and of the text's first line
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
	e.fill(m, c)
	e.dropPictures(c)
	var body []byte
	var err error
	bytes := provider.Cutter{Unit: provider.Bytes, Language: c.Language}
	bytes.Texts(maxBody, m.details(e.Payload.whole), func(t provider.Texts) string {
		e.Payload.CustomDetails = provider.NewProperties(slices.Concat(
			[]mackerel.Fact{{Label: provider.MessageLabel(c.Language), Value: t.Text}}, t.Facts, []mackerel.Fact{t.Memo},
		))
		body, err = provider.EncodeJSON(e)
		return string(body)
	})
	c.Cuts = append(c.Cuts, bytes.Cuts...)
	return body, err
}

// fill takes over everything except the custom details, each field within its own limit.
func (e *event) fill(m Message, c *provider.Cutter) {
	summary, whole := c.Headline("summary", m.Title, m.Text, maxSummary)
	e.Payload = &payload{
		Summary: summary, whole: whole,
		Source:    c.Text("source", cmp.Or(strings.TrimSpace(m.Source), "mackerel"), maxField),
		Severity:  cmp.Or(m.Severity, SeverityError),
		Component: c.Text("component", m.Component, maxField),
		Group:     c.Text("group", m.Group, maxField),
		Class:     c.Text("class", m.Class, maxField),
	}
	if at := m.Timestamp.UTC(); !at.IsZero() && at.Year() >= 0 && at.Year() <= 9999 { // other years have no form
		e.Payload.Timestamp = at.Format(timestamp)
	}
	if e.Client = client; provider.Linkable(provider.Address(m.URL), maxLink) {
		e.ClientURL = provider.Address(m.URL)
	}
	for _, i := range m.Images {
		i.Src, i.Href = provider.Address(i.Src), provider.Address(i.Href)
		if !provider.Linkable(i.Href, maxLink) {
			i.Href = ""
		}
		if i.Alt = short(i.Alt); i.fits() {
			e.Images = append(e.Images, i)
		}
	}
	for _, l := range m.Links {
		l.Href = provider.Address(l.Href)
		if l.Text = short(l.Text); provider.Linkable(l.Href, maxLink) {
			e.Links = append(e.Links, l)
		}
	}
}

// short cuts the text of an image or of a link.
func short(text string) string { return provider.UTF16.ShortenPlain(text, maxField) }

// details returns the texts of the custom details: what the summary does not say, or does not say in full.
func (m Message) details(whole bool) provider.Texts {
	t := provider.Texts{Text: m.Text, Facts: m.Facts, Memo: m.Memo}
	if whole {
		t.Text = provider.AfterHeadline(m.Text)
	} else {
		t.Text = provider.Join("\n", m.Title, m.Text)
	}
	if address := provider.Address(m.URL); !provider.Linkable(address, maxLink) {
		t.Facts = append(slices.Clip(t.Facts), mackerel.Fact{Label: addressLabel, Value: address})
	}
	return t
}

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
