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

// A Message is a message that stands in a room.
type Message struct {
	ID       string    // a UUID; the first message to every server has the same
	Date     time.Time // to the microsecond
	Type     string    // notification, or message for those of people
	From     string    // the token's label and, after a dot, the notification's from
	User     *User     // who wrote it; nil for a notification
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
	return s.keep(r, Message{Type: "message", User: &from, Text: text, Format: "text", Kept: text})
}

func (s *Server) keep(r *room, m Message) Message {
	s.sent++
	m.ID = fmt.Sprintf("%08x-4d61-4b65-8a72-%012x", s.sent, s.sent)
	m.Date = s.Now().UTC().Truncate(time.Microsecond)
	r.messages = append(r.messages, m)
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
	if err := s.messages.take(c.header, strconv.FormatInt(c.room.id, 10), s.Now()); err != nil {
		return 0, nil, err
	}
	n, err := readNotification(c.r, s.schema)
	if err != nil {
		return 0, nil, err
	}
	m := Message{
		Type: "notification", From: c.token.Label, Text: n.Message, Kept: n.Message, Format: n.Format, Color: n.Color,
		Notify: n.Notify, AttachTo: n.AttachTo,
	}
	if n.From != "" {
		m.From += " · " + n.From
	}
	if n.Format == "html" {
		m.Kept = sanitize(n.Message)
	}
	if string(n.Card) != "null" {
		m.Card = n.Card
	}
	s.keep(c.room, m)
	return http.StatusNoContent, nil, nil
}

// readNotification reads the body. Members that come twice are refused, since which one counts nobody knows.
func readNotification(r *http.Request, s schema) (notification, error) {
	n := notification{Format: "html", Color: "yellow"}
	contentType := r.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
		if contentType == "" {
			contentType = "None"
		}
		return n, badRequest("Invalid content type: " + contentType)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return n, badRequest("Invalid body")
	}
	value, err := decodeJSON(body)
	if err != nil {
		return n, badRequest("Invalid JSON: " + err.Error())
	}
	if e := s.check("", value); e != nil {
		return n, e
	}
	if err := json.Unmarshal(body, &n); err != nil {
		return n, badRequest("Invalid JSON: " + err.Error())
	}
	return n, nil
}
