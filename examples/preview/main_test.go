package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

func TestThePageShowsTheAlertsOfTheGoldenRequests(t *testing.T) {
	content, err := files.ReadFile("alerts.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content, sample.JSON) {
		t.Error("alerts.json and internal/sample/alerts.json differ: copy one over the other")
	}
	alerts, err := readAlerts()
	if err != nil {
		t.Fatal(err)
	}
	if want := len(sample.Alerts()); len(alerts) != want {
		t.Errorf("%d alerts, want %d", len(alerts), want)
	}
}

func TestEveryMessageIsDrawn(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		rows, err := gallery(mackerel.Text{Language: language})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if len(r.Cells) != 14 { // Twilio has two: SMS and calls
				t.Errorf("%s: %d services", r.Name, len(r.Cells))
			}
			for _, c := range r.Cells {
				switch {
				case c.Skipped != "" && len(c.Requests) == 0:
				case c.Skipped != "" || len(c.Requests) == 0:
					t.Errorf("%s on %s: skipped for %q, with %d requests", r.Name, c.Service, c.Skipped, len(c.Requests))
				case c.Drawing.Title.isBlank() || c.Drawing.Color == "":
					t.Errorf("%s on %s: drawn as %+v", r.Name, c.Service, c.Drawing)
				}
			}
		}
	}
}

// programs are the services that no phone shows.
var programs = map[string]bool{"Webhook": true, "Amazon EventBridge": true}

// A phone shows the status, the monitor, the host and how bad it is.
func TestAPhoneShowsHowBadItIs(t *testing.T) {
	rows, err := gallery(mackerel.Text{Language: mackerel.English})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, r := range rows {
		if r.ID != "escalation" {
			continue
		}
		for _, c := range r.Cells {
			p := c.Drawing.Phone
			seen++
			for _, word := range []string{"critical", "app", "01", "90"} {
				if text := strings.ToLower(p.Subject + " " + p.Text); !programs[c.Service] && !strings.Contains(text, word) {
					t.Errorf("%s: %q is missing in %q", c.Service, word, text)
				}
			}
			if (c.Service == "Twilio: call") != (p.Spoken == 2) {
				t.Errorf("%s: spoken %d times", c.Service, p.Spoken)
			}
		}
	}
	if seen != 14 {
		t.Errorf("%d cells of the escalation", seen)
	}
}

// Where a message has links, the drawing has them, at the same places.
func TestLinksAreDrawn(t *testing.T) {
	rows, err := gallery(mackerel.Text{})
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]int{}
	for _, c := range rows[0].Cells {
		for _, r := range c.Drawing.Title {
			links[c.Service] += strings.Count(r.URL, "https://mackerel.io/")
		}
		for _, b := range c.Drawing.Body {
			for _, r := range b.Line {
				links[c.Service] += strings.Count(r.URL, "https://mackerel.io/")
			}
			for _, f := range b.Facts {
				links[c.Service] += strings.Count(f.URL, "https://mackerel.io/")
			}
		}
	}
	for service, least := range map[string]int{
		"Chatwork": 1, "HipChat": 3, "Slack": 3, "Microsoft Teams": 2, "LINE": 2, "Typetalk": 1, "Twilio: SMS": 1,
		"PagerDuty": 2, "Email": 3,
	} {
		if links[service] < least {
			t.Errorf("%s: %d links, want %d", service, links[service], least)
		}
	}
}

func TestThePageIsSelfContainedAndKeepsItsSecrets(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		var page bytes.Buffer
		if err := render(&page, language); err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{secret.Reveal(), "<script", "<img", "<link", "<iframe", `src="`, "@import", "ZgotmplZ"} {
			if strings.Contains(page.String(), word) {
				t.Errorf("%s: the page has %q", language, word)
			}
		}
		if !strings.Contains(page.String(), "応答時間 &lt;p99&gt; &amp; 障害") {
			t.Errorf("%s: the alert's name is missing, or not escaped", language)
		}
		for _, s := range sample.Alerts() {
			id := strings.Replace(s.Name, "minimal", "made-by-hand", 1)
			if !strings.Contains(page.String(), `<section id="`+id+`">`) || !strings.Contains(page.String(), `<a href="#`+id+`">`) {
				t.Errorf("%s: the section %s is missing, or is not in the index", language, id)
			}
		}
	}
}

func TestThePageIsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.html")
	if err := write(file, mackerel.Japanese); err != nil {
		t.Fatal(err)
	}
	if page, err := os.ReadFile(file); err != nil || !bytes.Contains(page, []byte("メトリック")) {
		t.Errorf("got %d bytes, %v", len(page), err)
	}
}
