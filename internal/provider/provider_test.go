package provider_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

const token = "s3cr3t-t0ken"

func check[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// service has errors of the form "code: words".
func service(call mackerel.CallOptions, delivery mackerel.Delivery, secrets ...string) *provider.Service {
	s := &provider.Service{Name: "chatwork", DecodeError: func(_ int, body []byte) (code, message string) {
		code, message, _ = strings.Cut(string(body), ": ")
		return code, message
	}}
	s.Connect(call, delivery, append(secrets, token)...)
	return s
}

// answering is a service behind a client that gets this answer, whatever it asks.
func answering(t *testing.T, status int, header http.Header, body string) *provider.Service {
	t.Helper()
	m := httpmock.NewMockTransport()
	m.RegisterNoResponder(httpmock.NewStringResponder(status, body).HeaderSet(header))
	return service(mackerel.CallOptions{Client: &http.Client{Transport: m}, MaxAttempts: 1}, mackerel.AtLeastOnce)
}

func post(t *testing.T) transport.Request {
	t.Helper()
	return transport.Request{
		Op: "post message", Method: http.MethodPost, Repeat: transport.Message, Body: []byte("disk full"),
		URL: &url.URL{Scheme: "https", Host: "api.test", Path: "/rooms/1/messages"},
	}
}

func TestErrorsOfEveryClass(t *testing.T) {
	tests := []struct {
		name   string
		status int
		kind   error
	}{
		{"redirected", 302, mackerel.ErrInvalid},
		{"wrong", 400, mackerel.ErrInvalid},
		{"not allowed", 401, mackerel.ErrUnauthorized},
		{"not there", 404, mackerel.ErrNotFound},
		{"too late", 408, mackerel.ErrUnavailable},
		{"too many", 429, mackerel.ErrRateLimited},
		{"failed", 500, mackerel.ErrAmbiguous},
		{"cannot", 501, mackerel.ErrUnsupported},
		{"not to be had", 503, mackerel.ErrAmbiguous},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := answering(t, tt.status, http.Header{"Retry-After": {"60"}}, "E7 of "+token+": the words\nof "+token)
			r, err := s.Do(t.Context(), post(t))
			var e *mackerel.Error
			if !errors.As(err, &e) {
				t.Fatalf("%T %v", err, err)
			}
			for _, kind := range []error{
				mackerel.ErrAmbiguous, mackerel.ErrInvalid, mackerel.ErrUnauthorized, mackerel.ErrNotFound,
				mackerel.ErrRateLimited, mackerel.ErrUnavailable, mackerel.ErrUnsupported, mackerel.ErrConfig,
			} {
				check(t, "the error is "+kind.Error(), errors.Is(err, kind), kind == tt.kind)
			}
			check(t, "provider and operation", e.Provider+" "+e.Op, "chatwork post message")
			check(t, "status", e.Status, tt.status)
			check(t, "code", e.Code, "E7 of [redacted]")
			check(t, "words", e.Message, "the words of [redacted]")
			check(t, "attempts", e.Attempts, 1)
			check(t, "attempts of the result", r.Attempts, 1)
			check(t, "delivery", e.Delivery, mackerel.AtLeastOnce)
			check(t, "RetryAfter", e.RetryAfter, r.RetryAfter)
			check(t, "there is a cause", e.Err != nil, tt.status == 302)
		})
	}
}

func TestASuccessIsNoError(t *testing.T) {
	r, err := answering(t, 200, nil, "fine").Do(t.Context(), post(t))
	check(t, "error", err, nil)
	check(t, "body", string(r.Body), "fine")
}

