package hipchattest_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

const notify = "/v2/room/1234/notification"

// start returns a strict fake with a second room, whose name has to be escaped.
func start(t *testing.T) *hipchattest.Server {
	t.Helper()
	s := servicetest.Start(t, hipchattest.New())
	s.Strict(true)
	s.AddRoom(2, "障害 #1/夜間")
	return s
}

// call makes a call with the first token, unless another header is given.
func call(t *testing.T, s *hipchattest.Server, method, path, body string, header ...string) servicetest.Answered {
	t.Helper()
	header = append([]string{"Authorization", "Bearer " + hipchattest.Token, "Content-Type", "application/json"}, header...)
	return servicetest.Call(t, s.Client(), method, fakehttp.MemoryURL+path, body, header...)
}

// as returns the header of another token.
func as(token string) []string { return []string{"Authorization", "Bearer " + token} }

// sameJSON compares two texts as JSON.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	g, w := jsontext.Value(got), jsontext.Value(want)
	if g.Canonicalize() != nil || w.Canonicalize() != nil || string(g) != string(w) {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

func TestANotificationIsKeptAsSent(t *testing.T) {
	s := start(t)
	s.SetClock(func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC) })
	a := call(t, s, http.MethodPost, notify, `{"message":"<b>hi</b><script>x</script>","message_format":"html",
		"color":"red","notify":true,"from":"agent","attach_to":"b9d2","card":{"id":"1","style":"file","title":"t"}}`)
	if a.Status != http.StatusNoContent || a.Body != "" || s.Accepted() != 1 {
		t.Fatalf("%+v, want 204 and nothing", a)
	}
	want := hipchattest.Message{
		ID: "00000001-4d61-4b65-8a72-000000000001", Date: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
		Type: "notification", From: "Mackerel · agent", Text: "<b>hi</b><script>x</script>",
		Format: "html", Color: "red", Notify: true, AttachTo: "b9d2",
		Card: jsontext.Value(`{"id":"1","style":"file","title":"t"}`),
	}
	if got := s.Messages(hipchattest.RoomID); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := s.Messages(2); len(got) != 0 {
		t.Errorf("another room has %+v", got)
	}
}

func TestDefaultsOfANotification(t *testing.T) {
	s := start(t)
	call(t, s, http.MethodPost, notify, `{"message":"hi","card":null}`)
	m := servicetest.Last(t, s, s.Messages(hipchattest.RoomID))
	if m.Format != "html" || m.Color != "yellow" || m.Notify || m.From != "Mackerel" || m.Card != nil {
		t.Errorf("%+v", m)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       string // in the problem
	}{
		{"a message is required", `{"color":"red"}`, "Required field 'message' is missing"},
		{"an empty message is refused", `{"message":""}`, "Length of value u'' for field 'message' must be greater than or equal to 1"},
		{"a message of 10001 characters is too long", `{"message":"` + strings.Repeat("障", 10001) + `"}`, "for field 'message' must be less than or equal to 10000"},
		{"a number is not a message", `{"message":1}`, "Value 1 for field 'message' is not of type 'string'"},
		{"a list is not a message", `{"message":["x"]}`, "Value ... for field 'message' is not of type 'string'"},
		{"null is not a message", `{"message":null}`, "Required field 'message' is missing"},
		{"a Japanese colour is quoted as Python does", `{"message":"x","color":"赤'"}`, `Value u'\u8d64\''`},
		{"orange is not a colour", `{"message":"x","color":"orange"}`, "not in the enumeration"},
		{"an empty colour is not a colour", `{"message":"x","color":""}`, "not in the enumeration"},
		{"markdown is not a format", `{"message":"x","message_format":"markdown"}`, "not in the enumeration: ['html', 'text']"},
		{"a from of 65 characters is too long", `{"message":"x","from":"` + strings.Repeat("a", 65) + `"}`, "field 'from' must be less than or equal to 64"},
		{"an attach_to of 37 characters is too long", `{"message":"x","attach_to":"` + strings.Repeat("a", 37) + `"}`, "field 'attach_to' must be less"},
		{"an unknown member is refused", `{"message":"x","text":"y"}`, "Additional property 'text'"},
		{"a member in another case is unknown", `{"message":"x","Color":"red"}`, "Additional property 'Color'"},
		{"a member given twice is refused", `{"message":"x","message":"y"}`, "given twice"},
		{"a list is not a notification", `["x"]`, "Invalid JSON"},
		{"half a body is not JSON", `{"message":`, "Invalid JSON"},
		{"no body is not JSON", ``, "Invalid JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t)
			a := call(t, s, http.MethodPost, notify, c.body)
			if p := s.Problems(); a.Status != 400 || len(p) != 1 || !strings.Contains(p[0], c.want) {
				t.Errorf("%.300s for %q", a.Body, p)
			}
			if len(s.Messages(hipchattest.RoomID)) != 0 || s.Accepted() != 0 {
				t.Error("it was kept all the same")
			}
		})
	}
}

