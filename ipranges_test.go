package mackerel_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
)

// A page answers every request with a status and a body, and remembers the last request.
type page struct {
	status int
	body   string
	got    *http.Request
}

func (p *page) RoundTrip(r *http.Request) (*http.Response, error) {
	p.got = r
	return &http.Response{
		StatusCode: p.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(p.body)), Request: r,
	}, nil
}

func TestOutgoingAddresses(t *testing.T) {
	p := &page{200, `{"incoming":["203.0.113.0/24"],"outgoing":["192.0.2.0/28","198.51.100.7","odd"],` +
		`"outgoing_ipv6":["2001:db8::/64"],"new":{}}`, nil}
	got, err := mackerel.OutgoingAddresses(t.Context(), mackerel.CallOptions{Client: &http.Client{Transport: p}})
	const want = "[192.0.2.0/28 198.51.100.7/32 2001:db8::/64]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
	if url := p.got.URL.String(); url != "https://mackerel.io/meta/ip-ranges.json" || p.got.UserAgent() != mackerel.UserAgent {
		t.Errorf("the request went to %s, by %s", url, p.got.UserAgent())
	}
}

func TestOutgoingAddressesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   error
	}{
		{"a page", 200, "<html>", mackerel.ErrUnavailable},
		{"no list", 200, `{"incoming":["203.0.113.0/24"]}`, mackerel.ErrUnavailable},
		{"a list of odd entries", 200, `{"outgoing":["x"]}`, mackerel.ErrUnavailable},
		{"a list that is no list", 200, `{"outgoing":"192.0.2.0/28"}`, mackerel.ErrUnavailable},
		{"an answer of 2 MiB", 200, strings.Repeat(" ", 2<<20) + `{"outgoing":["192.0.2.0/28"]}`, mackerel.ErrUnavailable},
		{"a refusal", 403, "", mackerel.ErrUnauthorized},
		{"a page that is gone", 404, "", mackerel.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := mackerel.CallOptions{Client: &http.Client{Transport: &page{c.status, c.body, nil}}, MaxAttempts: 1}
			got, err := mackerel.OutgoingAddresses(t.Context(), options)
			var e *mackerel.Error
			if got != nil || !errors.As(err, &e) || e.Kind != c.kind || e.Op != "list outgoing addresses" {
				t.Errorf("got %v, %v, want %v", got, err, c.kind)
			}
		})
	}
	if _, err := mackerel.OutgoingAddresses(t.Context(), mackerel.CallOptions{MaxAttempts: -1}); !errors.Is(err, mackerel.ErrConfig) {
		t.Errorf("got %v", err)
	}
}
