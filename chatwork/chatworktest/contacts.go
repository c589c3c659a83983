package chatworktest

import (
	"net/http"
	"slices"
)

// A contact is an account that another account has as its contact.
type contact struct {
	accountID int64
	roomID    int64 // of their direct chat
}

// AddContact makes two accounts contacts of each other and returns the room of their direct chat.
func (s *Server) AddContact(accountID, other int64) (roomID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addContact(s.account(accountID).AccountID, s.account(other).AccountID).roomID
}

// addContact returns the contact that an account has in another account.
func (s *Server) addContact(accountID, other int64) contact {
	if c := s.contact(accountID, other); c.roomID != 0 {
		return c
	}
	roomID := s.addRoom(Room{Type: "direct", Members: map[int64]Role{accountID: RoleAdmin, other: RoleAdmin}})
	s.contacts[accountID] = append(s.contacts[accountID], contact{other, roomID})
	s.contacts[other] = append(s.contacts[other], contact{accountID, roomID})
	return s.contact(accountID, other)
}

// contact returns a contact of an account. It returns the zero contact if the account has no such contact.
func (s *Server) contact(accountID, other int64) contact {
	for _, c := range s.contacts[accountID] {
		if c.accountID == other {
			return c
		}
	}
	return contact{}
}

func (s *Server) contactView(c contact) object {
	return s.person(c.accountID, object{"room_id": c.roomID})
}

// listContacts is https://developer.chatwork.com/reference/get-contacts.
func (s *Server) listContacts(c *call) (any, error) {
	var views []object
	for _, contact := range s.contacts[c.account.AccountID] {
		views = append(views, s.contactView(contact))
	}
	return list(views, len(views))
}

// An IncomingRequest is the request of an account to become the contact of another account.
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
	accountID, err := s.takeRequest(c)
	if err != nil {
		return nil, err
	}
	return s.contactView(s.addContact(c.account.AccountID, accountID)), nil
}

// decline is https://developer.chatwork.com/reference/delete-incoming_requests-request_id.
func (s *Server) decline(c *call) (any, error) {
	_, err := s.takeRequest(c)
	return nil, err
}
