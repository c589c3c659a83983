package chatworktest_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

const roleAdmin, roleMember, roleReadonly = chatworktest.RoleAdmin, chatworktest.RoleMember, chatworktest.RoleReadonly

func TestMeIsThePublishedSample(t *testing.T) {
	_, c := start(t)
	c.do(t, "GET", "/me", "").want(t, 200, `{
		"account_id": 123, "room_id": 322, "name": "John Smith", "chatwork_id": "tarochatworkid",
		"organization_id": 101, "organization_name": "Hello Company", "department": "Marketing", "title": "CMO",
		"url": "http://mycompany.example.com", "introduction": "Self Introduction", "mail": "taro@example.com",
		"tel_organization": "XXX-XXXX-XXXX", "tel_extension": "YYY-YYYY-YYYY", "tel_mobile": "ZZZ-ZZZZ-ZZZZ",
		"skype": "myskype_id", "facebook": "myfacebook_id", "twitter": "mytwitter_id",
		"avatar_image_url": "https://example.com/abc.png", "login_mail": "account@example.com"}`)
}

func TestMeIsWhoseTokenItIs(t *testing.T) {
	s, c := start(t)
	s.SetToken("anna", s.AddAccount(chatworktest.Account{AccountID: 456, Name: "Anna"}))
	me := parse[map[string]any](t, c.as("anna").do(t, "GET", "/me", "").body)
	if me["account_id"] != 456.0 || me["name"] != "Anna" || me["chatwork_id"] != "" || len(me) != 19 {
		t.Errorf("got %v, want Anna, and all 19 members even if they are empty", me)
	}
	id, ok := me["room_id"].(float64)
	if !ok || id == 0 {
		t.Fatalf("the account has the room %v, want one of its own", me["room_id"])
	}
	mine := parse[map[string]any](t, c.as("anna").do(t, "GET", "/rooms/"+strconv.Itoa(int(id)), "").body)
	if mine["type"] != "my" || mine["role"] != "admin" {
		t.Errorf("the account's own room is %v", mine)
	}
}

func TestARoomIsThePublishedSample(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	s.AddRoom(chatworktest.Room{
		RoomID: 123, Name: "Group Chat Name", Description: "room description text",
		Members: map[int64]chatworktest.Role{chatworktest.AccountID: roleAdmin, anna: roleMember},
	})
	for i := range 122 {
		m := chatworktest.Message{MessageID: strconv.Itoa(i + 1), AccountID: anna, Body: "hello", SendTime: time.Unix(1298905200, 0)}
		if i == 120 {
			m.Body = "[To:123] hello"
		}
		s.AddMessage(123, m)
	}
	s.SetClock(func() time.Time { return time.Unix(1298905200, 0) })
	for i := range 17 {
		s.AddTask(123, chatworktest.Task{AccountID: anna, AssignedByAccountID: anna, Body: "x"})
		if i < 10 {
			s.AddFile(123, chatworktest.File{AccountID: anna, Filename: "x"})
		}
	}
	c.do(t, "PUT", "/rooms/123/messages/read", "message_id=112").want(t, 200, `{"unread_num":10,"mention_num":1}`)

	const sample = `"room_id": 123, "name": "Group Chat Name", "type": "group", "role": "admin", "sticky": false,
		"unread_num": 10, "mention_num": 1, "mytask_num": 0, "message_num": 122, "file_num": 10, "task_num": 17,
		"icon_path": "https://example.com/ico_group.png", "last_update_time": 1298905200`
	c.do(t, "GET", "/rooms/123", "").want(t, 200, "{"+sample+`, "description": "room description text"}`)
	rooms := parse[[]json.RawMessage](t, c.do(t, "GET", "/rooms", "").body)
	if len(rooms) != 3 || !sameJSON(t, string(rooms[2]), "{"+sample+"}") {
		t.Errorf("listed %s, want the sample, without its description, last", rooms)
	}
}

func TestTheListHasTheAccountsRooms(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	s.AddRoom(chatworktest.Room{Name: "not mine", Members: map[int64]chatworktest.Role{anna: roleAdmin}})
	s.AddRoom(chatworktest.Room{Name: "ours", Type: "direct", Members: map[int64]chatworktest.Role{anna: roleMember, chatworktest.AccountID: roleReadonly}})
	var got [][3]any
	for _, r := range parse[[]map[string]any](t, c.do(t, "GET", "/rooms", "").body) {
		got = append(got, [3]any{r["name"], r["type"], r["role"]})
	}
	want := [][3]any{{"My chat", "my", "admin"}, {"Group Chat Name", "group", "admin"}, {"ours", "direct", "readonly"}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRoomsOfOthersAreAsGoodAsUnknown(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	others := s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{anna: roleAdmin}})
	s.AddMessage(others, chatworktest.Message{MessageID: "5", AccountID: anna, Body: "secret"})
	const access, edit = "You don't have permission to access this room.", "You don't have permission to send/edit message."
	for _, id := range []string{strconv.FormatInt(others, 10), "1", "9999999999999999999"} {
		for _, test := range []struct{ method, path, form, text string }{
			{"GET", "", "", access},
			{"GET", "/messages", "", access},
			{"GET", "/messages/5", "", access},
			{"POST", "/messages", "body=x", edit},
			{"POST", "/messages", "", edit}, // before the parameters are looked at
			{"PUT", "/messages/read", "", edit},
			{"PUT", "/messages/unread", "message_id=5", edit},
			{"PUT", "/messages/5", "body=x", edit},
			{"DELETE", "/messages/5", "", edit},
		} {
			c.do(t, test.method, "/rooms/"+id+test.path, test.form).want(t, 403, refusal(test.text))
		}
	}
	if got := s.Messages(others); len(got) != 1 || got[0].Body != "secret" || got[0].Deleted {
		t.Errorf("the room of others now has %+v", got)
	}
}
