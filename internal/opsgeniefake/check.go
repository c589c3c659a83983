package opsgeniefake

import (
	"net/http"
	"slices"
	"strconv"
	"unicode/utf16"
)

// problems are what is wrong with a body, by field. All fields are checked.
type problems map[string]string

// refusal returns the refusal of a body that has problems, nil if it has none.
func (p problems) refusal() error {
	if len(p) == 0 {
		return nil
	}
	const message = "Request body is not processable. Please check the errors."
	return &refusal{status: http.StatusUnprocessableEntity, message: message, errors: p}
}

// length counts UTF-16 units.
func length(s string) int { return len(utf16.Encode([]rune(s))) }

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

// words checks a list of texts of at most 50 characters.
func (p problems) words(field string, all []string, limit int) {
	p.list(field, len(all), limit)
	for _, word := range all {
		p.text(field, word, 50)
	}
}

// details checks the details. The limit counts names and values.
func (p problems) details(all map[string]string) {
	var total int
	for name, value := range all {
		total += length(name) + length(value)
	}
	if total > 8000 {
		p["details"] = "can not be longer than 8000 characters"
	}
}

// people checks a list of people, who are found by their id or by the name that their type has.
func (p problems) people(field string, all []Responder, types ...string) {
	p.list(field, len(all), 50)
	for _, r := range all {
		name := r.Name
		if r.Type == "user" {
			name = r.Username
		}
		if !slices.Contains(types, r.Type) || (r.ID == "") == (name == "") {
			p[field] = "needs a type, and either the id or the name or username that the type has"
		}
	}
}

// check holds the limits of https://docs.opsgenie.com/docs/alert-api.
func (c creation) check() error {
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
	p.words("actions", c.Actions, 10)
	p.words("tags", c.Tags, 20)
	p.details(c.Details)
	p.people("responders", c.Responders, "team", "user", "escalation", "schedule")
	p.people("visibleTo", c.VisibleTo, "team", "user")
	if !slices.Contains([]string{"", "P1", "P2", "P3", "P4", "P5"}, c.Priority) {
		p["priority"] = "should be one of [ P1, P2, P3, P4, P5 ]"
	}
	return p.refusal()
}

func (r remark) check(required bool) error {
	p := make(problems)
	p.text("user", r.User, 100)
	p.text("source", r.Source, 100)
	p.text("note", r.Note, 25000)
	if required && r.Note == "" {
		p["note"] = "Note can not be empty."
	}
	return p.refusal()
}
