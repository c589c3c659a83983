package opsgenieapi_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/opsgenieapi"
	"github.com/mackerel-notify/mackerel/internal/opsgeniefake"
)

const key = "opsgenieapi-test-key"

// newServer is reached through its client, so that it works in a bubble too.
func newServer(t *testing.T) *opsgeniefake.Server {
	t.Helper()
	s := opsgeniefake.New("/v2", key, false)
	t.Cleanup(s.HTTP.Close)
	return s
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t *testing.T, s *opsgeniefake.Server, c opsgenieapi.Config) *opsgenieapi.Notifier {
	t.Helper()
	c.APIKey, c.Call.Client = mackerel.NewSecret(key), s.HTTP.Client()
	n, err := opsgenieapi.New(opsgenieapi.Dialect{
		Name: "genie", BaseURL: fakehttp.MemoryURL + "/v2", Accepts: func(status int) bool { return status == 202 },
	}, c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// only returns the one alert that there is.
func only(t *testing.T, s *opsgeniefake.Server) opsgeniefake.Alert {
	t.Helper()
	all := s.Alerts()
	if len(all) != 1 {
		t.Fatalf("%d alerts: %+v", len(all), all)
	}
	return all[0]
}

// send sends a message and returns what it has come to.
func send(t *testing.T, m opsgenieapi.Message) (opsgeniefake.Alert, mackerel.Receipt) {
	t.Helper()
	s := newServer(t)
	r, err := newNotifier(t, s, opsgenieapi.Config{}).Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return only(t, s), r
}

// asError returns err as the module's error, which must be of this kind.
func asError(t *testing.T, err, kind error) *mackerel.Error {
	t.Helper()
	var e *mackerel.Error
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("%v (%T), want %v", err, err, kind)
	}
	return e
}

func length(s string) int { return len(utf16.Encode([]rune(s))) }

func fields(cuts []mackerel.Cut) string {
	names := make([]string, len(cuts))
	for i, c := range cuts {
		names[i] = c.Field
	}
	return strings.Join(names, ",")
}
