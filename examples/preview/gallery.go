package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// A row is one alert on all services.
type row struct {
	ID          string // of the section of the page
	Name, Title string
	Cells       []cell
}

// A cell is one alert on one service: a drawing and its requests, or why there are none.
type cell struct {
	Service  string
	Skipped  string // why the service would get nothing
	Problem  string // why the request could not be made or drawn
	Drawing  drawing
	Requests []mackerel.PreviewRequest
	Cuts     []mackerel.Cut
}

// A namedAlert is an alert and the name of its section.
type namedAlert struct {
	name  string
	alert mackerel.Alert
}

// gallery draws the alerts on all services. A service that cannot take an alert has a cell that says why.
func gallery(alerts []namedAlert, language mackerel.Language) ([]row, error) {
	// JST is Asia/Tokyo without a database of time zones.
	services, err := newServices(mackerel.Text{Language: language, Location: time.FixedZone("JST", 9*60*60)})
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, a := range alerts {
		r := row{ID: a.name, Name: a.name, Title: a.alert.Title()}
		for _, s := range services {
			c := s.show(a.alert, wordsOf(language))
			r.Cells = append(r.Cells, c)
			if subject := c.Drawing.Phone.Subject; subject != "" {
				r.Title = subject // the title in the language of the messages
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// show draws an alert on one service. Each request of the preview is drawn, one below the other.
func (s service) show(a mackerel.Alert, w words) cell {
	c := cell{Service: s.name}
	p, err := s.notifier.Preview(a)
	if err != nil {
		c.Problem = err.Error()
		return c
	}
	c.Skipped, c.Requests, c.Cuts = p.Skipped, p.Requests, p.Cuts
	for i, r := range p.Requests {
		d, err := s.draw(r, w)
		if err != nil {
			c.Problem = err.Error()
			return c
		}
		if i == 0 {
			c.Drawing.Phone = d.Phone
		}
		c.Drawing.Blocks = append(c.Drawing.Blocks, d.Blocks...)
	}
	return c
}

// readAlerts reads the alerts as Mackerel's webhook would send them. It adds an alert with only the fields that a
// person writes by hand, and a digest. The digest has few enough alerts for a message to show all of them.
func readAlerts() ([]namedAlert, error) {
	samples, err := readSamples()
	if err != nil {
		return nil, err
	}
	var alerts []namedAlert
	var digested []mackerel.Alert
	for _, s := range samples {
		a, err := mackerel.ParseWebhook(s.Body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		alerts = append(alerts, namedAlert{s.Name, a})
		if s.Digest {
			digested = append(digested, a)
		}
	}
	byHand := mackerel.Alert{ID: "backup", Status: mackerel.StatusCritical, Message: "the nightly backup failed"}
	digest := mackerel.Digest(append(digested, byHand))
	return append(alerts, namedAlert{"made-by-hand", byHand}, namedAlert{"digest", digest}), nil
}

// An entry is the body of a webhook and its name.
type entry struct {
	Name   string          `json:"name"`
	Digest bool            `json:"digest"` // it is in the digest
	Body   json.RawMessage `json:"body"`
}

func readSamples() (samples []entry, err error) {
	content, err := files.ReadFile("alerts.json")
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(content, &samples)
	return samples, err
}
