package mackerel

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A rest is what a channel was decoded from, kept only if the fields alone would not give the same JSON again. The
// bytes hold the URL: fmt follows one pointer when it complains about a verb, never two.
type rest struct{ raw *[]byte }

// A member is a member of a channel's JSON that this package knows, or a set of them.
type member uint16

const (
	memberID member = 1 << iota
	memberName
	memberType
	memberSuspendedAt
	memberEmails
	memberUserIDs
	memberURL
	memberMentions
	memberEnabledGraphImage
	memberEvents
	memberAddToDefault // of the request that creates a channel, never of a channel

	commonMembers  = memberID | memberName | memberType | memberSuspendedAt
	emailMembers   = memberEmails | memberUserIDs | memberEvents
	slackMembers   = memberURL | memberMentions | memberEnabledGraphImage | memberEvents
	webhookMembers = memberURL | memberEnabledGraphImage | memberEvents
	// alwaysMembers are written whatever their value, suspendedAt as null if zero. The others are left out when they are
	// empty (id) or nil.
	alwaysMembers = memberName | memberType | memberSuspendedAt | memberURL | memberEnabledGraphImage
)

// memberKeys are the keys of the members in the order of their bits.
var memberKeys = [...]string{
	`"id"`, `"name"`, `"type"`, `"suspendedAt"`, `"emails"`, `"userIds"`, `"url"`, `"mentions"`, `"enabledGraphImage"`,
	`"events"`, `"addToDefaultNotificationGroup"`,
}

// each yields the members of the set one by one.
func (m member) each(yield func(one member, key string) bool) {
	for ; m != 0; m &= m - 1 {
		if i := bits.TrailingZeros16(uint16(m)); !yield(1<<i, memberKeys[i]) {
			return
		}
	}
}

// memberOf finds a member by its key, which must be spelled exactly, though it may be escaped. 0 is an unknown one.
func memberOf(key []byte) member {
	switch string(key) {
	case `"id"`:
		return memberID
	case `"name"`:
		return memberName
	case `"type"`:
		return memberType
	case `"suspendedAt"`:
		return memberSuspendedAt
	case `"emails"`:
		return memberEmails
	case `"userIds"`:
		return memberUserIDs
	case `"url"`:
		return memberURL
	case `"mentions"`:
		return memberMentions
	case `"enabledGraphImage"`:
		return memberEnabledGraphImage
	case `"events"`:
		return memberEvents
	case `"addToDefaultNotificationGroup"`:
		return memberAddToDefault
	}
	var plain string
	if bytes.IndexByte(key, '\\') < 0 || json.Unmarshal(key, &plain) != nil || strings.ContainsAny(plain, `\"`) {
		return 0
	}
	return memberOf([]byte(`"` + plain + `"`))
}

// A channelWire is a channel as its JSON has it, before and after it is a Detail: the members of all kinds.
type channelWire struct {
	id, name, url     string
	typ               ChannelType
	suspendedAt       time.Time
	emails, userIDs   []string
	mentions          map[Status]string
	enabledGraphImage bool
	events            []ChannelEvent
	addToDefault      bool // written only

	own     member // set by Detail: the members of its kind, beyond the common ones
	unknown bool   // set by Detail: it is an Unknown
	has     member // what was there
	bad     member // what was there and was no such value
	odd     bool   // something was there that the fields do not tell
}

// wires saves an allocation per channel: load and store are called through an interface, so no wire stays on the stack.
var wires = sync.Pool{New: func() any { return new(channelWire) }}

// UnmarshalJSON replaces all of c by the channel in b, of which it keeps nothing but copies; null changes nothing. What
// is not a JSON object is an error, ErrInvalid. An object never is: what cannot be read as documented is [*Unknown].
func (c *Channel) UnmarshalJSON(b []byte) error {
	if b = bytes.Trim(b, " \t\r\n"); string(b) == "null" {
		return nil
	}
	w := wires.Get().(*channelWire)
	defer func() {
		*w = channelWire{}
		wires.Put(w)
	}()
	if !w.read(b) {
		return &Error{Provider: provider, Op: "decode channel", Kind: ErrInvalid, Message: "not a JSON object"}
	}
	detail := w.detail()
	*c = Channel{ID: w.id, Name: w.name, SuspendedAt: w.suspendedAt, Detail: detail}
	if !w.complete() {
		raw := bytes.Clone(b)
		c.rest = &rest{&raw}
	}
	return nil
}

