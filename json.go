package mackerel

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

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

// UnmarshalJSONFrom reads an object. The callers have no other values.
func (o *object) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		var m member
		for _, part := range []*jsontext.Value{&m.key, &m.value} {
			v, err := d.ReadValue()
			if err != nil {
				return err
			}
			*part = v.Clone()
		}
		name, _ := jsontext.AppendUnquote(nil, m.key) // the only error is invalid UTF-8, which becomes U+FFFD
		m.name = string(name)
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

// change returns the JSON received with every difference between before and after made in it. If there is none, it
// returns a copy of received, byte for byte.
func change(received jsontext.Value, before, after any) (jsontext.Value, error) {
	if reflect.DeepEqual(before, after) { //nolint:forbidigo // a short cut: what differs is compared as JSON below
		return received.Clone(), nil
	}
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
	var in, is, out object
	var old, now map[string]jsontext.Value
	err := errors.Join(
		json.Unmarshal(received, &in, lenient), json.Unmarshal(before, &old, lenient),
		json.Unmarshal(after, &is, lenient), json.Unmarshal(after, &now, lenient),
	)
	last := make(map[string]int, len(in)) // of a doubled name the last one counts
	for i, m := range in {
		last[m.name] = i
	}
	for i, m := range in {
		if old[m.name] != nil && now[m.name] == nil {
			continue
		}
		if now[m.name] != nil && last[m.name] == i && err == nil {
			was := old[m.name]
			if was == nil {
				was = jsontext.Value("{}") // nothing of the object was known, but it may have unknown members
			}
			m.value, err = merge(m.value, was, now[m.name])
		}
		out = append(out, m)
	}
	for _, m := range is {
		if _, ok := last[m.name]; !ok && !bytes.Equal(old[m.name], m.value) {
			out = append(out, m)
		}
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(out, lenient)
}

// mergeArrays takes elements at the same place for the same ones, if there are as many as before: the elements that
// Mackerel sends have no IDs.
func mergeArrays(received, before, after jsontext.Value) (jsontext.Value, error) {
	var in, was, is []jsontext.Value
	err := errors.Join(
		json.Unmarshal(received, &in, lenient), json.Unmarshal(before, &was, lenient), json.Unmarshal(after, &is, lenient),
	)
	if err != nil {
		return nil, err
	}
	if len(in) != len(was) || len(was) != len(is) {
		return after, nil
	}
	for i := range in {
		if in[i], err = merge(in[i], was[i], is[i]); err != nil {
			return nil, err
		}
	}
	return json.Marshal(in, lenient)
}

// problems collects what is wrong with the members of a webhook, as far as it fits an error's message. A body of
// megabytes can be wrong in every byte, so of the rest it has the number only.
type problems struct {
	lines  []string
	bytes  int
	more   int
	nested bool // the body is that of an alert in a digest
}

// maxProblemBytes is the room for the problems in [Error].Message.
const maxProblemBytes = 480

// add adds a line once. The sender's words in it must be quoted, in ASCII.
func (p *problems) add(member, problem string) {
	line := member + ": " + problem
	switch {
	case slices.Contains(p.lines, line):
	case p.bytes+len(line) > maxProblemBytes:
		p.more++
	default:
		p.lines = append(p.lines, line)
		p.bytes += len(line) + len("; ")
	}
}

// list is one line, empty if nothing was wrong.
func (p *problems) list() string {
	lines := p.lines
	if p.more > 0 {
		lines = append(slices.Clip(lines), strconv.Itoa(p.more)+" more of the wrong type")
	}
	return strings.Join(lines, "; ")
}

// whole returns a number that fits an int on every machine, or 0.
func (p *problems) whole(member string, f *float64) int {
	if f == nil {
		return 0
	}
	if *f != math.Trunc(*f) || math.Abs(*f) > math.MaxInt32 {
		p.add(member, "not a whole number, or too large")
		return 0
	}
	return int(*f)
}

// The years 1 to 9999, in seconds since 1970. Other times have no JSON in Go. Milliseconds where seconds belong are
// beyond the year 9999.
const (
	minEpoch = -62135596800
	maxEpoch = 253402300799
)

// time returns a number of units since 1970 as a time in UTC. 0 is no time: some senders write it for null.
func (p *problems) time(member string, f *float64, unit time.Duration) time.Time {
	if f == nil || math.Trunc(*f) == 0 {
		return time.Time{}
	}
	if s := *f * unit.Seconds(); s < minEpoch || s > maxEpoch {
		p.add(member, "a number far from any time")
		return time.Time{}
	}
	return time.UnixMilli(int64(*f) * unit.Milliseconds()).UTC()
}

// unmarshalers read a webhookBody in which every member may have a wrong type. Such a member is noted and left empty,
// and reading goes on, while encoding/json would stop. Of a doubled member the last one counts.
func (p *problems) unmarshalers() *json.Unmarshalers {
	return json.JoinUnmarshalers(
		stringOf[string](p), stringOf[Event](p), number(p), optional[bool](p, 't'),
		optional[webhookUser](p, '{'), optional[webhookHost](p, '{'), optional[webhookService](p, '{'),
		optional[webhookAlert](p, '{'), optional[webhookGroup](p, '{'), optional[webhookSetting](p, '{'),
		optional[webhookMonitor](p, '{'), optional[webhookSeries](nil, '{'), // "metric" may be something else
		listOf[webhookRole](p), listOf[webhookFact](p), listOf[webhookDigest](p), labels(p),
	)
}

// accept reports whether the next value is of the kind. If it is not, it skips the value, and notes it unless it is the
// null of a member.
func (p *problems) accept(d *jsontext.Decoder, kind jsontext.Kind) (bool, error) {
	found := d.PeekKind()
	if found == kind || found == 'f' && kind == 't' {
		return true, nil
	}
	if err := d.SkipValue(); err != nil {
		return false, err
	}
	in, _ := d.StackIndex(d.StackDepth())
	if p != nil && (found != 'n' || in == '[') {
		p.add(path(d.StackPointer()), kindName(found)+" where "+kindName(kind)+" belongs")
	}
	return false, nil
}

func stringOf[T ~string](p *problems) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, v *T) error {
		*v = ""
		ok, err := p.accept(d, '"')
		if !ok {
			return err
		}
		t, err := d.ReadToken()
		*v = T(t.String())
		return err
	})
}

