package chatworktest

import (
	"net/http"
	"net/url"
	"strings"
)

// An operation is one row of the API's reference.
type operation struct {
	method string
	path   string // below /v2; {id} stands for the digits of an id
	params params
	serve  func(*Server, *call) (any, error)
	rights right
}

// A right is what an account must have in the room of an operation.
type right int

const (
	toRead  right = iota
	toWrite       // the account is not readonly
	toPost        // the same, and the operation counts for the limit of the room
	toAdmin       // the account is an admin, and the room is a group chat
)

// operations is the API, in the order of its reference.
var operations = []operation{
	{"GET", "/me", nil, (*Server).getMe, toRead},
	{"GET", "/my/status", nil, (*Server).getMyStatus, toRead},
	{"GET", "/my/tasks", params{assignedBy, status}, (*Server).listMyTasks, toRead},
	{"GET", "/contacts", nil, (*Server).listContacts, toRead},
	{"GET", "/incoming_requests", nil, (*Server).listIncoming, toRead},
	{"PUT", "/incoming_requests/{request_id}", nil, (*Server).approve, toRead},
	{"DELETE", "/incoming_requests/{request_id}", nil, (*Server).decline, toRead},
	{"GET", "/rooms", nil, (*Server).listRooms, toRead},
	{"POST", "/rooms", params{
		roomName.needed(), adminIDs, memberIDs, readonlyIDs, description, iconPreset,
		{"link", false, flag}, {"link_code", false, code}, {"link_need_acceptance", false, flag},
	}, (*Server).createRoom, toRead},
	{"GET", "/rooms/{room_id}", nil, (*Server).getRoom, toRead},
	{"PUT", "/rooms/{room_id}", params{roomName, description, iconPreset}, (*Server).updateRoom, toWrite},
	{"DELETE", "/rooms/{room_id}", params{
		{"action_type", true, oneOf("leave", "delete")},
	}, (*Server).deleteRoom, toRead},
	{"GET", "/rooms/{room_id}/members", nil, (*Server).listMembers, toRead},
	{"PUT", "/rooms/{room_id}/members", params{adminIDs, memberIDs, readonlyIDs}, (*Server).updateMembers, toAdmin},
	{"GET", "/rooms/{room_id}/messages", params{{"force", false, flag}}, (*Server).listMessages, toRead},
	{"POST", "/rooms/{room_id}/messages", params{
		body, {"self_unread", false, flag},
	}, (*Server).postMessage, toPost},
	{"PUT", "/rooms/{room_id}/messages/read", params{messageID}, (*Server).markRead, toRead},
	{"PUT", "/rooms/{room_id}/messages/unread", params{messageID.needed()}, (*Server).markUnread, toRead},
	{"GET", "/rooms/{room_id}/messages/{message_id}", nil, (*Server).getMessage, toRead},
	{"PUT", "/rooms/{room_id}/messages/{message_id}", params{body}, (*Server).updateMessage, toWrite},
	{"DELETE", "/rooms/{room_id}/messages/{message_id}", nil, (*Server).deleteMessage, toWrite},
	{"GET", "/rooms/{room_id}/tasks", params{accountID, assignedBy, status}, (*Server).listTasks, toRead},
	{"POST", "/rooms/{room_id}/tasks", params{
		body, {"to_ids", true, idList}, {"limit", false, number},
		{"limit_type", false, oneOf("none", "date", "time")},
	}, (*Server).createTask, toPost},
	{"GET", "/rooms/{room_id}/tasks/{task_id}", nil, (*Server).getTask, toRead},
	{"PUT", "/rooms/{room_id}/tasks/{task_id}/status", params{
		{"body", true, oneOf("open", "done")},
	}, (*Server).updateTaskStatus, toWrite},
	{"GET", "/rooms/{room_id}/files", params{accountID}, (*Server).listFiles, toRead},
	{"POST", "/rooms/{room_id}/files", nil, (*Server).uploadFile, toWrite}, // see readUpload
	{"GET", "/rooms/{room_id}/files/{file_id}", params{
		{"create_download_url", false, flag},
	}, (*Server).getFile, toRead},
	{"GET", "/rooms/{room_id}/link", nil, (*Server).getLink, toRead},
	{"POST", "/rooms/{room_id}/link", linkParams, (*Server).createLink, toAdmin},
	{"PUT", "/rooms/{room_id}/link", linkParams, (*Server).updateLink, toAdmin},
	{"DELETE", "/rooms/{room_id}/link", nil, (*Server).deleteLink, toAdmin},
}

// A call is a request for an operation.
type call struct {
	token   string // see credential
	account *Account
	ids     map[string]string // in the path
	room    *chat             // in the path, if there is one
	params  url.Values
	file    *File       // of an upload
	header  http.Header // of the answer
	host    string      // that the request was sent to
}

// prepare checks everything that can be checked by the operation's row: the room, the parameters, the account's rights
// and, last, the limit of the room.
func (s *Server) prepare(c *call, op *operation, r *http.Request) (err error) {
	if id, ok := c.ids["room_id"]; ok {
		if c.room = s.roomOf(c.account, id); c.room == nil {
			return errNoRoom
		}
	}
	if strings.HasSuffix(op.path, "/files") && r.Method == http.MethodPost {
		c.file, c.params, err = readUpload(r, !s.IsStrict())
	} else {
		c.params, err = op.params.read(r, !s.IsStrict())
	}
	if err != nil {
		return err
	}
	if err := c.permits(op.rights); err != nil {
		return err
	}
	if op.rights == toPost && !s.Take(room, text(c.room.RoomID)).OK {
		return errRoomLimit
	}
	return nil
}

// permits checks that the account has a right in the room.
func (c *call) permits(r right) error {
	switch {
	case r == toRead:
		return nil
	case r == toAdmin && c.room.Type != "group":
		return errNotGroup
	case r == toAdmin && c.room.Members[c.account.AccountID] != RoleAdmin:
		return errNotAdmin
	case c.room.Members[c.account.AccountID] == RoleReadonly:
		return errNoPermission
	}
	return nil
}

// match returns the operation of a request and the ids in its path. It returns nil if there is no such operation.
// Unlike [http.ServeMux] it does not redirect a path with an empty element, which an empty id makes.
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

// match compares a path with the operation's and returns the ids in it by their names.
func (op *operation) match(path string) (ids map[string]string, ok bool) {
	want, got := strings.Split(op.path, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	ids = make(map[string]string)
	for i, element := range want {
		switch name, variable := strings.CutPrefix(element, "{"); {
		case variable && isID(got[i]) == "":
			ids[strings.TrimSuffix(name, "}")] = got[i]
		case variable || element != got[i]:
			return nil, false
		}
	}
	return ids, true
}
