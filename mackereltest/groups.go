package mackereltest

import (
	jsonv1 "encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/strict"
)

// A group is a notification group as it is listed. Its members are in the order of the documentation.
type group struct {
	ID                string         `json:"id"`
	Type              string         `json:"type"`
	Name              string         `json:"name"`
	NotificationLevel string         `json:"notificationLevel"`
	Groups            []string       `json:"childNotificationGroupIds"`
	Channels          []string       `json:"childChannelIds"`
	Monitors          []groupMonitor `json:"monitors,omitzero"`
	Services          []groupService `json:"services,omitzero"`
	Rest              members        `json:",inline,embed"` // Go 1.26 with GOEXPERIMENT=jsonv2 knows inline only
}

type groupMonitor struct {
	ID          string `json:"id"`
	SkipDefault bool   `json:"skipDefault"`
}

type groupService struct {
	Name string `json:"name"`
}

const defaultGroup = "group-default"

// newDefaultGroup returns the group that every organization has.
func newDefaultGroup() *group {
	return &group{
		ID: "3DefaultGrp", Type: defaultGroup, Name: "Default", NotificationLevel: "all", Groups: []string{}, Channels: []string{},
	}
}

// AddNotificationGroup adds a notification group as if it had always been there, and returns its id: the object's own
// or, if it has none, a new one. The group is listed as the JSON object says. AddNotificationGroup panics if object is
// not a JSON object of the documented types, or if its id is taken.
func (s *Server) AddNotificationGroup(object string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &group{Type: "group", NotificationLevel: "all", Groups: []string{}, Channels: []string{}}
	if err := json.Unmarshal([]byte(object), g); err != nil {
		panic("mackereltest: AddNotificationGroup: " + err.Error())
	}
	if g.ID == "" {
		g.ID = s.newID()
	}
	if s.findGroup(g.ID) >= 0 {
		panic("mackereltest: AddNotificationGroup: the id " + g.ID + " is taken")
	}
	s.groups = append(s.groups, g)
	return g.ID
}

// NotificationGroups returns the notification groups as they would be listed now, the default group first and the
// others in the order they were added.
func (s *Server) NotificationGroups() []jsonv1.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]jsonv1.RawMessage, 0, len(s.groups))
	for _, g := range s.groups {
		all = append(all, jsonv1.RawMessage(encode(s.listed(g))))
	}
	return all
}

// listed returns a group as it is listed. The channels of the default group are those that joined it.
func (s *Server) listed(g *group) group {
	listed := *g
	if g.Type == defaultGroup {
		listed.Channels = slices.Clone(g.Channels)
		for _, c := range s.channels {
			if c.inDefaultGroup && !slices.Contains(listed.Channels, c.id) {
				listed.Channels = append(listed.Channels, c.id)
			}
		}
	}
	return listed
}

func (s *Server) findGroup(id string) int {
	return slices.IndexFunc(s.groups, func(g *group) bool { return g.ID == id })
}

func (s *Server) listGroups(*http.Request, string) (any, error) {
	all := make([]group, 0, len(s.groups))
	for _, g := range s.groups {
		all = append(all, s.listed(g))
	}
	return map[string]any{"notificationGroups": all}, nil
}

// A groupBody is what a client sends. Members that the server fills in are ignored: a listed group may be sent back.
type groupBody struct {
	Name              *string        `json:"name"`
	NotificationLevel *string        `json:"notificationLevel"`
	Groups            children       `json:"childNotificationGroupIds"`
	Channels          children       `json:"childChannelIds"`
	Monitors          []groupMonitor `json:"monitors"`
	Services          []groupService `json:"services"`
	ID                jsontext.Value `json:"id"`
	Type              jsontext.Value `json:"type"`
	Rest              members        `json:",inline,embed"` // Go 1.26 with GOEXPERIMENT=jsonv2 knows inline only
}

// children is a required list of ids; nil if it is missing. null is an empty list, because mackerel-client-go sends it.
type children []string

