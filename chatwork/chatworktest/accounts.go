package chatworktest

import (
	"maps"
	"net/http"
)

// An Account is an account of Chatwork, as GET /me shows it.
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
	OrganizationID: 101, OrganizationName: "Hello Company", Department: "Marketing",
	AvatarImageURL: "https://example.com/abc.png", LoginMail: "account@example.com",
}

// AddAccount adds an account with its own room, but without a token, and returns its id.
func (s *Server) AddAccount(a Account) (accountID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addAccount(a)
}

func (s *Server) addAccount(a Account) (accountID int64) {
	a.AccountID = s.claim("account", a.AccountID)
	s.accounts[a.AccountID] = &a
	a.RoomID = s.addRoom(Room{
		RoomID: a.RoomID, Name: "My chat", Type: "my", Members: map[int64]Role{a.AccountID: RoleAdmin},
	})
	return a.AccountID
}

// account returns an account that a test has named: [AccountID] if the id is 0, and a new account if it is unknown.
func (s *Server) account(id int64) *Account {
	if id == 0 {
		id = AccountID
	}
	if s.accounts[id] == nil {
		id = s.addAccount(Account{AccountID: id})
	}
	return s.accounts[id]
}

// An owner is the account that a token belongs to.
type owner struct {
	token     string
	accountID int64
}

// AddToken makes an API token of an account valid, in addition to the tokens that it has.
func (s *Server) AddToken(token string, accountID int64) { s.addToken(token, token+"\n", accountID) }

// AddAccessToken makes an access token of OAuth 2.0 valid, which is sent in the header Authorization. It has all
// scopes. RevokeToken ends it, as its expiry would.
func (s *Server) AddAccessToken(token string, accountID int64) {
	s.addToken(token, "\nBearer "+token, accountID)
}

func (s *Server) addToken(token, credential string, accountID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[credential] = owner{token, s.account(accountID).AccountID}
	s.Server.AddToken(token)
}

// owner returns the account of a credential, nil if its token is not valid.
func (s *Server) owner(credential string) *Account {
	o, known := s.owners[credential]
	if !known || !s.HasToken(o.token) {
		return nil
	}
	return s.accounts[o.accountID]
}

// credential returns both headers that may have a token. A request may have only one of them.
func credential(r *http.Request) string {
	return r.Header.Get("X-ChatWorkToken") + "\n" + r.Header.Get("Authorization")
}

// getMe is https://developer.chatwork.com/reference/get-me.
func (s *Server) getMe(c *call) (any, error) { return c.account, nil }

// getMyStatus is https://developer.chatwork.com/reference/get-my-status. It has the sums over the rooms, and how many
// rooms have any.
func (s *Server) getMyStatus(c *call) (any, error) {
	status := make(map[string]int)
	for _, r := range s.roomsOf(c.account) {
		for name, n := range map[string]int{
			"unread": r.unread(c.account), "mention": r.mentions(c.account), "mytask": r.openTasks(c.account),
		} {
			status[name+"_num"] += n
			status[name+"_room_num"] += min(n, 1)
		}
	}
	return status, nil
}

// view returns an account as it appears within other resources.
func (s *Server) view(id int64) object {
	a := s.accounts[id]
	return object{"account_id": id, "name": a.Name, "avatar_image_url": a.AvatarImageURL}
}

// person returns an account as it appears in lists of people, with what the list adds.
func (s *Server) person(id int64, added object) object {
	a := s.accounts[id]
	person := object{
		"account_id": id, "name": a.Name, "chatwork_id": a.ChatworkID, "organization_id": a.OrganizationID,
		"organization_name": a.OrganizationName, "department": a.Department, "avatar_image_url": a.AvatarImageURL,
	}
	maps.Copy(person, added)
	return person
}
