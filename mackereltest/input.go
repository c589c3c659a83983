package mackereltest

import (
	"maps"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/strict"
)

// details are the documented members of each type of channel that can be registered, and their values when they are
// left out or null. The url has none.
var details = map[string]members{
	"email":   {"emails": emptyList, "userIds": emptyList, "events": emptyList},
	"slack":   {"url": nil, "mentions": emptyObject, "enabledGraphImage": no, "events": emptyList},
	"webhook": {"url": nil, "enabledGraphImage": no, "events": emptyList},
}

var (
	emptyList   = jsontext.Value("[]")
	emptyObject = jsontext.Value("{}")
	no          = jsontext.Value("false")
)

// readChannel reads the body of a request to register a channel or to update one that has the members was, and returns
// what is kept of it: the members of this type, those that are left out included, and members that the channel has
// already. Others are ignored, as Mackerel does.
func (s *Server) readChannel(r *http.Request, was members) (members, error) {
	var body jsontext.Value
	if err := strict.JSON(r, &body, true); err != nil {
		return nil, err
	}
	sent, err := membersOf(body)
	if err != nil {
		return nil, err
	}
	ofType, err := checkType(sent, was)
	if err != nil {
		return nil, err
	}
	kept := maps.Clone(ofType)
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		value := sent[name]
		_, documented := ofType[name]
		switch {
		case name == "id", name == "suspendedAt":
			continue
		case same(value, was[name]) && name != "name":
		case documented && value.Kind() == 'n':
			continue
		case documented, name == "name", name == "addToDefaultNotificationGroup":
			if err := s.check(name, value, was[name]); err != nil {
				return nil, err
			}
		case was[name] == nil && s.IsStrict():
			return nil, &strict.FieldError{Field: name, Problem: "is unknown"}
		case was[name] == nil:
			continue
		}
		kept[name] = value
	}
	for _, name := range []string{"name", "url"} {
		if value, ok := kept[name]; value == nil && (ok || name == "name") {
			return nil, &strict.FieldError{Field: name, Problem: "is required"}
		}
	}
	kept["type"] = sent["type"]
	return kept, nil
}

// checkType returns the documented members of the type, with their values when they are left out.
func checkType(sent, was members) (members, error) {
	var name string
	problem := ""
	switch value := sent["type"]; {
	case value == nil:
		problem = "is required"
	case was != nil && !same(value, was["type"]):
		problem = "cannot be changed"
	case json.Unmarshal(value, &name) != nil || details[name] == nil:
		problem = "cannot be registered"
	case was != nil && sent["addToDefaultNotificationGroup"] != nil:
		return nil, &strict.FieldError{Field: "addToDefaultNotificationGroup", Problem: "cannot be set by an update"}
	}
	if problem != "" {
		return nil, &strict.FieldError{Field: "type", Problem: problem}
	}
	return details[name], nil
}

// same reports whether two values are the same JSON.
func same(a, b jsontext.Value) bool {
	if a == nil || b == nil {
		return false
	}
	a, b = a.Clone(), b.Clone()
	return a.Canonicalize() == nil && b.Canonicalize() == nil && string(a) == string(b)
}

// check checks a documented member. An event that the channel has already is right.
func (s *Server) check(name string, value, was jsontext.Value) error {
	switch name {
	case "name":
		return text(name, value, "is empty", func(s string) bool { return s != "" })
	case "url":
		return text(name, value, "is not an http or https URL", isURL)
	case "emails":
		return texts(name, value, "is not an email address", isAddress)
	case "userIds":
		return texts(name, value, "is not a user of the organization", func(id string) bool { return s.users[id] })
	case "events":
		var had []string
		if json.Unmarshal(was, &had) != nil {
			had = nil
		}
		known := slices.Concat(had, events)
		return texts(name, value, "is not an event", func(e string) bool { return slices.Contains(known, e) })
	case "mentions":
		mentions, err := membersOf(value)
		if err != nil {
			return &strict.FieldError{Field: name, Problem: "must be an object"}
		}
		for _, status := range slices.Sorted(maps.Keys(mentions)) {
			if err := text(name+"."+status, mentions[status], "", func(string) bool { return true }); err != nil {
				return err
			}
		}
		return nil
	}
	var flag bool
	if json.Unmarshal(value, &flag) != nil {
		return &strict.FieldError{Field: name, Problem: "must be a boolean"}
	}
	return nil
}

var events = []string{"alert", "alertGroup", "hostStatus", "hostRegister", "hostRetire", "monitor"}

func text(name string, value jsontext.Value, problem string, right func(string) bool) error {
	var s string
	if value.Kind() != '"' || json.Unmarshal(value, &s) != nil {
		return &strict.FieldError{Field: name, Problem: "must be a string"}
	}
	if !right(s) {
		return &strict.FieldError{Field: name, Problem: problem}
	}
	return nil
}

func texts(name string, value jsontext.Value, problem string, right func(string) bool) error {
	var list []jsontext.Value
	if json.Unmarshal(value, &list) != nil {
		return &strict.FieldError{Field: name, Problem: "must be an array"}
	}
	for i, element := range list {
		if err := text(name+"["+strconv.Itoa(i)+"]", element, problem, right); err != nil {
			return err
		}
	}
	return nil
}

func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
