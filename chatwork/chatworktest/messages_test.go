package chatworktest_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestAPostedMessageCanBeSeen(t *testing.T) {
	s, c := start(t)
	first, second := c.post(t, "body=Hello+Chatwork%21&self_unread=0"), c.post(t, "body=a%0Ab&self_unread=1")
	want := []chatworktest.Message{
		{MessageID: first, AccountID: chatworktest.AccountID, Body: "Hello Chatwork!", SendTime: s.Now()},
		{MessageID: second, AccountID: chatworktest.AccountID, Body: "a\nb", SelfUnread: true, SendTime: s.Now()},
	}
	if got := s.Messages(chatworktest.RoomID); len(first) != 19 || first == second || !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	r := parse[chatwork.Room](t, c.do(t, "GET", room, ""))
	if r.MessageNum != 2 || r.UnreadNum != 1 || r.LastUpdateTime != s.Now().Unix() {
		t.Errorf("the room is now %+v, want 2 messages of which the second is unread", r)
	}
}

// ids lists a room, which may be empty, and returns the ids.
func (c client) ids(t *testing.T, query string) (ids []string) {
	t.Helper()
	a := c.do(t, "GET", room+"/messages"+query, "")
	if a.Status == 204 && a.Body == "" {
		return nil
	}
	for _, m := range parse[[]chatwork.RoomMessage](t, a) {
		ids = append(ids, m.MessageID)
	}
	return ids
}

// by adds messages of an account, with the ids from to to, and returns the ids.
func by(s *chatworktest.Server, accountID int64, from, to int, body string) (ids []string) {
	for i := from; i <= to; i++ {
		m := chatworktest.Message{MessageID: strconv.Itoa(i), AccountID: accountID, Body: body}
		ids = append(ids, s.AddMessage(chatworktest.RoomID, m))
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
	s.AddToken("second", chatworktest.AccountID)
	wantIDs(t, "an empty room", c.ids(t, ""), nil)
	first := by(s, 0, 1, 3, "x")
	wantIDs(t, "force=1", c.ids(t, "?force=1"), first)
	wantIDs(t, "the first reading, which force=1 has not moved", c.ids(t, ""), first)
	wantIDs(t, "the second reading", c.ids(t, "?force=0"), nil)
	second := by(s, 0, 4, 5, "x")
	wantIDs(t, "what is new", c.ids(t, "?force=0"), second)
	wantIDs(t, "another token of the account", c.as("second").ids(t, ""), append(first, second...))
	wantIDs(t, "force=1 as often as one likes", c.ids(t, "?force=1"), append(first, second...))
	own := c.post(t, "body=mine")
	wantIDs(t, "one's own message", c.ids(t, ""), []string{own})
}

func TestThePlaceIsPerRoom(t *testing.T) {
	s, c := start(t)
	other := s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleAdmin}})
	by(s, 0, 1, 1, "x")
	s.AddMessage(other, chatworktest.Message{MessageID: "2", Body: "x"})
	wantIDs(t, "the one room", c.ids(t, ""), []string{"1"})
	if a := c.do(t, "GET", "/rooms/"+strconv.FormatInt(other, 10)+"/messages", ""); a.Status != 200 {
		t.Errorf("the other room: %d %s, want its message", a.Status, a.Body)
	}
}

func TestAListHas100Messages(t *testing.T) {
	s, c := start(t)
	all := by(s, 0, 1, 250, "x")
	wantIDs(t, "force=1", c.ids(t, "?force=1"), all[150:])
	wantIDs(t, "force=0", c.ids(t, ""), all[150:])
	wantIDs(t, "the others are lost to force=0", c.ids(t, ""), nil)
	next := by(s, 0, 251, 350, "x")
	wantIDs(t, "exactly 100 new ones", c.ids(t, ""), next)
}

