package hipchattest_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

// fill puts n messages into the first room, one in a minute, from 2026-01-01 00:00 on.
func fill(s *hipchattest.Server, n int) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		s.SetClock(func() time.Time { return begin.Add(time.Duration(i) * time.Minute) })
		s.AddMessage(hipchattest.RoomID, hipchattest.User{ID: 7, Name: "花子", MentionName: "hanako"}, strconv.Itoa(i))
	}
}

type historyPage struct {
	Items []struct {
		Message string `json:"message"`
	} `json:"items"`
	Links map[string]string `json:"links"`
}

func history(t *testing.T, s *hipchattest.Server, query string) (page historyPage) {
	t.Helper()
	a := call(t, s, http.MethodGet, "/v2/room/1234/"+query, "")
	if err := json.Unmarshal([]byte(a.Body), &page); a.Status != 200 || err != nil {
		t.Fatalf("%+v %v", a, err)
	}
	return page
}

func TestAHistoryAsWritten(t *testing.T) {
	s := start(t)
	fill(s, 1)
	call(t, s, http.MethodPost, notify, `{"message":"障害","message_format":"text","color":"red"}`)
	sameJSON(t, call(t, s, http.MethodGet, "/v2/room/1234/history", "").Body, `{"items":[
		{"id":"00000001-4d61-4b65-8a72-000000000001","date":"2026-01-01T00:00:00.000000+00:00","type":"message",
		 "from":{"id":7,"name":"花子","mention_name":"hanako"},"message":"0","mentions":[]},
		{"id":"00000002-4d61-4b65-8a72-000000000002","date":"2026-01-01T00:00:00.000000+00:00","type":"notification",
		 "from":"Mackerel","message":"障害","message_format":"text","color":"red","mentions":[]}],
		"startIndex":0,"maxResults":75,"links":{"self":"http://fake.test/v2/room/1234/history"}}`)
}

func TestHistoryPages(t *testing.T) {
	s := start(t)
	fill(s, 200)
	for _, c := range []struct {
		name, query, first, last string
		n                        int
		next, prev               string
	}{
		{"without a date it is the latest 75", "history", "125", "199", 75, "", ""},
		{"a date has pages", "history?date=2026-01-02T00:00:00Z&max-results=50", "150", "199", 50, "50", ""},
		{"newest first on demand", "history?date=2026-01-02T00:00:00Z&max-results=50&reverse=false", "199", "150", 50, "50", ""},
		{"the second page has two neighbours", "history?date=2026-01-02&max-results=50&start-index=50&auth_token=secret", "100", "149", 50, "100", "0"},
		{"the last page has no next", "history?date=2026-01-02&start-index=150", "0", "49", 50, "", "50"},
		{"beyond the last page there is nothing", "history?date=2026-01-02&start-index=900", "", "", 0, "", "800"},
		{"two dates are a span", "history?date=2026-01-01T00:10:00%2B00:00&end-date=2026-01-01T00:05:00Z", "5", "10", 6, "", ""},
		{"the latest are 75", "history/latest", "125", "199", 75, "", ""},
		{"the latest may be fewer", "history/latest?max-results=3", "197", "199", 3, "", ""},
		{"the latest from a message on", "history/latest?not-before=000000c7-4d61-4b65-8a72-0000000000c7", "198", "199", 2, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := history(t, s, c.query)
			if len(p.Items) != c.n {
				t.Fatalf("%d items, want %d", len(p.Items), c.n)
			}
			if c.n > 0 && (p.Items[0].Message != c.first || p.Items[c.n-1].Message != c.last) {
				t.Errorf("%s to %s, want %s to %s", p.Items[0].Message, p.Items[c.n-1].Message, c.first, c.last)
			}
			for name, start := range map[string]string{"next": c.next, "prev": c.prev} {
				if strings.Contains(p.Links[name], "secret") {
					t.Errorf("the token is in %s", p.Links[name])
				}
				if got := p.Links[name]; (start == "") != (got == "") || start != "" && !strings.HasSuffix(got, "start-index="+start) {
					t.Errorf("%s is %q, want start-index %q", name, got, start)
				}
			}
		})
	}
}

func TestHistoryRefusals(t *testing.T) {
	s := start(t)
	for _, query := range []string{
		"history?date=yesterday", "history?end-date=2026-01-01", "history?max-results=1001", "history?start-index=-1",
		"history?reverse=1", "history?offset=1", "history/latest?start-index=1", "history/latest?not-before=x",
	} {
		if a := call(t, s, http.MethodGet, "/v2/room/1234/"+query, ""); a.Status != 400 {
			t.Errorf("%s: %+v", query, a)
		}
	}
}
