package chatwork_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-querystring/query"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

const room = chatworktest.RoomID

func newClient(t *testing.T) (*chatworktest.Server, *chatwork.Client) {
	t.Helper()
	s := chatworktest.NewServer()
	t.Cleanup(s.Close)
	c, err := chatwork.NewClient(chatwork.ClientConfig{Token: mackerel.NewSecret(chatworktest.Token), BaseURL: s.BaseURL()})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// inBubble is newClient where time is synctest's.
func inBubble(t *testing.T, call mackerel.CallOptions) (*chatworktest.Server, *chatwork.Client) {
	t.Helper()
	s := chatworktest.NewServer()
	t.Cleanup(s.Close)
	call.Client = s.Client()
	c, err := chatwork.NewClient(chatwork.ClientConfig{Token: mackerel.NewSecret(chatworktest.Token), BaseURL: chatworktest.MemoryBaseURL, Call: call})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func post(t *testing.T, c *chatwork.Client, body string) string {
	t.Helper()
	id, err := c.PostMessage(t.Context(), room, chatwork.PostMessageParams{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func bodies(messages []chatwork.RoomMessage) string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Body)
	}
	return strings.Join(all, "|")
}

func TestPostMessagePostsAndReturnsTheID(t *testing.T) {
	s, c := newClient(t)
	id, err := c.PostMessage(t.Context(), room, chatwork.PostMessageParams{Body: "障害 a&b=c +%\n[info]", SelfUnread: true})
	if err != nil {
		t.Fatal(err)
	}
	m := s.Messages(room)[0]
	if m.MessageID != id || m.Body != "障害 a&b=c +%\n[info]" || !m.SelfUnread {
		t.Errorf("posted %+v as %s", m, id)
	}
}

func TestTheFormByHandIsTheFormOfGoQuerystring(t *testing.T) {
	s, c := newClient(t)
	for _, p := range []chatwork.PostMessageParams{
		{Body: "a"}, {Body: "障害 + & = % \n\r\t\x00 ~*'()!", SelfUnread: true}, {Body: strings.Repeat("💥", 3)},
	} {
		if _, err := c.PostMessage(t.Context(), room, p); err != nil {
			t.Fatal(err)
		}
		values, err := query.Values(p)
		if err != nil {
			t.Fatal(err)
		}
		requests := s.Requests()
		if got, want := string(requests[len(requests)-1].Body), values.Encode(); got != want {
			t.Errorf("sent %q, go-querystring has %q", got, want)
		}
	}
}

func TestAPostedMessageIsOnlyDoneWithItsID(t *testing.T) {
	for _, tt := range []struct {
		name, body, id string
	}{
		{"as it always comes", `{"message_id":"1234567890123456789"}`, "1234567890123456789"},
		{"with blanks and more members", `{ "message_id" : "12", "x": 1 }`, "12"},
		{"an empty object", `{}`, ""},
		{"a page of a proxy", `<html>welcome</html>`, ""},
		{"nothing", ``, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newClient(t)
			c, err := chatwork.NewClient(chatwork.ClientConfig{
				Token: mackerel.NewSecret(chatworktest.Token), BaseURL: s.BaseURL(), Call: mackerel.CallOptions{MaxAttempts: 1},
			})
			if err != nil {
				t.Fatal(err)
			}
			s.Inject(fakehttp.Fault{Status: 200, Body: tt.body})
			id, err := c.PostMessage(t.Context(), room, chatwork.PostMessageParams{Body: "x"})
			if id != tt.id || (tt.id == "") != errors.Is(err, mackerel.ErrAmbiguous) {
				t.Errorf("got %q, %v", id, err)
			}
		})
	}
}

func TestTheTwoReadingsOfARoom(t *testing.T) {
	s, c := newClient(t)
	for _, read := range []func() ([]chatwork.RoomMessage, error){
		func() ([]chatwork.RoomMessage, error) { return c.LatestMessages(t.Context(), room) },
		func() ([]chatwork.RoomMessage, error) { return c.NewMessages(t.Context(), room) },
	} {
		if list, err := read(); err != nil || list == nil || len(list) != 0 {
			t.Errorf("an empty room gives %v, %v", list, err)
		}
	}
	s.AddMessage(room, chatworktest.Message{AccountID: chatworktest.AccountID, Body: "one"})
	s.AddMessage(room, chatworktest.Message{AccountID: chatworktest.AccountID, Body: "two"})
	for range 2 {
		if list, err := c.LatestMessages(t.Context(), room); err != nil || bodies(list) != "one|two" {
			t.Errorf("LatestMessages gives %q, %v", bodies(list), err)
		}
	}
	for _, want := range []string{"one|two", ""} {
		if list, err := c.NewMessages(t.Context(), room); err != nil || bodies(list) != want {
			t.Errorf("NewMessages gives %q, %v, want %q", bodies(list), err, want)
		}
	}
	if list, err := c.LatestMessages(t.Context(), room); err != nil || len(list) != 2 {
		t.Errorf("after NewMessages LatestMessages gives %q, %v", bodies(list), err)
	}
}

func TestNewMessagesIsNeverRepeatedAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{})
		s.AddMessage(room, chatworktest.Message{AccountID: chatworktest.AccountID, Body: "one"})
		s.Inject(fakehttp.Fault{Handled: true, Break: fakehttp.ResetConnection})
		_, err := c.NewMessages(t.Context(), room)
		if !errors.Is(err, mackerel.ErrAmbiguous) || !strings.Contains(err.Error(), "LatestMessages") {
			t.Errorf("got %v", err)
		}
		if n := len(s.Requests()); n != 1 {
			t.Errorf("%d requests", n)
		}
		if list, err := c.NewMessages(t.Context(), room); err != nil || len(list) != 0 {
			t.Errorf("the lost messages came again: %q, %v", bodies(list), err)
		}
		if list, err := c.LatestMessages(t.Context(), room); err != nil || bodies(list) != "one" {
			t.Errorf("LatestMessages gives %q, %v", bodies(list), err)
		}
	})
}

