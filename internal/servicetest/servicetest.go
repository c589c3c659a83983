// Package servicetest holds what the tests of all services share: starting a fake and a notifier, looking into an
// error, and the tables and golden requests that every service has.
package servicetest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A Fake is what the tests need of a fake service.
type Fake interface {
	Close()
	Inject(faults ...fakehttp.Fault)
	Requests() []fakehttp.Request
	Accepted() int
	Problems() []string
}

// Start closes a fake at the end of the test.
func Start[F interface{ Close() }](t testing.TB, fake F) F {
	t.Helper()
	t.Cleanup(fake.Close)
	return fake
}

// Make returns what a constructor makes of a configuration that is in order.
func Make[C, N any](t testing.TB, create func(C) (N, error), config C) N {
	t.Helper()
	n, err := create(config)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// AsError returns err as the module's error. The test ends if err is not a *mackerel.Error of this kind.
func AsError(t testing.TB, err, kind error) *mackerel.Error {
	t.Helper()
	var e *mackerel.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("the error is %v (%T), want %v", err, err, kind)
	}
	return e
}

// Last returns the last entry of a list. The test ends if the list is empty.
func Last[T any](t testing.TB, fake Fake, all []T) T {
	t.Helper()
	if len(all) == 0 {
		t.Fatalf("nothing was taken, for %q", fake.Problems())
	}
	return all[len(all)-1]
}

// At returns an address with another base URL in place of its scheme and host.
func At(base string, address mackerel.Secret) mackerel.Secret {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return address // the constructor says what is wrong with it
	}
	to, err := url.Parse(base)
	if err != nil {
		return address
	}
	u.Scheme, u.Host = to.Scheme, to.Host
	return mackerel.NewSecret(u.String())
}

// An Answered is what a fake has answered to a request of a test.
type Answered struct {
	Status int
	Header http.Header
	Body   string
}

// Call sends a request to a fake. The header is given as names and values in turn.
func Call(t testing.TB, client *http.Client, method, address, body string, header ...string) Answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return Do(t, client, r)
}

// Do is Call for a request of the test's own.
func Do(t testing.TB, client *http.Client, r *http.Request) Answered {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answered{resp.StatusCode, resp.Header, string(answer)}
}

// CutFields returns the fields that were cut, separated by blanks.
func CutFields(cuts []mackerel.Cut) string {
	var names []string
	for _, c := range cuts {
		names = append(names, c.Field)
	}
	return strings.Join(names, " ")
}

// A ConfigCase is a configuration and what a constructor says of it.
type ConfigCase[C any] struct {
	Name   string // what is so, in a sentence
	Config C
	// Want are the problems in their order, each at least with its beginning; nil if there are none.
	Want []string
}

// Configs checks a constructor. The name is what String returns of every notifier without problems. A configuration has
// the secret in every field that may hold a credential; no problem may quote it.
func Configs[C any, N interface{ String() string }](
	t *testing.T, create func(C) (N, error), secret string, cases []ConfigCase[C],
) {
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			n, err := create(c.Config)
			if len(c.Want) == 0 {
				if err != nil {
					t.Errorf("it is refused: %v", err)
				} else if n.String() == "" || strings.Contains(n.String(), secret) {
					t.Errorf("the name is %q", n)
				}
				return
			}
			message := AsError(t, err, mackerel.ErrConfig).Message
			problems := strings.Split(message, "; ")
			if len(problems) != len(c.Want) {
				t.Fatalf("there are %d problems, want %d: %q", len(problems), len(c.Want), problems)
			}
			for i, want := range c.Want {
				if !strings.HasPrefix(problems[i], want) {
					t.Errorf("problem %d is %q, want %q", i+1, problems[i], want)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the secret is in %q", err)
			}
		})
	}
}

// An Answer is what a service answers to a message, and what the notifier makes of it.
type Answer struct {
	Name          string // what is so, in a sentence
	Status        int
	Header        http.Header
	Body          string
	Kind          error // nil if it is a success
	Code, Message string
}

// dialects are refusals by a gateway or a proxy in front of a service.
var dialects = []Answer{
	{Name: "the words of a gateway, in plain text", Status: 400, Body: "no such hook\n", Kind: mackerel.ErrInvalid, Message: "no such hook"},
	{Name: "the words of a gateway, in JSON", Status: 400, Body: `{"message":"no such hook"}`, Kind: mackerel.ErrInvalid, Message: "no such hook"},
	{
		Name: "the words of a gateway, in problem+json", Status: 400, Header: http.Header{"Content-Type": {"application/problem+json"}},
		Body: `{"type":"about:blank","title":"Bad Request","status":400,"detail":"no such hook"}`,
		Kind: mackerel.ErrInvalid, Message: "Bad Request: no such hook",
	},
	{
		Name: "the words of a gateway, in XML", Status: 400, Header: http.Header{"Content-Type": {"application/xml"}},
		Body: `<?xml version="1.0"?><Error><Code>NoSuchHook</Code><Message>no such hook</Message></Error>`,
		Kind: mackerel.ErrInvalid, Code: "NoSuchHook", Message: "no such hook",
	},
	{Name: "the page of a gateway has no words", Status: 400, Body: "<!DOCTYPE html><title>400</title>", Kind: mackerel.ErrInvalid},
}

