package chatworktest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxList is how many messages are listed at the most.
// See https://developer.chatwork.com/reference/get-rooms-room_id-messages.
const maxList = 100

// A Message is what somebody posted to a room.
type Message struct {
	MessageID  string // up to 19 digits
	AccountID  int64  // who posted it
	Body       string // in Chatwork's notation, as it was posted or last edited
	SelfUnread bool   // unread for its author too
	SendTime   time.Time
	UpdateTime time.Time // zero unless it was edited or deleted
	Deleted    bool      // then it is listed as "[deleted]"; Body is still what it was
}

// A message is a Message and who has yet to read it.
type message struct {
	Message
	unread map[int64]bool // by account id
}

// Messages returns what was posted to a room, by clients and by AddMessage, the oldest first. It panics if there is no
// such room: a test that looks into the wrong room would find nothing wrong there.
func (s *Server) Messages(roomID int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Message
	for _, m := range s.mustRoom("Messages", roomID).messages {
		list = append(list, m.Message)
	}
	return list
}

// AddMessage adds a message to a room as if its AccountID had posted it, and returns its id. An empty MessageID is
// replaced by a new one, a zero SendTime by the time of the server's clock. It counts for no rate limit. AddMessage
// panics if there is no such room or account, or the id is taken or not one.
func (s *Server) AddMessage(roomID int64, m Message) (messageID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.mustRoom("AddMessage", roomID)
	s.mustAccount("AddMessage", m.AccountID)
	if m.MessageID != "" && (!isID(m.MessageID) || s.taken(m.MessageID)) {
		panic("chatworktest: AddMessage: the id " + m.MessageID + " is taken or is not an id")
	}
	return s.add(r, m)
}

// add adds a message, which everybody but its author has yet to read.
func (s *Server) add(r *room, m Message) (messageID string) {
	if m.MessageID == "" {
		m.MessageID = s.newMessageID()
	}
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

// newMessageID returns an id of 19 digits. Whoever reads it as a floating-point number cannot tell it from the next one.
func (s *Server) newMessageID() string {
	s.posted++
	id := strconv.FormatInt(1_990_000_000_000_000_000+s.posted, 10)
	if s.taken(id) {
		return s.newMessageID()
	}
	return id
}

func (s *Server) taken(messageID string) bool {
	return slices.ContainsFunc(s.rooms, func(r *room) bool { return r.find(messageID) >= 0 })
}

// find returns the index of a message in its room, -1 if there is none with this id.
func (r *room) find(messageID string) int {
	return slices.IndexFunc(r.messages, func(m *message) bool { return m.MessageID == messageID })
}

var errNoMessage = &apiError{http.StatusNotFound, "Message not found"}

// index returns the index of a message in the call's room.
func (c *call) index(messageID string) (int, error) {
	i := c.room.find(messageID)
	if i < 0 {
		return i, errNoMessage
	}
	return i, nil
}

// A messageView is a message as it is listed.
type messageView struct {
	MessageID  string      `json:"message_id"`
	Account    accountView `json:"account"`
	Body       string      `json:"body"`
	SendTime   int64       `json:"send_time"`
	UpdateTime int64       `json:"update_time"`
}

func (s *Server) view(m *message) messageView {
	v := messageView{
		MessageID: m.MessageID, Account: s.accounts[m.AccountID].view(), Body: m.Body, SendTime: m.SendTime.Unix(),
	}
	if !m.UpdateTime.IsZero() {
		v.UpdateTime = m.UpdateTime.Unix()
	}
	if m.Deleted {
		v.Body = "[deleted]"
	}
	return v
}

// A place is where force=0 goes on: one per token and room.
type place struct {
	token  string
	roomID int64
}

// listMessages gives the newest messages with force=1, and without it those that it has not given yet to this token: the
// newest 100 in both cases. Listing does not mark anything as read.
// See https://developer.chatwork.com/reference/get-rooms-room_id-messages.
func (s *Server) listMessages(c *call) (any, error) {
	from := 0
	if c.params.Get("force") != "1" {
		at := place{c.token, c.room.RoomID}
		from, s.seen[at] = s.seen[at], len(c.room.messages)
	}
	from = max(from, len(c.room.messages)-maxList)
	var views []messageView
	for _, m := range c.room.messages[from:] {
		if s.hidden(m) {
			c.limited()
			continue
		}
		views = append(views, s.view(m))
	}
	return list(views, maxList)
}

// list answers with the last of many, or without content if there are none.
func list[T any](views []T, limit int) (any, error) {
	if len(views) == 0 {
		return nil, nil
	}
	return views[max(0, len(views)-limit):], nil
}

// HideOlderThan makes the plan of all accounts one that shows messages of that age at the most, by the server's clock:
// 40 days, for the free plan. Lists from which messages are missing for that say so in their headers, and so does the
// 404 of a message that is hidden. With 0 everything is shown again.
func (s *Server) HideOlderThan(age time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retained = age
}

func (s *Server) hidden(m *message) bool {
	return s.retained > 0 && s.Now().Sub(m.SendTime) > s.retained
}

// limited says that the plan hides something.
// See https://developer.chatwork.com/docs/endpoints.
func (c *call) limited() {
	c.header.Set("Chatwork-Message-Limitation", "true")
	c.header.Set("Chatwork-Message-Limitation-Summary", "Only messages within the last 40 days can be viewed.")
}

// postMessage is https://developer.chatwork.com/reference/post-rooms-room_id-messages.
func (s *Server) postMessage(c *call) (any, error) {
	return idAnswer{s.add(c.room, Message{
		AccountID:  c.account.AccountID,
		Body:       c.params.Get("body"),
		SelfUnread: c.params.Get("self_unread") == "1",
	})}, nil
}

// An idAnswer is what posting, editing and deleting answer with.
type idAnswer struct {
	MessageID string `json:"message_id"`
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
	return s.view(c.room.messages[i]), nil
}

// updateMessage is https://developer.chatwork.com/reference/put-rooms-room_id-messages-message_id. It makes nothing unread
// again.
func (s *Server) updateMessage(c *call) (any, error) {
	return s.edit(c, func(m *message) { m.Body = c.params.Get("body") })
}

// deleteMessage is https://developer.chatwork.com/reference/delete-rooms-room_id-messages-message_id.
func (s *Server) deleteMessage(c *call) (any, error) {
	return s.edit(c, func(m *message) { m.Deleted = true })
}

// edit changes a message of the account's own that is not deleted.
func (s *Server) edit(c *call, change func(*message)) (any, error) {
	i, err := c.index(c.ids["message_id"])
	if err != nil {
		return nil, err
	}
	m := c.room.messages[i]
	switch {
	case m.AccountID != c.account.AccountID || c.room.Members[m.AccountID] == RoleReadonly:
		return nil, errNoPermission
	case m.Deleted:
		return nil, errNoMessage
	}
	change(m)
	m.UpdateTime = s.Now()
	c.room.updated = m.UpdateTime
	return idAnswer{m.MessageID}, nil
}
