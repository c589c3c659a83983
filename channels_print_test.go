package mackerel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

const hookSecret = "c0ffee-secret"

// hookChannels are channels with a secret in their URL: as made by hand, and with all that decoding may keep.
func hookChannels(t *testing.T) map[string]Channel {
	t.Helper()
	url := "https://user:" + hookSecret + "@hook.example.com/" + hookSecret
	channels := map[string]Channel{
		"a slack by hand":    {Name: "n", Detail: &Slack{URL: url, Mentions: map[Status]string{"ok": "x"}}},
		"a webhook by hand":  {Name: "n", Detail: &Webhook{URL: url}},
		"a slack decoded":    decodeChannel(t, `{"name":"n","type":"slack","url":"`+url+`","new":1}`),
		"a webhook decoded":  decodeChannel(t, `{"name":"n","type":"webhook","url":"`+url+`","new":1}`),
		"an unknown decoded": decodeChannel(t, `{"name":"n","type":"slack","url":["`+url+`"]}`),
	}
	for name, c := range channels {
		if b, err := json.Marshal(c); err != nil || !bytes.Contains(b, []byte(hookSecret)) {
			t.Fatalf("%s has no secret in its JSON: %s, %v", name, b, err)
		}
	}
	return channels
}

// leaks reports whether a text has the secret, as it is, in hex or as the numbers of its bytes.
func leaks(text string) bool {
	numbers := strings.Trim(fmt.Sprintf("%d", []byte(hookSecret)), "[]")
	text = strings.ToLower(text)
	return strings.Contains(text, hookSecret) || strings.Contains(text, fmt.Sprintf("%x", hookSecret)) ||
		strings.Contains(text, fmt.Sprintf("% x", hookSecret)) || strings.Contains(text, numbers) ||
		strings.Contains(text, strings.ReplaceAll(fmt.Sprintf("%# x", hookSecret), " ", ", "))
}

func TestLeaksFindsASecret(t *testing.T) {
	for _, verb := range []string{"%v", "%#v", "%s", "%q", "%x", "%X", "% x"} {
		if !leaks(fmt.Sprintf(verb, hookSecret)) || !leaks(fmt.Sprintf(verb, []byte("a"+hookSecret+"b"))) {
			t.Errorf("not with %s", verb)
		}
	}
}

func TestChannelsHideTheirURL(t *testing.T) {
	for name, c := range hookChannels(t) {
		forms := map[string]any{
			"the channel":         c,
			"its pointer":         &c,
			"its detail":          c.Detail,
			"a list of channels":  []Channel{c},
			"a list of pointers":  []*Channel{&c},
			"a map":               map[string]Channel{"x": c},
			"an exported channel": struct{ C Channel }{c},
			"an exported pointer": struct{ C *Channel }{&c},
			"an exported detail":  struct{ D Detail }{c.Detail},
			"an embedded channel": struct{ Channel }{c},
			"next to another bad": struct {
				D Detail
				C Channel
				F func()
			}{c.Detail, c, nil},
			"a list of details":    []Detail{c.Detail},
			"a list of interfaces": []any{c, c.Detail, &c},
		}
		switch d := c.Detail.(type) {
		case *Slack:
			forms["its detail by value"] = *d
			forms["an exported detail by value"] = struct{ D Slack }{*d}
		case *Webhook:
			forms["its detail by value"] = *d
			forms["an exported detail by value"] = struct{ D Webhook }{*d}
		}
		for form, v := range forms {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%e", "%10.3v", "%z"} {
				if got := fmt.Sprintf(verb, v); leaks(got) {
					t.Errorf("%s, %s, with %s: %s", name, form, verb, got)
				}
			}
			if got := fmt.Sprint(v) + fmt.Sprintln(v); leaks(got) {
				t.Errorf("%s, %s, without a verb: %s", name, form, got)
			}
			for _, format := range []string{"", "%!", "%[3]d"} {
				if got := fmt.Sprintf(format, v); leaks(got) {
					t.Errorf("%s, %s, as an argument too many: %s", name, form, got)
				}
			}
		}
	}
}

