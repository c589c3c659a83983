package receiver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
)

func TestNewReportsAllProblems(t *testing.T) {
	secret := mackerel.NewSecret
	n := &recorder{}
	var typed *recorder
	for _, c := range []struct {
		name    string
		config  receiver.Config
		message string
	}{
		{"nothing is configured", receiver.Config{}, "Notifier: required; Path, Password, MackerelOnly or Open: one is " +
			"required, or everybody could send alerts"},
		{"a nil pointer is no notifier", receiver.Config{Notifier: typed, Open: true}, "Notifier: required"},
		{"a nil func is no notifier", receiver.Config{Notifier: mackerel.NotifierFunc(nil), Open: true}, "Notifier: required"},
		{"the path is the root", receiver.Config{Notifier: n, Path: secret("/")},
			`Path: must be "/" and a word that cannot be guessed`},
		{"the path has no slash", receiver.Config{Notifier: n, Path: secret("s3cret")},
			`Path: must be "/" and a word that cannot be guessed`},
		{"there is no password", receiver.Config{Notifier: n, User: secret("u")}, "User, Password: must be set together"},
		{"there is no user", receiver.Config{Notifier: n, Password: secret("s3cret")}, "User, Password: must be set together"},
		{"the user has a colon", receiver.Config{Notifier: n, User: secret("u:v"), Password: secret("s3cret")},
			"User: has a colon, which Basic authentication cannot send"},
		{"a proxy that would never be found", receiver.Config{
			Notifier: n, MackerelOnly: true, TrustedProxies: prefixes("::ffff:10.0.0.1/128"),
		}, "TrustedProxies: has an IPv4 address within IPv6, which must be written as IPv4"},
		{"proxies, times", receiver.Config{
			Notifier: n, Open: true, TrustedProxies: []netip.Prefix{{}}, Answer: -1, Timeout: -1,
		}, "TrustedProxies: has an invalid prefix; TrustedProxies: only for MackerelOnly; " +
			"Answer: must not be negative; Timeout: must not be negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := receiver.New(c.config)
			var e *mackerel.Error
			if h != nil || !errors.As(err, &e) || e.Kind != mackerel.ErrConfig || e.Message != c.message {
				t.Errorf("got %v\nwant %s", err, c.message)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("a secret in %v", err)
			}
		})
	}
}

func TestWhoMaySend(t *testing.T) {
	secret := mackerel.NewSecret
	byPath := receiver.Config{Path: secret("/hook/s3cret")}
	byPassword := receiver.Config{User: secret("mackerel"), Password: secret("p4ss")}
	both := receiver.Config{Path: byPath.Path, User: byPassword.User, Password: byPassword.Password}
	for _, c := range []struct {
		name    string
		config  receiver.Config
		changes []func(*http.Request)
		status  int
	}{
		{"the path", byPath, []func(*http.Request){path("/hook/s3cret")}, 200},
		{"another path", byPath, []func(*http.Request){path("/hook/s3creT")}, 404},
		{"a longer path", byPath, []func(*http.Request){path("/hook/s3cret/")}, 404},
		{"another path and method", byPath, []func(*http.Request){path("/"), method(http.MethodGet)}, 404},
		{"user and password", byPassword, []func(*http.Request){auth("mackerel", "p4ss")}, 200},
		{"no password", byPassword, nil, 401},
		{"a wrong password", byPassword, []func(*http.Request){auth("mackerel", "p4sS")}, 401},
		{"a wrong user", byPassword, []func(*http.Request){auth("", "p4ss")}, 401},
		{"a token", byPassword, []func(*http.Request){header("Authorization", "Bearer p4ss")}, 401},
		{"a wrong password and method", byPassword, []func(*http.Request){auth("a", "b"), method(http.MethodGet)}, 401},
		{"the path and no password", both, []func(*http.Request){path("/hook/s3cret")}, 401},
		{"the password and no path", both, []func(*http.Request){auth("mackerel", "p4ss")}, 404},
		{"the path and the password", both, []func(*http.Request){path("/hook/s3cret"), auth("mackerel", "p4ss")}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, c.config, nil)
			w := h.want(t, c.status, body, c.changes...)
			h.wantCalls(t, map[bool]int{true: 1}[c.status == 200], 0)
			want := map[int]struct {
				kind error
				text string
			}{
				200: {nil, "OK\n"}, 401: {mackerel.ErrUnauthorized, "Unauthorized\n"}, 404: {mackerel.ErrNotFound, "Not Found\n"},
			}[c.status]
			if r := h.last(); r.Status != c.status || !errors.Is(r.Err, want.kind) || w.Body.String() != want.text {
				t.Errorf("OnRequest got %+v, the answer is %q", r, w.Body)
			}
			if got := w.Header().Get("WWW-Authenticate"); (got != "") != (c.status == 401) {
				t.Errorf("WWW-Authenticate: %q", got)
			}
		})
	}
}