func TestTheAccountsOwnMessagesCanBeEditedAndDeleted(t *testing.T) {
	s, c := start(t)
	s.Documented()
	id := c.post(t, "body=old")
	path, answer, sent := room+"/messages/"+id, `{"message_id":"`+id+`"}`, s.Now().Unix()
	check := func(body string, updated int64) {
		t.Helper()
		m := parse[chatwork.RoomMessage](t, c.do(t, "GET", path, ""))
		r := parse[chatwork.Room](t, c.do(t, "GET", room, ""))
		if m.Body != body || m.SendTime != sent || m.UpdateTime != updated || r.LastUpdateTime != updated {
			t.Errorf("the message is %+v in %+v", m, r)
		}
	}
	s.Advance(time.Minute)
	for range 20 { // edits do not count for the limit of the room
		c.do(t, "PUT", path, "body=new").want(t, 200, answer)
	}
	check("new", sent+60)
	s.Advance(time.Minute)
	c.do(t, "DELETE", path, "").want(t, 200, answer)
	check("[deleted]", sent+120)
	c.do(t, "DELETE", path, "").refused(t, 404, "Message not found")
	c.do(t, "PUT", path, "body=again").refused(t, 404, "Message not found")
	if got := s.Messages(chatworktest.RoomID); len(got) != 1 || !got[0].Deleted || got[0].Body != "new" {
		t.Errorf("the fake remembers %+v, want what was there when it was deleted", got)
	}
}

func TestTheMessagesOfOthersCannotBeChanged(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	s.AddMessage(chatworktest.RoomID, chatworktest.Message{MessageID: "5", AccountID: anna, Body: "hers"})
	const text = "You don't have permission to send/edit message."
	c.do(t, "PUT", room+"/messages/5", "body=mine").refused(t, 403, text)
	c.do(t, "DELETE", room+"/messages/5", "").refused(t, 403, text)
	if got := s.Messages(chatworktest.RoomID); got[0].Body != "hers" || got[0].Deleted {
		t.Errorf("now it is %+v", got[0])
	}
}

func TestAReadonlyMemberOnlyReads(t *testing.T) {
	s, c := start(t)
	path := shared(s) + "/messages"
	s.AddMessage(5, chatworktest.Message{MessageID: "5", AccountID: 456, Body: "from when she could", SelfUnread: true})
	const text = "You don't have permission to send/edit message."
	c = c.as("anna")
	c.do(t, "POST", path, "body=x").refused(t, 403, text)
	c.do(t, "PUT", path+"/5", "body=x").refused(t, 403, text)
	c.do(t, "DELETE", path+"/5", "").refused(t, 403, text)
	if a := c.do(t, "GET", path, ""); a.Status != 200 {
		t.Errorf("listing: %d %s, want 200", a.Status, a.Body)
	}
	c.do(t, "PUT", path+"/read", "").want(t, 200, `{"unread_num":0,"mention_num":0}`)
}

func TestUnknownMessagesAre404(t *testing.T) {
	s, c := start(t)
	other := s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleAdmin}})
	s.AddMessage(other, chatworktest.Message{MessageID: "5", Body: "elsewhere"})
	for _, id := range []string{"4", "5"} { // unknown, and in another room
		for _, a := range []answer{
			c.do(t, "GET", room+"/messages/"+id, ""),
			c.do(t, "PUT", room+"/messages/"+id, "body=x"),
			c.do(t, "DELETE", room+"/messages/"+id, ""),
			c.do(t, "PUT", room+"/messages/read", "message_id="+id),
			c.do(t, "PUT", room+"/messages/unread", "message_id="+id),
		} {
			a.refused(t, 404, "Message not found")
		}
	}
}

