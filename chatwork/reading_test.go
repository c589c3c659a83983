package chatwork_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

const days = 24 * time.Hour

// aged adds two messages, the first of which is older than the free plan shows.
func aged(s *chatworktest.Server) {
	for id, age := range map[string]time.Duration{"11": 41 * days, "12": 39 * days} {
		s.AddMessage(room, chatworktest.Message{MessageID: id, AccountID: chatworktest.AccountID, Body: id, SendTime: s.Now().Add(-age)})
	}
	s.HideOlderThan(40 * days)
}

func TestWhatThePlanHidesIsNeverTakenForAnEmptyRoom(t *testing.T) {
	s, c := newClient(t)
	aged(s)
	list, err := c.ListMessages(t.Context(), room, chatwork.ListMessagesParams{Force: true})
	if err != nil || bodies(list.Messages) != "12" || !list.Limited || !strings.Contains(list.Summary, "40 days") {
		t.Errorf("partly hidden: %+v, %v", list, err)
	}
	if messages, err := c.LatestMessages(t.Context(), room); err != nil || bodies(messages) != "12" {
		t.Errorf("partly hidden: %q, %v", bodies(messages), err)
	}
	s.Advance(2 * days)
	list, err = c.ListMessages(t.Context(), room, chatwork.ListMessagesParams{Force: true})
	if err != nil || list.Messages == nil || len(list.Messages) != 0 || !list.Limited {
		t.Errorf("all hidden: %+v, %v", list, err)
	}
	for name, read := range map[string]func() ([]chatwork.RoomMessage, error){
		"LatestMessages": func() ([]chatwork.RoomMessage, error) { return c.LatestMessages(t.Context(), room) },
		"NewMessages":    func() ([]chatwork.RoomMessage, error) { return c.NewMessages(t.Context(), room) },
	} {
		messages, err := read()
		var hidden *chatwork.LimitationError
		if messages != nil || !errors.Is(err, mackerel.ErrUnauthorized) || !errors.As(err, &hidden) || !strings.Contains(hidden.Summary, "40 days") {
			t.Errorf("%s, all hidden: %v, %v", name, messages, err)
		}
		if _, again := mackerel.Retry(err); again {
			t.Errorf("%s: it would be tried again", name)
		}
	}
	s.HideOlderThan(0)
	if list, err := c.ListMessages(t.Context(), room, chatwork.ListMessagesParams{Force: true}); err != nil || len(list.Messages) != 2 || list.Limited || list.Summary != "" {
		t.Errorf("nothing hidden: %+v, %v", list, err)
	}
}

func TestAHiddenMessageIsToldFromOneThatIsNotThere(t *testing.T) {
	s, c := newClient(t)
	aged(s)
	var hidden *chatwork.LimitationError
	_, err := c.GetMessage(t.Context(), room, "11")
	if !errors.Is(err, mackerel.ErrNotFound) || !errors.As(err, &hidden) || !strings.Contains(err.Error(), "the plan hides messages") {
		t.Errorf("hidden: %v", err)
	}
	if _, err := c.GetMessage(t.Context(), room, "13"); !errors.Is(err, mackerel.ErrNotFound) || errors.As(err, &hidden) {
		t.Errorf("not there: %v", err)
	}
	if m, err := c.GetMessage(t.Context(), room, "12"); err != nil || m.Body != "12" {
		t.Errorf("shown: %+v, %v", m, err)
	}
}

func TestAnEmptyListMayComeInBothWays(t *testing.T) {
	s, c := newClient(t)
	for _, f := range []fakehttp.Fault{{Status: 204}, {Status: 200, Body: "[]"}} {
		s.Inject(f, f, f, f, f, f)
		lists := map[string]func() (bool, int, error){
			"messages": func() (bool, int, error) { l, err := c.LatestMessages(t.Context(), room); return l != nil, len(l), err },
			"my tasks": func() (bool, int, error) {
				l, err := c.ListMyTasks(t.Context(), chatwork.MyTasksParams{})
				return l != nil, len(l), err
			},
			"contacts": func() (bool, int, error) { l, err := c.ListContacts(t.Context()); return l != nil, len(l), err },
			"requests": func() (bool, int, error) { l, err := c.ListIncomingRequests(t.Context()); return l != nil, len(l), err },
			"tasks": func() (bool, int, error) {
				l, err := c.ListTasks(t.Context(), room, chatwork.TasksParams{})
				return l != nil, len(l), err
			},
			"files": func() (bool, int, error) {
				l, err := c.ListFiles(t.Context(), room, chatwork.FilesParams{})
				return l != nil, len(l), err
			},
		}
		for name, list := range lists {
			if made, n, err := list(); !made || n != 0 || err != nil {
				t.Errorf("%s as %d %q: made %v, %d items, %v", name, f.Status, f.Body, made, n, err)
			}
		}
	}
}

func TestAThingIsNeverEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{MaxAttempts: 1})
		for _, f := range []fakehttp.Fault{{Status: 204}, {Status: 200}, {Status: 200, Body: "{}"}, {Status: 200, Body: "<html>"}, {Status: 200, Body: "null"}} {
			for name, get := range map[string]func() error{
				"GetMe":      func() error { _, err := c.GetMe(t.Context()); return err },
				"GetRoom":    func() error { _, err := c.GetRoom(t.Context(), room); return err },
				"GetMessage": func() error { _, err := c.GetMessage(t.Context(), room, "5"); return err },
				"GetTask":    func() error { _, err := c.GetTask(t.Context(), room, 5); return err },
				"GetFile": func() error {
					_, err := c.GetFile(t.Context(), room, 5, chatwork.GetFileParams{})
					return err
				},
				"CreateRoom": func() error {
					_, err := c.CreateRoom(t.Context(), chatwork.CreateRoomParams{Name: "x", MembersAdminIDs: []int64{123}})
					return err
				},
				"CreateTask": func() error {
					_, err := c.CreateTask(t.Context(), room, chatwork.CreateTaskParams{Body: "x", ToIDs: []int64{123}})
					return err
				},
				"UpdateMembers": func() error {
					_, err := c.UpdateMembers(t.Context(), room, chatwork.UpdateMembersParams{MembersAdminIDs: []int64{123}})
					return err
				},
				"UpdateTaskStatus": func() error { return c.UpdateTaskStatus(t.Context(), room, 5, chatwork.TaskDone) },
				"UpdateMessage":    func() error { return c.UpdateMessage(t.Context(), room, "5", "x") },
				"Approve":          func() error { _, err := c.ApproveIncomingRequest(t.Context(), 5); return err },
			} {
				s.Inject(f)
				if err := get(); !errors.Is(err, mackerel.ErrUnavailable) && !errors.Is(err, mackerel.ErrAmbiguous) {
					t.Errorf("%s answered with %d %q: %v", name, f.Status, f.Body, err)
				}
			}
		}
	})
}

func TestADeletedMessageMayBeAnsweredWithoutContent(t *testing.T) {
	s, c := newClient(t)
	s.Inject(fakehttp.Fault{Status: 204})
	if err := c.DeleteMessage(t.Context(), room, "5"); err != nil {
		t.Error(err)
	}
}

func TestATaskStatusMayBeAnsweredWithTheWholeTask(t *testing.T) {
	s, c := newClient(t)
	s.Inject(fakehttp.Fault{Status: 200, Body: `{"task_id":5,"account":{"account_id":1},"status":"done"}`})
	if err := c.UpdateTaskStatus(t.Context(), room, 5, chatwork.TaskDone); err != nil {
		t.Error(err)
	}
}
