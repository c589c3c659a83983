package teams_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/teams"
)

func TestGoldenRequests(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		for _, s := range sample.Alerts() {
			t.Run(string(language)+"/"+s.Name, func(t *testing.T) {
				server := newServer(t)
				n := newNotifier(t, server, teams.Config{
					Text:     mackerel.Text{Language: language, Location: sample.Zone},
					Mentions: mentionHanako,
				})
				p, err := n.Preview(s.Alert)
				if err != nil || len(p.Requests) != 1 || len(p.Cuts) != 0 {
					t.Fatalf("%v, %+v", err, p)
				}
				var body bytes.Buffer
				if err := json.Indent(&body, []byte(p.Requests[0].Body), "", "  "); err != nil {
					t.Fatal(err)
				}
				golden.Check(t, "golden/"+string(language)+"/"+s.Name+".json", append(body.Bytes(), '\n'))
				if err := n.Notify(t.Context(), s.Alert); err != nil {
					t.Error(err)
				}
				last(t, server)
			})
		}
	}
}
