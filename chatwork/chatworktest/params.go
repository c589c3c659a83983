package chatworktest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// The parameters, with the kinds and limits of the reference.
var (
	body       = param{"body", true, bytesUpTo(65535)}
	selfUnread = param{"self_unread", false, flag}
	force      = param{"force", false, flag}
	messageID  = param{"message_id", false, digits}

	byAccount  = param{"account_id", false, digits}
	assignedBy = param{"assigned_by_account_id", false, digits}
	taskStatus = param{"status", false, oneOf("open", "done")}
	toIDs      = param{"to_ids", true, idList}
	limit      = param{"limit", false, number}
	limitType  = param{"limit_type", false, oneOf("none", "date", "time")}
	newStatus  = param{"body", true, oneOf("open", "done")}

	roomName    = param{"name", false, charactersUpTo(255)}
	description = param{"description", false, anyText}
	adminIDs    = param{"members_admin_ids", false, idList}
	memberIDs   = param{"members_member_ids", false, idList}
	readonlyIDs = param{"members_readonly_ids", false, idList}
	actionType  = param{"action_type", true, oneOf("leave", "delete")}
	iconPreset  = param{"icon_preset", false, oneOf(
		"group", "check", "document", "meeting", "event", "project", "business", "study", "security", "star", "idea",
		"heart", "magcup", "beer", "music", "sports", "travel",
	)}

	withLink           = param{"link", false, flag}
	roomLinkCode       = param{"link_code", false, code}
	roomLinkAcceptance = param{"link_need_acceptance", false, flag}
	linkCode           = param{"code", false, code}
	needAcceptance     = param{"need_acceptance", false, flag}

	file        = param{"file", true, nil} // is no text: see readUpload
	fileMessage = param{"message", false, bytesUpTo(65535)}
	createURL   = param{"create_download_url", false, flag}
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

// number checks a number, such as a time in seconds.
func number(value string) string {
	if n, err := strconv.ParseInt(value, 10, 64); err != nil || n < 0 {
		return "must be a number"
	}
	return ""
}

// idList checks a list of ids with commas between them, and nothing else.
func idList(value string) string {
	for id := range strings.SplitSeq(value, ",") {
		if !isID(id) {
			return "must be a list of ids"
		}
	}
	return ""
}

// oneOf checks a word.
func oneOf(words ...string) func(string) string {
	return func(value string) string {
		if !slices.Contains(words, value) {
			return "must be one of " + strings.Join(words, ", ")
		}
		return ""
	}
}

// charactersUpTo checks the length of a name.
func charactersUpTo(limit int) func(string) string {
	return func(value string) string {
		if n := utf8.RuneCountInString(value); n == 0 || n > limit {
			return "must have 1 to " + strconv.Itoa(limit) + " characters"
		}
		return ""
	}
}

// code checks the last part of an invitation link.
func code(value string) string {
	letters := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
	}
	if value == "" || len(value) > 50 || strings.ContainsFunc(value, func(r rune) bool { return !letters(r) }) {
		return "must have 1 to 50 of A-Z, a-z, 0-9, _ and -"
	}
	return ""
}

func anyText(string) string { return "" }

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
	if err := ps.check(values); err != nil {
		return nil, err
	}
	if r.Method != http.MethodGet && r.URL.RawQuery != "" {
		return nil, errQuery
	}
	return values, nil
}

var errQuery = &apiError{http.StatusBadRequest, "Parameters in the query are not read"}

// check checks all parameters among the values of a request.
func (ps params) check(values url.Values) error {
	for _, p := range ps {
		if err := p.in(values); err != nil {
			return err
		}
	}
	return nil
}

func (ps params) has(name string) bool {
	return slices.ContainsFunc(ps, func(p param) bool { return p.name == name })
}

func (ps params) without(other param) params {
	return slices.DeleteFunc(slices.Clone(ps), func(p param) bool { return p.name == other.name })
}

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
