package hipchat

import (
	"context"
	"net/http"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Scope is something that a token may do. Values that are newer than this package are kept as they came.
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

// A Session is what the server says of a token.
type Session struct {
	Client SessionClient `json:"client"`
	Scopes []Scope       `json:"scopes"` // what the token may do
}

// A SessionClient is whom a token was issued to.
type SessionClient struct {
	Name          string       `json:"name"`
	AllowedScopes []Scope      `json:"allowed_scopes"` // what it can have tokens for
	Room          *SessionRoom `json:"room"`           // the only room that the token is for; nil if it is for all
}

// A SessionRoom is the room of a room's own token.
type SessionRoom struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

func (s Session) documented() bool { return s.Scopes != nil || s.Client.AllowedScopes != nil }

var getSession = operation{"get session", http.MethodGet, transport.Replay}

// GetSession returns what the client's token may do, and where: GET /oauth/token/{token}, get_session in the API's
// reference. It needs no scope and may be repeated. This is the one call that has the token in its path, because the API
// wants it there: a server or proxy that logs addresses logs it. [Client.TestAuth] does without.
func (c *Client) GetSession(ctx context.Context) (Session, error) {
	return one[Session](ctx, c, getSession, "oauth", "token", c.token.Reveal())
}
