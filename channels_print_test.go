package mackerel_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

const hookSecret = "c0ffee-secret"

// hookChannels are channels whose JSON has a secret URL.
func hookChannels(t *testing.T) map[string]mackerel.Channel {
	t.Helper()
	const url = "https://user:" + hookSecret + "@hook.example.com/" + hookSecret
	secret := mackerel.NewSecret(url)
	channels := map[string]mackerel.Channel{
		"Slack by hand":       {Name: "n", Detail: &mackerel.Slack{URL: secret, Mentions: map[mackerel.Status]string{"ok": "x"}}},
		"a webhook by hand":   {Name: "n", Detail: &mackerel.Webhook{URL: secret}},
		"Slack":               decodeChannel(t, `{"name":"n","type":"slack","url":"`+url+`","new":"`+url+`"}`),
		"a broken channel":    decodeChannel(t, `{"name":"n","type":"slack","url":["`+url+`"]}`),
		"an unknown type":     decodeChannel(t, `{"name":"n","type":"newer","url":"`+url+`"}`),
		"a type without URLs": decodeChannel(t, `{"name":"n","type":"line","url":"`+url+`"}`),
		"no channel":          decodeChannel(t, `"`+url+`"`),
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

// verbs are all that fmt could be given, valid or not.
func verbs() []string {
	all := []string{"", "%!", "%[3]d", "%10.3v", "% x", "%# x", "%+v", "%#v", "%+q", "%#s"}
	for r := 'A'; r <= 'z'; r++ {
		all = append(all, "%"+string(r))
	}
	return all
}

// texts writes all strings and bytes that reflection finds, as programs do that print values in full.
func texts(v reflect.Value, into *strings.Builder) {
	switch v.Kind() {
	case reflect.String:
		into.WriteString(v.String() + "\n")
	case reflect.Pointer, reflect.Interface:
		texts(v.Elem(), into)
	case reflect.Struct:
		for _, field := range v.Fields() {
			texts(field, into)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			into.Write(v.Bytes())
			return
		}
		for i := range v.Len() {
			texts(v.Index(i), into)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			texts(key, into)
			texts(v.MapIndex(key), into)
		}
	default: // has no text
	}
}

func TestReflectionFindsNoURL(t *testing.T) {
	for name, c := range hookChannels(t) {
		var found strings.Builder
		texts(reflect.ValueOf(c), &found)
		if leaks(found.String()) || c.Name != "" && !strings.Contains(found.String(), c.Name) {
			t.Errorf("%s: found %q", name, found.String())
		}
	}
}

func TestFmtShowsNoURL(t *testing.T) {
	for name, c := range hookChannels(t) {
		forms := map[string]any{
			"a value":                c,
			"a pointer":              &c,
			"the Detail":             c.Detail,
			"a list":                 []mackerel.Channel{c},
			"a list of pointers":     []*mackerel.Channel{&c},
			"a list of Details":      []mackerel.Detail{c.Detail},
			"a list of any":          []any{c, c.Detail, &c},
			"a map":                  map[string]mackerel.Channel{"x": c},
			"a field":                struct{ C mackerel.Channel }{c},
			"a pointer field":        struct{ C *mackerel.Channel }{&c},
			"a Detail field":         struct{ D mackerel.Detail }{c.Detail},
			"an embedded one":        struct{ mackerel.Channel }{c},
			"a hidden field":         struct{ c mackerel.Channel }{c},
			"a hidden pointer":       &struct{ c *mackerel.Channel }{&c},
			"a hidden Detail":        struct{ d mackerel.Detail }{c.Detail},
			"a hidden list":          struct{ l []mackerel.Channel }{[]mackerel.Channel{c}},
			"a hidden list of any":   struct{ l []any }{[]any{c, &c, c.Detail}},
			"a hidden map":           struct{ m map[string]mackerel.Channel }{map[string]mackerel.Channel{"x": c}},
			"hidden in a hidden one": struct{ s struct{ c mackerel.Channel } }{struct{ c mackerel.Channel }{c}},
		}
		switch d := c.Detail.(type) {
		case *mackerel.Slack:
			forms["the Detail's value"], forms["a hidden Detail's value"] = *d, struct{ d mackerel.Slack }{*d}
		case *mackerel.Webhook:
			forms["the Detail's value"], forms["a hidden Detail's value"] = *d, struct{ d mackerel.Webhook }{*d}
		}
		for form, v := range forms {
			for _, verb := range verbs() {
				if got := fmt.Sprintf(verb, v); leaks(got) {
					t.Errorf("%s, %s, with %q: %s", name, form, verb, got)
				}
			}
			if got := fmt.Sprint(v) + fmt.Sprintln(v); leaks(got) {
				t.Errorf("%s, %s, without a verb: %s", name, form, got)
			}
		}
	}
}

func TestLogsShowNoURL(t *testing.T) {
	for name, c := range hookChannels(t) {
		var text, js bytes.Buffer
		for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&text, nil)), slog.New(slog.NewJSONHandler(&js, nil))} {
			l.Info("m", "channel", c, "pointer", &c, "detail", c.Detail, "details", []mackerel.Detail{c.Detail}, slog.Group("group", "channel", c))
		}
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", "list", []mackerel.Channel{c}, "struct", struct{ C *mackerel.Channel }{&c})
		if leaks(text.String()) || leaks(js.String()) {
			t.Errorf("%s: %s%s", name, &text, &js)
		}
		for log, want := range map[*bytes.Buffer]string{
			&text: fmt.Sprintf("channel.name=%s channel.type=%s", quoted(c.Name), quoted(string(c.Detail.ChannelType()))),
			&js:   fmt.Sprintf(`"channel":{"id":"","name":%q,"type":%q}`, c.Name, c.Detail.ChannelType()),
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s: no %s in %s", name, want, log)
			}
		}
	}
}

// quoted is a value as slog's text handler has it.
func quoted(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

func TestChannelsPrintTheirFields(t *testing.T) {
	c := mackerel.Channel{ID: "1", Name: "n", SuspendedAt: time.Unix(0, 0).UTC(), Detail: &mackerel.Slack{
		URL: mackerel.NewSecret("https://s.example"), Mentions: map[mackerel.Status]string{"ok": "x"},
	}}
	for verb, tt := range map[string]struct {
		v    any
		want string
	}{
		"%v":  {c, "{1 n 1970-01-01 00:00:00 +0000 UTC {[redacted] map[ok:x] false []}}"},
		"%+v": {&c, "{ID:1 Name:n SuspendedAt:1970-01-01 00:00:00 +0000 UTC Detail:{URL:[redacted] Mentions:map[ok:x] EnabledGraphImage:false Events:[]}}"},
		"%2v": {mackerel.Channel{}, "{      0001-01-01 00:00:00 +0000 UTC <nil>}"},
		"% v": {(*mackerel.Slack)(nil), "<nil>"},
		"%6v": {(*mackerel.Channel)(nil), "<nil>"},
	} {
		if got := fmt.Sprintf(verb, tt.v); got != tt.want {
			t.Errorf("%s: got\n%s, want\n%s", verb, got, tt.want)
		}
	}
}
