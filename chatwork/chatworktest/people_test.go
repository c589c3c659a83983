package chatworktest_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

const john = `"name": "John Smith", "chatwork_id": "tarochatworkid", "organization_id": 101,
	"organization_name": "Hello Company", "department": "Marketing", "avatar_image_url": "https://example.com/abc.png"`

// namesake adds an account that looks like that of the samples.
func namesake(s *chatworktest.Server, id int64) {
	s.AddAccount(chatworktest.Account{
		AccountID: id, Name: "John Smith", ChatworkID: "tarochatworkid", OrganizationID: 101, OrganizationName: "Hello Company",
		Department: "Marketing", AvatarImageURL: "https://example.com/abc.png",
	})
}

func TestContactsAndRequestsAreThePublishedSamples(t *testing.T) {
	s, c := start(t)
	namesake(s, 363)
	c.do(t, "GET", "/contacts", "").want(t, 204, "")
	c.do(t, "GET", "/incoming_requests", "").want(t, 204, "")
	s.AddIncomingRequest(chatworktest.AccountID, chatworktest.IncomingRequest{RequestID: 123, AccountID: 363, Message: "hogehoge"})
	c.do(t, "GET", "/incoming_requests", "").want(t, 200, `[{"request_id": 123, "account_id": 363, "message": "hogehoge", `+john+`}]`)
	a := c.do(t, "PUT", "/incoming_requests/123", "")
	id := strconv.Itoa(int(parse[map[string]any](t, a.body)["room_id"].(float64)))
	a.want(t, 200, `{"account_id": 363, "room_id": `+id+`, `+john+`}`)
	c.do(t, "GET", "/contacts", "").want(t, 200, `[{"account_id": 363, "room_id": `+id+`, `+john+`}]`)
	c.do(t, "GET", "/incoming_requests", "").want(t, 204, "")
	c.do(t, "DELETE", "/incoming_requests/123", "").want(t, 404, refusal("Request not found"))
	direct := parse[map[string]any](t, c.do(t, "GET", "/rooms/"+id, "").body)
	if direct["type"] != "direct" || direct["name"] != "John Smith" {
		t.Errorf("the direct chat is %v", direct)
	}
	s.AddIncomingRequest(chatworktest.AccountID, chatworktest.IncomingRequest{RequestID: 124, AccountID: 363})
	c.do(t, "DELETE", "/incoming_requests/124", "").want(t, 204, "")
	c.do(t, "GET", "/incoming_requests", "").want(t, 204, "")
}

func TestRequestsToOthersAreNotMine(t *testing.T) {
	s, c := start(t)
	namesake(s, 363)
	s.AddIncomingRequest(363, chatworktest.IncomingRequest{RequestID: 5, AccountID: chatworktest.AccountID})
	c.do(t, "GET", "/incoming_requests", "").want(t, 204, "")
	c.do(t, "PUT", "/incoming_requests/5", "").want(t, 404, refusal("Request not found"))
}

func TestMembersAreListedAndReplaced(t *testing.T) {
	s, c := start(t)
	path := shared(s)
	namesake(s, 542)
	list := parse[[]map[string]any](t, c.do(t, "GET", path+"/members", "").body)
	if len(list) != 3 || list[0]["role"] != "admin" || list[1]["name"] != "Bob" || list[2]["role"] != "readonly" || len(list[0]) != 8 {
		t.Errorf("got %v", list)
	}
	c.do(t, "PUT", path+"/members", "members_admin_ids=123,542&members_readonly_ids=124").want(t, 200, `{"admin":[123,542],"member":[],"readonly":[124]}`)
	if got := s.Members(5); !maps.Equal(got, map[int64]chatworktest.Role{123: roleAdmin, 542: roleAdmin, 124: roleReadonly}) {
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
		{"an empty list", chatworktest.Token, path, "members_admin_ids=123&members_member_ids=", 400, "Parameter 'members_member_ids' must be a list of ids"},
		{"somebody twice", chatworktest.Token, path, "members_admin_ids=123&members_member_ids=123", 400, "An account is given twice"},
		{"a stranger", chatworktest.Token, path, "members_admin_ids=123,999", 400, stranger},
		{"by a member", "bob", path, "members_admin_ids=124", 403, notAdmin},
		{"of a direct chat", chatworktest.Token, direct, "members_admin_ids=123", 400, "This room is not a group chat"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.as(test.token).do(t, "PUT", test.path+"/members", test.form).want(t, test.status, refusal(test.text))
		})
	}
	if len(s.Members(5)) != 3 {
		t.Errorf("refused requests left %v", s.Members(5))
	}
	c.do(t, "POST", "/rooms", "name=x&members_admin_ids=999").want(t, 400, refusal(stranger))
	s.AddContact(chatworktest.AccountID, 999)
	if a := c.do(t, "POST", "/rooms", "name=x&members_admin_ids=999"); a.status != 200 {
		t.Errorf("a contact: %d %s", a.status, a.body)
	}
}

