package chatwork_test

import (
	"context"
	"errors"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// What the fake of the operations has besides what every fake has: a room with Bob and Anna, and what they have done there.
const (
	full            = 5
	bob, anna       = 124, 456
	message         = "119629631860408724" // too long for a float64
	task, file, ask = 139296044, 3, 7
)

// prepared returns a client of such a fake, whose room [chatworktest.RoomID] has a link.
func prepared(t *testing.T, configure ...func(*chatwork.ClientConfig)) (*chatworktest.Server, *chatwork.Client) {
	t.Helper()
	fake, c := connect(t, configure...)
	for id, name := range map[int64]string{bob: "Bob", anna: "Anna", 363: "Jiro"} {
		fake.AddAccount(chatworktest.Account{AccountID: id, Name: name, OrganizationID: 101})
	}
	fake.AddContact(chatworktest.AccountID, anna)
	fake.AddIncomingRequest(chatworktest.AccountID, chatworktest.IncomingRequest{RequestID: ask, AccountID: 363, Message: "hogehoge"})
	fake.AddRoom(chatworktest.Room{RoomID: full, Name: "Group Chat Name", Description: "room description text", Members: map[int64]chatworktest.Role{
		chatworktest.AccountID: chatworktest.RoleAdmin, bob: chatworktest.RoleMember, anna: chatworktest.RoleReadonly,
	}})
	fake.AddMessage(full, chatworktest.Message{MessageID: message, Body: "Hello Chatwork!"})
	fake.AddMessage(full, chatworktest.Message{MessageID: "119629631860408725", AccountID: bob, Body: "[To:123] hello"})
	fake.AddTask(full, chatworktest.Task{TaskID: task, AccountID: bob, AssignedByAccountID: anna, MessageID: "13", Body: "buy milk", LimitTime: 1384354799, LimitType: "date"})
	fake.AddTask(full, chatworktest.Task{AssignedByAccountID: bob, Body: "sell it"})
	fake.AddFile(full, chatworktest.File{FileID: file, AccountID: bob, MessageID: "22", Filename: "README.md", Content: []byte("# Hello")})
	if _, err := c.CreateLink(t.Context(), chatworktest.RoomID, chatwork.LinkParams{Code: "first"}); err != nil {
		t.Fatal(err)
	}
	return fake, c
}

// An answerKind is what an operation answers with.
type answerKind int

const (
	nothing answerKind = iota
	items              // a list
	thing              // something that has an id
	state              // something without an id
)

// An operation is one row of the API's reference.
type operation struct {
	row    string // as in the package's documentation: method and path
	method string // of Client
	repeat string
	answer answerKind
	call   func(context.Context, *chatwork.Client) (any, error)

	request string // method, path and query, with the ids
	form    string // "-" for no body
	want    string // the answer as JSON, in which * stands for anything; "" if there is none
}

func none(err error) (any, error) { return nil, err }

var no = false

var operations = []operation{
	{
		"GET /me", "GetMe", "Replay", thing, func(ctx context.Context, c *chatwork.Client) (any, error) { return c.GetMe(ctx) },
		"GET /v2/me", "-", `{"account_id":123,"room_id":322,"name":"John Smith",*"login_mail":"account@example.com"}`,
	},
	{
		"GET /my/status", "GetMyStatus", "Replay", state, func(ctx context.Context, c *chatwork.Client) (any, error) { return c.GetMyStatus(ctx) },
		"GET /v2/my/status", "-", `{"unread_room_num":1,"mention_room_num":1,"mytask_room_num":1,"unread_num":1,"mention_num":1,"mytask_num":1}`,
	},
	{
		"GET /my/tasks", "ListMyTasks", "Replay", items, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.ListMyTasks(ctx, chatwork.MyTasksParams{AssignedByAccountID: bob, Status: chatwork.TaskOpen})
		},
		"GET /v2/my/tasks?assigned_by_account_id=124&status=open", "-",
		`[{*"room":{"room_id":5,"name":"Group Chat Name","icon_path":"https://example.com/ico_group.png"},*"body":"sell it","limit_time":0,"status":"open","limit_type":"none"}]`,
	},
	{
		"GET /contacts", "ListContacts", "Replay", items, func(ctx context.Context, c *chatwork.Client) (any, error) { return c.ListContacts(ctx) },
		"GET /v2/contacts", "-", `[{"account_id":456,"room_id":*"name":"Anna",*}]`,
	},
	{
		"GET /incoming_requests", "ListIncomingRequests", "Replay", items, func(ctx context.Context, c *chatwork.Client) (any, error) { return c.ListIncomingRequests(ctx) },
		"GET /v2/incoming_requests", "-", `[{"request_id":7,"account_id":363,"message":"hogehoge","name":"Jiro","chatwork_id":"","organization_id":101,*}]`,
	},
	{
		"PUT /incoming_requests/{request_id}", "ApproveIncomingRequest", "Replay", thing,
		func(ctx context.Context, c *chatwork.Client) (any, error) { return c.ApproveIncomingRequest(ctx, ask) },
		"PUT /v2/incoming_requests/7", "-", `{"account_id":363,"room_id":*"name":"Jiro",*}`,
	},
	{
		"DELETE /incoming_requests/{request_id}", "DeclineIncomingRequest", "Replay", nothing,
		func(ctx context.Context, c *chatwork.Client) (any, error) {
			return none(c.DeclineIncomingRequest(ctx, ask))
		},
		"DELETE /v2/incoming_requests/7", "-", "",
	},
	{
		"GET /rooms", "ListRooms", "Replay", items, func(ctx context.Context, c *chatwork.Client) (any, error) { return c.ListRooms(ctx) },
		"GET /v2/rooms", "-", `[*{"room_id":5,"name":"Group Chat Name","type":"group","role":"admin","sticky":false,"unread_num":1,"mention_num":1,` +
			`"mytask_num":1,"message_num":2,"file_num":1,"task_num":2,"icon_path":"https://example.com/ico_group.png","last_update_time":*}]`,
	},
	{
		"POST /rooms", "CreateRoom", "Once", thing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.CreateRoom(ctx, chatwork.CreateRoomParams{
				Name: "Website renewal project", Description: "a & b", IconPreset: "meeting",
				MembersAdminIDs: []int64{123, 124}, MembersMemberIDs: []int64{456}, Link: true, LinkCode: "a_b-1", LinkNeedAcceptance: &no,
			})
		},
		"POST /v2/rooms", "description=a+%26+b&icon_preset=meeting&link=1&link_code=a_b-1&link_need_acceptance=0" +
			"&members_admin_ids=123%2C124&members_member_ids=456&name=Website+renewal+project", "*",
	},
	{
		"GET /rooms/{room_id}", "GetRoom", "Replay", thing, func(ctx context.Context, c *chatwork.Client) (any, error) { return c.GetRoom(ctx, full) },
		"GET /v2/rooms/5", "-", `{"room_id":5,*"description":"room description text"}`,
	},
	{
		"PUT /rooms/{room_id}", "UpdateRoom", "Replay", thing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return none(c.UpdateRoom(ctx, full, chatwork.UpdateRoomParams{Name: "障害", Description: new(string)}))
		},
		"PUT /v2/rooms/5", "description=&name=%E9%9A%9C%E5%AE%B3", "",
	},
	{
		"DELETE /rooms/{room_id}", "DeleteRoom", "Replay", nothing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return none(c.DeleteRoom(ctx, full, chatwork.LeaveRoom))
		},
		"DELETE /v2/rooms/5", "action_type=leave", "",
	},
	{
		"GET /rooms/{room_id}/members", "ListMembers", "Replay", items, func(ctx context.Context, c *chatwork.Client) (any, error) { return c.ListMembers(ctx, full) },
		"GET /v2/rooms/5/members", "-", `[{"account_id":123,"role":"admin","name":"John Smith",*},{"account_id":124,"role":"member",*},{"account_id":456,"role":"readonly",*}]`,
	},
	{
		"PUT /rooms/{room_id}/members", "UpdateMembers", "Replay", thing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.UpdateMembers(ctx, full, chatwork.UpdateMembersParams{MembersAdminIDs: []int64{123, 456}, MembersReadonlyIDs: []int64{124}})
		},
		"PUT /v2/rooms/5/members", "members_admin_ids=123%2C456&members_readonly_ids=124", `{"admin":[123,456],"member":[],"readonly":[124]}`,
	},
	{
		"GET /rooms/{room_id}/messages?force=1", "LatestMessages", "Replay", items,
		func(ctx context.Context, c *chatwork.Client) (any, error) { return c.LatestMessages(ctx, full) },
		"GET /v2/rooms/5/messages?force=1", "-", `{"Messages":[{"message_id":"119629631860408724",*"body":"Hello Chatwork!",*},{"message_id":"119629631860408725",*}],"Limited":false,*}`,
	},
	{
		"GET /rooms/{room_id}/messages?force=0", "NewMessages", "Once", items,
		func(ctx context.Context, c *chatwork.Client) (any, error) { return c.NewMessages(ctx, full) },
		"GET /v2/rooms/5/messages?force=0", "-", `{"Messages":[{"message_id":"119629631860408724",*"body":"Hello Chatwork!",*},{"message_id":"119629631860408725",*}],"Limited":false,*}`,
	},
	{
		"POST /rooms/{room_id}/messages", "PostMessage", "Message", thing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.PostMessage(ctx, full, chatwork.PostMessageParams{Body: "Hello Chatwork!", SelfUnread: true})
		},
		"POST /v2/rooms/5/messages", "body=Hello+Chatwork%21&self_unread=1", `"*"`,
	},
	{
		"PUT /rooms/{room_id}/messages/read", "MarkRead", "Replay", state,
		func(ctx context.Context, c *chatwork.Client) (any, error) { return c.MarkRead(ctx, full, "") },
		"PUT /v2/rooms/5/messages/read", "-", `{"unread_num":0,"mention_num":0}`,
	},
	{
		"PUT /rooms/{room_id}/messages/unread", "MarkUnread", "Replay", state,
		func(ctx context.Context, c *chatwork.Client) (any, error) { return c.MarkUnread(ctx, full, message) },
		"PUT /v2/rooms/5/messages/unread", "message_id=119629631860408724", `{"unread_num":2,"mention_num":1}`,
	},
	{
		"GET /rooms/{room_id}/messages/{message_id}", "GetMessage", "Replay", thing,
		func(ctx context.Context, c *chatwork.Client) (any, error) { return c.GetMessage(ctx, full, message) },
		"GET /v2/rooms/5/messages/119629631860408724", "-", `{"message_id":"119629631860408724","account":{"account_id":123,*},"body":"Hello Chatwork!","send_time":*,"update_time":0}`,
	},
	{
		"PUT /rooms/{room_id}/messages/{message_id}", "UpdateMessage", "Replay", thing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return none(c.UpdateMessage(ctx, full, message, "a+b"))
		},
		"PUT /v2/rooms/5/messages/119629631860408724", "body=a%2Bb", "",
	},
	{
		"DELETE /rooms/{room_id}/messages/{message_id}", "DeleteMessage", "Replay", nothing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return none(c.DeleteMessage(ctx, full, message))
		},
		"DELETE /v2/rooms/5/messages/119629631860408724", "-", "",
	},
	{
		"GET /rooms/{room_id}/tasks", "ListTasks", "Replay", items, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.ListTasks(ctx, full, chatwork.TasksParams{AccountID: bob, AssignedByAccountID: anna, Status: chatwork.TaskOpen})
		},
		"GET /v2/rooms/5/tasks?account_id=124&assigned_by_account_id=456&status=open", "-", `[{"task_id":139296044,"account":{"account_id":124,*},` +
			`"assigned_by_account":{"account_id":456,*},"message_id":"13","body":"buy milk","limit_time":1384354799,"status":"open","limit_type":"date"}]`,
	},
	{
		"POST /rooms/{room_id}/tasks", "CreateTask", "Once", thing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.CreateTask(ctx, full, chatwork.CreateTaskParams{Body: "Buy milk", ToIDs: []int64{123, 124}, Limit: 1385996399, LimitType: chatwork.LimitTime})
		},
		"POST /v2/rooms/5/tasks", "body=Buy+milk&limit=1385996399&limit_type=time&to_ids=123%2C124", `[*,*]`,
	},
	{
		"GET /rooms/{room_id}/tasks/{task_id}", "GetTask", "Replay", thing,
		func(ctx context.Context, c *chatwork.Client) (any, error) { return c.GetTask(ctx, full, task) },
		"GET /v2/rooms/5/tasks/139296044", "-", `{"task_id":139296044,*"body":"buy milk",*}`,
	},
	{
		"PUT /rooms/{room_id}/tasks/{task_id}/status", "UpdateTaskStatus", "Replay", thing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return none(c.UpdateTaskStatus(ctx, full, task, chatwork.TaskDone))
		},
		"PUT /v2/rooms/5/tasks/139296044/status", "body=done", "",
	},
	{
		"GET /rooms/{room_id}/files", "ListFiles", "Replay", items, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.ListFiles(ctx, full, chatwork.FilesParams{AccountID: bob})
		},
		"GET /v2/rooms/5/files?account_id=124", "-", `[{"file_id":3,"account":{"account_id":124,*},"message_id":"22","filename":"README.md","filesize":7,"upload_time":*}]`,
	},
	{
		"POST /rooms/{room_id}/files", "UploadFile", "Once", thing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.UploadFile(ctx, full, chatwork.Upload{Filename: "example.jpeg", Content: strings.NewReader("x"), Message: "I attached comment to chat."})
		},
		"POST /v2/rooms/5/files", "*", "*",
	},
	{
		"GET /rooms/{room_id}/files/{file_id}", "GetFile", "Replay", thing, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.GetFile(ctx, full, file, chatwork.GetFileParams{CreateDownloadURL: true})
		},
		"GET /v2/rooms/5/files/3?create_download_url=1", "-", `{"file_id":3,*"download_url":"http*"}`,
	},
	{
		"GET /rooms/{room_id}/link", "GetLink", "Replay", state, func(ctx context.Context, c *chatwork.Client) (any, error) { return c.GetLink(ctx, full) },
		"GET /v2/rooms/5/link", "-", `{"public":false,*}`,
	},
	{
		"POST /rooms/{room_id}/link", "CreateLink", "Once", state, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.CreateLink(ctx, full, chatwork.LinkParams{Code: "unique-link-name", NeedAcceptance: &no, Description: "public"})
		},
		"POST /v2/rooms/5/link", "code=unique-link-name&description=public&need_acceptance=0",
		`{"public":true,"url":"https://example.chatwork.com/g/unique-link-name","need_acceptance":false,"description":"public"}`,
	},
	{
		"PUT /rooms/{room_id}/link", "UpdateLink", "Replay", state, func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.UpdateLink(ctx, chatworktest.RoomID, chatwork.LinkParams{Code: "another_link_name"})
		},
		"PUT /v2/rooms/567890123/link", "code=another_link_name",
		`{"public":true,"url":"https://example.chatwork.com/g/another_link_name","need_acceptance":true,"description":""}`,
	},
	{
		"DELETE /rooms/{room_id}/link", "DeleteLink", "Replay", state,
		func(ctx context.Context, c *chatwork.Client) (any, error) {
			return c.DeleteLink(ctx, chatworktest.RoomID)
		},
		"DELETE /v2/rooms/567890123/link", "-", `{"public":false,*}`,
	},
}

