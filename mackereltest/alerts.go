package mackereltest

import (
	"cmp"
	jsonv1 "encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/internal/strict"
)

// An alert is an alert as the API has it. Times are in seconds since 1970.
type alert struct {
	ID        string         `json:"id"`
	Status    string         `json:"status"`
	MonitorID string         `json:"monitorId"`
	Type      string         `json:"type"`
	HostID    string         `json:"hostId,omitzero"`
	Series    jsontext.Value `json:"series,omitzero"`
	Value     *float64       `json:"value,omitzero"`
	Message   string         `json:"message,omitzero"`
	Reason    *string        `json:"reason,omitzero"`
	OpenedAt  int64          `json:"openedAt"`
	ClosedAt  int64          `json:"closedAt,omitzero"`
	Memo      string         `json:"memo"`
	Rest      jsontext.Value `json:",inline,embed"` // Go 1.26 with GOEXPERIMENT=jsonv2 knows inline only

	logs []alertLog
}

// An alertLog is a change of an alert's status.
type alertLog struct {
	ID           string         `json:"id"`
	Status       string         `json:"status"`
	Trigger      string         `json:"trigger"`
	MonitorID    *string        `json:"monitorId"`
	TargetValue  *float64       `json:"targetValue"`
	StatusDetail jsontext.Value `json:"statusDetail"`
	CreatedAt    int64          `json:"createdAt"`
}

// AddAlert opens an alert and returns its id: the object's own or, if it has none, a new one. Unless the JSON object
// has them, its type is "host", its status "CRITICAL", and it opens now, by the clock of the fake.
//
// An alert with a closedAt is closed, by a person if it has a reason. Its log has the close only. For a log with the
// opening, open the alert and call SetAlertStatus. AddAlert panics if object is no JSON object of the documented types,
// or if its id is taken.
func (s *Server) AddAlert(object string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &alert{Status: "CRITICAL", Type: "host", OpenedAt: s.Now().Unix()}
	if err := json.Unmarshal([]byte(object), a); err != nil {
		panic("mackereltest: AddAlert: " + err.Error())
	}
	if a.ID == "" {
		a.ID = s.newID()
	}
	if s.alerts[a.ID] != nil {
		panic("mackereltest: AddAlert: the id " + a.ID + " is taken")
	}
	a.logFirst(s.newID())
	s.alerts[a.ID] = a
	at, _ := slices.BinarySearchFunc(s.newest, a, newestFirst)
	s.newest = slices.Insert(s.newest, at, a)
	return a.ID
}

// logFirst writes the first line of the log: the opening or, of an alert that is closed already, the close.
func (a *alert) logFirst(id string) {
	trigger := "monitoring"
	if a.Reason != nil {
		trigger = "manual"
	}
	a.log(id, trigger, cmp.Or(a.ClosedAt, a.OpenedAt))
}

// newestFirst is the order in which alerts are listed: by the time of opening.
func newestFirst(x, y *alert) int {
	return cmp.Or(cmp.Compare(y.OpenedAt, x.OpenedAt), cmp.Compare(x.ID, y.ID))
}

// log adds a line to the log of the alert.
func (a *alert) log(id, trigger string, at int64) {
	l := alertLog{ID: id, Status: a.Status, Trigger: trigger, TargetValue: a.Value, StatusDetail: jsontext.Value("null"), CreatedAt: at}
	if monitor := a.MonitorID; monitor != "" {
		l.MonitorID = &monitor
	}
	if a.Type == "check" {
		l.StatusDetail = encode(map[string]any{"type": "check", "detail": map[string]string{"message": a.Message, "memo": ""}})
	}
	a.logs = append(a.logs, l)
}

// SetAlertStatus changes the status of an open alert, in upper case as the API has it. OK closes the alert. The change
// is in the alert's log. It panics if there is no such alert.
func (s *Server) SetAlertStatus(id, status string) { s.changeAlert(id, status, "monitoring") }

// EndAlert closes an alert for another reason than that its monitor saw it recover: "manual", "monitorDelete",
// "hostRetire" and so on, as the log of the alert has it. It panics if there is no such alert.
func (s *Server) EndAlert(id, trigger string) { s.changeAlert(id, "OK", trigger) }

func (s *Server) changeAlert(id, status, trigger string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.alerts[id]
	if a == nil {
		panic("mackereltest: there is no alert " + id)
	}
	now := s.Now().Unix()
	if a.Status = status; status == "OK" {
		a.ClosedAt = now
	}
	a.log(s.newID(), trigger, now)
}