func TestAnErrorWithoutAnAnswer(t *testing.T) {
	s := service(mackerel.CallOptions{Client: &http.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: "https://hooks.test/" + token, Err: io.ErrUnexpectedEOF}
	})}, MaxAttempts: 1}, mackerel.AtMostOnce)
	_, err := s.Do(t.Context(), post(t))
	check(t, "words", err.Error(), "chatwork: post message: unexpected EOF (may have been done)")
	check(t, "the cause is found", errors.Is(err, io.ErrUnexpectedEOF), true)
	if _, again := mackerel.Retry(err); again {
		t.Error("what must not arrive twice may be repeated")
	}
	if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, token) {
		t.Error(text)
	}
}

func TestAnErrorWithoutWords(t *testing.T) {
	s := answering(t, 404, nil, "")
	s.DecodeError = func(int, []byte) (string, string) { t.Error("asked to decode nothing"); return "", "" }
	_, err := s.Do(t.Context(), post(t))
	check(t, "words", err.Error(), "chatwork: post message: 404: Not Found (not found)")
}

func TestTheWordsOfAnErrorThatTheServiceDoesNotKnow(t *testing.T) {
	const body = `{"code":"E8","message":"the words\nof ` + token + `\u202e"}`
	nothing := func(int, []byte) (string, string) { return "", "" }
	for _, c := range []struct {
		name          string
		status        int
		decode        func(int, []byte) (string, string)
		code, message string
	}{
		{"a refusal", 400, nothing, "E8", "the words of [redacted]"},
		{"a failure", 502, nothing, "E8", "the words of [redacted]"},
		{"a service without a form of its own", 400, nil, "E8", "the words of [redacted]"},
		{"the service's code is kept", 400, func(int, []byte) (string, string) { return "E7", "" }, "E7", "the words of [redacted]"},
		{"the service's words are kept", 400, func(int, []byte) (string, string) { return "", "no" }, "", "no"},
		{"a success that is not documented may have any body", 200, nothing, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := answering(t, c.status, nil, body)
			s.DecodeError = c.decode
			r := post(t)
			r.Judge = func(r *transport.Result) { r.Class = transport.Invalid }
			_, err := s.Do(t.Context(), r)
			var e *mackerel.Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			check(t, "code", e.Code, c.code)
			check(t, "message", e.Message, c.message)
		})
	}
}

func TestADestinationThatRefusesForNowIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answering(t, 429, http.Header{"Retry-After": {"60"}}, "")
		for _, c := range []struct {
			room string
			took time.Duration
		}{{"room 1", 0}, {"room 1", time.Minute}, {"room 2", 0}} {
			r := post(t)
			r.Lanes = s.Lanes(transport.Limit{}, "api.test", c.room)
			start := time.Now()
			_, err := s.Do(t.Context(), r)
			check(t, "it is refused for now", errors.Is(err, mackerel.ErrRateLimited), true)
			check(t, "the time of a call to "+c.room, time.Since(start), c.took)
		}
	})
}

func TestACallsOwnSecrets(t *testing.T) {
	r := post(t)
	r.Clean = transport.NewCleaner("response-url-1")
	_, err := answering(t, 400, nil, "E7: of response-url-1").Do(t.Context(), r)
	check(t, "words", err.Error(), "chatwork: post message: 400: of [redacted] (invalid request)")
	r.Body = []byte("to response-url-1")
	p := answering(t, 200, nil, "").Preview(nil, r)
	check(t, "preview", p.Requests[0].Body, "to [redacted]")
}

func TestErrorsBeforeSending(t *testing.T) {
	s := answering(t, 200, nil, "")
	tests := []struct {
		name  string
		err   error
		kind  error
		words string
	}{
		{"an operation that is wrong", s.Invalid("post message", "Body: empty"), mackerel.ErrInvalid, "chatwork: post message: Body: empty (invalid request)"},
		{"a result from elsewhere", s.Error("post message", transport.Result{Class: transport.NotFound, Status: 404}), mackerel.ErrNotFound, "chatwork: post message: 404: Not Found (not found)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			check(t, "words", tt.err.Error(), tt.words)
			check(t, "kind", errors.Is(tt.err, tt.kind), true)
		})
	}
}

