package chatwork

import "context"

// A Person is what the API tells about an account in lists of people.
type Person struct {
	Name             string `json:"name"`
	ChatworkID       string `json:"chatwork_id"`
	OrganizationID   int64  `json:"organization_id"`
	OrganizationName string `json:"organization_name"`
	Department       string `json:"department"`
	AvatarImageURL   string `json:"avatar_image_url"`
}

// A Contact is an account in the list of contacts.
type Contact struct {
	AccountID int64 `json:"account_id"`
	RoomID    int64 `json:"room_id"` // of the direct chat with the contact
	Person
}

func (c Contact) documented() bool { return c.AccountID != 0 }

// An IncomingRequest is the request of an account to become a contact.
type IncomingRequest struct {
	RequestID int64  `json:"request_id"`
	AccountID int64  `json:"account_id"` // of the account that asks
	Message   string `json:"message"`
	Person
}

// ListContacts returns the contacts of the account: GET /contacts.
func (c *Client) ListContacts(ctx context.Context) ([]Contact, error) {
	return list[Contact](ctx, c, get("list contacts"), nil, "contacts")
}

// ListIncomingRequests returns the requests to become a contact, at most 100: GET /incoming_requests.
func (c *Client) ListIncomingRequests(ctx context.Context) ([]IncomingRequest, error) {
	return list[IncomingRequest](ctx, c, get("list incoming requests"), nil, "incoming_requests")
}

// ApproveIncomingRequest makes the account that asks a contact, and returns the contact: PUT
// /incoming_requests/{request_id}. A repeat after a lost answer may find that the request is gone, which is
// [mackerel.ErrNotFound].
func (c *Client) ApproveIncomingRequest(ctx context.Context, requestID int64) (Contact, error) {
	return call[Contact](ctx, c, put("approve incoming request"), nil, "incoming_requests", pathID(requestID))
}

// DeclineIncomingRequest declines a request: DELETE /incoming_requests/{request_id}. A repeat may find
// that the request is gone, as with ApproveIncomingRequest.
func (c *Client) DeclineIncomingRequest(ctx context.Context, requestID int64) error {
	_, err := call[struct{}](ctx, c, del("decline incoming request"), nil, "incoming_requests", pathID(requestID))
	return err
}
