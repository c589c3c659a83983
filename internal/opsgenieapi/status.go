package opsgenieapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// How long the status of a request is followed: it is not found until the request was processed.
const (
	FollowAttempts = 10
	FollowWait     = time.Second
)

// A RequestStatus is what became of an accepted request.
type RequestStatus struct {
	Action      string
	Success     bool
	Status      string // in the service's words
	AlertID     string
	Alias       string
	ProcessedAt time.Time
}

// notFound is the status of a request for an alert that is not open. To close it was to make sure of just that.
const notFound = "Alert does not exist"

// RequestStatus waits for the status of a request. One that is not processed in time is unavailable.
func (n *Notifier) RequestStatus(ctx context.Context, requestID string) (RequestStatus, error) {
	s, _, err := n.requestStatus(ctx, requestID)
	return s, err
}

const statusOp = "get request status"

func (n *Notifier) requestStatus(ctx context.Context, requestID string) (RequestStatus, transport.Result, error) {
	var s RequestStatus
	u, ok := transport.Join(n.base, "alerts", "requests", requestID)
	if !ok {
		return s, transport.Result{}, n.service.Invalid(statusOp, "the id of the request is missing")
	}
	r, err := n.poll.Do(ctx, transport.Request{
		Op: statusOp, Method: http.MethodGet, URL: u, Header: n.get(), Repeat: transport.Replay, Judge: judgeStatus(&s), Wait: followWait,
	})
	s.Action, s.Status = n.clean.Line(s.Action), n.clean.Line(s.Status)
	s.AlertID, s.Alias = n.clean.Line(s.AlertID), n.clean.Line(s.Alias)
	return s, r, err
}

// judgeStatus takes 404 for what it means here: not yet.
func judgeStatus(s *RequestStatus) func(*transport.Result) {
	return func(r *transport.Result) {
		*s = RequestStatus{}
		switch r.Class { //nolint:exhaustive // the others are what they are everywhere
		case transport.NotFound:
			r.Class = transport.Unavailable
		case transport.Done:
			var ok bool
			if *s, ok = decodeStatus(r.Body); !ok || r.Status != http.StatusOK {
				provider.Undocumented(r)
			}
		}
	}
}

func followWait(r *transport.Result) time.Duration {
	if r.Status == http.StatusNotFound {
		return FollowWait
	}
	return 0
}

// decodeStatus reads {"data":{"isSuccess":true,"status":"...",...}}, and the same without the data around it, which is
// how Jira Service Management documents it elsewhere.
func decodeStatus(body []byte) (RequestStatus, bool) {
	type wire struct {
		Action      string `json:"action"`
		IsSuccess   *bool  `json:"isSuccess"`
		Status      string `json:"status"`
		AlertID     string `json:"alertId"`
		Alias       string `json:"alias"`
		ProcessedAt string `json:"processedAt"`
	}
	var answer struct {
		wire
		Data wire `json:"data"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return RequestStatus{}, false
	}
	w := answer.Data
	if w.IsSuccess == nil {
		w = answer.wire
	}
	if w.IsSuccess == nil {
		return RequestStatus{}, false
	}
	processed, _ := time.Parse(time.RFC3339, w.ProcessedAt) // not worth failing over
	return RequestStatus{w.Action, *w.IsSuccess, w.Status, w.AlertID, w.Alias, processed}, true
}

// settle follows an accepted request to its end. It returns the attempts that took, whether the request may still be
// waiting, and an error unless it was carried out.
func (n *Notifier) settle(ctx context.Context, action Action, id string) (attempts int, queued bool, err error) {
	s, r, err := n.requestStatus(ctx, id)
	switch {
	case err != nil:
		return r.Attempts, true, err
	case s.Success, action == ActionClose && s.Status == notFound:
		return r.Attempts, false, nil
	}
	r.Class = transport.Invalid
	return r.Attempts, false, n.service.Error(action.op().name, r)
}
