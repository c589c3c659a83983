package pagerduty_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/pagerduty"
)

func TestGoldenEvents(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		for _, s := range sample.Alerts() {
			t.Run(string(language)+"/"+s.Name, func(t *testing.T) {
				n := newNotifier(t, newServer(t), pagerduty.Config{Text: mackerel.Text{Language: language, Location: sample.Zone}})
				p, err := n.Preview(s.Alert)
				if err != nil || len(p.Cuts) != 0 {
					t.Fatalf("%v, %+v", err, p)
				}
				text := bytes.NewBufferString(p.Skipped)
				for _, r := range p.Requests {
					text.WriteString(r.Method + " " + r.URL + "\n\n")
					if err := json.Indent(text, []byte(r.Body), "", "  "); err != nil {
						t.Fatal(err)
					}
				}
				text.WriteByte('\n')
				golden.Check(t, "golden/"+string(language)+"/"+s.Name+".txt", text.Bytes())
				if err := n.Notify(t.Context(), s.Alert); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
