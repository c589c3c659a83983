package chatwork

import "context"

// TaskStatus is whether a task is done. Values that this package does not know are kept.
type TaskStatus string

// The statuses of tasks.
const (
	TaskOpen TaskStatus = "open"
	TaskDone TaskStatus = "done"
)

// TaskLimitType is how exact the deadline of a task is. Values that this package does not know are kept.
type TaskLimitType string

// The types of deadlines.
const (
	LimitNone TaskLimitType = "none"
	LimitDate TaskLimitType = "date" // a day
	LimitTime TaskLimitType = "time" // a time of a day
)

// A Task is a task of a member of a room.
type Task struct {
	TaskID            int64         `json:"task_id"`
	Account           Account       `json:"account"` // the member
	AssignedByAccount Account       `json:"assigned_by_account"`
	MessageID         string        `json:"message_id"`
	Body              string        `json:"body"`       // in Chatwork's notation
	LimitTime         int64         `json:"limit_time"` // Unix seconds; see LimitType
	Status            TaskStatus    `json:"status"`
	LimitType         TaskLimitType `json:"limit_type,omitzero"`
}

func (t Task) documented() bool { return t.TaskID != 0 }

// A MyTask is a task of the account itself, with its room.
type MyTask struct {
	TaskID            int64         `json:"task_id"`
	Room              TaskRoom      `json:"room"`
	AssignedByAccount Account       `json:"assigned_by_account"`
	MessageID         string        `json:"message_id"`
	Body              string        `json:"body"`       // in Chatwork's notation
	LimitTime         int64         `json:"limit_time"` // Unix seconds; see LimitType
	Status            TaskStatus    `json:"status"`
	LimitType         TaskLimitType `json:"limit_type,omitzero"`
}

// A TaskRoom is the room of a [MyTask].
type TaskRoom struct {
	RoomID   int64  `json:"room_id"`
	Name     string `json:"name"`
	IconPath string `json:"icon_path"`
}

// MyTasksParams selects tasks of the account. The zero value selects all open tasks.
type MyTasksParams struct {
	AssignedByAccountID int64      `url:"assigned_by_account_id,omitempty"`
	Status              TaskStatus `url:"status,omitempty"` // TaskOpen unless set
}

// TasksParams selects tasks of a room. The zero value selects all open tasks.
type TasksParams struct {
	AccountID           int64      `url:"account_id,omitempty"` // of the member whose task it is
	AssignedByAccountID int64      `url:"assigned_by_account_id,omitempty"`
	Status              TaskStatus `url:"status,omitempty"` // TaskOpen unless set
}

// CreateTaskParams is a task to create for each of some members. Body and ToIDs are required.
type CreateTaskParams struct {
	Body      string        `url:"body"`            // as in [PostMessageParams]
	ToIDs     []int64       `url:"to_ids,comma"`    // account ids
	Limit     int64         `url:"limit,omitempty"` // the deadline in Unix seconds; without a deadline 0
	LimitType TaskLimitType `url:"limit_type,omitempty"`
}

// ListMyTasks returns tasks of the account in all rooms, at most 100: GET /my/tasks.
func (c *Client) ListMyTasks(ctx context.Context, p MyTasksParams) ([]MyTask, error) {
	return list[MyTask](ctx, c, get("list my tasks"), p, "my", "tasks")
}

// ListTasks returns tasks of a room, at most 100: GET /rooms/{room_id}/tasks.
func (c *Client) ListTasks(ctx context.Context, roomID int64, p TasksParams) ([]Task, error) {
	return list[Task](ctx, c, get("list tasks"), p, "rooms", pathID(roomID), "tasks")
}

// CreateTask creates one task for each of the members and returns their ids: POST /rooms/{room_id}/tasks. It counts for
// the limit of the room, 10 messages and tasks in 10 seconds.
func (c *Client) CreateTask(ctx context.Context, roomID int64, p CreateTaskParams) (taskIDs []int64, err error) {
	op := post("create task")
	switch {
	case p.Body == "":
		return nil, c.service.Invalid(op.name, "Body: empty")
	case len(p.ToIDs) == 0:
		return nil, c.service.Invalid(op.name, "ToIDs: empty")
	}
	answer, err := call[ids](ctx, c, op, p, "rooms", pathID(roomID), "tasks")
	return answer.TaskIDs, err
}

// GetTask returns a task: GET /rooms/{room_id}/tasks/{task_id}.
func (c *Client) GetTask(ctx context.Context, roomID, taskID int64) (Task, error) {
	return call[Task](ctx, c, get("get task"), nil, "rooms", pathID(roomID), "tasks", pathID(taskID))
}

// UpdateTaskStatus marks a task as done or as open: PUT /rooms/{room_id}/tasks/{task_id}/status.
func (c *Client) UpdateTaskStatus(ctx context.Context, roomID, taskID int64, status TaskStatus) error {
	op := put("update task status")
	if status == "" {
		return c.service.Invalid(op.name, "status: empty")
	}
	params := struct {
		Body TaskStatus `url:"body"` // the name of the parameter
	}{status}
	// Sources differ on whether the answer is {"task_id":1234} or the whole task. Both are read.
	_, err := call[ids](ctx, c, op, params, "rooms", pathID(roomID), "tasks", pathID(taskID), "status")
	return err
}
