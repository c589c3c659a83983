package hipchattest

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// A Room is a room as a test sets it up or reads it.
type Room struct {
	ID           int64
	Name         string
	Topic        string
	Private      bool
	Archived     bool
	Created      time.Time // when the room was set up, unless set
	Owner        User
	Participants []User
}

type room struct {
	Room
	messages []Message
}

// AddRoom adds a room, which is then found by its id and by its name.
func (s *Server) AddRoom(id int64, name string) { s.SetRoom(Room{ID: id, Name: name}) }

// SetRoom adds a room, or changes the room with this ID, whose messages stay.
func (s *Server) SetRoom(r Room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Created.IsZero() {
		r.Created = s.Now()
	}
	r.Participants = slices.Clone(r.Participants)
	if i := slices.IndexFunc(s.rooms, func(o *room) bool { return o.ID == r.ID }); i >= 0 {
		s.rooms[i].Room = r
		return
	}
	s.rooms = append(s.rooms, &room{Room: r})
}

// Room returns the room with an ID, and whether there is such a room.
func (s *Server) Room(id int64) (Room, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		if r.ID == id {
			found := r.Room
			found.Participants = slices.Clone(found.Participants)
			return found, true
		}
	}
	return Room{}, false
}

// item returns a room as it is in a list or, if it is whole, alone and in a list that is expanded.
func (r *room) item(whole bool) map[string]any {
	item := map[string]any{"id": r.ID, "name": r.Name}
	if !whole {
		return item
	}
	privacy := "public"
	if r.Private {
		privacy = "private"
	}
	maps.Copy(item, map[string]any{
		"xmpp_jid": strconv.FormatInt(r.ID, 10) + "@conf.hipchat.test", "topic": r.Topic, "privacy": privacy,
		"is_archived": r.Archived, "created": r.Created.UTC().Format("2006-01-02T15:04:05-07:00"),
		"owner": r.Owner, "participants": r.Participants,
	})
	return item
}

func (s *Server) getAllRooms(c *call) (answer any, err error) {
	q := &query{Values: c.query}
	p := q.page()
	private, archived := q.flag("include-private", true), q.flag("include-archived", false)
	if q.err != nil {
		return nil, q.err
	}
	seen := slices.DeleteFunc(slices.Clone(s.rooms), func(r *room) bool {
		return r.Private && !private || r.Archived && !archived || c.access.Room != 0 && c.access.Room != r.ID
	})
	shown, more := part(seen, p)
	items := []any{}
	for _, r := range shown {
		items = append(items, r.item(q.Get("expand") == "items"))
	}
	return p.answer(c, items, more), nil
}

func (s *Server) getRoom(c *call) (answer any, err error) {
	return c.room.item(true), nil
}

// setTopic puts a message into the room too, as histories show it.
func (s *Server) setTopic(c *call) (answer any, err error) {
	var body struct {
		Topic string `json:"topic"`
	}
	if err := s.readBody(c.r, topicMembers, &body); err != nil {
		return nil, err
	}
	c.room.Topic = body.Topic
	s.keep(&c.room.messages, Message{Type: "topic", From: c.access.Label, Text: body.Topic})
	return nil, nil
}
