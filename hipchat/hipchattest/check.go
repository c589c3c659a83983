package hipchattest

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
)

// readBody decodes the body of a request into what v points to.
func (s *Server) readBody(r *http.Request, v any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	err = strict.JSON(r, v, !s.IsStrict())
	var wrong *strict.FieldError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strict.ErrContentType):
		contentType := cmp.Or(r.Header.Get("Content-Type"), "None")
		return refuse(http.StatusBadRequest, "Invalid content type: "+contentType, nil)
	case errors.As(err, &wrong) && strings.HasPrefix(wrong.Problem, "must be "):
		return wrongType(body, wrong)
	}
	return refuseBody(err)
}

// refuseBody refuses a body that is not what it should be, other than by the wrong type of a member.
func refuseBody(err error) *fakehttp.Refusal {
	var wrong *strict.FieldError
	if errors.As(err, &wrong) && wrong.Problem == "is unknown" {
		return invalid("additionalProperties", wrong.Field, nil, "Additional property '"+wrong.Field+"' is not allowed", nil)
	}
	return refuse(http.StatusBadRequest, "Invalid JSON: "+err.Error(), nil)
}

// wrongType refuses a member of the wrong type, and quotes its value.
func wrongType(body []byte, wrong *strict.FieldError) *fakehttp.Refusal {
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return refuseBody(err)
	}
	kind := wrong.Problem[strings.LastIndexByte(wrong.Problem, ' ')+1:]
	value := members[wrong.Field]
	problem := "Value " + repr(value) + " for field '" + wrong.Field + "' is not of type '" + kind + "'"
	return invalid("type", wrong.Field, value, problem, map[string]any{"expected_type": kind})
}

// invalid returns HipChat's refusal of a field.
func invalid(validation, field string, value any, message string, more map[string]any) *fakehttp.Refusal {
	members := map[string]any{"field": field, "validation": validation, "value": value}
	maps.Copy(members, more)
	return refuse(http.StatusBadRequest, message, members)
}

// A checker checks the values of fields and keeps the first refusal. A nil value was not sent.
type checker struct{ first *fakehttp.Refusal }

func (k *checker) refuse(r *fakehttp.Refusal) {
	if k.first == nil {
		k.first = r
	}
}

// err returns the refusal, nil if there is none.
func (k *checker) err() error {
	if k.first == nil {
		return nil
	}
	return k.first
}

func (k *checker) missing(field string) {
	k.refuse(invalid("required", field, nil, "Required field '"+field+"' is missing", nil))
}

// require checks the length of a text that has to be sent, in characters.
func (k *checker) require(field string, v *string, least, most int) {
	if v == nil {
		k.missing(field)
	}
	k.text(field, v, least, most)
}

// noLimit is the longest length of a text that may have any length.
const noLimit = 1 << 30

// text checks the length of a text that may be missing, in characters.
func (k *checker) text(field string, v *string, least, most int) {
	if v == nil {
		return
	}
	start := "Length of value " + repr(*v) + " for field '" + field + "' must be "
	switch length := utf8.RuneCountInString(*v); {
	case length < least:
		k.refuse(invalid("minLength", field, *v, start+"greater than or equal to "+strconv.Itoa(least), nil))
	case length > most:
		k.refuse(invalid("maxLength", field, *v, start+"less than or equal to "+strconv.Itoa(most), nil))
	}
}

// word checks that a text is one of those in a list.
func (k *checker) word(field string, v *string, options ...string) {
	if v != nil && !slices.Contains(options, *v) {
		list := "['" + strings.Join(options, "', '") + "']"
		problem := "Value " + repr(*v) + " for field '" + field + "' is not in the enumeration: " + list
		k.refuse(invalid("enum", field, *v, problem, map[string]any{"options": options}))
	}
}

// repr writes a value as Python 2 does. HipChat's errors contain values in this form.
func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case string:
		quoted := strconv.QuoteToASCII(v)
		quoted = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
		return "u'" + strings.ReplaceAll(quoted, "'", `\'`) + "'"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		return "[...]"
	}
	return "{...}"
}
