package chatwork

import (
	"context"
	"errors"
	"net/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A MessageList is what a reading of a room gave. The free plan shows messages of the last 40 days only; if it has hidden
// some, or all, of what would have been listed, the list is Limited: an empty one does not mean that the room is empty.
// See https://developer.chatwork.com/docs/endpoints.
type MessageList struct {
	Messages []RoomMessage // at most 100, the oldest first; empty, never nil
	Limited  bool          // the plan hides messages
	Summary  string        // the service's words for that
}

// ListMessagesParams says which of the two readings of a room is meant.
type ListMessagesParams struct {
	Force bool `url:"force,int"` // the newest messages, not those that the token was not given yet
}

// A LimitationError means that messages exist and the account's plan hides them. It is the cause of a [*mackerel.Error]:
//
//	if hidden := (*chatwork.LimitationError)(nil); errors.As(err, &hidden) { ... }
type LimitationError struct {
	Summary string // the service's words
}

// Error says it in our words; those of the service are in Summary.
func (*LimitationError) Error() string { return "the plan hides messages" }

// limitation reads the headers that an answer has, besides its status, if the plan hides messages; nil without them.
func limitation(h http.Header) *LimitationError {
	if h.Get("Chatwork-Message-Limitation") != "true" {
		return nil
	}
	return &LimitationError{h.Get("Chatwork-Message-Limitation-Summary")}
}

// ListMessages reads a room: GET /rooms/{room_id}/messages. With Force it returns the newest messages and may be
// repeated; without, it returns what this token was not given yet and is never repeated after a lost answer. See
// [Client.LatestMessages] and [Client.NewMessages], which are the same for those who need not know what a plan hides.
func (c *Client) ListMessages(ctx context.Context, roomID int64, p ListMessagesParams) (MessageList, error) {
	list, _, err := c.read(ctx, roomID, p)
	return list, err
}

func (c *Client) read(ctx context.Context, roomID int64, p ListMessagesParams) (MessageList, transport.Result, error) {
	var list MessageList
	r, err := c.request(p.operation(), p, "rooms", pathID(roomID), "messages")
	if err != nil {
		return MessageList{}, transport.Result{}, err
	}
	r.Judge = c.watch(judgeMessages(&list))
	result, err := c.do(ctx, r)
	if err != nil {
		return MessageList{}, result, consumed(p, err)
	}
	return list, result, nil
}

func (p ListMessagesParams) operation() operation {
	if p.Force {
		return listMessages
	}
	return newMessages
}

func judgeMessages(list *MessageList) func(*transport.Result) {
	decode := decodeInto(&list.Messages)
	return func(r *transport.Result) {
		decode(r)
		if list.Messages == nil {
			list.Messages = []RoomMessage{}
		}
		list.Limited, list.Summary = false, ""
		if hidden := limitation(r.Header); hidden != nil {
			list.Limited, list.Summary = true, hidden.Summary
		}
	}
}

// judgeMessage tells a message that the plan hides from one that does not exist: both are 404.
func judgeMessage(m *RoomMessage) func(*transport.Result) {
	decode := decodeOne(m)
	return func(r *transport.Result) {
		decode(r)
		if hidden := limitation(r.Header); hidden != nil && r.Class == transport.NotFound {
			r.Err = hidden
		}
	}
}

// consumed says in the error of a reading that consumes what may have become of the messages.
func consumed(p ListMessagesParams, err error) error {
	var e *mackerel.Error
	if !p.Force && errors.Is(err, mackerel.ErrAmbiguous) && errors.As(err, &e) && e.Message == "" {
		e.Message = "the new messages may be consumed, LatestMessages (force=1) has them"
	}
	return err
}

// LatestMessages returns the newest messages of a room, at most 100, oldest first: GET /rooms/{room_id}/messages with
// force=1. It may be called as often as one likes and changes nothing; what is older than these cannot be listed. An
// empty room gives an empty list. If the plan hides all of them, the error is [mackerel.ErrUnauthorized] with a
// [LimitationError]; that it hides some can be learned from [Client.ListMessages].
func (c *Client) LatestMessages(ctx context.Context, roomID int64) ([]RoomMessage, error) {
	return c.messages(ctx, roomID, ListMessagesParams{Force: true})
}

// NewMessages returns the messages that this token has not been given yet by NewMessages, at most 100, oldest first:
// GET /rooms/{room_id}/messages with force=0. The server keeps the place, one per token and room, and reading moves it:
// two programs with one token take each other's messages away, and so do two goroutines. Nothing new gives an empty
// list, unless the plan hides what is new: that is an error, as with [Client.LatestMessages].
//
// Because reading consumes, it is never repeated after a lost answer. If the error is [mackerel.ErrAmbiguous], the
// messages may have been handed out to nobody; only [Client.LatestMessages] still has them.
func (c *Client) NewMessages(ctx context.Context, roomID int64) ([]RoomMessage, error) {
	return c.messages(ctx, roomID, ListMessagesParams{})
}

// messages is ListMessages for those who take an empty list for an empty room.
func (c *Client) messages(ctx context.Context, roomID int64, p ListMessagesParams) ([]RoomMessage, error) {
	list, result, err := c.read(ctx, roomID, p)
	if err == nil && list.Limited && len(list.Messages) == 0 {
		result.Class, result.Err = transport.Unauthorized, &LimitationError{list.Summary}
		return nil, c.service.Error(p.operation().name, result)
	}
	return list.Messages, err
}
