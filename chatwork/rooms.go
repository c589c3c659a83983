package chatwork

import "context"

// RoomType is the kind of a room. Values that this package does not know are kept.
type RoomType string

// The types of rooms.
const (
	RoomMy     RoomType = "my"     // the account's own room, "My chat"
	RoomDirect RoomType = "direct" // with one contact
	RoomGroup  RoomType = "group"
)

// Role is what a member may do in a room. Values that this package does not know are kept.
type Role string

// The roles.
const (
	RoleAdmin    Role = "admin"
	RoleMember   Role = "member"
	RoleReadonly Role = "readonly"
)

// A Room is a room as the account sees it.
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

// CreateRoomParams is a group chat to create. Name and MembersAdminIDs are required. The members must be contacts of
// the account or belong to its organization.
type CreateRoomParams struct {
	Name        string `url:"name"` // 1 to 255 characters
	Description string `url:"description,omitempty"`
	// IconPreset is the name of a picture: group, check, document, meeting, event, project, business, study, security,
	// star, idea, heart, magcup (so spelled by the service), beer, music, sports or travel.
	IconPreset         string  `url:"icon_preset,omitempty"`
	MembersAdminIDs    []int64 `url:"members_admin_ids,comma"`
	MembersMemberIDs   []int64 `url:"members_member_ids,comma,omitempty"`
	MembersReadonlyIDs []int64 `url:"members_readonly_ids,comma,omitempty"`
	// The invitation link, as in [LinkParams]. Without Link the room has no link.
	Link               bool   `url:"link,int,omitempty"`
	LinkCode           string `url:"link_code,omitempty"`
	LinkNeedAcceptance *bool  `url:"link_need_acceptance,int,omitempty"`
}

// UpdateRoomParams is what to change in a room. At least one field must be set. Fields that are empty or nil stay as
// they are. A pointer to "" removes the description.
type UpdateRoomParams struct {
	Name        string  `url:"name,omitempty"` // 1 to 255 characters
	Description *string `url:"description,omitempty"`
	IconPreset  string  `url:"icon_preset,omitempty"` // as in [CreateRoomParams]
}

// RoomAction is what [Client.DeleteRoom] does.
type RoomAction string

// The actions.
const (
	// LeaveRoom leaves the room. The tasks and files of the account in the room are deleted.
	LeaveRoom RoomAction = "leave"
	// DeleteForAll deletes the room with the messages, tasks and files of all members.
	DeleteForAll RoomAction = "delete"
)

// ListRooms returns all rooms of the account, without their descriptions: GET /rooms.
func (c *Client) ListRooms(ctx context.Context) ([]Room, error) {
	return list[Room](ctx, c, get("list rooms"), nil, "rooms")
}

// CreateRoom creates a group chat and returns its id: POST /rooms.
func (c *Client) CreateRoom(ctx context.Context, p CreateRoomParams) (roomID int64, err error) {
	op := post("create room")
	switch {
	case p.Name == "":
		return 0, c.service.Invalid(op.name, "Name: empty")
	case len(p.MembersAdminIDs) == 0:
		return 0, c.service.Invalid(op.name, "MembersAdminIDs: empty")
	}
	answer, err := call[ids](ctx, c, op, p, "rooms")
	return answer.RoomID, err
}

// GetRoom returns a room with its description: GET /rooms/{room_id}.
func (c *Client) GetRoom(ctx context.Context, roomID int64) (Room, error) {
	return call[Room](ctx, c, get("get room"), nil, "rooms", pathID(roomID))
}

// UpdateRoom changes a room's name, description or icon: PUT /rooms/{room_id}.
func (c *Client) UpdateRoom(ctx context.Context, roomID int64, p UpdateRoomParams) error {
	op := put("update room")
	if p == (UpdateRoomParams{}) {
		return c.service.Invalid(op.name, "nothing to change")
	}
	_, err := call[ids](ctx, c, op, p, "rooms", pathID(roomID))
	return err
}

// DeleteRoom leaves a room or deletes it: DELETE /rooms/{room_id}. Neither can be undone. A repeat after a lost answer
// may find that the account is not in the room any more, which is [mackerel.ErrUnauthorized] or [mackerel.ErrNotFound].
func (c *Client) DeleteRoom(ctx context.Context, roomID int64, action RoomAction) error {
	op := del("delete room")
	if action == "" {
		return c.service.Invalid(op.name, "action: empty")
	}
	params := struct {
		ActionType RoomAction `url:"action_type"`
	}{action}
	_, err := call[struct{}](ctx, c, op, params, "rooms", pathID(roomID))
	return err
}

// A Member is an account in a room.
type Member struct {
	AccountID int64 `json:"account_id"`
	Role      Role  `json:"role"`
	Person
}

// UpdateMembersParams are all members that a room is to have. MembersAdminIDs is required.
type UpdateMembersParams struct {
	MembersAdminIDs    []int64 `url:"members_admin_ids,comma"`
	MembersMemberIDs   []int64 `url:"members_member_ids,comma,omitempty"`
	MembersReadonlyIDs []int64 `url:"members_readonly_ids,comma,omitempty"`
}

// RoomMembers are the members of a room by their roles, as account ids.
type RoomMembers struct {
	Admin    []int64 `json:"admin"`
	Member   []int64 `json:"member"`
	Readonly []int64 `json:"readonly"`
}

func (m RoomMembers) documented() bool { return len(m.Admin) > 0 }

// ListMembers returns all members of a room: GET /rooms/{room_id}/members.
func (c *Client) ListMembers(ctx context.Context, roomID int64) ([]Member, error) {
	return list[Member](ctx, c, get("list members"), nil, "rooms", pathID(roomID), "members")
}

// UpdateMembers replaces the members of a room and returns the new members: PUT /rooms/{room_id}/members. An account
// that is in none of the lists is removed from the room, so begin with what [Client.ListMembers] returns.
func (c *Client) UpdateMembers(ctx context.Context, roomID int64, p UpdateMembersParams) (RoomMembers, error) {
	op := put("update members")
	if len(p.MembersAdminIDs) == 0 {
		return RoomMembers{}, c.service.Invalid(op.name, "MembersAdminIDs: empty")
	}
	return call[RoomMembers](ctx, c, op, p, "rooms", pathID(roomID), "members")
}
