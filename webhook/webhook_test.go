package webhook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// headerToken stands in a header of the configuration.
const headerToken = "conformance-header-token"

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness { return harness(servicetest.Start(t, webhooktest.New()), nil) })
}

func TestConformanceOfSignedRequests(t *testing.T) {
	notifytest.RunVariant(t, func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, webhooktest.New())
		fake.RequireSignature(webhooktest.Secret)
		h := harness(fake, secrets(webhooktest.Secret))
		h.Keys, h.Dedups = []string{webhooktest.Secret}, true
		return h
	})
}

func harness(fake *webhooktest.Server, signing []mackerel.Secret) notifytest.Harness {
	return notifytest.Harness{
		New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
			config := fake.MemoryConfig()
			config.URL, config.Call = servicetest.At(e.BaseURL, config.URL), e.Call()
			config.Header = map[string]mackerel.Secret{"X-Token": mackerel.NewSecret(headerToken)}
			config.SigningSecrets = signing
			return servicetest.Make(t, webhook.New, config)
		},
		Fake:    fake,
		Secrets: []string{webhooktest.Password, webhooktest.Token, headerToken},
	}
}

func TestGolden(t *testing.T) {
	servicetest.Golden(t, []servicetest.Variant{
		{Name: "plain", Start: func(t testing.TB) (servicetest.Fake, servicetest.Notifier) { return start(t) }},
		{Name: "signed", Start: func(t testing.TB) (servicetest.Fake, servicetest.Notifier) { return startSigned(t) }},
	})
}

// opaque is a RoundTripper whose dialer cannot be replaced.
type opaque struct{ http.RoundTripper }

func TestConfigurations(t *testing.T) {
	url := mackerel.NewSecret("https://example.com/hook")
	signed := func(s ...string) webhook.Config { return webhook.Config{URL: url, SigningSecrets: secrets(s...)} }
	header := func(name, value string) webhook.Config {
		return webhook.Config{URL: url, Header: map[string]mackerel.Secret{name: mackerel.NewSecret(value)}}
	}
	servicetest.Configs(t, webhook.New, "hunter2", []servicetest.ConfigCase[webhook.Config]{
		{Name: "an address is enough", Config: webhook.Config{URL: url}},
		{Name: "an address may have a query", Config: webhook.Config{URL: mackerel.NewSecret("https://example.com?key=hunter2%2Fb")}},
		{Name: "an address is required", Want: []string{"URL: required"}},
		{Name: "a fragment is refused", Config: webhook.Config{URL: mackerel.NewSecret("https://example.com/#hunter2")}, Want: []string{"URL: has a fragment"}},
		{Name: "secrets have 24 to 64 bytes", Config: signed(secret(24), secret(64))},
		{Name: "a secret may lack its prefix and its padding", Config: signed(strings.TrimRight(strings.TrimPrefix(secret(32), "whsec_"), "="))},
		{Name: "a secret with other characters is refused", Config: signed(strings.TrimRight(secret(32), "=") + "!"), Want: []string{"SigningSecrets[0]: must be whsec_ and base64"}},
		{Name: "an empty secret is refused", Config: signed(""), Want: []string{"SigningSecrets[0]: required"}},
		{Name: "a secret with a line break is refused", Config: signed(secret(32) + "\n"), Want: []string{"SigningSecrets[0]: must be whsec_"}},
		{Name: "a secret of 23 or 65 bytes is refused", Config: signed(secret(23), secret(65)), Want: []string{"SigningSecrets[0]: must have 24 to 64", "SigningSecrets[1]: must have"}},
		{Name: "asymmetric keys are refused", Config: signed("whsk_hunter2", "whpk_hunter2"), Want: []string{"SigningSecrets[0]: must be whsec_, not an asymmetric key", "SigningSecrets[1]: must be whsec_, not an asymmetric key"}},
		{Name: "a header may be an authorization", Config: header("authorization", "Bearer hunter2")},
		{Name: "two authorizations are refused", Config: webhook.Config{
			URL: mackerel.NewSecret("https://user:hunter2@example.com"), Header: map[string]mackerel.Secret{"authorization": {}},
		}, Want: []string{"Header[authorization]: set together with a user in the URL"}},
		{Name: "a header of the signature is refused", Config: header("Webhook-Signature", "x"), Want: []string{"Header[Webhook-Signature]: is the signature's"}},
		{Name: "a header of the transport is refused", Config: header("Content-Length", "1"), Want: []string{"Header[Content-Length]: "}},
		{Name: "a client can be kept to public addresses", Config: webhook.Config{URL: url, PublicOnly: true, Call: mackerel.CallOptions{Client: &http.Client{}}}},
		{Name: "all problems are told at once, in the order of the fields", Config: webhook.Config{
			URL: mackerel.NewSecret("ftp://user:hunter2@example.com"), SigningSecrets: secrets("whsec_hunter2!", webhooktest.Secret, "whsk_hunter2"),
			Header: map[string]mackerel.Secret{
				"X Y": mackerel.NewSecret("hunter2"), "X-A": mackerel.NewSecret("hunter2\r\n"), "x-a": {}, "content-type": mackerel.NewSecret("text/plain"),
			},
			PublicOnly: true, Level: "warning", Call: mackerel.CallOptions{MaxAttempts: -1, Client: &http.Client{Transport: opaque{}}},
		}, Want: []string{
			"URL: ", "SigningSecrets[0]: ", "SigningSecrets[2]: ", "Header[X Y]: ", "Header[X-A]: ", "Header[content-type]: ", "Header[x-a]: given twice",
			"PublicOnly: ", "Level: ", "Call.MaxAttempts: ",
		}},
	})
}

