package mackerel

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// An APIAlert is an alert as Mackerel's API lists it (https://mackerel.io/api-docs/entry/alerts). It has ids where a
// webhook has names; a [Describer] makes an [Alert] of it.
type APIAlert struct {
	ID        string
	Status    Status // in upper case, as the API has it
	MonitorID string
	Type      string     // of the monitor, as in Monitor.Type
	HostID    string     // of monitors that look at hosts
	Series    *APISeries // of query monitors
	Value     *float64   // nil if nothing was measured, or if the API does not say
	Message   string     // of check and external monitors
	Reason    string     // why a person closed it
	Memo      string     // of the alert, which people write; not that of the monitor
	OpenedAt  time.Time
	ClosedAt  time.Time // zero while the alert is open
}

// An APISeries is the series of a query monitor that an alert is about.
type APISeries struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

// apiAlertJSON is an APIAlert in JSON. Times are in seconds since 1970.
type apiAlertJSON struct {
	ID        string     `json:"id"`
	Status    Status     `json:"status"`
	MonitorID string     `json:"monitorId"`
	Type      string     `json:"type"`
	HostID    string     `json:"hostId,omitzero"`
	Series    *APISeries `json:"series,omitzero"`
	Value     *float64   `json:"value,omitzero"`
	Message   string     `json:"message,omitzero"`
	Reason    string     `json:"reason,omitzero"`
	Memo      string     `json:"memo,omitzero"`
	OpenedAt  *float64   `json:"openedAt"`
	ClosedAt  *float64   `json:"closedAt,omitzero"`
}

// MarshalJSON writes the alert as the API has it.
func (a APIAlert) MarshalJSON() ([]byte, error) {
	return json.Marshal(apiAlertJSON{
		a.ID, a.Status, a.MonitorID, a.Type, a.HostID, a.Series, finite(a.Value), a.Message, a.Reason, a.Memo,
		cmp.Or(seconds(a.OpenedAt), new(float64)), seconds(a.ClosedAt),
	}, lenient)
}

// UnmarshalJSON reads an alert of the API. Members that have another JSON type than documented are left empty: an alert
// without its memo is better than no alert.
func (a *APIAlert) UnmarshalJSON(b []byte) error {
	var r apiAlertJSON
	if err := json.Unmarshal(b, &r, lenient, anyMembers()); err != nil {
		return err
	}
	*a = APIAlert{
		r.ID, r.Status, r.MonitorID, r.Type, r.HostID, r.Series, r.Value, r.Message, r.Reason, r.Memo,
		fromSeconds(r.OpenedAt), fromSeconds(r.ClosedAt),
	}
	return nil
}

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

// fromSeconds returns a time in UTC, zero for 0 and for what is no time.
func fromSeconds(s *float64) time.Time {
	if s == nil || !(*s > 0 && *s <= maxSeconds) {
		return time.Time{}
	}
	whole, fraction := math.Modf(*s)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC()
}

// anyMembers lets members have another type than documented. They are left empty.
func anyMembers() json.Options {
	p := new(problems)
	return json.WithUnmarshalers(json.JoinUnmarshalers(
		stringOf[string](p), stringOf[Status](p), number(p), optional[APISeries](p, '{'), labels(p),
	))
}

func (a APIAlert) complete() bool { return a.ID != "" }

// Closed reports whether the alert is closed.
func (a APIAlert) Closed() bool { return !a.ClosedAt.IsZero() || a.Status.Fold() == StatusOK }

// An AlertLog is a change of an alert's status, or a notification of it.
type AlertLog struct {
	ID          string
	Status      Status
	Trigger     string   // monitoring, manual, monitorDelete, hostRetire, ...
	MonitorID   string   // "" if the monitor was deleted
	TargetValue *float64 // what was measured
	Message     string   // the output of a check
	Memo        string   // of a check monitor
	CreatedAt   time.Time
}

