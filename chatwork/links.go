package chatwork

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Link is the invitation link of a room. If it is not public there is none, and the other fields are empty.
type Link struct {
	Public         bool   `json:"public"`
	URL            string `json:"url"`
	NeedAcceptance bool   `json:"need_acceptance"` // an admin must accept who comes by the link
	Description    string `json:"description"`
}

func (Link) documented() bool { return true }

// MarshalJSON gives what the service does: a link that is not public has no other member.
func (l Link) MarshalJSON() ([]byte, error) {
	if !l.Public {
		return []byte(`{"public":false}`), nil
	}
	type plain Link
	return json.Marshal(plain(l))
}

// LinkParams is an invitation link, all of it.
type LinkParams struct {
	Code           string `url:"code,omitempty"`                // 1 to 50 of A-Z, a-z, 0-9, _ and -; random unless set
	NeedAcceptance *bool  `url:"need_acceptance,int,omitempty"` // nil is true
	Description    string `url:"description,omitempty"`         // whether an update without one keeps the old is not documented
}

var (
	getLink    = operation{"get link", http.MethodGet, transport.Replay}
	createLink = operation{"create link", http.MethodPost, transport.Once}
	updateLink = operation{"update link", http.MethodPut, transport.Replay}
	deleteLink = operation{"delete link", http.MethodDelete, transport.Replay}
)

// GetLink returns the invitation link of a room: GET /rooms/{room_id}/link. It may be repeated.
func (c *Client) GetLink(ctx context.Context, roomID int64) (Link, error) {
	return one[Link](ctx, c, getLink, nil, "rooms", pathID(roomID), "link")
}

// CreateLink creates the invitation link of a room: POST /rooms/{room_id}/link. If there is one already, the error is
// [mackerel.ErrInvalid]. It is never repeated after a lost answer.
func (c *Client) CreateLink(ctx context.Context, roomID int64, p LinkParams) (Link, error) {
	return one[Link](ctx, c, createLink, p, "rooms", pathID(roomID), "link")
}

// UpdateLink replaces the invitation link of a room: PUT /rooms/{room_id}/link. What is left out does not stay as it was:
// without a Code there is a new random one, and the old address ends; without NeedAcceptance it is needed again. If
// there is no link, the error is [mackerel.ErrInvalid]. It may be repeated.
func (c *Client) UpdateLink(ctx context.Context, roomID int64, p LinkParams) (Link, error) {
	return one[Link](ctx, c, updateLink, p, "rooms", pathID(roomID), "link")
}

// DeleteLink takes the invitation link of a room away, and returns what is left, a Link that is not public:
// DELETE /rooms/{room_id}/link. If there is none, the error is [mackerel.ErrInvalid]; a repetition after a lost answer
// may find so.
func (c *Client) DeleteLink(ctx context.Context, roomID int64) (Link, error) {
	return one[Link](ctx, c, deleteLink, nil, "rooms", pathID(roomID), "link")
}
