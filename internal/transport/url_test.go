package transport_test

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

func TestJoin(t *testing.T) {
	tests := []struct {
		name     string
		base     string
		elements []string
		want     string // "" if there is no URL for it
	}{
		{"a plain path", "https://api.test", []string{"v2", "rooms", "12"}, "https://api.test/v2/rooms/12"},
		{"a base with a slash", "https://api.test/", []string{"rooms"}, "https://api.test/rooms"},
		{"a base with a path", "https://api.test/v2", []string{"rooms"}, "https://api.test/v2/rooms"},
		{"a base with a path and a slash", "https://api.test/v2/", []string{"rooms"}, "https://api.test/v2/rooms"},
		{"a base with an escaped path", "https://gate.test/a%2Fb/c%20d", []string{"rooms"}, "https://gate.test/a%2Fb/c%20d/rooms"},
		{"a base that ends in an escaped slash", "https://gate.test/a%2F", []string{"rooms"}, "https://gate.test/a%2F/rooms"},
		{"a base that ends in both slashes", "https://gate.test/a%2F/", []string{"rooms"}, "https://gate.test/a%2F/rooms"},
		{"a base in Japanese", "https://gate.test/通知/", []string{"rooms"}, "https://gate.test/%E9%80%9A%E7%9F%A5/rooms"},
		{"a base with a user", "https://u:p@gate.test/v2", []string{"rooms"}, "https://u:p@gate.test/v2/rooms"},
		{"no elements", "https://api.test/v2/", nil, "https://api.test/v2"},
		{"a slash in an id", "https://api.test", []string{"a/b"}, "https://api.test/a%2Fb"},
		{"a question mark in an id", "https://api.test", []string{"a?b=c"}, "https://api.test/a%3Fb=c"},
		{"a hash in an id", "https://api.test", []string{"a#b"}, "https://api.test/a%23b"},
		{"a percent sign in an id", "https://api.test", []string{"100%", "%2F", "%2e%2e"}, "https://api.test/100%25/%252F/%252e%252e"},
		{"blanks in an id", "https://api.test", []string{" a b "}, "https://api.test/%20a%20b%20"},
		{"a line break in an id", "https://api.test", []string{"a\nb"}, "https://api.test/a%0Ab"},
		{"an id in Japanese", "https://api.test", []string{"障害 通知"}, "https://api.test/%E9%9A%9C%E5%AE%B3%20%E9%80%9A%E7%9F%A5"},
		{"an id with dots", "https://api.test", []string{"...", "a..b", ".a"}, "https://api.test/.../a..b/.a"},
		{"a way up within an id", "https://api.test/v2", []string{"../admin"}, "https://api.test/v2/..%2Fadmin"},
		{"an id of signs", "https://api.test", []string{"a:b@c!$&'()*+,;=[]"}, "https://api.test/a:b@c%21$&%27%28%29%2A+%2C%3B=%5B%5D"},
		{"an id that is empty", "https://api.test", []string{"rooms", "", "messages"}, ""},
		{"an id that is a dot", "https://api.test", []string{"."}, ""},
		{"an id that is two dots", "https://api.test", []string{"rooms", ".."}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := parse(t, tt.base)
			before := *base
			u, ok := transport.Join(base, tt.elements...)
			if got := stringOf(u); got != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %v; want %q", got, ok, tt.want)
			}
			if *base != before {
				t.Errorf("the base was changed: %v", base)
			}
		})
	}
}

func stringOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}

func FuzzJoin(f *testing.F) {
	for _, id := range []string{"12", "a/b", "?#%", "..", " ", "日本", "\xff"} {
		f.Add("https://gate.test/a%2Fb/", id)
	}
	f.Fuzz(func(t *testing.T, rawBase, id string) {
		base, problem := transport.ParseBase(rawBase)
		if problem != "" {
			return
		}
		u, ok := transport.Join(base, "rooms", id)
		if !ok {
			return
		}
		parsed, err := url.Parse(u.String())
		if err != nil {
			t.Fatalf("%q and %q: %v", rawBase, id, err)
		}
		escaped := parsed.EscapedPath()
		last, err := url.PathUnescape(escaped[strings.LastIndex(escaped, "/")+1:])
		if err != nil || last != id || parsed.Host != base.Host || parsed.RawQuery != "" {
			t.Errorf("%q and %q became %q", rawBase, id, u)
		}
	})
}

