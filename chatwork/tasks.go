package chatwork

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// TaskStatus is whether a task is done. Values that are newer than this package are kept as they came.
type TaskStatus string

// The statuses of tasks.
const (
	TaskOpen TaskStatus = "open"
	TaskDone TaskStatus = "done"
)

// TaskLimitType is how exact a task's deadline is. Values that are newer than this package are kept as they came.
type TaskLimitType string

// The types of deadlines.
const (
	LimitNone TaskLimitType = "none"
	LimitDate TaskLimitType = "date" // that day
	LimitTime TaskLimitType = "time" // that moment
)

// A Task is a task of one member of a room.
type Task struct {
	TaskID            int64         `json:"task_id"`
	Account           Account       `json:"account"` // who is to do it
	AssignedByAccount Account       `json:"assigned_by_account"`
	MessageID         string        `json:"message_id"`
	Body              string        `json:"body"`       // in Chatwork's notation
	LimitTime         int64         `json:"limit_time"` // Unix seconds; see LimitType
	Status            TaskStatus    `json:"status"`
	LimitType         TaskLimitType `json:"limit_type,omitzero"`
}

func (t Task) documented() bool { return t.TaskID != 0 }

// TasksParams selects from a room's tasks. The zero value selects all that are open.
type TasksParams struct {
	AccountID           int64      `url:"account_id,omitempty"`             // of who is to do it
	AssignedByAccountID int64      `url:"assigned_by_account_id,omitempty"` // of whoever gave it
	Status              TaskStatus `url:"status,omitempty"`                 // open unless set
}

// CreateTaskParams is a task to create for each of some members. Body and ToIDs are required.
type CreateTaskParams struct {
	Body      string        `url:"body"`            // in Chatwork's notation, 1 to [MaxBody]; [Escape] text from elsewhere
	ToIDs     []int64       `url:"to_ids,comma"`    // account ids
	Limit     int64         `url:"limit,omitempty"` // the deadline in Unix seconds, 0 for none
	LimitType TaskLimitType `url:"limit_type,omitempty"`
}

var (
	listTasks        = operation{"list tasks", http.MethodGet, transport.Replay}
	createTask       = operation{"create task", http.MethodPost, transport.Once}
	getTask          = operation{"get task", http.MethodGet, transport.Replay}
	updateTaskStatus = operation{"update task status", http.MethodPut, transport.Replay}
)

// ListTasks returns tasks of a room, at most 100: GET /rooms/{room_id}/tasks. None gives an empty list. It may be
// repeated.
func (c *Client) ListTasks(ctx context.Context, roomID int64, p TasksParams) ([]Task, error) {
	return list[Task](ctx, c, listTasks, p, "rooms", pathID(roomID), "tasks")
}

// taskIDsAnswer is what creating tasks answers with.
type taskIDsAnswer struct {
	TaskIDs []int64 `json:"task_ids"`
}

func (a taskIDsAnswer) documented() bool { return len(a.TaskIDs) > 0 }

// CreateTask creates one task for each of the members, and returns their ids: POST /rooms/{room_id}/tasks. It counts for
// the room's limit of 10 messages and tasks in 10 seconds. It is never repeated after a lost answer.
func (c *Client) CreateTask(ctx context.Context, roomID int64, p CreateTaskParams) (taskIDs []int64, err error) {
	switch {
	case p.Body == "":
		return nil, c.service.Invalid(createTask.name, "Body: empty")
	case len(p.ToIDs) == 0:
		return nil, c.service.Invalid(createTask.name, "ToIDs: empty")
	}
	answer, err := one[taskIDsAnswer](ctx, c, createTask, p, "rooms", pathID(roomID), "tasks")
	return answer.TaskIDs, err
}

// GetTask returns one task: GET /rooms/{room_id}/tasks/{task_id}. It may be repeated.
func (c *Client) GetTask(ctx context.Context, roomID, taskID int64) (Task, error) {
	return one[Task](ctx, c, getTask, nil, "rooms", pathID(roomID), "tasks", pathID(taskID))
}

// UpdateTaskStatus marks a task as done, or as open again: PUT /rooms/{room_id}/tasks/{task_id}/status. It may be
// repeated.
func (c *Client) UpdateTaskStatus(ctx context.Context, roomID, taskID int64, status TaskStatus) error {
	if status == "" {
		return c.service.Invalid(updateTaskStatus.name, "status: empty")
	}
	params := struct {
		Body TaskStatus `url:"body"` // this is the parameter's name
	}{status}
	// The answer is {"task_id":1234}, or the whole task: both are read.
	_, err := one[taskIDAnswer](ctx, c, updateTaskStatus, params, "rooms", pathID(roomID), "tasks", pathID(taskID), "status")
	return err
}

type taskIDAnswer struct {
	TaskID int64 `json:"task_id"`
}

func (a taskIDAnswer) documented() bool { return a.TaskID != 0 }
