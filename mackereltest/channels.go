package mackereltest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A channel is kept as JSON, in the form in which it is listed.
type channel struct {
	id             string
	members        []fakehttp.Member
	inDefaultGroup bool
}

// AddChannel adds a channel as if it had always been there, exactly as the JSON object says, whatever type it is of and
// whatever members it has, and returns its id: the object's own or, if it has none, a new one. Like every new channel it
// is in the default notification group. It panics if the object is not one, or its id is taken.
func (s *Server) AddChannel(object string) (id string) {
	members, err := fakehttp.Members([]byte(object))
	if err != nil {
		panic("mackereltest: AddChannel: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &channel{members: members, inDefaultGroup: true}
	switch value := get(members, "id"); {
	case value == nil:
		c.id = s.newID()
		c.members = append([]fakehttp.Member{text("id", c.id)}, members...)
	case json.Unmarshal(value, &c.id) != nil || c.id == "" || s.find(c.id) >= 0:
		panic("mackereltest: AddChannel: the id " + string(value) + " is taken, empty or not a string")
	}
	s.channels = append(s.channels, c)
	return c.id
}

// AddChannelOfEachType adds one channel of each type that Mackerel has or has had, with all the members of its type, and
// returns their ids.
func (s *Server) AddChannelOfEachType() (ids []string) {
	for _, object := range oneOfEachType {
		ids = append(ids, s.AddChannel(object))
	}
	return ids
}

var oneOfEachType = []string{
	`{"name":"ops mail","type":"email","suspendedAt":null,"emails":["ops@example.com"],"userIds":[],"events":["alert","alertGroup"]}`,
	`{"name":"#ops","type":"slack","suspendedAt":null,"url":"https://hooks.slack.com/services/T000/B000/XXXX",` +
		`"mentions":{"warning":"@here","critical":"@channel look"},"enabledGraphImage":true,"events":["alert","hostStatus"]}`,
	`{"name":"bridge","type":"webhook","suspendedAt":1767225600,"url":"https://user:pw@hook.example.com/m","enabledGraphImage":false,"events":[]}`,
	`{"name":"everyone","type":"email-broadcast","suspendedAt":null}`,
	`{"name":"room","type":"chatwork","suspendedAt":null}`,
	`{"name":"phone","type":"twilio","suspendedAt":null}`,
	`{"name":"on call","type":"pagerduty","suspendedAt":null}`,
	`{"name":"genie","type":"opsgenie","suspendedAt":null}`,
	`{"name":"desk","type":"jira-service-management","suspendedAt":null}`,
	`{"name":"team","type":"microsoft-teams","suspendedAt":null}`,
	`{"name":"bus","type":"amazon-event-bridge","suspendedAt":null}`,
	`{"name":"group abc123","type":"line","suspendedAt":1743379200}`,
	`{"name":"topic","type":"typetalk","suspendedAt":null}`,
	`{"name":"old room","type":"hipchat","suspendedAt":null}`,
	`{"name":"incidents","type":"reactio","suspendedAt":null}`,
	`{"name":"feed","type":"yammer","suspendedAt":null}`,
}

// Channels returns the channels as they would be listed now, in the order they were added.
func (s *Server) Channels() []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

// DefaultNotificationGroup returns the ids of the channels in the default notification group. A new channel is in it
// unless its addToDefaultNotificationGroup was false.
func (s *Server) DefaultNotificationGroup() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, c := range s.channels {
		if c.inDefaultGroup {
			ids = append(ids, c.id)
		}
	}
	return ids
}

func (s *Server) list() []json.RawMessage {
	all := make([]json.RawMessage, 0, len(s.channels))
	for _, c := range s.channels {
		all = append(all, encode(c.members))
	}
	return all
}

func (s *Server) listChannels(r *http.Request) (any, error) {
	if _, err := fakehttp.DecodeQuery(r); err != nil {
		return nil, err
	}
	return map[string]any{"channels": s.list()}, nil
}

func (s *Server) createChannel(r *http.Request) (any, error) {
	in, err := s.readChannel(r, nil)
	if err != nil {
		return nil, err
	}
	c := &channel{id: s.newID(), inDefaultGroup: in.AddToDefault == nil || *in.AddToDefault}
	c.members = in.stored(c.id, json.RawMessage("null"))
	s.channels = append(s.channels, c)
	return c.answer(), nil
}

func (s *Server) updateChannel(r *http.Request) (any, error) {
	i := s.find(r.PathValue("id"))
	if i < 0 {
		return nil, errNoChannel
	}
	c := s.channels[i]
	in, err := s.readChannel(r, c)
	if err != nil {
		return nil, err
	}
	c.members = in.stored(c.id, get(c.members, "suspendedAt"))
	return c.answer(), nil
}

func (s *Server) deleteChannel(r *http.Request) (any, error) {
	i := s.find(r.PathValue("id"))
	if i < 0 {
		return nil, errNoChannel
	}
	last := encode(s.channels[i].members)
	s.channels = slices.Delete(s.channels, i, i+1)
	return last, nil
}

var errNoChannel = &apiError{http.StatusNotFound, "Channel Not Found."}

// find returns the index of a channel, -1 if there is none with this id.
func (s *Server) find(id string) int {
	return slices.IndexFunc(s.channels, func(c *channel) bool { return c.id == id })
}

// answer is the channel in the form in which creating and updating return it, which lacks suspendedAt.
func (c *channel) answer() json.RawMessage { return encode(without(c.members, "suspendedAt")) }

// get returns a member's value, nil if there is no such member.
func get(members []fakehttp.Member, name string) json.RawMessage {
	i := slices.IndexFunc(members, func(m fakehttp.Member) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return members[i].Value
}

// encode writes an object with its members in order, their values as they are.
func encode(members []fakehttp.Member) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(m.Name))
		b.WriteByte(':')
		b.Write(m.Value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func text(name, value string) fakehttp.Member {
	return fakehttp.Member{Name: name, Value: quote(value)}
}

func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be written
	}
	return b
}
