// Package strict reads the requests that fakes are sent, more strictly than a server would: doubled members, doubled
// parameters and text that is not UTF-8 are errors, and so are, if the fake is strict, members and parameters that the
// service does not document. What is wrong with a field is a [*FieldError].
package strict

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrContentType is the error for a body that is not declared as what it should be.
var ErrContentType = errors.New("wrong Content-Type")

// A FieldError says which field of a request is wrong, and in what way.
type FieldError struct {
	Field   string // "mentions.ok", "events[1]"
	Problem string // "is required", "is unknown", "is given twice", "must be a string"
}

// Error joins the two.
func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// JSON decodes a request's body into what v points to. A Content-Type other than application/json is [ErrContentType].
// Members that v does not have are errors if unknown is false. null is the zero value, as for most services.
func JSON(r *http.Request, v any, unknown bool) error {
	if err := checkContentType(r, "application/json"); err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body) // fakehttp has limited it
	if err != nil {
		return err
	}
	return Unmarshal(body, v, unknown)
}

// Unmarshal is JSON for a body that was read.
func Unmarshal(body []byte, v any, unknown bool) error {
	err := json.Unmarshal(body, v, json.RejectUnknownMembers(!unknown))
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &semantic) && errors.Is(err, json.ErrUnknownName):
		return &FieldError{field(semantic.JSONPointer), "is unknown"}
	case errors.As(err, &semantic) && semantic.JSONPointer == "":
		return errors.New("the body is not a JSON object")
	case errors.As(err, &semantic):
		return &FieldError{field(semantic.JSONPointer), problem(semantic)}
	case errors.As(err, &syntactic) && errors.Is(err, jsontext.ErrDuplicateName):
		return &FieldError{field(syntactic.JSONPointer), "is given twice"}
	case err != nil:
		return errors.New("the body is not JSON in UTF-8")
	}
	return nil
}

var kindNames = map[reflect.Kind]string{
	reflect.String: "a string", reflect.Bool: "a boolean", reflect.Struct: "an object", reflect.Map: "an object",
	reflect.Slice: "an array", reflect.Array: "an array", reflect.Float32: "a number", reflect.Float64: "a number",
	reflect.Int: "an integer", reflect.Int32: "an integer", reflect.Int64: "an integer",
}

// problem says what a value must be, by the type that it is to be decoded into.
func problem(e *json.SemanticError) string {
	if e.GoType == nil || reflect.PointerTo(e.GoType).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "is invalid"
	}
	if name, ok := kindNames[e.GoType.Kind()]; ok {
		return "must be " + name
	}
	return "is invalid"
}

// field writes "/events/1" as "events[1]".
func field(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		switch _, err := strconv.Atoi(token); {
		case err == nil && b.Len() > 0:
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	return b.String()
}

func checkContentType(r *http.Request, want string) error {
	got := r.Header.Get("Content-Type")
	if mediaType, _, err := mime.ParseMediaType(got); err != nil || mediaType != want {
		return fmt.Errorf("%w: %q is not %s", ErrContentType, got, want)
	}
	return nil
}

// Form reads a request's form body. A Content-Type other than application/x-www-form-urlencoded is [ErrContentType],
// unless there is no body. A key that comes twice is a [*FieldError], and so is a key that is not among the allowed, if
// unknown is false. An allowed key that is given with "..." at its end may come more than once.
func Form(r *http.Request, unknown bool, allowed ...string) (url.Values, error) {
	body, err := io.ReadAll(r.Body) // fakehttp has limited it
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return url.Values{}, nil
	}
	if err := checkContentType(r, "application/x-www-form-urlencoded"); err != nil {
		return nil, err
	}
	return values(string(body), unknown, allowed)
}

// Query reads a request's query as Form reads a body.
func Query(r *http.Request, unknown bool, allowed ...string) (url.Values, error) {
	return values(r.URL.RawQuery, unknown, allowed)
}

// Values checks values that came in another encoding as Form checks those of a body.
func Values(v url.Values, unknown bool, allowed ...string) (url.Values, error) {
	return values(v.Encode(), unknown, allowed)
}

func values(encoded string, unknown bool, allowed []string) (url.Values, error) {
	form, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, errors.New("malformed form encoding")
	}
	for _, key := range slices.Sorted(maps.Keys(form)) {
		once, repeated := slices.Contains(allowed, key), slices.Contains(allowed, key+"...")
		switch v := form[key]; {
		case !once && !repeated && !unknown:
			return nil, &FieldError{key, "is unknown"}
		case once && len(v) > 1:
			return nil, &FieldError{key, "is given twice"}
		case !utf8.ValidString(strings.Join(v, "")):
			return nil, &FieldError{key, "is not UTF-8"}
		}
	}
	return form, nil
}
