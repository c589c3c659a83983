package mackerel

import (
	"bytes"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient are the options for JSON that comes from elsewhere, as version 1 of encoding/json has them: of a doubled name
// the last one counts, and invalid UTF-8 in a Go string becomes U+FFFD. What is kept as JSON is written as it was read.
var lenient = json.JoinOptions(
	json.DefaultOptionsV2(),
	json.Deterministic(true),
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
	jsontext.PreserveRawStrings(true),
)

// An object is a JSON object as it was read: in its order, with its doubled names, numbers and escapes.
type object []member

type member struct {
	name       string
	key, value jsontext.Value // as they were read, key with its quotes
}

// UnmarshalJSONFrom reads an object; every other value is an error.
func (o *object) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return errors.New("not a JSON object")
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		key, err := d.ReadValue()
		if err != nil {
			return err
		}
		m := member{key: key.Clone()}
		name, _ := jsontext.AppendUnquote(nil, m.key) // the error is about invalid UTF-8, which becomes U+FFFD
		if m.name = string(name); err != nil {
			return err
		}
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		m.value = value.Clone()
		*o = append(*o, m)
	}
	_, err := d.ReadToken()
	return err
}

// MarshalJSONTo writes the members in their order.
func (o object) MarshalJSONTo(e *jsontext.Encoder) error {
	err := e.WriteToken(jsontext.BeginObject)
	for _, m := range o {
		err = errors.Join(err, e.WriteValue(m.key), e.WriteValue(m.value))
	}
	return errors.Join(err, e.WriteToken(jsontext.EndObject))
}

// get returns the value of the last member of this name, or nil.
func (o object) get(name string) jsontext.Value {
	for _, m := range slices.Backward(o) {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// change returns the JSON received with every difference between before and after made in it. If there is none, it
// returns a copy of received, byte for byte.
func change(received jsontext.Value, before, after any) (jsontext.Value, error) {
	was, err := json.Marshal(before, lenient)
	if err != nil {
		return nil, err
	}
	is, err := json.Marshal(after, lenient)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(was, is) {
		return received.Clone(), nil
	}
	return merge(received, was, is)
}

// merge makes the difference between before and after in received. Objects are changed member by member, arrays of the
// same length element by element, and all other values are replaced:
//
//	received  {"id":"5","x":1,"status":"CRITICAL"}
//	before    {"id":"5","status":"critical"}
//	after     {"id":"5","status":"ok"}
//	merged    {"id":"5","x":1,"status":"ok"}
//
// A value in which before and after do not differ stays as it was received.
func merge(received, before, after jsontext.Value) (jsontext.Value, error) {
	if bytes.Equal(before, after) {
		return received, nil
	}
	switch kind := after.Kind(); {
	case received.Kind() != kind || before.Kind() != kind:
		return after, nil
	case kind == '{':
		return mergeObjects(received, before, after)
	case kind == '[':
		return mergeArrays(received, before, after)
	}
	return after, nil
}

func mergeObjects(received, before, after jsontext.Value) (jsontext.Value, error) {
	var in, was, is, out object
	for _, read := range []struct {
		text jsontext.Value
		into *object
	}{{received, &in}, {before, &was}, {after, &is}} {
		if err := json.Unmarshal(read.text, read.into, lenient); err != nil {
			return nil, err
		}
	}
	for i, m := range in {
		old, now := was.get(m.name), is.get(m.name)
		if old != nil && now == nil {
			continue
		}
		if now != nil && in[i+1:].get(m.name) == nil { // of a doubled name the last one counts
			if old == nil {
				old = jsontext.Value("{}") // nothing of the object was known, but it may have unknown members
			}
			var err error
			if m.value, err = merge(m.value, old, now); err != nil {
				return nil, err
			}
		}
		out = append(out, m)
	}
	for _, m := range is {
		if in.get(m.name) == nil && !bytes.Equal(was.get(m.name), m.value) {
			out = append(out, m)
		}
	}
	return json.Marshal(out, lenient)
}

// mergeArrays takes elements at the same place for the same ones, if there are as many as before: the elements that
// Mackerel sends have no IDs.
func mergeArrays(received, before, after jsontext.Value) (jsontext.Value, error) {
	var in, was, is []jsontext.Value
	for _, read := range []struct {
		text jsontext.Value
		into *[]jsontext.Value
	}{{received, &in}, {before, &was}, {after, &is}} {
		if err := json.Unmarshal(read.text, read.into, lenient); err != nil {
			return nil, err
		}
	}
	if len(in) != len(was) || len(was) != len(is) {
		return after, nil
	}
	for i := range in {
		var err error
		if in[i], err = merge(in[i], was[i], is[i]); err != nil {
			return nil, err
		}
	}
	return json.Marshal(in, lenient)
}

// orZero returns what p points to, or the zero value.
func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