// read reads an object that encoding/json need not have seen: it reports false unless all of it is JSON.
func (w *channelWire) read(b []byte) bool {
	for key, value := range members(b) {
		if value == nil {
			return false
		}
		m := memberOf(key)
		if !w.set(m, value) {
			if !json.Valid(key) || !json.Valid(value) {
				return false
			}
			w.bad |= m
			w.odd = true
		}
		w.odd = w.odd || w.has&m != 0
		w.has |= m
	}
	return true
}

// complete reports whether the fields alone would be written as the same JSON again.
func (w *channelWire) complete() bool {
	known := commonMembers | w.own
	return !w.odd && !w.unknown && w.has&^known == 0 && alwaysMembers&known&^w.has == 0
}

// detail makes the Detail of what was read.
func (w *channelWire) detail() Detail {
	d := newDetail(w.typ)
	d.load(w)
	bad := w.bad & (commonMembers | w.own)
	if bad == 0 {
		return d
	}
	var problems []string
	for m, key := range bad.each {
		problems = append(problems, key+" is not "+m.want())
	}
	w.own, w.unknown = 0, true
	return &Unknown{Type: w.typ, Err: errors.New(strings.Join(problems, "; "))}
}

// want says what the value of a member has to be.
func (m member) want() string {
	switch m {
	case memberSuspendedAt:
		return "a time in seconds since 1970, or null"
	case memberEmails, memberUserIDs, memberEvents:
		return "an array of strings"
	case memberMentions:
		return "an object of strings"
	case memberEnabledGraphImage:
		return "a boolean"
	default:
		return "a string"
	}
}

// set reads the value of one member, and reports false if it is not of the member's kind or the member is not known.
// Where a member is doubled or null, it does what encoding/json does.
func (w *channelWire) set(m member, v []byte) (ok bool) {
	if m != 0 && string(v) == "null" {
		w.setNull(m)
		return true
	}
	switch m {
	case memberID:
		w.id, ok = w.text(v)
		w.odd = w.odd || w.id == ""
	case memberName:
		w.name, ok = w.text(v)
	case memberType:
		var s string
		s, ok = w.word(v)
		w.typ = ChannelType(s)
	case memberSuspendedAt:
		ok = w.setTime(v)
	case memberEmails:
		w.emails, ok = readTexts[string](w, v)
	case memberUserIDs:
		w.userIDs, ok = readTexts[string](w, v)
	case memberURL:
		w.url, ok = w.text(v)
	case memberMentions:
		ok = w.setMentions(v)
	case memberEnabledGraphImage:
		w.enabledGraphImage = string(v) == "true"
		ok = w.enabledGraphImage || string(v) == "false"
	case memberEvents:
		w.events, ok = readTexts[ChannelEvent](w, v)
	default:
		return false
	}
	return ok
}

// setNull empties what has a nil and leaves the rest alone. Only a suspendedAt of null is nothing special.
func (w *channelWire) setNull(m member) {
	w.odd = w.odd || m != memberSuspendedAt
	switch m {
	case memberSuspendedAt:
		w.suspendedAt = time.Time{}
	case memberEmails:
		w.emails = nil
	case memberUserIDs:
		w.userIDs = nil
	case memberMentions:
		w.mentions = nil
	case memberEvents:
		w.events = nil
	default: // encoding/json leaves strings and booleans as they were
	}
}

// text reads a string. A null within an array or object is "", as in encoding/json.
func (w *channelWire) text(v []byte) (s string, ok bool) {
	if isPlain(v) {
		return string(v[1 : len(v)-1]), true
	}
	return w.escapedText(v)
}