func TestGetMessageAndMarking(t *testing.T) {
	_, c := newClient(t)
	first, second := post(t, c, "first"), post(t, c, "second")
	if m, err := c.GetMessage(t.Context(), room, second); err != nil || m.Body != "second" || m.MessageID != second || m.Account.AccountID != chatworktest.AccountID {
		t.Errorf("got %+v, %v", m, err)
	}
	if state, err := c.MarkUnread(t.Context(), room, first); err != nil || state.UnreadNum != 2 {
		t.Errorf("unread: %+v, %v", state, err)
	}
	if state, err := c.MarkRead(t.Context(), room, first); err != nil || state.UnreadNum != 1 {
		t.Errorf("read up to the first: %+v, %v", state, err)
	}
	if state, err := c.MarkRead(t.Context(), room, ""); err != nil || state.UnreadNum != 0 {
		t.Errorf("read all: %+v, %v", state, err)
	}
	if _, err := c.MarkRead(t.Context(), room, ""); !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("reading what was read gives %v", err)
	}
	if _, err := c.MarkUnread(t.Context(), room, ""); !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("unreading nothing gives %v", err)
	}
}

func TestIDsCannotLeaveTheirPlaceInThePath(t *testing.T) {
	s, c := newClient(t)
	for _, id := range []string{"1/../2", "1?x=y", "1#", "%2e%2e"} {
		if _, err := c.GetMessage(t.Context(), room, id); err == nil {
			t.Errorf("%q was found", id)
		}
		requests := s.Requests()
		want := "/v2/rooms/567890123/messages/" + url.PathEscape(id)
		if got := requests[len(requests)-1].Path; got != want {
			t.Errorf("%q: asked for %s, want %s", id, got, want)
		}
	}
	n := len(s.Requests())
	for _, id := range []string{"", ".", ".."} {
		if _, err := c.GetMessage(t.Context(), room, id); !errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("%q gives %v", id, err)
		}
	}
	if len(s.Requests()) != n {
		t.Error("an impossible id was sent")
	}
}

