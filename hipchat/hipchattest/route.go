package hipchattest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A call is a request and what the fake knows about it.
type call struct {
	access Access      // of its token
	name   string      // the element of the path that is a name
	room   *room       // of the path, if it has a room
	user   *user       // of the path, if it has a person
	header http.Header // of the answer
	query  url.Values
	r      *http.Request
}

// An endpoint is a row of the API's reference. A token needs any one of the scopes.
type endpoint struct {
	method, path string // in the path, * is a name
	scopes       []string
	query        []string
	serve        func(*Server, *call) (answer any, err error) // a nil answer is a 204
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

// route finds the endpoint and the name in the path. A path without its name is a 405.
func route(c *call) (e endpoint, err error) {
	err = refuse(http.StatusNotFound, "Not found", nil)
	path, ok := strings.CutPrefix(c.r.URL.EscapedPath(), basePath+"/")
	for _, e := range endpoints {
		escaped, matches := match(e.path, path)
		if !ok || !matches {
			continue
		}
		if e.method != c.r.Method || escaped == "" && strings.Contains(e.path, "*") {
			err = refuse(http.StatusMethodNotAllowed, "Method not allowed", nil)
			continue
		}
		if c.name, err = url.PathUnescape(escaped); err != nil {
			return e, refuse(http.StatusBadRequest, "Invalid path", nil)
		}
		return e, nil
	}
	return e, err
}

// match compares a path with that of an endpoint, and returns the element that is a name.
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

// authorize checks that the token may make the call, and finds the room or the person in the path.
func (s *Server) authorize(c *call, e endpoint) error {
	may := func(scope string) bool { return slices.Contains(c.access.Scopes, scope) }
	if len(e.scopes) > 0 && !slices.ContainsFunc(e.scopes, may) {
		return refuse(http.StatusForbidden, "This action requires one of the following scopes: "+reprs(e.scopes), nil)
	}
	switch {
	case strings.HasPrefix(e.path, "room/"):
		if c.room = s.findRoom(c.name); c.room == nil {
			return refuse(http.StatusNotFound, "Room "+c.name+" not found", nil)
		}
		if c.access.Room != 0 && c.access.Room != c.room.ID {
			return refuse(http.StatusForbidden, "This token is not for this room", nil)
		}
	case strings.HasPrefix(e.path, "user/"):
		if c.user = s.findUser(c.name); c.user == nil {
			return refuse(http.StatusNotFound, "User "+c.name+" not found", nil)
		}
	}
	return nil
}

// reprs writes a list as Python 2 does.
func reprs(words []string) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = repr(w)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// findRoom finds a room by its id or its name. The id comes first.
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

// findUser finds a person by id, by email address, or by mention name with its @.
func (s *Server) findUser(name string) *user {
	for _, u := range s.users {
		if strconv.FormatInt(u.ID, 10) == name || u.Email != "" && u.Email == name || "@"+u.MentionName == name {
			return u
		}
	}
	return nil
}
