package chatwork

import "context"

// A Link is the invitation link of a room. If Public is false, the room has no link and the other fields are empty.
type Link struct {
	Public         bool   `json:"public"`
	URL            string `json:"url"`
	NeedAcceptance bool   `json:"need_acceptance"` // an admin must accept accounts that come by the link
	Description    string `json:"description"`
}

func (Link) documented() bool { return true }

// LinkParams is a whole invitation link.
type LinkParams struct {
	Code           string `url:"code,omitempty"`                // 1 to 50 of A-Z, a-z, 0-9, _ and -; random unless set
	NeedAcceptance *bool  `url:"need_acceptance,int,omitempty"` // nil is true
	Description    string `url:"description,omitempty"`         // what an update without it does is not documented
}

// GetLink returns the invitation link of a room: GET /rooms/{room_id}/link.
func (c *Client) GetLink(ctx context.Context, roomID int64) (Link, error) {
	return call[Link](ctx, c, get("get link"), nil, "rooms", pathID(roomID), "link")
}

// CreateLink creates the invitation link of a room: POST /rooms/{room_id}/link. If the room has a link already, the
// error is [mackerel.ErrInvalid].
func (c *Client) CreateLink(ctx context.Context, roomID int64, p LinkParams) (Link, error) {
	return call[Link](ctx, c, post("create link"), p, "rooms", pathID(roomID), "link")
}

// UpdateLink replaces the invitation link of a room: PUT /rooms/{room_id}/link. Fields that are not set do not stay as
// they were: without a Code the link gets a new random code and its old address ends, and NeedAcceptance becomes true.
// If the room has no link, the error is [mackerel.ErrInvalid].
func (c *Client) UpdateLink(ctx context.Context, roomID int64, p LinkParams) (Link, error) {
	return call[Link](ctx, c, put("update link"), p, "rooms", pathID(roomID), "link")
}

// DeleteLink removes the invitation link of a room and returns a Link that is not public: DELETE /rooms/{room_id}/link.
// If the room has no link, the error is [mackerel.ErrInvalid], and [IsAlreadyDone] reports true. A repeat after a lost
// answer may get that error.
func (c *Client) DeleteLink(ctx context.Context, roomID int64) (Link, error) {
	return call[Link](ctx, c, del(opDeleteLink), nil, "rooms", pathID(roomID), "link")
}
