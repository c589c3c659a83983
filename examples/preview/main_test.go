package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

func TestThePageShowsEightAlertsOnThirteenServices(t *testing.T) {
	rows, err := gallery(mackerel.Text{})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 8 {
		t.Errorf("%d alerts", len(rows))
	}
	for _, r := range rows {
		if len(r.Cells) != 13 {
			t.Errorf("%s: %d services", r.Name, len(r.Cells))
		}
		for _, c := range r.Cells {
			switch {
			case c.Skipped != "" && len(c.Requests) == 0:
			case c.Skipped != "" || len(c.Requests) == 0:
				t.Errorf("%s on %s: skipped for %q, with %d requests", r.Name, c.Service, c.Skipped, len(c.Requests))
			case c.Drawing.Title == "" || c.Drawing.Color == "":
				t.Errorf("%s on %s: drawn as %+v", r.Name, c.Service, c.Drawing)
			}
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