func TestReceipts(t *testing.T) {
	s := answering(t, 200, nil, "")
	cuts := []mackerel.Cut{{Field: "memo", Unit: "bytes", From: 9, To: 3}}
	r := s.Receipt(time.Now().Add(-time.Minute), transport.Result{Attempts: 2}, cuts)
	check(t, "duration", r.Duration.Round(time.Second), time.Minute)
	r.Duration = 0
	check(t, "receipt", fmt.Sprint(r), fmt.Sprint(mackerel.Receipt{Provider: "chatwork", Attempts: 2, Cuts: cuts}))
}

func TestJSON(t *testing.T) {
	type answer struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	tests := []struct {
		name   string
		status int
		body   string
		want   answer
		class  transport.Class
	}{
		{"the documented success", 200, `{"id":"5","new":1}`, answer{ID: "5"}, transport.Done},
		{"an error is not decoded", 400, `{"id":"5"}`, answer{}, transport.Invalid},
		{"a page of a proxy", 200, "<html>", answer{}, transport.Ambiguous},
		{"nothing", 200, "", answer{}, transport.Ambiguous},
		{"null", 200, " null\n", answer{}, transport.Ambiguous},
		{"a list instead", 200, "[]", answer{}, transport.Ambiguous},
		{"a member of the wrong kind leaves nothing behind", 200, `{"id":"5","name":7}`, answer{}, transport.Ambiguous},
		{"half of it", 200, `{"id":"5"`, answer{}, transport.Ambiguous},
		{"more than it", 200, `{"id":"5"}{}`, answer{}, transport.Ambiguous},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := answer{"of an earlier", "attempt"}
			r := transport.Result{Status: tt.status, Class: transport.Classify(tt.status, false), Body: []byte(tt.body)}
			provider.JSON(&got)(&r)
			check(t, "answer", got, tt.want)
			check(t, "class", r.Class, tt.class)
			check(t, "there is an error", r.Err != nil, tt.class == transport.Ambiguous)
		})
	}
}

func TestAnUndocumentedAnswerIsSentAgainIfItMayBe(t *testing.T) {
	calls := 0
	s := service(mackerel.CallOptions{Client: &http.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
		calls++
		return response(200, "<html>"), nil
	})}, MaxWait: time.Millisecond}, mackerel.AtLeastOnce)
	var list []string
	r := post(t)
	r.Judge = provider.JSON(&list)
	_, err := s.Do(t.Context(), r)
	check(t, "words", err.Error(), "chatwork: post message: 200: OK: the answer is not the documented one (may have been done, 3 attempts)")
	check(t, "requests", calls, 3)
}

func TestPreview(t *testing.T) {
	s := service(mackerel.CallOptions{}, mackerel.AtLeastOnce, "ops", "https://hooks.test/services/T0-secret")
	header := s.Header("X-ChatWorkToken", token, "X-Room", "ops")()
	first := transport.Request{Method: "POST", URL: &url.URL{Scheme: "https", Host: "hooks.test", Path: "/services/T0-secret"}, Header: header, Body: []byte(`{"token":"` + token + `","text":"ops: disk full"}`)}
	second := transport.Request{Method: "PUT", URL: &url.URL{Scheme: "https", Host: "api.test", Path: "/x", User: url.UserPassword("hanako", "hunter2")}}
	p := s.Preview([]mackerel.Cut{{Field: "memo"}}, first, second)
	want := []mackerel.PreviewRequest{
		{Method: "POST", URL: "[redacted]", Body: `{"token":"[redacted]","text":"ops: disk full"}`, Header: http.Header{
			"User-Agent": {mackerel.UserAgent}, "X-Chatworktoken": {"[redacted]"}, "X-Room": {"[redacted]"},
		}},
		{Method: "PUT", URL: "https://[redacted]@api.test/x"},
	}
	check(t, "requests", fmt.Sprint(p.Requests), fmt.Sprint(want))
	check(t, "cuts", len(p.Cuts), 1)
	check(t, "the header that is sent", header.Get("X-ChatWorkToken"), token)
}

