package mackereltest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/mail"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A channelInput is what may be sent to register or update a channel, of all three types together.
type channelInput struct {
	Type         string            `json:"type"`
	Name         string            `json:"name"`
	Emails       []string          `json:"emails,omitzero"`
	UserIDs      []string          `json:"userIds,omitzero"`
	URL          string            `json:"url,omitzero"`
	Mentions     map[string]string `json:"mentions,omitzero"`
	GraphImage   bool              `json:"enabledGraphImage,omitzero"`
	Events       []string          `json:"events,omitzero"`
	AddToDefault *bool             `json:"addToDefaultNotificationGroup,omitzero"`

	sent []fakehttp.Member // everything
}

// details are the members of each type of channel that can be registered, and their values when they are left out.
var details = map[string][]fakehttp.Member{
	"email":   {{Name: "emails", Value: emptyList}, {Name: "userIds", Value: emptyList}, {Name: "events", Value: emptyList}},
	"slack":   {{Name: "url", Value: required}, {Name: "mentions", Value: emptyObject}, {Name: "enabledGraphImage", Value: no}, {Name: "events", Value: emptyList}},
	"webhook": {{Name: "url", Value: required}, {Name: "enabledGraphImage", Value: no}, {Name: "events", Value: emptyList}},
}

var (
	emptyList   = json.RawMessage("[]")
	emptyObject = json.RawMessage("{}")
	no          = json.RawMessage("false")
	required    = json.RawMessage("required") // not a value
)

// readChannel reads and checks the body of a request to register a channel or, if there is an old one, to update it.
func (s *Server) readChannel(r *http.Request, old *channel) (*channelInput, error) {
	var body json.RawMessage
	if err := fakehttp.DecodeJSON(r, &body); err != nil {
		return nil, err
	}
	sent, err := fakehttp.Members(body)
	if err != nil {
		return nil, err
	}
	changed := sent
	if old != nil {
		changed = slices.DeleteFunc(slices.Clone(sent), func(m fakehttp.Member) bool {
			return m.Name != "type" && m.Name != "name" && old.has(m) // those two every request must have
		})
	}
	in := &channelInput{sent: sent}
	if err := fakehttp.UnmarshalJSON(encode(changed), in); err != nil {
		return nil, err
	}
	return in, cmp.Or(in.checkType(old), in.checkMembers(changed), s.checkValues(in))
}

// has reports whether the channel has this member already, with the same value.
func (c *channel) has(m fakehttp.Member) bool {
	value := get(c.members, m.Name)
	return value != nil && reflect.DeepEqual(parse(value), parse(m.Value))
}

func parse(value json.RawMessage) (v any) {
	if err := json.Unmarshal(value, &v); err != nil {
		panic(err) // a member's value is valid
	}
	return v
}

func (in *channelInput) checkType(old *channel) error {
	_, ok := details[in.Type]
	switch {
	case old != nil && !old.has(text("type", in.Type)):
		return &fakehttp.FieldError{Field: "type", Problem: "cannot be changed"}
	case !ok:
		return &fakehttp.FieldError{Field: "type", Problem: "cannot be registered"}
	case old != nil && in.AddToDefault != nil:
		return &fakehttp.FieldError{Field: "addToDefaultNotificationGroup", Problem: "cannot be set by an update"}
	}
	return nil
}

// checkMembers checks that the members are of this type, and that url, if it is of this type, is there. Mackerel's own
// client for Go sends empty mentions with every type; they are dropped.
func (in *channelInput) checkMembers(changed []fakehttp.Member) error {
	ofType := details[in.Type]
	for _, m := range changed {
		switch {
		case m.Name == "type", m.Name == "name", m.Name == "addToDefaultNotificationGroup", get(ofType, m.Name) != nil:
		case m.Name == "mentions" && len(in.Mentions) == 0:
			in.sent = without(in.sent, "mentions")
		default:
			return &fakehttp.FieldError{Field: m.Name, Problem: "does not belong to a channel of this type"}
		}
	}
	for _, m := range ofType {
		if get(in.sent, m.Name) == nil && bytes.Equal(m.Value, required) {
			return &fakehttp.FieldError{Field: m.Name, Problem: "is required"}
		}
	}
	if url := get(changed, "url"); url != nil && !isURL(in.URL) {
		return &fakehttp.FieldError{Field: "url", Problem: "is not an http or https URL"}
	}
	return nil
}

func (s *Server) checkValues(in *channelInput) error {
	if in.Name == "" {
		return &fakehttp.FieldError{Field: "name", Problem: "is empty"}
	}
	for _, status := range slices.Sorted(maps.Keys(in.Mentions)) {
		if !slices.Contains(statuses, status) {
			return &fakehttp.FieldError{Field: "mentions." + status, Problem: "is not a status"}
		}
	}
	return cmp.Or(
		each("emails", in.Emails, isAddress, "is not an email address"),
		each("userIds", in.UserIDs, func(id string) bool { return s.users[id] }, "is not a user of the organization"),
		each("events", in.Events, func(e string) bool { return slices.Contains(events, e) }, "is not an event"),
	)
}

var (
	statuses = []string{"ok", "warning", "critical"}
	events   = []string{"alert", "alertGroup", "hostStatus", "hostRegister", "hostRetire", "monitor"}
)

// each returns what is wrong with the first value that is not right.
func each(name string, values []string, right func(string) bool, problem string) error {
	for i, v := range values {
		if !right(v) {
			return &fakehttp.FieldError{Field: name + "[" + strconv.Itoa(i) + "]", Problem: problem}
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

// stored returns the channel as it is kept and listed: the members as they were sent, and those left out.
func (in *channelInput) stored(id string, suspendedAt json.RawMessage) []fakehttp.Member {
	members := []fakehttp.Member{text("id", id), text("name", in.Name), text("type", in.Type)}
	if suspendedAt != nil {
		members = append(members, fakehttp.Member{Name: "suspendedAt", Value: suspendedAt})
	}
	members = append(members, without(in.sent, "id", "name", "type", "suspendedAt", "addToDefaultNotificationGroup")...)
	for _, m := range details[in.Type] {
		if get(members, m.Name) == nil {
			members = append(members, m)
		}
	}
	return members
}

func without(members []fakehttp.Member, names ...string) []fakehttp.Member {
	return slices.DeleteFunc(slices.Clone(members), func(m fakehttp.Member) bool { return slices.Contains(names, m.Name) })
}
