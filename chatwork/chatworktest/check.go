package chatworktest

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/internal/strict"
)

// The limits of the reference.
const (
	maxBody  = 65535   // bytes; the reference says characters
	maxName  = 255     // characters
	maxCode  = 50      // characters
	maxID    = 19      // digits
	maxFile  = 5 << 20 // bytes; the reference says 5 MB
	maxItems = 100     // of most lists
)

// The parameters that more than one operation has.
var (
	body        = param{name: "body", required: true, check: bytesUpTo(maxBody)}
	messageID   = param{name: "message_id", check: digits}
	accountID   = param{name: "account_id", check: digits}
	assignedBy  = param{name: "assigned_by_account_id", check: digits}
	status      = param{name: "status", check: oneOf("open", "done")}
	roomName    = param{name: "name", check: name}
	description = param{name: "description", check: anyText}
	iconPreset  = param{name: "icon_preset", check: oneOf(
		"group", "check", "document", "meeting", "event", "project", "business", "study", "security", "star", "idea",
		"heart", "magcup", "beer", "music", "sports", "travel",
	)}
	adminIDs    = param{name: "members_admin_ids", required: true, check: idList}
	memberIDs   = param{name: "members_member_ids", check: idList}
	readonlyIDs = param{name: "members_readonly_ids", check: idList}
	linkParams  = params{{name: "code", check: code}, {name: "need_acceptance", check: flag}, description}
)

// A param is a parameter of an operation. Its check returns what is wrong with a value, "" if nothing is.
type param struct {
	name     string
	required bool // and not empty
	check    func(value string) (problem string)
}

// needed returns the parameter for an operation that requires it.
func (p param) needed() param {
	p.required = true
	return p
}

// flag checks a boolean, which is 1 or 0 in requests.
func flag(value string) string { return problem(value == "0" || value == "1", "must be 0 or 1") }

func digits(value string) string { return problem(isID(value), "must be an id") }

// number checks a number, such as a time in seconds.
func number(value string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	return problem(err == nil && n >= 0, "must be a number")
}

// idList checks a list of ids with commas between them. It may be empty.
func idList(value string) string {
	for id := range strings.SplitSeq(value, ",") {
		if value != "" && !isID(id) {
			return "must be a list of ids"
		}
	}
	return ""
}

func oneOf(words ...string) func(string) string {
	return func(value string) string {
		return problem(slices.Contains(words, value), "must be one of "+strings.Join(words, ", "))
	}
}

func name(value string) string {
	n := utf8.RuneCountInString(value)
	return problem(n > 0 && n <= maxName, "must have 1 to 255 characters")
}

// code checks the code of an invitation link.
func code(value string) string {
	odd := func(r rune) bool {
		letter, digit := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z', r >= '0' && r <= '9'
		return !letter && !digit && r != '_' && r != '-'
	}
	ok := value != "" && len(value) <= maxCode && !strings.ContainsFunc(value, odd)
	return problem(ok, "must have 1 to 50 of A-Z, a-z, 0-9, _ and -")
}

func anyText(string) string { return "" }

func bytesUpTo(limit int) func(string) string {
	return func(value string) string {
		return problem(value != "" && len(value) <= limit, "must have 1 to "+strconv.Itoa(limit)+" bytes")
	}
}

func problem(ok bool, text string) string {
	if ok {
		return ""
	}
	return text
}

// isID reports whether s is an id: up to 19 digits, as many as ids of messages have.
func isID(s string) bool { return s != "" && len(s) <= maxID && strings.Trim(s, "0123456789") == "" }

type params []param

var errQuery = refuse(http.StatusBadRequest, "Parameters in the query are not read")

// read reads the parameters of a request: from the query of a GET, and from the form of everything else. A DELETE may
// also have them in the query, where the official RAML definition has them. Parameters that are not documented, and the
// query of other requests, are ignored if unknown is true.
func (ps params) read(r *http.Request, unknown bool) (url.Values, error) {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = p.name
	}
	from := strict.Form
	if r.Method == http.MethodGet {
		from = strict.Query
	}
	values, err := from(r, unknown, names...)
	if err == nil && r.Method == http.MethodDelete {
		var query url.Values
		query, err = strict.Query(r, unknown, names...)
		maps.Copy(values, query)
	}
	if err == nil {
		err = ps.check(values)
	}
	if err == nil && !unknown && r.URL.RawQuery != "" && (r.Method == http.MethodPost || r.Method == http.MethodPut) {
		err = errQuery
	}
	return values, err
}

// check checks all parameters among the values of a request.
func (ps params) check(values url.Values) error {
	for _, p := range ps {
		switch {
		case p.required && values.Get(p.name) == "":
			return &strict.FieldError{Field: p.name, Problem: "is required"}
		case !values.Has(p.name):
			continue
		}
		if text := p.check(values.Get(p.name)); text != "" {
			return &strict.FieldError{Field: p.name, Problem: text}
		}
	}
	return nil
}

// fileParam is the part of an upload that has the file.
const fileParam = "file"

var errMultipart = errors.New("malformed multipart encoding")

// readUpload reads a multipart body: one file, and a message. The body must end with the closing boundary and one line
// break, because Chatwork accepts nothing else there.
func readUpload(r *http.Request, unknown bool) (f *File, values url.Values, err error) {
	mediaType, attributes, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		return nil, nil, strict.ErrContentType
	}
	data, err := io.ReadAll(r.Body)
	if err != nil || !bytes.HasSuffix(data, []byte("\r\n--"+attributes["boundary"]+"--\r\n")) {
		return nil, nil, errMultipart
	}
	values = make(url.Values)
	for parts := multipart.NewReader(bytes.NewReader(data), attributes["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, errMultipart
		}
		if err := readPart(part, &f, values, unknown); err != nil {
			return nil, nil, err
		}
	}
	if f == nil {
		return nil, nil, &strict.FieldError{Field: fileParam, Problem: "is required"}
	}
	return f, values, params{{name: "message", check: bytesUpTo(maxBody)}}.check(values)
}

func readPart(part *multipart.Part, f **File, values url.Values, unknown bool) error {
	content, err := io.ReadAll(part)
	if err != nil {
		return errMultipart
	}
	field := func(problem string) error { return &strict.FieldError{Field: part.FormName(), Problem: problem} }
	switch name := part.FormName(); {
	case name == fileParam && *f != nil, values.Has(name):
		return field("is given twice")
	case name == fileParam && len(content) > maxFile:
		return field("must have up to 5 MB")
	case name == fileParam:
	case name != "message" && unknown:
		return nil
	case name != "message":
		return field("is unknown")
	case !utf8.Valid(content):
		return field("is not UTF-8")
	default:
		values.Set(name, string(content))
		return nil
	}
	// The part's own FileName would cut off a path.
	_, attributes, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	filename := attributes["filename"]
	if err != nil || filename == "" || !utf8.ValidString(filename) || strings.ContainsAny(filename, "/\\\"\r\n") {
		return field("must have a filename without a path")
	}
	*f = &File{Filename: filename, ContentType: part.Header.Get("Content-Type"), Content: content}
	return nil
}
