package notifytest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// secretRows search for secrets in the notifier and in errors. The rows about lost answers, connections, contexts,
// receipts and previews search there, too.
func secretRows() []row {
	return []row{
		{"every secret is in the request, and no key is", overHTTP, listSecrets, checkSent},
		{"no secret is in the printed notifier", anyNotifier, hideInNotifier, checkPrintedNotifier},
		{"no secret is in the error of a service that quotes its request", overHTTP, hideInErrors, checkQuote},
		{"no part of a secret is in an error whose words are cut", overHTTP, hideInErrors, checkQuoteCut},
		{"no secret is in the error of a redirect", overHTTP, hideInErrors, checkRedirectSecrets},
		{
			"no secret is in the error of a RoundTripper that quotes its request",
			overHTTP, hideInErrors, checkTransportSecrets,
		},
	}
}

// checkSent proves that the other rows search for the secrets that the notifier has.
func checkSent(s *stage) {
	sc := s.scene()
	o := sc.send()
	var sent strings.Builder
	for _, r := range o.requests {
		fmt.Fprintf(&sent, "%s?%s\n%v\n%s\n", r.Path, r.Query, r.Header, r.Body)
	}
	for _, secret := range sc.Secrets {
		if _, found := sieveOf([]string{secret}, o.requests).find(sent.String()); !found {
			sc.errorf("the secret %q is in no request: the notifier has another, or it is a key", secret)
		}
	}
	if f, found := sieveOf(sc.Keys, nil).find(sent.String()); found {
		sc.errorf("the key %q is in the request, as %q", f.secret, f.text)
	}
}

// search checks that no way of printing v shows a secret.
func (sc *scene) search(r repair, what string, v any) {
	texts := printed(v)
	for _, how := range slices.Sorted(maps.Keys(texts)) {
		if f, found := sc.sieve.find(texts[how]); found {
			sc.errorFor(r, "%s shows the secret %q in %s, as %q: %.300q", what, f.secret, how, f.text, texts[how])
			return
		}
	}
}

// wantNoSecret searches the error, all errors that it wraps, and the receipt.
func (o outcome) wantNoSecret() {
	o.searchError("the error", o.err)
	if o.receipt != nil {
		o.search(hideInResults, "the receipt", *o.receipt)
	}
}

func (sc *scene) searchError(what string, err error) {
	if err == nil {
		return
	}
	sc.search(hideInErrors, what, err)
	switch e := err.(type) { //nolint:errorlint // this walks the tree of errors itself
	case interface{ Unwrap() error }:
		sc.searchError("a wrapped error", e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, wrapped := range e.Unwrap() {
			sc.searchError("a wrapped error", wrapped)
		}
	}
}

// printed returns v as fmt and slog print it.
func printed(v any) map[string]string {
	texts := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		texts[verb] = fmt.Sprintf(verb, v)
	}
	printInside(texts, "v", v)
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
		printInside(texts, "*v", p.Elem().Interface())
	}
	if s, ok := v.(fmt.Stringer); ok {
		texts["String"] = s.String()
	}
	var text, inJSON bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("test", "v", v)
	slog.New(slog.NewJSONHandler(&inJSON, nil)).Info("test", "v", v)
	texts["slog's text"], texts["slog's JSON"] = text.String(), inJSON.String()
	return texts
}

// printInside prints v in an unexported field. fmt calls no methods there and shows the fields of v. For a verb that
// does not fit, it also follows a pointer.
func printInside(texts map[string]string, name string, v any) {
	for _, verb := range []string{"%+v", "%#v", "%s", "%q"} {
		texts[verb+" of an unexported field with "+name] = fmt.Sprintf(verb, struct{ field any }{v})
	}
}

func checkPrintedNotifier(s *stage) {
	sc := s.scene()
	sc.send() // shows the forms of the secrets
	sc.search(hideInNotifier, "the notifier", sc.notifier())
}