type alertLogJSON struct {
	ID           string   `json:"id"`
	Status       Status   `json:"status"`
	Trigger      string   `json:"trigger"`
	MonitorID    string   `json:"monitorId"`
	TargetValue  *float64 `json:"targetValue"`
	StatusDetail struct {
		Type   string `json:"type"`
		Detail struct {
			Message string `json:"message"`
			Memo    string `json:"memo"`
		} `json:"detail"`
	} `json:"statusDetail"`
	CreatedAt *float64 `json:"createdAt"`
}

// UnmarshalJSON reads a log of the API, as that of [APIAlert] reads an alert.
func (l *AlertLog) UnmarshalJSON(b []byte) error {
	var r alertLogJSON
	if err := json.Unmarshal(b, &r, lenient, anyMembers()); err != nil {
		return err
	}
	detail := r.StatusDetail.Detail
	*l = AlertLog{r.ID, r.Status, r.Trigger, r.MonitorID, r.TargetValue, detail.Message, detail.Memo, fromSeconds(r.CreatedAt)}
	return nil
}

// A page is a part of a list, and the id with which the next part begins.
type page[T any] struct {
	Alerts *[]T   `json:"alerts"`
	Logs   *[]T   `json:"logs"`
	Checks *[]T   `json:"checks"`
	NextID string `json:"nextId"`
}

func (p page[T]) items() *[]T {
	for _, list := range []*[]T{p.Alerts, p.Logs, p.Checks} {
		if list != nil {
			return list
		}
	}
	return nil
}

func (p page[T]) complete() bool { return p.items() != nil }

// maxPage is the most that one request returns.
const maxPage = 100

// ListAlertsOptions are the parameters of [Client.ListAlerts].
type ListAlertsOptions struct {
	WithClosed bool // also those that are closed; there may be very many
	Limit      int  // alerts in one request, 1 to 100; 100 unless set
}

var (
	listAlerts = operation{name: "list alerts", method: http.MethodGet, repeat: transport.Replay}
	getAlert   = operation{name: "get alert", method: http.MethodGet, repeat: transport.Replay}
	closeAlert = operation{name: "close alert", method: http.MethodPost, repeat: transport.Once}
	setMemo    = operation{name: "update alert memo", method: http.MethodPut, repeat: transport.Replay}
	listLogs   = operation{name: "list alert logs", method: http.MethodGet, repeat: transport.Replay}
)

// ListAlerts returns the alerts of the organization, the newest first by the time of opening: GET /api/v0/alerts. The
// next request is made when the alerts of the last are used up, so a loop that ends early saves requests. An error ends
// the list. An alert that closes meanwhile may be missing. An alert that is on two pages that follow each other comes
// once.
func (c *Client) ListAlerts(ctx context.Context, o ListAlertsOptions) iter.Seq2[APIAlert, error] {
	query := url.Values{}
	if o.WithClosed {
		query.Set("withClosed", "true")
	}
	key := func(a APIAlert) string { return a.ID }
	return pages(ctx, c, listAlerts, query, o.Limit, key, "alerts")
}

// AlertLogs returns the changes of an alert, the newest first: GET /api/v0/alerts/<id>/logs.
func (c *Client) AlertLogs(ctx context.Context, id string) iter.Seq2[AlertLog, error] {
	return pages(ctx, c, listLogs, url.Values{}, 0, func(l AlertLog) string { return l.ID }, "alerts", id, "logs")
}

// pages returns all elements of a list. The id of the next page may be that of an element that was returned already. An
// id that was asked for before ends the list.
func pages[T any](
	ctx context.Context, c *Client, op operation, query url.Values, limit int, key func(T) string, path ...string,
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if limit < 0 || limit > maxPage {
			yield(*new(T), &Error{Provider: provider, Op: op.name, Kind: ErrInvalid, Message: "Limit: must be 1 to 100"})
			return
		}
		if limit == 0 {
			limit = maxPage
		}
		query := maps.Clone(query) // the list may be read twice
		query.Set("limit", strconv.Itoa(limit))
		before, asked := make(map[string]bool), make(map[string]bool)
		for {
			op.query = query.Encode()
			p, err := call[page[T]](ctx, c, op, nil, path...)
			if err != nil {
				yield(*new(T), err)
				return
			}
			seen := make(map[string]bool, limit)
			for _, element := range *p.items() {
				id := key(element)
				if seen[id] = true; !before[id] && !yield(element, nil) {
					return
				}
			}
			if p.NextID == "" || asked[p.NextID] {
				return
			}
			asked[p.NextID], before = true, seen
			query.Set("nextId", p.NextID)
		}
	}
}

