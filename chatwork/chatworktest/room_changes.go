package chatworktest

import (
	"maps"
	"net/http"
	"slices"
)

type roomIDAnswer struct {
	RoomID int64 `json:"room_id"`
}

// createRoom is https://developer.chatwork.com/reference/post-rooms. Whoever creates a room is an admin of it.
func (s *Server) createRoom(c *call) (any, error) {
	_, roles, err := s.wanted(c)
	if err != nil {
		return nil, err
	}
	roles[c.account.AccountID] = RoleAdmin
	id := s.addRoom(Room{
		Name: c.params.Get(roomName.name), Description: c.params.Get(description.name), Members: roles,
		IconPath: iconPath(c.params.Get(iconPreset.name)),
	})
	if c.room = s.room(id); c.params.Get(withLink.name) == "1" {
		if _, err := s.setLink(c, roomLinkCode.name, roomLinkAcceptance.name); err != nil {
			s.rooms = s.rooms[:len(s.rooms)-1]
			return nil, err
		}
	}
	return roomIDAnswer{id}, nil
}

// iconPath is the address of a preset, "" for none.
func iconPath(preset string) string {
	if preset == "" {
		return ""
	}
	return "https://example.com/ico_" + preset + ".png"
}

var errNothing = &apiError{http.StatusBadRequest, "No parameter is given"}

// updateRoom is https://developer.chatwork.com/reference/put-rooms-room_id.
func (s *Server) updateRoom(c *call) (any, error) {
	switch {
	case c.room.Type != "group":
		return nil, errNotGroup
	case c.writes() != nil:
		return nil, errNoPermission
	case len(c.params) == 0:
		return nil, errNothing
	}
	if c.params.Has(roomName.name) {
		c.room.Name = c.params.Get(roomName.name)
	}
	if c.params.Has(description.name) {
		c.room.Description = c.params.Get(description.name)
	}
	if path := iconPath(c.params.Get(iconPreset.name)); path != "" {
		c.room.IconPath = path
	}
	c.room.updated = s.Now()
	return roomIDAnswer{c.room.RoomID}, nil
}

// deleteRoom leaves the room, with the account's tasks and files, or deletes it.
// See https://developer.chatwork.com/reference/delete-rooms-room_id.
func (s *Server) deleteRoom(c *call) (any, error) {
	me := c.account.AccountID
	switch leave := c.params.Get(actionType.name) == "leave"; {
	case c.room.Type != "group":
		return nil, errNotGroup
	case leave:
		delete(c.room.Members, me)
		c.room.tasks = slices.DeleteFunc(c.room.tasks, func(t Task) bool { return t.AccountID == me })
		c.room.files = slices.DeleteFunc(c.room.files, func(f File) bool { return f.AccountID == me })
		return nil, nil
	case c.room.Members[me] != RoleAdmin:
		return nil, errNotAdmin
	}
	s.rooms = slices.DeleteFunc(s.rooms, func(r *room) bool { return r == c.room })
	maps.DeleteFunc(s.seen, func(at place, _ int) bool { return at.roomID == c.room.RoomID })
	return nil, nil
}

// getMyStatus is https://developer.chatwork.com/reference/get-my-status.
func (s *Server) getMyStatus(c *call) (any, error) {
	var status struct {
		UnreadRoomNum  int `json:"unread_room_num"`
		MentionRoomNum int `json:"mention_room_num"`
		MytaskRoomNum  int `json:"mytask_room_num"`
		UnreadNum      int `json:"unread_num"`
		MentionNum     int `json:"mention_num"`
		MytaskNum      int `json:"mytask_num"`
	}
	for _, r := range s.rooms {
		if r.Members[c.account.AccountID] == "" {
			continue
		}
		state, tasks := r.readState(c.account), r.openTasks(c.account)
		status.UnreadRoomNum += min(state.UnreadNum, 1)
		status.MentionRoomNum += min(state.MentionNum, 1)
		status.MytaskRoomNum += min(tasks, 1)
		status.UnreadNum += state.UnreadNum
		status.MentionNum += state.MentionNum
		status.MytaskNum += tasks
	}
	return status, nil
}
