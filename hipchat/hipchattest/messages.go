package hipchattest

import (
	"cmp"
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
	Text     string    // as it was sent; see [CheckHTML]
	Format   string    // html or text
	Color    string
	Notify   bool
	AttachTo string
	Card     jsontext.Value // as it was sent; nil if there was none
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

// AddMessage puts a message of a person into a room, where histories have it. A room that does not exist is added, with
// its ID as its name.
func (s *Server) AddMessage(roomID int64, from User, text string) {
	if _, exists := s.Room(roomID); !exists {
		s.AddRoom(roomID, strconv.FormatInt(roomID, 10))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.findRoom(strconv.FormatInt(roomID, 10))
	s.keep(&r.messages, Message{Type: "message", User: &from, Text: text, Format: "text"})
}

func (s *Server) keep(messages *[]Message, m Message) {
	s.ids++
	m.ID = fmt.Sprintf("%08x-4d61-4b65-8a72-%012x", s.ids, s.ids)
	m.Date = s.Now().UTC().Truncate(time.Microsecond)
	*messages = append(*messages, m)
}

// content is what messages to a room and to a person have in common.
type content struct {
	Message string `json:"message"`
	Format  string `json:"message_format"`
	Notify  bool   `json:"notify"`
}

type notification struct {
	content
	Color    string         `json:"color"`
	From     string         `json:"from"`
	AttachTo string         `json:"attach_to"`
	Card     jsontext.Value `json:"card"`
}

func (s *Server) sendNotification(c *call) (answer any, err error) {
	if err := s.take(c, messageLane, "room "+strconv.FormatInt(c.room.ID, 10), "X-Floodcontrol"); err != nil {
		return nil, err
	}
	var n notification
	if err := s.readBody(c.r, notificationMembers, &n); err != nil {
		return nil, err
	}
	m := Message{
		Type: "notification", From: c.access.Label, Text: n.Message, Format: cmp.Or(n.Format, "html"),
		Color: cmp.Or(n.Color, "yellow"), Notify: n.Notify, AttachTo: n.AttachTo,
	}
	if n.From != "" {
		m.From += " · " + n.From
	}
	if n.Card.Kind() == '{' {
		m.Card = n.Card
	}
	s.keep(&c.room.messages, m)
	s.Accept()
	return nil, nil
}
