package chatwork

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Member is somebody in a room.
type Member struct {
	AccountID        int64  `json:"account_id"`
	Role             Role   `json:"role"`
	Name             string `json:"name"`
	ChatworkID       string `json:"chatwork_id"`
	OrganizationID   int64  `json:"organization_id"`
	OrganizationName string `json:"organization_name"`
	Department       string `json:"department"`
	AvatarImageURL   string `json:"avatar_image_url"`
}

// UpdateMembersParams are all members that a room is to have. MembersAdminIDs is required: there is always one.
type UpdateMembersParams struct {
	MembersAdminIDs    []int64 `url:"members_admin_ids,comma"`
	MembersMemberIDs   []int64 `url:"members_member_ids,comma,omitempty"`
	MembersReadonlyIDs []int64 `url:"members_readonly_ids,comma,omitempty"`
}

// RoomMembers are a room's members by their roles, as account ids.
type RoomMembers struct {
	Admin    []int64 `json:"admin"`
	Member   []int64 `json:"member"`
	Readonly []int64 `json:"readonly"`
}

func (m RoomMembers) documented() bool { return len(m.Admin) > 0 }

var (
	listMembers   = operation{"list members", http.MethodGet, transport.Replay}
	updateMembers = operation{"update members", http.MethodPut, transport.Replay}
)

// ListMembers returns everybody in a room: GET /rooms/{room_id}/members. It may be repeated.
func (c *Client) ListMembers(ctx context.Context, roomID int64) ([]Member, error) {
	return list[Member](ctx, c, listMembers, nil, "rooms", pathID(roomID), "members")
}

// UpdateMembers replaces the members of a room, and returns the new ones: PUT /rooms/{room_id}/members. Whoever is not
// in the lists is removed from the room: begin with what [Client.ListMembers] returns. It may be repeated.
func (c *Client) UpdateMembers(ctx context.Context, roomID int64, p UpdateMembersParams) (RoomMembers, error) {
	if len(p.MembersAdminIDs) == 0 {
		return RoomMembers{}, c.service.Invalid(updateMembers.name, "MembersAdminIDs: empty")
	}
	return one[RoomMembers](ctx, c, updateMembers, p, "rooms", pathID(roomID), "members")
}
