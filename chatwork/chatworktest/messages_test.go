package chatworktest_test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestAMessageIsThePublishedSample(t *testing.T) {
	s, c := start(t)
	const sample = `{"message_id": "5", "account": {"account_id": 124, "name": "Bob", "avatar_image_url": "https://example.com/ico_avatar.png"},
		"body": "Hello Chatwork!", "send_time": 1384242850, "update_time": 0}`
	s.AddAccount(chatworktest.Account{AccountID: 124, Name: "Bob", AvatarImageURL: "https://example.com/ico_avatar.png"})
	s.AddMessage(chatworktest.RoomID, chatworktest.Message{
		MessageID: "5", AccountID: 124, Body: "Hello Chatwork!", SendTime: time.Unix(1384242850, 0),
	})
	c.do(t, "GET", room+"/messages", "").want(t, 200, "["+sample+"]")
	c.do(t, "GET", room+"/messages?force=1", "").want(t, 200, "["+sample+"]")
	c.do(t, "GET", room+"/messages/5", "").want(t, 200, sample)
}

func TestAPostedMessageCanBeSeen(t *testing.T) {
	s, c := start(t)
	now := time.Unix(1384242850, 5)
	s.SetClock(func() time.Time { return now })
	a := c.do(t, "POST", room+"/messages", "body=Hello+Chatwork%21&self_unread=0")
	if a.status != 200 || !regexp.MustCompile(`^\{"message_id":"[0-9]{19}"\}$`).MatchString(a.body) {
		t.Fatalf("got %d %s, want 200 and an id of 19 digits", a.status, a.body)
	}
	first := parse[map[string]string](t, a.body)["message_id"]
	second := c.post(t, "body=a%0Ab&self_unread=1")
	want := []chatworktest.Message{
		{MessageID: first, AccountID: chatworktest.AccountID, Body: "Hello Chatwork!", SendTime: now},
		{MessageID: second, AccountID: chatworktest.AccountID, Body: "a\nb", SelfUnread: true, SendTime: now},
	}
	if got := s.Messages(chatworktest.RoomID); first == second || !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	state := parse[map[string]any](t, c.do(t, "GET", room, "").body)
	if state["message_num"] != 2.0 || state["unread_num"] != 1.0 || state["last_update_time"] != 1384242850.0 {
		t.Errorf("the room is now %v, want 2 messages of which the second is unread", state)
	}
}

