package chatwork_test

import (
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestMyTasksAreTheOpenOnesUnlessAskedOtherwise(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	for id, status := range map[int64]string{1: "open", 2: "done"} {
		s.AddTask(room, chatworktest.Task{TaskID: id, AccountID: chatworktest.AccountID, AssignedByAccountID: anna, Body: status, Status: status})
	}
	for _, tt := range []struct {
		params chatwork.MyTasksParams
		bodies string
	}{
		{chatwork.MyTasksParams{}, "open|sell it"},
		{chatwork.MyTasksParams{Status: chatwork.TaskDone}, "done"},
		{chatwork.MyTasksParams{AssignedByAccountID: anna}, "open"},
		{chatwork.MyTasksParams{AssignedByAccountID: 78}, ""},
	} {
		tasks, err := c.ListMyTasks(t.Context(), tt.params)
		var got []string
		for _, task := range tasks {
			got = append(got, task.Body)
		}
		if err != nil || tasks == nil || strings.Join(got, "|") != tt.bodies {
			t.Errorf("%+v: %q, %v, want %q", tt.params, got, err, tt.bodies)
		}
	}
}

func TestMyStatusAddsUpOverRooms(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	s.AddMessage(room, chatworktest.Message{AccountID: anna, Body: "no mention"})
	got, err := c.GetMyStatus(t.Context())
	if want := (chatwork.MyStatus{UnreadRoomNum: 2, MentionRoomNum: 1, MytaskRoomNum: 1, UnreadNum: 2, MentionNum: 1, MytaskNum: 1}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
