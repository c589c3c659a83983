package chatworktest_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestMeIsWhoseTokenItIs(t *testing.T) {
	s, c := start(t)
	s.AddToken("anna", s.AddAccount(chatworktest.Account{AccountID: 456, Name: "Anna"}))
	me := parse[chatwork.Me](t, c.as("anna").do(t, "GET", "/me", ""))
	if me.AccountID != 456 || me.Name != "Anna" || me.RoomID == 0 {
		t.Errorf("got %+v, want Anna with a room of her own", me)
	}
	mine := parse[chatwork.Room](t, c.as("anna").do(t, "GET", fmt.Sprint("/rooms/", me.RoomID), ""))
	if mine.Type != chatwork.RoomMy || mine.Role != chatwork.RoleAdmin {
		t.Errorf("the account's own room is %+v", mine)
	}
}

func TestTheListHasTheAccountsRooms(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	s.AddRoom(chatworktest.Room{Name: "not mine", Members: map[int64]chatworktest.Role{anna: chatworktest.RoleAdmin}})
	s.AddRoom(chatworktest.Room{Name: "ours", Type: "direct", Members: map[int64]chatworktest.Role{anna: chatworktest.RoleMember, chatworktest.AccountID: chatworktest.RoleReadonly}})
	var got []string
	for _, r := range parse[[]chatwork.Room](t, c.do(t, "GET", "/rooms", "")) {
		got = append(got, fmt.Sprint(r.Name, " ", r.Type, " ", r.Role))
	}
	if want := []string{"My chat my admin", "Group Chat Name group admin", "ours direct readonly"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRoomsOfOthersAreAsGoodAsUnknown(t *testing.T) {
	s, c := start(t)
	anna := s.AddAccount(chatworktest.Account{Name: "Anna"})
	others := s.AddRoom(chatworktest.Room{Members: map[int64]chatworktest.Role{anna: chatworktest.RoleAdmin}})
	s.AddMessage(others, chatworktest.Message{MessageID: "5", AccountID: anna, Body: "secret"})
	for _, id := range []string{strconv.FormatInt(others, 10), "1", "9999999999999999999"} {
		for _, test := range []struct{ method, path, form string }{
			{"GET", "", ""},
			{"GET", "/messages", ""},
			{"GET", "/messages/5", ""},
			{"POST", "/messages", ""}, // before the parameters are looked at
			{"PUT", "/messages/read", ""},
			{"PUT", "/messages/5", "body=x"},
			{"DELETE", "/messages/5", ""},
		} {
			c.do(t, test.method, "/rooms/"+id+test.path, test.form).refused(t, 403, "You don't have permission to access this room.")
		}
	}
	if got := s.Messages(others); len(got) != 1 || got[0].Body != "secret" || got[0].Deleted {
		t.Errorf("the room of others now has %+v", got)
	}
}

func TestARequestIsAnsweredOnce(t *testing.T) {
	s, c := start(t)
	c.do(t, "GET", "/contacts", "").want(t, 204, "")
	c.do(t, "GET", "/incoming_requests", "").want(t, 204, "")
	s.AddAccount(chatworktest.Account{AccountID: 363, Name: "Jiro"})
	s.AddIncomingRequest(0, chatworktest.IncomingRequest{RequestID: 123, AccountID: 363})
	contact := parse[chatwork.Contact](t, c.do(t, "PUT", "/incoming_requests/123", ""))
	if got := parse[[]chatwork.Contact](t, c.do(t, "GET", "/contacts", "")); len(got) != 1 || got[0] != contact || contact.AccountID != 363 {
		t.Errorf("the contacts are %+v after %+v", got, contact)
	}
	direct := parse[chatwork.Room](t, c.do(t, "GET", fmt.Sprint("/rooms/", contact.RoomID), ""))
	if direct.Type != chatwork.RoomDirect || direct.Name != "Jiro" {
		t.Errorf("the direct chat is %+v", direct)
	}
	s.AddIncomingRequest(0, chatworktest.IncomingRequest{RequestID: 124, AccountID: 363})
	c.do(t, "DELETE", "/incoming_requests/124", "").want(t, 204, "")
	c.do(t, "GET", "/incoming_requests", "").want(t, 204, "")
	c.do(t, "DELETE", "/incoming_requests/123", "").refused(t, 404, "Request not found")
}

func TestRequestsToOthersAreNotMine(t *testing.T) {
	s, c := start(t)
	s.AddIncomingRequest(363, chatworktest.IncomingRequest{RequestID: 5, AccountID: chatworktest.AccountID})
	c.do(t, "GET", "/incoming_requests", "").want(t, 204, "")
	c.do(t, "PUT", "/incoming_requests/5", "").refused(t, 404, "Request not found")
}

func TestMembersAreReplaced(t *testing.T) {
	s, c := start(t)
	path := shared(s)
	s.AddContact(chatworktest.AccountID, 542)
	c.do(t, "PUT", path+"/members", "members_admin_ids=123,542&members_member_ids=&members_readonly_ids=124").want(t, 200, `{"admin":[123,542],"member":[],"readonly":[124]}`)
	want := map[int64]chatworktest.Role{123: chatworktest.RoleAdmin, 542: chatworktest.RoleAdmin, 124: chatworktest.RoleReadonly}
	if got := s.Members(5); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestMembersAreRefused(t *testing.T) {
	s, c := start(t)
	path := shared(s)
	s.AddAccount(chatworktest.Account{AccountID: 999, Name: "stranger"})
	direct := "/rooms/" + strconv.FormatInt(s.AddContact(chatworktest.AccountID, 124), 10)
	const notAdmin, stranger = "You don't have permission to do this.", "An account is neither a contact nor of the same organization"
	for _, test := range []struct {
		name, token, path, form string
		status                  int
		text                    string
	}{
		{"no admin", chatworktest.Token, path, "members_member_ids=123", 400, "Parameter 'members_admin_ids' is required"},
		{"an empty list of admins", chatworktest.Token, path, "members_admin_ids=&members_member_ids=123", 400, "Parameter 'members_admin_ids' is required"},
		{"a list that is none", chatworktest.Token, path, "members_admin_ids=123&members_member_ids=124,", 400, "Parameter 'members_member_ids' must be a list of ids"},
		{"a stranger", chatworktest.Token, path, "members_admin_ids=123,999", 400, stranger},
		{"by a member", "bob", path, "members_admin_ids=124", 403, notAdmin},
		{"of a direct chat", chatworktest.Token, direct, "members_admin_ids=123", 400, "This room is not a group chat"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.as(test.token).do(t, "PUT", test.path+"/members", test.form).refused(t, test.status, test.text)
		})
	}
	if len(s.Members(5)) != 3 {
		t.Errorf("refused requests left %v", s.Members(5))
	}
	c.do(t, "POST", "/rooms", "name=x&members_admin_ids=999").refused(t, 400, stranger)
	s.AddContact(chatworktest.AccountID, 999)
	if a := c.do(t, "POST", "/rooms", "name=x&members_admin_ids=999"); a.Status != 200 {
		t.Errorf("a contact: %d %s", a.Status, a.Body)
	}
}

func TestRoomsAreCreatedChangedAndDeleted(t *testing.T) {
	s, c := start(t)
	shared(s)
	a := c.do(t, "POST", "/rooms", "name=Website+renewal&description=group+chat&icon_preset=meeting"+
		"&members_admin_ids=123&members_member_ids=124&members_readonly_ids=456&link=1&link_code=a-1&link_need_acceptance=0")
	id := strconv.Itoa(int(parse[map[string]float64](t, a)["room_id"]))
	path := "/rooms/" + id
	check := func(description, icon string) {
		t.Helper()
		r := parse[chatwork.Room](t, c.do(t, "GET", path, ""))
		if r.Name != "Website renewal" || r.Description != description || r.IconPath != "https://example.com/ico_"+icon+".png" || r.Role != chatwork.RoleAdmin {
			t.Errorf("the room is %+v", r)
		}
	}
	check("group chat", "meeting")
	c.do(t, "GET", path+"/link", "").want(t, 200, `{"public":true,"url":"https://example.chatwork.com/g/a-1","need_acceptance":false,"description":""}`)
	c.do(t, "PUT", path, "").refused(t, 400, "No parameter is given")
	c.as("anna").do(t, "PUT", path, "name=x").refused(t, 403, "You don't have permission to send/edit message.")
	c.do(t, "PUT", path, "description=&icon_preset=beer").want(t, 200, `{"room_id":`+id+`}`)
	check("", "beer")
	c.do(t, "DELETE", path, "").refused(t, 400, "Parameter 'action_type' is required")
	c.as("bob").do(t, "DELETE", path, "action_type=delete").refused(t, 403, "You don't have permission to do this.")
	c.as("bob").do(t, "DELETE", path+"?action_type=leave", "").want(t, 204, "") // where the RAML definition has it
	c.as("bob").do(t, "GET", path, "").refused(t, 403, "You don't have permission to access this room.")
	c.do(t, "DELETE", path, "action_type=delete").want(t, 204, "")
	c.do(t, "GET", path, "").refused(t, 403, "You don't have permission to access this room.")
	c.do(t, "DELETE", "/rooms/322", "action_type=leave").refused(t, 400, "This room is not a group chat")
}

func TestWhoLeavesTakesTasksAndFilesAlong(t *testing.T) {
	s, c := start(t)
	path := shared(s)
	for _, id := range []int64{123, 124} {
		s.AddTask(5, chatworktest.Task{AccountID: id, AssignedByAccountID: 124, Body: "x"})
		s.AddFile(5, chatworktest.File{AccountID: id, Filename: "x"})
	}
	c.do(t, "DELETE", path, "action_type=leave").want(t, 204, "")
	if tasks, files := s.Tasks(5), s.Files(5); len(tasks) != 1 || tasks[0].AccountID != 124 || len(files) != 1 || files[0].AccountID != 124 {
		t.Errorf("left are %+v and %+v", tasks, files)
	}
}

func TestRoomParametersAreChecked(t *testing.T) {
	_, c := start(t)
	for form, text := range map[string]string{
		"members_admin_ids=123": "Parameter 'name' is required",
		"name=x":                "Parameter 'members_admin_ids' is required",
		"name=x&members_admin_ids=123&icon_preset=mug":          "Parameter 'icon_preset' must be one of group, check, document, meeting, event, project, business, study, security, star, idea, heart, magcup, beer, music, sports, travel",
		"name=x&members_admin_ids=123&link=true":                "Parameter 'link' must be 0 or 1",
		"name=x&members_admin_ids=123&link_code=a+b":            "Parameter 'link_code' must have 1 to 50 of A-Z, a-z, 0-9, _ and -",
		"name=x&members_admin_ids=123&link_need_acceptance=yes": "Parameter 'link_need_acceptance' must be 0 or 1",
	} {
		c.do(t, "POST", "/rooms", form).refused(t, 400, text)
	}
	for n, status := range map[int]int{255: 200, 256: 400} {
		if a := c.do(t, "PUT", room, "name="+strings.Repeat("%E9%AF%96", n)); a.Status != status {
			t.Errorf("%d characters: %d %s", n, a.Status, a.Body)
		}
	}
}

func TestARoomHasOneLink(t *testing.T) {
	s, c := start(t)
	path := room + "/link"
	c.do(t, "PUT", path, "").refused(t, 400, "The link is disabled")
	c.do(t, "DELETE", path, "").refused(t, 400, "The link is disabled")
	const created = `{"public":true,"url":"https://example.chatwork.com/g/a","need_acceptance":false,"description":"topic A"}`
	c.do(t, "POST", path, "code=a&need_acceptance=0&description=topic+A").want(t, 200, created)
	c.do(t, "GET", path, "").want(t, 200, created)
	c.do(t, "POST", path, "").refused(t, 400, "The link already exists")
	l := parse[chatwork.Link](t, c.do(t, "PUT", path, ""))
	if !l.Public || l.URL == "https://example.chatwork.com/g/a" || !l.NeedAcceptance || l.Description != "" {
		t.Errorf("replaced by %+v, want a new code and the defaults", l)
	}
	c.do(t, "DELETE", path, "").want(t, 200, `{"public":false}`)
	c.do(t, "GET", path, "").want(t, 200, `{"public":false}`)
	shared(s)
	c.as("bob").do(t, "DELETE", "/rooms/5/link", "").refused(t, 403, "You don't have permission to do this.")
}

func TestOnlyAGroupChatHasANameAndALink(t *testing.T) {
	s, c := start(t)
	shared(s)
	direct := "/rooms/" + strconv.FormatInt(s.AddContact(chatworktest.AccountID, 124), 10)
	for _, path := range []string{direct, "/rooms/322"} {
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			c.do(t, method, path+"/link", "").refused(t, 400, "This room is not a group chat")
		}
		c.do(t, "PUT", path, "name=x").refused(t, 400, "This room is not a group chat")
	}
	c.as("bob").do(t, "POST", "/rooms/5/link", "").refused(t, 403, "You don't have permission to do this.")
	// A contact of a contact is not a contact.
	s.AddContact(124, 456)
	contacts := parse[[]map[string]any](t, c.do(t, "GET", "/contacts", ""))
	if len(contacts) != 1 || contacts[0]["name"] != "Bob" {
		t.Errorf("the contacts are %v", contacts)
	}
}
