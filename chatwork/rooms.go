package chatwork

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// RoomType is what kind of chat a room is. Values that are newer than this package are kept as they came.
type RoomType string

// The types of rooms.
const (
	RoomMy     RoomType = "my"     // the account's own room, "My chat"
	RoomDirect RoomType = "direct" // with one contact
	RoomGroup  RoomType = "group"
)

// Role is what a member of a room may do there. Values that are newer than this package are kept as they came.
type Role string

// The roles.
const (
	RoleAdmin    Role = "admin"
	RoleMember   Role = "member"
	RoleReadonly Role = "readonly"
)

// IconPreset is one of the pictures that Chatwork has for rooms. Others are sent as they are.
// See https://developer.chatwork.com/reference/post-rooms.
type IconPreset string

// The pictures.
const (
	IconGroup    IconPreset = "group"
	IconCheck    IconPreset = "check"
	IconDocument IconPreset = "document"
	IconMeeting  IconPreset = "meeting"
	IconEvent    IconPreset = "event"
	IconProject  IconPreset = "project"
	IconBusiness IconPreset = "business"
	IconStudy    IconPreset = "study"
	IconSecurity IconPreset = "security"
	IconStar     IconPreset = "star"
	IconIdea     IconPreset = "idea"
	IconHeart    IconPreset = "heart"
	IconMagcup   IconPreset = "magcup" // the service's own spelling
	IconBeer     IconPreset = "beer"
	IconMusic    IconPreset = "music"
	IconSports   IconPreset = "sports"
	IconTravel   IconPreset = "travel"
)

// A Room is a chat as the token's account sees it.
type Room struct {
	RoomID         int64    `json:"room_id"`
	Name           string   `json:"name"`
	Type           RoomType `json:"type"`
	Role           Role     `json:"role"` // the account's
	Sticky         bool     `json:"sticky"`
	UnreadNum      int      `json:"unread_num"`
	MentionNum     int      `json:"mention_num"`
	MytaskNum      int      `json:"mytask_num"`
	MessageNum     int      `json:"message_num"`
	FileNum        int      `json:"file_num"`
	TaskNum        int      `json:"task_num"`
	IconPath       string   `json:"icon_path"`            // a URL
	LastUpdateTime int64    `json:"last_update_time"`     // Unix seconds
	Description    string   `json:"description,omitzero"` // of [Client.GetRoom] only
}

func (r Room) documented() bool { return r.RoomID != 0 }

// CreateRoomParams is a group chat to create. Name and MembersAdminIDs are required. Members must be contacts of the
// account or belong to its organization.
type CreateRoomParams struct {
	Name               string     `url:"name"` // 1 to 255 characters
	Description        string     `url:"description,omitempty"`
	IconPreset         IconPreset `url:"icon_preset,omitempty"`
	MembersAdminIDs    []int64    `url:"members_admin_ids,comma"`
	MembersMemberIDs   []int64    `url:"members_member_ids,comma,omitempty"`
	MembersReadonlyIDs []int64    `url:"members_readonly_ids,comma,omitempty"`
	// Link creates an invitation link. The code has 1 to 50 of A-Z, a-z, 0-9, _ and -, and is random unless set; that
	// who comes by the link must be accepted by an admin is the default, nil.
	Link               bool   `url:"link,int,omitempty"`
	LinkCode           string `url:"link_code,omitempty"`
	LinkNeedAcceptance *bool  `url:"link_need_acceptance,int,omitempty"`
}

// UpdateRoomParams is what to change of a room; at least one must be set. What is empty or nil stays as it is; a pointer
// to "" takes the description away.
type UpdateRoomParams struct {
	Name        string     `url:"name,omitempty"` // 1 to 255 characters
	Description *string    `url:"description,omitempty"`
	IconPreset  IconPreset `url:"icon_preset,omitempty"`
}

// RoomAction is how [Client.DeleteRoom] is meant.
type RoomAction string

// The two ways to be rid of a room.
const (
	// LeaveRoom leaves it. The account's tasks and files in it are deleted.
	LeaveRoom RoomAction = "leave"
	// DeleteForAll deletes it, with everybody's messages, tasks and files, for good.
	DeleteForAll RoomAction = "delete"
)

var (
	listRooms  = operation{"list rooms", http.MethodGet, transport.Replay}
	createRoom = operation{"create room", http.MethodPost, transport.Once}
	getRoom    = operation{"get room", http.MethodGet, transport.Replay}
	updateRoom = operation{"update room", http.MethodPut, transport.Replay}
	deleteRoom = operation{"delete room", http.MethodDelete, transport.Replay}
)

// ListRooms returns all rooms that the account is in, without their descriptions: GET /rooms. It may be repeated.
func (c *Client) ListRooms(ctx context.Context) ([]Room, error) {
	return list[Room](ctx, c, listRooms, nil, "rooms")
}

// roomIDAnswer is what creating and updating a room answer with.
type roomIDAnswer struct {
	RoomID int64 `json:"room_id"`
}

func (a roomIDAnswer) documented() bool { return a.RoomID != 0 }

// CreateRoom creates a group chat and returns its id: POST /rooms. It is never repeated after a lost answer.
func (c *Client) CreateRoom(ctx context.Context, p CreateRoomParams) (roomID int64, err error) {
	switch {
	case p.Name == "":
		return 0, c.service.Invalid(createRoom.name, "Name: empty")
	case len(p.MembersAdminIDs) == 0:
		return 0, c.service.Invalid(createRoom.name, "MembersAdminIDs: empty")
	}
	answer, err := one[roomIDAnswer](ctx, c, createRoom, p, "rooms")
	return answer.RoomID, err
}

// GetRoom returns a room with its description: GET /rooms/{room_id}. It may be repeated.
func (c *Client) GetRoom(ctx context.Context, roomID int64) (Room, error) {
	return one[Room](ctx, c, getRoom, nil, "rooms", pathID(roomID))
}

// UpdateRoom changes a room's name, description or icon: PUT /rooms/{room_id}. It may be repeated.
func (c *Client) UpdateRoom(ctx context.Context, roomID int64, p UpdateRoomParams) error {
	if p == (UpdateRoomParams{}) {
		return c.service.Invalid(updateRoom.name, "nothing to change")
	}
	_, err := one[roomIDAnswer](ctx, c, updateRoom, p, "rooms", pathID(roomID))
	return err
}

// DeleteRoom leaves a room, or deletes it for everybody: DELETE /rooms/{room_id}. Neither can be undone. It may be
// repeated; a repetition after a lost answer may find that the account is not in the room any more, which is
// [mackerel.ErrUnauthorized] or [mackerel.ErrNotFound].
func (c *Client) DeleteRoom(ctx context.Context, roomID int64, action RoomAction) error {
	if action == "" {
		return c.service.Invalid(deleteRoom.name, "action: empty")
	}
	params := struct {
		ActionType RoomAction `url:"action_type"`
	}{action}
	_, err := call[struct{}](ctx, c, deleteRoom, params, "rooms", pathID(roomID))
	return err
}
