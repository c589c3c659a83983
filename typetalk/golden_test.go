package typetalk_test

import (
	"net/url"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/golden"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/typetalk"
)

func TestGoldenMessages(t *testing.T) {
	for _, language := range []mackerel.Language{mackerel.English, mackerel.Japanese} {
		s := newServer(t)
		n := newNotifier(t, s, typetalk.Config{
			Text:      mackerel.Text{Language: language, Location: sample.Zone},
			RawPrefix: map[mackerel.Status]string{mackerel.StatusCritical: ":rotating_light: @all", mackerel.StatusOK: ":white_check_mark:"},
		})
		for _, a := range sample.Alerts() {
			t.Run(string(language)+"/"+a.Name, func(t *testing.T) {
				p, err := n.Preview(a.Alert)
				if err != nil || len(p.Requests) != 1 || len(p.Cuts) != 0 {
					t.Fatalf("%v, %+v", err, p)
				}
				r := p.Requests[0]
				form, err := url.ParseQuery(r.Body)
				if err != nil {
					t.Fatal(err)
				}
				text := r.Method + " " + r.URL + "\nignoreHashtag=" + form.Get("ignoreHashtag") + "\n\n" + form.Get("message") + "\n"
				golden.Check(t, "golden/"+string(language)+"/"+a.Name+".txt", []byte(text))
				if err := n.Notify(t.Context(), a.Alert); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
