package chatworktest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A client calls the fake by hand.
type client struct {
	http  *http.Client
	base  string
	token string
}

type answer struct {
	status int
	header http.Header
	body   string
}

// start returns a server and a client for it, over the loopback interface.
func start(t *testing.T) (*chatworktest.Server, client) {
	t.Helper()
	s := chatworktest.NewServer()
	transport := &http.Transport{}
	t.Cleanup(s.Close)
	t.Cleanup(transport.CloseIdleConnections)
	return s, client{&http.Client{Transport: transport}, s.BaseURL(), chatworktest.Token}
}

// bubble runs the test in a bubble, with a client that goes through memory.
func bubble(t *testing.T, test func(t *testing.T, s *chatworktest.Server, c client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := chatworktest.NewServer()
		defer s.Close()
		test(t, s, client{s.Client(), chatworktest.MemoryBaseURL, chatworktest.Token})
	})
}

// as returns the client with another token.
func (c client) as(token string) client {
	c.token = token
	return c
}

// do sends a form unless it is empty.
func (c client) do(t *testing.T, method, path, form string) answer {
	t.Helper()
	header := http.Header{"X-Chatworktoken": {c.token}}
	if form != "" {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return c.send(t, method, path, form, header)
}

func (c client) send(t *testing.T, method, path, body string, header http.Header) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// want compares an answer, its body as JSON; an empty body must be no body.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status || !sameJSON(t, a.body, body) {
		t.Errorf("got %d %s\nwant %d %s", a.status, a.body, status, body)
	}
}

func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	if got == "" || want == "" {
		return got == want
	}
	return reflect.DeepEqual(parse[any](t, got), parse[any](t, want))
}

func parse[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func refusal(text string) string {
	b, err := json.Marshal(map[string][]string{"errors": {text}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// room is the path of the room that every server has.
var room = "/rooms/" + strconv.Itoa(chatworktest.RoomID)

// post posts a message that must be accepted, and returns its id.
func (c client) post(t *testing.T, form string) string {
	t.Helper()
	a := c.do(t, "POST", room+"/messages", form)
	if a.status != http.StatusOK {
		t.Fatalf("POST: %d %s", a.status, a.body)
	}
	return parse[map[string]string](t, a.body)["message_id"]
}

func TestATokenIsNeeded(t *testing.T) {
	s, c := start(t)
	s.SetToken("revoked", chatworktest.AccountID)
	s.SetToken("revoked", 0)
	s.SetToken("second", chatworktest.AccountID)
	const invalid = `{"errors":["Invalid API token"]}`
	for _, test := range []struct {
		name   string
		header http.Header
		status int
	}{
		{"no token is refused", http.Header{}, 401},
		{"an unknown token is refused", http.Header{"X-Chatworktoken": {"wrong"}}, 401},
		{"a revoked token is refused", http.Header{"X-Chatworktoken": {"revoked"}}, 401},
		{"a bearer token is refused", http.Header{"Authorization": {"Bearer " + chatworktest.Token}}, 401},
		{"a token in the query is refused", http.Header{}, 401},
		{"a second token of an account will do", http.Header{"X-Chatworktoken": {"second"}}, 200},
		{"the token of a new server will do", http.Header{"X-Chatworktoken": {chatworktest.Token}}, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := c.send(t, "GET", "/me", "", test.header)
			if a.status != test.status || test.status == 401 && a.body != invalid {
				t.Errorf("got %d %s, want %d", a.status, a.body, test.status)
			}
		})
	}
}

func TestAnAccessTokenIsAsGood(t *testing.T) {
	s, c := start(t)
	s.SetAccessToken("access", chatworktest.AccountID)
	access := http.Header{"Authorization": {"Bearer access"}}
	if a := c.send(t, "GET", "/me", "", access); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for name, header := range map[string]http.Header{
		"as an API token":      {"X-Chatworktoken": {"access"}},
		"with its scheme":      {"X-Chatworktoken": {"Bearer access"}},
		"together with a good": {"X-Chatworktoken": {c.token}, "Authorization": {"Bearer access"}},
		"without its scheme":   {"Authorization": {"access"}},
	} {
		if a := c.send(t, "GET", "/me", "", header); a.status != 401 || a.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
	s.SetAccessToken("access", 0)
	a := c.send(t, "GET", "/me", "", access)
	if a.status != 401 || a.header.Get("WWW-Authenticate") != `Bearer error="invalid_token", error_description="The access token expired"` {
		t.Errorf("after its end: %d %v", a.status, a.header)
	}
}

func TestUnknownEndpointsAre404(t *testing.T) {
	_, c := start(t)
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
			c.do(t, test.method, test.path, "").want(t, 404, `{"errors":["Invalid Endpoint or HTTP method"]}`)
		})
	}
	outside := c
	outside.base = strings.TrimSuffix(c.base, "/v2")
	outside.do(t, "GET", "/me", "").want(t, 404, `{"errors":["Invalid Endpoint or HTTP method"]}`)
	c.as("wrong").do(t, "GET", "/you", "").want(t, 404, `{"errors":["Invalid Endpoint or HTTP method"]}`)
}

func TestEveryAnswerSaysWhatIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T, s *chatworktest.Server, c client) {
		s.SetClock(func() time.Time { return time.Unix(1390941326-300, 700e6) })
		for i, a := range []answer{
			c.do(t, "GET", "/me", ""),
			c.do(t, "GET", room+"/messages", ""), // 204
			c.do(t, "POST", room+"/messages", ""),
			c.do(t, "GET", "/you", ""),
			c.do(t, "GET", "/rooms/1", ""),
		} {
			wantLimit(t, a, 299-i, 1390941326)
		}
		wantLimit(t, c.as("wrong").do(t, "GET", "/me", ""), 299, 1390941326)
	})
}

