package settings

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
)

func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestAllProblemsAreNamedWithTheirLines(t *testing.T) {
	content := `{
  "listne": ":80",
  "user": "mackerel",
  "password": "${PASSWORD}",
  "api_key": 7,
  "channels": {
    "a": {"slack": {"url": "${SLACK_URL}", "URL": "x", "text": 7}},
    "b": {"chatwork": {"token": "hush-hush", "room_id": "hush-hush"}},
    "c": {"twilio": {
      "kind": "sms",
      "too": "+81",
      "mentions": true
    }},
    "d": {"pager": {}},
    "e": {},
    "f": ["slack"],
    "g": {"webhook": {"url": "ftp://hush-hush/"}},
    "h": {"pagerduty": {"routing_key": "", "level": 3}},
    "i": {"email": {"host": "mail.example.com", "from": "hush", "to": ["a@example.com"]}},
    "j": {"mackerel": {"url": "x"}},
    "k": {"eventbridge": {"region": "ap-northeast-1", "access_key_id": "hush-hush"}}
  }
}`
	_, err := Read("bridge.json", []byte(content), environment("PASSWORD", ""), mackerel.CallOptions{})
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		"1: feeding_channel: required", "2: listne: unknown", "4: password: the variable PASSWORD is not set", "5: api_key: must be a string",
		"7: channels.a.slack.URL: unknown", "7: channels.a.slack.text: must be an object", "7: channels.a.slack.url: the variable SLACK_URL is not set",
		"8: channels.b.chatwork.room_id: must be a number", "11: channels.c.twilio.too: unknown", "12: channels.c.twilio.mentions: unknown",
		"14: channels.d.pager: unknown service; known are chatwork, email", "15: channels.e: must have one member",
		"16: channels.f: must be an object", "17: channels.g.webhook: URL", "18: channels.h.pagerduty.level: must be a string",
		"19: channels.i.email: From", "20: channels.j.mackerel.url: unknown",
		"21: channels.k.eventbridge: access_key_id, secret_access_key: required",
	}
	for i, line := range got {
		if i >= len(want) || !strings.HasPrefix(line, "bridge.json:"+want[i]) {
			t.Errorf("line %d is %q", i, line)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d problems, want %d:\n%v", len(got), len(want), err)
	}
	if strings.Contains(err.Error(), "hush-hush") {
		t.Errorf("a value is quoted: %v", err)
	}
}

func TestWhatIsNoJSONIsNamedWithItsLine(t *testing.T) {
	for content, want := range map[string]string{
		"{\n\"listen\": \":80\",\n}":           "f:3: no JSON",
		"{\n\"a\": 1,\n\"a\": 2}":              "f:3: no JSON",
		"":                                     "f:1: no JSON",
		"{\"channels\": {}\n}\n\n{}":           "f:4: no JSON: there is something behind",
		"[]":                                   "f:1: must be an object",
		`{"channels": "x"}`:                    "f:1: channels: must be an object",
		`{"path": "x", "feeding_channel":"x"}`: "channels: required",
		`{"path": "x", "channels":{}}`:         "Path: must be",
		`{"channels": {}}`:                     "one is required, or everybody could send alerts",
		`{}`:                                   "f:1: api_key: required",
		`{"api_key": "x", "api_url": "x"}`:     "f:1: api_url: ",
	} {
		if _, err := Read("f", []byte(content), environment(), mackerel.CallOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", content, err)
		}
	}
}

// The configuration of the README needs only the variables that the README names.
func TestTheConfigurationOfTheReadme(t *testing.T) {
	content, err := os.ReadFile("../bridge.json")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read("bridge.json", content, func(name string) (string, bool) {
		value := map[string]string{
			"SLACK_URL": "https://hooks.slack.com/services/T0/B0/x", "TWILIO_SID": "AC0123456789abcdef0123456789abcdef",
		}[name]
		if value == "" {
			value = "x"
		}
		return value, strings.Contains(string(page), "   "+name+"=")
	}, mackerel.CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range map[string]string{"#ops": "slack", "room": "chatwork", "phone": "twilio"} {
		if c.Destinations[name].Service != service {
			t.Errorf("%s is told by %q", name, c.Destinations[name].Service)
		}
	}
}

func TestEventBridgeHasCredentialsInTheConfiguration(t *testing.T) {
	fake := eventbridgetest.New()
	t.Cleanup(fake.Close)
	content := fmt.Sprintf(`{"path": "/p", "api_key": "k", "feeding_channel": "3Feed", "channels": {"bus": {"eventbridge": {
		"region": %q, "base_url": %q, "access_key_id": "${ID}", "secret_access_key": "${KEY}", "session_token": "${TOKEN}"}}}}`,
		eventbridgetest.Region, fake.URL())
	c, err := Read("f", []byte(content), environment("ID", eventbridgetest.AccessKeyID, "KEY", eventbridgetest.SecretAccessKey,
		"TOKEN", eventbridgetest.SessionToken), mackerel.CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Destinations["bus"].Notifier.Notify(t.Context(), mackerel.Alert{Message: "m"}); err != nil {
		t.Fatal(err)
	}
	if n := len(fake.Events(eventbridgetest.DefaultBus)); n != 1 {
		t.Errorf("%d events are on the bus", n)
	}
}
