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

// Labels of custom details: the text, and an address that cannot be a link.
const (
	textLabel    = "message"
	addressLabel = "url"
)

// client is the name of the link to the alert.
const client = "Mackerel"

// timestamp is ISO 8601 to the millisecond.
const timestamp = "2006-01-02T15:04:05.000Z07:00"

// encode returns the event as JSON of at most maxBody bytes, and says what was cut for that.
func (m Message) encode(routingKey string) ([]byte, []mackerel.Cut, error) {
	e := event{RoutingKey: routingKey, Action: m.Action, DedupKey: m.Key}
	if m.Action != ActionTrigger {
		body, err := provider.EncodeJSON(e)
		return body, nil, err
	}
	c := provider.Cutter{Unit: provider.UTF16}
	e.fill(m, &c)
	details, parts := m.details()
	e.dropPictures(&c)
	var body []byte
	var err error
	_, cuts := provider.Bytes.Fit(maxBody, func() string {
		e.Payload.CustomDetails = details
		body, err = provider.EncodeJSON(e)
		return string(body)
	}, parts...)
	return body, append(c.Cuts, cuts...), err
}

// fill takes over everything except the custom details, each field within its own limit.
func (e *event) fill(m Message, c *provider.Cutter) {
	e.Payload = &payload{
		Summary:   c.Text("title", m.Title, maxSummary),
		Source:    c.Text("source", cmp.Or(strings.TrimSpace(m.Source), "mackerel"), maxField),
		Severity:  cmp.Or(m.Severity, SeverityError),
		Component: c.Text("component", m.Component, maxField),
		Group:     c.Text("group", m.Group, maxField),
		Class:     c.Text("class", m.Class, maxField),
	}
	if at := m.Timestamp.UTC(); !at.IsZero() && at.Year() >= 0 && at.Year() <= 9999 { // other years have no form
		e.Payload.Timestamp = at.Format(timestamp)
	}
	if e.Client = client; provider.Linkable(m.URL, maxLink) {
		e.ClientURL = m.URL
	}
	for _, i := range m.Images {
		if !provider.Linkable(i.Href, maxLink) {
			i.Href = ""
		}
		if i.Alt = short(i.Alt); i.fits() {
			e.Images = append(e.Images, i)
		}
	}
	for _, l := range m.Links {
		if l.Text = short(l.Text); provider.Linkable(l.Href, maxLink) {
			e.Links = append(e.Links, l)
		}
	}
}

// short cuts the text of an image or of a link.
func short(text string) string { return provider.UTF16.ShortenPlain(text, maxField) }

// details returns the custom details, and their parts in the order in which they are cut: the memo, the text, the facts
// from the last one on.
func (m Message) details() (provider.Properties, []provider.Part) {
	if !provider.Linkable(m.URL, maxLink) {
		m.Facts = append(slices.Clip(m.Facts), mackerel.Fact{Label: addressLabel, Value: m.URL})
	}
	facts, moreFacts := provider.Bytes.Facts(m.Facts, maxBody)
	text, moreText := provider.Bytes.Plain(m.Text, maxBody)
	memo, moreMemo := provider.Bytes.Plain(m.Memo.Value, maxBody)
	details := provider.NewProperties(slices.Concat(
		[]mackerel.Fact{{Label: textLabel, Value: text}}, facts, []mackerel.Fact{{Label: m.Memo.Label, Value: memo}},
	))
	memoLabel := provider.Plain(m.Memo.Label)
	isMemo := func(label string) bool { return label == memoLabel }
	isText := func(label string) bool { return label == textLabel && !isMemo(label) }
	isFact := func(label string) bool { return !isMemo(label) && !isText(label) }
	return details, slices.Concat(
		details.Parts("memo", moreMemo, isMemo), details.Parts("text", moreText, isText),
		details.Parts("facts", moreFacts, isFact),
	)
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
