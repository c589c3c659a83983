package chatworktest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Role is what a member may do in a room.
type Role string

// The roles. A readonly member can read and mark as read, but neither post nor edit.
const (
	RoleAdmin    Role = "admin"
	RoleMember   Role = "member"
	RoleReadonly Role = "readonly"
)

// A Room is a room with its members.
type Room struct {
	RoomID      int64
	Name        string
	Type        string // "my", "direct" or "group"; "group" unless set
	Description string
	IconPath    string         // a URL; one of example.com unless set
	Members     map[int64]Role // by account id
}

// A chat is a Room and what was added to it.
type chat struct {
	Room
	messages []*message // oldest first; never removed
	tasks    []Task     // oldest first
	files    []File     // oldest first
	link     object     // nil if the room has no link
	updated  time.Time
}

// AddRoom adds a room and returns its id.
func (s *Server) AddRoom(r Room) (roomID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addRoom(r)
}

func (s *Server) addRoom(r Room) (roomID int64) {
	r.RoomID = s.claim("room", r.RoomID)
	for id := range r.Members {
		s.account(id)
	}
	if r.Type == "" {
		r.Type = "group"
	}
	if r.IconPath == "" {
		r.IconPath = iconPath("group")
	}
	r.Members = maps.Clone(r.Members)
	s.rooms = append(s.rooms, &chat{Room: r, updated: s.Now()})
	return r.RoomID
}

// iconPath returns the address of a picture, "" for none.
func iconPath(preset string) string {
	if preset == "" {
		return ""
	}
	return "https://example.com/ico_" + preset + ".png"
}

// find returns a room, nil if it is unknown.
func (s *Server) find(id int64) *chat {
	i := slices.IndexFunc(s.rooms, func(r *chat) bool { return r.RoomID == id })
	if i < 0 {
		return nil
	}
	return s.rooms[i]
}

// room returns a room that a test has named: [RoomID] if the id is 0, and a new room of [AccountID] if it is unknown.
func (s *Server) room(id int64) *chat {
	if id == 0 {
		id = RoomID
	}
	if r := s.find(id); r != nil {
		return r
	}
	return s.find(s.addRoom(Room{RoomID: id, Members: map[int64]Role{AccountID: RoleAdmin}}))
}

// look returns what a room has, nothing if the room is unknown.
func look[T any](s *Server, roomID int64, what func(*chat) T) (none T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.find(roomID); r != nil {
		return what(r)
	}
	return none
}

// roomsOf returns the rooms of an account.
func (s *Server) roomsOf(a *Account) []*chat {
	return slices.DeleteFunc(slices.Clone(s.rooms), func(r *chat) bool { return r.Members[a.AccountID] == "" })
}

// roomOf returns a room of an account, nil if the account is not in it.
func (s *Server) roomOf(a *Account, id string) *chat {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil // no id is so large
	}
	if r := s.find(n); r != nil && r.Members[a.AccountID] != "" {
		return r
	}
	return nil
}

// roomView returns a room as a member lists it.
func (s *Server) roomView(r *chat, a *Account) object {
	return object{
		"room_id": r.RoomID, "name": s.nameOf(r, a), "type": r.Type, "role": r.Members[a.AccountID], "sticky": false,
		"unread_num": r.unread(a), "mention_num": r.mentions(a), "mytask_num": r.openTasks(a),
		"message_num": len(r.messages), "file_num": len(r.files), "task_num": len(r.tasks),
		"icon_path": r.IconPath, "last_update_time": r.updated.Unix(),
	}
}

// nameOf returns the name of a room. A direct chat without a name has the name of the other account.
func (s *Server) nameOf(r *chat, a *Account) string {
	if r.Name != "" || r.Type != "direct" {
		return r.Name
	}
	for id := range r.Members {
		if id != a.AccountID {
			return s.accounts[id].Name
		}
	}
	return ""
}

// listRooms is https://developer.chatwork.com/reference/get-rooms.
func (s *Server) listRooms(c *call) (any, error) {
	var views []object // never empty, because every account has its own room
	for _, r := range s.roomsOf(c.account) {
		views = append(views, s.roomView(r, c.account))
	}
	return views, nil
}

// getRoom is https://developer.chatwork.com/reference/get-rooms-room_id.
func (s *Server) getRoom(c *call) (any, error) {
	view := s.roomView(c.room, c.account)
	view["description"] = c.room.Description // which the list does not have
	return view, nil
}

// createRoom is https://developer.chatwork.com/reference/post-rooms. The account becomes an admin of the room.
func (s *Server) createRoom(c *call) (any, error) {
	roles, err := s.wanted(c)
	if err != nil {
		return nil, err
	}
	roles[c.account.AccountID] = RoleAdmin
	id := s.addRoom(Room{
		Name: c.params.Get("name"), Description: c.params.Get("description"), Members: roles,
		IconPath: iconPath(c.params.Get("icon_preset")),
	})
	if c.room = s.find(id); c.params.Get("link") == "1" {
		s.setLink(c, "link_")
	}
	return object{"room_id": id}, nil
}

var errNothing = refuse(http.StatusBadRequest, "No parameter is given")

