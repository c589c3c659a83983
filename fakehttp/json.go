package fakehttp

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrContentType is the error of [DecodeJSON] and [DecodeForm] for a body that is not declared as what it should be.
var ErrContentType = errors.New("wrong Content-Type")

// A FieldError says which field of a request is wrong, and in what way.
type FieldError struct {
	Field   string // "mentions.ok", "events[1]"
	Problem string // "is required", "is unknown", "is given twice", "must be a string", ...
}

// Error joins the two.
func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// DecodeJSON reads a request's JSON body into the struct that v points to; see [UnmarshalJSON]. A Content-Type other
// than application/json is ErrContentType.
func DecodeJSON(r *http.Request, v any) error {
	if err := checkContentType(r, "application/json"); err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return UnmarshalJSON(body, v)
}

func checkContentType(r *http.Request, want string) error {
	got := r.Header.Get("Content-Type")
	if mediaType, _, err := mime.ParseMediaType(got); err != nil || mediaType != want {
		return fmt.Errorf("%w: %q is not %s", ErrContentType, got, want)
	}
	return nil
}

// UnmarshalJSON is strict where [json.Unmarshal] is not. Members that the struct does not have, differ from its tags in
// case, or come twice are errors, and so is null, except for an interface and for a type that unmarshals itself. A
// member is required unless its tag says omitzero or omitempty; declare it as a pointer to tell absent from zero. What
// is wrong with a field is a [*FieldError], always of the first field in the text.
func UnmarshalJSON(data []byte, v any) error {
	if err := validJSON(data); err != nil {
		return err
	}
	t := reflect.TypeOf(v).Elem()
	if t.Kind() == reflect.Struct && kindOf(data) != '{' {
		return errors.New("the body is not a JSON object")
	}
	if err := checkValue("", data, t); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

func validJSON(data []byte) error {
	if !utf8.Valid(data) {
		return errors.New("the body is not UTF-8")
	}
	if !json.Valid(data) {
		return errors.New("the body is not JSON")
	}
	return nil
}

// A Member is a member of a JSON object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members returns the members of a JSON object in their order, for a fake that keeps objects as they came. Anything but
// one object is an error, and a member that comes twice is a [*FieldError].
func Members(object []byte) ([]Member, error) {
	if err := validJSON(object); err != nil {
		return nil, err
	}
	if kindOf(object) != '{' {
		return nil, errors.New("the body is not a JSON object")
	}
	var members []Member
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil { // the opening brace
		return nil, err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := Member{Name: name.(string)} //nolint:forcetypeassert // a valid object's names are strings
		if err := dec.Decode(&m.Value); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(members, func(o Member) bool { return o.Name == m.Name }) {
			return nil, &FieldError{m.Name, "is given twice"}
		}
		members = append(members, m)
	}
	return members, nil
}

// kindOf returns the first byte of a JSON value, which says what it is.
func kindOf(value []byte) byte { return bytes.TrimLeft(value, " \t\r\n")[0] }

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// checkValue checks a valid JSON value against the type that it is to be read into.
func checkValue(name string, value []byte, t reflect.Type) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	self := reflect.PointerTo(t).Implements(unmarshaler) || reflect.PointerTo(t).Implements(textUnmarshaler)
	switch {
	case self || t.Kind() == reflect.Interface:
		return checkLeaf(name, value, t, "is invalid")
	case t.Kind() == reflect.Struct:
		return checkStruct(name, value, t)
	case t.Kind() == reflect.Map:
		return checkMap(name, value, t)
	case t.Kind() == reflect.Slice:
		return checkSlice(name, value, t)
	}
	problem, kinds := wanted(t.Kind())
	if !strings.ContainsRune(kinds, rune(kindOf(value))) {
		return &FieldError{name, problem}
	}
	return checkLeaf(name, value, t, problem)
}

// wanted returns what to say of a value that is not of this kind, and the first bytes of one that may be.
func wanted(k reflect.Kind) (problem, kinds string) {
	switch k { //nolint:exhaustive // all others are integers, or nothing that JSON could be read into
	case reflect.String:
		return "must be a string", `"`
	case reflect.Bool:
		return "must be a boolean", "tf"
	case reflect.Float32, reflect.Float64:
		return "must be a number", "-0123456789"
	}
	return "must be an integer", "-0123456789"
}

func checkLeaf(name string, value []byte, t reflect.Type, problem string) error {
	if json.Unmarshal(value, reflect.New(t).Interface()) != nil {
		return &FieldError{name, problem}
	}
	return nil
}

func checkStruct(name string, value []byte, t reflect.Type) error {
	members, err := membersOf(name, value)
	if err != nil {
		return err
	}
	fields := fieldsOf(t)
	for _, m := range members {
		f, ok := fields[m.Name]
		if !ok {
			return &FieldError{join(name, m.Name), "is unknown"}
		}
		if err := checkValue(join(name, m.Name), m.Value, f.of); err != nil {
			return err
		}
		delete(fields, m.Name)
	}
	for _, f := range reflect.VisibleFields(t) {
		if missing, ok := fields[jsonName(f)]; ok && missing.required {
			return &FieldError{join(name, jsonName(f)), "is required"}
		}
	}
	return nil
}

func checkMap(name string, value []byte, t reflect.Type) error {
	members, err := membersOf(name, value)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := checkValue(join(name, m.Name), m.Value, t.Elem()); err != nil {
			return err
		}
	}
	return nil
}

func checkSlice(name string, value []byte, t reflect.Type) error {
	var elements []json.RawMessage
	if kindOf(value) != '[' || json.Unmarshal(value, &elements) != nil {
		return &FieldError{name, "must be an array"}
	}
	for i, e := range elements {
		if err := checkValue(name+"["+strconv.Itoa(i)+"]", e, t.Elem()); err != nil {
			return err
		}
	}
	return nil
}

func membersOf(name string, value []byte) ([]Member, error) {
	if kindOf(value) != '{' {
		return nil, &FieldError{name, "must be an object"}
	}
	members, err := Members(value)
	var twice *FieldError
	if errors.As(err, &twice) {
		twice.Field = join(name, twice.Field)
	}
	return members, err
}

func join(name, member string) string {
	if name == "" {
		return member
	}
	return name + "." + member
}

type field struct {
	of       reflect.Type
	required bool
}

// fieldsOf returns the members that a struct can be read from, those of embedded structs included.
func fieldsOf(t reflect.Type) map[string]field {
	fields := make(map[string]field)
	for _, f := range reflect.VisibleFields(t) {
		_, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		optional := strings.Contains(options, "omitzero") || strings.Contains(options, "omitempty")
		if name := jsonName(f); name != "" {
			fields[name] = field{of: f.Type, required: !optional}
		}
	}
	return fields
}

// jsonName returns the name of the member that a field is read from, "" for none: an unexported field, one tagged "-",
// and an embedded struct, whose fields are visible by themselves.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case !f.IsExported() || name == "-" || f.Anonymous && name == "":
		return ""
	case name == "":
		return f.Name
	}
	return name
}

// WriteJSON answers with v as JSON, in which <, > and & stand as they are. It panics if v cannot be written: that is a
// mistake in the fake.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("fakehttp: WriteJSON: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n"))) // fails only if the client has gone
}
