package main

import (
	"bytes"
	"encoding/json"

	"github.com/mackerel-notify/mackerel"
)

var severityColors = map[string]string{
	"critical": "#c4314b", "error": "#8a8886", "warning": "#f8d22a",
	"info": "#5b9bd5",
}

const resolvedColor = "#6bb700"

// A pagerDutyEvent is an event that opens or resolves an incident.
type pagerDutyEvent struct {
	EventAction string `json:"event_action"`
	DedupKey    string `json:"dedup_key"`
	Payload     struct {
		Summary       string          `json:"summary"`
		Severity      string          `json:"severity"`
		Source        string          `json:"source"`
		Component     string          `json:"component"`
		Group         string          `json:"group"`
		Class         string          `json:"class"`
		CustomDetails json.RawMessage `json:"custom_details"`
	} `json:"payload"`
	Images []struct {
		Src string `json:"src"`
	} `json:"images"`
	Links []struct {
		Href string `json:"href"`
		Text string `json:"text"`
	} `json:"links"`
	Client    string `json:"client"`
	ClientURL string `json:"client_url"`
}

// drawPagerDuty draws an incident: the summary, the link to the client, the fields of the event, the details, the links
// and the pictures. An event that resolves an incident has no summary.
func drawPagerDuty(r mackerel.PreviewRequest, w words) (d drawing, err error) {
	var m pagerDutyEvent
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	p := m.Payload
	d.Phone.Text = p.Summary
	color, title := severityColors[p.Severity], p.Summary
	if title == "" {
		color, title = resolvedColor, w.Resolved
	}
	var b blocks
	b.text("title", plain(title))
	if m.ClientURL != "" {
		b.text("", richText{{Text: "View in " + m.Client, URL: m.ClientURL}})
	}
	b.members("severity", p.Severity, "source", p.Source, "component", p.Component, "group", p.Group, "class", p.Class)
	b.details(p.CustomDetails)
	for _, l := range m.Links {
		b.text("", richText{{Text: l.Text, URL: l.Href}})
	}
	for _, image := range m.Images {
		b.picture(image.Src)
	}
	b.text("small", plain(m.EventAction+" "+m.DedupKey))
	d.Blocks.frame("bar", color, b)
	return d, nil
}

// details adds the texts of a JSON object as facts, in their order.
func (b *blocks) details(object json.RawMessage) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return // the request has no details
	}
	for dec.More() {
		label, err := dec.Token()
		var value any
		if err != nil || dec.Decode(&value) != nil {
			return // the object was decoded before, so it is valid
		}
		text, _ := value.(string)
		name, _ := label.(string)
		b.fact(fact{Label: plain(name), Value: linked(text)})
	}
}

var priorityColors = map[string]string{
	"P1": "#c4314b", "P2": "#e97548", "P3": "#f8d22a",
	"P4": "#5b9bd5", "P5": "#6bb700",
}

// drawOpsgenie draws the alerts of Opsgenie and of Jira Service Management, which are the same: the message, the
// priority, the description, the details and the other fields. A request that closes an alert has a note.
func drawOpsgenie(r mackerel.PreviewRequest, w words) (d drawing, err error) {
	var m struct {
		Message     string          `json:"message"`
		Alias       string          `json:"alias"`
		Description string          `json:"description"`
		Priority    string          `json:"priority"`
		Entity      string          `json:"entity"`
		Source      string          `json:"source"`
		Note        string          `json:"note"`
		Details     json.RawMessage `json:"details"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	d.Phone.Text = m.Message
	color, title := priorityColors[m.Priority], m.Message
	if title == "" {
		color, title = resolvedColor, w.Closed
	}
	var b blocks
	b.text("title", richText{{Text: m.Priority, Mention: m.Priority != ""}, {Text: " " + title}})
	b.text("", linked(m.Description))
	b.text("", linked(m.Note))
	b.details(m.Details)
	b.members("entity", m.Entity, "source", m.Source, "alias", m.Alias)
	d.Blocks.frame("bar", color, b)
	return d, nil
}

// drawWebhook draws the JSON: a program reads it.
func drawWebhook(r mackerel.PreviewRequest, w words) (d drawing, err error) {
	d.Blocks.text("title", plain(w.Program))
	return d, d.Blocks.code(r.Body)
}

// drawEventBridge draws the events as rules see them.
func drawEventBridge(r mackerel.PreviewRequest, _ words) (d drawing, err error) {
	var m struct {
		Entries []struct{ Source, DetailType, EventBusName, Detail string }
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	for _, e := range m.Entries {
		d.Blocks.members("source", e.Source, "detail-type", e.DetailType, "event bus", e.EventBusName)
		if err := d.Blocks.code(e.Detail); err != nil {
			return drawing{}, err
		}
	}
	return d, nil
}
