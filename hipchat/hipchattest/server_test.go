package hipchattest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

const notify = "/v2/room/1234/notification"

// newServer has a second room, whose name has to be escaped.
func newServer(t *testing.T) *hipchattest.Server {
	t.Helper()
	s := hipchattest.NewServer()
	t.Cleanup(s.Close)
	s.AddRoom(2, "障害 #1/夜間")
	return s
}

func request(t *testing.T, token, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, fakehttp.MemoryURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func send(t *testing.T, s *hipchattest.Server, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func call(t *testing.T, s *hipchattest.Server, method, path, body string) (int, string) {
	t.Helper()
	resp, answer := send(t, s, request(t, hipchattest.Token, method, path, body))
	return resp.StatusCode, answer
}

// sameJSON compares two texts as JSON.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNotificationIsKeptAsSent(t *testing.T) {
	s := newServer(t)
	s.SetClock(func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC) })
	status, answer := call(t, s, http.MethodPost, notify, `{"message":"<b>hi</b><script>x</script>","message_format":"html",
		"color":"red","notify":true,"from":"agent","attach_to":"b9d2","card":{"id":"1","style":"file","title":"t","new":1}}`)
	if status != http.StatusNoContent || answer != "" {
		t.Fatalf("%d %q, want 204 and nothing", status, answer)
	}
	want := hipchattest.Message{
		ID: "00000001-4d61-4b65-8a72-000000000001", Date: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
		Type: "notification", From: "Mackerel · agent", Text: "<b>hi</b><script>x</script>", Kept: "<b>hi</b>",
		Format: "html", Color: "red", Notify: true, AttachTo: "b9d2",
		Card: json.RawMessage(`{"id":"1","style":"file","title":"t","new":1}`),
	}
	if got := s.Messages(hipchattest.RoomID); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := s.Messages(2); len(got) != 0 {
		t.Errorf("another room has %+v", got)
	}
}

func TestDefaultsOfANotification(t *testing.T) {
	s := newServer(t)
	if status, answer := call(t, s, http.MethodPost, notify, `{"message":"hi","card":null}`); status != http.StatusNoContent {
		t.Fatal(status, answer)
	}
	m := s.Messages(hipchattest.RoomID)[0]
	if m.Format != "html" || m.Color != "yellow" || m.Notify || m.From != "Mackerel" || m.Card != nil || m.Kept != "hi" {
		t.Errorf("%+v", m)
	}
}

func TestRefusals(t *testing.T) {
	long := strings.Repeat("障", 10001)
	for _, c := range []struct {
		name, body string
		want       string // what must be in the message
	}{
		{"a message is required", `{"color":"red"}`, "Required field 'message' is missing"},
		{"an empty message is refused", `{"message":""}`, "Length of value u'' for field 'message' must be greater than or equal to 1"},
		{"a message of 10001 characters is too long", `{"message":"` + long + `"}`, "for field 'message' must be less than or equal to 10000"},
		{"a number is no message", `{"message":1}`, "Value 1 for field 'message' is not of type 'string'"},
		{"null is no message", `{"message":null}`, "Value None for field 'message' is not of type 'string'"},
		{"a Japanese colour is quoted as Python does", `{"message":"x","color":"赤'"}`, `Value u'\u8d64\''`},
		{"orange is no colour", `{"message":"x","color":"orange"}`, "not in the enumeration"},
		{"markdown is no format", `{"message":"x","message_format":"markdown"}`, "not in the enumeration: ['html', 'text']"},
		{"a from of 65 characters is too long", `{"message":"x","from":"` + strings.Repeat("a", 65) + `"}`, "field 'from'"},
		{"an unknown member is refused", `{"message":"x","text":"y"}`, "Additional property 'text'"},
		{"a member in another case is unknown", `{"message":"x","Color":"red"}`, "Additional property 'Color'"},
		{"a member given twice is refused", `{"message":"x","message":"y"}`, "given twice"},
		{"a list is no notification", `["x"]`, "Invalid JSON"},
		{"half a body is none", `{"message":`, "Invalid JSON"},
		{"no body is none", ``, "Invalid JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			status, answer := call(t, s, http.MethodPost, notify, c.body)
			var body struct {
				Error struct {
					Code          int
					Message, Type string
				}
			}
			if err := json.Unmarshal([]byte(answer), &body); err != nil {
				t.Fatalf("%v in %s", err, answer)
			}
			if status != 400 || body.Error.Code != 400 || body.Error.Type != "Bad Request" || !strings.Contains(body.Error.Message, c.want) {
				t.Errorf("%d %.300s", status, answer)
			}
			if len(s.Messages(hipchattest.RoomID)) != 0 {
				t.Error("it was kept all the same")
			}
		})
	}
}

