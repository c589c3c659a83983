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

func drawPagerDuty(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Payload     struct {
			Summary       string          `json:"summary"`
			Severity      string          `json:"severity"`
			CustomDetails json.RawMessage `json:"custom_details"`
		} `json:"payload"`
		Images []struct{ Src string }
		Links  []struct{ Href, Text string }
		Client string `json:"client"`
		URL    string `json:"client_url"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	summary := m.Payload.Summary
	d := drawing{Color: severityColors[m.Payload.Severity], Title: plain(summary), Phone: phone{Text: summary}}
	if d.Title == nil {
		d.Color, d.Title = "#6bb700", plain("The incident is resolved")
	}
	d.Body.details(m.Payload.CustomDetails)
	for _, l := range m.Links {
		d.Body.line(richText{{Text: l.Text, URL: l.Href}})
	}
	for _, image := range m.Images {
		d.Graph = image.Src
	}
	if m.URL != "" {
		d.Buttons = []string{"View in " + m.Client}
	}
	d.small("action", m.EventAction)
	d.small("severity", m.Payload.Severity)
	d.small("incident", m.DedupKey)
	return d, nil
}

// details draws the texts of a JSON object as facts, in their order.
func (b *body) details(object json.RawMessage) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return
	}
	for dec.More() {
		label, err := dec.Token()
		var value any
		if err != nil || dec.Decode(&value) != nil {
			return
		}
		text, _ := value.(string)
		name, _ := label.(string)
		b.fact(name, text, "")
	}
}

var priorityColors = map[string]string{
	"P1": "#c4314b", "P2": "#e97548", "P3": "#f8d22a",
	"P4": "#5b9bd5", "P5": "#6bb700",
}

// drawOpsgenie draws the alerts of Opsgenie and of Jira Service Management, which are the same.
func drawOpsgenie(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Message     string          `json:"message"`
		Alias       string          `json:"alias"`
		Description string          `json:"description"`
		Priority    string          `json:"priority"`
		Note        string          `json:"note"`
		Details     json.RawMessage `json:"details"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	d := drawing{Color: priorityColors[m.Priority], Title: plain(m.Message), Phone: phone{Text: m.Message}}
	if d.Title == nil {
		d.Color, d.Title = "#6bb700", plain("The alert is closed")
	}
	d.Body.text(m.Description)
	d.Body.text(m.Note)
	d.Body.details(m.Details)
	d.small("priority", m.Priority)
	d.small("alias", m.Alias)
	return d, nil
}

// drawWebhook draws Mackerel's own JSON: a program reads it.
func drawWebhook(r mackerel.PreviewRequest) (drawing, error) {
	d := drawing{Color: "#5b6875", Title: plain("JSON for a program")}
	err := d.Body.alert(r.Body)
	return d, err
}

// alert draws a few members of Mackerel's JSON.
func (b *body) alert(content string) error {
	a, err := mackerel.ParseWebhook([]byte(content))
	if err != nil {
		return err
	}
	b.fact("event", string(a.Event), "")
	b.fact("status", string(a.Status), "")
	b.fact("monitor", a.Monitor.Name, "")
	b.fact("message", a.Message, "")
	return nil
}

func drawEventBridge(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Entries []struct{ Source, DetailType, EventBusName, Detail string }
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil || len(m.Entries) == 0 {
		return drawing{}, err
	}
	e := m.Entries[0]
	d := drawing{Color: "#e7157b", Title: plain(e.DetailType)}
	d.Body.fact("source", e.Source, "")
	d.Body.fact("event bus", e.EventBusName, "")
	err := d.Body.alert(e.Detail)
	return d, err
}
