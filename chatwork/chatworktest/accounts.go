package chatworktest

import (
	"net/http"

	"github.com/mackerel-notify/mackerel/chatwork"
)

// An Account is an account of Chatwork, as GET /me shows it. RoomID is the account's own room, "My chat".
type Account = chatwork.Me

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
		RoomID: a.RoomID, Name: "My chat", Type: "my", Members: map[int64]chatwork.Role{a.AccountID: chatwork.RoleAdmin},
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

// getMyStatus is https://developer.chatwork.com/reference/get-my-status.
func (s *Server) getMyStatus(c *call) (any, error) {
	var sum chatwork.MyStatus
	for _, r := range s.roomsOf(c.account) {
		add(&sum.UnreadNum, &sum.UnreadRoomNum, r.unread(c.account))
		add(&sum.MentionNum, &sum.MentionRoomNum, r.mentions(c.account))
		add(&sum.MytaskNum, &sum.MytaskRoomNum, r.openTasks(c.account))
	}
	return sum, nil
}

// add adds what a room has to a sum, and the room to the number of rooms that have any.
func add(sum, rooms *int, n int) {
	*sum += n
	*rooms += min(n, 1)
}

// view returns an account as it appears within other resources.
func (s *Server) view(id int64) chatwork.Account {
	a := s.accounts[id]
	return chatwork.Account{AccountID: id, Name: a.Name, AvatarImageURL: a.AvatarImageURL}
}

// person returns an account as it appears in lists of people.
func person(a *Account) chatwork.Person {
	return chatwork.Person{
		Name: a.Name, ChatworkID: a.ChatworkID, OrganizationID: a.OrganizationID, OrganizationName: a.OrganizationName,
		Department: a.Department, AvatarImageURL: a.AvatarImageURL,
	}
}