func TestUnknownMembersCanBeIgnored(t *testing.T) {
	s := newServer(t)
	s.IgnoreUnknown(true)
	if status, answer := call(t, s, http.MethodPost, notify, `{"message":"x","token":"y"}`); status != http.StatusNoContent {
		t.Error(status, answer)
	}
	if status, _ := call(t, s, http.MethodPost, notify, `{"token":"y"}`); status != http.StatusBadRequest {
		t.Errorf("without a message: %d", status)
	}
}

// TestCapturedAnswers has the answers that real servers were seen to give.
func TestCapturedAnswers(t *testing.T) {
	s := newServer(t)
	s.SetToken("room-token", hipchattest.Access{Scopes: []string{hipchattest.ScopeSendNotification}, Room: hipchattest.RoomID})
	noType := request(t, hipchattest.Token, http.MethodPost, notify, `{"message":"x"}`)
	noType.Header.Del("Content-Type")
	for _, c := range []struct {
		name    string
		request *http.Request
		status  int
		body    string
	}{
		{
			"a token of version 1", request(t, "v1-token", http.MethodPost, notify, `{"message":"x"}`), 401,
			`{"error":{"code":401,"message":"Invalid OAuth session","type":"Unauthorized"}}`,
		},
		{
			"a room's token that reads", request(t, "room-token", http.MethodGet, "/v2/room/1234/history", ""), 403,
			`{"error":{"code":403,"message":"This action requires one of the following scopes: [u'view_messages']","type":"Forbidden"}}`,
		},
		{
			"no Content-Type", noType, 400,
			`{"error":{"message":"Invalid content type: None","code":400,"type":"Bad Request"}}`,
		},
		{
			"a boolean as a string", request(t, hipchattest.Token, http.MethodPost, notify, `{"message":"x","notify":"true"}`), 400,
			`{"error":{"code":400,"expected_type":"boolean","field":"notify","message":"Value u'true' for field 'notify' is not of type 'boolean'","type":"Bad Request","validation":"type","value":"true"}}`,
		},
		{
			"a colour in upper case", request(t, hipchattest.Token, http.MethodPost, notify, `{"message":"x","color":"Red"}`), 400,
			`{"error":{"code":400,"field":"color","message":"Value u'Red' for field 'color' is not in the enumeration: ['yellow', 'green', 'red', 'purple', 'gray', 'random']","options":["yellow","green","red","purple","gray","random"],"type":"Bad Request","validation":"enum","value":"Red"}}`,
		},
		{
			"an unescaped number sign", request(t, hipchattest.Token, http.MethodPost, "/v2/room/#ops/notification", `{"message":"x"}`), 405,
			`{"error":{"code":405,"message":"Method not allowed","type":"Method Not Allowed"}}`,
		},
		{
			"a room that is not there", request(t, hipchattest.Token, http.MethodPost, "/v2/room/dev/notification", `{"message":"x"}`), 404,
			`{"error":{"code":404,"message":"Room dev not found","type":"Not Found"}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := send(t, s, c.request)
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			sameJSON(t, body, c.body)
		})
	}
}

func TestBadCards(t *testing.T) {
	for _, c := range []struct{ name, card string }{
		{"without an id", `{"style":"file","title":"t"}`},
		{"with a number as id", `{"id":1,"style":"file","title":"t"}`},
		{"with an empty id", `{"id":"","style":"file","title":"t"}`},
		{"without a title", `{"id":"1","style":"file"}`},
		{"with a title that is too long", `{"id":"1","style":"file","title":"` + strings.Repeat("障", 501) + `"}`},
		{"of no style", `{"id":"1","style":"card","title":"t"}`},
		{"of format html", `{"id":"1","style":"application","title":"t","format":"html"}`},
		{"with a description without format", `{"id":"1","style":"file","title":"t","description":{"value":"x"}}`},
		{"with a description that is too long", `{"id":"1","style":"file","title":"t","description":{"format":"text","value":"` + strings.Repeat("x", 1001) + `"}}`},
		{"with an unknown member in the thumbnail", `{"id":"1","style":"file","title":"t","thumbnail":{"url":"x","alt":"y"}}`},
		{"with a width that is a string", `{"id":"1","style":"file","title":"t","thumbnail":{"url":"x","width":"1"}}`},
		{"with an activity without html", `{"id":"1","style":"file","title":"t","activity":{}}`},
		{"with a label that is too long", `{"id":"1","style":"file","title":"t","attributes":[{"label":"` + strings.Repeat("x", 51) + `","value":{}}]}`},
		{"with an unknown lozenge", `{"id":"1","style":"file","title":"t","attributes":[{"label":"x","value":{"style":"lozenge-red"}}]}`},
		{"that is a string", `"card"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := call(t, newServer(t), http.MethodPost, notify, `{"message":"x","card":`+c.card+`}`)
			if status != 400 || !strings.Contains(answer, `"description":"Value {value!r} is not of type {expected_type!r}"`) ||
				strings.Contains(answer, `"message":`) || len(answer) < 1500 {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
}

func TestWholeCard(t *testing.T) {
	status, answer := call(t, newServer(t), http.MethodPost, notify, `{"message":"x","card":{"id":"1","style":"application",
		"title":"t","format":"medium","url":"u","description":{"value":"d","format":"html"},"icon":{"url":"i","url@2x":"j"},
		"thumbnail":{"url":"x","url@2x":"y","width":1,"height":2},"activity":{"html":"<b>a</b>","icon":"i"},
		"attributes":[{"label":"l","value":{"label":"v","url":"u","style":"lozenge","icon":"i"}}]}}`)
	if status != http.StatusNoContent {
		t.Errorf("%d %s", status, answer)
	}
}

func TestTokens(t *testing.T) {
	s := newServer(t)
	s.SetToken("reader", hipchattest.Access{Scopes: []string{hipchattest.ScopeViewMessages}})
	s.SetToken("room-2", hipchattest.Access{Label: "two", Scopes: []string{hipchattest.ScopeSendNotification}, Room: 2})
	s.SetToken("gone", hipchattest.Access{Scopes: []string{hipchattest.ScopeSendNotification}})
	s.SetToken("gone", hipchattest.Access{})
	for _, c := range []struct {
		name, token, path string
		status            int
	}{
		{"a token without the scope may not send", "reader", notify, 403},
		{"a room's token may not send elsewhere", "room-2", notify, 403},
		{"a room's token may send to its room", "room-2", "/v2/room/2/notification", 204},
		{"a revoked token is unknown", "gone", notify, 401},
		{"no token is unknown", "", notify, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			if resp, body := send(t, s, request(t, c.token, http.MethodPost, c.path, `{"message":"x"}`)); resp.StatusCode != c.status {
				t.Errorf("%d %s, want %d", resp.StatusCode, body, c.status)
			}
		})
	}
	t.Run("a token in the query will do", func(t *testing.T) {
		r := request(t, "", http.MethodPost, notify+"?auth_token="+hipchattest.Token, `{"message":"x"}`)
		r.Header.Del("Authorization")
		if resp, body := send(t, s, r); resp.StatusCode != http.StatusNoContent {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	})
	if got := s.Messages(2)[0].From; got != "two" {
		t.Errorf("the sender is %q, want the token's label", got)
	}
}

func TestAuthTest(t *testing.T) {
	s := newServer(t)
	status, answer := call(t, s, http.MethodPost, notify+"?auth_test=true", `{"message":"x"}`)
	if status != http.StatusAccepted || len(s.Messages(hipchattest.RoomID)) != 0 {
		t.Errorf("%d, %d messages", status, len(s.Messages(hipchattest.RoomID)))
	}
	sameJSON(t, answer, `{"success":{"code":202,"message":"This auth_token has access to use this method.","type":"Accepted"}}`)
	resp, _ := send(t, s, request(t, "wrong", http.MethodPost, notify+"?auth_test=true", `{}`))
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d", resp.StatusCode)
	}
}

func TestRoomsByIDAndName(t *testing.T) {
	s := newServer(t)
	s.AddRoom(3, "1234")
	for path, room := range map[string]int64{
		"/v2/room/1234/notification": hipchattest.RoomID,
		"/v2/room/ops/notification":  hipchattest.RoomID,
		"/v2/room/2/notification":    2,
		"/v2/room/%E9%9A%9C%E5%AE%B3%20%231%2F%E5%A4%9C%E9%96%93/notification": 2,
	} {
		before := len(s.Messages(room))
		if status, answer := call(t, s, http.MethodPost, path, `{"message":"x"}`); status != 204 || len(s.Messages(room)) != before+1 {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	if s.Messages(9) != nil {
		t.Error("there is no room 9")
	}
}

func TestWrongPaths(t *testing.T) {
	s := newServer(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/v1/rooms/message", 404},
		{http.MethodGet, "/v2/room/1234/member", 404},
		{http.MethodGet, "/v2/room/1234/topic", 405},
		{http.MethodPost, "/v2/room", 405},
		{http.MethodGet, "/v2/room/", 405},
		{http.MethodPost, "/v2/user//message", 405},
		{http.MethodGet, "/v2/oauth/token/", 405},
		{http.MethodGet, "/v3/room", 404},
		{http.MethodGet, "/v2/room?rooms=1", 400},
		{http.MethodGet, notify, 405},
		{http.MethodPost, "/v2/room/1234/history", 405},
		{http.MethodPost, "/v2/room//notification", 405},
		{http.MethodPost, notify + "?room=1", 400},
	} {
		if status, answer := call(t, s, c.method, c.path, `{"message":"x"}`); status != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, status, answer, c.status)
		}
	}
}

func TestFloodControlIsPerRoom(t *testing.T) {
	s := newServer(t)
	start := time.Unix(1_800_000_000, 5e8)
	s.SetClock(func() time.Time { return start })
	for i := range 30 {
		resp, body := send(t, s, request(t, hipchattest.Token, http.MethodPost, notify, `{"message":"x"}`))
		if resp.StatusCode != http.StatusNoContent {
			t.Fatalf("message %d: %d %s", i, resp.StatusCode, body)
		}
		if got, want := resp.Header.Get("X-FloodControl-Remaining"), strconv.Itoa(29-i); got != want {
			t.Fatalf("message %d leaves %s, want %s", i, got, want)
		}
	}
	resp, body := send(t, s, request(t, hipchattest.Token, http.MethodPost, notify, `{"message":"x"}`))
	if resp.StatusCode != http.StatusTooManyRequests || len(s.Messages(hipchattest.RoomID)) != 30 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	for name, want := range map[string]string{
		"X-FloodControl-Limit": "30", "X-FloodControl-Remaining": "0", "X-FloodControl-Reset": "1800000060",
		"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "469", "X-RateLimit-Reset": "1800000300",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if status, answer := call(t, s, http.MethodPost, "/v2/room/2/notification", `{"message":"x"}`); status != 204 {
		t.Errorf("another room: %d %s", status, answer)
	}
	s.Advance(time.Minute)
	if status, answer := call(t, s, http.MethodPost, notify, `{"message":"x"}`); status != 204 {
		t.Errorf("a minute later: %d %s", status, answer)
	}
}

func TestCallsArePerToken(t *testing.T) {
	s := newServer(t)
	s.SetToken("few", hipchattest.Access{Scopes: []string{hipchattest.ScopeViewMessages}, Calls: 2})
	s.SetClock(func() time.Time { return time.Unix(1_800_000_000, 0) })
	var last *http.Response
	for range 3 {
		last, _ = send(t, s, request(t, "few", http.MethodGet, "/v2/room/1234/history", ""))
	}
	if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("X-RateLimit-Limit") != "2" || last.Header.Get("X-FloodControl-Limit") != "" {
		t.Errorf("%d %v", last.StatusCode, last.Header)
	}
	if status, _ := call(t, s, http.MethodGet, "/v2/room/1234/history", ""); status != 200 {
		t.Errorf("another token: %d", status)
	}
	s.Advance(5 * time.Minute)
	if last, _ = send(t, s, request(t, "few", http.MethodGet, "/v2/room/1234/history", "")); last.StatusCode != http.StatusOK {
		t.Errorf("five minutes later: %d", last.StatusCode)
	}
}

// fill puts n messages into the first room, one in a minute, from 2026-01-01 00:00 on.
func fill(s *hipchattest.Server, n int) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		s.SetClock(func() time.Time { return start.Add(time.Duration(i) * time.Minute) })
		s.AddMessage(hipchattest.RoomID, hipchattest.User{ID: 7, Name: "花子", MentionName: "hanako"}, strconv.Itoa(i))
	}
}