func TestUnknownMembersAndParametersAreIgnoredUnlessTheFakeIsStrict(t *testing.T) {
	s := start(t)
	s.Strict(false)
	if a := call(t, s, http.MethodPost, notify+"?format=json", `{"message":"x","token":"y","card":{"id":"1","style":"file","title":"t","new":1}}`); a.Status != http.StatusNoContent {
		t.Errorf("%+v", a)
	}
	if a := call(t, s, http.MethodPost, notify, `{"token":"y"}`); a.Status != http.StatusBadRequest {
		t.Errorf("without a message: %+v", a)
	}
}

// TestAnswersOnRecord has the answers that real servers were seen to give.
func TestAnswersOnRecord(t *testing.T) {
	s := start(t)
	s.AddToken("room-token", hipchattest.Access{Scopes: []string{"send_notification"}, Room: hipchattest.RoomID})
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		want                     string
	}{
		{
			"a token of version 1", http.MethodPost, notify, `{"message":"x"}`, as("v1-token"), 401,
			`{"error":{"code":401,"message":"Invalid OAuth session","type":"Unauthorized"}}`,
		},
		{
			"a room's token that reads", http.MethodGet, "/v2/room/1234/history", "", as("room-token"), 403,
			`{"error":{"code":403,"message":"This action requires one of the following scopes: [u'view_messages']","type":"Forbidden"}}`,
		},
		{
			"no Content-Type", http.MethodPost, notify, `{"message":"x"}`, []string{"Content-Type", ""}, 400,
			`{"error":{"message":"Invalid content type: None","code":400,"type":"Bad Request"}}`,
		},
		{
			"a boolean as a string", http.MethodPost, notify, `{"message":"x","notify":"true"}`, nil, 400,
			`{"error":{"code":400,"expected_type":"boolean","field":"notify","message":"Value u'true' for field 'notify' is not of type 'boolean'","type":"Bad Request","validation":"type","value":"true"}}`,
		},
		{
			"a colour in upper case", http.MethodPost, notify, `{"message":"x","color":"Red"}`, nil, 400,
			`{"error":{"code":400,"field":"color","message":"Value u'Red' for field 'color' is not in the enumeration: ['yellow', 'green', 'red', 'purple', 'gray', 'random']","options":["yellow","green","red","purple","gray","random"],"type":"Bad Request","validation":"enum","value":"Red"}}`,
		},
		{
			"an unescaped number sign", http.MethodPost, "/v2/room/#ops/notification", `{"message":"x"}`, nil, 405,
			`{"error":{"code":405,"message":"Method not allowed","type":"Method Not Allowed"}}`,
		},
		{
			"an unknown room", http.MethodPost, "/v2/room/dev/notification", `{"message":"x"}`, nil, 404,
			`{"error":{"code":404,"message":"Room dev not found","type":"Not Found"}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := call(t, s, c.method, c.path, c.body, c.header...)
			if a.Status != c.status {
				t.Errorf("status %d, want %d", a.Status, c.status)
			}
			sameJSON(t, a.Body, c.want)
		})
	}
}

func TestBadCards(t *testing.T) {
	for _, c := range []struct{ name, card, problem string }{
		{"without an id", `{"style":"file","title":"t"}`, "'card.id' is missing"},
		{"with a number as id", `{"id":1,"style":"file","title":"t"}`, "Value 1 for field 'card.id' is not of type 'string'"},
		{"with an empty id", `{"id":"","style":"file","title":"t"}`, "field 'card.id' must be greater"},
		{"without a style", `{"id":"1","title":"t"}`, "'card.style' is missing"},
		{"without a title", `{"id":"1","style":"file"}`, "'card.title' is missing"},
		{"with a title that is too long", `{"id":"1","style":"file","title":"` + strings.Repeat("障", 501) + `"}`, "field 'card.title' must be less than or equal to 500"},
		{"of no style", `{"id":"1","style":"card","title":"t"}`, "field 'card.style' is not in the enumeration"},
		{"of format html", `{"id":"1","style":"application","title":"t","format":"html"}`, "field 'card.format' is not in the enumeration"},
		{"with a description without format", `{"id":"1","style":"file","title":"t","description":{"value":"x"}}`, "'card.description.format' is missing"},
		{"with a description that is too long", `{"id":"1","style":"file","title":"t","description":{"format":"text","value":"` + strings.Repeat("x", 1001) + `"}}`, "must be less than or equal to 1000"},
		{"with a description that is a number", `{"id":"1","style":"file","title":"t","description":1}`, "'card.description' is not of type 'object'"},
		{"with an icon without an address", `{"id":"1","style":"file","title":"t","icon":{"url@2x":"x"}}`, "'card.icon.url' is missing"},
		{"with an unknown member in the thumbnail", `{"id":"1","style":"file","title":"t","thumbnail":{"url":"x","alt":"y"}}`, "'card.thumbnail.alt' is not allowed"},
		{"with a long address in the thumbnail", `{"id":"1","style":"file","title":"t","thumbnail":{"url":"` + strings.Repeat("x", 251) + `"}}`, "must be less than or equal to 250"},
		{"with a width that is no integer", `{"id":"1","style":"file","title":"t","thumbnail":{"url":"x","width":1.5}}`, "'card.thumbnail.width' is not of type 'integer'"},
		{"with a null for an attribute", `{"id":"1","style":"file","title":"t","attributes":[null]}`, "'card.attributes[0]' is missing"},
		{"with a width that is a string", `{"id":"1","style":"file","title":"t","thumbnail":{"url":"x","width":"1"}}`, "'card.thumbnail.width' is not of type 'integer'"},
		{"with an activity without html", `{"id":"1","style":"file","title":"t","activity":{}}`, "'card.activity.html' is missing"},
		{"with a label that is too long", `{"id":"1","style":"file","title":"t","attributes":[{"label":"` + strings.Repeat("x", 51) + `","value":{}}]}`, "must be less than or equal to 50"},
		{"with an attribute without a value", `{"id":"1","style":"file","title":"t","attributes":[{"label":"x"}]}`, "'card.attributes[0].value' is missing"},
		{"with an unknown lozenge", `{"id":"1","style":"file","title":"t","attributes":[{"label":"x","value":{"style":"lozenge-red"}}]}`, "value.style' is not in the enumeration"},
		{"that is a string", `"card"`, "'card' is not of type 'object'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t)
			a := call(t, s, http.MethodPost, notify, `{"message":"x","card":`+c.card+`}`)
			if a.Status != 400 || !strings.Contains(a.Body, `"description":"Value {value!r} is not of type {expected_type!r}"`) ||
				strings.Contains(a.Body, `"message":`) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if p := s.Problems(); len(p) != 1 || !strings.Contains(p[0], c.problem) {
				t.Errorf("%q, want %q", p, c.problem)
			}
		})
	}
}

func TestAWholeCard(t *testing.T) {
	a := call(t, start(t), http.MethodPost, notify, `{"message":"x","card":{"id":"1","style":"application",
		"title":"t","format":"medium","url":"u","description":{"value":"d","format":"html"},"icon":{"url":"i","url@2x":"j"},
		"thumbnail":{"url":"x","url@2x":"y","width":1,"height":2},"activity":{"html":"<b>a</b>","icon":"i"},
		"attributes":[{"label":"l","value":{"label":"v","url":"u","style":"lozenge","icon":"i"}}]}}`)
	if a.Status != http.StatusNoContent {
		t.Errorf("%+v", a)
	}
}

func TestTokens(t *testing.T) {
	s := start(t)
	s.AddToken("reader", hipchattest.Access{Scopes: []string{"view_messages"}})
	s.AddToken("room-2", hipchattest.Access{Label: "two", Scopes: []string{"send_notification"}, Room: 2})
	s.AddToken("gone", hipchattest.Access{Scopes: []string{"send_notification"}})
	s.RevokeToken("gone")
	for _, c := range []struct {
		name, path string
		header     []string
		status     int
	}{
		{"a token without the scope may not send", notify, as("reader"), 403},
		{"a room's token may not send to another room", notify, as("room-2"), 403},
		{"a room's token may send to its room", "/v2/room/2/notification", as("room-2"), 204},
		{"a revoked token is unknown", notify, as("gone"), 401},
		{"an empty token is unknown", notify, as(""), 401},
		{"a token in the query is enough", notify + "?auth_token=" + hipchattest.Token, []string{"Authorization", ""}, 204},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := call(t, s, http.MethodPost, c.path, `{"message":"x"}`, c.header...); a.Status != c.status {
				t.Errorf("%+v, want %d", a, c.status)
			}
		})
	}
	if got := s.Messages(2)[0].From; got != "two" {
		t.Errorf("the sender is %q, want the token's label", got)
	}
}

func TestRoomsByIDAndName(t *testing.T) {
	s := start(t)
	s.AddRoom(3, "1234")
	for _, room := range []string{"1234", "ops", "2", "%E9%9A%9C%E5%AE%B3%20%231%2F%E5%A4%9C%E9%96%93"} {
		call(t, s, http.MethodPost, "/v2/room/"+room+"/notification", `{"message":"x"}`)
	}
	if first, second, none := s.Messages(hipchattest.RoomID), s.Messages(2), s.Messages(9); len(first) != 2 || len(second) != 2 || none != nil {
		t.Errorf("%+v, %+v, %+v", first, second, none)
	}
}

func TestWrongPaths(t *testing.T) {
	s := start(t)
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
		if a := call(t, s, c.method, c.path, `{"message":"x"}`); a.Status != c.status {
			t.Errorf("%s %s: %+v, want %d", c.method, c.path, a, c.status)
		}
	}
}

func TestDocumentedLimits(t *testing.T) {
	s := start(t)
	s.AddUser(hipchattest.User{ID: hipchattest.RoomID, Name: "a person with a room's id"})
	s.SetClock(func() time.Time { return time.Unix(1_800_000_000, 5e8) })
	send := func(path string) servicetest.Answered { return call(t, s, http.MethodPost, path, `{"message":"x"}`) }
	a := send(notify)
	if a.Header.Get("X-Floodcontrol-Limit")+a.Header.Get("X-Ratelimit-Limit") != "" {
		t.Errorf("there is a limit without being told to: %+v", a)
	}
	s.Documented()
	for range 30 {
		a = send(notify)
	}
	if a.Status != http.StatusNoContent {
		t.Errorf("%+v", a)
	}
	a = send(notify)
	if a.Status != http.StatusTooManyRequests || len(s.Messages(hipchattest.RoomID)) != 31 {
		t.Errorf("%+v", a)
	}
	for name, want := range map[string]string{ // the time is in whole seconds, rounded up
		"X-FloodControl-Limit": "30", "X-FloodControl-Remaining": "0", "X-FloodControl-Reset": "1800000061",
		"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": "469", "X-RateLimit-Reset": "1800000301",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, path := range []string{"/v2/room/2/notification", "/v2/user/1234/message"} {
		if a := send(path); a.Status != http.StatusNoContent {
			t.Errorf("%s has a limit of its own: %+v", path, a)
		}
	}
	s.Advance(time.Minute)
	if a := send(notify); a.Status != http.StatusNoContent {
		t.Errorf("a minute later: %+v", a)
	}
}

func TestCallsAreLimitedForEachToken(t *testing.T) {
	s := start(t)
	s.AddToken("few", hipchattest.Access{Scopes: []string{"view_messages"}})
	s.SetLimit("calls", 1, 5*time.Minute)
	for _, c := range []struct {
		token  string
		status int
	}{{"few", 200}, {"few", 429}, {hipchattest.Token, 200}} {
		if a := call(t, s, http.MethodGet, "/v2/room/1234/history", "", as(c.token)...); a.Status != c.status {
			t.Errorf("%s: %+v", c.token, a)
		}
	}
}
