package hipchattest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A Message is a message in a room or to a person.
type Message struct {
	ID       string    // a UUID; the messages of every server have the same ids in the same order
	Date     time.Time // to the microsecond
	Type     string    // notification, topic, or message for those of people and those to a person
	From     string    // the token's label and, after a dot, the notification's from
	User     *User     // the person who wrote it; nil if it was sent with a token
	Text     string    // as it was sent
	Format   string    // html or text
	Color    string
	Notify   bool
	AttachTo string
	Card     jsontext.Value // as it was sent; nil if there was none
	Kept     string         // of a message in HTML, what the sanitizer leaves; otherwise the Text
}

// A User is a person who writes messages.
type User struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	MentionName string `json:"mention_name"`
	Email       string `json:"-"` // also names the person as the receiver of a message
}

// Messages returns the messages in a room, oldest first. It returns nil if there is no such room.
func (s *Server) Messages(roomID int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.findRoom(strconv.FormatInt(roomID, 10)); r != nil {
		return slices.Clone(r.messages)
	}
	return nil
}

// AddMessage puts a message of a person into a room, where histories have it, and returns the message. If there is no
// such room, it adds one whose name is the id.
func (s *Server) AddMessage(roomID int64, from User, text string) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strconv.FormatInt(roomID, 10)
	r := s.findRoom(name)
	if r == nil {
		r = &room{Room: Room{ID: roomID, Name: name, Created: s.Now()}}
		s.rooms = append(s.rooms, r)
	}
	return s.keep(&r.messages, Message{Type: "message", User: &from, Text: text, Format: "text"})
}

func (s *Server) keep(messages *[]Message, m Message) Message {
	s.ids++
	m.ID = fmt.Sprintf("%08x-4d61-4b65-8a72-%012x", s.ids, s.ids)
	m.Date = s.Now().UTC().Truncate(time.Microsecond)
	if m.Kept = m.Text; m.Format == "html" {
		m.Kept = sanitize(m.Text)
	}
	*messages = append(*messages, m)
	return m
}

// Limits in characters, from https://developer.atlassian.com/server/hipchat/messages and from the reference of the API.
const (
	maxMessage  = 10000
	maxFrom     = 64
	maxAttachTo = 36
)

// content is what messages to a room and to a person have in common.
type content struct {
	Message *string `json:"message"`
	Format  *string `json:"message_format"`
	Notify  bool    `json:"notify"`
}

func (c content) check() (k checker) {
	k.require("message", c.Message, 1, maxMessage)
	k.word("message_format", c.Format, "html", "text")
	return k
}

type notification struct {
	content
	Color    *string        `json:"color"`
	From     *string        `json:"from"`
	AttachTo *string        `json:"attach_to"`
	Card     jsontext.Value `json:"card"`
}

func (n notification) check(unknown bool) error {
	k := n.content.check()
	k.word("color", n.Color, "yellow", "green", "red", "purple", "gray", "random")
	k.text("from", n.From, 0, maxFrom)
	k.text("attach_to", n.AttachTo, 0, maxAttachTo)
	if r := checkCard(n.Card, unknown); r != nil {
		k.refuse(r)
	}
	return k.err()
}

func (s *Server) sendNotification(c *call) (answer any, err error) {
	if err := s.take(c, messageLane, "room "+strconv.FormatInt(c.room.ID, 10), "X-Floodcontrol"); err != nil {
		return nil, err
	}
	var n notification
	if err := s.readBody(c.r, &n); err != nil {
		return nil, err
	}
	if err := n.check(!s.IsStrict()); err != nil {
		return nil, err
	}
	m := Message{
		Type: "notification", From: c.access.Label, Text: *n.Message, Format: value(n.Format, "html"),
		Color: value(n.Color, "yellow"), Notify: n.Notify, AttachTo: value(n.AttachTo, ""),
	}
	if from := value(n.From, ""); from != "" {
		m.From += " · " + from
	}
	if n.Card.Kind() == '{' {
		m.Card = n.Card
	}
	s.keep(&c.room.messages, m)
	s.Accept()
	return nil, nil
}

// value returns what v points to, or what applies if the value was not sent.
func value(v *string, otherwise string) string {
	if v == nil {
		return otherwise
	}
	return *v
}