type historyPage struct {
	Items []struct {
		ID, Date, Type, Message string
		From                    json.RawMessage
	}
	StartIndex, MaxResults int
	Links                  map[string]string
}

func history(t *testing.T, s *hipchattest.Server, query string) (page historyPage) {
	t.Helper()
	status, answer := call(t, s, http.MethodGet, "/v2/room/1234/"+query, "")
	if err := json.Unmarshal([]byte(answer), &page); status != 200 || err != nil {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	return page
}

func TestHistoryAsWritten(t *testing.T) {
	s := newServer(t)
	fill(s, 1)
	if status, _ := call(t, s, http.MethodPost, notify, `{"message":"障害","message_format":"text","color":"red"}`); status != 204 {
		t.Fatal(status)
	}
	_, answer := call(t, s, http.MethodGet, "/v2/room/1234/history", "")
	sameJSON(t, answer, `{"items":[
		{"id":"00000001-4d61-4b65-8a72-000000000001","date":"2026-01-01T00:00:00.000000+00:00","type":"message",
		 "from":{"id":7,"name":"花子","mention_name":"hanako"},"message":"0","mentions":[]},
		{"id":"00000002-4d61-4b65-8a72-000000000002","date":"2026-01-01T00:00:00.000000+00:00","type":"notification",
		 "from":"Mackerel","message":"障害","message_format":"text","color":"red","mentions":[]}],
		"startIndex":0,"maxResults":75,"links":{"self":"http://fake.test/v2/room/1234/history"}}`)
}

func TestHistoryPages(t *testing.T) {
	s := newServer(t)
	fill(s, 200)
	for _, c := range []struct {
		name, query, first, last string
		n                        int
		next, prev               string
	}{
		{"without a date it is the latest 75", "history", "125", "199", 75, "", ""},
		{"a date has pages", "history?date=2026-01-02T00:00:00Z&max-results=50", "150", "199", 50, "50", ""},
		{"newest first on demand", "history?date=2026-01-02T00:00:00Z&max-results=50&reverse=false", "199", "150", 50, "50", ""},
		{"the second page has two neighbours", "history?date=2026-01-02&max-results=50&start-index=50", "100", "149", 50, "100", "0"},
		{"the last page has no next", "history?date=2026-01-02&start-index=150", "0", "49", 50, "", "50"},
		{"beyond the last page is nothing", "history?date=2026-01-02&start-index=900", "", "", 0, "", "800"},
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
				if got := p.Links[name]; (start == "") != (got == "") || start != "" && !strings.HasSuffix(got, "start-index="+start) {
					t.Errorf("%s is %q, want start-index %q", name, got, start)
				}
			}
		})
	}
}

