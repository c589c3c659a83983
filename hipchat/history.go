package hipchat

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// RoomHistoryParams says which part of a room's history to return. Of the latest messages, which is what a zero Date
// asks for, there is one page of at most 75. With a Date there are pages, and the newest messages may be missing.
type RoomHistoryParams struct {
	Date time.Time `url:"date,omitempty" layout:"2006-01-02T15:04:05.999999Z07:00"` // the latest to return
	// EndDate is the earliest to return, together with Date. Servers were seen to refuse it together with Timezone.
	EndDate        time.Time `url:"end-date,omitempty" layout:"2006-01-02T15:04:05.999999Z07:00"`
	Timezone       string    `url:"timezone,omitempty"` // a name as Asia/Tokyo, of the dates in the answer; UTC unless set
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
	ID            string          `json:"id"`   // a UUID, for [Notification].AttachTo
	Date          time.Time       `json:"date"` // zero if it cannot be read; UTC if it has no offset
	Type          string          `json:"type"` // message, notification, guest_access or topic
	From          User            `json:"from"`
	Message       string          `json:"message"`
	MessageFormat Format          `json:"message_format,omitzero"` // of a notification
	Color         Color           `json:"color,omitzero"`          // of a notification
	Mentions      []User          `json:"mentions,omitzero"`
	AttachTo      string          `json:"attach_to,omitzero"` // the id of the message that this one is shown with
	Card          json.RawMessage `json:"card,omitzero"`      // as the server has it; see [RoomMessage.DecodeCard]
	File          json.RawMessage `json:"file,omitzero"`      // as the server has it
}

// UnmarshalJSON reads a message. It is never lost over its date.
func (m *RoomMessage) UnmarshalJSON(b []byte) error {
	type Fields RoomMessage // without this method
	*m = RoomMessage{}
	wire := struct {
		*Fields
		Date string `json:"date"`
	}{Fields: (*Fields)(m)}
	err := json.Unmarshal(b, &wire)
	m.Date = parseDate(wire.Date)
	return err
}

// DecodeCard reads the card of a message, which servers were seen to write as an object and as a string that holds one.
// It is nil, without an error, if the message has none.
func (m RoomMessage) DecodeCard() (*Card, error) {
	b := bytes.TrimSpace(m.Card)
	if len(b) == 0 {
		return nil, nil //nolint:nilnil // most messages have no card
	}
	if text := ""; json.Unmarshal(b, &text) == nil && b[0] == '"' {
		b = []byte(text)
	}
	var card *Card
	err := json.Unmarshal(b, &card)
	return card, err
}

// parseDate reads a date of the API's, in ISO 8601. Some were seen without an offset: they are UTC. What cannot be read
// is zero.
func parseDate(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// A User is somebody who wrote or is mentioned. What wrote a notification is no person and has only a Name.
type User struct {
	ID          int64  `json:"id,omitzero"`
	Name        string `json:"name"`
	MentionName string `json:"mention_name,omitzero"` // what stands after an @
}

// UnmarshalJSON reads the object that stands for a person, and the string that stands for anything else.
func (u *User) UnmarshalJSON(b []byte) error {
	*u = User{}
	type object User
	return unmarshalEither(b, &u.Name, (*object)(u))
}

var (
	roomHistory   = operation{"view room history", http.MethodGet, transport.Replay}
	latestHistory = operation{"view latest room history", http.MethodGet, transport.Replay}
)

// RoomHistory returns one page of a room's messages, oldest first unless Reverse is false:
// GET /room/{room_id_or_name}/history, view_room_history in the API's reference. The token needs [ScopeViewMessages],
// which a room's own token never has. It may be repeated.
func (c *Client) RoomHistory(ctx context.Context, room string, p RoomHistoryParams) (Page[RoomMessage], error) {
	return list[RoomMessage](ctx, c, roomHistory, p, "room", room, "history")
}

// RoomMessages goes through a room's history back from p.Date, newest first whatever p.Reverse says, since only then do
// the pages stay where they are; without a Date there is one page, of the latest 75. It calls [Client.RoomHistory] for a
// page when the one before is used up, and ends after an error, the end of the context among them.
func (c *Client) RoomMessages(ctx context.Context, room string, p RoomHistoryParams) iter.Seq2[RoomMessage, error] {
	p.Reverse = new(bool)
	return pages(c, roomHistory, p.StartIndex, func(start int) (Page[RoomMessage], error) {
		p := p
		p.StartIndex = start
		return c.RoomHistory(ctx, room, p)
	})
}

// LatestHistory returns the latest messages of a room, oldest first, without pages:
// GET /room/{room_id_or_name}/history/latest, view_recent_room_history in the API's reference. The token needs
// [ScopeViewMessages]. It may be repeated.
func (c *Client) LatestHistory(ctx context.Context, room string, p LatestHistoryParams) (Page[RoomMessage], error) {
	return list[RoomMessage](ctx, c, latestHistory, p, "room", room, "history", "latest")
}
