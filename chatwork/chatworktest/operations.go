package chatworktest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// An operation is one row of the API's reference.
type operation struct {
	method string
	path   string // below /v2; {id} stands for the digits of an id
	params params // in the query of a GET, in the form of everything else
	posts  bool   // counts for the room's limit
	serve  func(*Server, *call) (any, error)
}

// operations is the API, in the order of its reference. Everything else is a 404.
var operations = []operation{
	{"GET", "/me", nil, false, (*Server).getMe},
	{"GET", "/rooms", nil, false, (*Server).listRooms},
	{"GET", "/rooms/{room_id}", nil, false, (*Server).getRoom},
	{"GET", "/rooms/{room_id}/messages", params{force}, false, (*Server).listMessages},
	{"POST", "/rooms/{room_id}/messages", params{body, selfUnread}, true, (*Server).postMessage},
	{"PUT", "/rooms/{room_id}/messages/read", params{messageID}, false, (*Server).markRead},
	{"PUT", "/rooms/{room_id}/messages/unread", params{messageID.needed()}, false, (*Server).markUnread},
	{"GET", "/rooms/{room_id}/messages/{message_id}", nil, false, (*Server).getMessage},
	{"PUT", "/rooms/{room_id}/messages/{message_id}", params{body}, false, (*Server).updateMessage},
	{"DELETE", "/rooms/{room_id}/messages/{message_id}", nil, false, (*Server).deleteMessage},
}

// The parameters, with the kinds and limits of the reference.
var (
	body       = param{"body", true, bytesUpTo(65535)}
	selfUnread = param{"self_unread", false, flag}
	force      = param{"force", false, flag}
	messageID  = param{"message_id", false, digits}
)

// A param is a parameter of an operation. Its check returns what is wrong with a value, "" if nothing is.
type param struct {
	name     string
	required bool // and not empty
	check    func(value string) (problem string)
}

// needed returns the parameter for an operation that cannot do without it.
func (p param) needed() param {
	p.required = true
	return p
}

// flag checks a boolean. Requests have 1 and 0, only answers have true and false.
func flag(value string) string {
	if value != "0" && value != "1" {
		return "must be 0 or 1"
	}
	return ""
}

func digits(value string) string {
	if !isID(value) {
		return "must be an id"
	}
	return ""
}

// bytesUpTo checks the length of a text. The reference says characters and not what they are.
func bytesUpTo(limit int) func(string) string {
	return func(value string) string {
		if value == "" || len(value) > limit {
			return "must have 1 to " + strconv.Itoa(limit) + " bytes"
		}
		return ""
	}
}

// isID reports whether s is an id: up to 19 digits, as many as those of messages have.
func isID(s string) bool {
	return s != "" && len(s) <= 19 && strings.Trim(s, "0123456789") == ""
}

type params []param

// read reads the parameters from where they belong. In the query of anything but a GET they are never read; that is
// reported last, since a required parameter that is in the query is missing in the form.
func (ps params) read(r *http.Request) (url.Values, error) {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = p.name
	}
	decode := fakehttp.DecodeForm
	if r.Method == http.MethodGet {
		decode = fakehttp.DecodeQuery
	}
	values, err := decode(r, names...)
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		if err := p.in(values); err != nil {
			return nil, err
		}
	}
	if r.Method != http.MethodGet && r.URL.RawQuery != "" {
		return nil, errQuery
	}
	return values, nil
}

var errQuery = &apiError{http.StatusBadRequest, "Parameters in the query are not read"}

// in checks the parameter among the values of a request.
func (p param) in(values url.Values) error {
	switch {
	case p.required && values.Get(p.name) == "":
		return &fakehttp.FieldError{Field: p.name, Problem: "is required"}
	case !values.Has(p.name):
		return nil
	}
	if problem := p.check(values.Get(p.name)); problem != "" {
		return &fakehttp.FieldError{Field: p.name, Problem: problem}
	}
	return nil
}

// A call is a request to an operation by an account.
type call struct {
	token   string
	account *Account
	ids     map[string]string // those in the path
	room    *room             // the one in the path, if there is one
	params  url.Values
}

// prepare checks all that can be checked by the operation's row: the room, the parameters and, last, the room's limit.
func (s *Server) prepare(c *call, op *operation, r *http.Request) (err error) {
	if id, ok := c.ids["room_id"]; ok {
		if c.room = s.roomOf(c.account, id); c.room == nil {
			return noRoom(r.Method)
		}
	}
	if c.params, err = op.params.read(r); err != nil {
		return err
	}
	if !op.posts {
		return nil
	}
	if c.room.Members[c.account.AccountID] == RoleReadonly {
		return errNoPermission
	}
	if _, _, ok := s.posts.Take(strconv.FormatInt(c.room.RoomID, 10), s.Now()); !ok {
		return errPostLimit
	}
	return nil
}

// noRoom is what Chatwork says of a room that one is not in: those who try to post there read of posting.
func noRoom(method string) error {
	if method == http.MethodGet {
		return errNoRoom
	}
	return errNoPermission
}

// match finds the operation for a request, and the ids in its path; nil if there is none. Other than [http.ServeMux] it
// does not redirect a path with an empty element, which is what an empty id makes.
func match(r *http.Request) (*operation, map[string]string) {
	path, ok := strings.CutPrefix(r.URL.Path, basePath)
	if !ok {
		return nil, nil
	}
	for i := range operations {
		if op := &operations[i]; op.method == r.Method {
			if ids, ok := op.match(path); ok {
				return op, ids
			}
		}
	}
	return nil, nil
}

// match compares a path with the operation's, element by element, and returns the ids in it by their names.
func (op *operation) match(path string) (ids map[string]string, ok bool) {
	want, got := strings.Split(op.path, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	ids = make(map[string]string)
	for i, element := range want {
		switch name, variable := strings.CutPrefix(element, "{"); {
		case variable && isID(got[i]):
			ids[strings.TrimSuffix(name, "}")] = got[i]
		case variable || element != got[i]:
			return nil, false
		}
	}
	return ids, true
}