func TestIDsAreNotTakenTwice(t *testing.T) {
	s, c := start(t)
	id, err := strconv.ParseInt(c.post(t, "body=x"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	next := strconv.FormatInt(id+1, 10)
	s.AddMessage(chatworktest.RoomID, chatworktest.Message{MessageID: next, AccountID: chatworktest.AccountID})
	if got := c.post(t, "body=y"); got == next {
		t.Errorf("the id %s was given twice", got)
	}
	s.AddRoom(chatworktest.Room{RoomID: s.AddAccount(chatworktest.Account{}) + 3})
	s.AddAccount(chatworktest.Account{}) // panics if its id or that of its room is taken
}

// ids lists a room, which may be empty, and returns the ids.
func (c client) ids(t *testing.T, query string) []string {
	t.Helper()
	a := c.do(t, "GET", room+"/messages"+query, "")
	if a.status == 204 {
		if a.body != "" {
			t.Errorf("a 204 has the body %q", a.body)
		}
		return nil
	}
	var ids []string
	for _, m := range parse[[]struct {
		ID string `json:"message_id"`
	}](t, a.body) {
		ids = append(ids, m.ID)
	}
	if a.status != 200 || len(ids) == 0 {
		t.Errorf("got %d %s, want messages or 204", a.status, a.body)
	}
	return ids
}

// seed adds messages with the ids from to to.
func seed(s *chatworktest.Server, from, to int) (ids []string) {
	for i := from; i <= to; i++ {
		ids = append(ids, strconv.Itoa(i))
		s.AddMessage(chatworktest.RoomID, chatworktest.Message{MessageID: strconv.Itoa(i), AccountID: chatworktest.AccountID, Body: "x"})
	}
	return ids
}

func wantIDs(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestReadingWithoutForceConsumes(t *testing.T) {
	s, c := start(t)
	s.SetToken("second", chatworktest.AccountID)
	wantIDs(t, "an empty room", c.ids(t, ""), nil)
	first := seed(s, 1, 3)
	wantIDs(t, "force=1", c.ids(t, "?force=1"), first)
	wantIDs(t, "the first reading, which force=1 has not moved", c.ids(t, ""), first)
	wantIDs(t, "the second reading", c.ids(t, "?force=0"), nil)
	second := seed(s, 4, 5)
	wantIDs(t, "what is new", c.ids(t, "?force=0"), second)
	wantIDs(t, "another token of the account", c.as("second").ids(t, ""), append(first, second...))
	wantIDs(t, "force=1 as often as one likes", c.ids(t, "?force=1"), append(first, second...))
	own := c.post(t, "body=mine")
	wantIDs(t, "one's own message", c.ids(t, ""), []string{own})
}

func TestThePlaceIsPerRoom(t *testing.T) {
	s, c := start(t)
	other := s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{chatworktest.AccountID: roleAdmin}})
	seed(s, 1, 1)
	s.AddMessage(other, chatworktest.Message{MessageID: "2", AccountID: chatworktest.AccountID, Body: "x"})
	wantIDs(t, "the one room", c.ids(t, ""), []string{"1"})
	if a := c.do(t, "GET", "/rooms/"+strconv.FormatInt(other, 10)+"/messages", ""); a.status != 200 {
		t.Errorf("the other room: %d %s, want its message", a.status, a.body)
	}
}

func TestAListHas100Messages(t *testing.T) {
	s, c := start(t)
	all := seed(s, 1, 250)
	wantIDs(t, "force=1", c.ids(t, "?force=1"), all[150:])
	wantIDs(t, "force=0", c.ids(t, ""), all[150:])
	wantIDs(t, "the others are lost to force=0", c.ids(t, ""), nil)
	next := seed(s, 251, 350)
	wantIDs(t, "exactly 100 new ones", c.ids(t, ""), next)
}

func TestOnesOwnMessagesCanBeEditedAndDeleted(t *testing.T) {
	bubble(t, func(t *testing.T, s *chatworktest.Server, c client) {
		id := c.post(t, "body=old")
		path, answer := room+"/messages/"+id, `{"message_id":"`+id+`"}`
		sent := time.Now()
		time.Sleep(time.Minute)
		c.do(t, "PUT", path, "body=new").want(t, 200, answer)
		m := parse[map[string]any](t, c.do(t, "GET", path, "").body)
		if m["body"] != "new" || m["send_time"] != float64(sent.Unix()) || m["update_time"] != float64(sent.Unix()+60) {
			t.Errorf("after the edit it is %v", m)
		}
		time.Sleep(time.Minute)
		c.do(t, "DELETE", path, "").want(t, 200, answer)
		m = parse[map[string]any](t, c.do(t, "GET", path, "").body)
		if m["body"] != "[deleted]" || m["update_time"] != float64(sent.Unix()+120) {
			t.Errorf("after the deletion it is %v", m)
		}
		if r := parse[map[string]any](t, c.do(t, "GET", room, "").body); r["last_update_time"] != float64(sent.Unix()+120) {
			t.Errorf("after the deletion the room is %v", r)
		}
		c.do(t, "DELETE", path, "").want(t, 404, refusal("Message not found"))
		c.do(t, "PUT", path, "body=again").want(t, 404, refusal("Message not found"))
		if got := s.Messages(chatworktest.RoomID); len(got) != 1 || !got[0].Deleted || got[0].Body != "new" {
			t.Errorf("the fake remembers %+v, want what was there when it was deleted", got)
		}
	})
}

func TestEditsCountForNoRoomLimit(t *testing.T) {
	bubble(t, func(t *testing.T, _ *chatworktest.Server, c client) {
		id := c.post(t, "body=x")
		for range 20 {
			c.do(t, "PUT", room+"/messages/"+id, "body=y").want(t, 200, `{"message_id":"`+id+`"}`)
		}
	})
}

func TestTheMessagesOfOthersCannotBeChanged(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	s.AddMessage(chatworktest.RoomID, chatworktest.Message{MessageID: "5", AccountID: anna, Body: "hers"})
	const text = "You don't have permission to send/edit message."
	c.do(t, "PUT", room+"/messages/5", "body=mine").want(t, 403, refusal(text))
	c.do(t, "DELETE", room+"/messages/5", "").want(t, 403, refusal(text))
	if got := s.Messages(chatworktest.RoomID); got[0].Body != "hers" || got[0].Deleted {
		t.Errorf("now it is %+v", got[0])
	}
}

func TestAReadonlyMemberOnlyReads(t *testing.T) {
	s, c := start(t)
	bob := s.AddAccount(chatworktest.Account{Name: "Bob"})
	s.SetToken("bob", bob)
	id := s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{bob: roleReadonly}})
	path := "/rooms/" + strconv.FormatInt(id, 10) + "/messages"
	s.AddMessage(id, chatworktest.Message{MessageID: "5", AccountID: bob, Body: "from when he could", SelfUnread: true})
	const text = "You don't have permission to send/edit message."
	c = c.as("bob")
	c.do(t, "POST", path, "body=x").want(t, 403, refusal(text))
	c.do(t, "PUT", path+"/5", "body=x").want(t, 403, refusal(text))
	c.do(t, "DELETE", path+"/5", "").want(t, 403, refusal(text))
	if a := c.do(t, "GET", path, ""); a.status != 200 {
		t.Errorf("listing: %d %s, want 200", a.status, a.body)
	}
	c.do(t, "PUT", path+"/read", "").want(t, 200, `{"unread_num":0,"mention_num":0}`)
}

func TestUnknownMessagesAre404(t *testing.T) {
	s, c := start(t)
	other := s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{chatworktest.AccountID: roleAdmin}})
	s.AddMessage(other, chatworktest.Message{MessageID: "5", AccountID: chatworktest.AccountID, Body: "elsewhere"})
	for _, id := range []string{"4", "5"} { // unknown, and in another room
		for _, a := range []answer{
			c.do(t, "GET", room+"/messages/"+id, ""),
			c.do(t, "PUT", room+"/messages/"+id, "body=x"),
			c.do(t, "DELETE", room+"/messages/"+id, ""),
			c.do(t, "PUT", room+"/messages/read", "message_id="+id),
			c.do(t, "PUT", room+"/messages/unread", "message_id="+id),
		} {
			a.want(t, 404, refusal("Message not found"))
		}
	}
}
