package hipchat_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

var hanako = hipchattest.User{ID: 7, Name: "花子", MentionName: "hanako", Email: "hanako+ops@example.com"}

func TestSendPrivateMessage(t *testing.T) {
	for user, escaped := range map[string]string{
		"7": "7", "@hanako": "@hanako", "hanako+ops@example.com": "hanako+ops@example.com",
	} {
		s := newServer(t)
		s.AddUser(hanako)
		c := newClient(t, s, hipchattest.Token)
		for _, m := range []hipchat.PrivateMessage{
			{Message: "当番です </b>"}, {Message: "<b>当番</b>", MessageFormat: hipchat.FormatHTML, Notify: true},
		} {
			if err := c.SendPrivateMessage(t.Context(), user, m); err != nil {
				t.Fatalf("%s: %v", user, err)
			}
		}
		r := s.Requests()
		if got := r[0].Path; got != "/v2/user/"+escaped+"/message" {
			t.Error(got)
		}
		if got := string(r[0].Body); got != `{"message":"当番です </b>","message_format":"text","notify":false}` {
			t.Error(got)
		}
		if got := s.PrivateMessages(7); len(got) != 2 || got[1].Format != "html" || !got[1].Notify || got[1].Kept != "<b>当番</b>" {
			t.Errorf("%+v", got)
		}
	}
}

func TestPrivateMessagesThatAreRefused(t *testing.T) {
	s := newServer(t)
	s.AddUser(hanako)
	c := newClient(t, s, hipchattest.Token)
	err := c.SendPrivateMessage(t.Context(), "@hanako", hipchat.PrivateMessage{MessageFormat: "md"})
	wantContains(t, asError(t, err, mackerel.ErrInvalid).Message, "message: empty", `message_format: "md"`)
	err = c.SendPrivateMessage(t.Context(), "@hanako", hipchat.PrivateMessage{Message: strings.Repeat("障", hipchat.MaxMessage+1)})
	wantContains(t, asError(t, err, mackerel.ErrInvalid).Message, "message: 10001 characters")
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	if err := c.SendPrivateMessage(t.Context(), "@hanako", hipchat.PrivateMessage{Message: strings.Repeat("障", hipchat.MaxMessage)}); err != nil {
		t.Error(err)
	}
	if e := asError(t, c.SendPrivateMessage(t.Context(), "@nobody", hipchat.PrivateMessage{Message: "x"}), mackerel.ErrNotFound); e.Op != "private message user" {
		t.Errorf("%+v", e)
	}
}

func TestGetSession(t *testing.T) {
	s := newServer(t)
	s.SetToken("room/token", hipchattest.Access{Label: "agent", Scopes: []string{hipchattest.ScopeSendNotification}, Room: hipchattest.RoomID})
	got, err := newClient(t, s, "room/token").GetSession(t.Context())
	if err != nil || got.Client.Name != "agent" || got.Client.Room == nil || *got.Client.Room != (hipchat.SessionRoom{ID: hipchattest.RoomID, Name: "ops"}) ||
		!slices.Equal(got.Scopes, []hipchat.Scope{hipchat.ScopeSendNotification}) || !slices.Equal(got.Client.AllowedScopes, got.Scopes) {
		t.Errorf("%v, %+v", err, got)
	}
	if got := s.Requests()[0]; got.Path != "/v2/oauth/token/room%2Ftoken" || got.Header.Get("Authorization") != "Bearer room/token" {
		t.Errorf("%s %v", got.Path, got.Header)
	}
	if got, err = newClient(t, s, hipchattest.Token).GetSession(t.Context()); err != nil || got.Client.Room != nil || len(got.Scopes) != 6 {
		t.Errorf("%v, %+v", err, got)
	}
	for _, body := range []string{`{}`, `null`, `{"client":{"name":"x","room":null}}`, `{"scopes":"all"}`, `<html>`} {
		s.Inject(fakehttp.Fault{Status: 200, Body: body})
		if got, err := newImpatientClient(t, s).GetSession(t.Context()); got.Client.Name != "" {
			t.Errorf("%s is %+v, %v", body, got, err)
		} else {
			wantKind(t, err, mackerel.ErrUnavailable)
		}
	}
}

