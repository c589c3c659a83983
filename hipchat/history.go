package hipchat

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// RoomHistoryParams says which part of a room's history to return. Without a Date it is one page of at most 75
// messages, the latest. With a Date there are pages, and the newest messages may be missing.
type RoomHistoryParams struct {
	Date time.Time `url:"date,omitempty" layout:"2006-01-02T15:04:05.999999Z07:00"` // of the latest message
	// EndDate is the date of the earliest message. It needs a Date. Servers were seen to refuse it together with
	// Timezone.
	EndDate        time.Time `url:"end-date,omitempty" layout:"2006-01-02T15:04:05.999999Z07:00"`
	Timezone       string    `url:"timezone,omitempty"` // of the dates in the answer, such as Asia/Tokyo; UTC unless set
	StartIndex     int       `url:"start-index,omitempty"`
	MaxResults     int       `url:"max-results,omitempty"`     // 100 unless set, at most 1000
	Reverse        *bool     `url:"reverse,omitempty"`         // oldest first; true unless set, false for stable pages
	IncludeDeleted *bool     `url:"include_deleted,omitempty"` // deleted messages too, without their text; true unless set
}

// LatestHistoryParams says how much of a room's latest history to return.
type LatestHistoryParams struct {
	MaxResults     int    `url:"max-results,omitempty"`     // at most 1000; the server decides unless set
	Timezone       string `url:"timezone,omitempty"`        // of the dates in the answer; UTC unless set
	NotBefore      string `url:"not-before,omitempty"`      // the id of the oldest message to return
	IncludeDeleted *bool  `url:"include_deleted,omitempty"` // deleted messages too, without their text; true unless set
}

// A RoomMessage is a message as the API returns it.
type RoomMessage struct {
	ID            string         `json:"id"`   // a UUID, for [Notification].AttachTo
	Date          time.Time      `json:"date"` // zero if it cannot be read; UTC if it has no offset
	Type          string         `json:"type"` // message, notification, guest_access or topic
	From          User           `json:"from"`
	Message       string         `json:"message"`
	MessageFormat Format         `json:"message_format,omitzero"` // of a notification
	Color         Color          `json:"color,omitzero"`          // of a notification
	Mentions      []User         `json:"mentions,omitzero"`
	AttachTo      string         `json:"attach_to,omitzero"` // the id of the message that this one is shown with
	Card          jsontext.Value `json:"card,omitzero"`      // as the server has it; see [RoomMessage.DecodeCard]
	File          jsontext.Value `json:"file,omitzero"`      // as the server has it
}

// UnmarshalJSON decodes a message. A date that cannot be read is no error.
func (m *RoomMessage) UnmarshalJSON(b []byte) error {
	type Fields RoomMessage // without this method
	*m = RoomMessage{}
	wire := struct {
		*Fields
		Date string `json:"date"`
	}{Fields: (*Fields)(m)}
	err := unmarshal(b, &wire)
	m.Date = parseDate(wire.Date)
	return err
}

// DecodeCard decodes the card of a message. Servers were seen to write a card as an object and as a string that
// contains the object. DecodeCard returns nil, without an error, if the message has no card.
func (m RoomMessage) DecodeCard() (card *Card, err error) {
	if len(m.Card) == 0 {
		return nil, nil
	}
	object := m.Card
	if object.Kind() == '"' {
		var text string
		if err := unmarshal(object, &text); err != nil {
			return nil, err
		}
		object = jsontext.Value(text)
	}
	err = unmarshal(object, &card)
	return card, err
}

// parseDate reads a date in ISO 8601. A date without an offset, as some servers write it, is taken as UTC. It returns
// the zero time for what it cannot read.
func parseDate(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// A User is a person who wrote a message or is mentioned in it. The sender of a notification has only a Name.
type User struct {
	ID          int64  `json:"id,omitzero"`
	Name        string `json:"name"`
	MentionName string `json:"mention_name,omitzero"` // what stands after an @
}

// UnmarshalJSON decodes the object of a person, or the name of another sender.
func (u *User) UnmarshalJSON(b []byte) error {
	*u = User{}
	type object User
	return unmarshalEither(b, &u.Name, (*object)(u))
}

var (
	roomHistory   = operation{"view room history", http.MethodGet, transport.Replay}
	latestHistory = operation{"view latest room history", http.MethodGet, transport.Replay}
)

// RoomHistory returns a page of the messages of a room, oldest first unless Reverse is false: GET /room/{room}/history
// (view_room_history). The token needs [ScopeViewMessages], which a room's own token never has.
func (c *Client) RoomHistory(ctx context.Context, room string, p RoomHistoryParams) (Page[RoomMessage], error) {
	return get[Page[RoomMessage]](ctx, c, roomHistory, p, "room", room, "history")
}

// RoomMessages goes back through a room's history from p.Date, newest first. p.Reverse is ignored: only in this order
// do pages keep their messages while new messages arrive. Without a Date there is one page, of the latest 75 messages.
// A page is requested by [Client.RoomHistory] when the page before it is used up. An error, also that of the context,
// is the last element.
func (c *Client) RoomMessages(ctx context.Context, room string, p RoomHistoryParams) iter.Seq2[RoomMessage, error] {
	p.Reverse = new(bool)
	return pages(c, roomHistory, p.StartIndex, func(start int) (Page[RoomMessage], error) {
		p := p
		p.StartIndex = start
		return c.RoomHistory(ctx, room, p)
	})
}

// LatestHistory returns the latest messages of a room, oldest first, without pages: GET /room/{room}/history/latest
// (view_recent_room_history). The token needs [ScopeViewMessages].
func (c *Client) LatestHistory(ctx context.Context, room string, p LatestHistoryParams) (Page[RoomMessage], error) {
	return get[Page[RoomMessage]](ctx, c, latestHistory, p, "room", room, "history", "latest")
}
