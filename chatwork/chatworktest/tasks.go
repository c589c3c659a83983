package chatworktest

import (
	"net/http"
	"slices"
	"strconv"
)

// A Task is what somebody is to do.
type Task struct {
	TaskID              int64
	AccountID           int64 // of who is to do it
	AssignedByAccountID int64
	MessageID           string // of a message that the fake does not list
	Body                string
	LimitTime           int64  // Unix seconds
	LimitType           string // "none", "date" or "time"; "none" unless set
	Status              string // "open" or "done"; "open" unless set
}

// Tasks returns the tasks of a room, the oldest first. It panics if there is no such room.
func (s *Server) Tasks(roomID int64) []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mustRoom("Tasks", roomID).tasks)
}

// AddTask adds a task to a room and returns its id. A TaskID of 0 and an empty MessageID are replaced by new ones. It
// panics if there is no such room or account, or the id is taken.
func (s *Server) AddTask(roomID int64, t Task) (taskID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.mustRoom("AddTask", roomID)
	s.mustAccount("AddTask", t.AccountID)
	s.mustAccount("AddTask", t.AssignedByAccountID)
	if t.TaskID != 0 && s.taskTaken(t.TaskID) {
		panic("chatworktest: AddTask: the id " + strconv.FormatInt(t.TaskID, 10) + " is taken")
	}
	return s.addTask(r, t)
}

func (s *Server) addTask(r *room, t Task) (taskID int64) {
	for t.TaskID == 0 || s.taskTaken(t.TaskID) {
		t.TaskID = s.newID()
	}
	if t.MessageID == "" {
		t.MessageID = s.newMessageID()
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

func (s *Server) taskTaken(id int64) bool {
	return slices.ContainsFunc(s.rooms, func(r *room) bool {
		return slices.ContainsFunc(r.tasks, func(t Task) bool { return t.TaskID == id })
	})
}

// A taskView is what the two views of a task have in common.
type taskView struct {
	TaskID            int64       `json:"task_id"`
	AssignedByAccount accountView `json:"assigned_by_account"`
	MessageID         string      `json:"message_id"`
	Body              string      `json:"body"`
	LimitTime         int64       `json:"limit_time"`
	Status            string      `json:"status"`
	LimitType         string      `json:"limit_type"`
}

func (s *Server) taskView(t Task) taskView {
	return taskView{
		t.TaskID, s.accounts[t.AssignedByAccountID].view(), t.MessageID, t.Body, t.LimitTime, t.Status, t.LimitType,
	}
}

// A roomTask is a task as its room lists it, a myTask as the one who is to do it does.
type (
	roomTask struct {
		taskView
		Account accountView `json:"account"`
	}
	myTask struct {
		taskView
		Room taskRoom `json:"room"`
	}
	taskRoom struct {
		RoomID   int64  `json:"room_id"`
		Name     string `json:"name"`
		IconPath string `json:"icon_path"`
	}
)

// selects reports whether the parameters of a list select the task. Without a status they select open ones.
func (c *call) selects(t Task) bool {
	by, from, status := c.params.Get(byAccount.name), c.params.Get(assignedBy.name), c.params.Get(taskStatus.name)
	if status == "" {
		status = "open"
	}
	return t.Status == status && (by == "" || by == strconv.FormatInt(t.AccountID, 10)) &&
		(from == "" || from == strconv.FormatInt(t.AssignedByAccountID, 10))
}

// listMyTasks is https://developer.chatwork.com/reference/get-my-tasks.
func (s *Server) listMyTasks(c *call) (any, error) {
	var views []myTask
	for _, r := range s.rooms {
		for _, t := range r.tasks {
			if t.AccountID == c.account.AccountID && c.selects(t) {
				views = append(views, myTask{s.taskView(t), taskRoom{r.RoomID, s.nameOf(r, c.account), r.IconPath}})
			}
		}
	}
	return list(views, maxList)
}

// listTasks is https://developer.chatwork.com/reference/get-rooms-room_id-tasks.
func (s *Server) listTasks(c *call) (any, error) {
	var views []roomTask
	for _, t := range c.room.tasks {
		if c.selects(t) {
			views = append(views, roomTask{s.taskView(t), s.accounts[t.AccountID].view()})
		}
	}
	return list(views, maxList)
}

var errNotMember = &apiError{http.StatusBadRequest, "An account is not in the room"}

// createTask is https://developer.chatwork.com/reference/post-rooms-room_id-tasks. A deadline without a type is a "time".
func (s *Server) createTask(c *call) (any, error) {
	assignees := parseIDs(c.params.Get(toIDs.name))
	for _, id := range assignees {
		if c.room.Members[id] == "" {
			return nil, errNotMember
		}
	}
	t := Task{AssignedByAccountID: c.account.AccountID, Body: c.params.Get(body.name), LimitType: c.params.Get(limitType.name)}
	if seconds, err := strconv.ParseInt(c.params.Get(limit.name), 10, 64); err == nil && t.LimitType != "none" {
		t.LimitTime = seconds
	}
	if t.LimitType == "" && t.LimitTime != 0 {
		t.LimitType = "time"
	}
	answer := struct {
		TaskIDs []int64 `json:"task_ids"`
	}{}
	t.MessageID = s.newMessageID()
	for _, id := range assignees {
		t.AccountID = id
		answer.TaskIDs = append(answer.TaskIDs, s.addTask(c.room, t))
	}
	return answer, nil
}

var errNoTask = &apiError{http.StatusNotFound, "Task not found"}

// task returns the task of the path.
func (c *call) task() (*Task, error) {
	i := slices.IndexFunc(c.room.tasks, func(t Task) bool { return strconv.FormatInt(t.TaskID, 10) == c.ids["task_id"] })
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
	return roomTask{s.taskView(*t), s.accounts[t.AccountID].view()}, nil
}

// updateTaskStatus is https://developer.chatwork.com/reference/put-rooms-room_id-tasks-task_id-status.
func (s *Server) updateTaskStatus(c *call) (any, error) {
	if err := c.writes(); err != nil {
		return nil, err
	}
	t, err := c.task()
	if err != nil {
		return nil, err
	}
	t.Status = c.params.Get(newStatus.name)
	c.room.updated = s.Now()
	return struct {
		TaskID int64 `json:"task_id"`
	}{t.TaskID}, nil
}

// writes checks that the account may do more than read in the room.
func (c *call) writes() error {
	if c.room.Members[c.account.AccountID] == RoleReadonly {
		return errNoPermission
	}
	return nil
}