func TestHistoryRefusals(t *testing.T) {
	s := newServer(t)
	for _, query := range []string{
		"history?date=yesterday", "history?end-date=2026-01-01", "history?max-results=1001", "history?start-index=-1",
		"history?reverse=1", "history?timezone=Mars", "history?offset=1", "history/latest?start-index=1", "history/latest?not-before=x",
	} {
		if status, answer := call(t, s, http.MethodGet, "/v2/room/1234/"+query, ""); status != 400 {
			t.Errorf("%s: %d %s", query, status, answer)
		}
	}
}

func TestLinksHaveNoToken(t *testing.T) {
	s := newServer(t)
	fill(s, 3)
	p := history(t, s, "history?date=2026-01-02&max-results=1&start-index=1&auth_token=secret-token")
	for name, link := range p.Links {
		if strings.Contains(link, "secret-token") {
			t.Errorf("%s is %s", name, link)
		}
	}
	if len(p.Links) != 3 {
		t.Errorf("%v", p.Links)
	}
}

func TestFaultsAndConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hipchattest.NewServer()
		defer s.Close()
		s.Inject(fakehttp.Fault{Status: 503, Path: "/v2/room/*/notification"})
		if status, _ := call(t, s, http.MethodPost, notify, `{"message":"x"}`); status != 503 {
			t.Errorf("status %d, want the fault's", status)
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if status, answer := call(t, s, http.MethodPost, notify, `{"message":"x"}`); status != 204 {
					t.Error(status, answer)
				}
				s.Messages(hipchattest.RoomID)
			})
		}
		wg.Wait()
		if n := len(s.Messages(hipchattest.RoomID)); n != 20 {
			t.Errorf("%d messages, want 20", n)
		}
	})
}
