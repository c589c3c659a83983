package main

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/mackerel-notify/mackerel"
)

var severityColors = map[string]string{"critical": "#c4314b", "error": "#8a8886", "warning": "#f8d22a", "info": "#5b9bd5"}

func drawPagerDuty(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Payload     struct {
			Summary       string         `json:"summary"`
			Severity      string         `json:"severity"`
			CustomDetails map[string]any `json:"custom_details"`
		} `json:"payload"`
		Images []struct {
			Src string `json:"src"`
		} `json:"images"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	d := drawing{Color: severityColors[m.Payload.Severity], Title: m.Payload.Summary}
	if d.Title == "" {
		d.Color, d.Title = "#6bb700", m.EventAction
	}
	d.details(m.Payload.CustomDetails)
	for _, image := range m.Images {
		d.Graph = image.Src
	}
	d.small("action", m.EventAction)
	d.small("severity", m.Payload.Severity)
	d.small("incident", m.DedupKey)
	return d, nil
}

// details draws a JSON object as facts, by name, since objects have no order.
func (d *drawing) details(object map[string]any) {
	for _, label := range slices.Sorted(maps.Keys(object)) {
		if text, ok := object[label].(string); ok {
			d.fact(label, text)
		}
	}
}

var priorityColors = map[string]string{"P1": "#c4314b", "P2": "#e97548", "P3": "#f8d22a", "P4": "#5b9bd5", "P5": "#6bb700"}

// drawOpsgenie draws the alerts of Opsgenie and of Jira Service Management, which are the same.
func drawOpsgenie(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Message     string            `json:"message"`
		Alias       string            `json:"alias"`
		Description string            `json:"description"`
		Priority    string            `json:"priority"`
		Note        string            `json:"note"`
		Details     map[string]string `json:"details"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	d := drawing{Color: priorityColors[m.Priority], Title: m.Message}
	if d.Title == "" {
		d.Color, d.Title = "#6bb700", "The alert is closed"
	}
	d.text(m.Description)
	d.text(m.Note)
	for _, label := range slices.Sorted(maps.Keys(m.Details)) {
		d.fact(label, m.Details[label])
	}
	d.small("priority", m.Priority)
	d.small("alias", m.Alias)
	return d, nil
}

// drawWebhook draws Mackerel's own JSON: a program reads it.
func drawWebhook(r mackerel.PreviewRequest) (drawing, error) {
	a, err := mackerel.ParseWebhook([]byte(r.Body))
	if err != nil {
		return drawing{}, err
	}
	d := drawing{Color: "#5b6875", Title: "JSON for a program"}
	d.fact("event", string(a.Event))
	d.fact("status", string(a.Status))
	d.fact("monitor", a.Monitor.Name)
	d.fact("message", a.Message)
	return d, nil
}

func drawEventBridge(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Entries []struct{ Source, DetailType, EventBusName, Detail string }
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil || len(m.Entries) == 0 {
		return drawing{}, err
	}
	e := m.Entries[0]
	a, err := mackerel.ParseWebhook([]byte(e.Detail))
	if err != nil {
		return drawing{}, err
	}
	d := drawing{Color: "#e7157b", Title: e.DetailType}
	d.fact("source", e.Source)
	d.fact("event bus", e.EventBusName)
	d.fact("status", string(a.Status))
	d.fact("monitor", a.Monitor.Name)
	return d, nil
}