func TestEveryOperationIsSentAndReadAsTheReferenceSays(t *testing.T) {
	for _, op := range operations {
		t.Run(op.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, c := prepared(t)
				got, err := op.call(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				checkRequest(t, lastRequest(t, fake), op)
				checkAnswer(t, got, op.want)
			})
		})
	}
}

func checkRequest(t *testing.T, r fakehttp.Request, op operation) {
	t.Helper()
	request, form := r.Method+" "+r.Path, string(r.Body)
	if r.Query != "" {
		request += "?" + r.Query
	}
	if request != op.request || r.Header.Get("X-ChatWorkToken") != chatworktest.Token {
		t.Errorf("asked for %s, want %s", request, op.request)
	}
	contentType := r.Header.Get("Content-Type")
	switch {
	case op.form == "*":
	case op.form == "-" && form != "", op.form != "-" && form != op.form:
		t.Errorf("sent %q, want %q", form, op.form)
	case form != "" && contentType != "application/x-www-form-urlencoded":
		t.Errorf("sent as %q", contentType)
	}
}

// checkAnswer compares an answer, written as JSON, with a pattern.
func checkAnswer(t *testing.T, answer any, want string) {
	t.Helper()
	if answer == nil && want == "" {
		return
	}
	got, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), `\*`, `.*`)
	if !regexp.MustCompile("^" + pattern + "$").Match(got) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestWhatALostAnswerMeansIsAsDocumented(t *testing.T) {
	for _, op := range operations {
		t.Run(op.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, c := prepared(t)
				before := len(fake.Requests())
				fake.Inject(fakehttp.Fault{Break: fakehttp.CloseConnection})
				_, err := op.call(t.Context(), c)
				attempts := len(fake.Requests()) - before
				if op.repeat == "Once" {
					if attempts != 1 || !errors.Is(err, mackerel.ErrAmbiguous) {
						t.Errorf("%d attempts, %v; want one, ambiguous", attempts, err)
					}
					return
				}
				if attempts != 2 || err != nil {
					t.Errorf("%d attempts, %v; want a second one, which succeeds", attempts, err)
				}
			})
		})
	}
}

