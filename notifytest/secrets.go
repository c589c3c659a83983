package notifytest

import (
	"bytes"
	"context"
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
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// secretRows look for the harness's secrets in everything that a program may log: errors of every origin, the notifier
// itself, receipts.
func secretRows() []row {
	all := []row{
		{name: "every secret is in the request, and no key is", http: true, check: checkProof},
		{name: "no secret is in anything that prints the notifier", check: checkPrintedNotifier},
		{name: "no secret is in a receipt", check: checkPrintedReceipt},
		{name: "no secret is in an error of a service that repeats what it was sent", http: true, check: checkEcho},
		{name: "no part of a secret is left where an error's words are cut", http: true, check: checkEchoCut},
		{name: "no secret is in the error of a redirect", http: true, check: checkRedirectSecrets},
		{name: "no secret is in an error of the client's own transport", http: true, check: checkTransportSecrets},
		{name: "no secret is in the error of a cancelled call", http: true, check: checkCancelSecrets},
		{name: "no secret is in the error of a connection that cannot be made", http: true, check: checkDialSecrets},
	}
	for _, l := range losses() {
		all = append(all, row{name: "no secret is in the error of " + l.name, http: true, check: l.checkSecrets})
	}
	return all
}

// checkProof shows that the other rows look for what the notifier really has.
func checkProof(s *stage) {
	sc := s.scene()
	o := sc.send(sc.notifier())
	var sent strings.Builder
	for _, r := range o.requests {
		sent.WriteString(wire(r))
	}
	for _, secret := range sc.Secrets {
		one := Harness{Secrets: []string{secret}}
		if _, found := one.secretsOf(o.requests).find(sent.String()); !found {
			sc.Errorf("the secret %q is in no request: the Harness has another one than the notifier, or it is a key", secret)
		}
	}
	keys := Harness{Keys: sc.Keys}
	if f, found := keys.secretsOf(nil).find(sent.String()); found {
		sc.Errorf("the key %q is in the request, as %q", f.secret, f.looks)
	}
}

// sieve returns what to look for in the scene, after one message has shown what the secrets look like.
func (sc *scene) sieve(n mackerel.Notifier) sieve {
	return sc.secretsOf(sc.send(n).requests)
}

// wantNoSecret complains if anything that prints v shows a secret.
func (sc *scene) wantNoSecret(v any, s sieve, in string) {
	sc.Helper()
	texts := printed(v)
	for _, how := range slices.Sorted(maps.Keys(texts)) {
		if f, found := s.find(texts[how]); found {
			sc.Errorf("%s: the secret %q shows in %s, as %q: %.300q", in, f.secret, how, f.looks, texts[how])
			return
		}
	}
}

// wantNoSecretError is wantNoSecret for an error and all that it wraps.
func (sc *scene) wantNoSecretError(err error, s sieve, in string) {
	sc.Helper()
	if err == nil {
		return
	}
	sc.wantNoSecret(err, s, in)
	switch e := err.(type) { //nolint:errorlint // this is the walk over the tree itself
	case interface{ Unwrap() error }:
		sc.wantNoSecretError(e.Unwrap(), s, in+", below")
	case interface{ Unwrap() []error }:
		for _, sub := range e.Unwrap() {
			sc.wantNoSecretError(sub, s, in+", below")
		}
	}
}

// printed returns what the usual ways of printing make of v.
func printed(v any) map[string]string {
	texts := map[string]string{
		"%v": fmt.Sprintf("%v", v), "%+v": fmt.Sprintf("%+v", v), "%#v": fmt.Sprintf("%#v", v), "%q": fmt.Sprintf("%q", v),
	}
	printBelow(texts, "v", v)
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && !p.IsNil() {
		printBelow(texts, "*v", p.Elem().Interface())
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

// printBelow prints v below an unexported field, where fmt calls no methods and so shows what v consists of.
func printBelow(texts map[string]string, name string, v any) {
	below := struct{ field any }{v}
	for _, verb := range []string{"%+v", "%#v", "%s", "%q"} { // for a verb that does not fit, fmt opens a pointer more
		texts[verb+" of an unexported field with "+name] = fmt.Sprintf(verb, below)
	}
}

func checkPrintedNotifier(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	sc.wantNoSecret(n, sc.sieve(n), "the notifier")
}

// checkPrintedReceipt: receipts are made to be logged.
func checkPrintedReceipt(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	secrets := sc.sieve(n)
	if o := sc.send(n); o.receipt != nil {
		sc.wantNoSecret(*o.receipt, secrets, "the receipt")
	}
}

// echoes are bodies in which a service repeats what it was sent, in the words of several services' errors.
func echoes(words string) []string {
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

// sendFaulty sends a message that meets a fault and looks for secrets in the error, whatever it is.
func (sc *scene) sendFaulty(n mackerel.Notifier, s sieve, in string, fault fakehttp.Fault) {
	sc.Helper()
	sc.front.Inject(fault)
	o := sc.send(n)
	sc.front.Clear()
	sc.wantNoSecretError(o.err, s, in)
	if o.receipt != nil {
		sc.wantNoSecret(*o.receipt, s, in+", the receipt")
	}
}

// checkEcho lets the service quote the secrets, each in every form in which it may have received them.
func checkEcho(s *stage) {
	for _, status := range []int{200, 400, 401, 404, 409, 429, 500} {
		sc := s.scene()
		sc.env.MaxAttempts = 1
		n := sc.notifier()
		secrets := sc.sieve(n)
		for _, f := range secrets {
			if f.quoted {
				sc.echo(n, secrets, status, f.looks)
			}
		}
	}
}

// echo lets the service repeat words in every kind of body, and in headers.
func (sc *scene) echo(n mackerel.Notifier, s sieve, status int, words string) {
	sc.Helper()
	for _, body := range echoes(words) {
		sc.sendFaulty(n, s, fmt.Sprintf("status %d with the body %q", status, body), fakehttp.Fault{
			Status: status, Body: body, Header: http.Header{"X-Request-Id": {words}, "X-Error": {words}, "Retry-After": {words}},
		})
	}
}

// checkEchoCut puts the secret where an error's words may be cut, so that what is left of it is no longer found.
func checkEchoCut(s *stage) {
	const filler = "#"
	for _, limit := range []int{64, 128, 256, 512, 1024, 2048, 4096} {
		sc := s.scene()
		sc.env.MaxAttempts = 1
		n := sc.notifier()
		for _, secret := range sc.Secrets {
			words := strings.Repeat(filler, limit-len(secret)/2) + secret
			rest := sieve{{secret: secret, looks: strings.Repeat(filler, 8) + secret[:3]}}
			for _, body := range echoes(words) {
				sc.sendFaulty(n, rest, fmt.Sprintf("the secret across the %dth byte", limit), fakehttp.Fault{Status: 400, Body: body})
			}
		}
	}
}

// checkRedirectSecrets: net/http quotes an address that it cannot parse in its error.
func checkRedirectSecrets(s *stage) {
	sc := s.scene()
	sc.env.MaxAttempts = 1
	n := sc.notifier()
	secrets := sc.sieve(n)
	for _, location := range []string{"http://" + elsewhere + "/?token=%s", "/%s", "http://[::1/%%zz?token=%s", "%s"} {
		for _, secret := range sc.Secrets {
			location := fmt.Sprintf(location, secret)
			sc.sendFaulty(n, secrets, fmt.Sprintf("a redirect to %q", location),
				fakehttp.Fault{Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {location}}})
		}
	}
}

// A talkative RoundTripper fails with an error that quotes the request, as one that logs or proxies may.
type talkative struct{ wrap bool }

func (t talkative) RoundTrip(r *http.Request) (*http.Response, error) {
	err := fmt.Errorf("cannot %s %s with %v", r.Method, r.URL, r.Header)
	if t.wrap {
		err = &url.Error{Op: r.Method, URL: r.URL.String(), Err: errors.New(fmt.Sprint(r.URL.Path, r.Header))}
	}
	if r.Body != nil {
		r.Body.Close()
	}
	return nil, err
}

// checkTransportSecrets also proves that the notifier uses the client that it was given.
func checkTransportSecrets(s *stage) {
	for _, t := range []talkative{{false}, {true}} {
		sc := s.scene()
		secrets := sc.sieve(sc.notifier())
		sc.env.Client = &http.Client{Transport: t}
		o := sc.send(sc.notifier())
		if o.err == nil {
			sc.Errorf("the call succeeded through a client that always fails: the notifier does not use Env.Client")
		}
		sc.wantNoSecretError(o.err, secrets, fmt.Sprintf("%+v", t))
	}
}

// checkCancelSecrets: net/http wraps the end of a context in an error that quotes the URL.
func checkCancelSecrets(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	secrets := sc.sieve(n)
	for _, st := range stops {
		sc.front.Inject(fakehttp.Fault{Break: fakehttp.Silence})
		ctx, release := st.start(s.tb.Context(), time.Second)
		o := sc.deliver(ctx, n, s.alert())
		release()
		sc.wantNoSecretError(o.err, secrets, st.name)
	}
}

// checkDialSecrets: so it does with the error of a dial.
func checkDialSecrets(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	secrets := sc.sieve(n)
	sc.front.Close()
	ctx, cancel := context.WithTimeout(s.tb.Context(), time.Minute)
	defer cancel()
	sc.wantNoSecretError(sc.deliver(ctx, n, s.alert()).err, secrets, "a closed port")
}

// checkSecrets looks at the error of each way to lose an answer.
func (l loss) checkSecrets(s *stage) {
	sc := s.scene()
	sc.env.Delivery = mackerel.AtMostOnce
	n := sc.notifier()
	sc.sendFaulty(n, sc.sieve(n), l.name, l.fault)
}
