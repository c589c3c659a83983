package hipchat_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

// newServer is reached through its client and [hipchattest.MemoryBaseURL], so that it works in a bubble too.
func newServer(t *testing.T) *hipchattest.Server {
	t.Helper()
	s := hipchattest.NewServer()
	t.Cleanup(s.Close)
	return s
}

func newClient(t *testing.T, s *hipchattest.Server, token string) *hipchat.Client {
	t.Helper()
	c, err := hipchat.NewClient(hipchat.ClientConfig{
		Token: mackerel.NewSecret(token), BaseURL: hipchattest.MemoryBaseURL, Call: mackerel.CallOptions{Client: s.Client()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newNotifier completes the configuration with what leads to the fake.
func newNotifier(t *testing.T, s *hipchattest.Server, c hipchat.Config) *hipchat.Notifier {
	t.Helper()
	c.Token, c.Room, c.BaseURL = mackerel.NewSecret(hipchattest.Token), hipchattest.RoomName, hipchattest.MemoryBaseURL
	c.Call.Client = s.Client()
	n, err := hipchat.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// last returns the newest message of the room.
func last(t *testing.T, s *hipchattest.Server) hipchattest.Message {
	t.Helper()
	all := s.Messages(hipchattest.RoomID)
	if len(all) == 0 {
		t.Fatal("the room is empty")
	}
	return all[len(all)-1]
}

// notify sends an alert and returns what stands in the room then.
func notify(t *testing.T, s *hipchattest.Server, c hipchat.Config, a mackerel.Alert) (hipchattest.Message, mackerel.Receipt) {
	t.Helper()
	receipt, err := newNotifier(t, s, c).Deliver(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return last(t, s), receipt
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

func wantContains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in %.400q", p, text)
		}
	}
}

func wantMissing(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if strings.Contains(text, p) {
			t.Errorf("%q is in %.400q", p, text)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
