package hipchat_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

// golden configurations: HTML in both languages, plain text with mentions, and cards.
var goldens = []struct {
	name   string
	config hipchat.Config
}{
	{"en", hipchat.Config{}},
	{"ja", hipchat.Config{Text: mackerel.Text{Language: mackerel.Japanese}}},
	{"text", hipchat.Config{From: "Mackerel", Mentions: map[mackerel.Status][]string{
		mackerel.StatusOK: {"here"}, mackerel.StatusWarning: {"here"}, mackerel.StatusUnknown: {"here"},
		mackerel.StatusCritical: {"all", "@hanako"},
	}}},
	{"card", hipchat.Config{Card: true, Text: mackerel.Text{Language: mackerel.Japanese}}},
}

func TestGoldenRequests(t *testing.T) {
	for _, g := range goldens {
		for _, s := range sample.Alerts() {
			t.Run(g.name+"/"+s.Name, func(t *testing.T) {
				server := newServer(t)
				g.config.Text.Location = sample.Zone
				n := newNotifier(t, server, g.config)
				p, err := n.Preview(s.Alert)
				if err != nil || len(p.Requests) != 1 || len(p.Cuts) != 0 {
					t.Fatalf("%v, %+v", err, p)
				}
				r := p.Requests[0]
				var body bytes.Buffer
				if err := json.Indent(&body, []byte(r.Body), "", "  "); err != nil {
					t.Fatal(err)
				}
				golden.Check(t, "golden/"+g.name+"/"+s.Name+".txt", []byte(r.Method+" "+r.URL+"\n\n"+body.String()+"\n"))
				if err := n.Notify(t.Context(), s.Alert); err != nil {
					t.Error(err)
				}
				checkShown(t, last(t, server))
			})
		}
	}
}

// checkShown fails if HipChat would not show a message as it was meant.
func checkShown(t *testing.T, m hipchattest.Message) {
	t.Helper()
	if m.Format != "html" {
		return
	}
	if err := hipchattest.CheckHTML(m.Text); err != nil {
		t.Errorf("%v in %q", err, m.Text)
	}
}
