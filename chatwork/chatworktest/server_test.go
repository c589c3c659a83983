package chatworktest_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestTokens(t *testing.T) {
	s, c := start(t)
	s.AddToken("second", chatworktest.AccountID)
	s.AddToken("revoked", chatworktest.AccountID)
	s.AddAccessToken("access", chatworktest.AccountID)
	s.AddAccessToken("expired", chatworktest.AccountID)
	s.RevokeToken("revoked")
	s.RevokeToken("expired")
	for _, test := range []struct {
		name   string
		header []string
		status int
	}{
		{"no token is refused", nil, 401},
		{"an unknown token is refused", []string{"X-ChatWorkToken", "wrong"}, 401},
		{"a revoked token is refused", []string{"X-ChatWorkToken", "revoked"}, 401},
		{"an API token as an access token is refused", []string{"Authorization", "Bearer " + chatworktest.Token}, 401},
		{"an access token as an API token is refused", []string{"X-ChatWorkToken", "access"}, 401},
		{"an access token without its scheme is refused", []string{"Authorization", "access"}, 401},
		{"an expired access token is refused", []string{"Authorization", "Bearer expired"}, 401},
		{"two tokens are refused", []string{"X-ChatWorkToken", chatworktest.Token, "Authorization", "Bearer access"}, 401},
		{"an access token is accepted", []string{"Authorization", "Bearer access"}, 200},
		{"a second token of an account is accepted", []string{"X-ChatWorkToken", "second"}, 200},
		{"the token of a new server is accepted", []string{"X-ChatWorkToken", chatworktest.Token}, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := c.send(t, "GET", "/me", "", test.header...)
			if a.Status != test.status || test.status == 401 && a.Body != `{"errors":["Invalid API token"]}` {
				t.Errorf("got %d %s, want %d", a.Status, a.Body, test.status)
			}
		})
	}
}

func TestUnknownEndpointsAre404(t *testing.T) {
	_, c := start(t)
	const text = "Invalid Endpoint or HTTP method"
	for _, test := range []struct{ name, method, path string }{
		{"an unknown path", "GET", "/you"},
		{"the root", "GET", ""},
		{"a method that a path does not have", "PATCH", room},
		{"an empty room id, without a redirect", "POST", "/rooms//messages"},
		{"a room id that is none", "POST", "/rooms/rid123/messages"},
		{"an id of more than 19 digits", "GET", "/rooms/12345678901234567890"},
		{"a message id that is none", "GET", room + "/messages/latest"},
		{"a slash at the end", "GET", "/rooms/"},
		{"an escaped slash", "GET", "/rooms%2F1/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.do(t, test.method, test.path, "").refused(t, 404, text)
			c.as("wrong").do(t, test.method, test.path, "").refused(t, 404, text)
		})
	}
}

// wantLimit checks the headers of the limit on calls. A limit of 0 means that there are none.
func wantLimit(t *testing.T, a answer, limit, remaining int, reset int64) {
	t.Helper()
	got := []string{a.Header.Get("x-ratelimit-limit"), a.Header.Get("x-ratelimit-remaining"), a.Header.Get("x-ratelimit-reset")}
	want := []string{strconv.Itoa(limit), strconv.Itoa(remaining), strconv.FormatInt(reset, 10)}
	if limit == 0 {
		want = []string{"", "", ""}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") || a.Header.Get("Retry-After") != "" {
		t.Errorf("%d %s has the limit %q, want %q", a.Status, a.Body, got, want)
	}
}

func TestNothingIsLimitedUnlessToldTo(t *testing.T) {
	s, c := start(t)
	for range 310 {
		c.post(t, "body=x")
	}
	wantLimit(t, c.do(t, "GET", "/me", ""), 0, 0, 0)
	if s.Accepted() != 310 {
		t.Errorf("%d messages were accepted", s.Accepted())
	}
}

func TestATokenHas300CallsIn5Minutes(t *testing.T) {
	s, c := start(t)
	s.Documented()
	s.AddToken("second", chatworktest.AccountID)
	s.Advance(400 * time.Millisecond)
	reset := s.Now().Unix() + 301 // rounded up
	for i, a := range []answer{
		c.do(t, "GET", "/me", ""),
		c.do(t, "GET", room+"/messages", ""), // 204
		c.do(t, "POST", room+"/messages", ""),
		c.do(t, "GET", "/you", ""),
		c.do(t, "GET", "/rooms/1", ""),
	} {
		wantLimit(t, a, 300, 299-i, reset)
	}
	wantLimit(t, c.as("wrong").do(t, "GET", "/me", ""), 300, 299, reset)
	for i := range 295 {
		if a := c.do(t, "GET", "/me", ""); a.Status != 200 {
			t.Fatalf("call %d: %d %s", i+6, a.Status, a.Body)
		}
	}
	a := c.do(t, "GET", "/me", "")
	a.refused(t, 429, "Rate limit exceeded")
	wantLimit(t, a, 300, 0, reset)
	if a := c.as("second").do(t, "GET", "/me", ""); a.Status != 200 {
		t.Errorf("another token: %d %s", a.Status, a.Body)
	}
	s.Advance(5*time.Minute - time.Nanosecond)
	wantLimit(t, c.do(t, "GET", "/me", ""), 300, 0, reset)
	s.Advance(time.Nanosecond)
	wantLimit(t, c.do(t, "GET", "/me", ""), 300, 299, reset+300)
}

