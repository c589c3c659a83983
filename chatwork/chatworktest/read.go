package chatworktest

import (
	"net/http"
	"slices"
)

// A readState is what is left to read in a room.
type readState struct {
	UnreadNum  int `json:"unread_num"`
	MentionNum int `json:"mention_num"`
}

// readState counts by message, not by place: between two unread messages of others there may be a read one of the
// account's own.
func (r *room) readState(a *Account) (state readState) {
	for _, m := range r.messages {
		if !m.unread[a.AccountID] {
			continue
		}
		state.UnreadNum++
		if all, accounts := Mentions(m.Body); all || slices.Contains(accounts, a.AccountID) {
			state.MentionNum++
		}
	}
	return state
}

var (
	errRead   = &apiError{http.StatusBadRequest, "The messages are already read"}
	errUnread = &apiError{http.StatusBadRequest, "The messages are already unread"}
)

// markRead marks a message and all before it, or without a message all there are.
// See https://developer.chatwork.com/reference/put-rooms-room_id-messages-read.
func (s *Server) markRead(c *call) (any, error) {
	end := len(c.room.messages)
	if c.params.Has(messageID.name) {
		i, err := c.index(c.params.Get(messageID.name))
		if err != nil {
			return nil, err
		}
		end = i + 1
	}
	if !mark(c.room.messages[:end], c.account, false) {
		return nil, errRead
	}
	return c.room.readState(c.account), nil
}

// markUnread marks a message and all after it.
// See https://developer.chatwork.com/reference/put-rooms-room_id-messages-unread.
func (s *Server) markUnread(c *call) (any, error) {
	i, err := c.index(c.params.Get(messageID.name))
	if err != nil {
		return nil, err
	}
	if !mark(c.room.messages[i:], c.account, true) {
		return nil, errUnread
	}
	return c.room.readState(c.account), nil
}

// mark marks the messages for one account and reports whether that changed anything.
func mark(messages []*message, a *Account, unread bool) (changed bool) {
	for _, m := range messages {
		changed = changed || m.unread[a.AccountID] != unread
		m.unread[a.AccountID] = unread
	}
	return changed
}
