package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// credentials are those of the fake.
var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID: eventbridgetest.AccessKeyID, SecretAccessKey: eventbridgetest.SecretAccessKey, SessionToken: eventbridgetest.SessionToken,
	}, nil
})

// newServer is reached through its client, so that it works in a bubble too.
func newServer(t *testing.T) *eventbridgetest.Server {
	t.Helper()
	s := eventbridgetest.NewServer()
	t.Cleanup(s.Close)
	return s
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t *testing.T, s *eventbridgetest.Server, c eventbridge.Config) *eventbridge.Notifier {
	t.Helper()
	c.Region, c.BaseURL, c.Call.Client = eventbridgetest.Region, fakehttp.MemoryURL, s.Client()
	if c.Credentials == nil {
		c.Credentials = credentials
	}
	n, err := eventbridge.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// last returns the newest event of the default bus.
func last(t *testing.T, s *eventbridgetest.Server) eventbridgetest.Event {
	t.Helper()
	all := s.Events(eventbridgetest.DefaultBus)
	if len(all) == 0 {
		t.Fatal("there is no event")
	}
	return all[len(all)-1]
}

// detail decodes the detail of an event.
func detail(t *testing.T, e eventbridgetest.Event) map[string]any {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(e.Detail), &d); err != nil {
		t.Fatal(err)
	}
	return d
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

// wantKind fails unless err is the module's error of this kind.
func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	_ = asError(t, err, kind)
}