func TestARoomHas10PostsIn10Seconds(t *testing.T) {
	s, c := start(t)
	path := shared(s)
	s.SetLimit("room", 10, 10*time.Second)
	for range 5 {
		c.do(t, "POST", path+"/messages", "") // refused for another reason, and not counted
		if a := c.as("bob").do(t, "POST", path+"/messages", "body=x"); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if a := c.do(t, "POST", path+"/tasks", "body=x&to_ids=123"); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	const exceeded = "Rate limit for message posting per room exceeded."
	c.do(t, "POST", path+"/messages", "body=x").refused(t, 429, exceeded)
	c.as("bob").do(t, "POST", path+"/tasks", "body=x&to_ids=123").refused(t, 429, exceeded)
	c.do(t, "POST", "/rooms/05/messages", "body=x").refused(t, 429, exceeded)
	if c.post(t, "body=another+room") == "" || c.do(t, "GET", path+"/messages", "").Status != 200 {
		t.Error("another room and reading are limited too")
	}
	s.Advance(10*time.Second - time.Nanosecond)
	c.do(t, "POST", path+"/messages", "body=x").refused(t, 429, exceeded)
	s.Advance(time.Nanosecond)
	if a := c.do(t, "POST", path+"/messages", "body=x"); a.Status != 200 {
		t.Errorf("10 seconds later: %d %s", a.Status, a.Body)
	}
}

func TestAServerCanBeUsedConcurrently(t *testing.T) {
	s, c := start(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c.do(t, http.MethodPost, room+"/messages", "body=x")
			c.do(t, http.MethodGet, room+"/messages", "")
			s.AddMessage(chatworktest.RoomID, chatworktest.Message{Body: "y"})
			s.Messages(chatworktest.RoomID)
		})
	}
	all.Wait()
	if got := len(s.Messages(chatworktest.RoomID)); got != 16 || s.Accepted() != 8 {
		t.Errorf("%d messages, %d accepted", got, s.Accepted())
	}
}

func TestRoomsAndAccountsThatAreUnknown(t *testing.T) {
	s, c := start(t)
	if s.Messages(9) != nil || s.Tasks(9) != nil || s.Files(9) != nil || s.Members(9) != nil {
		t.Error("an unknown room has something")
	}
	s.AddMessage(9, chatworktest.Message{AccountID: 7, Body: "x"})
	s.AddTask(10, chatworktest.Task{AccountID: 7})
	s.AddFile(11, chatworktest.File{})
	s.AddContact(0, 8)
	s.AddToken("new", 6)
	if got := s.Messages(9); len(got) != 1 || got[0].AccountID != 7 || s.Tasks(10)[0].AssignedByAccountID != chatworktest.AccountID || len(s.Files(11)) != 1 {
		t.Errorf("%+v, %+v, %+v", got, s.Tasks(10), s.Files(11))
	}
	if got := parse[[]map[string]any](t, c.do(t, "GET", "/rooms/9/messages", "")); len(got) != 1 {
		t.Errorf("the account of a new server sees %v in the new room", got)
	}
	if got := parse[map[string]any](t, c.as("new").do(t, "GET", "/me", "")); got["account_id"] != 6.0 {
		t.Errorf("the token is that of %v", got)
	}
}

func TestIDsThatAreTakenAreReplaced(t *testing.T) {
	s, _ := start(t)
	message := func(id string) string { return s.AddMessage(0, chatworktest.Message{MessageID: id}) }
	first := message("")
	if message("5") != "5" || message("5") == "5" || message("first") == first || len(first) != 19 {
		t.Errorf("the messages are %+v", s.Messages(chatworktest.RoomID))
	}
	if account, other := s.AddAccount(chatworktest.Account{AccountID: 5}), s.AddAccount(chatworktest.Account{AccountID: 5}); account != 5 || other == 5 {
		t.Errorf("accounts %d and %d", account, other)
	}
	if s.AddContact(5, 6) != s.AddContact(6, 5) {
		t.Error("two accounts have two direct chats")
	}
}
