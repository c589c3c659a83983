package chatworktest

import (
	"maps"
	"strconv"
	"time"
)

// A Role is what a member of a room may do there.
type Role string

// The roles. Who is readonly can read, and mark as read, but neither post nor edit.
const (
	RoleAdmin    Role = "admin"
	RoleMember   Role = "member"
	RoleReadonly Role = "readonly"
)

// A Room is a chat with its members.
type Room struct {
	RoomID      int64
	Name        string
	Type        string // "my", "direct" or "group"; "group" unless set
	Description string
	IconPath    string         // a URL; one of example.com unless set
	Members     map[int64]Role // by account id
	Sticky      bool           // pinned; the fake does not tell for whom
}

// A room is a Room and what has happened there.
type room struct {
	Room
	messages []*message // the oldest first; never removed
	tasks    []Task     // the oldest first
	files    []File     // the oldest first
	link     *link      // nil if there is none
	updated  time.Time
}

// AddRoom adds a room and returns its id. A RoomID of 0 is replaced by a new one; AddRoom panics if it is taken, or if a
// member is no account.
func (s *Server) AddRoom(r Room) (roomID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addRoom(r)
}

func (s *Server) addRoom(r Room) (roomID int64) {
	if r.RoomID == 0 {
		r.RoomID = s.newID()
	}
	if s.room(r.RoomID) != nil {
		panic("chatworktest: AddRoom: the id " + strconv.FormatInt(r.RoomID, 10) + " is taken")
	}
	for id := range r.Members {
		s.mustAccount("AddRoom", id)
	}
	if r.Type == "" {
		r.Type = "group"
	}
	if r.IconPath == "" {
		r.IconPath = "https://example.com/ico_group.png"
	}
	r.Members = maps.Clone(r.Members)
	s.rooms = append(s.rooms, &room{Room: r, updated: s.Now()})
	return r.RoomID
}

// room returns a room, nil if there is none with this id.
func (s *Server) room(id int64) *room {
	for _, r := range s.rooms {
		if r.RoomID == id {
			return r
		}
	}
	return nil
}

// mustRoom panics in the caller's name if there is no such room.
func (s *Server) mustRoom(caller string, id int64) *room {
	r := s.room(id)
	if r == nil {
		panic("chatworktest: " + caller + ": no room " + strconv.FormatInt(id, 10))
	}
	return r
}

// roomOf returns a room of the account's, nil if it is not in one with this id.
func (s *Server) roomOf(a *Account, id string) *room {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil // too large to be anybody's
	}
	if r := s.room(n); r != nil && r.Members[a.AccountID] != "" {
		return r
	}
	return nil
}

// A roomView is a room as one of its members lists it. All its members are always there.
type roomView struct {
	RoomID         int64  `json:"room_id"`
	Name           string `json:"name"`
	Type           string `json:"type"`
	Role           Role   `json:"role"`
	Sticky         bool   `json:"sticky"`
	UnreadNum      int    `json:"unread_num"`
	MentionNum     int    `json:"mention_num"`
	MytaskNum      int    `json:"mytask_num"`
	MessageNum     int    `json:"message_num"`
	FileNum        int    `json:"file_num"`
	TaskNum        int    `json:"task_num"`
	IconPath       string `json:"icon_path"`
	LastUpdateTime int64  `json:"last_update_time"`
}

func (s *Server) roomView(r *room, a *Account) roomView {
	state := r.readState(a)
	return roomView{
		RoomID: r.RoomID, Name: s.nameOf(r, a), Type: r.Type, Role: r.Members[a.AccountID], Sticky: r.Sticky,
		UnreadNum: state.UnreadNum, MentionNum: state.MentionNum, MytaskNum: r.openTasks(a),
		MessageNum: len(r.messages), FileNum: len(r.files), TaskNum: len(r.tasks),
		IconPath: r.IconPath, LastUpdateTime: r.updated.Unix(),
	}
}

// nameOf is the name of a room, which of a direct chat without one is that of the other.
func (s *Server) nameOf(r *room, a *Account) string {
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

// openTasks counts what the account is still to do.
func (r *room) openTasks(a *Account) (n int) {
	for _, t := range r.tasks {
		if t.AccountID == a.AccountID && t.Status == "open" {
			n++
		}
	}
	return n
}

// listRooms is https://developer.chatwork.com/reference/get-rooms.
func (s *Server) listRooms(c *call) (any, error) {
	var list []roomView // never empty: everybody has a room of their own
	for _, r := range s.rooms {
		if r.Members[c.account.AccountID] != "" {
			list = append(list, s.roomView(r, c.account))
		}
	}
	return list, nil
}

// getRoom has what the list does not have: the description.
// See https://developer.chatwork.com/reference/get-rooms-room_id.
func (s *Server) getRoom(c *call) (any, error) {
	return struct {
		roomView
		Description string `json:"description"`
	}{s.roomView(c.room, c.account), c.room.Description}, nil
}