// optional reads a value into a pointer, which is nil for null.
func optional[T any](p *problems, kind jsontext.Kind) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, v **T) error {
		*v = nil
		ok, err := p.accept(d, kind)
		if !ok {
			return err
		}
		*v = new(T)
		return json.UnmarshalDecode(d, *v)
	})
}

func number(p *problems) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, v **float64) error {
		*v = nil
		ok, err := p.accept(d, '0')
		if !ok {
			return err
		}
		text, err := d.ReadValue()
		if err != nil {
			return err
		}
		if f, err := strconv.ParseFloat(string(text), 64); err == nil {
			*v = &f
		} else {
			p.add(path(d.StackPointer()), "too large")
		}
		return nil
	})
}

// listOf leaves out elements that are not objects.
func listOf[T any](p *problems) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, v *[]T) error {
		*v = nil
		ok, err := p.accept(d, '[')
		if !ok {
			return err
		}
		_, err = d.ReadToken()
		for err == nil && d.PeekKind() != ']' {
			var element T
			if ok, err = p.accept(d, '{'); ok {
				err = json.UnmarshalDecode(d, &element)
				*v = append(*v, element)
			}
		}
		if err == nil {
			_, err = d.ReadToken()
		}
		return err
	})
}

// labels leaves out values that are not strings.
func labels(p *problems) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, v *map[string]string) error {
		*v = nil
		ok, err := p.accept(d, '{')
		if !ok {
			return err
		}
		*v = make(map[string]string)
		_, err = d.ReadToken()
		for err == nil && d.PeekKind() != '}' {
			var name, value jsontext.Token
			if name, err = d.ReadToken(); err != nil {
				return err
			}
			key := name.String()
			if ok, err = p.accept(d, '"'); ok {
				value, err = d.ReadToken()
				(*v)[key] = value.String()
			}
		}
		if err == nil {
			_, err = d.ReadToken()
		}
		return err
	})
}

// kindName is what an error calls a kind of JSON value.
func kindName(k jsontext.Kind) string {
	switch k {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "a boolean"
	case '{':
		return "an object"
	case '[':
		return "an array"
	default:
		return "null"
	}
}

// path writes a JSON pointer as programmers do: host.roles[0].fullname, and metric.labels["b c"] for an odd name.
func path(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		switch {
		case strings.Trim(token, "0123456789") == "" && token != "":
			b.WriteString("[" + token + "]")
		case strings.IndexFunc(token, notKeyRune) >= 0 || token == "":
			fmt.Fprintf(&b, "[%+q]", token)
		default:
			b.WriteString("." + token)
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}

// orZero returns what p points to, or the zero value.
func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
