package opsgeniefake

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/mackerel-notify/mackerel/internal/strict"
)

// An Alert is an alert with everything that was done to it. The two packages document the fields.
type Alert struct {
	ID           string
	Alias        string
	Closed       bool
	Acknowledged bool
	Count        int
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

// A Responder is someone who is told of an alert. It is an alias, so that it can be converted as a part of an Alert.
type Responder = struct {
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

// create creates an alert, or counts up the open alert with the same alias.
func (s *Server) create(r *http.Request, id string) (int, map[string]any, error) {
	var c creation
	if err := s.decode(r, &c); err != nil {
		return 0, nil, err
	}
	if err := c.check(); err != nil {
		return 0, nil, err
	}
	a := s.open(func(a *Alert) bool { return a.Alias == c.Alias })
	if a == nil {
		a = &Alert{
			ID: id + "-" + strconv.FormatInt(s.Now().UnixMilli(), 10), Alias: c.Alias, Message: c.Message,
			Description: c.Description, Responders: c.Responders, Tags: c.Tags, Details: c.Details, Entity: c.Entity,
			Source: c.Source, Priority: cmp.Or(c.Priority, "P3"),
		}
		if a.Alias == "" {
			a.Alias = a.ID
		}
		s.alerts = append(s.alerts, a)
		s.Accept()
	}
	a.Count++
	a.note(c.Note)
	return s.accept(id, request{action: "Create", success: true, status: "Created alert", alert: a, alias: a.Alias})
}

// open returns the open alert that matches, nil if there is none.
func (s *Server) open(matches func(*Alert) bool) *Alert {
	for _, a := range s.alerts {
		if !a.Closed && matches(a) {
			return a
		}
	}
	return nil
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

// act does something to an alert. A request for an alert that is not open is accepted all the same.
func (s *Server) act(r *http.Request, id, identifier, verb string) (int, map[string]any, error) {
	action, ok := actions[verb]
	if !ok {
		return 0, nil, errNotFound
	}
	query, err := strict.Query(r, !s.IsStrict(), "identifierType")
	if err != nil {
		return 0, nil, problems{"query": err.Error()}.refusal()
	}
	var body remark
	if verb == "notes" || r.ContentLength != 0 {
		err = s.decode(r, &body)
	}
	if err == nil {
		err = body.check(verb == "notes")
	}
	if err != nil {
		return 0, nil, err
	}
	var a *Alert
	switch kind := query.Get("identifierType"); kind {
	case "alias":
		a = s.open(func(a *Alert) bool { return a.Alias == identifier })
	case "", "id":
		a = s.open(func(a *Alert) bool { return a.ID == identifier })
	case "tiny": // the fake gives no tiny ids
	default:
		return 0, nil, problems{"identifierType": "should be one of [ id, alias, tiny ]"}.refusal()
	}
	s.Accept()
	if a == nil {
		return s.accept(id, request{action: action.name, status: "Alert does not exist", alias: identifier})
	}
	action.do(a)
	a.note(body.Note)
	return s.accept(id, request{action: action.name, success: true, status: action.done, alert: a, alias: a.Alias})
}
