package opsgeniefake

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// An Alert is what became of one creation and all the requests that followed for it.
type Alert struct {
	ID           string
	Alias        string
	Closed       bool
	Acknowledged bool
	Count        int // creations with its alias while it was open
	Message      string
	Description  string
	Responders   []Responder
	Tags         []string
	Details      map[string]string
	Entity       string
	Source       string
	Priority     string
	Notes        []string
}

// A Responder is somebody who is told of an alert.
type Responder struct {
	Type     string `json:"type"`
	ID       string `json:"id,omitzero"`
	Name     string `json:"name,omitzero"`
	Username string `json:"username,omitzero"`
}

// creation is the body of a creation.
type creation struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias,omitzero"`
	Description string            `json:"description,omitzero"`
	Responders  []Responder       `json:"responders,omitzero"`
	VisibleTo   []Responder       `json:"visibleTo,omitzero"`
	Actions     []string          `json:"actions,omitzero"`
	Tags        []string          `json:"tags,omitzero"`
	Details     map[string]string `json:"details,omitzero"`
	Entity      string            `json:"entity,omitzero"`
	Source      string            `json:"source,omitzero"`
	Priority    string            `json:"priority,omitzero"`
	User        string            `json:"user,omitzero"`
	Note        string            `json:"note,omitzero"`
}

// remark is the body of what is done to an alert.
type remark struct {
	User   string `json:"user,omitzero"`
	Source string `json:"source,omitzero"`
	Note   string `json:"note,omitzero"`
}

// decode reads a body. What is no JSON is a 400, what is wrong in it a 422.
func decode(r *http.Request, v any) *refusal {
	if r.ContentLength == 0 {
		return &refusal{status: http.StatusBadRequest, message: "Request body is missing"}
	}
	err := fakehttp.DecodeJSON(r, v)
	var field *fakehttp.FieldError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fakehttp.ErrContentType):
		return &refusal{status: http.StatusUnsupportedMediaType, message: "Unsupported media type"}
	case errors.As(err, &field):
		return unprocessable(map[string]string{field.Field: field.Problem})
	}
	return &refusal{status: http.StatusBadRequest, message: "Could not parse request body: " + err.Error()}
}

func unprocessable(problems map[string]string) *refusal {
	return &refusal{
		status: http.StatusUnprocessableEntity, message: "Request body is not processable. Please check the errors.", errors: problems,
	}
}

// length counts UTF-16 units.
func length(s string) int { return len(utf16.Encode([]rune(s))) }

// problems are by field.
type problems map[string]string

func (p problems) text(field, text string, limit int) {
	if length(text) > limit {
		p[field] = "can not be longer than " + strconv.Itoa(limit) + " characters"
	}
}

func (p problems) list(field string, items, limit int) {
	if items > limit {
		p[field] = "can not have more than " + strconv.Itoa(limit) + " items"
	}
}

func (c creation) check() *refusal {
	p := make(problems)
	if c.Message == "" {
		p["message"] = "Message can not be empty."
	}
	p.text("message", c.Message, 130)
	p.text("alias", c.Alias, 512)
	p.text("description", c.Description, 15000)
	p.text("entity", c.Entity, 512)
	p.text("source", c.Source, 100)
	p.text("user", c.User, 100)
	p.text("note", c.Note, 25000)
	p.list("responders", len(c.Responders), 50)
	p.list("visibleTo", len(c.VisibleTo), 50)
	p.list("actions", len(c.Actions), 10)
	p.list("tags", len(c.Tags), 20)
	for _, words := range []struct {
		field string
		all   []string
	}{{"actions", c.Actions}, {"tags", c.Tags}} {
		for _, word := range words.all {
			p.text(words.field, word, 50)
		}
	}
	p.details(c.Details)
	if c.Priority != "" && !slices.Contains([]string{"P1", "P2", "P3", "P4", "P5"}, c.Priority) {
		p["priority"] = "should be one of [ P1, P2, P3, P4, P5 ]"
	}
	p.people("responders", c.Responders, "team", "user", "escalation", "schedule")
	p.people("visibleTo", c.VisibleTo, "team", "user")
	if len(p) > 0 {
		return unprocessable(p)
	}
	return nil
}

