package hipchat_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

// historyServer has a message of a person and a notification, an hour later.
func historyServer(t *testing.T) *hipchattest.Server {
	t.Helper()
	s := newServer(t)
	s.SetClock(func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 807578000, time.UTC) })
	s.AddMessage(hipchattest.RoomID, hipchattest.User{ID: 7, Name: "花子", MentionName: "hanako"}, "見ます")
	s.Advance(time.Hour)
	n := hipchat.Notification{Message: "<b>障害</b>", Color: hipchat.ColorRed, Card: &hipchat.Card{ID: "1", Style: hipchat.CardLink, Title: "t"}}
	if err := newClient(t, s, hipchattest.Token).SendRoomNotification(t.Context(), "ops", n); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHistories(t *testing.T) {
	s := historyServer(t)
	c := newClient(t, s, hipchattest.Token)
	want := []hipchat.RoomMessage{
		{
			ID: "00000001-4d61-4b65-8a72-000000000001", Date: time.Date(2026, 1, 1, 0, 0, 0, 807578000, time.UTC), Type: "message",
			From: hipchat.User{ID: 7, Name: "花子", MentionName: "hanako"}, Message: "見ます", Mentions: []hipchat.User{},
		},
		{
			ID: "00000002-4d61-4b65-8a72-000000000002", Date: time.Date(2026, 1, 1, 1, 0, 0, 807578000, time.UTC),
			Type: "notification", From: hipchat.User{Name: "Mackerel"}, Message: "<b>障害</b>", MessageFormat: hipchat.FormatHTML,
			Color: hipchat.ColorRed, Mentions: []hipchat.User{}, Card: json.RawMessage(`{"id":"1","style":"link","title":"t"}`),
		},
	}
	for name, call := range map[string]func() (hipchat.Page[hipchat.RoomMessage], error){
		"room history": func() (hipchat.Page[hipchat.RoomMessage], error) {
			return c.RoomHistory(t.Context(), "ops", hipchat.RoomHistoryParams{})
		},
		"latest history": func() (hipchat.Page[hipchat.RoomMessage], error) {
			return c.LatestHistory(t.Context(), "ops", hipchat.LatestHistoryParams{})
		},
	} {
		page, err := call()
		if err != nil || len(page.Items) != len(want) {
			t.Fatalf("%s: %v, %+v", name, err, page)
		}
		for i, got := range page.Items {
			if !got.Date.Equal(want[i].Date) {
				t.Errorf("%s: date %v, want %v", name, got.Date, want[i].Date)
			}
			if got.Date = want[i].Date; !reflect.DeepEqual(got, want[i]) {
				t.Errorf("%s:\n got %+v\nwant %+v", name, got, want[i])
			}
		}
	}
}

func TestHistoryParams(t *testing.T) {
	no := false
	at := time.Date(2026, 1, 1, 0, 30, 0, 5000, time.UTC)
	tokyo := time.FixedZone("JST", 9*60*60)
	for _, c := range []struct {
		name   string
		params hipchat.RoomHistoryParams
		query  string
		items  int
	}{
		{"nothing is sent that was not set", hipchat.RoomHistoryParams{}, "", 2},
		{"a date has microseconds", hipchat.RoomHistoryParams{Date: at}, "date=2026-01-01T00%3A30%3A00.000005Z", 1},
		{"a date has its offset", hipchat.RoomHistoryParams{Date: at.In(tokyo).Truncate(time.Second)}, "date=2026-01-01T09%3A30%3A00%2B09%3A00", 1},
		{
			"everything", hipchat.RoomHistoryParams{
				Date: at.Add(2 * time.Hour).Truncate(time.Second), EndDate: at.Truncate(time.Second), Timezone: "UTC", StartIndex: 1, MaxResults: 1000,
				Reverse: &no, IncludeDeleted: &no,
			},
			"date=2026-01-01T02%3A30%3A00Z&end-date=2026-01-01T00%3A30%3A00Z&include_deleted=false&max-results=1000&reverse=false&start-index=1&timezone=UTC",
			0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := historyServer(t)
			page, err := newClient(t, s, hipchattest.Token).RoomHistory(t.Context(), "1234", c.params)
			if err != nil {
				t.Fatal(err)
			}
			r := s.Requests()
			if got := r[len(r)-1].Query; got != c.query {
				t.Errorf("query %s, want %s", got, c.query)
			}
			if len(page.Items) != c.items {
				t.Errorf("%d items, want %d", len(page.Items), c.items)
			}
		})
	}
}

