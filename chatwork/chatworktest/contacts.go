package chatworktest

import (
	"net/http"
	"slices"
)

// A contact is two accounts that are contacts of each other, and the room of their direct chat.
type contact struct {
	accounts [2]int64
	roomID   int64
}

// AddContact makes two accounts contacts of each other and returns the room of their direct chat.
func (s *Server) AddContact(accountID, other int64) (roomID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addContact(s.account(accountID).AccountID, s.account(other).AccountID)
}

func (s *Server) addContact(accountID, other int64) (roomID int64) {
	if i := s.contact(accountID, other); i >= 0 {
		return s.contacts[i].roomID
	}
	roomID = s.addRoom(Room{Type: "direct", Members: map[int64]Role{accountID: RoleAdmin, other: RoleAdmin}})
	s.contacts = append(s.contacts, contact{[2]int64{accountID, other}, roomID})
	return roomID
}

// contact returns the index of a contact, or -1.
func (s *Server) contact(accountID, other int64) int {
	return slices.IndexFunc(s.contacts, func(c contact) bool { return c.other(accountID) == other })
}

// other returns the other account of the two, or 0 if the account is neither.
func (c contact) other(accountID int64) int64 {
	switch accountID {
	case c.accounts[0]:
		return c.accounts[1]
	case c.accounts[1]:
		return c.accounts[0]
	}
	return 0
}

// A person is what lists of people have of an account.
type person struct {
	Name             string `json:"name"`
	ChatworkID       string `json:"chatwork_id"`
	OrganizationID   int64  `json:"organization_id"`
	OrganizationName string `json:"organization_name"`
	Department       string `json:"department"`
	AvatarImageURL   string `json:"avatar_image_url"`
}

func (s *Server) person(id int64) person {
	a := s.accounts[id]
	return person{a.Name, a.ChatworkID, a.OrganizationID, a.OrganizationName, a.Department, a.AvatarImageURL}
}

type contactView struct {
	AccountID int64 `json:"account_id"`
	RoomID    int64 `json:"room_id"`
	person
}

// listContacts is https://developer.chatwork.com/reference/get-contacts.
func (s *Server) listContacts(c *call) (any, error) {
	var views []contactView
	for _, known := range s.contacts {
		if id := known.other(c.account.AccountID); id != 0 {
			views = append(views, contactView{id, known.roomID, s.person(id)})
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

type incomingRequest struct {
	IncomingRequest
	to int64
}

// AddIncomingRequest adds a request to become a contact of the account to, and returns the id of the request.
func (s *Server) AddIncomingRequest(to int64, r IncomingRequest) (requestID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.RequestID, r.AccountID = s.claim("request", r.RequestID), s.account(r.AccountID).AccountID
	s.incoming = append(s.incoming, incomingRequest{r, s.account(to).AccountID})
	return r.RequestID
}

// listIncoming is https://developer.chatwork.com/reference/get-incoming_requests.
func (s *Server) listIncoming(c *call) (any, error) {
	type view struct {
		RequestID int64  `json:"request_id"`
		AccountID int64  `json:"account_id"`
		Message   string `json:"message"`
		person
	}
	var views []view
	for _, r := range s.incoming {
		if r.to == c.account.AccountID {
			views = append(views, view{r.RequestID, r.AccountID, r.Message, s.person(r.AccountID)})
		}
	}
	return list(views, maxItems)
}

var errNoRequest = refuse(http.StatusNotFound, "Request not found")

// takeRequest removes the request of the path from the list.
func (s *Server) takeRequest(c *call) (incomingRequest, error) {
	i := slices.IndexFunc(s.incoming, func(r incomingRequest) bool {
		return text(r.RequestID) == c.ids["request_id"] && r.to == c.account.AccountID
	})
	if i < 0 {
		return incomingRequest{}, errNoRequest
	}
	r := s.incoming[i]
	s.incoming = slices.Delete(s.incoming, i, i+1)
	return r, nil
}

// approve is https://developer.chatwork.com/reference/put-incoming_requests-request_id.
func (s *Server) approve(c *call) (any, error) {
	r, err := s.takeRequest(c)
	if err != nil {
		return nil, err
	}
	return contactView{r.AccountID, s.addContact(r.to, r.AccountID), s.person(r.AccountID)}, nil
}

// decline is https://developer.chatwork.com/reference/delete-incoming_requests-request_id.
func (s *Server) decline(c *call) (any, error) {
	_, err := s.takeRequest(c)
	return nil, err
}