func TestParseURL(t *testing.T) {
	const noBase = "a base URL with a query or fragment"
	tests := []struct {
		name, url      string
		problem, base_ string // of ParseURL; of ParseBase, if different
	}{
		{"https", "https://api.test", "", ""},
		{"http with a port and a path", "http://127.0.0.1:8080/v2/", "", ""},
		{"IPv6", "http://[::1]:8080", "", ""},
		{"an upper-case scheme", "HTTPS://api.test", "", ""},
		{"a query", "https://hooks.test/?token=hunter2", "", noBase},
		{"an empty query", "https://hooks.test/?", "", noBase},
		{"a fragment", "https://hooks.test/#hunter2", "", noBase},
		{"a user", "https://u:hunter2@api.test", "", "a base URL with a user"},
		{"nothing", "", "required", ""},
		{"no scheme", "api.test/hunter2", "not an http or https URL", ""},
		{"a host and a port", "api.test:443", "not an http or https URL", ""},
		{"another scheme", "ftp://hunter2.test", "not an http or https URL", ""},
		{"a file", "file:///hunter2", "not an http or https URL", ""},
		{"no host", "https:///hunter2", "a URL without a host", ""},
		{"a port only", "https://:8080", "a URL without a host", ""},
		{"no slashes", "https:hunter2", "a URL without a host", ""},
		{"a line break", "https://api.test/hunter2\n", "not a URL", ""},
		{"a blank in front", " https://api.test/hunter2", "not a URL", ""},
		{"an invalid port", "https://api.test:hunter2", "not a URL", ""},
		{"an invalid escape", "https://api.test/%zz", "not a URL", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, problem := transport.ParseURL(tt.url)
			check(t, "problem", problem, tt.problem)
			check(t, "there is a URL", u != nil, tt.problem == "")
			want := tt.problem
			if tt.base_ != "" {
				want = tt.base_
			}
			u, problem = transport.ParseBase(tt.url)
			check(t, "problem as a base", problem, want)
			check(t, "there is a base", u != nil, want == "")
		})
	}
}

func TestValidCredential(t *testing.T) {
	for s, want := range map[string]bool{
		"abc-DEF_0123.~+/=": true, "!": true, "~": true,
		"": false, " ": false, "a b": false, "a\tb": false, "a\n": false, "\x7f": false, "é": false, "a\xff": false, "\u00a0": false,
	} {
		check(t, "whether "+s+" is a credential", transport.ValidCredential(s), want)
	}
}

func TestProblemsOfOptions(t *testing.T) {
	check(t, "problems of the zero value", len(options{}.Problems()), 0)
	all := options{Timeout: -1, MaxAttempts: -1, MaxWait: -time.Hour, Delivery: 3, UserAgent: "me\r\nX-Token: 1"}.Problems()
	want := "Call.Timeout: must not be negative; Call.MaxAttempts: must not be negative; Call.MaxWait: must not be negative; " +
		"Call.Delivery: unknown; Call.UserAgent: has a control character"
	check(t, "problems", strings.Join(all, "; "), want)
	good := options{
		Client: &http.Client{}, Timeout: 1, MaxAttempts: 1, MaxWait: 1, Delivery: transport.AtMostOnce, UserAgent: "me/1 (日本)",
		OnAttempt: func(context.Context, transport.Attempt) {},
	}
	check(t, "problems of good options", len(good.Problems()), 0)
	for pace, want := range map[transport.Pace]string{
		{N: 5, Per: time.Second, Name: "room"}: "",
		{Name: "room"}:                         "",
		{N: 10000, Per: 31 * 24 * time.Hour}:   "",
		transport.Unpaced:                      "",
		{N: -2}:                                "Call.Pace: must not be negative",
		{N: 1, Per: -1}:                        "Call.Pace: must not be negative",
		{Per: 1}:                               "Call.Pace.N: required with Per",
		{N: 1}:                                 "Call.Pace.Per: required with N",
		{N: 10001, Per: 1}:                     "Call.Pace.N: must be at most 10000",
		{N: 1, Per: math.MaxInt64}:             "Call.Pace.Per: must be at most 744h0m0s",
	} {
		check(t, "problems of a pace", strings.Join(options{Pace: pace}.Problems(), "; "), want)
	}
	check(t, "problems of MaxTurn", strings.Join(options{MaxTurn: -1}.Problems(), "; "), "Call.MaxTurn: must not be negative")
}

func TestHeader(t *testing.T) {
	tr := transport.New("chatwork", options{UserAgent: "me/1"})
	h := tr.Header("x-token", "1", "Accept", "application/json")
	check(t, "members", len(h()), 3)
	check(t, "User-Agent", h().Get("User-Agent"), "me/1")
	check(t, "X-Token", h().Get("X-Token"), "1")
}