// UnmarshalJSONFrom reads the list.
func (c *children) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var ids []string
	if err := json.UnmarshalDecode(d, &ids); err != nil {
		return err
	}
	*c = append(children{}, ids...)
	return nil
}

// readGroup reads the body of a request for a group, which is new or has members that a newer Mackerel has sent.
func (s *Server) readGroup(r *http.Request, g *group) (b groupBody, err error) {
	if err = strict.JSON(r, &b, true); err != nil {
		return b, err
	}
	problem := func(field, problem string) error { return &strict.FieldError{Field: field, Problem: problem} }
	for _, name := range slices.Sorted(maps.Keys(b.Rest)) {
		if s.IsStrict() && g.Rest[name] == nil {
			return b, problem(name, "is unknown")
		}
	}
	switch {
	case b.Name == nil || *b.Name == "":
		return b, problem("name", "is required")
	case b.NotificationLevel == nil:
		return b, problem("notificationLevel", "is required")
	case *b.NotificationLevel != "all" && *b.NotificationLevel != "critical":
		return b, problem("notificationLevel", "must be all or critical")
	case b.Groups == nil:
		return b, problem("childNotificationGroupIds", "is required")
	case b.Channels == nil:
		return b, problem("childChannelIds", "is required")
	}
	if s.IsStrict() {
		return b, s.checkChildren(b)
	}
	return b, nil
}

// checkChildren refuses children that do not exist. No source shows that Mackerel does.
func (s *Server) checkChildren(b groupBody) error {
	for i, id := range b.Groups {
		if s.findGroup(id) < 0 {
			return &strict.FieldError{Field: strict.Item("childNotificationGroupIds", i), Problem: "does not exist"}
		}
	}
	for i, id := range b.Channels {
		if s.find(id) < 0 {
			return &strict.FieldError{Field: strict.Item("childChannelIds", i), Problem: "does not exist"}
		}
	}
	return nil
}

// store takes over what a client has sent. Lists that it has not sent are empty.
func (s *Server) store(g *group, b groupBody) {
	g.Name, g.NotificationLevel, g.Groups, g.Channels = *b.Name, *b.NotificationLevel, b.Groups, b.Channels
	if g.Type == defaultGroup {
		for _, c := range s.channels {
			c.inDefaultGroup = slices.Contains(g.Channels, c.id)
		}
		return
	}
	g.Monitors, g.Services = append([]groupMonitor{}, b.Monitors...), append([]groupService{}, b.Services...)
}

func (s *Server) createGroup(r *http.Request, _ string) (any, error) {
	g := &group{Type: "group"}
	b, err := s.readGroup(r, g)
	if err != nil {
		return nil, err
	}
	g.ID = s.newID()
	s.store(g, b)
	s.groups = append(s.groups, g)
	return s.listed(g), nil
}

func (s *Server) updateGroup(r *http.Request, id string) (any, error) {
	i := s.findGroup(id)
	if i < 0 {
		return nil, s.refuse(http.StatusNotFound, "Notification Group Not Found.")
	}
	g := s.groups[i]
	b, err := s.readGroup(r, g)
	if err != nil {
		return nil, err
	}
	if g.Type == defaultGroup && *b.Name != g.Name {
		return nil, s.refuse(http.StatusBadRequest, "The name of the default notification group cannot be changed.")
	}
	s.store(g, b)
	return s.listed(g), nil
}

func (s *Server) deleteGroup(_ *http.Request, id string) (any, error) {
	i := s.findGroup(id)
	if i < 0 {
		return nil, s.refuse(http.StatusNotFound, "Notification Group Not Found.")
	}
	g := s.groups[i]
	if g.Type == defaultGroup {
		return nil, s.refuse(http.StatusBadRequest, "The default notification group cannot be deleted.")
	}
	s.groups = slices.Delete(s.groups, i, i+1)
	return s.listed(g), nil
}
