package hipchat_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

func TestGetRoom(t *testing.T) {
	fake, client := connect(t)
	created := time.Date(2014, 6, 25, 2, 28, 4, 0, time.UTC)
	fake.SetRoom(hipchattest.Room{
		ID: 5, Name: "On Call", Topic: "静か", Private: true, Archived: true, Created: created, Owner: hanako,
		Participants: []hipchattest.User{hanako},
	})
	want := hipchat.Room{
		ID: 5, Name: "On Call", XMPPJID: "5@conf.hipchat.test", Topic: "静か", Privacy: hipchat.PrivacyPrivate, IsArchived: true,
		Owner: hipchat.User{ID: 7, Name: "花子", MentionName: "hanako"}, Participants: []hipchat.User{{ID: 7, Name: "花子", MentionName: "hanako"}},
	}
	got, err := client.GetRoom(t.Context(), "On Call")
	if err != nil || !got.Created.Equal(created) {
		t.Fatal(err, got.Created)
	}
	if got.Created = (time.Time{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestRoomBodies reads what servers were seen to send, and what is not a room.
func TestRoomBodies(t *testing.T) {
	for _, c := range []struct {
		name, body string
		created    time.Time
		kind       error
	}{
		{"a date without an offset is UTC", `{"id":2,"name":"a","created":"2014-06-25T02:28:04"}`, time.Date(2014, 6, 25, 2, 28, 4, 0, time.UTC), nil},
		{"a date has its offset", `{"id":2,"created":"2014-06-25T11:28:04.25+09:00"}`, time.Date(2014, 6, 25, 2, 28, 4, 25e7, time.UTC), nil},
		{"an offset may have no colon", `{"id":2,"created":"2014-06-25T11:28:04+0900"}`, time.Date(2014, 6, 25, 2, 28, 4, 0, time.UTC), nil},
		{"a date that cannot be read is no error", `{"id":2,"created":"yesterday"}`, time.Time{}, nil},
		{"members may be null", `{"id":2,"created":null,"topic":null,"guest_access_url":null,"owner":null,"participants":null}`, time.Time{}, nil},
		{"members and words may be unknown", `{"id":2,"privacy":"secret","new":{"id":3}}`, time.Time{}, nil},
		{"an answer without an id is not a room", `{"name":"a"}`, time.Time{}, mackerel.ErrUnavailable},
		{"an id in words is not a room", `{"id":"a"}`, time.Time{}, mackerel.ErrUnavailable},
		{"null is not a room", `null`, time.Time{}, mackerel.ErrUnavailable},
		{"a list is not a room", `[{"id":2}]`, time.Time{}, mackerel.ErrUnavailable},
		{"a proxy's page is not a room", `<html>`, time.Time{}, mackerel.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake, client := connect(t, once)
			fake.Inject(fakehttp.Fault{Status: 200, Body: c.body})
			got, err := client.GetRoom(t.Context(), "ops")
			if c.kind != nil {
				_ = servicetest.AsError(t, err, c.kind)
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

func TestSetTopic(t *testing.T) {
	fake, client := connect(t)
	for _, topic := range []string{"当番: @hanako <b>", strings.Repeat("障", 250), ""} {
		if err := client.SetTopic(t.Context(), "ops", topic); err != nil {
			t.Fatal(err)
		}
		if r, _ := fake.Room(hipchattest.RoomID); r.Topic != topic {
			t.Errorf("the topic is %q, want %q", r.Topic, topic)
		}
	}
	if got := string(fake.Requests()[0].Body); got != `{"topic":"当番: @hanako <b>"}` {
		t.Error(got)
	}
	e := servicetest.AsError(t, client.SetTopic(t.Context(), "ops", strings.Repeat("🔥", 250+1)), mackerel.ErrInvalid)
	if wantContains(t, e.Message, "topic: 251 characters"); len(fake.Requests()) != 3 {
		t.Errorf("%d requests", len(fake.Requests()))
	}
}

// connectRooms is connect with the rooms 1 to n after the room that every fake has.
func connectRooms(t *testing.T, n int64) (*hipchattest.Server, *hipchat.Client) {
	t.Helper()
	fake, client := connect(t)
	for id := range n {
		fake.AddRoom(id+1, fmt.Sprint("room ", id+1))
	}
	return fake, client
}

func TestRooms(t *testing.T) {
	no := false
	fake, client := connectRooms(t, 6)
	fake.SetRoom(hipchattest.Room{ID: 7, Name: "secret", Private: true})
	fake.SetRoom(hipchattest.Room{ID: 8, Name: "old", Archived: true})
	for _, c := range []struct {
		name    string
		params  hipchat.RoomsParams
		want    []int64
		queries []string
	}{
		{"all are on one page", hipchat.RoomsParams{}, []int64{1234, 1, 2, 3, 4, 5, 6, 7}, []string{""}},
		{
			"there are several pages", hipchat.RoomsParams{MaxResults: 3}, []int64{1234, 1, 2, 3, 4, 5, 6, 7},
			[]string{"max-results=3", "max-results=3&start-index=3", "max-results=3&start-index=6"},
		},
		{"the last page is full", hipchat.RoomsParams{MaxResults: 4}, []int64{1234, 1, 2, 3, 4, 5, 6, 7}, []string{"max-results=4", "max-results=4&start-index=4"}},
		{"pages begin where they are told", hipchat.RoomsParams{StartIndex: 6}, []int64{6, 7}, []string{"start-index=6"}},
		{
			"parameters choose the rooms", hipchat.RoomsParams{IncludePrivate: &no, IncludeArchived: true, Expand: "items", StartIndex: 6}, []int64{6, 8},
			[]string{"expand=items&include-archived=true&include-private=false&start-index=6"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(fake.Requests())
			var got []int64
			for r, err := range client.Rooms(t.Context(), c.params) {
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
			for _, r := range fake.Requests()[before:] {
				queries = append(queries, r.Query)
			}
			if !slices.Equal(queries, c.queries) {
				t.Errorf("asked %q, want %q", queries, c.queries)
			}
		})
	}
}

func TestPagesAreRequestedWhenTheyAreNeeded(t *testing.T) {
	fake, client := connectRooms(t, 9)
	rooms := client.Rooms(t.Context(), hipchat.RoomsParams{MaxResults: 2})
	for round := range 2 { // the second time it begins anew
		n := 0
		for _, err := range rooms {
			n++
			if got := len(fake.Requests()); err != nil || got != round*2+(n+1)/2 {
				t.Fatalf("room %d: %v, %d requests", n, err, got)
			}
			if n == 4 {
				break
			}
		}
	}
	if got := len(fake.Requests()); got != 4 {
		t.Errorf("%d requests for 8 rooms, want 4", got)
	}
}

// collect returns the names of the rooms and the error that ended them.
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
	fake, client := connectRooms(t, 9)
	gone := errors.New("gone home")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var seen int
	var last error
	for _, err := range client.Rooms(ctx, hipchat.RoomsParams{MaxResults: 3}) {
		if last = err; err == nil {
			seen++
			cancel(gone)
		}
	}
	if e := servicetest.AsError(t, last, mackerel.ErrUnavailable); seen != 3 || e.Op != "get all rooms" || !errors.Is(last, context.Canceled) || !errors.Is(last, gone) {
		t.Errorf("%v after %d rooms", last, seen)
	}
	if n := len(fake.Requests()); n != 1 {
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
		{"an empty page may have a next page", `{"items":[],"links":{"next":"?start-index=5"}}`, 200, []string{"a", "ops"}, nil},
		{"a token that is revoked", `{"error":{"code":401}}`, 401, []string{"a"}, mackerel.ErrUnauthorized},
		{"a page without items", `{"links":{}}`, 200, []string{"a"}, mackerel.ErrUnavailable},
		{"a page that leads to itself", `{"items":[{"id":2,"name":"b"}],"links":{"next":"http://fake.test/?start-index=1"}}`, 200, []string{"a", "b"}, mackerel.ErrUnavailable},
		{"a page beyond all numbers", `{"items":[{"id":2,"name":"b"}],"links":{"next":"?start-index=99999999999999999999"}}`, 200, []string{"a", "b"}, mackerel.ErrUnavailable},
		{"a page that leads back", `{"items":[{"id":2,"name":"b"}],"links":{"next":"http://fake.test/?start-index=0"}}`, 200, []string{"a", "b"}, mackerel.ErrUnavailable},
		{"a page that leads nowhere", `{"items":[{"id":2,"name":"b"}],"links":{"next":"http://fake.test/"}}`, 200, []string{"a", "b"}, mackerel.ErrUnavailable},
		{"a link that is not a URL", `{"items":[{"id":2,"name":"b"}],"links":{"next":"http://[::1/"}}`, 200, []string{"a", "b"}, mackerel.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake, client := connect(t, once)
			fake.Inject(
				fakehttp.Fault{Status: 200, Body: first}, fakehttp.Fault{Status: c.status, Body: c.second},
				fakehttp.Fault{Status: 200, Body: `{"items":[{"id":1234,"name":"ops"}],"links":{}}`},
			)
			names, err := collect(t, client.Rooms(t.Context(), hipchat.RoomsParams{}))
			if !slices.Equal(names, c.names) {
				t.Errorf("%q, want %q", names, c.names)
			}
			if c.kind == nil && err != nil {
				t.Error(err)
			}
			if c.kind != nil && servicetest.AsError(t, err, c.kind).Op != "get all rooms" {
				t.Error(err)
			}
			for _, r := range fake.Requests() {
				if r.Path != "/v2/room" || r.Host != "fake.test" {
					t.Errorf("%s%s was asked: a link was followed", r.Host, r.Path)
				}
			}
		})
	}
}

func TestARoomsTokenCannotRead(t *testing.T) {
	fake, _ := connect(t)
	fake.AddToken("room-token", hipchattest.Access{Scopes: []string{"send_notification"}, Room: hipchattest.RoomID})
	client := clientOf(t, fake, withToken("room-token"))
	_, err := client.GetRoom(t.Context(), "ops")
	e := servicetest.AsError(t, err, mackerel.ErrUnauthorized)
	if e.Status != http.StatusForbidden || e.Message != "This action requires one of the following scopes: [u'view_group', u'view_room']" {
		t.Errorf("%+v", e)
	}
}
