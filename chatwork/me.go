package chatwork

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Me is the profile of the account that the token belongs to. What it has not filled in is "".
type Me struct {
	AccountID        int64  `json:"account_id"`
	RoomID           int64  `json:"room_id"` // of "My chat", the account's own room
	Name             string `json:"name"`
	ChatworkID       string `json:"chatwork_id"`
	OrganizationID   int64  `json:"organization_id"`
	OrganizationName string `json:"organization_name"`
	Department       string `json:"department"`
	Title            string `json:"title"`
	URL              string `json:"url"`
	Introduction     string `json:"introduction"`
	Mail             string `json:"mail"`
	TelOrganization  string `json:"tel_organization"`
	TelExtension     string `json:"tel_extension"`
	TelMobile        string `json:"tel_mobile"`
	Skype            string `json:"skype"`
	Facebook         string `json:"facebook"`
	Twitter          string `json:"twitter"`
	AvatarImageURL   string `json:"avatar_image_url"`
	LoginMail        string `json:"login_mail"`
}

func (m Me) documented() bool { return m.AccountID != 0 }

// MyStatus counts, over all rooms of the account, what waits for it: messages to read, mentions among them, and open
// tasks; and the rooms that have any.
type MyStatus struct {
	UnreadRoomNum  int `json:"unread_room_num"`
	MentionRoomNum int `json:"mention_room_num"`
	MytaskRoomNum  int `json:"mytask_room_num"`
	UnreadNum      int `json:"unread_num"`
	MentionNum     int `json:"mention_num"`
	MytaskNum      int `json:"mytask_num"`
}

func (MyStatus) documented() bool { return true }

// MyTasksParams selects from the account's tasks. The zero value selects the open ones.
type MyTasksParams struct {
	AssignedByAccountID int64      `url:"assigned_by_account_id,omitempty"` // of whoever gave the task
	Status              TaskStatus `url:"status,omitempty"`                 // open unless set
}

// A MyTask is a task that the account is to do: a [Task] that names its room instead of who is to do it.
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

var (
	getMe       = operation{"get profile", http.MethodGet, transport.Replay}
	getMyStatus = operation{"get status", http.MethodGet, transport.Replay}
	listMyTasks = operation{"list my tasks", http.MethodGet, transport.Replay}
)

// GetMe returns the profile of the token's account: GET /me. It may be repeated.
func (c *Client) GetMe(ctx context.Context) (Me, error) {
	return one[Me](ctx, c, getMe, nil, "me")
}

// GetMyStatus returns what waits for the account: GET /my/status. It may be repeated.
func (c *Client) GetMyStatus(ctx context.Context) (MyStatus, error) {
	return one[MyStatus](ctx, c, getMyStatus, nil, "my", "status")
}

// ListMyTasks returns the account's tasks in all rooms, at most 100: GET /my/tasks. None gives an empty list. It may be
// repeated.
func (c *Client) ListMyTasks(ctx context.Context, p MyTasksParams) ([]MyTask, error) {
	return list[MyTask](ctx, c, listMyTasks, p, "my", "tasks")
}
