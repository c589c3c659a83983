package hipchattest_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

var hanako = hipchattest.User{ID: 7, Name: "花子", MentionName: "hanako", Email: "hanako@example.com"}

func TestARoomAsWritten(t *testing.T) {
	s := start(t)
	s.SetRoom(hipchattest.Room{
		ID: 5, Name: "On Call", Topic: "quiet", Private: true, Created: time.Date(2014, 6, 25, 2, 28, 4, 0, time.UTC),
		Owner: hanako, Participants: []hipchattest.User{hanako},
	})
	get := func(path string) string { return call(t, s, http.MethodGet, path, "").Body }
	whole := `{"id":5,"name":"On Call","xmpp_jid":"5@conf.hipchat.test","topic":"quiet","privacy":"private",
		"is_archived":false,"created":"2014-06-25T02:28:04+00:00",
		"owner":{"id":7,"name":"花子","mention_name":"hanako"},"participants":[{"id":7,"name":"花子","mention_name":"hanako"}]}`
	sameJSON(t, get("/v2/room/On%20Call"), whole)
	sameJSON(t, get("/v2/room?start-index=2&expand=items"), `{"items":[`+whole+`],"startIndex":2,"maxResults":100,"links":{
		"self":"http://fake.test/v2/room?expand=items&start-index=2","prev":"http://fake.test/v2/room?expand=items&start-index=0"}}`)
	sameJSON(t, get("/v2/room?max-results=1"), `{"items":[{"id":1234,"name":"ops"}],"startIndex":0,"maxResults":1,"links":{
		"self":"http://fake.test/v2/room?max-results=1","next":"http://fake.test/v2/room?max-results=1&start-index=1"}}`)
}

func TestARoomsTokenListsItsRoom(t *testing.T) {
	s := start(t) // has the rooms 1234 and 2
	s.AddToken("two", hipchattest.Access{Scopes: []string{"view_room"}, Room: 2})
	a := call(t, s, http.MethodGet, "/v2/room", "", as("two")...)
	sameJSON(t, a.Body, `{"items":[{"id":2,"name":"障害 #1/夜間"}],"startIndex":0,"maxResults":100,"links":{"self":"http://fake.test/v2/room"}}`)
	for _, query := range []string{"?max-results=1001", "?include-private=1", "?include-archived=x"} {
		if a := call(t, s, http.MethodGet, "/v2/room"+query, ""); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %+v", query, a)
		}
	}
}

func TestTopics(t *testing.T) {
	s := start(t)
	topic := strings.Repeat("障", 250)
	if a := call(t, s, http.MethodPut, "/v2/room/ops/topic", `{"topic":"`+topic+`"}`); a.Status != http.StatusNoContent || s.Accepted() != 0 {
		t.Fatalf("%+v", a)
	}
	m := servicetest.Last(t, s, s.Messages(hipchattest.RoomID))
	if r, _ := s.Room(hipchattest.RoomID); r.Topic != topic || m.Type != "topic" || m.Text != topic || m.From != "Mackerel" {
		t.Errorf("%+v, %+v", r, m)
	}
	for _, body := range []string{`{"topic":"` + topic + `x"}`, `{}`, `{"topic":null}`, `{"topic":"x","room":1}`, ``} {
		if a := call(t, s, http.MethodPut, "/v2/room/ops/topic", body); a.Status != http.StatusBadRequest {
			t.Errorf("%.40s: %+v", body, a)
		}
	}
}

func TestAChangedRoomKeepsItsMessages(t *testing.T) {
	s := start(t)
	s.AddMessage(hipchattest.RoomID, hanako, "hi")
	s.SetRoom(hipchattest.Room{ID: hipchattest.RoomID, Name: "ops, renamed"})
	if r, _ := s.Room(hipchattest.RoomID); r.Name != "ops, renamed" || len(s.Messages(hipchattest.RoomID)) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestAMessageAddsItsRoom(t *testing.T) {
	s := start(t)
	s.AddMessage(9, hanako, "hi")
	if r, ok := s.Room(9); !ok || r.Name != "9" || len(s.Messages(9)) != 1 {
		t.Errorf("%+v, %t, %v", r, ok, s.Messages(9))
	}
}

func TestPrivateMessages(t *testing.T) {
	s := start(t)
	s.AddUser(hanako)
	for user, status := range map[string]int{
		"7": 204, "hanako@example.com": 204, "hanako%40example.com": 204, "@hanako": 204, // and not by these:
		"hanako": 404, "%E8%8A%B1%E5%AD%90": 404, "9": 404,
	} {
		if a := call(t, s, http.MethodPost, "/v2/user/"+user+"/message", `{"message":"<b>x","notify":true}`); a.Status != status {
			t.Errorf("%s: %+v", user, a)
		}
	}
	want := hipchattest.Message{Type: "message", From: "Mackerel", Text: "<b>x", Format: "text", Notify: true}
	for _, m := range s.PrivateMessages(7) {
		if m.ID, m.Date = "", (time.Time{}); !reflect.DeepEqual(m, want) {
			t.Errorf("%+v", m)
		}
	}
	if len(s.PrivateMessages(7)) != 4 || s.Accepted() != 4 || s.PrivateMessages(9) != nil {
		t.Errorf("%+v", s.PrivateMessages(7))
	}
}

func TestScopes(t *testing.T) {
	s := start(t)
	s.AddUser(hanako)
	for _, c := range []struct {
		method, path, body string
		scopes             []string // each is enough
		repr               string
		status             int
	}{
		{http.MethodGet, "/v2/room", "", []string{"view_group", "view_room"}, "[u'view_group', u'view_room']", 200},
		{http.MethodGet, "/v2/room/1234", "", []string{"view_group", "view_room"}, "[u'view_group', u'view_room']", 200},
		{http.MethodPut, "/v2/room/1234/topic", `{"topic":"x"}`, []string{"admin_room"}, "[u'admin_room']", 204},
		{http.MethodPost, "/v2/user/7/message", `{"message":"x"}`, []string{"send_message"}, "[u'send_message']", 204},
		{http.MethodPost, notify, `{"message":"x"}`, []string{"send_notification"}, "[u'send_notification']", 204},
		{http.MethodGet, "/v2/room/1234/history", "", []string{"view_messages"}, "[u'view_messages']", 200},
		{http.MethodGet, "/v2/room/1234/history/latest", "", []string{"view_messages"}, "[u'view_messages']", 200},
	} {
		for _, scope := range []string{"admin_room", "send_message", "send_notification", "view_group", "view_messages", "view_room"} {
			s.AddToken("one-scope", hipchattest.Access{Scopes: []string{scope}})
			a := call(t, s, c.method, c.path, c.body, as("one-scope")...)
			if may := slices.Contains(c.scopes, scope); may && a.Status != c.status ||
				!may && (a.Status != http.StatusForbidden || !strings.Contains(a.Body, c.repr)) {
				t.Errorf("%s %s with %s: %+v", c.method, c.path, scope, a)
			}
		}
	}
}

func TestSessions(t *testing.T) {
	s := start(t)
	s.AddToken("room-token", hipchattest.Access{Label: "agent", Scopes: []string{"send_notification"}, Room: 2})
	a := call(t, s, http.MethodGet, "/v2/oauth/token/room-token", "")
	sameJSON(t, a.Body, `{"client":{"name":"agent","allowed_scopes":["send_notification"],"room":{"id":2,"name":"障害 #1/夜間"}},
		"scopes":["send_notification"]}`)
	if a := call(t, s, http.MethodGet, "/v2/oauth/token/unknown", ""); a.Status != http.StatusNotFound {
		t.Errorf("%+v", a)
	}
}
