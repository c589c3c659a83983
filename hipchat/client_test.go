package hipchat_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

func TestNewClientReportsAllProblems(t *testing.T) {
	_, err := hipchat.NewClient(hipchat.ClientConfig{Token: mackerel.NewSecret("two words"), Call: mackerel.CallOptions{MaxAttempts: -1}})
	e := asError(t, err, mackerel.ErrConfig)
	wantContains(t, e.Message, "Token: ", "BaseURL: required", "MaxAttempts: ")
	wantMissing(t, err.Error(), "two words")
	if e.Attempts != 0 || e.Provider != "hipchat" {
		t.Errorf("%+v", e)
	}
}

func TestBaseURLWithAndWithoutTheVersion(t *testing.T) {
	for base, want := range map[string]string{
		"http://fake.test":             "/v2/room/ops/notification",
		"http://fake.test/":            "/v2/room/ops/notification",
		"http://fake.test/v2":          "/v2/room/ops/notification",
		"http://fake.test/v2/":         "/v2/room/ops/notification",
		"https://fake.test/chat":       "/chat/v2/room/ops/notification",
		"https://fake.test/chat/v2/":   "/chat/v2/room/ops/notification",
		"https://fake.test/ch%20at/v2": "/ch%20at/v2/room/ops/notification",
	} {
		s := newServer(t)
		c, err := hipchat.NewClient(hipchat.ClientConfig{
			Token: mackerel.NewSecret(hipchattest.Token), BaseURL: base, Call: mackerel.CallOptions{Client: s.Client()},
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"}) // only the path matters
		if got := s.Requests()[0].Path; got != want {
			t.Errorf("%s leads to %s, want %s", base, got, want)
		}
	}
}

func TestRoomsAreOnePathElement(t *testing.T) {
	for name, path := range map[string]string{
		"ops":          "ops",
		"1234":         "1234",
		"#ops":         "%23ops",
		"A/B":          "A%2FB",
		"a b, c":       "a%20b%2C%20c",
		"夜間":           "%E5%A4%9C%E9%96%93",
		"50%?x=1":      "50%25%3Fx=1",
		"../../../etc": "..%2F..%2F..%2Fetc",
	} {
		s := newServer(t)
		s.AddRoom(7, name)
		if err := newClient(t, s, hipchattest.Token).SendRoomNotification(t.Context(), name, hipchat.Notification{Message: "x"}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if got := s.Requests()[0].Path; got != "/v2/room/"+path+"/notification" {
			t.Errorf("%q: %s", name, got)
		}
	}
}

func TestRoomsThatCannotBeAddressed(t *testing.T) {
	for _, name := range []string{"", ".", ".."} {
		s := newServer(t)
		c := newClient(t, s, hipchattest.Token)
		wantKind(t, c.SendRoomNotification(t.Context(), name, hipchat.Notification{Message: "x"}), mackerel.ErrInvalid)
		wantKind(t, c.TestAuth(t.Context(), name), mackerel.ErrInvalid)
		_, err := c.RoomHistory(t.Context(), name, hipchat.RoomHistoryParams{})
		wantKind(t, err, mackerel.ErrInvalid)
		if len(s.Requests()) != 0 {
			t.Errorf("%q was asked for", name)
		}
	}
}

func TestTheTokenIsInTheHeaderOnly(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s, hipchattest.Token)
	if err := c.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := c.TestAuth(t.Context(), "ops"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RoomHistory(t.Context(), "ops", hipchat.RoomHistoryParams{}); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Requests() {
		if r.Header.Get("Authorization") != "Bearer "+hipchattest.Token || strings.Contains(r.Query+r.Path, hipchattest.Token) {
			t.Errorf("%s?%s %v", r.Path, r.Query, r.Header)
		}
	}
}

func TestNothingPrintsTheToken(t *testing.T) {
	s := newServer(t)
	const secret = "secret-token-0123456789"
	c := newClient(t, s, secret)
	s.Inject(
		fakehttp.Fault{Status: 401, Body: `{"error":{"message":"no session for ` + secret + `","code":401}}`},
		fakehttp.Fault{Status: 307, Header: http.Header{"Location": {"http://elsewhere.test/?auth_token=" + secret}}},
		fakehttp.Fault{Status: 400, Body: `{"error":"` + secret + `"}`},
	)
	for range 3 {
		err := c.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"})
		wantMissing(t, fmt.Sprintf("%v %+v %#v", err, err, err), secret)
	}
	if got := s.Requests()[0].Header.Get("Authorization"); !strings.Contains(got, secret) {
		t.Fatalf("the token was not sent: %q", got)
	}
	n, err := hipchat.New(hipchat.Config{Client: c, Room: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := n.Preview(mackerel.Alert{Status: mackerel.StatusOK, Message: "back, " + secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{c, n, p, *p, hipchat.Config{Token: mackerel.NewSecret(secret)}, hipchat.ClientConfig{Token: mackerel.NewSecret(secret)}} {
		wantMissing(t, fmt.Sprintf("%v %+v %#v", v, v, v), secret)
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	followed := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: status, Header: http.Header{"Location": {elsewhere.URL + "/v2/x"}}})
		err := newClient(t, s, hipchattest.Token).SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"})
		wantKind(t, err, mackerel.ErrInvalid)
	}
	if followed {
		t.Error("a redirect was followed")
	}
}

// TestAnswersOfTheServer has the error bodies on record, and what a proxy may say in the server's place.
func TestAnswersOfTheServer(t *testing.T) {
	schema := strings.Repeat(`{"type":"object"},`, 2_000)
	for _, c := range []struct {
		name, body string
		status     int
		kind       error
		message    string
	}{
		{
			"a token of version 1", `{"error":{"code":401,"message":"Invalid OAuth session","type":"Unauthorized"}}`,
			401, mackerel.ErrUnauthorized, "Invalid OAuth session",
		},
		{
			"a missing scope", `{"error":{"code":403,"message":"This action requires one of the following scopes: [u'view_group', u'view_room']","type":"Forbidden"}}`,
			403, mackerel.ErrUnauthorized, "This action requires one of the following scopes: [u'view_group', u'view_room']",
		},
		{
			"a wrong type", `{"error":{"code":400,"expected_type":"boolean","field":"notify","message":"Value u'true' for field 'notify' is not of type 'boolean'","type":"Bad Request","validation":"type","value":"true"}}`,
			400, mackerel.ErrInvalid, "Value u'true' for field 'notify' is not of type 'boolean'",
		},
		{
			"a bad card, with no message and all of the schema",
			`{"error":{"code":400,"description":"Value {value!r} is not of type {expected_type!r}","expected_type":[` + schema + `"null"],"field":"card","type":"Bad Request"}}`,
			400, mackerel.ErrInvalid, "card: Value {value!r} is not of type {expected_type!r}",
		},
		{
			"a description without a field", `{"error":{"code":400,"description":"no","message":""}}`,
			400, mackerel.ErrInvalid, "no",
		},
		{"an OAuth error", `{"error":"invalid_grant"}`, 400, mackerel.ErrInvalid, "invalid_grant"},
		{"a message that is no string", `{"error":{"message":{"a":1},"field":2}}`, 400, mackerel.ErrInvalid, ""},
		{"a list", `{"error":["x"]}`, 400, mackerel.ErrInvalid, ""},
		{"no room", `{"error":{"code":404,"message":"Room not found","type":"Not Found"}}`, 404, mackerel.ErrNotFound, "Room not found"},
		{"a path without a room", `{"error":{"code":405}}`, 405, mackerel.ErrInvalid, ""},
		{"a page of a proxy", "<html><h1>Bad Request</h1>", 400, mackerel.ErrInvalid, ""},
		{"nothing", "", 403, mackerel.ErrUnauthorized, ""},
		{"a body without end", `{"error":{"message":"` + strings.Repeat("x", 1<<20) + `"}}`, 400, mackerel.ErrInvalid, ""},
		{"a server without auth or notifications", "", 501, mackerel.ErrUnsupported, ""},
		{"a 200 of a proxy is no success", "<html>log in</html>", 200, mackerel.ErrAmbiguous, ""},
		{"the answer to auth_test is no success", `{"success":{"code":202}}`, 202, mackerel.ErrAmbiguous, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Inject(fakehttp.Fault{Status: c.status, Body: c.body})
			client, err := hipchat.NewClient(hipchat.ClientConfig{
				Token: mackerel.NewSecret(hipchattest.Token), BaseURL: hipchattest.MemoryBaseURL,
				Call: mackerel.CallOptions{Client: s.Client(), MaxAttempts: 1},
			})
			if err != nil {
				t.Fatal(err)
			}
			e := asError(t, client.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"}), c.kind)
			if e.Message != c.message || e.Status != c.status || e.Code != "" || e.Op != "send room notification" {
				t.Errorf("%+v, want message %q", e, c.message)
			}
		})
	}
}

func TestAuthTest(t *testing.T) {
	s := newServer(t)
	s.SetToken("room-token", hipchattest.Access{Scopes: []string{hipchattest.ScopeSendNotification}, Room: hipchattest.RoomID})
	s.AddRoom(2, "dev")
	s.SetToken("reader", hipchattest.Access{Scopes: []string{hipchattest.ScopeViewMessages}})
	for _, c := range []struct {
		name, token, room string
		kind              error
	}{
		{"a room's token will do in its room", "room-token", "ops", nil},
		{"a room's token will not do elsewhere", "room-token", "dev", mackerel.ErrUnauthorized},
		{"a token that only reads will not do", "reader", "ops", mackerel.ErrUnauthorized},
		{"an unknown token will not do", "unknown", "ops", mackerel.ErrUnauthorized},
		{"an unknown room will not do", hipchattest.Token, "nowhere", mackerel.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := newClient(t, s, c.token).TestAuth(t.Context(), c.room)
			if c.kind == nil && err != nil {
				t.Error(err)
			}
			if c.kind != nil && asError(t, err, c.kind).Op != "test auth" {
				t.Error(err)
			}
		})
	}
	if n := len(s.Messages(hipchattest.RoomID)); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

func TestAuthTestOfAServerThatDoesNotKnowIt(t *testing.T) {
	s := newServer(t)
	s.Inject(fakehttp.Fault{Status: http.StatusNoContent, Times: -1})
	wantKind(t, newClient(t, s, hipchattest.Token).TestAuth(t.Context(), "ops"), mackerel.ErrUnsupported)
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests: each of them sends a message", n)
	}
}

// TestAfterALimitTheSameIsSentAgain waits in a bubble for each of the two limits.
func TestAfterALimitTheSameIsSentAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		header http.Header
		wait   time.Duration
	}{
		{"the room's", http.Header{"X-FloodControl-Remaining": {"0"}, "X-FloodControl-Reset": {"946684812"}, "X-RateLimit-Remaining": {"9"}, "X-RateLimit-Reset": {"946684999"}}, 12 * time.Second},
		{"the token's", http.Header{"X-RateLimit-Remaining": {"0"}, "X-RateLimit-Reset": {"946684807"}}, 7 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // the bubble's clock begins at 946684800
				s := hipchattest.NewServer()
				defer s.Close()
				s.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests, Header: c.header, Body: `{"error":{"code":429}}`})
				start := time.Now()
				receipt, err := newNotifier(t, s, hipchat.Config{Card: true}).Deliver(t.Context(), everywhere("障害"))
				if err != nil || receipt.Attempts != 2 {
					t.Fatal(err, receipt)
				}
				if took := time.Since(start); took != c.wait {
					t.Errorf("it waited %v, want %v", took, c.wait)
				}
				r := s.Requests()
				if len(r) != 2 || string(r[0].Body) != string(r[1].Body) || len(r[0].Body) < 100 {
					t.Errorf("%d requests, %q", len(r), r[0].Body)
				}
			})
		})
	}
}

func TestALimitBeyondMaxWaitIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hipchattest.NewServer()
		defer s.Close()
		c := newClient(t, s, hipchattest.Token)
		for range 30 {
			if err := c.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		e := asError(t, c.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"}), mackerel.ErrRateLimited)
		if e.RetryAfter != time.Minute || e.Attempts != 1 || time.Since(start) != 0 {
			t.Errorf("%+v after %v", e, time.Since(start))
		}
		s.Advance(e.RetryAfter)
		if err := c.SendRoomNotification(t.Context(), "ops", hipchat.Notification{Message: "x"}); err != nil {
			t.Error(err)
		}
	})
}

func TestLostAnswers(t *testing.T) {
	for _, c := range []struct {
		delivery mackerel.Delivery
		messages int
		kind     error
	}{
		{0, 2, nil},
		{mackerel.AtLeastOnce, 2, nil},
		{mackerel.AtMostOnce, 1, mackerel.ErrAmbiguous},
	} {
		t.Run(c.delivery.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := hipchattest.NewServer()
				defer s.Close()
				s.Inject(fakehttp.Fault{Break: fakehttp.CloseConnection, Handled: true})
				n := newNotifier(t, s, hipchat.Config{Call: mackerel.CallOptions{Delivery: c.delivery}})
				err := n.Notify(t.Context(), mackerel.Alert{Status: mackerel.StatusOK})
				if c.kind == nil && err != nil {
					t.Error(err)
				}
				if c.kind != nil {
					wantKind(t, err, c.kind)
				}
				if got := len(s.Messages(hipchattest.RoomID)); got != c.messages {
					t.Errorf("%d messages, want %d", got, c.messages)
				}
			})
		})
	}
}
