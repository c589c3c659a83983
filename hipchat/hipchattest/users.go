package hipchattest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

type user struct {
	User
	messages []Message
}

// AddUser adds a person, to whom messages can be sent by ID, Email, or MentionName with an @ in front.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, &user{User: u})
}

// PrivateMessages returns what was sent to a person, oldest first. It returns nil if there is no such person.
func (s *Server) PrivateMessages(userID int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.findUser(strconv.FormatInt(userID, 10)); u != nil {
		return slices.Clone(u.messages)
	}
	return nil
}

func (s *Server) privateMessageUser(c *call) (answer any, err error) {
	if err := s.take(c, messageLane, "user "+strconv.FormatInt(c.user.ID, 10), "X-Floodcontrol"); err != nil {
		return nil, err
	}
	var n content
	if err := s.readBody(c.r, contentMembers, &n); err != nil {
		return nil, err
	}
	s.keep(&c.user.messages, Message{
		Type: "message", From: c.access.Label, Text: n.Message, Format: cmp.Or(n.Format, "text"), Notify: n.Notify,
	})
	s.Accept()
	return nil, nil
}

// getSession shows any token, to every token that is valid.
func (s *Server) getSession(c *call) (answer any, err error) {
	if !s.HasToken(c.name) {
		return nil, refuse(http.StatusNotFound, "Session not found")
	}
	a := s.access[c.name]
	client := map[string]any{"name": a.Label, "allowed_scopes": a.Scopes, "room": nil}
	if r := s.findRoom(strconv.FormatInt(a.Room, 10)); a.Room != 0 && r != nil {
		client["room"] = map[string]any{"id": r.ID, "name": r.Name}
	}
	return map[string]any{"client": client, "scopes": a.Scopes}, nil
}
