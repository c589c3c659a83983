package chatworktest

import (
	"net/http"
	"strconv"
)

// A link is the invitation link of a room.
type link struct {
	Public         bool   `json:"public"`
	URL            string `json:"url"`
	NeedAcceptance bool   `json:"need_acceptance"`
	Description    string `json:"description"`
}

// noLink is what a room without a link answers.
var noLink = map[string]bool{"public": false}

// getLink is https://developer.chatwork.com/reference/get-rooms-room_id-link.
func (s *Server) getLink(c *call) (any, error) {
	if c.room.link == nil {
		return noLink, nil
	}
	return *c.room.link, nil
}

var (
	errLink     = &apiError{http.StatusBadRequest, "The link already exists"}
	errNoLink   = &apiError{http.StatusBadRequest, "The link is disabled"}
	errCodeUsed = &apiError{http.StatusBadRequest, "The code is already used"}
)

// createLink is https://developer.chatwork.com/reference/post-rooms-room_id-link.
func (s *Server) createLink(c *call) (any, error) {
	if err := c.administers(); err != nil {
		return nil, err
	}
	if c.room.link != nil {
		return nil, errLink
	}
	return s.setLink(c, linkCode.name, needAcceptance.name)
}

// updateLink makes the link anew from nothing but the parameters.
// See https://developer.chatwork.com/reference/put-rooms-room_id-link.
func (s *Server) updateLink(c *call) (any, error) {
	if err := c.hasLink(); err != nil {
		return nil, err
	}
	return s.setLink(c, linkCode.name, needAcceptance.name)
}

// deleteLink is https://developer.chatwork.com/reference/delete-rooms-room_id-link.
func (s *Server) deleteLink(c *call) (any, error) {
	if err := c.hasLink(); err != nil {
		return nil, err
	}
	c.room.link = nil
	return noLink, nil
}

func (c *call) hasLink() error {
	if err := c.administers(); err != nil {
		return err
	}
	if c.room.link == nil {
		return errNoLink
	}
	return nil
}

// setLink makes the room's link from the parameters, whose names differ where a room is created. Without a code it has
// a new one.
func (s *Server) setLink(c *call, code, acceptance string) (any, error) {
	text := c.params.Get(code)
	if text == "" {
		s.ids++
		text = "randomcode" + strconv.FormatInt(s.ids, 10)
	}
	l := link{
		Public: true, URL: "https://example.chatwork.com/g/" + text, NeedAcceptance: c.params.Get(acceptance) != "0",
	}
	if code == linkCode.name {
		l.Description = c.params.Get(description.name)
	}
	for _, r := range s.rooms {
		if r != c.room && r.link != nil && r.link.URL == l.URL {
			return nil, errCodeUsed
		}
	}
	c.room.link = &l
	return l, nil
}
