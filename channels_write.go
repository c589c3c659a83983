package mackerel

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// MarshalJSON writes the channel as Mackerel's API returns it. A member that still has the value it was received with
// is written as it was received, also if that was null or absent. Without a Detail it is an error, ErrInvalid.
func (c Channel) MarshalJSON() ([]byte, error) {
	if isNil(c.Detail) {
		return nil, errNoDetail()
	}
	w := c.wire()
	if was := c.received(&w); was != nil {
		return w.encode(*c.rest.raw, ^w.diff(was), 0)
	}
	return w.encode([]byte("{}"), 0, 0)
}

func errNoDetail() error {
	return &Error{Provider: provider, Op: "encode channel", Kind: ErrInvalid, Message: "Detail: required"}
}

// wire is the channel's fields as members. Without a Detail it has the common ones.
func (c Channel) wire() channelWire {
	w := channelWire{id: c.ID, name: c.Name, suspendedAt: c.SuspendedAt}
	if c.Detail != nil {
		w.typ = c.Detail.ChannelType()
	}
	if !isNil(c.Detail) {
		c.Detail.store(&w)
	}
	return w
}

// received is what the channel was decoded from, or nil if that was not kept, or if Detail is no longer of that type.
func (c Channel) received(w *channelWire) *channelWire {
	if c.rest == nil {
		return nil
	}
	was := new(channelWire)
	was.read(*c.rest.raw)
	was.detail()
	if was.typ != w.typ || was.unknown != w.unknown {
		return nil
	}
	return was
}

// diff is the members in which two channels differ. Nil and empty differ.
func (w *channelWire) diff(o *channelWire) (d member) {
	differ := func(m member, equal bool) {
		if !equal {
			d |= m
		}
	}
	differ(memberID, w.id == o.id)
	differ(memberName, w.name == o.name)
	differ(memberType, w.typ == o.typ)
	differ(memberSuspendedAt, w.suspendedAt.Equal(o.suspendedAt))
	differ(memberEmails, slices.Equal(w.emails, o.emails) && (w.emails == nil) == (o.emails == nil))
	differ(memberUserIDs, slices.Equal(w.userIDs, o.userIDs) && (w.userIDs == nil) == (o.userIDs == nil))
	differ(memberURL, w.url == o.url)
	differ(memberMentions, maps.Equal(w.mentions, o.mentions) && (w.mentions == nil) == (o.mentions == nil))
	differ(memberEnabledGraphImage, w.enabledGraphImage == o.enabledGraphImage)
	differ(memberEvents, slices.Equal(w.events, o.events) && (w.events == nil) == (o.events == nil))
	return d
}

// fill makes the lists that are nil empty.
func (w *channelWire) fill() {
	if w.emails == nil {
		w.emails = []string{}
	}
	if w.userIDs == nil {
		w.userIDs = []string{}
	}
	if w.mentions == nil {
		w.mentions = map[Status]string{}
	}
	if w.events == nil {
		w.events = []ChannelEvent{}
	}
}

// encode writes the members in the order of raw, and then those that are not in there. From raw come the members in
// keep, if they are there, and those that are not of this kind of channel; all else is from w. Those in drop go.
func (w *channelWire) encode(raw []byte, keep, drop member) ([]byte, error) {
	known := (commonMembers | w.own) &^ drop
	todo := known
	out := newObjectWriter()
	for key, value := range members(raw) {
		m := memberOf(key)
		switch {
		case m&drop != 0:
		case m&known == 0 || m&keep != 0:
			out.raw(key, value)
		case m&todo != 0:
			out.member(w, m)
		}
		todo &^= m
	}
	for m := range (todo &^ keep).each {
		out.member(w, m)
	}
	return out.close()
}

// value is what is written for a member, and false if it is left out.
func (w *channelWire) value(m member) (v any, ok bool) {
	switch m {
	case memberID:
		return w.id, w.id != ""
	case memberName:
		return w.name, true
	case memberType:
		return w.typ, true
	case memberSuspendedAt:
		if w.suspendedAt.IsZero() {
			return nil, true
		}
		return w.suspendedAt.Unix(), true
	case memberEmails:
		return w.emails, w.emails != nil
	case memberUserIDs:
		return w.userIDs, w.userIDs != nil
	case memberURL:
		return w.url, true
	case memberMentions:
		return w.mentions, w.mentions != nil
	case memberEnabledGraphImage:
		return w.enabledGraphImage, true
	case memberEvents:
		return w.events, w.events != nil
	case memberAddToDefault:
		return w.addToDefault, true
	default:
		return nil, false
	}
}

