package hipchat

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// maxTopic is the longest topic of a room, in characters.
const maxTopic = 250

// Privacy is who may enter a room. A value that this version does not know is kept as the server wrote it.
type Privacy string

// The two kinds of rooms.
const (
	PrivacyPublic  Privacy = "public"
	PrivacyPrivate Privacy = "private" // members only
)

// A Room is a room as the API returns it. A list of rooms that is not expanded has only ID and Name.
type Room struct {
	ID                int64     `json:"id"`
	Name              string    `json:"name"`
	XMPPJID           string    `json:"xmpp_jid,omitzero"`
	Topic             string    `json:"topic,omitzero"`
	Privacy           Privacy   `json:"privacy,omitzero"`
	IsArchived        bool      `json:"is_archived,omitzero"`
	IsGuestAccessible bool      `json:"is_guest_accessible,omitzero"`
	GuestAccessURL    string    `json:"guest_access_url,omitzero"`
	Created           time.Time `json:"created,omitzero"` // zero if it cannot be read; UTC if it has no offset
	Owner             User      `json:"owner,omitzero"`
	Participants      []User    `json:"participants,omitzero"` // who is in it now
}

func (r Room) documented() bool { return r.ID != 0 }

// UnmarshalJSON decodes a room. A date that cannot be read is no error.
func (r *Room) UnmarshalJSON(b []byte) error {
	type Fields Room // without this method
	*r = Room{}
	wire := struct {
		*Fields
		Created string `json:"created"`
	}{Fields: (*Fields)(r)}
	err := unmarshal(b, &wire)
	r.Created = parseDate(wire.Created)
	return err
}

// RoomsParams says which rooms to list.
type RoomsParams struct {
	StartIndex      int    `url:"start-index,omitempty"`      // rooms to leave out
	MaxResults      int    `url:"max-results,omitempty"`      // of a page: 100 unless set, at most 1000
	IncludePrivate  *bool  `url:"include-private,omitempty"`  // the server's default unless set; sources differ on it
	IncludeArchived bool   `url:"include-archived,omitempty"` // archived rooms too
	Expand          string `url:"expand,omitempty"`           // "items": each room as [Client.GetRoom] has it
}

var (
	getAllRooms = operation{"get all rooms", http.MethodGet, transport.Replay}
	getRoom     = operation{"get room", http.MethodGet, transport.Replay}
	setTopic    = operation{"set topic", http.MethodPut, transport.Replay}
)

// Rooms goes through the rooms that the token can see, in the server's order: GET /room (get_all_rooms). A page is
// requested when the page before it is used up. An error, also that of the context, is the last element. The token
// needs [ScopeViewGroup] or [ScopeViewRoom].
func (c *Client) Rooms(ctx context.Context, p RoomsParams) iter.Seq2[Room, error] {
	return pages(c, getAllRooms, p.StartIndex, func(start int) (Page[Room], error) {
		p := p
		p.StartIndex = start
		return get[Page[Room]](ctx, c, getAllRooms, p, "room")
	})
}

// GetRoom returns a room: GET /room/{room} (get_room). The token needs [ScopeViewGroup] or [ScopeViewRoom]; a room's
// own token has neither.
func (c *Client) GetRoom(ctx context.Context, room string) (Room, error) {
	return get[Room](ctx, c, getRoom, nil, "room", room)
}

// SetTopic sets the topic of a room, of at most 250 characters; "" removes it: PUT /room/{room}/topic (set_topic).
// The token needs [ScopeAdminRoom].
func (c *Client) SetTopic(ctx context.Context, room, topic string) error {
	var p provider.Problems
	p.Length("topic", topic, provider.Runes, maxTopic)
	if err := p.Err(); err != nil {
		return c.service.Invalid(setTopic.name, err.Error())
	}
	return c.send(ctx, setTopic, map[string]string{"topic": topic}, "room", room, "topic")
}