// Below an unexported field fmt calls no methods. There a pointer is an address, for all verbs that fit a pointer; those
// that do not, %s and %q among them, would show what a *Slack points to. They never show what a channel came from.
func TestChannelsHideTheirURLInUnexportedFields(t *testing.T) {
	for name, c := range hookChannels(t) {
		forms := map[string]any{
			"a channel":          struct{ c Channel }{c},
			"a pointer":          &struct{ c *Channel }{&c},
			"a detail":           struct{ d Detail }{c.Detail},
			"a list of channels": struct{ l []Channel }{[]Channel{c}},
			"a list of details":  struct{ l []Detail }{[]Detail{c.Detail}},
			"a map of channels":  struct{ m map[string]Channel }{map[string]Channel{"x": c}},
		}
		for form, v := range forms {
			for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%d", "%o", "%b", "%p"} {
				if got := fmt.Sprintf(verb, v); leaks(got) {
					t.Errorf("%s, %s, with %s: %s", name, form, verb, got)
				}
			}
		}
		c.Detail = &Line{} // what it came from is still there
		for _, verb := range []string{"%s", "%q", "%t", "%z"} {
			if got := fmt.Sprintf(verb, struct{ c Channel }{c}); leaks(got) {
				t.Errorf("%s, what it came from, with %s: %s", name, verb, got)
			}
		}
	}
}

func TestLogsHideURLs(t *testing.T) {
	for name, c := range hookChannels(t) {
		var text, js bytes.Buffer
		for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&text, nil)), slog.New(slog.NewJSONHandler(&js, nil))} {
			l.Info("m", "channel", c, "pointer", &c, "detail", c.Detail, slog.Group("group", "channel", c))
			switch d := c.Detail.(type) {
			case *Slack:
				l.Info("m", "value", *d)
			case *Webhook:
				l.Info("m", "value", *d)
			}
		}
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "list", []Channel{c}, "struct", struct{ C *Channel }{&c}, "details", []Detail{c.Detail})
		if leaks(text.String()) || leaks(js.String()) {
			t.Errorf("%s: %s%s", name, &text, &js)
		}
		if want := fmt.Sprintf("channel.name=n channel.type=%s", c.Detail.ChannelType()); !strings.Contains(text.String(), want) {
			t.Errorf("%s: not a word of %s in %s", name, want, &text)
		}
	}
}

func TestChannelsPrintTheirFields(t *testing.T) {
	c := Channel{ID: "1", Name: "n", SuspendedAt: time.Unix(0, 0).UTC(), Detail: &Slack{URL: "https://s.example", Mentions: map[Status]string{"ok": "x"}}}
	tests := map[string]struct {
		v    any
		want string
	}{
		"%v":  {c, "{1 n 1970-01-01 00:00:00 +0000 UTC {[redacted] map[ok:x] false []}}"},
		"%+v": {&c, "{ID:1 Name:n SuspendedAt:1970-01-01 00:00:00 +0000 UTC Detail:{URL:[redacted] Mentions:map[ok:x] EnabledGraphImage:false Events:[]}}"},
		"%s":  {&Webhook{Events: []ChannelEvent{"alert"}}, "{ %!s(bool=false) [alert]}"},
		"%#v": {&Webhook{URL: "x"}, `mackerel.webhookFields{URL:"[redacted]", EnabledGraphImage:false, Events:[]mackerel.ChannelEvent(nil)}`},
		"%2v": {Channel{}, "{      0001-01-01 00:00:00 +0000 UTC <nil>}"},
		"% v": {(*Slack)(nil), "<nil>"},
		"%6v": {(*Channel)(nil), "<nil>"},
	}
	for verb, test := range tests {
		if got := fmt.Sprintf(verb, test.v); got != test.want {
			t.Errorf("%s: got\n%s, want\n%s", verb, got, test.want)
		}
	}
}
