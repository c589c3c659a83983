package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// TestGoldenRequests shows the same in both languages, since there are no words in Mackerel's JSON.
func TestGoldenRequests(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		for _, entry := range sample.Alerts() {
			t.Run(string(language)+"/"+entry.Name, func(t *testing.T) {
				s := newServer(t)
				s.RequireSignature(webhooktest.Secret)
				n := newNotifier(t, s, webhook.Config{
					SigningSecrets: secrets(webhooktest.Secret), Text: mackerel.Text{Language: language, Location: sample.Zone},
				})
				p, err := n.Preview(entry.Alert)
				if err != nil || len(p.Requests) != 1 {
					t.Fatalf("%v, %+v", err, p)
				}
				golden.Check(t, "golden/"+string(language)+"/"+entry.Name+".txt", readable(t, p.Requests[0]))
				if err := n.Notify(t.Context(), entry.Alert); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// readable is a request with a line for each header and each member.
func readable(t *testing.T, r mackerel.PreviewRequest) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.URL + "\n")
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "User-Agent" { // it has the version
			fmt.Fprintf(&b, "%s: %s\n", name, r.Header.Get(name))
		}
	}
	b.WriteByte('\n')
	if err := json.Indent(&b, []byte(r.Body), "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}