// Answers lets a service give each answer to one message, and adds those of gateways. The start function returns a fake
// and a notifier that makes a single attempt.
func Answers(t *testing.T, start func(t testing.TB) (Fake, mackerel.Notifier), cases []Answer) {
	for _, c := range slices.Concat(cases, dialects) {
		t.Run(c.Name, func(t *testing.T) {
			fake, n := start(t)
			fake.Inject(fakehttp.Fault{Status: c.Status, Header: c.Header, Body: c.Body, Times: -1})
			err := n.Notify(t.Context(), mackerel.Alert{ID: "5A", Status: mackerel.StatusCritical, Message: "x"})
			if c.Kind == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := AsError(t, err, c.Kind); e.Code != c.Code || e.Message != c.Message {
				t.Errorf("code %q and message %q, want %q and %q", e.Code, e.Message, c.Code, c.Message)
			}
		})
	}
}

// Refused sends messages that cannot be sent, and checks that each is [mackerel.ErrInvalid], says why, and makes no
// request. The key of the table is the beginning of the error's message.
func Refused[M any](t *testing.T, fake Fake, send func(M) error, messages map[string]M) {
	for want, m := range messages {
		t.Run(want, func(t *testing.T) {
			if e := AsError(t, send(m), mackerel.ErrInvalid); !strings.HasPrefix(e.Message, want) {
				t.Errorf("the message is %q", e.Message)
			}
			if got := len(fake.Requests()); got != 0 {
				t.Errorf("%d requests were made", got)
			}
		})
	}
}

// Everywhere returns an open critical alert that has the text in every field that a message may show.
func Everywhere(text string) mackerel.Alert {
	value := 1.0
	return mackerel.Alert{
		ID: "5A", Status: mackerel.StatusCritical, Org: text, URL: "https://mackerel.io/orgs/x/alerts/5A", Message: text,
		Monitor: mackerel.Monitor{Name: text, Memo: text}, ImageURL: text, Trigger: text, Reason: text,
		Metric:  &mackerel.Metric{Label: text, Value: &value, Operator: text},
		Facts:   []mackerel.Fact{{Label: text, Value: text}},
		Host:    &mackerel.Host{Name: text, Status: text, Roles: []mackerel.Role{{FullName: text}}},
		Service: &mackerel.Service{Name: text}, User: &mackerel.User{ScreenName: text},
	}
}

// Hostile are texts that some service takes for more than text.
var Hostile = []string{
	"<!channel>", "<!channel|x>", "<@U012AB3CD>", "<!subteam^S012AB3CD>", "<#C012AB3CD>", "<!date^0^{date}|x>",
	"@channel @here @all @hanako", "<http://evil.test|mackerel.io>", "http://x.test/|mackerel.io>", "x|y",
	"[x](http://evil.test)", "![x](http://evil.test/x.png)", "[toall]", "[To:1]", "[info][title]x[/title]", "[/info]",
	"<at>all</at>", "<b>", "</b>", `<a href="http://evil.test">x</a>`, "&lt;!channel&gt;", "&amp;", "<", ">", "&",
	`"; DROP TABLE alerts; --`, `","to":"x`, "a\r\nb\rc\n", "a\x00b\x1b[31m", "a\xff\xed\xa0\x80", "\u202Egnp.exe",
	"*bold* _italic_ ~gone~ `code` ```", "> quote", "# head", "- item", ":fire:", "{{.}} %s", "{x}", "$1",
	"障害「高負荷」＆＜復旧＞", "👩‍💻🇯🇵❤️", strings.Repeat("<!here>", 5000),
}

// Record returns an OnAttempt that appends to a list.
func Record(all *[]mackerel.Attempt) func(context.Context, mackerel.Attempt) {
	return func(_ context.Context, a mackerel.Attempt) { *all = append(*all, a) }
}

// Refusing returns the fault of a service that answers every request with this status and body.
func Refusing(status int, body string) fakehttp.Fault {
	return fakehttp.Fault{Status: status, Body: body, Times: -1}
}