// quotes returns bodies with words in them, in the shapes of several services' errors.
func quotes(words string) []string {
	quoted := strconv.QuoteToASCII(words)
	return []string{
		words,
		"<html><body>no such page: " + words + "</body></html>",
		`{"errors":[` + quoted + `]}`,
		`{"message":` + quoted + `,"error":` + quoted + `,"code":` + quoted + `,"detail":` + quoted + `}`,
		`{"ok":false,"error":{"message":` + quoted + `,"code":400,"type":` + quoted + `}}`,
		`{"message":` + quoted + `,"details":[{"message":` + quoted + `,"property":` + quoted + `}]}`,
		`{"status":"invalid event","errors":[` + quoted + `],"result":` + quoted + `,"requestId":` + quoted + `}`,
	}
}

// sendFaulty sends a message that meets a fault. Whatever the outcome is, it must show no secret.
func (sc *scene) sendFaulty(fault fakehttp.Fault) {
	sc.front.Inject(fault)
	sc.send().wantNoSecret()
	sc.front.Clear()
}

// checkQuote lets the service quote each secret in each form in which it may have received it.
func checkQuote(s *stage) {
	for _, status := range []int{200, 400, 401, 404, 409, 429, 500} {
		sc := s.scene()
		sc.env.MaxAttempts = 1
		sc.send() // shows the forms of the secrets
		for _, f := range sc.sieve {
			if f.quoted {
				sc.quote(status, f.text)
			}
		}
	}
}

func (sc *scene) quote(status int, words string) {
	header := http.Header{"X-Request-Id": {words}, "X-Error": {words}, "Retry-After": {words}}
	for _, body := range quotes(words) {
		sc.in = fmt.Sprintf("status %d with the body %q", status, body)
		sc.sendFaulty(fakehttp.Fault{Status: status, Body: body, Header: header})
	}
}

// checkQuoteCut puts a secret where an error's words may be cut. If they are cut before they are redacted, the
// beginning of the secret stays.
func checkQuoteCut(s *stage) {
	for _, limit := range []int{64, 128, 256, 512, 1024, 2048, 4096} {
		sc := s.scene()
		sc.in, sc.env.MaxAttempts = fmt.Sprintf("the secret across byte %d", limit), 1
		sc.send() // before the row sets the sieve
		for _, secret := range sc.Secrets {
			filler := strings.Repeat("#", limit-len(secret)/2)
			sc.sieve = sieve{{secret: secret, text: filler[:8] + secret[:3]}}
			for _, body := range quotes(filler + secret) {
				sc.sendFaulty(fakehttp.Fault{Status: 400, Body: body})
			}
		}
	}
}

// checkRedirectSecrets redirects to addresses with secrets. If net/http cannot parse an address, its error quotes it.
func checkRedirectSecrets(s *stage) {
	sc := s.scene()
	sc.env.MaxAttempts = 1
	sc.send() // shows the forms of the secrets
	for _, format := range []string{"http://" + elsewhere + "/?token=%s", "/%s", "http://[::1/%%zz?token=%s", "%s"} {
		for _, secret := range sc.Secrets {
			location := fmt.Sprintf(format, secret)
			sc.in = fmt.Sprintf("a redirect to %q", location)
			sc.sendFaulty(redirect(http.StatusTemporaryRedirect, location))
		}
	}
}

// A quoter is a RoundTripper whose errors quote the request, as those of proxies may do.
type quoter struct{ asURLError bool }

func (q quoter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	err := fmt.Errorf("cannot %s %s with %v", r.Method, r.URL, r.Header)
	if q.asURLError {
		err = &url.Error{Op: r.Method, URL: r.URL.String(), Err: errors.New(fmt.Sprint(r.URL.Path, r.Header))}
	}
	return nil, err
}

// checkTransportSecrets also proves that the notifier uses Env.Client.
func checkTransportSecrets(s *stage) {
	for _, asURLError := range []bool{false, true} {
		sc := s.scene()
		sc.in = fmt.Sprintf("as *url.Error: %t", asURLError)
		sc.send() // shows the forms of the secrets
		sc.setTransport(quoter{asURLError})
		o := sc.send()
		if o.err == nil {
			o.errorFor(useClient, "the error is nil, but the client always fails: the notifier does not use Env.Client")
		}
		o.wantNoSecret()
	}
}
