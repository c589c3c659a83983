package chatworktest

import "strconv"

// An Account is somebody who uses Chatwork, with what GET /me says of them.
type Account struct {
	AccountID        int64  `json:"account_id"`
	RoomID           int64  `json:"room_id"` // of the account's own room, "My chat"
	Name             string `json:"name"`
	ChatworkID       string `json:"chatwork_id"`
	OrganizationID   int64  `json:"organization_id"`
	OrganizationName string `json:"organization_name"`
	Department       string `json:"department"`
	Title            string `json:"title"`
	URL              string `json:"url"`
	Introduction     string `json:"introduction"`
	Mail             string `json:"mail"`
	TelOrganization  string `json:"tel_organization"`
	TelExtension     string `json:"tel_extension"`
	TelMobile        string `json:"tel_mobile"`
	Skype            string `json:"skype"`
	Facebook         string `json:"facebook"`
	Twitter          string `json:"twitter"`
	AvatarImageURL   string `json:"avatar_image_url"`
	LoginMail        string `json:"login_mail"`
}

// johnSmith is the account of the reference's samples.
var johnSmith = Account{
	AccountID: AccountID, RoomID: 322, Name: "John Smith", ChatworkID: "tarochatworkid",
	OrganizationID: 101, OrganizationName: "Hello Company", Department: "Marketing", Title: "CMO",
	URL: "http://mycompany.example.com", Introduction: "Self Introduction", Mail: "taro@example.com",
	TelOrganization: "XXX-XXXX-XXXX", TelExtension: "YYY-YYYY-YYYY", TelMobile: "ZZZ-ZZZZ-ZZZZ",
	Skype: "myskype_id", Facebook: "myfacebook_id", Twitter: "mytwitter_id",
	AvatarImageURL: "https://example.com/abc.png", LoginMail: "account@example.com",
}

// AddAccount adds an account with its own room, but without a token, and returns its id. An AccountID or RoomID of 0 is
// replaced by a new one; AddAccount panics if one is taken.
func (s *Server) AddAccount(a Account) (accountID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.AccountID == 0 {
		a.AccountID = s.newID()
	}
	if s.accounts[a.AccountID] != nil {
		panic("chatworktest: AddAccount: the id " + strconv.FormatInt(a.AccountID, 10) + " is taken")
	}
	s.accounts[a.AccountID] = &a
	a.RoomID = s.addRoom(Room{
		RoomID: a.RoomID, Name: "My chat", Type: "my", Members: map[int64]Role{a.AccountID: RoleAdmin},
	})
	return a.AccountID
}

// newID returns an id that no account and no room has.
func (s *Server) newID() int64 {
	s.ids++
	id := 1_000_000 + s.ids
	if s.accounts[id] != nil || s.room(id) != nil {
		return s.newID()
	}
	return id
}

// mustAccount panics in the caller's name if there is no such account.
func (s *Server) mustAccount(caller string, id int64) *Account {
	a := s.accounts[id]
	if a == nil {
		panic("chatworktest: " + caller + ": no account " + strconv.FormatInt(id, 10))
	}
	return a
}

// getMe is https://developer.chatwork.com/reference/get-me.
func (s *Server) getMe(c *call) (any, error) { return c.account, nil }

// An accountView is an account as it appears within other resources.
type accountView struct {
	AccountID      int64  `json:"account_id"`
	Name           string `json:"name"`
	AvatarImageURL string `json:"avatar_image_url"`
}

func (a *Account) view() accountView { return accountView{a.AccountID, a.Name, a.AvatarImageURL} }