// GetAlert returns an alert, open or closed: GET /api/v0/alerts/<id>.
func (c *Client) GetAlert(ctx context.Context, id string) (APIAlert, error) {
	return call[APIAlert](ctx, c, getAlert, nil, "alerts", id)
}

// CloseAlert closes an alert by hand and returns it: POST /api/v0/alerts/<id>/close. The reason may be empty. After a
// lost answer the error is [ErrAmbiguous]; GetAlert tells what became of it.
func (c *Client) CloseAlert(ctx context.Context, id, reason string) (APIAlert, error) {
	body, err := json.Marshal(map[string]string{"reason": reason}, lenient)
	if err != nil {
		return APIAlert{}, &Error{Provider: provider, Op: closeAlert.name, Kind: ErrInvalid, Err: err}
	}
	return call[APIAlert](ctx, c, closeAlert, body, "alerts", id, "close")
}

// maxMemo is the longest memo of an alert, in bytes: "80 KB" in Mackerel's words.
const maxMemo = 80 << 10

type memoAnswer struct {
	ID   string `json:"id"`
	Memo string `json:"memo"`
}

func (m memoAnswer) complete() bool { return m.ID != "" }

// UpdateAlertMemo replaces the memo of an alert; "" removes it: PUT /api/v0/alerts/<id>. A memo of more than 80 KB is
// [ErrInvalid] without a request.
func (c *Client) UpdateAlertMemo(ctx context.Context, id, memo string) error {
	if len(memo) > maxMemo {
		return &Error{
			Provider: provider, Op: setMemo.name, Kind: ErrInvalid,
			Message: "Memo: " + strconv.Itoa(len(memo)) + " bytes, and at most " + strconv.Itoa(maxMemo) + " are allowed",
		}
	}
	body, err := json.Marshal(map[string]string{"memo": memo}, lenient)
	if err != nil {
		return &Error{Provider: provider, Op: setMemo.name, Kind: ErrInvalid, Err: err}
	}
	_, err = call[memoAnswer](ctx, c, setMemo, body, "alerts", id)
	return err
}

// An Organization is the organization that an API key belongs to.
type Organization struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"` // "" if it has none
}

func (o Organization) complete() bool { return o.Name != "" }

// An OrganizationUser is a member of the organization. Channels of type email refer to users by ID.
type OrganizationUser struct {
	ID         string `json:"id"`
	ScreenName string `json:"screenName"`
	Email      string `json:"email"`
	Authority  string `json:"authority"` // owner, manager, collaborator or viewer
}

type userList struct {
	Users *[]OrganizationUser `json:"users"`
}

func (l userList) complete() bool { return l.Users != nil }

var (
	getOrganization = operation{name: "get organization", method: http.MethodGet, repeat: transport.Replay}
	listUsers       = operation{name: "list users", method: http.MethodGet, repeat: transport.Replay}
)

// GetOrganization returns the organization of the API key: GET /api/v0/org.
func (c *Client) GetOrganization(ctx context.Context) (Organization, error) {
	return call[Organization](ctx, c, getOrganization, nil, "org")
}

// ListUsers returns the members of the organization: GET /api/v0/users.
func (c *Client) ListUsers(ctx context.Context) ([]OrganizationUser, error) {
	list, err := call[userList](ctx, c, listUsers, nil, "users")
	if err != nil {
		return nil, err
	}
	return *list.Users, nil
}
