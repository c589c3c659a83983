package hipchattest

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
)

// A schema says what a member of a body must be. HipChat checks bodies by JSON Schema, and its errors have the terms of
// JSON Schema.
type schema struct {
	name        string
	kind        string // string, boolean, integer, object or array; an array has objects
	required    bool
	least, most int      // characters of a string; no limit if most is 0
	words       []string // of which a string must be one, if there are any
	members     []schema // of an object
	orText      bool     // a string is allowed in place of the object
	unnamed     bool     // the answer does not say what is wrong with the value
}

// readBody decodes the body of a request, which must have these members, into what v points to.
func (s *Server) readBody(r *http.Request, members []schema, v any) error {
	var body jsontext.Value
	err := strict.JSON(r, &body, true)
	if errors.Is(err, strict.ErrContentType) {
		return refuse(http.StatusBadRequest, "Invalid content type: "+cmp.Or(r.Header.Get("Content-Type"), "None"))
	}
	if err != nil {
		return err
	}
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		return errors.New("the body is not a JSON object")
	}
	if err := s.checkMembers("", members, object); err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}

// refuseBody refuses a body that is not a JSON object.
func refuseBody(err error) *fakehttp.Refusal {
	return refuse(http.StatusBadRequest, "Invalid JSON: "+err.Error())
}

// checkMembers returns the refusal of the first wrong member. The path stands before the names of the members.
func (s *Server) checkMembers(path string, members []schema, object map[string]any) error {
	for _, m := range members {
		err := s.check(path+m.name, m, object[m.name])
		if err != nil && m.unnamed {
			return badCard(object[m.name], err)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		known := slices.ContainsFunc(members, func(m schema) bool { return m.name == name })
		if s.IsStrict() && !known {
			problem := "Additional property '" + path + name + "' is not allowed"
			return invalid("additionalProperties", path+name, nil, problem, nil)
		}
	}
	return nil
}

// check returns the refusal of a value. A null is a value that was not sent.
func (s *Server) check(field string, m schema, value any) error {
	kind := ""
	switch v := value.(type) {
	case nil:
		if m.required {
			return invalid("required", field, nil, "Required field '"+field+"' is missing", nil)
		}
		return nil
	case string:
		if m.kind == "string" || m.orText {
			return m.checkText(field, v)
		}
	case map[string]any:
		if m.kind == "object" {
			return s.checkMembers(field+".", m.members, v)
		}
	case []any:
		if m.kind == "array" {
			return s.checkItems(field, m, v)
		}
	case bool:
		kind = "boolean"
	case float64:
		if v == math.Trunc(v) {
			kind = "integer"
		}
	}
	if kind == m.kind {
		return nil
	}
	problem := "Value " + repr(value) + " for field '" + field + "' is not of type '" + m.kind + "'"
	return invalid("type", field, value, problem, map[string]any{"expected_type": m.kind})
}

func (s *Server) checkItems(field string, m schema, items []any) error {
	for i, item := range items {
		object := schema{kind: "object", required: true, members: m.members}
		if err := s.check(field+"["+strconv.Itoa(i)+"]", object, item); err != nil {
			return err
		}
	}
	return nil
}

func (m schema) checkText(field, text string) error {
	value := repr(text) + " for field '" + field + "' "
	length := utf8.RuneCountInString(text)
	switch {
	case m.words != nil && !slices.Contains(m.words, text):
		list := "['" + strings.Join(m.words, "', '") + "']"
		problem := "Value " + value + "is not in the enumeration: " + list
		return invalid("enum", field, text, problem, map[string]any{"options": m.words})
	case length < m.least:
		problem := "Length of value " + value + "must be greater than or equal to " + strconv.Itoa(m.least)
		return invalid("minLength", field, text, problem, nil)
	case m.most > 0 && length > m.most:
		problem := "Length of value " + value + "must be less than or equal to " + strconv.Itoa(m.most)
		return invalid("maxLength", field, text, problem, nil)
	}
	return nil
}

// invalid returns HipChat's refusal of a field.
func invalid(validation, field string, value any, message string, more map[string]any) *fakehttp.Refusal {
	members := map[string]any{"message": message, "field": field, "validation": validation, "value": value}
	maps.Copy(members, more)
	return refuseWith(http.StatusBadRequest, message, members)
}

// badCard returns HipChat's refusal of a card, which has no message and a description with unfilled places.
// See https://github.com/jenkinsci/hipchat-plugin/issues/106.
func badCard(card any, err error) *fakehttp.Refusal {
	return refuseWith(http.StatusBadRequest, "card: "+err.Error(), map[string]any{
		"field": "card", "validation": "type", "value": card, "description": "Value {value!r} is not of type {expected_type!r}",
	})
}

// repr writes a value as Python 2 does. HipChat's errors contain values in this form.
func repr(value any) string {
	switch v := value.(type) {
	case string:
		quoted := strconv.QuoteToASCII(v)
		quoted = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
		return "u'" + strings.ReplaceAll(quoted, "'", `\'`) + "'"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return "..."
}

// reprs writes a list of texts as Python 2 does.
func reprs[S ~string](texts []S) string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = repr(string(t))
	}
	return "[" + strings.Join(all, ", ") + "]"
}
