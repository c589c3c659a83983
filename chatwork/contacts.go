package chatwork

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Contact is somebody in the account's list of contacts.
type Contact struct {
	AccountID        int64  `json:"account_id"`
	RoomID           int64  `json:"room_id"` // of the direct chat with them
	Name             string `json:"name"`
	ChatworkID       string `json:"chatwork_id"`
	OrganizationID   int64  `json:"organization_id"`
	OrganizationName string `json:"organization_name"`
	Department       string `json:"department"`
	AvatarImageURL   string `json:"avatar_image_url"`
}

func (c Contact) documented() bool { return c.AccountID != 0 }

// An IncomingRequest is somebody who asks to become a contact.
type IncomingRequest struct {
	RequestID        int64  `json:"request_id"`
	AccountID        int64  `json:"account_id"` // of who asks
	Message          string `json:"message"`
	Name             string `json:"name"`
	ChatworkID       string `json:"chatwork_id"`
	OrganizationID   int64  `json:"organization_id"`
	OrganizationName string `json:"organization_name"`
	Department       string `json:"department"`
	AvatarImageURL   string `json:"avatar_image_url"`
}

var (
	listContacts    = operation{"list contacts", http.MethodGet, transport.Replay}
	listRequests    = operation{"list incoming requests", http.MethodGet, transport.Replay}
	approveIncoming = operation{"approve incoming request", http.MethodPut, transport.Replay}
	declineIncoming = operation{"decline incoming request", http.MethodDelete, transport.Replay}
)

// ListContacts returns the account's contacts: GET /contacts. None gives an empty list. It may be repeated.
func (c *Client) ListContacts(ctx context.Context) ([]Contact, error) {
	return list[Contact](ctx, c, listContacts, nil, "contacts")
}

// ListIncomingRequests returns who asks to become a contact, at most 100: GET /incoming_requests. Nobody gives an empty
// list. It may be repeated.
func (c *Client) ListIncomingRequests(ctx context.Context) ([]IncomingRequest, error) {
	return list[IncomingRequest](ctx, c, listRequests, nil, "incoming_requests")
}

// ApproveIncomingRequest makes who asks a contact, and returns it with the room of the new direct chat:
// PUT /incoming_requests/{request_id}. It may be repeated; a repetition after a lost answer may find that there is no
// such request any more, [mackerel.ErrNotFound].
func (c *Client) ApproveIncomingRequest(ctx context.Context, requestID int64) (Contact, error) {
	return one[Contact](ctx, c, approveIncoming, nil, "incoming_requests", pathID(requestID))
}

// DeclineIncomingRequest turns a request down: DELETE /incoming_requests/{request_id}. It may be repeated, as
// ApproveIncomingRequest may.
func (c *Client) DeclineIncomingRequest(ctx context.Context, requestID int64) error {
	_, err := call[struct{}](ctx, c, declineIncoming, nil, "incoming_requests", pathID(requestID))
	return err
}
