package chatworktest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// An operation is one row of the API's reference.
type operation struct {
	method string
	path   string // below /v2; {id} stands for the digits of an id
	params params // in the query of a GET, in the form of everything else
	posts  bool   // counts for the room's limit
	serve  func(*Server, *call) (any, error)
}

// operations is the API, in the order of its reference. Everything else is a 404.
var operations = []operation{
	{"GET", "/me", nil, false, (*Server).getMe},
	{"GET", "/my/status", nil, false, (*Server).getMyStatus},
	{"GET", "/my/tasks", params{assignedBy, taskStatus}, false, (*Server).listMyTasks},
	{"GET", "/contacts", nil, false, (*Server).listContacts},
	{"GET", "/incoming_requests", nil, false, (*Server).listIncoming},
	{"PUT", "/incoming_requests/{request_id}", nil, false, (*Server).approve},
	{"DELETE", "/incoming_requests/{request_id}", nil, false, (*Server).decline},
	{"GET", "/rooms", nil, false, (*Server).listRooms},
	{"POST", "/rooms", params{
		roomName.needed(), adminIDs.needed(), memberIDs, readonlyIDs, description, iconPreset, withLink, roomLinkCode, roomLinkAcceptance,
	}, false, (*Server).createRoom},
	{"GET", "/rooms/{room_id}", nil, false, (*Server).getRoom},
	{"PUT", "/rooms/{room_id}", params{roomName, description, iconPreset}, false, (*Server).updateRoom},
	{"DELETE", "/rooms/{room_id}", params{actionType}, false, (*Server).deleteRoom},
	{"GET", "/rooms/{room_id}/members", nil, false, (*Server).listMembers},
	{"PUT", "/rooms/{room_id}/members", params{adminIDs.needed(), memberIDs, readonlyIDs}, false, (*Server).updateMembers},
	{"GET", "/rooms/{room_id}/messages", params{force}, false, (*Server).listMessages},
	{"POST", "/rooms/{room_id}/messages", params{body, selfUnread}, true, (*Server).postMessage},
	{"PUT", "/rooms/{room_id}/messages/read", params{messageID}, false, (*Server).markRead},
	{"PUT", "/rooms/{room_id}/messages/unread", params{messageID.needed()}, false, (*Server).markUnread},
	{"GET", "/rooms/{room_id}/messages/{message_id}", nil, false, (*Server).getMessage},
	{"PUT", "/rooms/{room_id}/messages/{message_id}", params{body}, false, (*Server).updateMessage},
	{"DELETE", "/rooms/{room_id}/messages/{message_id}", nil, false, (*Server).deleteMessage},
	{"GET", "/rooms/{room_id}/tasks", params{byAccount, assignedBy, taskStatus}, false, (*Server).listTasks},
	{"POST", "/rooms/{room_id}/tasks", params{body, toIDs, limit, limitType}, true, (*Server).createTask},
	{"GET", "/rooms/{room_id}/tasks/{task_id}", nil, false, (*Server).getTask},
	{"PUT", "/rooms/{room_id}/tasks/{task_id}/status", params{newStatus}, false, (*Server).updateTaskStatus},
	{"GET", "/rooms/{room_id}/files", params{byAccount}, false, (*Server).listFiles},
	{"POST", "/rooms/{room_id}/files", params{file, fileMessage}, false, (*Server).uploadFile},
	{"GET", "/rooms/{room_id}/files/{file_id}", params{createURL}, false, (*Server).getFile},
	{"GET", "/rooms/{room_id}/link", nil, false, (*Server).getLink},
	{"POST", "/rooms/{room_id}/link", params{linkCode, needAcceptance, description}, false, (*Server).createLink},
	{"PUT", "/rooms/{room_id}/link", params{linkCode, needAcceptance, description}, false, (*Server).updateLink},
	{"DELETE", "/rooms/{room_id}/link", nil, false, (*Server).deleteLink},
}

// A call is a request to an operation by an account.
type call struct {
	token   string
	account *Account
	ids     map[string]string // those in the path
	room    *room             // the one in the path, if there is one
	params  url.Values
	file    *File       // of an upload
	header  http.Header // of the answer
	host    string      // that the request was sent to
}

// prepare checks all that can be checked by the operation's row: the room, the parameters and, last, the room's limit.
func (s *Server) prepare(c *call, op *operation, r *http.Request) (err error) {
	if id, ok := c.ids["room_id"]; ok {
		if c.room = s.roomOf(c.account, id); c.room == nil {
			return noRoom(r.Method)
		}
	}
	if op.params.has(file.name) {
		c.file, c.params, err = readUpload(r, op.params.without(file))
	} else {
		c.params, err = op.params.read(r)
	}
	if err != nil {
		return err
	}
	if !op.posts {
		return nil
	}
	if c.room.Members[c.account.AccountID] == RoleReadonly {
		return errNoPermission
	}
	if _, _, ok := s.posts.Take(strconv.FormatInt(c.room.RoomID, 10), s.Now()); !ok {
		return errPostLimit
	}
	return nil
}

// noRoom is what Chatwork says of a room that one is not in: those who try to post there read of posting.
func noRoom(method string) error {
	if method == http.MethodGet {
		return errNoRoom
	}
	return errNoPermission
}

// match finds the operation for a request, and the ids in its path; nil if there is none. Other than [http.ServeMux] it
// does not redirect a path with an empty element, which is what an empty id makes.
func match(r *http.Request) (*operation, map[string]string) {
	path, ok := strings.CutPrefix(r.URL.Path, basePath)
	if !ok {
		return nil, nil
	}
	for i := range operations {
		if op := &operations[i]; op.method == r.Method {
			if ids, ok := op.match(path); ok {
				return op, ids
			}
		}
	}
	return nil, nil
}

// match compares a path with the operation's, element by element, and returns the ids in it by their names.
func (op *operation) match(path string) (ids map[string]string, ok bool) {
	want, got := strings.Split(op.path, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	ids = make(map[string]string)
	for i, element := range want {
		switch name, variable := strings.CutPrefix(element, "{"); {
		case variable && isID(got[i]):
			ids[strings.TrimSuffix(name, "}")] = got[i]
		case variable || element != got[i]:
			return nil, false
		}
	}
	return ids, true
}
