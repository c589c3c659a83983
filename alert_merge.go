package mackerel

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"time"
)

// An ordered is a JSON object that keeps its order. Its values are strings, numbers, booleans, nil, ordered, []ordered or
// a map of strings, and in one that was received json.RawMessage, which is written as it came: 1.0 stays 1.0.
type ordered []property

// A property is one member of an ordered.
type property struct {
	name  string
	value any
}

// set adds a member, which must be new.
func (o *ordered) set(name string, value any) { *o = append(*o, property{name, value}) }

// text sets a string, and leaves an empty one out unless the form always has it.
func (o *ordered) text(name, value string, always bool) {
	if always || value != "" {
		o.set(name, value)
	}
}

// number leaves out what is nil and what JSON cannot say.
func (o *ordered) number(name string, value *float64) {
	if value != nil && !math.IsNaN(*value) && !math.IsInf(*value, 0) {
		o.set(name, *value)
	}
}

// seconds are those since 1970; a zero time is left out.
func (o *ordered) seconds(name string, t time.Time) {
	if !t.IsZero() {
		o.set(name, t.Unix())
	}
}

// MarshalJSON writes the members in their order, and those that were received byte for byte.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	separator := byte('{')
	for _, p := range o {
		name, err := encode(p.name)
		if err != nil {
			return nil, err
		}
		value, err := encode(p.value)
		if err != nil {
			return nil, err
		}
		b.WriteByte(separator)
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
		separator = ','
	}
	if len(o) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal without its escaping of <, > and &, which are common in messages, and without touching what was
// received.
func encode(value any) ([]byte, error) {
	if raw, ok := value.(json.RawMessage); ok {
		return raw, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// split returns the members of an object as they are written, and false for any other value.
func split(raw json.RawMessage) (ordered, bool) {
	if kindOf(raw) != anObject {
		return nil, false
	}
	var o ordered
	for key, value := range members(raw) {
		var name string
		if value == nil || json.Unmarshal(key, &name) != nil {
			return nil, false
		}
		o.set(name, json.RawMessage(value))
	}
	return o, true
}

// index returns where the member is, the last one if there are several, because that is the one that counts; or -1.
func (o ordered) index(name string) int {
	for i, p := range slices.Backward(o) {
		if p.name == name {
			return i
		}
	}
	return -1
}

// merge returns received with every change from before to after made in it; received itself, as json.RawMessage, if
// there is none. Objects are changed member by member, arrays of the same length element by element, and all else is
// replaced:
//
//	received {"id":"5","x":1,"status":"CRITICAL"}   before {"id":"5","status":"critical"}   after {"id":"5","status":"ok"}
//	merged   {"id":"5","x":1,"status":"ok"}
//
// What the forms do not differ in is not touched, however it was written. Nothing here recurses deeper than the forms.
func merge(received json.RawMessage, before, after any) (any, error) {
	if same, err := equal(before, after); err != nil || same {
		return received, err
	}
	switch after := after.(type) {
	case ordered:
		old, isObject := before.(ordered)
		if into, ok := split(received); ok && isObject {
			return into.update(old, after)
		}
	case []ordered:
		old, isArray := before.([]ordered)
		var into []json.RawMessage
		if isArray && json.Unmarshal(received, &into) == nil && len(into) == len(old) && len(old) == len(after) {
			return mergeArray(into, old, after)
		}
	}
	return after, nil
}

// mergeArray takes the elements for the same ones as before, in the same order: Mackerel's roles have no IDs.
func mergeArray(received []json.RawMessage, before, after []ordered) (any, error) {
	merged := make([]any, len(received))
	for i := range received {
		var err error
		if merged[i], err = merge(received[i], before[i], after[i]); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// equal compares as JSON, which is what would be written: pointers to equal numbers are equal.
func equal(a, b any) (bool, error) {
	x, err := encode(a)
	if err != nil {
		return false, err
	}
	y, err := encode(b)
	return bytes.Equal(x, y), err
}

// update makes the changes from before to after in an object that was received. What is no longer there is removed under
// every spelling of its name; what is new goes to the end.
func (o ordered) update(before, after ordered) (ordered, error) {
	for _, p := range before {
		if after.index(p.name) < 0 {
			o = slices.DeleteFunc(o, func(q property) bool { return q.name == p.name })
		}
	}
	for _, p := range after {
		var err error
		if o, err = o.change(p, before); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// change sets one member to its new value, unless before says that it is the old one.
func (o ordered) change(p property, before ordered) (ordered, error) {
	var old any = ordered{} // an object that this package saw nothing in may still hold something
	was, is := before.index(p.name), o.index(p.name)
	if was >= 0 {
		old = before[was].value
	}
	if is >= 0 {
		received, _ := o[is].value.(json.RawMessage) // as split left it
		value, err := merge(received, old, p.value)
		return o.replace(is, property{p.name, value}), err
	}
	if same, err := equal(old, p.value); err != nil || same {
		return o, err
	}
	return append(o, p), nil
}

// replace puts the member in the place, or at the end if that is -1.
func (o ordered) replace(at int, p property) ordered {
	if at < 0 {
		return append(o, p)
	}
	o[at] = p
	return o
}