func TestAnEmptyListIsNotNil(t *testing.T) {
	for _, f := range []fakehttp.Fault{{Status: 204}, {Status: 200, Body: "[]"}} {
		for _, op := range operations {
			if op.answer != items {
				continue
			}
			fake, c := prepared(t)
			fake.Inject(f)
			got, err := op.call(t.Context(), c)
			if list, ok := got.(chatwork.MessageList); ok {
				got = list.Messages
			}
			if v := reflect.ValueOf(got); err != nil || v.IsNil() || v.Len() != 0 {
				t.Errorf("%s answered with %d %q: %v, %v", op.method, f.Status, f.Body, got, err)
			}
		}
	}
}

func TestAThingIsNeverEmpty(t *testing.T) {
	for _, f := range []fakehttp.Fault{{Status: 204}, {Status: 200}, {Status: 200, Body: "{}"}, {Status: 200, Body: "<html>"}, {Status: 200, Body: "null"}} {
		for _, op := range operations {
			if op.answer == nothing || op.answer == items || op.answer == state && f.Body == "{}" {
				continue
			}
			fake, c := prepared(t, once)
			fake.Inject(f)
			if _, err := op.call(t.Context(), c); !errors.Is(err, mackerel.ErrUnavailable) && !errors.Is(err, mackerel.ErrAmbiguous) {
				t.Errorf("%s answered with %d %q: %v", op.method, f.Status, f.Body, err)
			}
		}
	}
}

func TestEveryOperationIsInTheDocumentationAndEveryMethodInTheTable(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "chatwork.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]bool)
	for line := range strings.Lines(f.Doc.Text()) {
		lines[strings.Join(strings.Fields(strings.Replace(line, ", DownloadFile", "", 1)), " ")] = true
	}
	rows := make(map[string]bool)
	for _, op := range operations {
		if line := op.row + " " + op.method + " " + op.repeat; !lines[line] {
			t.Errorf("the documentation has no line %q", line)
		}
		row, _, _ := strings.Cut(op.row, "?")
		rows[row] = true
		if _, ok := reflect.TypeFor[*chatwork.Client]().MethodByName(op.method); !ok {
			t.Errorf("Client has no method %s", op.method)
		}
	}
	if len(rows) != 32 {
		t.Errorf("the table has %d operations, the reference has 32", len(rows))
	}
}