// TestTheTokenInAPathIsNowhereElse has what goes wrong with the one call whose address is a secret.
func TestTheTokenInAPathIsNowhereElse(t *testing.T) {
	const secret = "secret/token+0123456789"
	s := newServer(t)
	var attempts []mackerel.Attempt
	c, err := hipchat.NewClient(hipchat.ClientConfig{
		Token: mackerel.NewSecret(secret), BaseURL: hipchattest.MemoryBaseURL, Call: mackerel.CallOptions{
			Client: s.Client(), MaxAttempts: 1,
			OnAttempt: func(_ context.Context, a mackerel.Attempt) { attempts = append(attempts, a) },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const quoted = `{"error":{"message":"no /v2/oauth/token/secret%2Ftoken+0123456789 for ` + secret + `","code":404}}`
	s.Inject(
		fakehttp.Fault{Status: 404, Body: quoted}, fakehttp.Fault{Status: 500, Body: quoted}, fakehttp.Fault{Break: fakehttp.ResetConnection},
		fakehttp.Fault{Status: 307, Header: http.Header{"Location": {"http://elsewhere.test/v2/oauth/token/" + secret}}},
	)
	for range 4 {
		_, err := c.GetSession(t.Context())
		wantMissing(t, fmt.Sprintf("%v %+v %#v", err, err, err), secret, "secret%2Ftoken", "0123456789")
	}
	s.Close()
	_, err = c.GetSession(t.Context())
	attempts = append(attempts, mackerel.Attempt{Err: err})
	for _, v := range []any{attempts, c, struct{ c *hipchat.Client }{c}, *c} {
		wantMissing(t, fmt.Sprintf("%v %+v %#v", v, v, v), secret, "secret%2Ftoken", "0123456789")
	}
	if r := s.Requests(); len(r) < 4 || !strings.HasSuffix(r[0].Path, "secret%2Ftoken+0123456789") {
		t.Fatalf("the token was not sent: %d requests", len(r))
	}
}

// TestWhatARepeatMeans loses the first answer to each operation.
func TestWhatARepeatMeans(t *testing.T) {
	operations := map[string]func(context.Context, *hipchat.Client) error{
		"private message user": func(ctx context.Context, c *hipchat.Client) error {
			return c.SendPrivateMessage(ctx, "7", hipchat.PrivateMessage{Message: "x"})
		},
		"test auth": func(ctx context.Context, c *hipchat.Client) error { return c.TestAuth(ctx, "ops") },
		"get session": func(ctx context.Context, c *hipchat.Client) error {
			_, err := c.GetSession(ctx)
			return err
		},
		"get all rooms": func(ctx context.Context, c *hipchat.Client) (last error) {
			for _, err := range c.Rooms(ctx, hipchat.RoomsParams{}) {
				last = err
			}
			return last
		},
	}
	for below, operation := range roomOperations {
		operations["room"+below] = func(ctx context.Context, c *hipchat.Client) error { return operation(ctx, c, "ops") }
	}
	for name, operation := range operations {
		for _, delivery := range []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce} {
			t.Run(name+", "+delivery.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := hipchattest.NewServer()
					defer s.Close()
					s.AddUser(hanako)
					s.Inject(fakehttp.Fault{Break: fakehttp.CloseConnection, Handled: true})
					c, err := hipchat.NewClient(hipchat.ClientConfig{
						Token: mackerel.NewSecret(hipchattest.Token), BaseURL: hipchattest.MemoryBaseURL,
						Call: mackerel.CallOptions{Client: s.Client(), Delivery: delivery},
					})
					if err != nil {
						t.Fatal(err)
					}
					err = operation(t.Context(), c)
					message := name == "room/notification" || name == "private message user"
					if once := message && delivery == mackerel.AtMostOnce; !once && (err != nil || len(s.Requests()) != 2) {
						t.Errorf("%v after %d requests", err, len(s.Requests()))
					} else if once {
						if wantKind(t, err, mackerel.ErrAmbiguous); len(s.Requests()) != 1 {
							t.Errorf("%d requests", len(s.Requests()))
						}
					}
				})
			})
		}
	}
}

func TestANotifierAttaches(t *testing.T) {
	s := newServer(t)
	const id = "00000001-4d61-4b65-8a72-000000000001"
	n := newNotifier(t, s, hipchat.Config{Message: func(a mackerel.Alert) (hipchat.Message, error) {
		m := hipchat.DefaultMessage(a, mackerel.Text{})
		m.AttachTo = id
		return m, nil
	}})
	if err := n.Notify(t.Context(), everywhere("x")); err != nil {
		t.Fatal(err)
	}
	if got := last(t, s).AttachTo; got != id {
		t.Errorf("attached to %q", got)
	}
	_, err := n.Send(t.Context(), hipchat.Message{Title: "x", AttachTo: id + "x"})
	wantContains(t, asError(t, err, mackerel.ErrInvalid).Message, "attach_to: 37 characters")
}