func TestMarkingWhatIsSoAlreadyIsRefused(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	const read, unread = "The messages are already read", "The messages are already unread"
	c.do(t, "PUT", room+"/messages/read", "").refused(t, 400, read) // an empty room
	by(s, anna, 1, 4, "x")
	c.do(t, "PUT", room+"/messages/unread", "message_id=1").refused(t, 400, unread)
	c.do(t, "PUT", room+"/messages/read", "message_id=2").want(t, 200, `{"unread_num":2,"mention_num":0}`)
	c.do(t, "PUT", room+"/messages/read", "message_id=2").refused(t, 400, read)
	c.do(t, "PUT", room+"/messages/read", "message_id=1").refused(t, 400, read)
	c.do(t, "PUT", room+"/messages/unread", "message_id=3").refused(t, 400, unread)
	c.do(t, "PUT", room+"/messages/unread", "message_id=2").want(t, 200, `{"unread_num":3,"mention_num":0}`)
	c.do(t, "PUT", room+"/messages/read", "").want(t, 200, `{"unread_num":0,"mention_num":0}`)
	c.do(t, "PUT", room+"/messages/read", "").refused(t, 400, read)
}

func TestListingDoesNotMarkAsRead(t *testing.T) {
	s, c := start(t)
	by(s, s.AddAccount(chatworktest.Account{}), 1, 2, "x")
	c.ids(t, "")
	c.ids(t, "?force=1")
	c.do(t, "PUT", room+"/messages/read", "message_id=1").want(t, 200, `{"unread_num":1,"mention_num":0}`)
}

func TestReadStateIsPerAccount(t *testing.T) {
	s, c := start(t)
	path := shared(s)
	c.do(t, "POST", path+"/messages", "body=quiet")
	c.do(t, "POST", path+"/messages", "body=loud&self_unread=1")
	check := func(token string, want int) {
		t.Helper()
		if got := parse[chatwork.Room](t, c.as(token).do(t, "GET", path, "")).UnreadNum; got != want {
			t.Errorf("%s has %d unread messages, want %d", token, got, want)
		}
	}
	check(c.token, 1)
	check("bob", 2)
	c.as("bob").do(t, "PUT", path+"/messages/read", "").want(t, 200, `{"unread_num":0,"mention_num":0}`)
	check("bob", 0)
	check(c.token, 1)
}

func TestUnreadMentionsAreCounted(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	for i, body := range []string{"hello", "[To:123] look", "[toall] look", "[rp aid=123 to=567890123-1] yes", "[To:9] not you", "［To:123］", "last"} {
		by(s, anna, i+1, i+1, body)
	}
	c.do(t, "PUT", room+"/messages/read", "message_id=1").want(t, 200, `{"unread_num":6,"mention_num":3}`)
	c.do(t, "PUT", room+"/messages/read", "message_id=3").want(t, 200, `{"unread_num":4,"mention_num":1}`)
}

func TestThePlanHidesWhatIsOld(t *testing.T) {
	s, c := start(t)
	s.HideOlderThan(40 * 24 * time.Hour)
	c.do(t, "GET", room+"/messages?force=1", "").want(t, 204, "")
	for id, days := range map[string]int{"1": 41, "2": 39} {
		s.AddMessage(chatworktest.RoomID, chatworktest.Message{MessageID: id, AccountID: chatworktest.AccountID, SendTime: s.Now().Add(-time.Duration(days) * 24 * time.Hour)})
	}
	limited := func(a answer, status int, want bool) {
		t.Helper()
		summary := a.Header.Get("chatwork-message-limitation-summary") != ""
		if got := a.Header.Get("chatwork-message-limitation"); a.Status != status || (got == "true") != want || !want && got != "" || summary != want {
			t.Errorf("got %d %s, limited %q, want %d, %v", a.Status, a.Body, got, status, want)
		}
	}
	limited(c.do(t, "GET", room+"/messages?force=1", ""), 200, true)
	limited(c.do(t, "GET", room+"/messages/1", ""), 404, true)
	limited(c.do(t, "GET", room+"/messages/2", ""), 200, false)
	limited(c.do(t, "GET", room+"/messages/3", ""), 404, false)
	s.Advance(2 * 24 * time.Hour)
	limited(c.do(t, "GET", room+"/messages", ""), 204, true)
	s.HideOlderThan(0)
	limited(c.do(t, "GET", room+"/messages?force=1", ""), 200, false)
}
