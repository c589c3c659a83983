package chatwork_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestATaskIsCreatedForEach(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	ids, err := c.CreateTask(t.Context(), full, chatwork.CreateTaskParams{Body: "障害対応", ToIDs: []int64{bob, anna}})
	if err != nil || len(ids) != 2 {
		t.Fatalf("got %v, %v", ids, err)
	}
	tasks, err := c.ListTasks(t.Context(), full, chatwork.TasksParams{AssignedByAccountID: chatworktest.AccountID})
	if err != nil || len(tasks) != 2 {
		t.Fatalf("got %+v, %v", tasks, err)
	}
	for i, account := range []int64{bob, anna} {
		task := tasks[i]
		if task.TaskID != ids[i] || task.Account.AccountID != account || task.Body != "障害対応" || task.LimitTime != 0 || task.LimitType != chatwork.LimitNone || task.Status != chatwork.TaskOpen {
			t.Errorf("task %d is %+v", i, task)
		}
	}
}

func TestATaskIsDoneAndOpenAgain(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	for _, status := range []chatwork.TaskStatus{chatwork.TaskDone, chatwork.TaskOpen} {
		if err := c.UpdateTaskStatus(t.Context(), full, task, status); err != nil {
			t.Fatal(err)
		}
		if got, err := c.GetTask(t.Context(), full, task); err != nil || got.Status != status {
			t.Errorf("got %+v, %v, want %s", got, err, status)
		}
		listed, err := c.ListTasks(t.Context(), full, chatwork.TasksParams{Status: status})
		if err != nil || !slices.ContainsFunc(listed, func(t chatwork.Task) bool { return t.TaskID == task }) {
			t.Errorf("%s: it is not among %+v, %v", status, listed, err)
		}
	}
	if err := c.UpdateTaskStatus(t.Context(), full, task, "closed"); !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("an unknown status: %v", err)
	}
}

func TestABodyOfATaskHasTheLimitOfAMessage(t *testing.T) {
	s, c := newClient(t)
	populate(s)
	for n, ok := range map[int]bool{chatwork.MaxBody: true, chatwork.MaxBody + 1: false} {
		_, err := c.CreateTask(t.Context(), full, chatwork.CreateTaskParams{Body: strings.Repeat("x", n), ToIDs: []int64{bob}})
		if (err == nil) != ok {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