func TestErrorsKeepTheServicesWords(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault fakehttp.Fault
		kind  error
		want  string
	}{
		{"a wrong token", fakehttp.Fault{Status: 401, Body: `{"errors":["Invalid API token"]}`}, mackerel.ErrUnauthorized, "chatwork: get message: 401: Invalid API token (not authorized)"},
		{"several words", fakehttp.Fault{Status: 400, Body: `{"errors":["a","b"]}`}, mackerel.ErrInvalid, "chatwork: get message: 400: a b (invalid request)"},
		{"an empty body", fakehttp.Fault{Status: 403}, mackerel.ErrUnauthorized, "chatwork: get message: 403: Forbidden (not authorized)"},
		{"another shape", fakehttp.Fault{Status: 400, Body: `{"errors":{"body":"x"}}`}, mackerel.ErrInvalid, "chatwork: get message: 400: Bad Request (invalid request)"},
		{"the token quoted", fakehttp.Fault{Status: 400, Body: `{"errors":["token chatworktest-api-token"]}`}, mackerel.ErrInvalid, "chatwork: get message: 400: token [redacted] (invalid request)"},
		{"a redirect", fakehttp.Fault{Status: 302, Header: http.Header{"Location": {"https://evil.example.com/steal?x=1"}}}, mackerel.ErrInvalid, "chatwork: get message: 302: Found: redirect to evil.example.com refused (invalid request)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := newClient(t)
			s.Inject(tt.fault)
			_, err := c.GetMessage(t.Context(), room, "1")
			if !errors.Is(err, tt.kind) || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestTheRoomsLimitIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{})
		start := time.Now()
		for range 25 {
			post(t, c, "x")
		}
		if waited := time.Since(start); waited < 20*time.Second || waited > 21*time.Second {
			t.Errorf("25 messages took %v", waited)
		}
		if n := len(s.Messages(room)); n != 25 {
			t.Errorf("%d messages stand in the room", n)
		}
	})
}

func TestTheGeneralLimitIsLongerThanAWaitMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := inBubble(t, mackerel.CallOptions{})
		for range 300 {
			if _, err := c.LatestMessages(t.Context(), room); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		_, err := c.LatestMessages(t.Context(), room)
		after, again := mackerel.Retry(err)
		if !errors.Is(err, mackerel.ErrRateLimited) || !again || after < 4*time.Minute || after > 5*time.Minute {
			t.Fatalf("got %v; again after %v", err, after)
		}
		if time.Since(start) != 0 {
			t.Errorf("waited %v for nothing", time.Since(start))
		}
		time.Sleep(after)
		if _, err := c.LatestMessages(t.Context(), room); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestOneConnectionServesManyMessages(t *testing.T) {
	s, c := newClient(t)
	for range 8 {
		post(t, c, "x")
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestNewClientReportsAllProblems(t *testing.T) {
	_, err := chatwork.NewClient(chatwork.ClientConfig{
		Token: mackerel.NewSecret("line\nbreak"), BaseURL: "api.chatwork.com", Call: mackerel.CallOptions{Timeout: -1},
	})
	if !errors.Is(err, mackerel.ErrConfig) {
		t.Fatalf("got %v", err)
	}
	for _, word := range []string{"Token", "BaseURL", "Call.Timeout"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not name %s", err, word)
		}
	}
}

func FuzzTheFormByHand(f *testing.F) {
	f.Add("障害 a&b=c +%\n[info]", true)
	f.Add("\xff\x00~", false)
	f.Fuzz(func(t *testing.T, body string, unread bool) {
		s := fakehttp.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if body != r.FormValue("body") || (r.FormValue("self_unread") == "1") != unread || len(r.PostForm) > 2 {
				t.Errorf("%q arrives as %q", body, r.PostForm)
			}
			fakehttp.WriteJSON(w, http.StatusOK, map[string]string{"message_id": "1"})
		}))
		defer s.Close()
		c, err := chatwork.NewClient(chatwork.ClientConfig{
			Token: mackerel.NewSecret("token"), BaseURL: fakehttp.MemoryURL, Call: mackerel.CallOptions{Client: s.Client()},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.PostMessage(t.Context(), 1, chatwork.PostMessageParams{Body: body, SelfUnread: unread})
		if (err != nil) != (body == "") {
			t.Error(err)
		}
	})
}

func TestAMessageIsUpdatedAndDeleted(t *testing.T) {
	s, c := newClient(t)
	id := post(t, c, "first")
	if err := c.UpdateMessage(t.Context(), room, id, "second"); err != nil {
		t.Fatal(err)
	}
	if m, err := c.GetMessage(t.Context(), room, id); err != nil || m.Body != "second" || m.UpdateTime == 0 {
		t.Errorf("got %+v, %v", m, err)
	}
	if err := c.DeleteMessage(t.Context(), room, id); err != nil || !s.Messages(room)[0].Deleted {
		t.Errorf("deleted: %v", err)
	}
	if err := c.DeleteMessage(t.Context(), room, id); !errors.Is(err, mackerel.ErrNotFound) {
		t.Errorf("deleted again: %v", err)
	}
}
