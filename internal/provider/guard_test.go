package provider_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// opaque is a RoundTripper that nobody can look into.
type opaque struct{ http.RoundTripper }

func TestAGuardNeedsATransportThatCanBeGuarded(t *testing.T) {
	var p provider.Problems
	p.Guard("PublicOnly", mackerel.CallOptions{})
	p.Guard("PublicOnly", mackerel.CallOptions{Client: &http.Client{}})
	p.Guard("PublicOnly", mackerel.CallOptions{Client: &http.Client{Transport: &http.Transport{}}})
	if len(p) != 0 {
		t.Errorf("got %q", p)
	}
	p.Guard("PublicOnly", mackerel.CallOptions{Client: &http.Client{Transport: opaque{}}})
	if len(p) != 1 || !strings.HasPrefix(p[0], "PublicOnly: ") {
		t.Errorf("got %q", p)
	}
}

func TestAGuardedServiceReachesNoAddressOfItsOwn(t *testing.T) {
	s := provider.Service{Name: "test"}
	s.Connect(mackerel.CallOptions{}, mackerel.AtLeastOnce)
	if err := s.Transport().Guard(); err != nil {
		t.Fatal(err)
	}
	r := transport.Request{Op: "post", Method: http.MethodPost, URL: &url.URL{Scheme: "http", Host: "127.0.0.1:9"}, Repeat: transport.Replay}
	if _, err := s.Do(t.Context(), r); !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
