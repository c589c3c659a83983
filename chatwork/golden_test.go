package chatwork_test

import (
	"net/url"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

func TestGoldenMessages(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		n, err := chatwork.New(chatwork.Config{
			Token: mackerel.NewSecret("golden-token"), RoomID: 123, SelfUnread: true,
			Text:     mackerel.Text{Language: language, Location: sample.Zone},
			Mentions: map[mackerel.Status]chatwork.Mention{mackerel.StatusCritical: {To: []int64{1, 2}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sample.Alerts() {
			t.Run(string(language)+"/"+s.Name, func(t *testing.T) {
				p, err := n.Preview(s.Alert)
				if err != nil || len(p.Requests) != 1 {
					t.Fatalf("%v, %+v", err, p)
				}
				r := p.Requests[0]
				form, err := url.ParseQuery(r.Body)
				if err != nil {
					t.Fatal(err)
				}
				text := r.Method + " " + r.URL + "\nself_unread=" + form.Get("self_unread") + "\n\n" + form.Get("body") + "\n"
				golden.Check(t, "golden/"+string(language)+"/"+s.Name+".txt", []byte(text))
			})
		}
	}
}
