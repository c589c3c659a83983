package hipchat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

// roomOperations are the operations on a room, with the path below it.
var roomOperations = map[string]func(context.Context, *hipchat.Client, string) error{
	"": func(ctx context.Context, c *hipchat.Client, room string) error {
		_, err := c.GetRoom(ctx, room)
		return err
	},
	"/topic": func(ctx context.Context, c *hipchat.Client, room string) error { return c.SetTopic(ctx, room, "t") },
	"/history": func(ctx context.Context, c *hipchat.Client, room string) error {
		_, err := c.RoomHistory(ctx, room, hipchat.RoomHistoryParams{})
		return err
	},
	"/history/latest": func(ctx context.Context, c *hipchat.Client, room string) error {
		_, err := c.LatestHistory(ctx, room, hipchat.LatestHistoryParams{})
		return err
	},
	"/notification": func(ctx context.Context, c *hipchat.Client, room string) error {
		return c.SendRoomNotification(ctx, room, hipchat.Notification{Message: "x"})
	},
}

func TestEveryOperationTakesEveryName(t *testing.T) {
	for name, escaped := range map[string]string{
		"1234": "1234", "#ops": "%23ops", "A/B": "A%2FB", "On Call, now": "On%20Call%2C%20now", "夜間 #1": "%E5%A4%9C%E9%96%93%20%231",
		"50%?x=1": "50%25%3Fx=1", "../..": "..%2F..",
	} {
		for below, operation := range roomOperations {
			s := newServer(t)
			s.AddRoom(7, name)
			if err := operation(t.Context(), newClient(t, s, hipchattest.Token), name); err != nil {
				t.Errorf("%q%s: %v", name, below, err)
			}
			if got, want := s.Requests()[0].Path, "/v2/room/"+escaped+below; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
}

func TestNoOperationAsksForANameThatIsNone(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s, hipchattest.Token)
	for _, name := range []string{"", ".", ".."} {
		for _, operation := range roomOperations {
			wantContains(t, asError(t, operation(t.Context(), c, name), mackerel.ErrInvalid).Message, "room: ")
		}
		err := c.SendPrivateMessage(t.Context(), name, hipchat.PrivateMessage{Message: "x"})
		wantContains(t, asError(t, err, mackerel.ErrInvalid).Message, "user: ")
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestGetRoom(t *testing.T) {
	s := newServer(t)
	hanako := hipchattest.User{ID: 7, Name: "花子", MentionName: "hanako"}
	created := time.Date(2014, 6, 25, 2, 28, 4, 0, time.UTC)
	s.SetRoom(hipchattest.Room{
		ID: 5, Name: "On Call", Topic: "静か", Private: true, Archived: true, Created: created, Owner: hanako,
		Participants: []hipchattest.User{hanako},
	})
	want := hipchat.Room{
		ID: 5, Name: "On Call", XMPPJID: "5_on_call@conf.hipchat.test", Topic: "静か", Privacy: hipchat.PrivacyPrivate, IsArchived: true,
		Owner: hipchat.User{ID: 7, Name: "花子", MentionName: "hanako"}, Participants: []hipchat.User{{ID: 7, Name: "花子", MentionName: "hanako"}},
	}
	got, err := newClient(t, s, hipchattest.Token).GetRoom(t.Context(), "On Call")
	if err != nil || !got.Created.Equal(created) {
		t.Fatal(err, got.Created)
	}
	if got.Created = (time.Time{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestRoomBodies reads what servers were seen to send, and what is no room.
func TestRoomBodies(t *testing.T) {
	for _, c := range []struct {
		name, body string
		created    time.Time
		kind       error
	}{
		{"a date without an offset is UTC", `{"id":2,"name":"a","created":"2014-06-25T02:28:04"}`, time.Date(2014, 6, 25, 2, 28, 4, 0, time.UTC), nil},
		{"a date with one", `{"id":2,"created":"2014-06-25T11:28:04.25+09:00"}`, time.Date(2014, 6, 25, 2, 28, 4, 25e7, time.UTC), nil},
		{"a date with a short one", `{"id":2,"created":"2014-06-25T11:28:04+0900"}`, time.Date(2014, 6, 25, 2, 28, 4, 0, time.UTC), nil},
		{"a date that is none costs nothing else", `{"id":2,"created":"yesterday"}`, time.Time{}, nil},
		{"nulls", `{"id":2,"created":null,"topic":null,"guest_access_url":null,"owner":null,"participants":null}`, time.Time{}, nil},
		{"unknown members and words", `{"id":2,"privacy":"secret","new":{"id":3}}`, time.Time{}, nil},
		{"an answer without an id is no room", `{"name":"a"}`, time.Time{}, mackerel.ErrUnavailable},
		{"an id in words is no room", `{"id":"a"}`, time.Time{}, mackerel.ErrUnavailable},
		{"null is no room", `null`, time.Time{}, mackerel.ErrUnavailable},
		{"a list is no room", `[{"id":2}]`, time.Time{}, mackerel.ErrUnavailable},
		{"a page of a proxy is no room", `<html>`, time.Time{}, mackerel.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Inject(fakehttp.Fault{Status: 200, Body: c.body})
			got, err := newImpatientClient(t, s).GetRoom(t.Context(), "ops")
			if c.kind != nil {
				wantKind(t, err, c.kind)
				if !reflect.DeepEqual(got, hipchat.Room{}) {
					t.Errorf("%+v", got)
				}
				return
			}
			if err != nil || got.ID != 2 || !got.Created.Equal(c.created) {
				t.Errorf("%v, %+v", err, got)
			}
		})
	}
}

// newImpatientClient makes one attempt.
func newImpatientClient(t *testing.T, s *hipchattest.Server) *hipchat.Client {
	t.Helper()
	c, err := hipchat.NewClient(hipchat.ClientConfig{
		Token: mackerel.NewSecret(hipchattest.Token), BaseURL: hipchattest.MemoryBaseURL,
		Call: mackerel.CallOptions{Client: s.Client(), MaxAttempts: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSetTopic(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s, hipchattest.Token)
	for _, topic := range []string{"当番: @hanako <b>", strings.Repeat("障", hipchat.MaxTopic), ""} {
		if err := c.SetTopic(t.Context(), "ops", topic); err != nil {
			t.Fatal(err)
		}
		if r, _ := s.Room(hipchattest.RoomID); r.Topic != topic {
			t.Errorf("the topic is %q, want %q", r.Topic, topic)
		}
	}
	if got := string(s.Requests()[0].Body); got != `{"topic":"当番: @hanako <b>"}` {
		t.Error(got)
	}
	e := asError(t, c.SetTopic(t.Context(), "ops", strings.Repeat("🔥", hipchat.MaxTopic+1)), mackerel.ErrInvalid)
	wantContains(t, e.Message, "topic: 251 characters")
	if n := len(s.Requests()); n != 3 {
		t.Errorf("%d requests", n)
	}
	page, err := c.LatestHistory(t.Context(), "ops", hipchat.LatestHistoryParams{})
	if err != nil || len(page.Items) != 3 || page.Items[0].Type != "topic" {
		t.Errorf("%v, %+v", err, page)
	}
}

// roomsServer has the rooms 1 to n besides the one that is always there, which comes first.
func roomsServer(t *testing.T, n int64) *hipchattest.Server {
	t.Helper()
	s := newServer(t)
	for id := range n {
		s.AddRoom(id+1, fmt.Sprint("room ", id+1))
	}
	return s
}

func TestRooms(t *testing.T) {
	no := false
	s := roomsServer(t, 6)
	s.SetRoom(hipchattest.Room{ID: 7, Name: "secret", Private: true})
	s.SetRoom(hipchattest.Room{ID: 8, Name: "old", Archived: true})
	for _, c := range []struct {
		name    string
		params  hipchat.RoomsParams
		want    []int64
		queries []string
	}{
		{"one page", hipchat.RoomsParams{}, []int64{1234, 1, 2, 3, 4, 5, 6, 7}, []string{""}},
		{
			"several pages", hipchat.RoomsParams{MaxResults: 3}, []int64{1234, 1, 2, 3, 4, 5, 6, 7},
			[]string{"max-results=3", "max-results=3&start-index=3", "max-results=3&start-index=6"},
		},
		{"a last page that is full", hipchat.RoomsParams{MaxResults: 4}, []int64{1234, 1, 2, 3, 4, 5, 6, 7}, []string{"max-results=4", "max-results=4&start-index=4"}},
		{"from somewhere on", hipchat.RoomsParams{StartIndex: 6}, []int64{6, 7}, []string{"start-index=6"}},
		{"nothing is left", hipchat.RoomsParams{StartIndex: 60}, nil, []string{"start-index=60"}},
		{
			"which rooms", hipchat.RoomsParams{IncludePrivate: &no, IncludeArchived: true, Expand: "items", StartIndex: 6}, []int64{6, 8},
			[]string{"expand=items&include-archived=true&include-private=false&start-index=6"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(s.Requests())
			var got []int64
			for r, err := range newClient(t, s, hipchattest.Token).Rooms(t.Context(), c.params) {
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, r.ID); r.Name == "" || (r.Privacy == "") != (c.params.Expand == "") {
					t.Errorf("%+v", r)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			var queries []string
			for _, r := range s.Requests()[before:] {
				queries = append(queries, r.Query)
			}
			if !slices.Equal(queries, c.queries) {
				t.Errorf("asked %q, want %q", queries, c.queries)
			}
		})
	}
}

func TestPagesAreGotWhenTheyAreNeeded(t *testing.T) {
	s := roomsServer(t, 9)
	rooms := newClient(t, s, hipchattest.Token).Rooms(t.Context(), hipchat.RoomsParams{MaxResults: 2})
	if len(s.Requests()) != 0 {
		t.Error("a page was got before anybody looked")
	}
	for range 2 { // a second look begins anew
		before, n := len(s.Requests()), 0
		for _, err := range rooms {
			if n++; err != nil || len(s.Requests())-before != (n+1)/2 {
				t.Fatalf("room %d: %v, %d requests", n, err, len(s.Requests())-before)
			}
			if n == 4 {
				break
			}
		}
		if got := len(s.Requests()) - before; got != 2 {
			t.Errorf("%d requests for 4 rooms, want 2", got)
		}
	}
}

// collect returns the names of all items and the error that ended them.
func collect(t *testing.T, rooms iter.Seq2[hipchat.Room, error]) (names []string, last error) {
	t.Helper()
	for r, err := range rooms {
		if last != nil {
			t.Fatal("it went on after an error")
		}
		if last = err; err == nil {
			names = append(names, r.Name)
		}
	}
	return names, last
}

func TestTheContextEndsTheRooms(t *testing.T) {
	s := roomsServer(t, 9)
	gone := errors.New("gone home")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var seen int
	var last error
	for _, err := range newClient(t, s, hipchattest.Token).Rooms(ctx, hipchat.RoomsParams{MaxResults: 3}) {
		if last = err; err == nil {
			seen++
			cancel(gone)
		}
	}
	if e := asError(t, last, mackerel.ErrUnavailable); seen != 3 || e.Op != "get all rooms" || !errors.Is(last, context.Canceled) || !errors.Is(last, gone) {
		t.Errorf("%v after %d rooms", last, seen)
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestAnErrorEndsTheRooms(t *testing.T) {
	const first = `{"items":[{"id":1,"name":"a"}],"links":{"next":"http://elsewhere.test/?start-index=1"}}`
	for _, c := range []struct {
		name, second string
		status       int
		names        []string
		kind         error
	}{
		{"the second page is the last", `{"items":[{"id":2,"name":"b"}],"links":{}}`, 200, []string{"a", "b"}, nil},
		{"an empty page is no end if there is another", `{"items":[],"links":{"next":"?start-index=5"}}`, 200, []string{"a", "ops"}, nil},
		{"a token that is revoked", `{"error":{"code":401}}`, 401, []string{"a"}, mackerel.ErrUnauthorized},
		{"a page without items", `{"links":{}}`, 200, []string{"a"}, mackerel.ErrUnavailable},
		{"a page that leads to itself", `{"items":[{"id":2,"name":"b"}],"links":{"next":"http://fake.test/?start-index=1"}}`, 200, []string{"a", "b"}, mackerel.ErrUnavailable},
		{"a page that leads back", `{"items":[{"id":2,"name":"b"}],"links":{"next":"http://fake.test/?start-index=0"}}`, 200, []string{"a", "b"}, mackerel.ErrUnavailable},
		{"a page that leads nowhere", `{"items":[{"id":2,"name":"b"}],"links":{"next":"http://fake.test/"}}`, 200, []string{"a", "b"}, mackerel.ErrUnavailable},
		{"a link that is none", `{"items":[{"id":2,"name":"b"}],"links":{"next":"http://[::1/"}}`, 200, []string{"a", "b"}, mackerel.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Inject(
				fakehttp.Fault{Status: 200, Body: first}, fakehttp.Fault{Status: c.status, Body: c.second},
				fakehttp.Fault{Status: 200, Body: `{"items":[{"id":1234,"name":"ops"}],"links":{}}`},
			)
			names, err := collect(t, newImpatientClient(t, s).Rooms(t.Context(), hipchat.RoomsParams{}))
			if !slices.Equal(names, c.names) {
				t.Errorf("%q, want %q", names, c.names)
			}
			if c.kind == nil && err != nil {
				t.Error(err)
			}
			if c.kind != nil && asError(t, err, c.kind).Op != "get all rooms" {
				t.Error(err)
			}
			for _, r := range s.Requests() {
				if r.Path != "/v2/room" || r.Host != "fake.test" {
					t.Errorf("%s%s was asked: a link was followed", r.Host, r.Path)
				}
			}
		})
	}
}

func TestRoomMessages(t *testing.T) {
	s := newServer(t)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var want []string
	for i := range 7 {
		s.SetClock(func() time.Time { return start.Add(time.Duration(i) * time.Minute) })
		s.AddMessage(hipchattest.RoomID, hipchattest.User{ID: 7}, strconv.Itoa(i))
		want = append([]string{strconv.Itoa(i)}, want...)
	}
	yes := true
	p := hipchat.RoomHistoryParams{Date: start.Add(time.Hour), MaxResults: 3, Reverse: &yes}
	var got []string
	for m, err := range newClient(t, s, hipchattest.Token).RoomMessages(t.Context(), "ops", p) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, m.Message); len(got) == 1 { // what comes now is later than p.Date
			s.SetClock(func() time.Time { return start.Add(2 * time.Hour) })
			s.AddMessage(hipchattest.RoomID, hipchattest.User{ID: 7}, "late")
		}
	}
	if !slices.Equal(got, want) || len(s.Requests()) != 3 {
		t.Errorf("%q in %d requests, want %q in 3", got, len(s.Requests()), want)
	}
	if !*p.Reverse {
		t.Error("the caller's parameters were changed")
	}
	for _, err := range newClient(t, s, "unknown").RoomMessages(t.Context(), "ops", p) {
		wantKind(t, err, mackerel.ErrUnauthorized)
	}
}

func TestDecodeCard(t *testing.T) {
	whole := mustJSON(t, wholeCard())
	for _, c := range []struct {
		name, card string
		want       *hipchat.Card
		fails      bool
	}{
		{"an object", whole, wholeCard(), false},
		{"a string that holds one", mustJSON(t, whole), wholeCard(), false},
		{"no card", ``, nil, false},
		{"null", ` null `, nil, false},
		{"a string that holds null", `"null"`, nil, false},
		{"a string that holds none", `"card"`, nil, true},
		{"a number", `7`, nil, true},
		{"half a card", `{"id":`, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := hipchat.RoomMessage{Card: json.RawMessage(c.card)}.DecodeCard()
			if (err != nil) != c.fails || err == nil && !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func FuzzRoomMessage(f *testing.F) {
	for _, s := range []string{
		`{"id":"f","date":"2014-11-23T21:23:49.807578+00:00","card":"{\"id\":\"1\"}"}`, `{"card":{"id":"1"}}`, `{"date":1}`, `{"card":"\""}`, `null`, `{"Date":"x"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again hipchat.RoomMessage
		if json.Unmarshal(b, &m) != nil {
			return
		}
		if card, err := m.DecodeCard(); err == nil && card == nil && strings.Contains(string(m.Card), "{") && m.Card[0] == '{' {
			t.Errorf("the card of %q is nil", b)
		}
		if m.Date.Year() > 9999 || m.Date.Year() < 0 {
			t.Skip("not a date that JSON has")
		}
		if err := json.Unmarshal([]byte(mustJSON(t, m)), &again); err != nil || !again.Date.Equal(m.Date) || again.ID != m.ID {
			t.Errorf("%q is %+v and then %+v, %v", b, m, again, err)
		}
	})
}

func TestARoomsTokenSeesNoRoom(t *testing.T) {
	s := newServer(t)
	s.SetToken("room-token", hipchattest.Access{Scopes: []string{hipchattest.ScopeSendNotification}, Room: hipchattest.RoomID})
	c := newClient(t, s, "room-token")
	_, err := c.GetRoom(t.Context(), "ops")
	e := asError(t, err, mackerel.ErrUnauthorized)
	if e.Status != http.StatusForbidden || e.Message != "This action requires one of the following scopes: [u'view_group', u'view_room']" {
		t.Errorf("%+v", e)
	}
	names, err := collect(t, c.Rooms(t.Context(), hipchat.RoomsParams{}))
	if wantKind(t, err, mackerel.ErrUnauthorized); len(names) != 0 {
		t.Error(names)
	}
	wantKind(t, c.SetTopic(t.Context(), "ops", "x"), mackerel.ErrUnauthorized)
}
