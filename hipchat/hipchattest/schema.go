package hipchattest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A schema says what a JSON value must be like. It is also what HipChat puts into some of its errors.
type schema struct {
	Type       string            `json:"type,omitzero"`   // string, boolean, integer, object, array or null
	Either     []schema          `json:"either,omitzero"` // in place of a type: it must be like one of these
	Enum       []string          `json:"enum,omitzero"`
	MinLength  int               `json:"minLength,omitzero"` // in characters
	MaxLength  int               `json:"maxLength,omitzero"` // in characters, 0 for any
	Properties map[string]schema `json:"properties,omitzero"`
	Required   []string          `json:"required,omitzero"`
	Open       bool              `json:"additionalProperties,omitzero"`
	Items      *schema           `json:"items,omitzero"`
}

func text(least, most int) schema { return schema{Type: "string", MinLength: least, MaxLength: most} }

func word(words ...string) schema { return schema{Type: "string", Enum: words} }

func object(required []string, properties map[string]schema) schema {
	return schema{Type: "object", Required: required, Properties: properties}
}

func either(s ...schema) schema { return schema{Either: s} }

var (
	anyText = schema{Type: "string"}
	null    = schema{Type: "null"}
	integer = schema{Type: "integer"}

	icon = either(anyText, object([]string{"url"}, map[string]schema{"url": text(1, 0), "url@2x": anyText}))

	notificationSchema = object([]string{"message"}, map[string]schema{
		"message":        text(1, 10000),
		"message_format": word("html", "text"),
		"color":          word("yellow", "green", "red", "purple", "gray", "random"),
		"notify":         {Type: "boolean"},
		"from":           text(0, 64),
		"attach_to":      text(0, 36),
		"card":           either(cardSchema, null),
	})

	privateSchema = object([]string{"message"}, map[string]schema{
		"message": text(1, 10000), "message_format": word("html", "text"), "notify": {Type: "boolean"},
	})

	topicSchema = object([]string{"topic"}, map[string]schema{"topic": text(0, 250)})

	cardSchema = schema{Type: "object", Open: true, Required: []string{"id", "style", "title"}, Properties: cardProperties}

	cardProperties = map[string]schema{
		"id":     text(1, 0),
		"style":  word("file", "image", "application", "link", "media"),
		"format": word("compact", "medium"),
		"title":  text(1, 500),
		"url":    anyText,
		"description": either(anyText, object([]string{"value", "format"}, map[string]schema{
			"value": text(1, 1000), "format": word("html", "text"),
		})),
		"icon": icon,
		"thumbnail": object([]string{"url"}, map[string]schema{
			"url": text(1, 250), "url@2x": text(1, 250), "width": integer, "height": integer,
		}),
		"activity":   object([]string{"html"}, map[string]schema{"html": text(1, 0), "icon": icon}),
		"attributes": {Type: "array", Items: &attributeSchema},
	}

	attributeSchema = object([]string{"label", "value"}, map[string]schema{
		"label": text(1, 50),
		"value": object(nil, map[string]schema{
			"label": anyText, "url": anyText, "icon": icon,
			"style": word("lozenge-success", "lozenge-error", "lozenge-current", "lozenge-complete", "lozenge-moved", "lozenge"),
		}),
	})
)

// decodeJSON decodes a body for check, with its numbers as they are.
func decodeJSON(body []byte) (any, error) {
	if _, err := fakehttp.Members(body); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

// check returns the first thing wrong with a value, nil if nothing is.
func (s *schema) check(field string, v any) *apiError {
	if len(s.Either) > 0 {
		return s.checkEither(field, v)
	}
	if !isOf(s.Type, v) {
		return invalid("type", field, v, "Value "+repr(v)+" for field '"+field+"' is not of type '"+s.Type+"'",
			map[string]any{"expected_type": s.Type})
	}
	switch v := v.(type) {
	case string:
		return s.checkText(field, v)
	case map[string]any:
		return s.checkObject(v)
	case []any:
		for _, item := range v {
			if e := s.Items.check(field, item); e != nil {
				return e
			}
		}
	}
	return nil
}

// checkEither fails as HipChat does where several types are possible: without a message, with a description that nobody
// has filled in, and with the whole schema.
func (s *schema) checkEither(field string, v any) *apiError {
	for _, one := range s.Either {
		if one.check(field, v) == nil {
			return nil
		}
	}
	return invalid("type", field, v, "", map[string]any{
		"description": "Value {value!r} is not of type {expected_type!r}", "expected_type": s.Either,
	})
}

func isOf(kind string, v any) bool {
	switch v := v.(type) {
	case string:
		return kind == "string"
	case bool:
		return kind == "boolean"
	case json.Number:
		_, err := v.Int64()
		return kind == "integer" && err == nil
	case map[string]any:
		return kind == "object"
	case []any:
		return kind == "array"
	}
	return kind == "null"
}

func (s *schema) checkText(field, v string) *apiError {
	length := utf8.RuneCountInString(v)
	start := "Length of value " + repr(v) + " for field '" + field + "' must be "
	switch {
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, v):
		options := "['" + strings.Join(s.Enum, "', '") + "']"
		return invalid("enum", field, v, "Value "+repr(v)+" for field '"+field+"' is not in the enumeration: "+options,
			map[string]any{"options": s.Enum})
	case length < s.MinLength:
		return invalid("minLength", field, v, start+"greater than or equal to "+strconv.Itoa(s.MinLength), nil)
	case s.MaxLength > 0 && length > s.MaxLength:
		return invalid("maxLength", field, v, start+"less than or equal to "+strconv.Itoa(s.MaxLength), nil)
	}
	return nil
}

func (s *schema) checkObject(v map[string]any) *apiError {
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return invalid("required", name, nil, "Required field '"+name+"' is missing", nil)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		property, ok := s.Properties[name]
		switch {
		case ok:
			if e := property.check(name, v[name]); e != nil {
				return e
			}
		case !s.Open:
			return invalid("additionalProperties", name, nil, "Additional property '"+name+"' is not allowed", nil)
		}
	}
	return nil
}

// invalid is the form of HipChat's errors about a field.
func invalid(validation, field string, value any, message string, more map[string]any) *apiError {
	e := &apiError{code: http.StatusBadRequest, message: message, more: map[string]any{
		"field": field, "validation": validation, "value": value,
	}}
	maps.Copy(e.more, more)
	return e
}

// repr writes a value as Python 2 does, which shines through in HipChat's errors.
func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		quoted := strconv.QuoteToASCII(v)
		quoted = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
		return "u'" + strings.ReplaceAll(quoted, "'", `\'`) + "'"
	case json.Number:
		return v.String()
	case []any:
		return "[...]"
	}
	return "{...}"
}
