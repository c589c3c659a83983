package chatworktest_test

import (
	"strconv"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestTasksAreListedByStatusAndAccounts(t *testing.T) {
	s, c := start(t)
	path := shared(s)
	c.do(t, "GET", path+"/tasks", "").want(t, 204, "")
	s.AddTask(5, chatworktest.Task{TaskID: 3, AccountID: 124, AssignedByAccountID: 456, Body: "buy milk"})
	if got := parse[[]chatwork.MyTask](t, c.as("bob").do(t, "GET", "/my/tasks", "")); len(got) != 1 || got[0].Room.RoomID != 5 {
		t.Errorf("Bob's tasks are %+v", got)
	}
	c.do(t, "GET", "/my/tasks", "").want(t, 204, "")
	c.do(t, "PUT", path+"/tasks/3/status", "body=done").want(t, 200, `{"task_id":3}`)
	for query, status := range map[string]int{
		"": 204, "status=done": 200, "status=open": 204, "status=done&account_id=124": 200, "status=done&account_id=456": 204,
		"status=done&assigned_by_account_id=456&account_id=124": 200, "status=done&assigned_by_account_id=124": 204,
	} {
		if a := c.do(t, "GET", path+"/tasks?"+query, ""); a.Status != status {
			t.Errorf("%s: %d %s, want %d", query, a.Status, a.Body, status)
		}
	}
}

func TestCreatedTasksHaveWhatWasSent(t *testing.T) {
	s, c := start(t)
	path := shared(s)
	for _, test := range []struct{ form, limitType string }{
		{"limit=1385996399&limit_type=date", "date"}, {"limit=1385996399", "time"}, {"", "none"}, {"limit_type=none&limit=5", "none"},
	} {
		a := c.do(t, "POST", path+"/tasks", "body=Buy+milk&to_ids=123%2C124&"+test.form)
		ids := parse[struct {
			TaskIDs []int64 `json:"task_ids"`
		}](t, a).TaskIDs
		if a.Status != 200 || len(ids) != 2 {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
		tasks := s.Tasks(5)
		last := tasks[len(tasks)-1]
		want := chatworktest.Task{
			TaskID: ids[1], AccountID: 124, AssignedByAccountID: chatworktest.AccountID, MessageID: last.MessageID, Body: "Buy milk",
			LimitType: test.limitType, Status: "open",
		}
		if test.limitType != "none" {
			want.LimitTime = 1385996399
		}
		if last != want || last.MessageID == "" {
			t.Errorf("%s: got %+v, want %+v", test.form, last, want)
		}
	}
}

func TestTasksAreRefused(t *testing.T) {
	s, c := start(t)
	path := shared(s)
	s.AddTask(5, chatworktest.Task{TaskID: 3, AccountID: 124, AssignedByAccountID: 456, Body: "x"})
	for _, test := range []struct {
		name, token, method, path, form string
		status                          int
		text                            string
	}{
		{"no body", "", "POST", "/tasks", "to_ids=123", 400, "Parameter 'body' is required"},
		{"nobody", "", "POST", "/tasks", "body=x", 400, "Parameter 'to_ids' is required"},
		{"ids with blanks", "", "POST", "/tasks", "body=x&to_ids=123,+124", 400, "Parameter 'to_ids' must be a list of ids"},
		{"somebody else", "", "POST", "/tasks", "body=x&to_ids=999", 400, "An account is not in the room"},
		{"a date in words", "", "POST", "/tasks", "body=x&to_ids=123&limit=tomorrow", 400, "Parameter 'limit' must be a number"},
		{"an unknown type", "", "POST", "/tasks", "body=x&to_ids=123&limit_type=week", 400, "Parameter 'limit_type' must be one of none, date, time"},
		{"who may only read", "anna", "POST", "/tasks", "body=x&to_ids=123", 403, "You don't have permission to send/edit message."},
		{"a status under its own name", "", "PUT", "/tasks/3/status", "status=done", 400, "Parameter 'body' is required"},
		{"an unknown status", "", "PUT", "/tasks/3/status", "body=closed", 400, "Parameter 'body' must be one of open, done"},
		{"a status by who may only read", "anna", "PUT", "/tasks/3/status", "body=done", 403, "You don't have permission to send/edit message."},
		{"the status of an unknown task", "", "PUT", "/tasks/4/status", "body=done", 404, "Task not found"},
		{"an unknown task", "", "GET", "/tasks/4", "", 404, "Task not found"},
		{"a list of an unknown status", "", "GET", "/tasks?status=all", "", 400, "Parameter 'status' must be one of open, done"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c
			if test.token != "" {
				c = c.as(test.token)
			}
			c.do(t, test.method, path+test.path, test.form).refused(t, test.status, test.text)
		})
	}
	if got := s.Tasks(5); len(got) != 1 || got[0].Status != "open" {
		t.Errorf("refused requests left %+v", got)
	}
}

func TestAListHas100Tasks(t *testing.T) {
	s, c := start(t)
	for i := range 150 {
		s.AddTask(chatworktest.RoomID, chatworktest.Task{TaskID: int64(i + 1), AccountID: chatworktest.AccountID, AssignedByAccountID: chatworktest.AccountID, Body: "x"})
	}
	for _, path := range []string{room + "/tasks", "/my/tasks"} {
		list := parse[[]struct {
			ID int64 `json:"task_id"`
		}](t, c.do(t, "GET", path, ""))
		if len(list) != 100 || list[0].ID != 51 || list[99].ID != 150 {
			t.Errorf("%s has %d tasks", path, len(list))
		}
	}
}

func TestMyStatusCountsOverRooms(t *testing.T) {
	s, c := start(t)
	shared(s)
	for i, body := range []string{"x", "[To:123]", "y"} {
		s.AddMessage(5, chatworktest.Message{MessageID: strconv.Itoa(i + 1), AccountID: 124, Body: body})
	}
	s.AddMessage(chatworktest.RoomID, chatworktest.Message{AccountID: 124, Body: "z"})
	for id, status := range map[int64]string{1: "open", 2: "done", 3: "open"} {
		s.AddTask(5, chatworktest.Task{TaskID: id, AccountID: chatworktest.AccountID, AssignedByAccountID: 124, Body: "x", Status: status})
	}
	c.do(t, "GET", "/my/status", "").want(t, 200,
		`{"unread_room_num":2,"mention_room_num":1,"mytask_room_num":1,"unread_num":4,"mention_num":1,"mytask_num":2}`)
}
