package chatworktest

import (
	"net/http"
	"slices"
	"strconv"
)

// A contact is two accounts that know each other, with the room of their direct chat.
type contact struct {
	accounts [2]int64
	roomID   int64
}

// AddContact makes two accounts contacts of each other, and returns the room of their direct chat. It panics if one does
// not exist, or they are contacts already.
func (s *Server) AddContact(accountID, other int64) (roomID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustAccount("AddContact", accountID)
	s.mustAccount("AddContact", other)
	if accountID == other || s.acquainted(accountID, other) {
		panic("chatworktest: AddContact: they are contacts, or one account")
	}
	return s.addContact(accountID, other)
}

func (s *Server) addContact(accountID, other int64) (roomID int64) {
	roomID = s.addRoom(Room{Type: "direct", Members: map[int64]Role{accountID: RoleAdmin, other: RoleAdmin}})
	s.contacts = append(s.contacts, contact{[2]int64{accountID, other}, roomID})
	return roomID
}

func (s *Server) acquainted(accountID, other int64) bool {
	return slices.ContainsFunc(s.contacts, func(c contact) bool { return c.other(accountID) == other })
}

// other is the other one of the two, 0 if the account is none of them.
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

func (a *Account) person() person {
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
		if other := s.accounts[known.other(c.account.AccountID)]; other != nil {
			views = append(views, contactView{other.AccountID, known.roomID, other.person()})
		}
	}
	return list(views, len(views))
}

// An IncomingRequest is an account that asks another one to become its contact.
type IncomingRequest struct {
	RequestID int64
	AccountID int64 // of who asks
	Message   string
}

type incomingRequest struct {
	IncomingRequest
	to int64
}

// AddIncomingRequest lets an account ask another one to become its contact, and returns the id of the request. A
// RequestID of 0 is replaced by a new one. It panics if there is no such account, or the id is taken.
func (s *Server) AddIncomingRequest(to int64, r IncomingRequest) (requestID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mustAccount("AddIncomingRequest", to)
	s.mustAccount("AddIncomingRequest", r.AccountID)
	if r.RequestID == 0 {
		r.RequestID = s.newID()
	}
	if slices.ContainsFunc(s.incoming, func(other incomingRequest) bool { return other.RequestID == r.RequestID }) {
		panic("chatworktest: AddIncomingRequest: the id " + strconv.FormatInt(r.RequestID, 10) + " is taken")
	}
	s.incoming = append(s.incoming, incomingRequest{r, to})
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
			views = append(views, view{r.RequestID, r.AccountID, r.Message, s.accounts[r.AccountID].person()})
		}
	}
	return list(views, maxList)
}

var errNoRequest = &apiError{http.StatusNotFound, "Request not found"}

// takeRequest takes the request of the path out of the list.
func (s *Server) takeRequest(c *call) (incomingRequest, error) {
	i := slices.IndexFunc(s.incoming, func(r incomingRequest) bool {
		return strconv.FormatInt(r.RequestID, 10) == c.ids["request_id"] && r.to == c.account.AccountID
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
	if !s.acquainted(r.to, r.AccountID) {
		s.addContact(r.to, r.AccountID)
	}
	i := slices.IndexFunc(s.contacts, func(known contact) bool { return known.other(r.to) == r.AccountID })
	return contactView{r.AccountID, s.contacts[i].roomID, s.accounts[r.AccountID].person()}, nil
}

// decline is https://developer.chatwork.com/reference/delete-incoming_requests-request_id.
func (s *Server) decline(c *call) (any, error) {
	_, err := s.takeRequest(c)
	return nil, err
}