func TestAConfigurationIsReadFromJSON(t *testing.T) {
	var c webhook.Config
	err := json.Unmarshal([]byte(`{"url":"https://u:p@example.com/x","signing_secrets":["`+webhooktest.Secret+`"],"header":{"X-A":"b"},
		"public_only":true,"level":"critical"}`), &c)
	if err != nil || c.URL.Reveal() != "https://u:p@example.com/x" || len(c.SigningSecrets) != 1 || c.Header["X-A"].Reveal() != "b" || !c.PublicOnly {
		t.Errorf("%v, %+v", err, c)
	}
}

func TestAUserWithoutAPasswordIsATokenAndIsNotShown(t *testing.T) {
	fake, n := start(t, func(c *webhook.Config) { c.URL = mackerel.NewSecret("http://token-0123456789@fake.test/alerts") })
	err := n.Notify(t.Context(), mackerel.Alert{})
	servicetest.AsError(t, err, mackerel.ErrUnauthorized)
	p, previewErr := n.Preview(mackerel.Alert{})
	if previewErr != nil {
		t.Fatal(previewErr)
	}
	if user, password, ok := (&http.Request{Header: fake.Requests()[0].Header}).BasicAuth(); user != "token-0123456789" || password != "" || !ok {
		t.Errorf("sent %q, %q", user, password)
	}
	for _, shown := range []string{fmt.Sprintf("%+v", *p), err.Error(), fmt.Sprintf("%#v %+v %s", n, *n, n)} {
		if strings.Contains(shown, "token-0123456789") || strings.Contains(shown, "dG9rZW4tMDEyMzQ1Njc4OT") {
			t.Errorf("the token is in %q", shown)
		}
	}
}

func TestOnlyPublicAddressesAreReachedIfAskedFor(t *testing.T) {
	fake := servicetest.Start(t, webhooktest.New())
	for _, delivery := range []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce} {
		for _, client := range []*http.Client{nil, {}, fake.Client()} { // the last has a dialer that leads to the fake
			config := fake.Config()
			config.PublicOnly, config.Call = true, mackerel.CallOptions{Client: client, Delivery: delivery}
			err := servicetest.Make(t, webhook.New, config).Notify(t.Context(), mackerel.Alert{})
			e := servicetest.AsError(t, err, mackerel.ErrInvalid)
			if e.Attempts != 1 || !strings.Contains(e.Error(), "address is not public") || strings.Contains(e.Error(), "127.0.0.1") {
				t.Errorf("got %v", e)
			}
		}
	}
	if len(fake.Requests()) != 0 {
		t.Error("a request arrived")
	}
	if err := servicetest.Make(t, webhook.New, fake.Config()).Notify(t.Context(), mackerel.Alert{}); err != nil {
		t.Errorf("without PublicOnly: %v", err)
	}
}

