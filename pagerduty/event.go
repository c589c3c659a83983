package pagerduty

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// An event is what is sent.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     Action   `json:"event_action"`
	DedupKey   string   `json:"dedup_key,omitzero"`
	Payload    *payload `json:"payload,omitzero"`
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

// body is the event in at most MaxBody bytes, and what was cut for that.
func (m Message) body(routingKey string) ([]byte, []mackerel.Cut, error) {
	e := event{RoutingKey: routingKey, Action: m.action(), DedupKey: m.Key}
	if e.Action != ActionTrigger {
		b, err := provider.EncodeJSON(e)
		return b, nil, err
	}
	cuts := e.fill(m)
	if b, err := provider.EncodeJSON(e); err != nil || len(b) <= MaxBody {
		return b, cuts, err
	}
	b, more, err := e.fit(m.Memo.Label)
	return b, append(cuts, more...), err
}

// timestamp is ISO 8601 to the millisecond.
const timestamp = "2006-01-02T15:04:05.000Z07:00"

// fill takes everything over, with each field within its own limit.
func (e *event) fill(m Message) (cuts []mackerel.Cut) {
	short := func(field, text string, limit int) string {
		text = provider.Plain(text)
		cut := provider.UTF16.Shorten(text, limit)
		if from, to := provider.UTF16.Len(text), provider.UTF16.Len(cut); to < from {
			cuts = append(cuts, mackerel.Cut{Field: field, Unit: provider.UTF16.Name, From: from, To: to})
		}
		return cut
	}
	e.Payload = &payload{
		Summary:   short("title", m.Title, MaxSummary),
		Source:    short("source", cmp.Or(strings.TrimSpace(m.Source), "mackerel"), maxField),
		Severity:  cmp.Or(m.Severity, SeverityError),
		Component: short("component", m.Component, maxField),
		Group:     short("group", m.Group, maxField),
		Class:     short("class", m.Class, maxField),
	}
	if !m.Timestamp.IsZero() {
		e.Payload.Timestamp = m.Timestamp.UTC().Format(timestamp)
	}
	details := append([]mackerel.Fact{{Label: textLabel, Value: m.Text}}, m.Facts...)
	if e.Client = client; provider.Linkable(m.URL, maxLink) {
		e.ClientURL = m.URL
	} else {
		details = append(details, mackerel.Fact{Label: addressLabel, Value: m.URL})
	}
	e.Payload.CustomDetails = provider.NewProperties(append(details, m.Memo))
	e.addPictures(m.Images)
	e.addLinks(m.Links)
	return cuts
}

func (i Image) fits() bool {
	return provider.Linkable(i.Src, maxLink) && strings.EqualFold(i.Src[:len("https")], "https")
}

func (e *event) addPictures(images []Image) {
	for _, i := range images {
		if !i.fits() {
			continue
		}
		if !provider.Linkable(i.Href, maxLink) {
			i.Href = ""
		}
		i.Alt = provider.UTF16.Shorten(provider.Plain(i.Alt), maxField)
		e.Images = append(e.Images, i)
	}
}

func (e *event) addLinks(links []Link) {
	for _, l := range links {
		if provider.Linkable(l.Href, maxLink) {
			e.Links = append(e.Links, Link{l.Href, provider.UTF16.Shorten(provider.Plain(l.Text), maxField)})
		}
	}
}

// fit makes an event that is too large fit. Images and links go if it is too large even without custom details; then of
// those as much is kept as there is room for. What is left without any of them is always small enough.
func (e *event) fit(memoLabel string) (body []byte, cuts []mackerel.Cut, err error) {
	details := e.Payload.CustomDetails
	e.Payload.CustomDetails = nil
	cuts = e.drop()
	encode := func() string {
		e.Payload.CustomDetails = details.Whole()
		body, err = provider.EncodeJSON(e)
		return string(body)
	}
	_, more := provider.Bytes.Fit(MaxBody, encode, parts(details, provider.Plain(memoLabel))...)
	return body, append(cuts, more...), err
}

// drop drops the images and then the links, each if the event is too large with them.
func (e *event) drop() (cuts []mackerel.Cut) {
	tooLarge := func() bool {
		b, err := provider.EncodeJSON(e)
		return err == nil && len(b) > MaxBody
	}
	if n := len(e.Images); n > 0 && tooLarge() {
		e.Images = nil
		cuts = append(cuts, mackerel.Cut{Field: "images", Unit: "items", From: n})
	}
	if n := len(e.Links); n > 0 && tooLarge() {
		e.Links = nil
		cuts = append(cuts, mackerel.Cut{Field: "links", Unit: "items", From: n})
	}
	return cuts
}

// parts are the custom details in the order in which they go: the memo, the text, the facts from the last on.
func parts(details provider.Properties, memoLabel string) []provider.Part {
	var memo, text, facts []provider.Part
	for i := len(details) - 1; i >= 0; i-- {
		switch value := &details[i].Value; details[i].Label {
		case memoLabel:
			memo = append(memo, provider.Part{Field: "memo", Text: value})
		case textLabel:
			text = append(text, provider.Part{Field: "text", Text: value})
		default:
			facts = append(facts, provider.Part{Field: "facts", Text: value})
		}
	}
	return slices.Concat(memo, text, facts)
}
