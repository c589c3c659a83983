package chatworktest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Message is a message in a room.
type Message struct {
	MessageID  string // up to 19 digits
	AccountID  int64  // of the author
	Body       string // in Chatwork's notation, as it was posted or last edited
	SelfUnread bool   // unread for its author
	SendTime   time.Time
	UpdateTime time.Time // zero unless it was edited or deleted
	Deleted    bool      // it is listed as "[deleted]"; Body stays
}

// A message is a Message and the accounts that have not read it.
type message struct {
	Message
	unread map[int64]bool // by account id
}

// Messages returns the messages of a room, oldest first, nil if the room is unknown.
func (s *Server) Messages(roomID int64) []Message {
	return look(s, roomID, func(r *chat) (all []Message) {
		for _, m := range r.messages {
			all = append(all, m.Message)
		}
		return all
	})
}

// AddMessage adds a message to a room, as if its author had posted it, and returns its id. A SendTime that is not set
// is the time of the server's clock. The message counts for no limit.
func (s *Server) AddMessage(roomID int64, m Message) (messageID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addMessage(s.room(roomID), m)
}

// addMessage adds a message, which is unread for all members but its author.
func (s *Server) addMessage(r *chat, m Message) (messageID string) {
	m.MessageID, m.AccountID = s.claimMessage(m.MessageID), s.account(m.AccountID).AccountID
	if m.SendTime.IsZero() {
		m.SendTime = s.Now()
	}
	added := &message{Message: m, unread: make(map[int64]bool)}
	for id := range r.Members {
		added.unread[id] = id != m.AccountID || m.SelfUnread
	}
	r.messages = append(r.messages, added)
	r.updated = m.SendTime
	return m.MessageID
}

// claimMessage is claim for the id of a message.
func (s *Server) claimMessage(id string) string {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		n = 0
	}
	return text(s.claim("message", n))
}

var errNoMessage = refuse(http.StatusNotFound, "Message not found")

// index returns the index of a message in the call's room.
func (c *call) index(messageID string) (int, error) {
	i := slices.IndexFunc(c.room.messages, func(m *message) bool { return m.MessageID == messageID })
	if i < 0 {
		return i, errNoMessage
	}
	return i, nil
}

func (s *Server) messageView(m *message) object {
	body, updated := m.Body, int64(0)
	if m.Deleted {
		body = "[deleted]"
	}
	if !m.UpdateTime.IsZero() {
		updated = m.UpdateTime.Unix()
	}
	return object{
		"message_id": m.MessageID, "account": s.view(m.AccountID), "body": body,
		"send_time": m.SendTime.Unix(), "update_time": updated,
	}
}

// A place is where reading with force=0 goes on. There is one per token and room.
type place struct {
	token string
	room  *chat
}

// listMessages is https://developer.chatwork.com/reference/get-rooms-room_id-messages. With force=1 it returns the
// newest messages, and without it the newest of those that it has not returned to the token. Listing marks nothing as
// read.
func (s *Server) listMessages(c *call) (any, error) {
	from := 0
	if c.params.Get("force") != "1" {
		at := place{c.token, c.room}
		from, s.seen[at] = s.seen[at], len(c.room.messages)
	}
	from = max(from, len(c.room.messages)-maxItems)
	var views []object
	for _, m := range c.room.messages[from:] {
		if s.hidden(m) {
			c.limited()
			continue
		}
		views = append(views, s.messageView(m))
	}
	return list(views, maxItems)
}

// list returns the answer with the last items of a list, without content if the list is empty.
func list[T any](views []T, limit int) (any, error) {
	if len(views) == 0 {
		return nil, nil
	}
	return views[max(0, len(views)-limit):], nil
}

// HideOlderThan hides messages of more than this age, by the server's clock, as the free plan does with 40 days. Lists
// with hidden messages have headers that say so, and so has the 404 of a hidden message. 0 shows all messages again.
func (s *Server) HideOlderThan(age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retained = age
}

func (s *Server) hidden(m *message) bool {
	return s.retained > 0 && s.Now().Sub(m.SendTime) > s.retained
}

