package chatworktest

import (
	"net/http"
	"slices"

	"github.com/mackerel-notify/mackerel/chatwork"
)

// AddContact makes two accounts contacts of each other and returns the room of their direct chat.
func (s *Server) AddContact(accountID, other int64) (roomID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addContact(s.account(accountID), s.account(other)).RoomID
}

// addContact returns the contact that an account has in another account.
func (s *Server) addContact(a, other *Account) chatwork.Contact {
	if c := s.contact(a, other.AccountID); c.RoomID != 0 {
		return c
	}
	roomID := s.addRoom(Room{Type: "direct", Members: map[int64]chatwork.Role{
		a.AccountID: chatwork.RoleAdmin, other.AccountID: chatwork.RoleAdmin,
	}})
	for _, of := range [][2]*Account{{a, other}, {other, a}} {
		c := chatwork.Contact{AccountID: of[1].AccountID, RoomID: roomID, Person: person(of[1])}
		s.contacts[of[0].AccountID] = append(s.contacts[of[0].AccountID], c)
	}
	return s.contact(a, other.AccountID)
}

// contact returns a contact of an account, the zero Contact if there is none.
func (s *Server) contact(a *Account, id int64) chatwork.Contact {
	for _, c := range s.contacts[a.AccountID] {
		if c.AccountID == id {
			return c
		}
	}
	return chatwork.Contact{}
}

// listContacts is https://developer.chatwork.com/reference/get-contacts.
func (s *Server) listContacts(c *call) (any, error) {
	contacts := s.contacts[c.account.AccountID]
	return list(contacts, len(contacts))
}

// AddIncomingRequest adds a request of the account AccountID to become a contact of the account to, and returns the id
// of the request.
func (s *Server) AddIncomingRequest(to int64, r chatwork.IncomingRequest) (requestID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asks := s.account(r.AccountID)
	r.RequestID, r.AccountID, r.Person = s.claim("request", r.RequestID), asks.AccountID, person(asks)
	to = s.account(to).AccountID
	s.incoming[to] = append(s.incoming[to], r)
	return r.RequestID
}

// listIncoming is https://developer.chatwork.com/reference/get-incoming_requests.
func (s *Server) listIncoming(c *call) (any, error) {
	return list(s.incoming[c.account.AccountID], maxItems)
}

var errNoRequest = refuse(http.StatusNotFound, "Request not found")

// takeRequest removes the request of the path from the list and returns the account that asks.
func (s *Server) takeRequest(c *call) (*Account, error) {
	all := s.incoming[c.account.AccountID]
	i := slices.IndexFunc(all, func(r chatwork.IncomingRequest) bool { return text(r.RequestID) == c.ids["request_id"] })
	if i < 0 {
		return nil, errNoRequest
	}
	asks := s.accounts[all[i].AccountID]
	s.incoming[c.account.AccountID] = slices.Delete(all, i, i+1)
	return asks, nil
}

// approve is https://developer.chatwork.com/reference/put-incoming_requests-request_id.
func (s *Server) approve(c *call) (any, error) {
	asks, err := s.takeRequest(c)
	if err != nil {
		return nil, err
	}
	return s.addContact(c.account, asks), nil
}

// decline is https://developer.chatwork.com/reference/delete-incoming_requests-request_id.
func (s *Server) decline(c *call) (any, error) {
	_, err := s.takeRequest(c)
	return nil, err
}
