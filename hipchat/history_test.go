package hipchat_test

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// connectHistory is connect with a message of a person in the room, and an hour later a notification.
func connectHistory(t *testing.T) (*hipchattest.Server, *hipchat.Client) {
	t.Helper()
	fake, client := connect(t)
	fake.SetClock(func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 807578000, time.UTC) })
	fake.AddMessage(hipchattest.RoomID, hanako, "見ます")
	fake.Advance(time.Hour)
	n := hipchat.Notification{Message: "<b>障害</b>", Color: hipchat.ColorRed, Card: &hipchat.Card{ID: "1", Style: hipchat.CardLink, Title: "t"}}
	if err := client.SendRoomNotification(t.Context(), "ops", n); err != nil {
		t.Fatal(err)
	}
	return fake, client
}

func TestHistories(t *testing.T) {
	_, c := connectHistory(t)
	want := []hipchat.RoomMessage{
		{
			ID: "00000001-4d61-4b65-8a72-000000000001", Date: time.Date(2026, 1, 1, 0, 0, 0, 807578000, time.UTC), Type: "message",
			From: hipchat.User{ID: 7, Name: "花子", MentionName: "hanako"}, Message: "見ます", Mentions: []hipchat.User{},
		},
		{
			ID: "00000002-4d61-4b65-8a72-000000000002", Date: time.Date(2026, 1, 1, 1, 0, 0, 807578000, time.UTC),
			Type: "notification", From: hipchat.User{Name: "Mackerel"}, Message: "<b>障害</b>", MessageFormat: hipchat.FormatHTML,
			Color: hipchat.ColorRed, Mentions: []hipchat.User{}, Card: jsontext.Value(`{"id":"1","style":"link","title":"t"}`),
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
		{"only what is set is sent", hipchat.RoomHistoryParams{}, "", 2},
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
			fake, client := connectHistory(t)
			page, err := client.RoomHistory(t.Context(), "1234", c.params)
			if err != nil {
				t.Fatal(err)
			}
			if got := servicetest.Last(t, fake, fake.Requests()).Query; got != c.query {
				t.Errorf("query %s, want %s", got, c.query)
			}
			if len(page.Items) != c.items {
				t.Errorf("%d items, want %d", len(page.Items), c.items)
			}
		})
	}
}

func TestRoomMessages(t *testing.T) {
	fake, client := connect(t)
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var want []string
	for i := range 7 {
		fake.SetClock(func() time.Time { return begin.Add(time.Duration(i) * time.Minute) })
		fake.AddMessage(hipchattest.RoomID, hipchattest.User{ID: 7}, strconv.Itoa(i))
		want = append([]string{strconv.Itoa(i)}, want...)
	}
	yes := true
	p := hipchat.RoomHistoryParams{Date: begin.Add(time.Hour), MaxResults: 3, Reverse: &yes}
	var got []string
	for m, err := range client.RoomMessages(t.Context(), "ops", p) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, m.Message); len(got) == 1 { // what comes now is later than p.Date
			fake.SetClock(func() time.Time { return begin.Add(2 * time.Hour) })
			fake.AddMessage(hipchattest.RoomID, hipchattest.User{ID: 7}, "late")
		}
	}
	if !slices.Equal(got, want) || len(fake.Requests()) != 3 {
		t.Errorf("%q in %d requests, want %q in 3", got, len(fake.Requests()), want)
	}
	if !*p.Reverse {
		t.Error("the caller's parameters were changed")
	}
	errs := 0
	for _, err := range clientOf(t, fake, withToken("unknown")).RoomMessages(t.Context(), "ops", p) {
		errs++
		_ = servicetest.AsError(t, err, mackerel.ErrUnauthorized)
	}
	if errs != 1 {
		t.Errorf("%d errors", errs)
	}
}

func TestLatestHistoryParams(t *testing.T) {
	_, client := connectHistory(t)
	page, err := client.LatestHistory(t.Context(), "ops", hipchat.LatestHistoryParams{
		MaxResults: 5, Timezone: "UTC", NotBefore: "00000002-4d61-4b65-8a72-000000000002",
	})
	if err != nil || len(page.Items) != 1 || page.MaxResults != 5 {
		t.Errorf("%v, %+v", err, page)
	}
}

// TestHistoryBodies reads what servers were seen to send, and what is not a history.
func TestHistoryBodies(t *testing.T) {
	for _, c := range []struct {
		name, body string
		items      int
		kind       error
	}{
		{"an empty room has no messages", `{"items":[],"links":{}}`, 0, nil},
		{
			"members and types may be unknown", `{"items":[{"id":"f","date":"2014-11-23T21:23:49.807578+00:00","type":"shout",
			 "from":{"id":1,"name":"A","mention_name":"a","links":{"self":"x"},"version":"0"},"message":"m","mentions":[{"id":1,"name":"A",
			 "mention_name":"a"}],"file":{"name":"a.png","size":1},"card":"{}","new":1}]}`, 1, nil,
		},
		{"a deleted message has no text", `{"items":[{"id":"f","date":"2014-11-23T21:23:49+00:00","from":null,"type":"message"}]}`, 1, nil},
		{"an answer without items is not a history", `{"links":{"next":"http://stale.test"}}`, 0, mackerel.ErrUnavailable},
		{"a wrong type after good members is not a history", `{"items":[{"id":"stale"}],"links":{"next":"http://stale.test"},"startIndex":"0"}`, 0, mackerel.ErrUnavailable},
		{"null is not a history", `null`, 0, mackerel.ErrUnavailable},
		{"a proxy's page is not a history", `<html>`, 0, mackerel.ErrUnavailable},
		{"half an answer is not a history", `{"items":[{"id":"f"`, 0, mackerel.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake, client := connect(t, once)
			fake.Inject(fakehttp.Fault{Status: 200, Body: c.body})
			page, err := client.RoomHistory(t.Context(), "ops", hipchat.RoomHistoryParams{})
			if c.kind != nil {
				_ = servicetest.AsError(t, err, c.kind)
			} else if err != nil {
				t.Error(err)
			}
			if len(page.Items) != c.items || c.kind == nil && page.Items == nil || page.Links.Next != "" {
				t.Errorf("%+v", page)
			}
		})
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
		{"a string that contains it", mustJSON(t, whole), wholeCard(), false},
		{"no card", ``, nil, false},
		{"null", ` null `, nil, false},
		{"a string that contains null", `"null"`, nil, false},
		{"a string that contains no card", `"card"`, nil, true},
		{"a number", `7`, nil, true},
		{"half a card", `{"id":`, nil, true},
		{"a string and more", `"{}" x`, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := hipchat.RoomMessage{Card: jsontext.Value(c.card)}.DecodeCard()
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