// An objectWriter writes a JSON object, without HTML escaping.
type objectWriter struct {
	buf bytes.Buffer
	enc *json.Encoder
	err error
}

func newObjectWriter() *objectWriter {
	o := new(objectWriter)
	o.enc = json.NewEncoder(&o.buf)
	o.enc.SetEscapeHTML(false)
	o.buf.WriteByte('{')
	return o
}

// key begins a member.
func (o *objectWriter) key(key []byte) {
	if o.buf.Len() > 1 {
		o.buf.WriteByte(',')
	}
	o.buf.Write(key)
	o.buf.WriteByte(':')
}

func (o *objectWriter) raw(key, value []byte) {
	o.key(key)
	o.buf.Write(value)
}

func (o *objectWriter) member(w *channelWire, m member) {
	v, ok := w.value(m)
	if !ok {
		return
	}
	for _, key := range m.each {
		o.key([]byte(key))
	}
	if err := o.enc.Encode(v); err != nil {
		o.err = err
		return
	}
	o.buf.Truncate(o.buf.Len() - 1) // the line feed that Encode adds
}

func (o *objectWriter) close() ([]byte, error) {
	o.buf.WriteByte('}')
	return o.buf.Bytes(), o.err
}

// writeBody is the body of the requests that create or replace a channel. It never has id and suspendedAt; it has all
// members of the kind, lists as [] and {} if they are nil, and the unknown ones that came with the channel; [*Unknown]
// is sent as it came. What creating alone takes, addToDefaultNotificationGroup, is sent only if given.
func writeBody(c Channel, addToDefaultNotificationGroup *bool) ([]byte, error) {
	if isNil(c.Detail) {
		return nil, errNoDetail()
	}
	w := c.wire()
	raw, keep := []byte("{}"), member(0)
	if was := c.received(&w); was != nil {
		raw = *c.rest.raw
		if w.unknown {
			keep = ^(w.diff(was) | memberAddToDefault)
		}
	}
	w.fill()
	drop := memberID | memberSuspendedAt
	if addToDefaultNotificationGroup == nil {
		drop |= memberAddToDefault
	} else {
		w.own |= memberAddToDefault
		w.addToDefault = *addToDefaultNotificationGroup
	}
	return w.encode(raw, keep, drop)
}

// Equal reports whether two channels have the same fields and the same members unknown to this package. Times are
// compared as instants; nil and empty lists, null and absent members are the same; [Unknown].Err does not count.
func (c Channel) Equal(o Channel) bool {
	if isNil(c.Detail) != isNil(o.Detail) {
		return false
	}
	a, b := c.wire(), o.wire()
	a.fill()
	b.fill()
	return a.unknown == b.unknown && a.diff(&b) == 0 && maps.Equal(c.others(&a), o.others(&b))
}

// others are the members that came with the channel and that no field tells of, without those that are null.
func (c Channel) others(w *channelWire) map[string]string {
	was := c.received(w)
	if was == nil {
		return nil
	}
	others := make(map[string]string)
	for key, value := range members(*c.rest.raw) {
		m := memberOf(key)
		if m&(commonMembers|w.own) != 0 && m&was.bad == 0 || string(value) == "null" {
			continue
		}
		var buf bytes.Buffer
		if json.Compact(&buf, value) == nil { // always, as it was checked when it was received
			others[string(key)] = buf.String()
		}
	}
	return others
}

// isNil reports whether d is nil, or an interface around a nil pointer.
func isNil(d Detail) bool {
	v := reflect.ValueOf(d)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// checkChannel lists all that is wrong with a channel today and in every future. What the server may come to accept,
// such as an event or a mention key, is left to it. No message quotes a URL.
func checkChannel(c Channel) []string {
	var problems []string
	if c.Name == "" {
		problems = append(problems, "Name: required")
	}
	if isNil(c.Detail) {
		return append(problems, "Detail: required")
	}
	w := c.wire()
	if w.own&memberURL == 0 {
		return problems
	}
	if _, problem := transport.ParseURL(w.url); problem != "" {
		problems = append(problems, "URL: "+problem)
	}
	return problems
}

// creatable reports whether the API takes such a channel. By its documentation of 2026-11
// (https://mackerel.io/api-docs/entry/channels) that is email, slack and webhook only; the other kinds are set up on
// Mackerel's web site. Of a type that this package does not know it is not known, so it goes through.
func creatable(d Detail) bool {
	switch d.(type) {
	case *Email, *Slack, *Webhook, *Unknown:
		return true
	}
	return false
}