func TestHeadersOfTheConfigurationAreSentAndNotShown(t *testing.T) {
	fake, n := start(t, func(c *webhook.Config) {
		c.Header = map[string]mackerel.Secret{"X-Api-Key": mackerel.NewSecret("key-0123456789"), "accept": mackerel.NewSecret("text/plain")}
	})
	if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
		t.Fatal(err)
	}
	if h := fake.Deliveries()[0].Header; h.Get("X-Api-Key") != "key-0123456789" || h.Get("Accept") != "text/plain" {
		t.Errorf("sent %v", h)
	}
	p, err := n.Preview(mackerel.Alert{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"key-0123456789", webhooktest.Token, webhooktest.Password} {
		if strings.Contains(fmt.Sprint(p.Requests), secret) {
			t.Errorf("previewed %+v", p.Requests)
		}
	}
}

func TestATokenIsNotShownWithoutItsScheme(t *testing.T) {
	const token = "tk_0123456789abcdef"
	fake, n := start(t, func(c *webhook.Config) {
		c.URL = mackerel.NewSecret("http://fake.test/alerts")
		c.Header = map[string]mackerel.Secret{"authorization": mackerel.NewSecret("Bearer " + token)}
	})
	fake.Inject(fakehttp.Fault{Status: 400, Body: "unknown token " + token})
	err := n.Notify(t.Context(), mackerel.Alert{})
	if servicetest.AsError(t, err, mackerel.ErrInvalid); strings.Contains(err.Error(), token) {
		t.Error(err)
	}
}

// TestWhatIsSecretInTheConfiguration lets the receiver quote what it was sent.
func TestWhatIsSecretInTheConfiguration(t *testing.T) {
	for _, c := range []struct {
		name, url, quoted string
		secret            bool
	}{
		{"a path of a word", "http://fake.test/alerts", "/alerts", false},
		{"a path of 15 letters", "http://fake.test/abcdefghijklmno", "/abcdefghijklmno", false},
		{"a path of 16 letters", "http://fake.test/abcdefghijklmnop", "/abcdefghijklmnop", true},
		{"a path of short elements", "http://fake.test/T0/B1/x9", "/T0/B1/x9", true},
		{"a path with digits", "http://fake.test/hook-7f3a", "/hook-7f3a", true},
		{"a user without a password", "http://token-0123456789@fake.test/alerts", "token-0123456789", true},
		{"a user with a password", "http://user-0123456789:horse-battery@fake.test/alerts", "user-0123456789", false},
		{"a password", "http://hanako:correcthorse@fake.test/alerts", "correcthorse", true},
		{"a header", "http://fake.test/alerts", "team alerting", true},
		{"the second word of a header", "http://fake.test/alerts", "alerting", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake, n := start(t, func(config *webhook.Config) {
				config.URL = mackerel.NewSecret(c.url)
				config.Header = map[string]mackerel.Secret{"X-Team": mackerel.NewSecret("team alerting")}
			})
			fake.Inject(fakehttp.Fault{Status: 400, Body: "not for " + c.quoted + "!"})
			e := servicetest.AsError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrInvalid)
			if shown := strings.Contains(e.Message, c.quoted); shown == c.secret || !strings.HasSuffix(e.Message, "!") {
				t.Errorf("it says %q", e.Message)
			}
			if got, set := fake.Requests()[0].Header["Authorization"]; set != strings.Contains(c.url, "@") {
				t.Errorf("the authorization is %q", got)
			}
		})
	}
}

func TestASuccessMayHaveABrokenBody(t *testing.T) {
	fake, n := start(t, func(c *webhook.Config) { c.Call.MaxAttempts = 1 })
	for _, b := range []fakehttp.Break{fakehttp.HalfBody, fakehttp.EndlessBody} {
		fake.Inject(fakehttp.Fault{Status: 200, Body: "thank you", Break: b})
		if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
			t.Errorf("break %d: %v", b, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	var cases []servicetest.Answer
	for _, status := range []int{200, 201, 202, 204} {
		cases = append(cases, servicetest.Answer{Name: fmt.Sprint(status, " is success"), Status: status})
	}
	servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return start(t, func(c *webhook.Config) { c.Call.MaxAttempts = 1 })
	}, append(cases,
		servicetest.Answer{Name: "a success may have any body", Status: 200, Body: "<html>"},
		servicetest.Answer{Name: "a redirect is refused", Status: 302, Header: http.Header{"Location": {"http://elsewhere.test/"}}, Kind: mackerel.ErrInvalid},
		servicetest.Answer{Name: "a wrong credential", Status: 401, Kind: mackerel.ErrUnauthorized},
		servicetest.Answer{Name: "a receiver that is gone", Status: 410, Kind: mackerel.ErrNotFound},
		servicetest.Answer{Name: "a failure", Status: 502, Kind: mackerel.ErrAmbiguous},
	))
}
