package hipchat

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Scope is something that a token may do. A scope that this version does not know is kept as the server wrote it.
// See https://developer.atlassian.com/server/hipchat/hipchat-rest-api-scopes/.
type Scope string

// The scopes.
const (
	ScopeAdminGroup       Scope = "admin_group"
	ScopeAdminRoom        Scope = "admin_room"
	ScopeImportData       Scope = "import_data" // of some add-ons only
	ScopeManageRooms      Scope = "manage_rooms"
	ScopeSendMessage      Scope = "send_message"      // to a person
	ScopeSendNotification Scope = "send_notification" // to a room
	ScopeViewGroup        Scope = "view_group"
	ScopeViewMessages     Scope = "view_messages"
	ScopeViewRoom         Scope = "view_room"
)

// A Session is what the server knows about a token.
type Session struct {
	Client SessionClient `json:"client"`
	Scopes []Scope       `json:"scopes"` // what the token may do
}

// A SessionClient is what a token was issued to.
type SessionClient struct {
	Name          string  `json:"name"`
	AllowedScopes []Scope `json:"allowed_scopes"` // that its tokens can have
	Room          *Room   `json:"room"`           // ID and Name of the token's only room; nil if it is for all rooms
}

func (s Session) documented() bool { return s.Scopes != nil || s.Client.AllowedScopes != nil }

var getSession = operation{"get session", http.MethodGet, transport.Replay}

// GetSession returns what the client's token may do, and where: GET /oauth/token/{token} (get_session). It needs no
// scope. It is the only call with the token in its path, as the API requires. A server or proxy that logs addresses
// logs the token; [Client.TestAuth] has it in a header only.
func (c *Client) GetSession(ctx context.Context) (Session, error) {
	return get[Session](ctx, c, getSession, nil, "oauth", "token", c.token.Reveal())
}