// Alerts returns all alerts as they would be listed now, the newest first.
func (s *Server) Alerts() []jsonv1.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]jsonv1.RawMessage, 0, len(s.newest))
	for _, a := range s.newest {
		all = append(all, jsonv1.RawMessage(encode(a)))
	}
	return all
}

// page returns the elements of a list from the one that nextId names, and the id of the element after them.
func page[T any](r *http.Request, all []T, id func(T) string) (some []T, next string, err error) {
	q, err := strict.Query(r, true, "limit", "nextId", "withClosed")
	if err != nil {
		return nil, "", err
	}
	limit := 100
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 100 {
			return nil, "", &strict.FieldError{Field: "limit", Problem: "must be 1 to 100"}
		}
	}
	if from := q.Get("nextId"); from != "" {
		i := slices.IndexFunc(all, func(element T) bool { return id(element) == from })
		all = all[max(i, 0):]
		if i < 0 {
			all = nil
		}
	}
	if len(all) > limit {
		return all[:limit], id(all[limit]), nil
	}
	return all, "", nil
}

// listAlerts lists open alerts, or all. If the alert that nextId names was closed meanwhile, the page goes on after it;
// what Mackerel does is not known.
func (s *Server) listAlerts(r *http.Request, _ string) (any, error) {
	withClosed := r.URL.Query().Get("withClosed") == "true"
	from := r.URL.Query().Get("nextId")
	var all []*alert
	for _, a := range s.newest {
		if withClosed || a.ClosedAt == 0 || a.ID == from {
			all = append(all, a)
		}
	}
	some, next, err := page(r, all, func(a *alert) string { return a.ID })
	if err != nil {
		return nil, err
	}
	some = slices.DeleteFunc(slices.Clone(some), func(a *alert) bool { return a.ClosedAt != 0 && !withClosed })
	return listing("alerts", some, next), nil
}

// listing is the answer with a page. nextId is there only if there is more.
func listing[T any](name string, some []T, next string) map[string]any {
	if some == nil {
		some = []T{}
	}
	answer := map[string]any{name: some}
	if next != "" {
		answer["nextId"] = next
	}
	return answer
}

func (s *Server) alert(id string) (*alert, error) {
	if a := s.alerts[id]; a != nil {
		return a, nil
	}
	return nil, s.refuse(http.StatusNotFound, "Alert Not Found.")
}

func (s *Server) getAlert(_ *http.Request, id string) (any, error) { return s.alert(id) }

// maxMemo is the longest memo, "80 KB" in Mackerel's words.
const maxMemo = 80 << 10

func (s *Server) setMemo(r *http.Request, id string) (any, error) {
	a, err := s.alert(id)
	if err != nil {
		return nil, err
	}
	var b struct {
		Memo *string `json:"memo"`
	}
	if err := strict.JSON(r, &b, !s.IsStrict()); err != nil {
		return nil, err
	}
	switch {
	case b.Memo == nil:
		return nil, &strict.FieldError{Field: "memo", Problem: "is required"}
	case len(*b.Memo) > maxMemo:
		return nil, s.refuse(http.StatusRequestEntityTooLarge, "The memo is too large.")
	}
	a.Memo = *b.Memo
	return map[string]string{"id": id, "memo": a.Memo}, nil
}

func (s *Server) closeAlert(r *http.Request, id string) (any, error) {
	a, err := s.alert(id)
	if err != nil {
		return nil, err
	}
	var b struct {
		Reason *string `json:"reason"`
	}
	if err := strict.JSON(r, &b, !s.IsStrict()); err != nil {
		return nil, err
	}
	if b.Reason == nil {
		return nil, &strict.FieldError{Field: "reason", Problem: "is required"}
	}
	if a.ClosedAt == 0 {
		a.ClosedAt = s.Now().Unix()
	}
	a.Status, a.Reason = "OK", b.Reason
	a.log(s.newID(), "manual", a.ClosedAt)
	return a, nil
}

func (s *Server) listLogs(r *http.Request, id string) (any, error) {
	a, err := s.alert(id)
	if err != nil {
		return nil, err
	}
	logs := slices.Clone(a.logs)
	slices.Reverse(logs) // the newest first
	some, next, err := page(r, logs, func(l alertLog) string { return l.ID })
	if err != nil {
		return nil, err
	}
	return listing("logs", some, next), nil
}