func wantLimit(t *testing.T, a answer, remaining int, reset int64) {
	t.Helper()
	got := [3]string{a.header.Get("x-ratelimit-limit"), a.header.Get("x-ratelimit-remaining"), a.header.Get("x-ratelimit-reset")}
	want := [3]string{"300", strconv.Itoa(remaining), strconv.FormatInt(reset, 10)}
	if got != want {
		t.Errorf("%d %s has x-ratelimit limit, remaining, reset %v, want %v", a.status, a.body, got, want)
	}
	if after := a.header.Get("Retry-After"); after != "" {
		t.Errorf("there is a Retry-After %s, which Chatwork does not send", after)
	}
}

func TestATokenHas300CallsIn5Minutes(t *testing.T) {
	bubble(t, func(t *testing.T, s *chatworktest.Server, c client) {
		s.SetToken("second", chatworktest.AccountID)
		reset := time.Now().Add(5 * time.Minute).Unix() // a bubble begins with a whole second
		time.Sleep(400 * time.Millisecond)
		for i := range 300 {
			a := c.do(t, "GET", "/me", "")
			if a.status != 200 {
				t.Fatalf("call %d: %d %s", i+1, a.status, a.body)
			}
			wantLimit(t, a, 299-i, reset)
		}
		a := c.do(t, "GET", "/me", "")
		a.want(t, 429, refusal("Rate limit exceeded"))
		wantLimit(t, a, 0, reset)
		if a := c.as("second").do(t, "GET", "/me", ""); a.status != 200 {
			t.Errorf("another token: %d %s, want 200", a.status, a.body)
		}

		time.Sleep(time.Until(time.Unix(reset, 0)) - time.Nanosecond)
		wantLimit(t, c.do(t, "GET", "/me", ""), 0, reset)
		time.Sleep(time.Nanosecond)
		wantLimit(t, c.do(t, "GET", "/me", ""), 299, reset+300)
	})
}

