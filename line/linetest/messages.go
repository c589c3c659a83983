package linetest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A rule says what is wrong with a member of an object, which is named by its property.
type rule struct {
	required bool
	check    func(property string, value json.RawMessage) error
}

// An object is a kind of message or component: the members that it may have besides its type.
type object map[string]rule

func need(check func(string, json.RawMessage) error) rule { return rule{true, check} }
func may(check func(string, json.RawMessage) error) rule  { return rule{false, check} }

// checkObject checks an object whose type decides what it may have.
func checkObject(property string, value json.RawMessage, kinds map[string]object) error {
	members, err := fakehttp.Members(value)
	if err != nil {
		return invalid(property, err.Error())
	}
	kind := ""
	for _, m := range members {
		if m.Name == "type" && json.Unmarshal(m.Value, &kind) != nil {
			return invalid(property+".type", "must be a string")
		}
	}
	rules, known := kinds[kind]
	if !known {
		return invalid(property+".type", "must be one of the types that are allowed here")
	}
	return rules.check(property, members)
}

func (o object) check(property string, members []fakehttp.Member) error {
	given := map[string]bool{"type": true}
	for _, m := range members {
		given[m.Name] = true
		r, known := o[m.Name]
		switch {
		case m.Name == "type":
		case !known:
			return invalid(property+"."+m.Name, "is unknown")
		default:
			if err := r.check(property+"."+m.Name, m.Value); err != nil {
				return err
			}
		}
	}
	for name, r := range o {
		if r.required && !given[name] {
			return invalid(property+"."+name, "must be specified")
		}
	}
	return nil
}

// text checks a text that is not blank, of at most so many UTF-16 units.
func text(most int) func(string, json.RawMessage) error {
	return func(property string, value json.RawMessage) error {
		s, err := str(property, value)
		if err != nil {
			return err
		}
		if strings.TrimSpace(s) == "" {
			return invalid(property, "May not be empty")
		}
		if n := len(utf16.Encode([]rune(s))); most > 0 && n > most {
			return invalid(property, "Length must be between 0 and "+strconv.Itoa(most))
		}
		return nil
	}
}

func str(property string, value json.RawMessage) (string, error) {
	var s *string
	if json.Unmarshal(value, &s) != nil || s == nil {
		return "", invalid(property, "must be a string")
	}
	return *s, nil
}

// label checks a label, in characters.
func label(property string, value json.RawMessage) error {
	s, err := str(property, value)
	if err != nil {
		return err
	}
	if n := utf8.RuneCountInString(s); n < 1 || n > 20 {
		return invalid(property, "Length must be between 1 and 20")
	}
	return nil
}

// like checks a text of a certain form.
func like(pattern string) func(string, json.RawMessage) error {
	form := regexp.MustCompile("^(?:" + pattern + ")$")
	return func(property string, value json.RawMessage) error {
		s, err := str(property, value)
		if err != nil {
			return err
		}
		if !form.MatchString(s) {
			return invalid(property, "invalid property")
		}
		return nil
	}
}

// address checks an absolute URL of one of the schemes, of at most so many characters.
func address(most int, schemes ...string) func(string, json.RawMessage) error {
	return func(property string, value json.RawMessage) error {
		s, err := str(property, value)
		if err != nil {
			return err
		}
		u, err := url.Parse(s)
		if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" || strings.ContainsAny(s, " \t\r\n") {
			return invalid(property, "invalid uri scheme")
		}
		if utf8.RuneCountInString(s) > most {
			return invalid(property, fmt.Sprintf("Length must be between 0 and %d", most))
		}
		return nil
	}
}

func boolean(property string, value json.RawMessage) error {
	if s := string(value); s != "true" && s != "false" {
		return invalid(property, "must be a boolean")
	}
	return nil
}

func integer(property string, value json.RawMessage) error {
	if _, err := strconv.Atoi(string(value)); err != nil {
		return invalid(property, "must be an integer")
	}
	return nil
}

// anything accepts what this fake does not look into.
func anything(string, json.RawMessage) error { return nil }

// messageKinds are by their type. What all kinds may have is not looked into.
var messageKinds = map[string]object{
	"text": {
		"text": need(text(5000)), "emojis": may(anything), "quoteToken": may(anything), "quickReply": may(anything), "sender": may(anything),
	},
	"textV2": {
		"text": need(text(5000)), "substitution": may(anything), "quoteToken": may(anything), "quickReply": may(anything), "sender": may(anything),
	},
	"flex": {
		"altText": need(text(400)), "contents": need(checkBubble), "quickReply": may(anything), "sender": may(anything),
	},
	"image": {
		"originalContentUrl": need(address(2000, "https")), "previewImageUrl": need(address(2000, "https")),
		"quickReply": may(anything), "sender": may(anything),
	},
}

func checkMessage(property string, value json.RawMessage) error {
	return checkObject(property, value, messageKinds)
}

// Texts returns the texts of a message in the order in which they stand in its JSON, those of a bubble's components and
// labels included, and not its addresses. It is what people read.
func Texts(message json.RawMessage) []string {
	var v any
	if json.Unmarshal(message, &v) != nil {
		return nil
	}
	return texts(v, nil)
}

// order is that of the parts of a bubble on the screen; what is not in it comes before.
var order = []string{"header", "hero", "body", "footer"}

func texts(v any, found []string) []string {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			found = texts(e, found)
		}
	case map[string]any:
		for _, name := range []string{"altText", "text", "label"} {
			if s, ok := v[name].(string); ok {
				found = append(found, s)
			}
		}
		for _, name := range append([]string{"contents", "action"}, order...) {
			found = texts(v[name], found)
		}
	}
	return found
}