func TestConfigurationsWithoutProblems(t *testing.T) {
	var p provider.Problems
	p.Add("BaseURL", "")
	p.Require("RoomID", true)
	p.Token("Token", mackerel.NewSecret(token))
	p.Check("To", true, "no room")
	p.Length("Title", "障害", provider.Runes, 2)
	p.Items("To", 3, 3)
	for address, want := range map[string]string{
		"": "https://api.test/a/v2", "http://proxy": "http://proxy/a/v2", "http://proxy/": "http://proxy/a/v2", "http://proxy/x/": "http://proxy/x/",
	} {
		base := p.Base("BaseURL", address, "https://api.test/a/v2")
		check(t, "the base URL", base.String(), want)
		check(t, "the path's first character", base.Path[:1], "/") // String adds it, a request line does not
	}
	check(t, "the base URL without a path", p.Base("BaseURL", "http://proxy", "https://api.test").String(), "http://proxy")
	check(t, "the base URL that ends in a slash", p.Base("BaseURL", "http://proxy/", "https://api.test").String(), "http://proxy/")
	check(t, "the base URL without a default", p.Base("BaseURL", "http://proxy", "").String(), "http://proxy")
	p.Common("", mackerel.Text{}, mackerel.CallOptions{})
	p.Common(mackerel.LevelAll, mackerel.Text{Language: mackerel.English}, mackerel.CallOptions{})
	p.Common(mackerel.LevelCritical, mackerel.Text{Language: mackerel.Japanese, Location: time.UTC}, mackerel.CallOptions{})
	check(t, "of a configuration", p.ConfigError("chatwork"), nil)
	check(t, "of a message", p.Err(), nil)
}

func TestProblems(t *testing.T) {
	var p provider.Problems
	p.Add("URL", "not a URL")
	p.Require("RoomID", false)
	p.Check("To", false, "no room")
	p.Token("Token", mackerel.Secret{})
	p.Token("Other", mackerel.NewSecret("hunter2\n"))
	p.Length("Title", "障害", provider.Bytes, 5)
	p.Length("Text", "障害🔥", provider.UTF16, 3)
	p.Items("To", 4, 3)
	provider.OneOf(&p, "Format", "pdf", "text", "html", "flex")
	if u := p.Base("BaseURL", "ftp://x", "https://api.test/v2"); u != nil {
		t.Errorf("the base URL is %v", u)
	}
	p.Common("warning", mackerel.Text{Language: "fr"}, mackerel.CallOptions{Timeout: -1})
	want := "URL: not a URL; RoomID: required; To: no room; Token: required; Other: has a blank, a line break or a character beyond ASCII; " +
		"Title: 6 bytes, and at most 5 are allowed; Text: 4 characters, and at most 3 are allowed; To: 4 items, and at most 3 are allowed; " +
		`Format: must be "text", "html" or "flex"; BaseURL: not an http or https URL; ` +
		`Level: must be "all" or "critical"; Text.Language: must be "en" or "ja"; Call.Timeout: must not be negative`
	check(t, "words", p.Err().Error(), want)
	err := p.ConfigError("chatwork")
	check(t, "words of a configuration", err.Error(), "chatwork: configure: "+want+" (invalid configuration)")
	check(t, "kind", errors.Is(err, mackerel.ErrConfig), true)
}

func TestNoCall(t *testing.T) {
	check(t, "left alone", provider.NoCall(mackerel.CallOptions{}), true)
	check(t, "with attempts", provider.NoCall(mackerel.CallOptions{MaxAttempts: 1}), false)
	check(t, "with a client", provider.NoCall(mackerel.CallOptions{Client: &http.Client{}}), false)
}
