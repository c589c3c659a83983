package chatworktest_test

import (
	"strconv"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

// by adds messages of another account, with the ids from to to.
func by(s *chatworktest.Server, accountID int64, from, to int, body string) {
	for i := from; i <= to; i++ {
		s.AddMessage(chatworktest.RoomID, chatworktest.Message{MessageID: strconv.Itoa(i), AccountID: accountID, Body: body})
	}
}

func TestReadAndUnreadAreThePublishedSamples(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	by(s, anna, 1, 101+461, "x")
	c.do(t, "PUT", room+"/messages/read", "message_id=101").want(t, 200, `{"unread_num":461,"mention_num":0}`)
	c.do(t, "PUT", room+"/messages/read", "").want(t, 200, `{"unread_num":0,"mention_num":0}`)
	c.do(t, "PUT", room+"/messages/unread", "message_id=560").want(t, 200, `{"unread_num":3,"mention_num":0}`)
}

func TestMarkingWhatIsSoAlreadyIsRefused(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	const read, unread = "The messages are already read", "The messages are already unread"
	c.do(t, "PUT", room+"/messages/read", "").want(t, 400, refusal(read)) // an empty room
	by(s, anna, 1, 4, "x")
	c.do(t, "PUT", room+"/messages/unread", "message_id=1").want(t, 400, refusal(unread))
	c.do(t, "PUT", room+"/messages/read", "message_id=2").want(t, 200, `{"unread_num":2,"mention_num":0}`)
	c.do(t, "PUT", room+"/messages/read", "message_id=2").want(t, 400, refusal(read))
	c.do(t, "PUT", room+"/messages/read", "message_id=1").want(t, 400, refusal(read))
	c.do(t, "PUT", room+"/messages/unread", "message_id=3").want(t, 400, refusal(unread))
	c.do(t, "PUT", room+"/messages/unread", "message_id=2").want(t, 200, `{"unread_num":3,"mention_num":0}`)
	c.do(t, "PUT", room+"/messages/read", "").want(t, 200, `{"unread_num":0,"mention_num":0}`)
	c.do(t, "PUT", room+"/messages/read", "").want(t, 400, refusal(read))
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
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	s.SetToken("anna", anna)
	id := s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{chatworktest.AccountID: roleAdmin, anna: roleMember}})
	path := "/rooms/" + strconv.FormatInt(id, 10)
	c.do(t, "POST", path+"/messages", "body=quiet")
	c.do(t, "POST", path+"/messages", "body=loud&self_unread=1")
	for token, want := range map[string]float64{chatworktest.Token: 1, "anna": 2} {
		if got := parse[map[string]any](t, c.as(token).do(t, "GET", path, "").body)["unread_num"]; got != want {
			t.Errorf("%s has %v unread messages, want %v", token, got, want)
		}
	}
	c.as("anna").do(t, "PUT", path+"/messages/read", "").want(t, 200, `{"unread_num":0,"mention_num":0}`)
	if got := parse[map[string]any](t, c.do(t, "GET", path, "").body)["unread_num"]; got != 1.0 {
		t.Errorf("after Anna has read, the other has %v unread messages, want 1", got)
	}
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
