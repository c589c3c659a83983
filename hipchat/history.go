package hipchat

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel/internal/provider"
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

// A Page is one page of a list. The next one begins at StartIndex + len(Items).
type Page[T any] struct {
	Items      []T   `json:"items"`
	StartIndex int   `json:"startIndex"`
	MaxResults int   `json:"maxResults"`
	Links      Links `json:"links"`
}

// Links are the addresses of a page and its neighbours, "" where there is none.
type Links struct {
	Self string `json:"self"`
	Prev string `json:"prev,omitzero"`
	Next string `json:"next,omitzero"`
}

// A RoomMessage is a message as the API returns it.
type RoomMessage struct {
	ID            string          `json:"id"` // a UUID
	Date          time.Time       `json:"date"`
	Type          string          `json:"type"` // message, notification, guest_access or topic
	From          User            `json:"from"`
	Message       string          `json:"message"`
	MessageFormat Format          `json:"message_format,omitzero"` // of a notification
	Color         Color           `json:"color,omitzero"`          // of a notification
	Mentions      []User          `json:"mentions,omitzero"`
	AttachTo      string          `json:"attach_to,omitzero"`
	Card          json.RawMessage `json:"card,omitzero"` // as the server has it
	File          json.RawMessage `json:"file,omitzero"` // as the server has it
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

// RoomHistory returns messages of a room, oldest first unless Reverse is false: GET /room/{room_id_or_name}/history.
// The token needs the scope view_messages, which a room's own token never has. It may be repeated.
func (c *Client) RoomHistory(ctx context.Context, room string, p RoomHistoryParams) (Page[RoomMessage], error) {
	return list[RoomMessage](ctx, c, roomHistory, p, "room", room, "history")
}

// LatestHistory returns the latest messages of a room, oldest first, without pages:
// GET /room/{room_id_or_name}/history/latest. The token needs the scope view_messages. It may be repeated.
func (c *Client) LatestHistory(ctx context.Context, room string, p LatestHistoryParams) (Page[RoomMessage], error) {
	return list[RoomMessage](ctx, c, latestHistory, p, "room", room, "history", "latest")
}

// list gets one page of a list. An answer without items is not the documented one, and no empty list either.
func list[T any](ctx context.Context, c *Client, op operation, params any, path ...string) (Page[T], error) {
	var page Page[T]
	r, err := c.request(op, params, path...)
	if err != nil {
		return page, err
	}
	decode := provider.JSON(&page)
	r.Judge = func(r *transport.Result) {
		if decode(r); r.Class == transport.Done && page.Items == nil {
			provider.Undocumented(r)
		}
	}
	if _, err = c.service.Do(ctx, r); err != nil {
		return Page[T]{}, err
	}
	return page, nil
}
