package hipchattest

import (
	"net/http"
	"net/url"
	"path"
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

var viewRooms = []string{"view_group", "view_room"}

var endpoints = []endpoint{
	{http.MethodGet, "room", viewRooms, []string{
		"start-index", "max-results", "include-private", "include-archived", "expand",
	}, (*Server).getAllRooms},
	{http.MethodGet, "room/*", viewRooms, nil, (*Server).getRoom},
	{http.MethodPut, "room/*/topic", []string{"admin_room"}, nil, (*Server).setTopic},
	{http.MethodPost, "room/*/notification", []string{"send_notification"}, nil, (*Server).sendNotification},
	{http.MethodGet, "room/*/history", []string{"view_messages"}, []string{
		"date", "end-date", "timezone", "start-index", "max-results", "reverse", "include_deleted",
	}, (*Server).roomHistory},
	{http.MethodGet, "room/*/history/latest", []string{"view_messages"}, []string{
		"max-results", "timezone", "include_deleted", "not-before",
	}, (*Server).latestHistory},
	{http.MethodPost, "user/*/message", []string{"send_message"}, nil, (*Server).privateMessageUser},
	{http.MethodGet, "oauth/token/*", nil, nil, (*Server).getSession},
}

// route finds the endpoint and the name in the path. A path without its name is a 405.
func route(c *call) (endpoint, error) {
	status := http.StatusNotFound
	for _, e := range endpoints {
		pattern, escaped := basePath+"/"+e.path, c.r.URL.EscapedPath()
		if ok, _ := path.Match(pattern, escaped); !ok { // the patterns are well-formed
			continue
		}
		status = http.StatusMethodNotAllowed
		i := slices.Index(strings.Split(pattern, "/"), "*")
		if i >= 0 {
			c.name, _ = url.PathUnescape(strings.Split(escaped, "/")[i]) // net/http has checked it
		}
		if e.method == c.r.Method && (i < 0 || c.name != "") {
			return e, nil
		}
	}
	return endpoint{}, refuse(status, map[int]string{404: "Not found", 405: "Method not allowed"}[status])
}

// authorize checks that the token may make the call, and finds the room or the person in the path.
func (s *Server) authorize(c *call, e endpoint) error {
	may := func(scope string) bool { return slices.Contains(c.access.Scopes, scope) }
	if len(e.scopes) > 0 && !slices.ContainsFunc(e.scopes, may) {
		return refuse(http.StatusForbidden, "This action requires one of the following scopes: "+reprs(e.scopes))
	}
	switch {
	case strings.HasPrefix(e.path, "room/"):
		if c.room = s.findRoom(c.name); c.room == nil {
			return refuse(http.StatusNotFound, "Room "+c.name+" not found")
		}
		if c.access.Room != 0 && c.access.Room != c.room.ID {
			return refuse(http.StatusForbidden, "This token is not for this room")
		}
	case strings.HasPrefix(e.path, "user/"):
		if c.user = s.findUser(c.name); c.user == nil {
			return refuse(http.StatusNotFound, "User "+c.name+" not found")
		}
	}
	return nil
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
