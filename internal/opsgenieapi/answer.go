package opsgenieapi

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// accepted is the body of the answer to a request that was accepted. It will be carried out later.
type accepted struct {
	RequestID string `json:"requestId"`
}

// judge accepts only the documented success, which has the id of the request. The status 0 stands for any 2xx.
func judge(status int) func(*transport.Result) {
	return func(r *transport.Result) {
		var a accepted
		switch {
		case r.Class != transport.Done:
		case status != 0 && r.Status != status, !provider.DecodeJSON(r.Body, &a), a.RequestID == "":
			provider.Undocumented(r)
		default:
			r.ID = a.RequestID
		}
	}
}

// settle completes the receipt of a request that will be carried out later. With Config.Follow, it waits for that.
func (n *Notifier) settle(ctx context.Context, m Message, r transport.Result, receipt *mackerel.Receipt) error {
	receipt.Queued = true
	if !n.follow {
		return nil
	}
	status, result, err := n.requestStatus(ctx, r.ID)
	receipt.Attempts += result.Attempts
	if err != nil {
		return err
	}
	receipt.Queued = false
	if status.Success || m.Action == ActionClose && status.Status == noAlert {
		return nil
	}
	result.Class = transport.Invalid
	return n.Error(m.operation().name, result)
}

// decodeError reads {"message":"...","code":40301,"errors":{"field":"..."}}, and the status of a request that was not
// carried out.
func decodeError(status int, body []byte) (code, message string) {
	if status == http.StatusOK {
		s, _ := decodeStatus(body)
		return "", s.Status
	}
	var e struct {
		Message string            `json:"message"`
		Code    int               `json:"code"`
		Errors  map[string]string `json:"errors"`
	}
	if !provider.DecodeJSON(body, &e) {
		return "", ""
	}
	if e.Code != 0 {
		code = strconv.Itoa(e.Code)
	}
	words := []string{e.Message}
	for _, field := range slices.Sorted(maps.Keys(e.Errors)) {
		words = append(words, field+": "+e.Errors[field])
	}
	return code, provider.Join(" ", words...)
}

// RequestStatus asks for the status of a request up to followAttempts times, followInterval apart.
const (
	followAttempts = 10
	followInterval = time.Second
)

// A RequestStatus is the outcome of a request that was accepted.
type RequestStatus struct {
	Action      string
	Success     bool
	Status      string
	AlertID     string
	Alias       string
	ProcessedAt time.Time
}

// noAlert is the Status of a request for an alert that is not open. A close that finds no alert has nothing to do.
const noAlert = "Alert does not exist"

// RequestStatus waits for the status of a request. If there is no status in time, the error is
// [mackerel.ErrUnavailable].
func (n *Notifier) RequestStatus(ctx context.Context, requestID string) (RequestStatus, error) {
	s, _, err := n.requestStatus(ctx, requestID)
	return s, err
}

func (n *Notifier) requestStatus(ctx context.Context, requestID string) (RequestStatus, transport.Result, error) {
	const op = "get request status"
	var s RequestStatus
	if n.base == nil {
		return s, transport.Result{}, provider.NotMade(n.Name)
	}
	u, ok := transport.Join(n.base, "alerts", "requests", requestID)
	if !ok {
		return s, transport.Result{}, n.Invalid(op, "requestID: must be the ID of a receipt")
	}
	r, err := n.poll.Do(ctx, transport.Request{
		Op: op, Method: http.MethodGet, URL: u, Header: n.header(), Repeat: transport.Replay,
		Judge: judgeStatus(&s), Wait: followWait,
	})
	clean := n.Transport().Clean()
	for _, text := range []*string{&s.Action, &s.Status, &s.AlertID, &s.Alias} {
		*text = clean.Line(*text)
	}
	return s, r, err
}

// judgeStatus decodes a status. A 404 means that the request was not carried out yet.
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
		return followInterval
	}
	return 0
}

// decodeStatus reads {"data":{"isSuccess":true,"status":"...",...}}. The REST API of Jira Service Management documents
// the status without "data" around it, so decodeStatus reads that too.
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
	if !provider.DecodeJSON(body, &answer) {
		return RequestStatus{}, false
	}
	w := answer.Data
	if w.IsSuccess == nil {
		w = answer.wire
	}
	if w.IsSuccess == nil {
		return RequestStatus{}, false
	}
	processed, _ := time.Parse(time.RFC3339, w.ProcessedAt) // a status without a time is still a status
	return RequestStatus{w.Action, *w.IsSuccess, w.Status, w.AlertID, w.Alias, processed}, true
}
