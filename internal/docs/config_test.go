package docs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/twilio"
)

// readYAML reads a configuration in YAML as README.md says.
func readYAML(content []byte, into any) error {
	var tree any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		return err
	}
	content, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// TestTheConfigurationOfTheREADME reads the JSON of each README, as the block below it does.
func TestTheConfigurationOfTheREADME(t *testing.T) {
	for _, p := range pages(t) {
		if p.Name != "README.md" && p.Name != "README.ja.md" {
			continue
		}
		count := 0
		for _, b := range p.Blocks {
			if b.Language != "json" {
				continue
			}
			count++
			var config struct {
				Room  chatwork.Config `json:"room"`
				Phone twilio.Config   `json:"phone"`
			}
			if err := readYAML([]byte(b.Code), &config); err != nil { // JSON is YAML too
				t.Fatalf("%s:%d: %v", p.Name, b.Line, err)
			}
			if _, err := chatwork.New(config.Room); err != nil {
				t.Error(err)
			}
			if _, err := twilio.New(config.Phone); err != nil {
				t.Error(err)
			}
		}
		if count != 1 {
			t.Errorf("%s has %d configurations, want 1", p.Name, count)
		}
	}
}

// TestTheTrapsOfYAML holds what README.md says about YAML.
func TestTheTrapsOfYAML(t *testing.T) {
	tests := []struct {
		name, content string
		into          any
		problem       string // in the error; "" for no error
	}{
		{"a token of digits", "token: 0123456789", new(chatwork.Config), "number into Go struct field Config.token"},
		{"a token of digits in quotes", `token: "0123456789"`, new(chatwork.Config), ""},
		{"a telephone number", "from: +815000000000", new(twilio.Config), "number into Go struct field Config.from"},
		{"a mention that begins with @", "mentions: {critical: @here}", new(slack.Config), "cannot start any token"},
		{"a name that is not known", "tokn: a", new(chatwork.Config), `unknown field "tokn"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := readYAML([]byte(tt.content), tt.into)
			if (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("the error is %v, want one with %q", err, tt.problem)
			}
		})
	}

	var c slack.Config
	if err := readYAML([]byte("url: https://example.com/\nmentions:\n  critical: #ops"), &c); err != nil {
		t.Error(err)
	}
	if m := c.Mentions["critical"]; m != "" {
		t.Errorf("# does not begin a comment: the mention is %q", m)
	}
	var date chatwork.Config
	if err := readYAML([]byte("token: 2024-12-31"), &date); err != nil {
		t.Error(err)
	}
	if token := date.Token.Reveal(); token != "2024-12-31T00:00:00Z" {
		t.Errorf("a date without quotes becomes %q", token)
	}
	var direct twilio.Config
	if err := yaml.Unmarshal([]byte("account_sid: AC1"), &direct); err != nil || direct.AccountSID != "" {
		t.Errorf("YAML can be decoded directly: %q, %v", direct.AccountSID, err)
	}
}
