package mackerel

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A payload is one object of a webhook. Its methods return a member by its exact name, and zero if there is none, if it
// is null, or if it is of another type, which they note.
//
// A struct with tags would be shorter, but encoding/json reports only the first member of a wrong type, in words of Go
// and not of the sender, and takes names in any case for the same, so that an unknown "Status" would replace "status".
type payload struct {
	path    string                     // "" for the body itself, "alert.", "host.roles[0]."
	members map[string]json.RawMessage // nil if there is no such object
	found   *problems                  // of the whole body
}

// The types of JSON, as an error calls them.
const (
	aString  = "a string"
	aNumber  = "a number"
	aBoolean = "a boolean"
	anObject = "an object"
	anArray  = "an array"
	aNull    = "null"
)

// kindOf tells the type of a value by its first byte. What is no JSON at all passes for a number.
func kindOf(raw []byte) string {
	switch raw[0] {
	case '"':
		return aString
	case '{':
		return anObject
	case '[':
		return anArray
	case 't', 'f':
		return aBoolean
	case 'n':
		return aNull
	}
	return aNumber
}

// exists reports whether there is such an object, be it empty.
func (p payload) exists() bool { return p.members != nil }

// isObject asks without noting anything.
func (p payload) isObject(key string) bool {
	raw, ok := p.members[key]
	return ok && kindOf(raw) == anObject
}

// read decodes a member of the given type, and reports whether there was one.
func (p payload) read(key, kind string, into any) bool {
	raw, ok := p.members[key]
	if !ok || kindOf(raw) == aNull {
		return false
	}
	return p.decode(key, raw, kind, into)
}

// decode reads one value, a member or an element of an array, into what takes its type.
func (p payload) decode(name string, raw json.RawMessage, kind string, into any) bool {
	if found := kindOf(raw); found != kind {
		p.found.add(p.path + name + ": " + found + " where " + kind + " belongs")
		return false
	}
	if json.Unmarshal(raw, into) != nil { // the syntax and the type are right: a number beyond float64
		p.found.add(p.path + name + ": too large")
		return false
	}
	return true
}

// text is the string with what is not UTF-8 replaced, as encoding/json does.
func (p payload) text(key string) (s string) {
	p.read(key, aString, &s)
	return s
}

// boolean is false for what is missing, as it is for a host that is not known to be retired.
func (p payload) boolean(key string) (b bool) {
	p.read(key, aBoolean, &b)
	return b
}

// number keeps apart what is zero and what is not there.
func (p payload) number(key string) *float64 {
	var f float64
	if !p.read(key, aNumber, &f) {
		return nil
	}
	return &f
}

// whole is a number that fits an int on every machine.
func (p payload) whole(key string) int {
	f := p.number(key)
	if f == nil {
		return 0
	}
	if *f != math.Trunc(*f) || math.Abs(*f) > math.MaxInt32 {
		p.found.add(p.path + key + ": not a whole number, or too large")
		return 0
	}
	return int(*f)
}

// The seconds since 1970 that are a time from the year 1 to the year 9999: beyond, time.Time has neither JSON nor a
// format that anybody reads. Milliseconds where seconds belong end up there too, and are better named than shown.
const (
	minEpoch = -62135596800
	maxEpoch = 253402300799
)

// time is a number of units since 1970, in UTC. Zero is no time: some senders write it for null.
func (p payload) time(key string, unit time.Duration) time.Time {
	f := p.number(key)
	if f == nil || math.Trunc(*f) == 0 {
		return time.Time{}
	}
	if seconds := *f * unit.Seconds(); seconds < minEpoch || seconds > maxEpoch {
		p.found.add(p.path + key + ": a number far from any time")
		return time.Time{}
	}
	return time.UnixMilli(int64(*f) * unit.Milliseconds()).UTC()
}

// object is never unusable: where there is none, all its members are zero, and exists says so.
func (p payload) object(key string) payload {
	o := payload{path: p.path + key + ".", found: p.found}
	p.read(key, anObject, &o.members)
	return o
}

// objects returns the elements of an array that are objects. One that is not costs only itself.
func (p payload) objects(key string) []payload {
	var raws []json.RawMessage
	p.read(key, anArray, &raws)
	var list []payload
	for i, raw := range raws {
		name := fmt.Sprintf("%s[%d]", key, i)
		o := payload{path: p.path + name + ".", found: p.found}
		if p.decode(name, raw, anObject, &o.members) {
			list = append(list, o)
		}
	}
	return list
}

// texts returns an object's members that are strings. It is never nil. They go by their names, so that the error is the
// same each time.
func (p payload) texts(key string) map[string]string {
	object := p.object(key)
	texts := make(map[string]string, len(object.members))
	for _, name := range slices.Sorted(maps.Keys(object.members)) {
		var s string
		if p.decode(fmt.Sprintf("%s[%+q]", key, name), object.members[name], aString, &s) {
			texts[name] = s
		}
	}
	return texts
}

// maxProblemBytes is the room for the list of wrong members in an [Error]'s Message.
const maxProblemBytes = 480

// problems collects what is wrong with a payload's members, each once, as far as it fits an error's message. Of the rest
// it keeps the number: a body of megabytes can be wrong in every byte.
type problems struct {
	lines []string
	bytes int
	more  int // did not fit
}

// add takes a line "path: what is wrong", of which only labels are the sender's words, in quotes and in ASCII.
func (f *problems) add(line string) {
	switch {
	case slices.Contains(f.lines, line):
	case f.bytes+len(line) > maxProblemBytes:
		f.more++
	default:
		f.lines = append(f.lines, line)
		f.bytes += len(line) + len("; ")
	}
}

// list is one line, or "" if nothing was wrong.
func (f *problems) list() string {
	lines := f.lines
	if f.more > 0 {
		lines = append(slices.Clip(lines), strconv.Itoa(f.more)+" more of the wrong type")
	}
	return strings.Join(lines, "; ")
}

// depth returns how deep objects and arrays are nested in what need not be JSON. It is asked before anything recurses.
func depth(b []byte) int {
	now, deepest, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}', c == ']':
			now--
		}
	}
	return deepest
}
