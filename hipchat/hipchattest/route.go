package hipchattest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A call is one request that has come as far as its token.
type call struct {
	token  *token
	name   string      // the element of the path that names something
	room   *room       // if the path is a room's
	user   *user       // if the path is a person's
	header http.Header // of the answer
	query  url.Values
	r      *http.Request
}

// An endpoint is one row of the API's reference. A token needs one of the scopes, if there are any.
type endpoint struct {
	method, path string // in the path, * is a name
	scopes       []string
	query        []string
	serve        func(*Server, *call) (status int, answer any, err error)
}

var viewRooms = []string{ScopeViewGroup, ScopeViewRoom}

var endpoints = []endpoint{
	{http.MethodGet, "room", viewRooms, []string{
		"start-index", "max-results", "include-private", "include-archived", "expand",
	}, (*Server).getAllRooms},
	{http.MethodGet, "room/*", viewRooms, nil, (*Server).getRoom},
	{http.MethodPut, "room/*/topic", []string{ScopeAdminRoom}, nil, (*Server).setTopic},
	{http.MethodPost, "room/*/notification", []string{ScopeSendNotification}, nil, (*Server).sendNotification},
	{http.MethodGet, "room/*/history", []string{ScopeViewMessages}, []string{
		"date", "end-date", "timezone", "start-index", "max-results", "reverse", "include_deleted",
	}, (*Server).roomHistory},
	{http.MethodGet, "room/*/history/latest", []string{ScopeViewMessages}, []string{
		"max-results", "timezone", "include_deleted", "not-before",
	}, (*Server).latestHistory},
	{http.MethodPost, "user/*/message", []string{ScopeSendMessage}, nil, (*Server).privateMessageUser},
	{http.MethodGet, "oauth/token/*", nil, nil, (*Server).getSession},
}

// route finds the endpoint, and the name in the path. A path without its name is one that other methods have.
func route(c *call) (e endpoint, err error) {
	err = &apiError{code: http.StatusNotFound, message: "Not found"}
	path, ok := strings.CutPrefix(c.r.URL.EscapedPath(), basePath+"/")
	for _, e := range endpoints {
		escaped, matches := match(e.path, path)
		if !ok || !matches {
			continue
		}
		if e.method != c.r.Method || escaped == "" && strings.Contains(e.path, "*") {
			err = &apiError{code: http.StatusMethodNotAllowed, message: "Method not allowed"}
			continue
		}
		if c.name, err = url.PathUnescape(escaped); err != nil {
			return e, badRequest("Invalid path")
		}
		return e, nil
	}
	return e, err
}

// match compares a path with an endpoint's, element by element, and returns the one that is a name.
func match(pattern, path string) (name string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return "", false
	}
	for i, w := range want {
		switch {
		case w == "*":
			name = got[i]
		case w != got[i]:
			return "", false
		}
	}
	return name, true
}

// authorize checks that the token may do this, and finds the room or the person it is to be done with.
func (s *Server) authorize(c *call, e endpoint) error {
	if len(e.scopes) > 0 && !slices.ContainsFunc(e.scopes, c.token.may) {
		return &apiError{code: http.StatusForbidden, message: "This action requires one of the following scopes: " + reprs(e.scopes)}
	}
	switch {
	case strings.HasPrefix(e.path, "room/"):
		if c.room = s.findRoom(c.name); c.room == nil {
			return &apiError{code: http.StatusNotFound, message: "Room " + c.name + " not found"}
		}
		if c.token.Room != 0 && c.token.Room != c.room.ID {
			return &apiError{code: http.StatusForbidden, message: "This token is not for this room"}
		}
	case strings.HasPrefix(e.path, "user/"):
		if c.user = s.findUser(c.name); c.user == nil {
			return &apiError{code: http.StatusNotFound, message: "User " + c.name + " not found"}
		}
	}
	return nil
}

func (t *token) may(scope string) bool { return slices.Contains(t.Scopes, scope) }

// reprs writes a list as Python 2 does.
func reprs(words []string) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = repr(w)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// findRoom looks for the id first.
func (s *Server) findRoom(name string) *room {
	for _, r := range s.rooms {
		if strconv.FormatInt(r.ID, 10) == name {
			return r
		}
	}
	for _, r := range s.rooms {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// findUser takes an id, an email address, or a mention name with its @.
func (s *Server) findUser(name string) *user {
	for _, u := range s.users {
		if strconv.FormatInt(u.ID, 10) == name || u.Email != "" && u.Email == name || "@"+u.MentionName == name {
			return u
		}
	}
	return nil
}
