package hipchattest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Message is a message that stands in a room or was sent to a person.
type Message struct {
	ID       string    // a UUID; the first message to every server has the same
	Date     time.Time // to the microsecond
	Type     string    // notification, topic, or message for those of people and those to a person
	From     string    // the token's label and, after a dot, the notification's from
	User     *User     // the person who wrote it; nil if a token did
	Text     string    // the message as it was sent
	Format   string    // html or text
	Color    string
	Notify   bool
	AttachTo string
	Card     json.RawMessage // as it was sent; nil if there was none
	Kept     string          // of a message in HTML, what the sanitizer leaves; otherwise the Text
}

// A User is a person who writes messages.
type User struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	MentionName string `json:"mention_name"`
	Email       string `json:"-"` // one of the names that a person can be written to by
}

// Messages returns what stands in a room, oldest first; nil if there is no such room.
func (s *Server) Messages(roomID int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.findRoom(strconv.FormatInt(roomID, 10)); r != nil {
		return slices.Clone(r.messages)
	}
	return nil
}

// AddMessage puts a message of a person into a room, for histories to have it, and returns it as it is kept. It panics
// if there is no such room.
func (s *Server) AddMessage(roomID int64, from User, text string) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.findRoom(strconv.FormatInt(roomID, 10))
	if r == nil {
		panic("hipchattest: no room " + strconv.FormatInt(roomID, 10))
	}
	return s.keep(&r.messages, Message{Type: "message", User: &from, Text: text, Format: "text"})
}

func (s *Server) keep(messages *[]Message, m Message) Message {
	s.sent++
	m.ID = fmt.Sprintf("%08x-4d61-4b65-8a72-%012x", s.sent, s.sent)
	m.Date = s.Now().UTC().Truncate(time.Microsecond)
	if m.Kept = m.Text; m.Format == "html" {
		m.Kept = sanitize(m.Text)
	}
	*messages = append(*messages, m)
	return m
}

// notification is what may be sent, after the schema has had its say.
type notification struct {
	Message  string          `json:"message"`
	Format   string          `json:"message_format"`
	Color    string          `json:"color"`
	Notify   bool            `json:"notify"`
	From     string          `json:"from"`
	AttachTo string          `json:"attach_to"`
	Card     json.RawMessage `json:"card"`
}

func (s *Server) sendNotification(c *call) (status int, answer any, err error) {
	if err := s.messages.take(c.header, "room "+strconv.FormatInt(c.room.ID, 10), s.Now()); err != nil {
		return 0, nil, err
	}
	n := notification{Format: "html", Color: "yellow"}
	if err := s.readBody(c.r, notificationSchema, &n); err != nil {
		return 0, nil, err
	}
	m := Message{
		Type: "notification", From: c.token.Label, Text: n.Message, Format: n.Format, Color: n.Color, Notify: n.Notify,
		AttachTo: n.AttachTo,
	}
	if n.From != "" {
		m.From += " · " + n.From
	}
	if string(n.Card) != "null" {
		m.Card = n.Card
	}
	s.keep(&c.room.messages, m)
	return http.StatusNoContent, nil, nil
}

// readBody reads the body into what v points to. Members that come twice are refused, since which one counts nobody
// knows.
func (s *Server) readBody(r *http.Request, as schema, v any) error {
	contentType := r.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
		if contentType == "" {
			contentType = "None"
		}
		return badRequest("Invalid content type: " + contentType)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return badRequest("Invalid body")
	}
	value, err := decodeJSON(body)
	if err != nil {
		return badRequest("Invalid JSON: " + err.Error())
	}
	as.Open = s.open
	if e := as.check("", value); e != nil {
		return e
	}
	if err := json.Unmarshal(body, v); err != nil {
		return badRequest("Invalid JSON: " + err.Error())
	}
	return nil
}
