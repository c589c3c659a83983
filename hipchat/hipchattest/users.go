package hipchattest

import (
	"net/http"
	"slices"
	"strconv"
)

type user struct {
	User
	messages []Message
}

// AddUser adds a person, who can then be written to by ID, Email, or MentionName with an @ before it.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, &user{User: u})
}

// PrivateMessages returns what was sent to a person, oldest first; nil if there is no such person.
func (s *Server) PrivateMessages(userID int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.findUser(strconv.FormatInt(userID, 10)); u != nil {
		return slices.Clone(u.messages)
	}
	return nil
}

func (s *Server) privateMessageUser(c *call) (status int, answer any, err error) {
	if err := s.messages.take(c.header, "user "+strconv.FormatInt(c.user.ID, 10), s.Now()); err != nil {
		return 0, nil, err
	}
	n := notification{Format: "text"}
	if err := s.readBody(c.r, privateSchema, &n); err != nil {
		return 0, nil, err
	}
	s.keep(&c.user.messages, Message{
		Type: "message", From: c.token.Label, Text: n.Message, Format: n.Format, Notify: n.Notify,
	})
	return http.StatusNoContent, nil, nil
}

// getSession tells about any token, to whoever has one.
func (s *Server) getSession(c *call) (status int, answer any, err error) {
	t := s.tokens[c.name]
	if t == nil || len(t.Scopes) == 0 {
		return 0, nil, &apiError{code: http.StatusNotFound, message: "Session not found"}
	}
	client := map[string]any{"name": t.Label, "allowed_scopes": t.Scopes, "room": nil}
	if r := s.findRoom(strconv.FormatInt(t.Room, 10)); t.Room != 0 && r != nil {
		client["room"] = map[string]any{"id": r.ID, "name": r.Name}
	}
	return http.StatusOK, map[string]any{"client": client, "scopes": t.Scopes}, nil
}