func (w *channelWire) escapedText(v []byte) (string, bool) {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return "", false
	}
	// Half a surrogate pair and bytes that are not UTF-8 are read as U+FFFD; what they were is only in the bytes.
	w.odd = w.odd || v[0] != '"' || strings.ContainsRune(s, utf8.RuneError)
	return s, true
}

// isPlain reports whether v is a JSON string that stands for the bytes between its quotes.
func isPlain(v []byte) bool {
	if v[0] != '"' {
		return false
	}
	for _, c := range v {
		if c < ' ' || c == '\\' {
			return false
		}
	}
	return utf8.Valid(v)
}

// word reads a string that is one of a few, most of the time, without allocating it.
func (w *channelWire) word(v []byte) (string, bool) {
	if s, ok := knownWords[string(v)]; ok {
		return s, true
	}
	return w.text(v)
}

// knownWords are the types, events and statuses, by their JSON.
var knownWords = func() map[string]string {
	words := make(map[string]string)
	for _, s := range []ChannelType{
		ChannelTypeEmail, ChannelTypeEmailBroadcast, ChannelTypeSlack, ChannelTypeWebhook, ChannelTypeChatwork,
		ChannelTypeHipChat, ChannelTypeLine, ChannelTypeTypetalk, ChannelTypeTwilio, ChannelTypePagerDuty,
		ChannelTypeOpsgenie, ChannelTypeJSM, ChannelTypeTeams, ChannelTypeEventBridge, ChannelTypeReactio, ChannelTypeYammer,
	} {
		words[`"`+string(s)+`"`] = string(s)
	}
	for _, s := range []ChannelEvent{
		ChannelEventAlert, ChannelEventAlertGroup, ChannelEventHostStatus, ChannelEventHostRegister, ChannelEventHostRetire,
		ChannelEventMonitor,
	} {
		words[`"`+string(s)+`"`] = string(s)
	}
	for _, s := range []Status{StatusOK, StatusWarning, StatusCritical, StatusUnknown} {
		words[`"`+string(s)+`"`] = string(s)
	}
	return words
}()

// readTexts reads an array of strings; an empty one is not nil.
func readTexts[T ~string](w *channelWire, v []byte) ([]T, bool) {
	texts := make([]T, 0, min(bytes.Count(v, []byte{','})+1, 16))
	for item := range items(v) {
		if item == nil {
			return nil, false
		}
		s, ok := w.word(item)
		if !ok {
			return nil, false
		}
		texts = append(texts, T(s))
	}
	return texts, true
}

func (w *channelWire) setMentions(v []byte) bool {
	if w.mentions == nil {
		w.mentions = make(map[Status]string)
	}
	for key, value := range members(v) {
		if value == nil {
			return false
		}
		status, ok := w.word(key)
		text, ok2 := w.text(value)
		if !ok || !ok2 {
			return false
		}
		_, doubled := w.mentions[Status(status)]
		w.odd = w.odd || doubled
		w.mentions[Status(status)] = text
	}
	return true
}

// The times that encoding/json can write, in seconds since 1970.
const (
	minSeconds = -62135596800 // 0001-01-01
	maxSeconds = 253402300799 // 9999-12-31
)

// setTime reads seconds since 1970. A fraction, never seen so far, is kept down to a microsecond.
func (w *channelWire) setTime(v []byte) bool {
	seconds, err := strconv.ParseInt(string(v), 10, 64)
	if err == nil && strconv.FormatInt(seconds, 10) == string(v) {
		w.suspendedAt = time.Unix(seconds, 0)
		w.odd = w.odd || w.suspendedAt.IsZero() // which would be written as null
		return seconds >= minSeconds && seconds <= maxSeconds
	}
	var f float64
	if json.Unmarshal(v, &f) != nil || f < minSeconds || f > maxSeconds {
		return false
	}
	w.suspendedAt = time.UnixMicro(int64(math.Round(f * 1e6)))
	w.odd = true
	return true
}
