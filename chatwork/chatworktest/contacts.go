package chatworktest

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"github.com/mackerel-notify/mackerel/chatwork"
)

// AddContact makes two accounts contacts of each other and returns the room of their direct chat.
func (s *Server) AddContact(accountID, other int64) (roomID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addContact(s.account(accountID).AccountID, s.account(other).AccountID)
}

func (s *Server) addContact(accountID, other int64) (roomID int64) {
	if s.contacts[[2]int64{accountID, other}] == 0 {
		roomID = s.addRoom(Room{Type: "direct", Members: map[int64]chatwork.Role{accountID: chatwork.RoleAdmin, other: chatwork.RoleAdmin}})
		s.contacts[[2]int64{accountID, other}], s.contacts[[2]int64{other, accountID}] = roomID, roomID
	}
	return s.contacts[[2]int64{accountID, other}]
}

// contactView returns a contact of an account.
func (s *Server) contactView(accountID, other int64) object {
	return s.person(other, object{"room_id": s.contacts[[2]int64{accountID, other}]})
}

// listContacts is https://developer.chatwork.com/reference/get-contacts.
func (s *Server) listContacts(c *call) (any, error) {
	var views []object
	byRoom := func(a, b [2]int64) int { return cmp.Compare(s.contacts[a], s.contacts[b]) }
	for _, pair := range slices.SortedFunc(maps.Keys(s.contacts), byRoom) {
		if pair[0] == c.account.AccountID {
			views = append(views, s.contactView(pair[0], pair[1]))
		}
	}
	return list(views, len(views))
}

// An IncomingRequest is the request of an account to become the contact of another.
type IncomingRequest struct {
	RequestID int64
	AccountID int64 // of the account that asks
	Message   string
}

// AddIncomingRequest adds a request to become a contact of the account to, and returns the id of the request.
func (s *Server) AddIncomingRequest(to int64, r IncomingRequest) (requestID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.RequestID, r.AccountID = s.claim("request", r.RequestID), s.account(r.AccountID).AccountID
	to = s.account(to).AccountID
	s.incoming[to] = append(s.incoming[to], r)
	return r.RequestID
}

// listIncoming is https://developer.chatwork.com/reference/get-incoming_requests.
func (s *Server) listIncoming(c *call) (any, error) {
	var views []object
	for _, r := range s.incoming[c.account.AccountID] {
		views = append(views, s.person(r.AccountID, object{"request_id": r.RequestID, "message": r.Message}))
	}
	return list(views, maxItems)
}

var errNoRequest = refuse(http.StatusNotFound, "Request not found")

// takeRequest removes the request of the path from the list and returns the account that asks.
func (s *Server) takeRequest(c *call) (accountID int64, err error) {
	all := s.incoming[c.account.AccountID]
	i := slices.IndexFunc(all, func(r IncomingRequest) bool { return text(r.RequestID) == c.ids["request_id"] })
	if i < 0 {
		return 0, errNoRequest
	}
	accountID = all[i].AccountID
	s.incoming[c.account.AccountID] = slices.Delete(all, i, i+1)
	return accountID, nil
}

// approve is https://developer.chatwork.com/reference/put-incoming_requests-request_id.
func (s *Server) approve(c *call) (any, error) {
	other, err := s.takeRequest(c)
	if err != nil {
		return nil, err
	}
	s.addContact(c.account.AccountID, other)
	return s.contactView(c.account.AccountID, other), nil
}

// decline is https://developer.chatwork.com/reference/delete-incoming_requests-request_id.
func (s *Server) decline(c *call) (any, error) {
	_, err := s.takeRequest(c)
	return nil, err
}
