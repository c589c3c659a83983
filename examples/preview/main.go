// Preview writes one self-contained page that shows the same alerts on all services. Each message is drawn about as the
// service would show it. Above it stands what a phone shows of it, and beneath it the exact request. Nothing is sent, and
// no credentials are needed: this is what the notifiers' Preview is for.
//
//	go run ./examples/preview -o preview.html
//	go run ./examples/preview -o preview.ja.html -lang ja
package main

import (
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"html/template"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

//go:embed alerts.json page.html
var files embed.FS

func main() {
	file := flag.String("o", "preview.html", "the page to write")
	language := flag.String("lang", "en", "en or ja: the language of the messages")
	flag.Parse()
	if err := write(*file, mackerel.Language(*language)); err != nil {
		fmt.Fprintln(os.Stderr, "preview:", err)
		os.Exit(1)
	}
}

func write(file string, language mackerel.Language) error {
	f, err := os.Create(file) //nolint:gosec // the file is the user's own choice
	if err != nil {
		return err
	}
	if err := render(f, language); err != nil {
		return err
	}
	return f.Close()
}

// render writes the page.
func render(w io.Writer, language mackerel.Language) error {
	page, err := template.ParseFS(files, "page.html")
	if err != nil {
		return err
	}
	// As Asia/Tokyo, without needing a time zone database.
	rows, err := gallery(mackerel.Text{Language: language, Location: time.FixedZone("JST", 9*60*60)})
	if err != nil {
		return err
	}
	return page.Execute(w, struct {
		Language mackerel.Language
		Words    words
		Rows     []row
	}{language, wordsOf(language), rows})
}

// A row is one alert on all services.
type row struct {
	ID          string // of the section of the page
	Name, Title string
	Cells       []cell
}

// A cell is one alert on one service: a drawing and its requests, or why nothing is sent.
type cell struct {
	Service  string
	Skipped  string
	Drawing  drawing
	Requests []mackerel.PreviewRequest
	Cuts     []mackerel.Cut
}

func gallery(text mackerel.Text) ([]row, error) {
	alerts, err := readAlerts()
	if err != nil {
		return nil, err
	}
	services, err := newServices(text)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, a := range alerts {
		r := row{ID: a.name, Name: strings.ReplaceAll(a.name, "-", " "), Title: a.alert.Title()}
		for _, s := range services {
			c, err := s.show(a.alert)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", s.name, a.name, err)
			}
			r.Cells = append(r.Cells, c)
			if subject := c.Drawing.Phone.Subject; subject != "" {
				r.Title = subject // it is the title in the language of the messages
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (s service) show(a mackerel.Alert) (cell, error) {
	p, err := s.notifier.Preview(a)
	if err != nil {
		return cell{}, err
	}
	c := cell{Service: s.name, Skipped: p.Skipped, Requests: p.Requests, Cuts: p.Cuts}
	if len(p.Requests) == 0 {
		return c, nil
	}
	c.Drawing, err = s.draw(p.Requests[0])
	return c, err
}

type namedAlert struct {
	name  string
	alert mackerel.Alert
}

// readAlerts reads the alerts as Mackerel's webhook would send them, and adds the least that a person writes by hand and
// a digest of all.
func readAlerts() ([]namedAlert, error) {
	content, err := files.ReadFile("alerts.json")
	if err != nil {
		return nil, err
	}
	var entries []struct {
		Name string          `json:"name"`
		Body json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(content, &entries); err != nil {
		return nil, err
	}
	var alerts []namedAlert
	for _, e := range entries {
		a, err := mackerel.ParseWebhook(e.Body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		alerts = append(alerts, namedAlert{e.Name, a})
	}
	alerts = append(alerts, namedAlert{"made-by-hand", mackerel.Alert{
		ID: "backup", Status: mackerel.StatusCritical, Message: "the nightly backup failed",
	}})
	var all []mackerel.Alert
	for _, a := range alerts {
		all = append(all, a.alert)
	}
	return append(alerts, namedAlert{"digest", mackerel.Digest(all)}), nil
}