// limited writes the headers that say that the plan hides something.
// See https://developer.chatwork.com/docs/endpoints.
func (c *call) limited() {
	c.header.Set("Chatwork-Message-Limitation", "true")
	c.header.Set("Chatwork-Message-Limitation-Summary", "Only messages within the last 40 days can be viewed.")
}

// postMessage is https://developer.chatwork.com/reference/post-rooms-room_id-messages.
func (s *Server) postMessage(c *call) (any, error) {
	s.Accept()
	return object{"message_id": s.addMessage(c.room, Message{
		AccountID: c.account.AccountID, Body: c.params.Get("body"), SelfUnread: c.params.Get("self_unread") == "1",
	})}, nil
}

// getMessage is https://developer.chatwork.com/reference/get-rooms-room_id-messages-message_id.
func (s *Server) getMessage(c *call) (any, error) {
	i, err := c.index(c.ids["message_id"])
	if err != nil {
		return nil, err
	}
	if s.hidden(c.room.messages[i]) {
		c.limited()
		return nil, errNoMessage
	}
	return s.messageView(c.room.messages[i]), nil
}

// updateMessage is https://developer.chatwork.com/reference/put-rooms-room_id-messages-message_id. An edited message
// does not become unread again.
func (s *Server) updateMessage(c *call) (any, error) {
	return s.edit(c, func(m *message) { m.Body = c.params.Get("body") })
}

// deleteMessage is https://developer.chatwork.com/reference/delete-rooms-room_id-messages-message_id.
func (s *Server) deleteMessage(c *call) (any, error) {
	return s.edit(c, func(m *message) { m.Deleted = true })
}

// edit changes a message of the account that is not deleted.
func (s *Server) edit(c *call, change func(*message)) (any, error) {
	i, err := c.index(c.ids["message_id"])
	if err != nil {
		return nil, err
	}
	m := c.room.messages[i]
	switch {
	case m.AccountID != c.account.AccountID:
		return nil, errNoPermission
	case m.Deleted:
		return nil, errNoMessage
	}
	change(m)
	m.UpdateTime = s.Now()
	c.room.updated = m.UpdateTime
	return object{"message_id": m.MessageID}, nil
}

// unread counts the messages that an account has not read, mentions those among them that call the account.
func (r *chat) unread(a *Account) int { return r.count(a, func(Message) bool { return true }) }

func (r *chat) mentions(a *Account) int {
	return r.count(a, func(m Message) bool {
		all, accounts := Mentions(m.Body)
		return all || slices.Contains(accounts, a.AccountID)
	})
}

func (r *chat) count(a *Account, counts func(Message) bool) (n int) {
	for _, m := range r.messages {
		if m.unread[a.AccountID] && counts(m.Message) {
			n++
		}
	}
	return n
}

var (
	errRead   = refuse(http.StatusBadRequest, "The messages are already read")
	errUnread = refuse(http.StatusBadRequest, "The messages are already unread")
)

// markRead is https://developer.chatwork.com/reference/put-rooms-room_id-messages-read. It marks a message and all
// before it, and without a message all messages.
func (s *Server) markRead(c *call) (any, error) {
	end := len(c.room.messages)
	if c.params.Has("message_id") {
		i, err := c.index(c.params.Get("message_id"))
		if err != nil {
			return nil, err
		}
		end = i + 1
	}
	return c.mark(c.room.messages[:end], false, errRead)
}

// markUnread is https://developer.chatwork.com/reference/put-rooms-room_id-messages-unread. It marks a message and all
// after it.
func (s *Server) markUnread(c *call) (any, error) {
	i, err := c.index(c.params.Get("message_id"))
	if err != nil {
		return nil, err
	}
	return c.mark(c.room.messages[i:], true, errUnread)
}

// mark marks messages for the account. If that changes nothing, it returns an error.
func (c *call) mark(messages []*message, unread bool, unchanged error) (any, error) {
	changed := false
	for _, m := range messages {
		changed = changed || m.unread[c.account.AccountID] != unread
		m.unread[c.account.AccountID] = unread
	}
	if !changed {
		return nil, unchanged
	}
	return object{"unread_num": c.room.unread(c.account), "mention_num": c.room.mentions(c.account)}, nil
}
