package mackerel

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A NotificationGroup says which channels are told of which alerts: those of its Monitors and of its Services. A group
// that has neither gets alerts from the groups that it is a child of. The default group gets all alerts.
// See https://mackerel.io/api-docs/entry/notification-groups.
//
// A group that was read is written again without loss, with members that this package does not know.
type NotificationGroup struct {
	ID                        string                // given by Mackerel
	Type                      NotificationGroupType // given by Mackerel
	Name                      string                // required; the default group cannot be renamed
	NotificationLevel         Level                 // LevelAll unless set
	ChildNotificationGroupIDs []string              // they get all that this group gets, if their level allows
	ChildChannelIDs           []string
	Monitors                  []NotificationGroupMonitor
	Services                  []NotificationGroupService

	rest groupRest
}

// A groupRest has the members of a group that this package does not know.
type groupRest struct {
	group    jsontext.Value
	monitors map[string]jsontext.Value // by the ids of monitors
	services map[string]jsontext.Value // by the names of services
}

// A NotificationGroupType tells the default group from others. Mackerel documents it since 2026-06; before, it is "".
type NotificationGroupType string

// The types of notification groups.
const (
	NotificationGroupOrdinary NotificationGroupType = "group"
	NotificationGroupDefault  NotificationGroupType = "group-default"
)

// A NotificationGroupMonitor is a monitor whose alerts a group gets.
type NotificationGroupMonitor struct {
	ID string `json:"id"`
	// SkipDefault means that only this group gets the alerts of the monitor: all other groups do not, and not only the
	// default group.
	SkipDefault bool `json:"skipDefault"`
}

// A NotificationGroupService is a service whose alerts a group gets.
type NotificationGroupService struct {
	Name string `json:"name"`
}

// groupJSON is a group as the API has it. The API requires the two lists of children.
type groupJSON struct {
	ID                        string                `json:"id,omitzero"`
	Type                      NotificationGroupType `json:"type,omitzero"`
	Name                      string                `json:"name"`
	NotificationLevel         Level                 `json:"notificationLevel"`
	ChildNotificationGroupIDs []string              `json:"childNotificationGroupIds"`
	ChildChannelIDs           []string              `json:"childChannelIds"`
	Monitors                  []groupMonitorJSON    `json:"monitors,omitzero"`
	Services                  []groupServiceJSON    `json:"services,omitzero"`
	Rest                      jsontext.Value        `json:",inline,embed"` // Go 1.26 with GOEXPERIMENT=jsonv2 knows inline only
}

type groupMonitorJSON struct {
	NotificationGroupMonitor

	Rest jsontext.Value `json:",inline,embed"`
}

type groupServiceJSON struct {
	NotificationGroupService

	Rest jsontext.Value `json:",inline,embed"`
}

// MarshalJSON writes a group as the API has it. Lists without elements are written as [], except the Monitors and
// Services of the default group, which has no such lists.
func (g NotificationGroup) MarshalJSON() ([]byte, error) { return json.Marshal(g.json(), lenient) }

func (g NotificationGroup) json() groupJSON {
	w := groupJSON{
		ID: g.ID, Type: g.Type, Name: g.Name, NotificationLevel: cmp.Or(g.NotificationLevel, LevelAll),
		ChildNotificationGroupIDs: orEmpty(g.ChildNotificationGroupIDs), ChildChannelIDs: orEmpty(g.ChildChannelIDs),
		Rest: g.rest.group,
	}
	if g.Type != NotificationGroupDefault {
		w.Monitors, w.Services = []groupMonitorJSON{}, []groupServiceJSON{}
	}
	for _, m := range g.Monitors {
		w.Monitors = append(w.Monitors, groupMonitorJSON{m, g.rest.monitors[m.ID]})
	}
	for _, s := range g.Services {
		w.Services = append(w.Services, groupServiceJSON{s, g.rest.services[s.Name]})
	}
	return w
}

