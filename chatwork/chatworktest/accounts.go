package chatworktest

import (
	"maps"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/chatwork"
)

// An Account is an account of Chatwork, as GET /me shows it. RoomID is the account's own room, "My chat".
type Account = chatwork.Me

// johnSmith is the account of the reference's samples.
var johnSmith = Account{
	AccountID: AccountID, RoomID: 322, Name: "John Smith", ChatworkID: "tarochatworkid",
	OrganizationID: 101, OrganizationName: "Hello Company", Department: "Marketing", Title: "CMO",
	URL: "http://mycompany.example.com", Introduction: "Self Introduction", Mail: "taro@example.com",
	TelOrganization: "XXX-XXXX-XXXX", TelExtension: "YYY-YYYY-YYYY", TelMobile: "ZZZ-ZZZZ-ZZZZ",
	Skype: "myskype_id", Facebook: "myfacebook_id", Twitter: "mytwitter_id",
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
	accountID int64
	bearer    bool // the token is an access token
}

// AddToken makes an API token of an account valid, in addition to the tokens that it has.
func (s *Server) AddToken(token string, accountID int64) { s.addToken(token, accountID, false) }

// AddAccessToken makes an access token of OAuth 2.0 valid, which is sent in the header Authorization. It has all
// scopes. RevokeToken ends it, as its expiry would.
func (s *Server) AddAccessToken(token string, accountID int64) { s.addToken(token, accountID, true) }

func (s *Server) addToken(token string, accountID int64, bearer bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[token] = owner{s.account(accountID).AccountID, bearer}
	s.Server.AddToken(token)
}

// owner returns the account of a token, nil if the token is not valid.
func (s *Server) owner(token string, bearer bool) *Account {
	o, known := s.owners[token]
	if !known || o.bearer != bearer || !s.HasToken(token) {
		return nil
	}
	return s.accounts[o.accountID]
}

// credential returns the token of a request. A request with both kinds of tokens has no token.
func credential(r *http.Request) (token string, bearer bool) {
	token = r.Header.Get("X-ChatWorkToken")
	access, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case access == "":
		return token, false
	case token == "" && bearer:
		return access, true
	}
	return "", false
}

// getMe is https://developer.chatwork.com/reference/get-me.
func (s *Server) getMe(c *call) (any, error) { return c.account, nil }

// getMyStatus is https://developer.chatwork.com/reference/get-my-status.
func (s *Server) getMyStatus(c *call) (any, error) {
	var rooms, mentionRooms, taskRooms, unread, mentions, tasks int
	for _, r := range s.roomsOf(c.account) {
		u, m, t := r.unread(c.account), r.mentions(c.account), r.openTasks(c.account)
		rooms, mentionRooms, taskRooms = rooms+min(u, 1), mentionRooms+min(m, 1), taskRooms+min(t, 1)
		unread, mentions, tasks = unread+u, mentions+m, tasks+t
	}
	return object{
		"unread_room_num": rooms, "mention_room_num": mentionRooms, "mytask_room_num": taskRooms,
		"unread_num": unread, "mention_num": mentions, "mytask_num": tasks,
	}, nil
}

// view returns an account as it appears within other resources.
func (s *Server) view(id int64) object {
	a := s.accounts[id]
	return object{"account_id": a.AccountID, "name": a.Name, "avatar_image_url": a.AvatarImageURL}
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
