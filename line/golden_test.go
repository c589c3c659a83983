package line_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/line"
)

// goldens are bubbles in both languages, and plain text.
var goldens = []struct {
	name   string
	config line.Config
}{
	{"en", line.Config{NotificationDisabled: map[mackerel.Status]bool{mackerel.StatusOK: true}}},
	{"ja", line.Config{Text: mackerel.Text{Language: mackerel.Japanese}}},
	{"text", line.Config{Format: line.FormatText, Text: mackerel.Text{Language: mackerel.Japanese}}},
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
				if got := r.Method + " " + r.URL + " " + r.Header.Get("X-Line-Retry-Key"); got != "POST http://fake.test/v2/bot/message/push {retry_key}" {
					t.Error(got)
				}
				var body bytes.Buffer
				if err := json.Indent(&body, []byte(r.Body), "", "  "); err != nil {
					t.Fatal(err)
				}
				golden.Check(t, "golden/"+g.name+"/"+s.Name+".json", append(body.Bytes(), '\n'))
				if err := n.Notify(t.Context(), s.Alert); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
