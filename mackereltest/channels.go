package mackereltest

import (
	jsonv1 "encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A channel is one of the organization's channels.
type channel struct {
	id             string
	listed         jsontext.Value // the JSON object that is listed
	inDefaultGroup bool
}

// members are the members of a JSON object by their names.
type members map[string]jsontext.Value

// ordered writes the documented members of a channel in their order.
type ordered struct {
	ID                jsontext.Value `json:"id,omitzero"`
	Name              jsontext.Value `json:"name,omitzero"`
	Type              jsontext.Value `json:"type,omitzero"`
	SuspendedAt       jsontext.Value `json:"suspendedAt,omitzero"`
	Emails            jsontext.Value `json:"emails,omitzero"`
	UserIDs           jsontext.Value `json:"userIds,omitzero"`
	URL               jsontext.Value `json:"url,omitzero"`
	Mentions          jsontext.Value `json:"mentions,omitzero"`
	EnabledGraphImage jsontext.Value `json:"enabledGraphImage,omitzero"`
	Events            jsontext.Value `json:"events,omitzero"`
	Rest              jsontext.Value `json:",inline,embed"` // Go 1.26 with GOEXPERIMENT=jsonv2 knows inline only
}

// AddChannel adds a channel as if it had always been there, and returns its id: the object's own or, if it has none,
// a new one. The channel is listed as the JSON object says, whatever its type and members are. Like every new channel
// it is in the default notification group. AddChannel panics if object is not a JSON object or if its id is taken.
func (s *Server) AddChannel(object string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &channel{inDefaultGroup: true}
	m, err := membersOf([]byte(object))
	if err != nil {
		panic("mackereltest: AddChannel: " + err.Error())
	}
	switch value := m["id"]; {
	case value == nil:
		c.id = s.newID()
		c.listed = encode(ordered{ID: encode(c.id), Rest: jsontext.Value(object)})
	case json.Unmarshal(value, &c.id) != nil || c.id == "" || s.find(c.id) >= 0:
		panic("mackereltest: AddChannel: the id " + string(value) + " is taken, empty or not a string")
	default:
		c.listed = encode(jsontext.Value(object))
	}
	s.channels = append(s.channels, c)
	return c.id
}

// AddChannelOfEachType adds one channel of each type that Mackerel has or has had, with all the members of its type,
// and returns their ids.
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
func (s *Server) Channels() []jsonv1.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]jsonv1.RawMessage, 0, len(s.channels))
	for _, c := range s.channels {
		all = append(all, jsonv1.RawMessage(c.listed.Clone()))
	}
	return all
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

func (s *Server) listChannels(*http.Request, string) (any, error) {
	all := make([]jsontext.Value, 0, len(s.channels))
	for _, c := range s.channels {
		all = append(all, c.listed)
	}
	return map[string]any{"channels": all}, nil
}

func (s *Server) createChannel(r *http.Request, _ string) (any, error) {
	m, err := s.readChannel(r, nil)
	if err != nil {
		return nil, err
	}
	c := &channel{id: s.newID(), inDefaultGroup: string(m["addToDefaultNotificationGroup"]) != "false"}
	s.channels = append(s.channels, c)
	return c.store(m, jsontext.Value("null")), nil
}

func (s *Server) updateChannel(r *http.Request, id string) (any, error) {
	i := s.find(id)
	if i < 0 {
		return nil, s.refuse(http.StatusNotFound, "Channel Not Found.")
	}
	c := s.channels[i]
	was, err := membersOf(c.listed)
	if err != nil {
		return nil, err
	}
	m, err := s.readChannel(r, was)
	if err != nil {
		return nil, err
	}
	return c.store(m, was["suspendedAt"]), nil
}

func (s *Server) deleteChannel(_ *http.Request, id string) (any, error) {
	i := s.find(id)
	if i < 0 {
		return nil, s.refuse(http.StatusNotFound, "Channel Not Found.")
	}
	c := s.channels[i]
	s.channels = slices.Delete(s.channels, i, i+1)
	return c.listed, nil
}

// find returns the index of a channel, -1 if there is none with this id.
func (s *Server) find(id string) int {
	return slices.IndexFunc(s.channels, func(c *channel) bool { return c.id == id })
}

// store replaces the channel, and returns it in the form that creating and updating answer with, without suspendedAt.
func (c *channel) store(m members, suspendedAt jsontext.Value) jsontext.Value {
	m["id"] = encode(c.id)
	delete(m, "addToDefaultNotificationGroup")
	answer := inOrder(m)
	if suspendedAt != nil {
		m["suspendedAt"] = suspendedAt
	}
	c.listed = inOrder(m)
	return answer
}

// membersOf reads a JSON object. A doubled name is an error.
func membersOf(object []byte) (members, error) {
	var m members
	if jsontext.Value(object).Kind() != '{' {
		return nil, errors.New("the body is not a JSON object")
	}
	err := json.Unmarshal(object, &m)
	return m, err
}

func inOrder(m members) jsontext.Value {
	var o ordered
	if err := json.Unmarshal(encode(m), &o); err != nil {
		panic(err) // members were read from valid JSON
	}
	return encode(o)
}

// encode writes strings, numbers and escapes as they were read.
func encode(v any) jsontext.Value {
	b, err := json.Marshal(v, json.Deterministic(true), jsontext.PreserveRawStrings(true))
	if err != nil {
		panic(err) // as above
	}
	return b
}