func TestARoomHas10PostsIn10Seconds(t *testing.T) {
	bubble(t, func(t *testing.T, s *chatworktest.Server, c client) {
		anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
		s.SetToken("anna", anna)
		both := map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleAdmin, anna: chatworktest.RoleMember}
		shared := "/rooms/" + strconv.FormatInt(s.AddRoom(chatworktest.Room{Members: both}), 10) + "/messages"
		for i := range 10 {
			c.do(t, "POST", shared, "") // refused for another reason, and not counted
			if a := c.do(t, "POST", shared, "body=x"); a.status != 200 {
				t.Fatalf("post %d: %d %s", i+1, a.status, a.body)
			}
		}
		const exceeded = `{"errors":["Rate limit for message posting per room exceeded."]}`
		a := c.do(t, "POST", shared, "body=x")
		if a.status != 429 || a.body != exceeded {
			t.Errorf("the 11th post: %d %s, want 429 %s", a.status, a.body, exceeded)
		}
		wantLimit(t, a, 300-21, time.Now().Add(5*time.Minute).Unix())
		c.as("anna").do(t, "POST", shared, "body=x").want(t, 429, exceeded)
		c.do(t, "POST", strings.Replace(shared, "rooms/", "rooms/0", 1), "body=x").want(t, 429, exceeded)
		c.post(t, "body=another+room")
		if a := c.do(t, "GET", shared, ""); a.status != 200 {
			t.Errorf("reading the room: %d %s, want 200", a.status, a.body)
		}

		time.Sleep(10*time.Second - time.Nanosecond)
		c.do(t, "POST", shared, "body=x").want(t, 429, exceeded)
		time.Sleep(time.Nanosecond)
		if a := c.do(t, "POST", shared, "body=x"); a.status != 200 {
			t.Errorf("10 seconds later: %d %s, want 200", a.status, a.body)
		}
	})
}

func TestAdvancePassesTheWindows(t *testing.T) {
	s, c := start(t)
	for range 10 {
		c.post(t, "body=x")
	}
	s.Advance(10 * time.Second)
	c.post(t, "body=x")
	s.Advance(5 * time.Minute)
	if got := c.do(t, "GET", "/me", "").header.Get("x-ratelimit-remaining"); got != "299" {
		t.Errorf("%s calls are left after 5 minutes, want 299", got)
	}
}

func TestFaultsGoBeforeTheAPI(t *testing.T) {
	s, c := start(t)
	s.Inject(fakehttp.Fault{Status: 503, Method: "POST", Path: "/v2/rooms/*/messages"})
	if a := c.do(t, "POST", room+"/messages", "body=lost"); a.status != 503 {
		t.Errorf("got %d %s, want the fault's 503", a.status, a.body)
	}
	c.post(t, "body=kept")
	if got := s.Messages(chatworktest.RoomID); len(got) != 1 || got[0].Body != "kept" {
		t.Errorf("the room has %+v, want only the message after the fault", got)
	}
	if got := s.Requests(); len(got) != 2 || got[0].Handled || string(got[0].Body) != "body=lost" {
		t.Errorf("recorded %+v, want the faulted request first", got)
	}
}

func TestAnswersAreASCII(t *testing.T) {
	_, c := start(t)
	const text = `障害 <p99> & "æ" 🐟`
	id := c.post(t, url.Values{"body": {text}}.Encode())
	a := c.do(t, "GET", room+"/messages/"+id, "")
	if want := `"body":"\u969c\u5bb3 <p99> & \"\u00e6\" \ud83d\udc1f"`; !strings.Contains(a.body, want) {
		t.Errorf("got %s, which has no %s", a.body, want)
	}
	if got := parse[struct{ Body string }](t, a.body).Body; got != text {
		t.Errorf("read back %q, want %q", got, text)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
}

func TestAServerCanBeUsedConcurrently(t *testing.T) {
	s := chatworktest.NewServer()
	defer s.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, r := range []*http.Request{
				httptest.NewRequest(http.MethodPost, "/v2"+room+"/messages", strings.NewReader("body=x")),
				httptest.NewRequest(http.MethodGet, "/v2"+room+"/messages", nil),
			} {
				r.Header.Set("X-ChatWorkToken", chatworktest.Token)
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				s.ServeHTTP(httptest.NewRecorder(), r)
			}
			s.AddMessage(chatworktest.RoomID, chatworktest.Message{AccountID: chatworktest.AccountID, Body: "y"})
			s.Messages(chatworktest.RoomID)
		})
	}
	wg.Wait()
	if got := len(s.Messages(chatworktest.RoomID)); got != 16 {
		t.Errorf("there are %d messages, want 16", got)
	}
}