// UnmarshalJSON reads a group of the API. The case of members does not count: test data of Mackerel's own client has
// childChannelIDs.
func (g *NotificationGroup) UnmarshalJSON(b []byte) error {
	var r groupJSON
	if err := json.Unmarshal(b, &r, lenient, json.MatchCaseInsensitiveNames(true)); err != nil {
		return err
	}
	*g = NotificationGroup{
		ID: r.ID, Type: r.Type, Name: r.Name, NotificationLevel: r.NotificationLevel,
		ChildNotificationGroupIDs: r.ChildNotificationGroupIDs, ChildChannelIDs: r.ChildChannelIDs,
		rest: groupRest{r.Rest.Clone(), make(map[string]jsontext.Value), make(map[string]jsontext.Value)},
	}
	for _, m := range r.Monitors {
		g.Monitors = append(g.Monitors, m.NotificationGroupMonitor)
		if m.Rest != nil {
			g.rest.monitors[m.ID] = m.Rest.Clone()
		}
	}
	for _, s := range r.Services {
		g.Services = append(g.Services, s.NotificationGroupService)
		if s.Rest != nil {
			g.rest.services[s.Name] = s.Rest.Clone()
		}
	}
	return nil
}

func (g NotificationGroup) complete() bool { return g.ID != "" }

type groupList struct {
	Groups *[]NotificationGroup `json:"notificationGroups"`
}

func (l groupList) complete() bool { return l.Groups != nil }

var (
	listGroups  = operation{name: "list notification groups", method: http.MethodGet, repeat: transport.Replay}
	createGroup = operation{name: "create notification group", method: http.MethodPost, repeat: transport.Once}
	updateGroup = operation{name: "update notification group", method: http.MethodPut, repeat: transport.Replay}
	deleteGroup = operation{name: "delete notification group", method: http.MethodDelete, repeat: transport.Replay}
)

// ListNotificationGroups returns all notification groups of the organization: GET /api/v0/notification-groups. The API
// has no pages for it, and no call for a single group.
func (c *Client) ListNotificationGroups(ctx context.Context) ([]NotificationGroup, error) {
	list, err := call[groupList](ctx, c, listGroups, nil, "notification-groups")
	if err != nil {
		return nil, err
	}
	return *list.Groups, nil
}

// CreateNotificationGroup creates a group and returns it with its ID: POST /api/v0/notification-groups. ID and Type of
// the given group are not sent. After a lost answer the error is [ErrAmbiguous]: the group may exist.
func (c *Client) CreateNotificationGroup(ctx context.Context, g NotificationGroup) (NotificationGroup, error) {
	body, err := g.request(createGroup)
	if err != nil {
		return NotificationGroup{}, err
	}
	return call[NotificationGroup](ctx, c, createGroup, body, "notification-groups")
}

// UpdateNotificationGroup replaces the group with the same ID, and returns the group: PUT
// /api/v0/notification-groups/<id>. Mackerel refuses another name for the default group.
func (c *Client) UpdateNotificationGroup(ctx context.Context, g NotificationGroup) (NotificationGroup, error) {
	body, err := g.request(updateGroup)
	if err != nil {
		return NotificationGroup{}, err
	}
	return call[NotificationGroup](ctx, c, updateGroup, body, "notification-groups", g.ID)
}

// DeleteNotificationGroup deletes a group and returns what it was: DELETE /api/v0/notification-groups/<id>. Mackerel
// refuses to delete the default group. If an answer was lost and the repeat finds no group, the error is [ErrNotFound].
func (c *Client) DeleteNotificationGroup(ctx context.Context, id string) (NotificationGroup, error) {
	return call[NotificationGroup](ctx, c, deleteGroup, nil, "notification-groups", id)
}

// request returns the body of a request, which has neither ID nor type.
func (g NotificationGroup) request(op operation) ([]byte, error) {
	var problems []string
	if op == updateGroup && g.ID == "" {
		problems = append(problems, "ID: required")
	}
	if strings.TrimSpace(g.Name) == "" {
		problems = append(problems, "Name: required")
	}
	for i, m := range g.Monitors {
		if m.ID == "" {
			problems = append(problems, "Monitors["+strconv.Itoa(i)+"].ID: required")
		}
	}
	for i, s := range g.Services {
		if s.Name == "" {
			problems = append(problems, "Services["+strconv.Itoa(i)+"].Name: required")
		}
	}
	if len(problems) > 0 {
		return nil, &Error{Provider: provider, Op: op.name, Kind: ErrInvalid, Message: strings.Join(problems, "; ")}
	}
	if op == createGroup {
		g.Type = "" // what is created is never the default group
	}
	w := g.json()
	w.ID, w.Type = "", ""
	body, err := json.Marshal(w, lenient)
	if err != nil {
		return nil, &Error{Provider: provider, Op: op.name, Kind: ErrInvalid, Err: err}
	}
	return body, nil
}
