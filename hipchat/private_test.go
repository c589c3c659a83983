package hipchat_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

var hanako = hipchattest.User{ID: 7, Name: "花子", MentionName: "hanako", Email: "hanako+ops@example.com"}

func TestSendPrivateMessage(t *testing.T) {
	for _, user := range []string{"7", "@hanako", "hanako+ops@example.com"} {
		fake, client := connect(t)
		fake.AddUser(hanako)
		for _, m := range []hipchat.PrivateMessage{
			{Message: "当番です </b>"}, {Message: "<b>当番</b>", MessageFormat: hipchat.FormatHTML, Notify: true},
		} {
			if err := client.SendPrivateMessage(t.Context(), user, m); err != nil {
				t.Fatalf("%s: %v", user, err)
			}
		}
		r := fake.Requests()[0]
		if r.Path != "/v2/user/"+user+"/message" || string(r.Body) != `{"message":"当番です </b>","message_format":"text","notify":false}` {
			t.Errorf("%s %s", r.Path, r.Body)
		}
		if got := fake.PrivateMessages(7); len(got) != 2 || got[1].Format != "html" || !got[1].Notify || got[1].Text != "<b>当番</b>" {
			t.Errorf("%+v", got)
		}
	}
}

func TestPrivateMessagesThatAreRefused(t *testing.T) {
	fake, client := connect(t)
	fake.AddUser(hanako)
	servicetest.Refused(t, fake, func(m hipchat.PrivateMessage) error { return client.SendPrivateMessage(t.Context(), "@hanako", m) },
		map[string]hipchat.PrivateMessage{
			`Message: required; MessageFormat: must be "html" or "text"`: {MessageFormat: "md"},
			"Message: 10001 characters":                                  {Message: strings.Repeat("障", 10000+1)},
		})
	if err := client.SendPrivateMessage(t.Context(), "@hanako", hipchat.PrivateMessage{Message: strings.Repeat("障", 10000)}); err != nil {
		t.Error(err)
	}
	err := client.SendPrivateMessage(t.Context(), "@taro", hipchat.PrivateMessage{Message: "x"})
	if e := servicetest.AsError(t, err, mackerel.ErrNotFound); e.Op != "private message user" {
		t.Errorf("%+v", e)
	}
}

func TestGetSession(t *testing.T) {
	fake, client := connect(t)
	fake.AddToken("room/token", hipchattest.Access{Label: "agent", Scopes: []string{"send_notification"}, Room: hipchattest.RoomID})
	got, err := clientOf(t, fake, withToken("room/token")).GetSession(t.Context())
	if err != nil || got.Client.Name != "agent" || got.Client.Room == nil || got.Client.Room.ID != hipchattest.RoomID || got.Client.Room.Name != "ops" ||
		!slices.Equal(got.Scopes, []hipchat.Scope{hipchat.ScopeSendNotification}) || !slices.Equal(got.Client.AllowedScopes, got.Scopes) {
		t.Errorf("%v, %+v", err, got)
	}
	if got := fake.Requests()[0]; got.Path != "/v2/oauth/token/room%2Ftoken" {
		t.Error(got.Path)
	}
	if got, err = client.GetSession(t.Context()); err != nil || got.Client.Room != nil || len(got.Scopes) != 6 {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestAnswersThatAreNotASession(t *testing.T) {
	for _, body := range []string{`{}`, `null`, `{"client":{"name":"x","room":null}}`, `{"scopes":"all"}`, `<html>`} {
		fake, client := connect(t, once)
		fake.Inject(fakehttp.Fault{Status: 200, Body: body})
		got, err := client.GetSession(t.Context())
		if _ = servicetest.AsError(t, err, mackerel.ErrUnavailable); got.Client.Name != "" {
			t.Errorf("%s is %+v", body, got)
		}
	}
}

func TestASessionHasOneListOfScopesAtLeast(t *testing.T) {
	for _, body := range []string{`{"scopes":[]}`, `{"client":{"allowed_scopes":["view_room"]}}`} {
		fake, client := connect(t, once)
		fake.Inject(fakehttp.Fault{Status: 200, Body: body})
		if _, err := client.GetSession(t.Context()); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}
