package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// opaque is a RoundTripper that nobody can look into.
type opaque struct{ http.RoundTripper }

func TestNewReportsEverythingAtOnceAndNoSecret(t *testing.T) {
	_, err := webhook.New(webhook.Config{
		URL:            mackerel.NewSecret("ftp://user:hunter2-secret@example.com"),
		SigningSecrets: secrets("whsec_hunter2!", "whsec_aHVudGVyMi1zZWNyZXQ=", "whsk_hunter2-secret", webhooktest.Secret),
		Header: map[string]mackerel.Secret{
			"X Y": mackerel.NewSecret("hunter2-secret"), "X-A": mackerel.NewSecret("hunter2-secret\r\n"), "x-a": {},
			"content-type": mackerel.NewSecret("text/plain"), "webhook-id": mackerel.NewSecret("hunter2-secret"), "Host": {},
		},
		PublicOnly: true,
		Level:      "warning", Text: mackerel.Text{Language: "fr"},
		Call: mackerel.CallOptions{MaxAttempts: -1, Client: &http.Client{Transport: opaque{}}},
	})
	e := asError(t, err, mackerel.ErrConfig)
	for _, want := range []string{
		"URL: ", "SigningSecrets[0]: ", "SigningSecrets[1]: ", "SigningSecrets[2]: ", "Header[X Y]: ", "Header[X-A]: ", "Header[x-a]: given twice",
		"Header[content-type]: ", "Header[webhook-id]: ", "Header[Host]: ", "PublicOnly: ", "Level: ", "Text.Language: ", "Call.MaxAttempts: ",
	} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q is not in %q", want, e.Message)
		}
	}
	if strings.Contains(e.Message, "hunter2") || strings.Contains(e.Message, "SigningSecrets[3]") {
		t.Errorf("got %q", e.Message)
	}
}

func TestEveryProblemOfAConfigurationIsFound(t *testing.T) {
	fine := webhook.Config{URL: mackerel.NewSecret("https://example.com/hook")}
	for name, change := range map[string]func(*webhook.Config){
		"no URL":                      func(c *webhook.Config) { c.URL = mackerel.Secret{} },
		"a URL with a fragment":       func(c *webhook.Config) { c.URL = mackerel.NewSecret("https://example.com/#x") },
		"an empty secret":             func(c *webhook.Config) { c.SigningSecrets = secrets("") },
		"a secret with a line break":  func(c *webhook.Config) { c.SigningSecrets = secrets(secret(32) + "\n") },
		"a secret of 23 bytes":        func(c *webhook.Config) { c.SigningSecrets = secrets(secret(23)) },
		"a secret of 65 bytes":        func(c *webhook.Config) { c.SigningSecrets = secrets(secret(65)) },
		"two kinds of authorization":  func(c *webhook.Config) { c.URL, c.Header = withUser, authorization },
		"a header that ours would be": func(c *webhook.Config) { c.Header = map[string]mackerel.Secret{"Webhook-Signature": {}} },
		"a header of the transport's": func(c *webhook.Config) { c.Header = map[string]mackerel.Secret{"Content-Length": {}} },
		"a client that dials by itself": func(c *webhook.Config) {
			c.PublicOnly, c.Call.Client = true, &http.Client{Transport: opaque{}}
		},
	} {
		c := fine
		change(&c)
		if _, err := webhook.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, change := range map[string]func(*webhook.Config){
		"nothing else":                 func(*webhook.Config) {},
		"secrets of 24 and 64 bytes":   func(c *webhook.Config) { c.SigningSecrets = secrets(secret(24), secret(64)) },
		"a secret without prefix":      func(c *webhook.Config) { c.SigningSecrets = secrets(strings.TrimPrefix(secret(32), "whsec_")) },
		"a secret without padding":     func(c *webhook.Config) { c.SigningSecrets = secrets(strings.TrimRight(secret(32), "=")) },
		"an authorization of its own":  func(c *webhook.Config) { c.Header = authorization },
		"a client that can be guarded": func(c *webhook.Config) { c.PublicOnly, c.Call.Client = true, &http.Client{} },
		"a query":                      func(c *webhook.Config) { c.URL = mackerel.NewSecret("https://example.com?key=a%2Fb") },
	} {
		c := fine
		change(&c)
		if _, err := webhook.New(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var (
	withUser      = mackerel.NewSecret("https://user:password@example.com")
	authorization = map[string]mackerel.Secret{"authorization": mackerel.NewSecret("Bearer 0123456789")}
)

func TestAConfigurationIsReadFromJSON(t *testing.T) {
	var c webhook.Config
	err := json.Unmarshal([]byte(`{"url":"https://u:p@example.com/x","signing_secrets":["`+webhooktest.Secret+`"],"header":{"X-A":"b"},
		"public_only":true,"level":"critical","text":{"language":"ja"}}`), &c)
	if err != nil || c.URL.Reveal() != "https://u:p@example.com/x" || len(c.SigningSecrets) != 1 || c.Header["X-A"].Reveal() != "b" || !c.PublicOnly {
		t.Errorf("%v, %+v", err, c)
	}
	out, err := json.Marshal(c)
	if err != nil || strings.Contains(string(out), "u:p") || strings.Contains(string(out), "whsec") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestAUserWithoutAPasswordIsATokenAndIsNotShown(t *testing.T) {
	s := newServer(t)
	n, err := webhook.New(webhook.Config{
		URL: mackerel.NewSecret("http://token-0123456789@fake.test/alerts"), Call: mackerel.CallOptions{Client: s.Client()},
	})
	if err != nil {
		t.Fatal(err)
	}
	e := asError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrUnauthorized)
	p, err := n.Preview(mackerel.Alert{})
	if err != nil {
		t.Fatal(err)
	}
	if user, password, ok := (&http.Request{Header: s.Requests()[0].Header}).BasicAuth(); user != "token-0123456789" || password != "" || !ok {
		t.Errorf("sent %q, %q", user, password)
	}
	for _, shown := range []string{fmt.Sprintf("%+v", *p), e.Error(), fmt.Sprintf("%#v %+v %s", n, *n, n)} {
		if strings.Contains(shown, "token-0123456789") || strings.Contains(shown, "dG9rZW4tMDEyMzQ1Njc4OT") {
			t.Errorf("the token is in %q", shown)
		}
	}
}

func TestOnlyPublicAddressesAreReachedIfAskedFor(t *testing.T) {
	s := newServer(t)
	for _, delivery := range []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce} {
		for _, client := range []*http.Client{nil, {}, s.Client()} { // of the last the dialer, which leads to the fake, is left out
			n, err := webhook.New(webhook.Config{
				URL: mackerel.NewSecret(s.HookURL()), PublicOnly: true, Call: mackerel.CallOptions{Client: client, Delivery: delivery},
			})
			if err != nil {
				t.Fatal(err)
			}
			e := asError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrInvalid)
			if e.Attempts != 1 || !strings.Contains(e.Error(), "address is not public") || strings.Contains(e.Error(), "127.0.0.1") {
				t.Errorf("got %v", e)
			}
		}
	}
	if len(s.Requests()) != 0 {
		t.Error("a request arrived")
	}
	n, err := webhook.New(webhook.Config{URL: mackerel.NewSecret(s.HookURL())})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
		t.Errorf("without being asked for: %v", err)
	}
}