func TestPages(t *testing.T) {
	s := historyServer(t)
	c := newClient(t, s, hipchattest.Token)
	newestFirst := false
	p := hipchat.RoomHistoryParams{Date: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), MaxResults: 1, Reverse: &newestFirst}
	var got []string
	for {
		page, err := c.RoomHistory(t.Context(), "ops", p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Items {
			got = append(got, m.Message)
		}
		if page.Links.Next == "" {
			break
		}
		p.StartIndex = page.StartIndex + len(page.Items)
	}
	if want := []string{"<b>障害</b>", "見ます"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLatestHistoryParams(t *testing.T) {
	s := historyServer(t)
	page, err := newClient(t, s, hipchattest.Token).LatestHistory(t.Context(), "ops", hipchat.LatestHistoryParams{
		MaxResults: 5, Timezone: "UTC", NotBefore: "00000002-4d61-4b65-8a72-000000000002",
	})
	if err != nil || len(page.Items) != 1 || page.MaxResults != 5 {
		t.Errorf("%v, %+v", err, page)
	}
}

// oddPage goes wrong after part of it was read.
const oddPage = `{"items":[{"id":"stale"}],"links":{"next":"http://stale.test"},"startIndex":"0"}`

func TestNothingIsLeftOfAnEarlierAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hipchattest.NewServer()
		defer s.Close()
		s.Inject(fakehttp.Fault{Status: 200, Body: oddPage})
		page, err := newClient(t, s, hipchattest.Token).RoomHistory(t.Context(), "ops", hipchat.RoomHistoryParams{})
		if err != nil || len(page.Items) != 0 || page.Links.Next != "" {
			t.Errorf("%v, %+v", err, page)
		}
	})
}

// TestHistoryBodies reads what servers were seen to send, and what is no history.
func TestHistoryBodies(t *testing.T) {
	for _, c := range []struct {
		name, body string
		items      int
		kind       error
	}{
		{"an empty room has no messages", `{"items":[],"links":{}}`, 0, nil},
		{
			"unknown members and kinds are no trouble", `{"items":[{"id":"f","date":"2014-11-23T21:23:49.807578+00:00","type":"shout",
			 "from":{"id":1,"name":"A","mention_name":"a","links":{"self":"x"},"version":"0"},"message":"m","mentions":[{"id":1,"name":"A",
			 "mention_name":"a"}],"file":{"name":"a.png","size":1},"card":"{}","new":1}]}`, 1, nil,
		},
		{"a deleted message has no text", `{"items":[{"id":"f","date":"2014-11-23T21:23:49+00:00","from":null,"type":"message"}]}`, 1, nil},
		{"an answer without items is no history", `{"links":{"next":"http://stale.test"}}`, 0, mackerel.ErrUnavailable},
		{"an odd page is no history", oddPage, 0, mackerel.ErrUnavailable},
		{"null is no history", `null`, 0, mackerel.ErrUnavailable},
		{"a page of a proxy is no history", `<html>`, 0, mackerel.ErrUnavailable},
		{"half an answer is no history", `{"items":[{"id":"f"`, 0, mackerel.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Inject(fakehttp.Fault{Status: 200, Body: c.body})
			client, err := hipchat.NewClient(hipchat.ClientConfig{
				Token: mackerel.NewSecret(hipchattest.Token), BaseURL: hipchattest.MemoryBaseURL,
				Call: mackerel.CallOptions{Client: s.Client(), MaxAttempts: 1},
			})
			if err != nil {
				t.Fatal(err)
			}
			page, err := client.RoomHistory(t.Context(), "ops", hipchat.RoomHistoryParams{})
			if c.kind != nil {
				wantKind(t, err, c.kind)
			} else if err != nil {
				t.Error(err)
			}
			if len(page.Items) != c.items || c.kind == nil && page.Items == nil || page.Links.Next != "" {
				t.Errorf("%+v", page)
			}
		})
	}
}

func TestARoomsTokenCannotRead(t *testing.T) {
	s := newServer(t)
	s.SetToken("room-token", hipchattest.Access{Scopes: []string{hipchattest.ScopeSendNotification}, Room: hipchattest.RoomID})
	_, err := newClient(t, s, "room-token").LatestHistory(t.Context(), "ops", hipchat.LatestHistoryParams{})
	wantContains(t, asError(t, err, mackerel.ErrUnauthorized).Message, "view_messages")
}

func FuzzUser(f *testing.F) {
	for _, s := range []string{`"Mackerel"`, `{"id":7,"name":"花子","mention_name":"hanako"}`, `null`, `{"name":1}`, `[]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var u, again hipchat.User
		if json.Unmarshal(b, &u) != nil {
			return
		}
		if err := json.Unmarshal([]byte(mustJSON(t, u)), &again); err != nil || again != u {
			t.Errorf("%q is %+v and then %+v, %v", b, u, again, err)
		}
	})
}