// details counts names and values.
func (p problems) details(all map[string]string) {
	var total int
	for name, value := range all {
		total += length(name) + length(value)
	}
	if total > 8000 {
		p["details"] = "can not be longer than 8000 characters"
	}
}

func (p problems) people(field string, all []Responder, types ...string) {
	for _, r := range all {
		named := r.Name
		if r.Type == "user" {
			named = r.Username
		}
		if !slices.Contains(types, r.Type) || (r.ID == "") == (named == "") {
			p[field] = "needs a type and one of id, name and username that goes with it"
		}
	}
}

// open returns the open alert with an alias, nil if there is none.
func (s *Server) open(alias string) *Alert {
	for _, a := range s.alerts {
		if a.Alias == alias && !a.Closed {
			return a
		}
	}
	return nil
}

func (s *Server) create(r *http.Request, id string) (int, map[string]any, *refusal) {
	var c creation
	if err := decode(r, &c); err != nil {
		return 0, nil, err
	}
	if err := c.check(); err != nil {
		return 0, nil, err
	}
	if c.Priority == "" {
		c.Priority = "P3"
	}
	a := s.open(c.Alias)
	if a == nil || c.Alias == "" {
		a = &Alert{
			ID: id + "-" + strconv.FormatInt(s.HTTP.Now().UnixMilli(), 10), Alias: c.Alias, Message: c.Message,
			Description: c.Description, Responders: c.Responders, Tags: c.Tags, Details: c.Details, Entity: c.Entity,
			Source: c.Source, Priority: c.Priority,
		}
		if a.Alias == "" {
			a.Alias = a.ID
		}
		s.alerts = append(s.alerts, a)
	}
	a.Count++
	a.note(c.Note)
	return s.accept(id, Request{action: "Create", success: true, status: "Created alert", alert: a, alias: a.Alias})
}

func (a *Alert) note(text string) {
	if text != "" {
		a.Notes = append(a.Notes, text)
	}
}

// actions are what can be done to an alert.
var actions = map[string]struct {
	name, done string
	do         func(*Alert)
}{
	"close":       {"Close", "Closed alert", func(a *Alert) { a.Closed = true }},
	"acknowledge": {"Acknowledge", "Acknowledged alert", func(a *Alert) { a.Acknowledged = true }},
	"notes":       {"AddNote", "Added note to alert", func(*Alert) {}},
}

// act does something to an alert. That there is none is found out only after the request was accepted.
func (s *Server) act(r *http.Request, id, identifier, verb string) (int, map[string]any, *refusal) {
	action, ok := actions[verb]
	if !ok {
		return 0, nil, errNotFound
	}
	query, err := fakehttp.DecodeQuery(r, "identifierType")
	if err != nil {
		return 0, nil, unprocessable(map[string]string{"query": err.Error()})
	}
	body, refused := readRemark(r, verb == "notes")
	if refused != nil {
		return 0, nil, refused
	}
	var a *Alert
	switch kind := query.Get("identifierType"); kind {
	case "alias":
		a = s.open(identifier)
	case "", "id":
		if i := slices.IndexFunc(s.alerts, func(a *Alert) bool { return a.ID == identifier && !a.Closed }); i >= 0 {
			a = s.alerts[i]
		}
	default:
		return 0, nil, unprocessable(map[string]string{"identifierType": "should be one of [ id, alias ]"})
	}
	if a == nil {
		return s.accept(id, Request{action: action.name, status: "Alert does not exist", alias: identifier})
	}
	action.do(a)
	a.note(body.Note)
	return s.accept(id, Request{action: action.name, success: true, status: action.done, alert: a, alias: a.Alias})
}

// readRemark reads the body of an action, which may be missing unless it is all that there is to it.
func readRemark(r *http.Request, required bool) (b remark, refused *refusal) {
	if r.ContentLength == 0 && !required {
		return b, nil
	}
	if refused = decode(r, &b); refused != nil {
		return b, refused
	}
	p := make(problems)
	p.text("user", b.User, 100)
	p.text("source", b.Source, 100)
	p.text("note", b.Note, 25000)
	if required && b.Note == "" {
		p["note"] = "Note can not be empty."
	}
	if len(p) > 0 {
		return b, unprocessable(p)
	}
	return b, nil
}
