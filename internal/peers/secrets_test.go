package peers

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/davecgh/go-spew/spew"
	"github.com/stretchr/testify/assert"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/jsm"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/opsgenie"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/typetalk"
	"github.com/mackerel-notify/mackerel/webhook"
)

// part is in every secret of these tests, several times: a dump of bytes has it on one line, wherever the line begins.
const part = "s3kr3t0k"

func secret(suffix string) mackerel.Secret {
	return mackerel.NewSecret("https://hooks.example.com/" + strings.Repeat(part, 4) + suffix)
}

// A failed is a test of a user's that fails. It keeps what testify says.
type failed struct{ text string }

func (f *failed) Errorf(format string, args ...any) { f.text += fmt.Sprintf(format, args...) }

// dumper walks over all that reflection shows: unexported fields, without calling methods, as deep as it goes.
var dumper = spew.ConfigState{DisableMethods: true, Indent: " "}

// wantNoSecret fails if testify or go-spew print a part of a secret when they compare or dump two values.
func wantNoSecret(t *testing.T, a, b any) {
	t.Helper()
	f := new(failed)
	if assert.Equal(f, a, b) {
		t.Errorf("%T: the values are equal", a)
	}
	for what, text := range map[string]string{"testify": f.text, "go-spew": dumper.Sdump(a)} {
		if at := strings.Index(text, part); at >= 0 {
			t.Errorf("%T: %s prints ...%q", a, what, text[max(0, at-200):min(len(text), at+50)])
		}
	}
}

// fill sets all secrets in a struct.
func fill(v reflect.Value, suffix string) {
	for i := range v.NumField() {
		switch field := v.Field(i).Addr().Interface().(type) {
		case *mackerel.Secret:
			*field = secret(suffix)
		case *[]mackerel.Secret:
			*field = []mackerel.Secret{secret(suffix)}
		case *map[string]mackerel.Secret:
			*field = map[string]mackerel.Secret{"X-Key": secret(suffix)}
		case *chatwork.Token:
			*field = chatwork.BearerToken(secret(suffix))
		}
	}
}

func TestADiffOfConfigsPrintsNoSecret(t *testing.T) {
	for _, config := range []any{
		new(chatwork.Config), new(chatwork.ClientConfig), new(email.Config), new(eventbridge.Config), new(hipchat.Config),
		new(hipchat.ClientConfig), new(jsm.Config), new(line.Config), new(opsgenie.Config), new(pagerduty.Config),
		new(slack.Config), new(teams.Config), new(twilio.Config), new(typetalk.Config), new(webhook.Config),
		new(mackerel.ClientConfig), new(mackerel.Slack), new(mackerel.Webhook), new(struct{ Token chatwork.Token }),
	} {
		a, b := reflect.ValueOf(config).Elem(), reflect.New(reflect.TypeOf(config).Elem()).Elem()
		fill(a, "a")
		fill(b, "b")
		if a.Type() == reflect.TypeFor[eventbridge.Config]() { // its credentials are the caller's
			b.FieldByName("Region").SetString("x")
		}
		wantNoSecret(t, a.Interface(), b.Interface())
		wantNoSecret(t, a.Addr().Interface(), b.Addr().Interface())
	}
	wantNoSecret(t, secret("a"), secret("b"))
	wantNoSecret(t, []mackerel.Secret{secret("a")}, []mackerel.Secret{secret("b")})
}

func TestADiffOfChannelsPrintsNoURL(t *testing.T) {
	for _, format := range []string{
		`{"name":"n","type":"slack","url":%q,"new":%[1]q}`, `{"name":"n","type":"slack","url":[%q]}`, `{"name":"n","type":"newer","url":%q}`,
		`{"name":"n","type":"line","url":%q}`, `{"name":"n","type":"webhook","url":%q}`, `%q`,
	} {
		var channels [2]mackerel.Channel
		for i, suffix := range []string{"a", "b"} {
			if err := json.Unmarshal(fmt.Appendf(nil, format, secret(suffix).Reveal()), &channels[i]); err != nil {
				t.Fatal(err)
			}
		}
		wantNoSecret(t, channels[0], channels[1])
		wantNoSecret(t, channels[:1], channels[1:])
	}
}

func TestADumpOfNotifiersAndClientsPrintsNoSecret(t *testing.T) {
	fake := start(t, hipchattest.New())
	token := secret("")
	token = mackerel.NewSecret(strings.TrimPrefix(token.Reveal(), "https://hooks.example.com/"))
	for _, made := range []func() (any, error){
		func() (any, error) { return mackerel.NewClient(mackerel.ClientConfig{APIKey: token}) },
		func() (any, error) { return chatwork.NewClient(chatwork.ClientConfig{Token: token}) },
		func() (any, error) { return chatwork.New(chatwork.Config{Token: token, RoomID: 1}) },
		func() (any, error) {
			return email.New(email.Config{Host: "x.test", Username: "u", Password: token, From: "a@x.test", To: []string{"b@x.test"}})
		},
		func() (any, error) { return hipchat.NewClient(hipchat.ClientConfig{Token: token, BaseURL: fake.URL()}) },
		func() (any, error) { return hipchat.New(hipchat.Config{Token: token, Room: "1", BaseURL: fake.URL()}) },
		func() (any, error) { return jsm.New(jsm.Config{APIKey: token}) },
		func() (any, error) {
			return line.New(line.Config{Token: token, To: []string{"C" + strings.Repeat("0", 32)}})
		},
		func() (any, error) { return opsgenie.New(opsgenie.Config{APIKey: token}) },
		func() (any, error) { return pagerduty.New(pagerduty.Config{RoutingKey: token}) },
		func() (any, error) { return slack.New(slack.Config{URL: secret("")}) },
		func() (any, error) { return teams.New(teams.Config{URL: secret("")}) },
		func() (any, error) {
			return twilio.New(twilio.Config{
				Kind: twilio.KindSMS, AccountSID: "AC" + strings.Repeat("0", 32), AuthToken: token, From: "+815000000000", To: "+819000000000",
				StatusCallback: secret(""),
			})
		},
		func() (any, error) {
			return typetalk.New(typetalk.Config{Token: token, TopicID: 1, BaseURL: "https://typetalk.test/api/v1"})
		},
		func() (any, error) {
			return webhook.New(webhook.Config{
				URL: secret(""), Header: map[string]mackerel.Secret{"X-Key": token},
				SigningSecrets: []mackerel.Secret{mackerel.NewSecret("whsec_" + token.Reveal())},
			})
		},
	} {
		n, err := made()
		if err != nil {
			t.Fatal(err)
		}
		if text := dumper.Sdump(n); strings.Contains(text, part) {
			at := strings.Index(text, part)
			t.Errorf("%T prints ...%s", n, text[max(0, at-400):min(len(text), at+50)])
		}
	}
}
