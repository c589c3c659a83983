// Package opsgenieapi is the alert API that Opsgenie and Jira Service Management have in common: one wire under two
// addresses. The packages opsgenie and jsm are its two faces. Each has types of its own for it, because an alias to an
// internal type would show no fields in the documentation.
package opsgenieapi

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A Dialect is what the two services do not have in common.
type Dialect struct {
	Name    string                // as in errors and receipts
	BaseURL string                // the default
	Accepts func(status int) bool // the statuses of a request that was accepted
}

// Config is the part of the packages' configurations that needs no types of theirs.
type Config struct {
	APIKey     mackerel.Secret
	Responders []Responder
	Tags       []string
	Priorities map[mackerel.Status]Priority
	KeepOpen   bool
	Follow     bool
	BaseURL    string
	Level      mackerel.Level
	Text       mackerel.Text
	Call       mackerel.CallOptions
}

// A Notifier makes the calls of one configuration. It is safe for concurrent use.
type Notifier struct {
	dialect    Dialect
	service    provider.Service
	poll       provider.Service // more attempts, for what is not there yet
	clean      *transport.Cleaner
	base       *url.URL
	get, post  func() http.Header
	responders []Responder
	tags       []string
	priorities map[mackerel.Status]Priority
	keepOpen   bool
	follow     bool
	level      mackerel.Level
}

// New checks the configuration and reports all problems as one [mackerel.ErrConfig].
func New(d Dialect, c Config) (*Notifier, error) {
	var p provider.Problems
	p.Token("APIKey", c.APIKey)
	checkResponders(&p, c.Responders)
	checkTags(&p, c.Tags)
	for _, status := range slices.Sorted(maps.Keys(c.Priorities)) {
		if !c.Priorities[status].known() {
			p.Add("Priorities["+string(status)+"]", "not a priority, which is P1 to P5")
		}
	}
	if c.BaseURL == "" {
		c.BaseURL = d.BaseURL
	}
	base, problem := transport.ParseBase(c.BaseURL)
	p.Add("BaseURL", problem)
	p.Common(c.Level, c.Text)
	p.Call(c.Call)
	if err := p.Err(d.Name); err != nil {
		return nil, err
	}
	n := &Notifier{
		dialect: d, base: base, clean: transport.NewCleaner(c.APIKey.Reveal()), responders: slices.Clone(c.Responders),
		tags: slices.Clone(c.Tags), priorities: provider.ByStatus(c.Priorities), keepOpen: c.KeepOpen, follow: c.Follow,
		level: c.Level,
	}
	n.connect(c.Call, c.APIKey.Reveal())
	return n, nil
}

func (n *Notifier) connect(call mackerel.CallOptions, key string) {
	n.service = provider.Service{Name: n.dialect.Name, DecodeError: decodeError}
	n.service.Connect(call, mackerel.AtLeastOnce, key)
	n.poll = provider.Service{Name: n.dialect.Name, DecodeError: decodeError}
	call.MaxAttempts = FollowAttempts
	n.poll.Connect(call, mackerel.AtLeastOnce, key)
	n.get = n.service.Header("Authorization", "GenieKey "+key, "Accept", "application/json")
	n.post = n.service.Header("Authorization", "GenieKey "+key, "Accept", "application/json", "Content-Type", "application/json")
}

// Skip says why an alert is not sent, "" if it is.
func (n *Notifier) Skip(a mackerel.Alert) string {
	return provider.SkipIncident(n.level, n.keepOpen, a)
}

// Priority returns the configured priority of an alert, if there is one.
func (n *Notifier) Priority(a mackerel.Alert) (p Priority, ok bool) {
	p, ok = n.priorities[provider.Rating(a)]
	return p, ok
}

// MessageError is the error of a caller's Message function that failed.
func (n *Notifier) MessageError(err error) error { return n.service.MessageError(err) }

// Send makes the call that a message asks for and, if so configured, waits for what becomes of it.
func (n *Notifier) Send(ctx context.Context, m Message) (mackerel.Receipt, error) {
	start := time.Now()
	r, cuts, err := n.request(m)
	if err != nil {
		return n.service.Receipt(start, transport.Result{}, "", cuts), err
	}
	var id string
	r.Judge = n.judge(&id)
	result, err := n.service.Do(ctx, r)
	if err != nil {
		return n.service.Receipt(start, result, "", cuts), err
	}
	queued := true
	if n.follow {
		var attempts int
		attempts, queued, err = n.settle(ctx, m.action(), id)
		result.Attempts += attempts
	}
	receipt := n.service.Receipt(start, result, n.clean.Line(id), cuts)
	receipt.Queued = queued
	return receipt, err
}

// Preview shows the call that Send would make.
func (n *Notifier) Preview(m Message) (*mackerel.Preview, error) {
	r, cuts, err := n.request(m)
	if err != nil {
		return nil, err
	}
	return n.service.Preview(cuts, r), nil
}

// request renders a message. All but a note, and a creation without an alias, may be repeated: the service drops a
// second creation, and to close what is closed changes nothing.
func (n *Notifier) request(m Message) (r transport.Request, cuts []mackerel.Cut, err error) {
	if len(m.Responders) == 0 {
		m.Responders = n.responders
	}
	m.Tags = slices.Concat(m.Tags, n.tags)
	op := m.action().op()
	r = transport.Request{Op: op.name, Method: http.MethodPost, Header: n.post(), Repeat: transport.Replay}
	if p := m.problems(); len(p) > 0 {
		return r, nil, n.service.Invalid(r.Op, strings.Join(p, "; "))
	}
	if m.Alias == "" || m.Action == ActionAddNote {
		r.Repeat = transport.Message
	}
	path := []string{"alerts"}
	if op.path != "" {
		path = append(path, m.Alias, op.path)
	}
	var ok bool
	if r.URL, ok = transport.Join(n.base, path...); !ok {
		return r, nil, n.service.Invalid(r.Op, "Alias: cannot be part of an address")
	}
	if op.path != "" {
		r.URL.RawQuery = "identifierType=alias" // or it would be taken for an id
	}
	if r.Body, cuts, err = m.body(); err != nil {
		return r, nil, n.service.Invalid(r.Op, err.Error())
	}
	return r, cuts, nil
}

// judge accepts the documented success, which has the id of the request.
func (n *Notifier) judge(id *string) func(*transport.Result) {
	return func(r *transport.Result) {
		var answer struct {
			RequestID string `json:"requestId"`
		}
		provider.JSON(&answer)(r)
		if r.Class == transport.Done && (!n.dialect.Accepts(r.Status) || answer.RequestID == "") {
			provider.Undocumented(r)
		}
		*id = answer.RequestID
	}
}

// decodeError reads {"message":"...","code":40301,"errors":{"field":"..."}}, and the status of a request that failed.
func decodeError(status int, body []byte) (code, message string) {
	if status == http.StatusOK {
		s, _ := decodeStatus(body) // of a body that is no status there is nothing to say
		return "", s.Status
	}
	var e struct {
		Message string            `json:"message"`
		Code    int               `json:"code"`
		Errors  map[string]string `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil {
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