func TestRoomsAreCreatedChangedAndDeleted(t *testing.T) {
	s, c := start(t)
	shared(s)
	a := c.do(t, "POST", "/rooms", "name=Website+renewal+project&description=group+chat+description&icon_preset=meeting"+
		"&members_admin_ids=123&members_member_ids=124&members_readonly_ids=456&link=1&link_code=a-1&link_need_acceptance=0")
	id := strconv.Itoa(int(parse[map[string]float64](t, a.body)["room_id"]))
	a.want(t, 200, `{"room_id":`+id+`}`)
	path := "/rooms/" + id
	r := parse[map[string]any](t, c.do(t, "GET", path, "").body)
	if r["name"] != "Website renewal project" || r["description"] != "group chat description" || r["icon_path"] != "https://example.com/ico_meeting.png" || r["role"] != "admin" {
		t.Errorf("created %v", r)
	}
	c.do(t, "GET", path+"/link", "").want(t, 200, `{"public":true,"url":"https://example.chatwork.com/g/a-1","need_acceptance":false,"description":""}`)
	c.do(t, "PUT", path, "").want(t, 400, refusal("No parameter is given"))
	c.as("anna").do(t, "PUT", path, "name=x").want(t, 403, refusal("You don't have permission to send/edit message."))
	c.do(t, "PUT", path, "description=&icon_preset=beer").want(t, 200, `{"room_id":`+id+`}`)
	r = parse[map[string]any](t, c.do(t, "GET", path, "").body)
	if r["name"] != "Website renewal project" || r["description"] != "" || r["icon_path"] != "https://example.com/ico_beer.png" {
		t.Errorf("changed to %v", r)
	}
	c.do(t, "DELETE", path, "").want(t, 400, refusal("Parameter 'action_type' is required"))
	c.do(t, "DELETE", path+"?action_type=delete", "").want(t, 400, refusal("Parameter 'action_type' is required"))
	c.as("bob").do(t, "DELETE", path, "action_type=delete").want(t, 403, refusal("You don't have permission to do this."))
	c.as("bob").do(t, "DELETE", path, "action_type=leave").want(t, 204, "")
	c.as("bob").do(t, "GET", path, "").want(t, 403, refusal("You don't have permission to access this room."))
	c.do(t, "DELETE", path, "action_type=delete").want(t, 204, "")
	c.do(t, "GET", path, "").want(t, 403, refusal("You don't have permission to access this room."))
	c.do(t, "DELETE", "/rooms/322", "action_type=leave").want(t, 400, refusal("This room is not a group chat"))
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
		c.do(t, "POST", "/rooms", form).want(t, 400, refusal(text))
	}
	for n, status := range map[int]int{255: 200, 256: 400} {
		if a := c.do(t, "PUT", room, "name="+strings.Repeat("%E9%AF%96", n)); a.status != status {
			t.Errorf("%d characters: %d %s", n, a.status, a.body)
		}
	}
}

func TestLinksAreThePublishedSamples(t *testing.T) {
	s, c := start(t)
	path := room + "/link"
	c.do(t, "GET", path, "").want(t, 200, `{"public":false}`)
	c.do(t, "PUT", path, "").want(t, 400, refusal("The link is disabled"))
	c.do(t, "DELETE", path, "").want(t, 400, refusal("The link is disabled"))
	const created = `{"public":true,"url":"https://example.chatwork.com/g/unique-link-name","need_acceptance":true,"description":"This is a public room for topic A."}`
	c.do(t, "POST", path, "code=unique-link-name&description=This+is+a+public+room+for+topic+A.").want(t, 200, created)
	c.do(t, "GET", path, "").want(t, 200, created)
	c.do(t, "POST", path, "").want(t, 400, refusal("The link already exists"))
	c.do(t, "PUT", path, "code=another_link_name&need_acceptance=0&description=Public+room+for+everybody").want(t, 200,
		`{"public":true,"url":"https://example.chatwork.com/g/another_link_name","need_acceptance":false,"description":"Public room for everybody"}`)
	l := parse[map[string]any](t, c.do(t, "PUT", path, "").body)
	if l["url"] == "https://example.chatwork.com/g/another_link_name" || l["need_acceptance"] != true {
		t.Errorf("replaced by %v, want a new code and the default", l)
	}
	c.do(t, "DELETE", path, "").want(t, 200, `{"public":false}`)
	shared(s)
	c.do(t, "POST", "/rooms/5/link", "code=a").want(t, 200, `{"public":true,"url":"https://example.chatwork.com/g/a","need_acceptance":true,"description":""}`)
	c.do(t, "POST", path, "code=a").want(t, 400, refusal("The code is already used"))
	c.as("bob").do(t, "DELETE", "/rooms/5/link", "").want(t, 403, refusal("You don't have permission to do this."))
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
		summary := a.header.Get("chatwork-message-limitation-summary") != ""
		if got := a.header.Get("chatwork-message-limitation"); a.status != status || (got == "true") != want || !want && got != "" || summary != want {
			t.Errorf("got %d %s, limited %q, want %d, %v", a.status, a.body, got, status, want)
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
