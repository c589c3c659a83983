package chatworktest_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// room is the path of the room that every server has.
var room = "/rooms/" + strconv.Itoa(chatworktest.RoomID)

// A client calls the fake with a token.
type client struct {
	fake  *chatworktest.Server
	token string
}

type answer servicetest.Answered

// start returns a server, whose clock stands still, and a client for it.
func start(t *testing.T) (*chatworktest.Server, client) {
	t.Helper()
	s := servicetest.Start(t, chatworktest.New())
	now := time.Unix(1390941026, 0)
	s.SetClock(func() time.Time { return now })
	return s, client{s, chatworktest.Token}
}

// as returns the client with another token.
func (c client) as(token string) client { return client{c.fake, token} }

// send sends a request. The header is given as names and values in turn.
func (c client) send(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	return answer(servicetest.Call(t, c.fake.Client(), method, c.fake.MemoryConfig().BaseURL+path, body, header...))
}

// do sends a form, unless it is empty.
func (c client) do(t *testing.T, method, path, form string) answer {
	t.Helper()
	if form == "" {
		return c.send(t, method, path, form, "X-ChatWorkToken", c.token)
	}
	return c.send(t, method, path, form, "X-ChatWorkToken", c.token, "Content-Type", "application/x-www-form-urlencoded")
}

// want compares an answer, its body as JSON.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.Status != status || canonical(t, a.Body) != canonical(t, body) {
		t.Errorf("got %d %s\nwant %d %s", a.Status, a.Body, status, body)
	}
}

func (a answer) refused(t *testing.T, status int, text string) {
	t.Helper()
	a.want(t, status, `{"errors":["`+text+`"]}`)
}

// canonical returns JSON with its members in order and without blanks.
func canonical(t *testing.T, text string) string {
	t.Helper()
	v := jsontext.Value(text)
	if err := v.Canonicalize(); text != "" && err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return string(v)
}

func parse[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil || a.Status != http.StatusOK {
		t.Fatalf("%v in %d %s", err, a.Status, a.Body)
	}
	return v
}

// post posts a message that must be accepted, and returns its id.
func (c client) post(t *testing.T, form string) string {
	t.Helper()
	return parse[map[string]string](t, c.do(t, "POST", room+"/messages", form))["message_id"]
}

// shared adds a room with three accounts, of which Anna may only read, and returns its path. Bob and Anna have tokens of
// their names.
func shared(s *chatworktest.Server) string {
	s.AddAccount(chatworktest.Account{AccountID: 124, Name: "Bob", AvatarImageURL: "https://example.com/abc.png", OrganizationID: 101})
	s.AddAccount(chatworktest.Account{AccountID: 456, Name: "Anna", AvatarImageURL: "https://example.com/def.png", OrganizationID: 101})
	s.AddToken("bob", 124)
	s.AddToken("anna", 456)
	s.AddRoom(chatworktest.Room{RoomID: 5, Name: "Group Chat Name", Members: map[int64]chatworktest.Role{
		chatworktest.AccountID: chatworktest.RoleAdmin, 124: chatworktest.RoleMember, 456: chatworktest.RoleReadonly,
	}})
	return "/rooms/5"
}