// updateRoom is https://developer.chatwork.com/reference/put-rooms-room_id.
func (s *Server) updateRoom(c *call) (any, error) {
	switch {
	case c.room.Type != "group":
		return nil, errNotGroup
	case len(c.params) == 0:
		return nil, errNothing
	}
	if c.params.Has("name") {
		c.room.Name = c.params.Get("name")
	}
	if c.params.Has("description") {
		c.room.Description = c.params.Get("description")
	}
	if path := iconPath(c.params.Get("icon_preset")); path != "" {
		c.room.IconPath = path
	}
	c.room.updated = s.Now()
	return object{"room_id": c.room.RoomID}, nil
}

// deleteRoom is https://developer.chatwork.com/reference/delete-rooms-room_id. An account that leaves takes its tasks
// and files with it.
func (s *Server) deleteRoom(c *call) (any, error) {
	me := c.account.AccountID
	switch leave := c.params.Get("action_type") == "leave"; {
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
	s.rooms = slices.DeleteFunc(s.rooms, func(r *chat) bool { return r == c.room })
	return nil, nil
}

// Members returns the members of a room by account id, nil if the room is unknown.
func (s *Server) Members(roomID int64) map[int64]Role {
	return look(s, roomID, func(r *chat) map[int64]Role { return maps.Clone(r.Members) })
}

// listMembers is https://developer.chatwork.com/reference/get-rooms-room_id-members.
func (s *Server) listMembers(c *call) (any, error) {
	var views []object // never empty, because the account is in the room
	for _, id := range slices.Sorted(maps.Keys(c.room.Members)) {
		views = append(views, s.person(id, object{"role": c.room.Members[id]}))
	}
	return views, nil
}

var errNotAllowed = refuse(http.StatusBadRequest, "An account is neither a contact nor of the same organization")

// wanted returns the members that the parameters of a call name.
func (s *Server) wanted(c *call) (map[int64]Role, error) {
	roles := make(map[int64]Role)
	for _, role := range []Role{RoleAdmin, RoleMember, RoleReadonly} {
		for _, id := range c.idList("members_" + string(role) + "_ids") {
			if !s.canBring(c, id) {
				return nil, errNotAllowed
			}
			roles[id] = role
		}
	}
	return roles, nil
}

// canBring reports whether the account of a call can bring an account into a room: itself, a contact, an account of its
// organization, or a member of the room.
func (s *Server) canBring(c *call, id int64) bool {
	a := s.accounts[id]
	return a != nil && (a == c.account || s.contact(c.account.AccountID, id).roomID != 0 ||
		a.OrganizationID != 0 && a.OrganizationID == c.account.OrganizationID ||
		c.room != nil && c.room.Members[id] != "")
}

// idList returns a list of ids, which was checked.
func (c *call) idList(param string) []int64 {
	ids := []int64{}
	for text := range strings.SplitSeq(c.params.Get(param), ",") {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// updateMembers is https://developer.chatwork.com/reference/put-rooms-room_id-members.
func (s *Server) updateMembers(c *call) (any, error) {
	roles, err := s.wanted(c)
	if err != nil {
		return nil, err
	}
	c.room.Members = roles
	return object{
		"admin": c.idList("members_admin_ids"), "member": c.idList("members_member_ids"),
		"readonly": c.idList("members_readonly_ids"),
	}, nil
}

// noLink is the answer for a room without a link.
var noLink = object{"public": false}

// getLink is https://developer.chatwork.com/reference/get-rooms-room_id-link.
func (s *Server) getLink(c *call) (any, error) {
	if c.room.link == nil {
		return noLink, nil
	}
	return c.room.link, nil
}

var (
	errLink   = refuse(http.StatusBadRequest, "The link already exists")
	errNoLink = refuse(http.StatusBadRequest, "The link is disabled")
)

// createLink is https://developer.chatwork.com/reference/post-rooms-room_id-link.
func (s *Server) createLink(c *call) (any, error) {
	if c.room.link != nil {
		return nil, errLink
	}
	return s.setLink(c, ""), nil
}

// updateLink is https://developer.chatwork.com/reference/put-rooms-room_id-link. Nothing of the old link stays.
func (s *Server) updateLink(c *call) (any, error) {
	if c.room.link == nil {
		return nil, errNoLink
	}
	return s.setLink(c, ""), nil
}

// deleteLink is https://developer.chatwork.com/reference/delete-rooms-room_id-link.
func (s *Server) deleteLink(c *call) (any, error) {
	if c.room.link == nil {
		return nil, errNoLink
	}
	c.room.link = nil
	return noLink, nil
}

// setLink makes the room's link from parameters whose names have a prefix. Without a code the link has a new code.
func (s *Server) setLink(c *call, prefix string) object {
	code := c.params.Get(prefix + "code")
	if code == "" {
		code = "randomcode" + text(s.claim("code", 0))
	}
	c.room.link = object{
		"public": true, "url": "https://example.chatwork.com/g/" + code,
		"need_acceptance": c.params.Get(prefix+"need_acceptance") != "0",
		"description":     c.params.Get(prefix + "description"),
	}
	return c.room.link
}
