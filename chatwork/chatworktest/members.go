package chatworktest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Members returns who is in a room, by account id. It panics if there is no such room.
func (s *Server) Members(roomID int64) map[int64]Role {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.mustRoom("Members", roomID).Members)
}

// listMembers is https://developer.chatwork.com/reference/get-rooms-room_id-members.
func (s *Server) listMembers(c *call) (any, error) {
	type view struct {
		AccountID int64 `json:"account_id"`
		Role      Role  `json:"role"`
		person
	}
	var views []view // never empty: the account is in the room
	for _, id := range slices.Sorted(maps.Keys(c.room.Members)) {
		views = append(views, view{id, c.room.Members[id], s.accounts[id].person()})
	}
	return views, nil
}

// members are the members of a room by their roles, as they are given and answered.
type members struct {
	Admin    []int64 `json:"admin"`
	Member   []int64 `json:"member"`
	Readonly []int64 `json:"readonly"`
}

var (
	errTwice      = &apiError{http.StatusBadRequest, "An account is given twice"}
	errNotAllowed = &apiError{http.StatusBadRequest, "An account is neither a contact nor of the same organization"}
)

// wanted reads the members that a call wants, and checks that each is one that the account can bring into a room: itself,
// a contact, somebody of its organization, or a member already.
func (s *Server) wanted(c *call) (m members, roles map[int64]Role, err error) {
	m = members{parseIDs(c.params.Get(adminIDs.name)), parseIDs(c.params.Get(memberIDs.name)), parseIDs(c.params.Get(readonlyIDs.name))}
	roles = make(map[int64]Role)
	for _, l := range []struct {
		role Role
		ids  []int64
	}{{RoleAdmin, m.Admin}, {RoleMember, m.Member}, {RoleReadonly, m.Readonly}} {
		for _, id := range l.ids {
			switch {
			case roles[id] != "":
				return m, nil, errTwice
			case !s.canBring(c, id):
				return m, nil, errNotAllowed
			}
			roles[id] = l.role
		}
	}
	return m, roles, nil
}

func (s *Server) canBring(c *call, id int64) bool {
	a := s.accounts[id]
	return a != nil && (a == c.account || s.acquainted(c.account.AccountID, id) ||
		a.OrganizationID != 0 && a.OrganizationID == c.account.OrganizationID || c.room != nil && c.room.Members[id] != "")
}

// parseIDs reads a list that has been checked.
func parseIDs(value string) []int64 {
	ids := []int64{}
	for text := range strings.SplitSeq(value, ",") {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// updateMembers replaces all members.
// See https://developer.chatwork.com/reference/put-rooms-room_id-members.
func (s *Server) updateMembers(c *call) (any, error) {
	if err := c.administers(); err != nil {
		return nil, err
	}
	m, roles, err := s.wanted(c)
	if err != nil {
		return nil, err
	}
	c.room.Members = roles
	return m, nil
}

var (
	errNotAdmin = &apiError{http.StatusForbidden, "You don't have permission to do this."}
	errNotGroup = &apiError{http.StatusBadRequest, "This room is not a group chat"}
)

// administers checks that the account may change who comes into the room: a group chat of which it is an admin.
func (c *call) administers() error {
	switch {
	case c.room.Type != "group":
		return errNotGroup
	case c.room.Members[c.account.AccountID] != RoleAdmin:
		return errNotAdmin
	}
	return nil
}
