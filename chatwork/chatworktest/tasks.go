package chatworktest

import (
	"net/http"
	"slices"
	"strconv"
)

// A Task is a task in a room.
type Task struct {
	TaskID              int64
	AccountID           int64 // of the member whose task it is
	AssignedByAccountID int64
	MessageID           string // of a message that the fake does not list
	Body                string
	LimitTime           int64  // Unix seconds
	LimitType           string // "none", "date" or "time"; "none" unless set
	Status              string // "open" or "done"; "open" unless set
}

// Tasks returns the tasks of a room, oldest first, nil if the room is unknown.
func (s *Server) Tasks(roomID int64) []Task {
	return look(s, roomID, func(r *chat) []Task { return slices.Clone(r.tasks) })
}

// AddTask adds a task to a room and returns its id.
func (s *Server) AddTask(roomID int64, t Task) (taskID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addTask(s.room(roomID), t)
}

func (s *Server) addTask(r *chat, t Task) (taskID int64) {
	t.TaskID = s.claim("task", t.TaskID)
	t.AccountID, t.AssignedByAccountID = s.account(t.AccountID).AccountID, s.account(t.AssignedByAccountID).AccountID
	if t.MessageID == "" {
		t.MessageID = s.claimMessage("")
	}
	if t.LimitType == "" {
		t.LimitType = "none"
	}
	if t.Status == "" {
		t.Status = "open"
	}
	r.tasks = append(r.tasks, t)
	r.updated = s.Now()
	return t.TaskID
}

// openTasks counts the open tasks of an account.
func (r *chat) openTasks(a *Account) (n int) {
	for _, t := range r.tasks {
		if t.AccountID == a.AccountID && t.Status == "open" {
			n++
		}
	}
	return n
}

// taskView returns a task. It has the account in the list of its room, and the room in the list of its account.
func (s *Server) taskView(t Task, key string, value any) object {
	return object{
		"task_id": t.TaskID, "assigned_by_account": s.view(t.AssignedByAccountID), "message_id": t.MessageID,
		"body": t.Body, "limit_time": t.LimitTime, "status": t.Status, "limit_type": t.LimitType, key: value,
	}
}

// selects reports whether the parameters of a list select a task.
func (c *call) selects(t Task) bool {
	status := c.params.Get("status")
	return (t.Status == status || status == "" && t.Status == "open") &&
		c.isParam("account_id", t.AccountID) && c.isParam("assigned_by_account_id", t.AssignedByAccountID)
}

// isParam reports whether a parameter has this id or is missing.
func (c *call) isParam(name string, id int64) bool {
	return !c.params.Has(name) || c.params.Get(name) == text(id)
}

// listMyTasks is https://developer.chatwork.com/reference/get-my-tasks.
func (s *Server) listMyTasks(c *call) (any, error) {
	var views []object
	for _, r := range s.rooms {
		for _, t := range r.tasks {
			if t.AccountID == c.account.AccountID && c.selects(t) {
				room := object{"room_id": r.RoomID, "name": s.nameOf(r, c.account), "icon_path": r.IconPath}
				views = append(views, s.taskView(t, "room", room))
			}
		}
	}
	return list(views, maxItems)
}

// listTasks is https://developer.chatwork.com/reference/get-rooms-room_id-tasks.
func (s *Server) listTasks(c *call) (any, error) {
	var views []object
	for _, t := range c.room.tasks {
		if c.selects(t) {
			views = append(views, s.taskView(t, "account", s.view(t.AccountID)))
		}
	}
	return list(views, maxItems)
}

var errNotMember = refuse(http.StatusBadRequest, "An account is not in the room")

// createTask is https://developer.chatwork.com/reference/post-rooms-room_id-tasks.
func (s *Server) createTask(c *call) (any, error) {
	ids := c.idList("to_ids")
	for _, id := range ids {
		if c.room.Members[id] == "" {
			return nil, errNotMember
		}
	}
	t := Task{
		AssignedByAccountID: c.account.AccountID, Body: c.params.Get("body"), LimitType: c.params.Get("limit_type"),
	}
	if seconds, err := strconv.ParseInt(c.params.Get("limit"), 10, 64); err == nil && t.LimitType != "none" {
		t.LimitTime = seconds
	}
	if t.LimitType == "" && t.LimitTime != 0 {
		t.LimitType = "time"
	}
	var added []int64
	for _, id := range ids {
		t.AccountID = id
		added = append(added, s.addTask(c.room, t))
	}
	return object{"task_ids": added}, nil
}

var errNoTask = refuse(http.StatusNotFound, "Task not found")

// task returns the task of the path.
func (c *call) task() (*Task, error) {
	i := slices.IndexFunc(c.room.tasks, func(t Task) bool { return text(t.TaskID) == c.ids["task_id"] })
	if i < 0 {
		return nil, errNoTask
	}
	return &c.room.tasks[i], nil
}

// getTask is https://developer.chatwork.com/reference/get-rooms-room_id-tasks-task_id.
func (s *Server) getTask(c *call) (any, error) {
	t, err := c.task()
	if err != nil {
		return nil, err
	}
	return s.taskView(*t, "account", s.view(t.AccountID)), nil
}

// updateTaskStatus is https://developer.chatwork.com/reference/put-rooms-room_id-tasks-task_id-status.
func (s *Server) updateTaskStatus(c *call) (any, error) {
	t, err := c.task()
	if err != nil {
		return nil, err
	}
	t.Status = c.params.Get("body")
	c.room.updated = s.Now()
	return object{"task_id": t.TaskID}, nil
}
