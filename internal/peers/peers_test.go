package peers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

// once makes a notifier's call without a second attempt, so that a refusal ends a test without waiting.
var once = mackerel.CallOptions{MaxAttempts: 1, Pace: mackerel.Unpaced}

// start closes the fake when the test ends.
func start[F interface{ Close() }](t *testing.T, fake F) F {
	t.Helper()
	t.Cleanup(fake.Close)
	return fake
}

// must fails the test if a constructor returned an error.
func must[V any](t *testing.T, v V, err error) V {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// clientTo returns an http.Client that sends every request to base instead of the request's own scheme and host. The
// path of base comes before the request's path. It is for clients whose address cannot be configured.
func clientTo(t *testing.T, base string) *http.Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: rewriter{u, transport}}
}

// redirect makes [http.DefaultTransport] and [http.DefaultClient] send every request to base until the test ends. It is
// for clients that cannot be given another http.Client.
func redirect(t *testing.T, base string) {
	t.Helper()
	transport, client := http.DefaultTransport, http.DefaultClient.Transport
	t.Cleanup(func() { http.DefaultTransport, http.DefaultClient.Transport = transport, client })
	to := clientTo(t, base).Transport
	http.DefaultTransport, http.DefaultClient.Transport = to, to
}

type rewriter struct {
	base *url.URL
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (r rewriter) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = r.base.Scheme, r.base.Host, r.base.Host
	req.URL.Path = r.base.Path + req.URL.Path
	return r.next.RoundTrip(req)
}

// requestLog is the part of a fake that remembers requests.
type requestLog interface {
	Requests() []fakehttp.Request
}

// eachSample delivers each alert of internal/sample and calls check with the one request that the notifier made. Alerts
// that the notifier skips are left out; at least four must remain.
func eachSample(
	t *testing.T, n mackerel.Deliverer, log requestLog, check func(*testing.T, mackerel.Alert, fakehttp.Request),
) {
	t.Helper()
	delivered := 0
	for _, entry := range sample.Alerts() {
		before := len(log.Requests())
		receipt, err := n.Deliver(t.Context(), entry.Alert)
		if err != nil {
			t.Errorf("%s: %v", entry.Name, err)
			continue
		}
		if receipt.Skipped != "" {
			continue
		}
		delivered++
		requests := log.Requests()[before:]
		if len(requests) != 1 {
			t.Errorf("%s: %d requests, want 1", entry.Name, len(requests))
			continue
		}
		t.Run(entry.Name, func(t *testing.T) { check(t, entry.Alert, requests[0]) })
	}
	if delivered < 4 {
		t.Errorf("only %d samples were delivered", delivered)
	}
}

// decode decodes a request's body into the peer's type and checks that the type keeps every member of the body. A
// member that the peer's type does not have must be listed in unknown, as a path such as "attachments.title" in which
// the indices of lists are left out.
func decode[T any](t *testing.T, body []byte, unknown ...string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("the peer's type refuses the request: %v\n%s", err, body)
	}
	again, err := json.Marshal(&v)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := parse(t, body), parse(t, again)
	for _, path := range lost("", ours, theirs) {
		if !slices.Contains(unknown, path) {
			t.Errorf("the peer's type loses %s\nours:   %s\ntheirs: %s", path, body, again)
		}
	}
	return v
}

// as returns v as a T, or fails the test.
func as[T any](t *testing.T, v any) T {
	t.Helper()
	typed, ok := v.(T)
	if !ok {
		t.Fatalf("%T, want %T", v, typed)
	}
	return typed
}

func parse(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// lost returns the paths of the values in ours that theirs does not have. A false, zero, empty or null value may be
// absent from theirs.
func lost(path string, ours, theirs any) []string {
	switch ours := ours.(type) {
	case map[string]any:
		object, _ := theirs.(map[string]any)
		var paths []string
		for name, value := range ours {
			paths = append(paths, lost(strings.TrimPrefix(path+"."+name, "."), value, object[name])...)
		}
		return paths
	case []any:
		list, _ := theirs.([]any)
		var paths []string
		for i, value := range ours {
			if i >= len(list) {
				return append(paths, path)
			}
			paths = append(paths, lost(path, value, list[i])...)
		}
		return paths
	case nil:
		return nil
	}
	if ours == theirs || theirs == nil && reflect.ValueOf(ours).IsZero() {
		return nil
	}
	return []string{path}
}

// canonical returns JSON with sorted members and without white space.
func canonical(t *testing.T, text []byte) string {
	t.Helper()
	b, err := json.Marshal(parse(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// equal reports a difference between what the peer has and what we expect.
func equal[V comparable](t *testing.T, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// contains reports a text that does not contain another one.
func contains(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s: %q does not contain %q", what, got, want)
	}
}

// refused ends the test if there is no error, and reports an error that does not have all the words.
func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range words {
		contains(t, "error", err.Error(), word)
	}
}

// count reports a list of the wrong length. It ends the test, because the elements are looked at next.
func count[V any](t *testing.T, what string, got []V, want int) {
	t.Helper()
	if len(got) != want {
		t.Fatalf("%s: %d, want %d: %s", what, len(got), want, fmt.Sprintf("%+v", got))
	}
}
