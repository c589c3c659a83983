package chatworktest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/internal/strict"
)

// The limits of the reference that are not in a check.
const (
	maxBody  = 65535   // bytes; the reference says characters
	maxFile  = 5 << 20 // bytes; the reference says 5 MB
	maxItems = 100     // of most lists
)

// A check returns what is wrong with the value of a parameter, "" if nothing is.
type check func(value string) (problem string)

// The checks. A boolean is 1 or 0 in requests.
var (
	flag    = matching(`[01]`, "must be 0 or 1")
	isID    = matching(`[0-9]{1,19}`, "must be an id") // ids of messages have 19 digits
	number  = matching(`[0-9]{1,18}`, "must be a number")
	idList  = matching(`([0-9]{1,19}(,[0-9]{1,19})*)?`, "must be a list of ids")
	name    = matching(`.{1,255}`, "must have 1 to 255 characters")
	code    = matching(`[A-Za-z0-9_-]{1,50}`, "must have 1 to 50 of A-Z, a-z, 0-9, _ and -")
	anyText = matching(`.*`, "")
)

// matching returns the check of values that match a regular expression as a whole.
func matching(form, problem string) check {
	whole := regexp.MustCompile(`^(?s:` + form + `)$`)
	return func(value string) string {
		if whole.MatchString(value) {
			return ""
		}
		return problem
	}
}

func oneOf(words ...string) check {
	return matching(strings.Join(words, "|"), "must be one of "+strings.Join(words, ", "))
}

func longText(value string) string {
	if value == "" || len(value) > maxBody {
		return "must have 1 to " + strconv.Itoa(maxBody) + " bytes"
	}
	return ""
}

// A param is a parameter of an operation.
type param struct {
	name     string
	required bool // and not empty
	check    check
}

// needed returns the parameter for an operation that requires it.
func (p param) needed() param {
	p.required = true
	return p
}

// The parameters that more than one operation has.
var (
	body        = param{"body", true, longText}
	messageID   = param{"message_id", false, isID}
	accountID   = param{"account_id", false, isID}
	assignedBy  = param{"assigned_by_account_id", false, isID}
	status      = param{"status", false, oneOf("open", "done")}
	roomName    = param{"name", false, name}
	description = param{"description", false, anyText}
	iconPreset  = param{"icon_preset", false, oneOf(
		"group", "check", "document", "meeting", "event", "project", "business", "study", "security", "star", "idea",
		"heart", "magcup", "beer", "music", "sports", "travel",
	)}
	adminIDs    = param{"members_admin_ids", true, idList}
	memberIDs   = param{"members_member_ids", false, idList}
	readonlyIDs = param{"members_readonly_ids", false, idList}
	linkParams  = params{{"code", false, code}, {"need_acceptance", false, flag}, description}
)

type params []param

var errQuery = refuse(http.StatusBadRequest, "Parameters in the query are not read")

// read reads the parameters of a request: from the query of a GET, and from the form of everything else. A DELETE may
// have them in the query instead, where the official RAML definition has them. Parameters that are not documented, and
// the query of a POST or PUT, are ignored if unknown is true.
func (ps params) read(r *http.Request, unknown bool) (url.Values, error) {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = p.name
	}
	from, query := strict.Form, r.URL.RawQuery != ""
	if r.Method == http.MethodGet || r.Method == http.MethodDelete && query {
		from, query = strict.Query, false
	}
	values, err := from(r, unknown, names...)
	if err == nil {
		err = ps.check(values)
	}
	if err == nil && query && !unknown {
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

const fileParam = "file" // the part of an upload that has the file

var errMultipart = errors.New("malformed multipart encoding")

// readUpload reads a multipart body: one file, and a message. The body must end with the closing boundary and one line
// break, because Chatwork accepts nothing else there.
func readUpload(r *http.Request, unknown bool) (*File, url.Values, error) {
	mediaType, attributes, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		return nil, nil, strict.ErrContentType
	}
	data, err := io.ReadAll(r.Body)
	if err != nil || !bytes.HasSuffix(data, []byte("\r\n--"+attributes["boundary"]+"--\r\n")) {
		return nil, nil, errMultipart
	}
	form, err := multipart.NewReader(bytes.NewReader(data), attributes["boundary"]).ReadForm(int64(len(data)))
	if err != nil {
		return nil, nil, errMultipart
	}
	texts := url.Values(form.Value)
	for part, files := range form.File {
		if part != fileParam {
			texts[part] = make([]string, len(files))
		}
	}
	if texts, err = strict.Values(texts, unknown, "message", fileParam); err != nil {
		return nil, nil, err
	}
	if err := (params{{"message", false, longText}}).check(texts); err != nil {
		return nil, nil, err
	}
	f, err := readFile(form.File[fileParam], texts.Has(fileParam))
	return f, texts, err
}

// readFile reads the file of an upload. A part without a filename is no file.
func readFile(files []*multipart.FileHeader, unnamed bool) (*File, error) {
	refused := func(problem string) (*File, error) {
		return nil, &strict.FieldError{Field: fileParam, Problem: problem}
	}
	switch {
	case unnamed:
		return refused("must have a filename without a path")
	case len(files) == 0:
		return refused("is required")
	case len(files) > 1:
		return refused("is given twice")
	case files[0].Size > maxFile:
		return refused("must have up to 5 MB")
	}
	// The Filename of a FileHeader has no path any more.
	_, attributes, err := mime.ParseMediaType(files[0].Header.Get("Content-Disposition"))
	filename := attributes["filename"]
	if err != nil || !utf8.ValidString(filename) || strings.ContainsAny(filename, "/\\\"\r\n") {
		return refused("must have a filename without a path")
	}
	content, err := files[0].Open()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	return &File{Filename: filename, ContentType: files[0].Header.Get("Content-Type"), Content: data}, err
}