func TestWhatIsRead(t *testing.T) {
	pad := func(size int) string {
		return `{"event":"sample","message":"` + strings.Repeat("x", size-len(`{"event":"sample","message":""}`)) + `"}`
	}
	for _, c := range []struct {
		name   string
		body   string
		change func(*http.Request)
		status int
	}{
		{"the sample", sample, nil, 200},
		{"an event that is not known", `{"event":"new","x":[1]}`, nil, 200},
		{"an object that says nothing", `{}`, nil, 200},
		{"a charset", sample, header("Content-Type", "Application/JSON; charset=utf-8"), 200},
		{"a broken parameter", sample, header("Content-Type", "application/json; charset"), 200},
		{"no type", sample, func(r *http.Request) { r.Header.Del("Content-Type") }, 200},
		{"a form", sample, header("Content-Type", "application/x-www-form-urlencoded"), 415},
		{"a broken type", sample, header("Content-Type", "json"), 415},
		{"two types", sample, header("Content-Type", "text/plain, application/json"), 415},
		{"a compressed body", sample, header("Content-Encoding", "gzip"), 415},
		{"an encoding that changes nothing", sample, header("Content-Encoding", "identity"), 200},
		{"an encoding in capitals", sample, header("Content-Encoding", "Identity"), 200},
		{"a length that is not true", sample, func(r *http.Request) { r.ContentLength = 1 << 62 }, 200},
		{"another program with a similar name", sample, header("User-Agent", "mackerel-notifyd/1.0"), 200},
		{"GET", sample, method(http.MethodGet), 405},
		{"HEAD", sample, method(http.MethodHead), 405},
		{"PUT", sample, method(http.MethodPut), 405},
		{"OPTIONS", sample, method(http.MethodOptions), 405},
		{"an empty body", "", nil, 400},
		{"no JSON", "<xml/>", nil, 400},
		{"half of the JSON", sample[:30], nil, 400},
		{"an array", `[{"event":"alert"}]`, nil, 400},
		{"null", "null", nil, 400},
		{"1 MiB", pad(1 << 20), nil, 200},
		{"more than 1 MiB", pad(1<<20 + 1), nil, 413},
		{"1 MiB of unknown length", pad(1 << 20), unknownLength, 200},
		{"more than 1 MiB of unknown length", pad(1<<20 + 1), unknownLength, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, receiver.Config{}, nil)
			if c.change == nil {
				c.change = func(*http.Request) {}
			}
			w := h.want(t, c.status, c.body, c.change)
			h.wantCalls(t, map[bool]int{true: 1}[c.status == 200], 0)
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("the answer has %v", w.Header())
			}
			if got := w.Header().Get("Allow"); got != map[int]string{405: "POST"}[c.status] {
				t.Errorf("Allow: %q", got)
			}
			want := mackerel.ErrInvalid
			if c.status == 200 {
				want = nil
			}
			if e, ok := errors.AsType[*mackerel.Error](h.last().Err); ok && w.Body.String() != e.Message+"\n" {
				t.Errorf("the answer is %q, want %q", w.Body, e.Message)
			}
			if r := h.last(); !errors.Is(r.Err, want) || r.Status != c.status || (r.Alert.Raw != nil) != (c.status == 200) {
				t.Errorf("OnRequest got %+v", r)
			}
		})
	}
}

func TestAnAlertWithOddMembersIsDelivered(t *testing.T) {
	h := newHarness(t, receiver.Config{}, returns(nil, errForGood))
	odd := `{"event":"alert","message":5,"alert":{"id":"5A","status":"critical"}}`
	h.want(t, 200, odd)
	if r := h.last(); r.Alert.ID != "5A" || !errors.Is(r.Err, mackerel.ErrOddMember) || !strings.Contains(r.Err.Error(), "message: a number") {
		t.Errorf("OnRequest got %v", r.Err)
	}
	if a := h.alerts[0]; a.ID != "5A" || string(a.Raw) != odd {
		t.Errorf("got %+v", a)
	}
	h.want(t, 200, odd+"\n")
	if r := h.last(); !errors.Is(r.Err, mackerel.ErrOddMember) || !errors.Is(r.Err, errForGood) {
		t.Errorf("OnRequest got %v", r.Err)
	}
}

func TestRealWebhooksArriveWhole(t *testing.T) {
	files, err := filepath.Glob("../testdata/webhook/*.json")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	h := newHarness(t, receiver.Config{}, nil)
	for i, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h.want(t, 200, string(b))
		if h.calls() != i+1 || !bytes.Equal(h.alerts[i].Raw, bytes.TrimSpace(b)) {
			t.Fatalf("%s: %d calls", file, h.calls())
		}
	}
}

func TestNoSecretIsPrinted(t *testing.T) {
	h, err := receiver.New(receiver.Config{
		Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return nil }),
		Path:     mackerel.NewSecret("/s3cret"), User: mackerel.NewSecret("s3cret"), Password: mackerel.NewSecret("s3cret"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if s := fmt.Sprintf(verb, h); strings.Contains(s, "s3cret") {
			t.Errorf("%s: %s", verb, s)
		}
	}
}

func TestWhatARequestDoesNotHaveIsNotLogged(t *testing.T) {
	for r, want := range map[*receiver.Request]string{
		{Status: 405, Err: errForGood}: "[status=405 duration=0s error=" + errForGood.Error() + "]",
		{Status: 200}:                  "[status=200 duration=0s]",
	} {
		if got := r.LogValue().String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestARequestIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, receiver.Config{}, takes(time.Second, errForGood))
		var wg sync.WaitGroup
		wg.Go(func() { h.want(t, 200, body) })
		synctest.Wait()
		h.want(t, 200, body) // gets the answer of the first
		wg.Wait()
		repeats := 0
		for _, r := range h.requests {
			var b bytes.Buffer
			slog.New(slog.NewTextHandler(&b, nil)).Info("webhook", "request", r)
			for _, want := range []string{
				"request.status=200", "request.duration=1s", `request.alert="`, "request.error=",
			} {
				if !strings.Contains(b.String(), want) {
					t.Errorf("%q is not in %s", want, &b)
				}
			}
			if strings.Contains(b.String(), "request.repeat=true") != r.Repeat {
				t.Errorf("repeat is %v in %s", r.Repeat, &b)
			}
			if r.Repeat {
				repeats++
			}
		}
		if len(h.requests) != 2 || repeats != 1 {
			t.Errorf("%d requests, %d repeats", len(h.requests), repeats)
		}
	})
}
