package mackerel_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
)

func TestASecretIsPrintedByNothing(t *testing.T) {
	const value = "sekret-token-0123456789"
	s := mackerel.NewSecret(value)
	if s.Reveal() != value {
		t.Fatalf("Reveal returns %q", s.Reveal())
	}
	type config struct {
		Token  mackerel.Secret
		hidden mackerel.Secret
	}
	c := config{s, s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%c", "%U"} {
		for _, v := range []any{s, &s, c, &c, []mackerel.Secret{s}, map[mackerel.Secret]mackerel.Secret{s: s}} {
			printed := fmt.Sprintf(verb, v)
			if strings.Contains(printed, value) || strings.Contains(printed, fmt.Sprintf("%x", value)) {
				t.Errorf("%s of a %T prints %s", verb, v, printed)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "s", s, "c", c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "s", s, "c", c, "p", &c)
	if got := log.String(); strings.Contains(got, value) || !strings.Contains(got, `"s":"[redacted]"`) || !strings.Contains(got, "s=[redacted]") {
		t.Errorf("logged %s", got)
	}
	if got := fmt.Sprintf("%v %#v", s, s); got != `[redacted] "[redacted]"` {
		t.Errorf("printed %s", got)
	}
	v1, err1 := json.Marshal(c)
	v2, err2 := jsonv2.Marshal(c)
	const want = `{"Token":"[redacted]"}`
	if err1 != nil || err2 != nil || string(v1) != want || string(v2) != want {
		t.Errorf("marshalled %s and %s, %v, %v", v1, v2, err1, err2)
	}
}

func TestSecretsAreValues(t *testing.T) {
	a, again := mackerel.NewSecret("a"), mackerel.NewSecret(string([]byte{'a'}))
	if a != again || a == mackerel.NewSecret("b") {
		t.Error("equal values are not equal secrets")
	}
	var zero mackerel.Secret
	if mackerel.NewSecret("") != zero || !zero.IsZero() || zero.Reveal() != "" || zero.String() != "" {
		t.Error("the empty secret is not the zero one")
	}
}

func TestASecretIsReadFromTextOnce(t *testing.T) {
	var c struct {
		Token mackerel.Secret `json:"token"`
	}
	if err := json.Unmarshal([]byte(`{"token":"abc"}`), &c); err != nil || c.Token.Reveal() != "abc" {
		t.Fatalf("read %q, %v", c.Token.Reveal(), err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &c); err == nil {
		t.Errorf("%s was read back as if it were the secret", b)
	}
	if c.Token.Reveal() != "abc" {
		t.Error("the failed reading has changed it")
	}
}

func TestTextIsReadAndWritten(t *testing.T) {
	var text mackerel.Text
	if err := json.Unmarshal([]byte(`{"language":"ja","time_zone":"UTC"}`), &text); err != nil {
		t.Fatal(err)
	}
	if text.Language != mackerel.Japanese || text.Location != time.UTC {
		t.Errorf("read %+v", text)
	}
	if b, err := json.Marshal(text); err != nil || string(b) != `{"language":"ja","time_zone":"UTC"}` {
		t.Errorf("wrote %s, %v", b, err)
	}
	if err := json.Unmarshal([]byte(`{"time_zone":"Mars/Olympus"}`), &text); err == nil || !strings.Contains(err.Error(), "time_zone") {
		t.Errorf("an unknown zone gives %v", err)
	}
	if err := json.Unmarshal([]byte(`{"language":1}`), &text); err == nil {
		t.Error("a number is read as a language")
	}
	// The time zone of the process is not written: another process may have another.
	if b, err := json.Marshal(mackerel.Text{}); err != nil || string(b) != "{}" {
		t.Errorf("wrote %s, %v", b, err)
	}
	if err := json.Unmarshal([]byte(`{"language":"ja"}`), &text); err != nil || text.Location != nil || text.Language != mackerel.Japanese {
		t.Errorf("%v, %+v", err, text)
	}
}
