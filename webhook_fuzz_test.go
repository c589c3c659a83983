package mackerel_test

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
)

var keyForm = regexp.MustCompile(`^mackerel-[A-Za-z0-9_-]{1,91}$`)

func FuzzParseWebhook(f *testing.F) {
	for name := range webhooks {
		f.Add(webhookFile(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := mackerel.ParseWebhook(body)
		var e *mackerel.Error
		if err != nil && (!errors.As(err, &e) || e.Message == "" || len(e.Message) > 512) {
			t.Fatalf("got the error %v", err)
		}
		if key := a.Key(); !keyForm.MatchString(key) {
			t.Errorf("got the key %q", key)
		}
		if title := a.Title(); title == "" || strings.IndexFunc(title, unicode.IsControl) >= 0 {
			t.Errorf("got the title %q", title)
		}
		if a.Raw == nil {
			if err == nil || !reflect.DeepEqual(a, mackerel.Alert{}) {
				t.Fatalf("got %+v and no error", a)
			}
			return
		}
		sameJSON(t, marshalAlert(t, a), a.Raw)
		if len(a.Raw) > len(body) || !strings.Contains(string(body), string(a.Raw)) {
			t.Errorf("Raw is not the body: %q", a.Raw)
		}
		checkChange(t, a)
	})
}

// checkChange changes a few fields and looks whether these and no others are changed in the JSON.
func checkChange(t *testing.T, a mackerel.Alert) {
	t.Helper()
	a.Message += " changed"
	a.Facts = append(a.Facts, mackerel.Fact{Label: "l", Value: "v"})
	if a.Event != mackerel.EventAlertGroup {
		a.ID += "5"
	}
	a.Reason += "because"
	back, err := mackerel.ParseWebhook(marshalAlert(t, a))
	if back.Raw == nil {
		t.Fatal(err)
	}
	a.Status, back.Status = a.Status.Fold(), back.Status.Fold() // the object alert may be new, and then it has one
	sameAlert(t, asReadBack(back), asReadBack(a))
}

func FuzzAlertJSON(f *testing.F) {
	f.Add(uint64(1), "plain")
	f.Add(uint64(2), "ディスク 98% 😱")
	f.Add(uint64(3), "\u2028<a href=\"x\">&amp;</a>\\u0000\x00\r\n")
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		if !utf8.ValidString(text) {
			t.Skip("JSON is UTF-8")
		}
		checkRoundTrip(t, seed, text)
	})
}
