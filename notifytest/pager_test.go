package notifytest_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
)

// A Pager is a notifier for a service that this module does not know, written with nothing of the module that is not
// public. It pages whoever is on call.
type Pager struct {
	BaseURL     string
	Key         mackerel.Secret
	Client      *http.Client
	Delivery    mackerel.Delivery // AtLeastOnce unless set
	MaxAttempts int
}

// The limits of the service, and of a caller's patience.
const (
	maxPageRunes   = 1000
	maxAnswerBytes = 64 << 10
	attemptTimeout = 10 * time.Second
	maxPagerWait   = 15 * time.Second
)

type page struct {
	ID   string `json:"id"` // the same at every attempt
	Text string `json:"text"`
}

// Notify pages.
func (p *Pager) Notify(ctx context.Context, a mackerel.Alert) error {
	_, err := p.Deliver(ctx, a)
	return err
}

// Deliver pages and says what came of it.
func (p *Pager) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	start := time.Now()
	text, cuts := pageText(a)
	body, err := json.Marshal(page{rand.Text(), text})
	if err != nil {
		return mackerel.Receipt{}, err
	}
	c := &paging{Pager: p, body: body, mode: p.Delivery}
	if c.mode == 0 {
		c.mode = mackerel.AtLeastOnce
	}
	err = c.run(ctx)
	return mackerel.Receipt{Provider: "pager", Attempts: c.attempts, Duration: time.Since(start), Cuts: cuts}, err
}

// Preview shows what Deliver would send.
func (p *Pager) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	text, cuts := pageText(a)
	body, err := json.Marshal(page{"{id}", text})
	if err != nil {
		return nil, err
	}
	return &mackerel.Preview{Cuts: cuts, Requests: []mackerel.PreviewRequest{{
		Method: http.MethodPost, URL: p.BaseURL + "/page", Body: string(body),
		Header: http.Header{"Authorization": {"Bearer [redacted]"}, "Content-Type": {"application/json"}},
	}}}, nil
}

// pageText puts the link before what may be long.
func pageText(a mackerel.Alert) (string, []mackerel.Cut) {
	text := strings.ToValidUTF8(fmt.Sprintf("%s %.200s\n%s\n%s", a.Status.Label(), a.URL, a.Title(), a.Message), "?")
	from := utf8.RuneCountInString(text)
	if from <= maxPageRunes {
		return text, nil
	}
	cut := mackerel.Cut{Field: "text", Unit: "runes", From: from, To: maxPageRunes}
	return string([]rune(text)[:maxPageRunes]), []mackerel.Cut{cut}
}

// paging is one call with all its attempts, and what is known of the last one.
type paging struct {
	*Pager
	body     []byte
	mode     mackerel.Delivery
	attempts int
	lost     bool // one of them may have been carried out
	status   int
	wait     time.Duration
	kind     error
	cause    error
}

func (c *paging) run(ctx context.Context) error {
	for {
		if c.kind != nil && c.lost {
			c.kind = mackerel.ErrAmbiguous
		}
		if ctx.Err() != nil {
			c.kind, c.cause = cmp.Or(c.kind, mackerel.ErrUnavailable), contextError(ctx)
			return c.err()
		}
		if c.kind != nil && !c.worthwhile(ctx) {
			return c.err()
		}
		if c.kind != nil && !sleep(ctx, cmp.Or(c.wait, time.Second)) {
			continue
		}
		c.attempts++
		if c.attempt(ctx); c.kind == nil {
			return nil
		}
		c.lost = c.lost || c.kind == mackerel.ErrAmbiguous
	}
}

func (c *paging) err() error {
	return &mackerel.Error{
		Provider: "pager", Op: "page", Status: c.status, RetryAfter: c.wait, Attempts: c.attempts, Delivery: c.mode,
		Kind: c.kind, Err: c.cause,
	}
}

func contextError(ctx context.Context) error {
	return fmt.Errorf("%w: %w", ctx.Err(), context.Cause(ctx))
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// worthwhile reports whether another attempt is allowed and comes soon enough.
func (c *paging) worthwhile(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	switch {
	case c.attempts >= c.MaxAttempts || c.wait > maxPagerWait:
		return false
	case bounded && time.Until(deadline) < c.wait:
		return false
	case c.kind == mackerel.ErrAmbiguous:
		return c.mode == mackerel.AtLeastOnce
	}
	return c.kind == mackerel.ErrRateLimited || c.kind == mackerel.ErrUnavailable
}

// attempt makes one request. It goes through the client's transport rather than the client, which would follow
// redirects and put URLs into errors.
func (c *paging) attempt(ctx context.Context) {
	c.status, c.wait, c.cause, c.kind = 0, 0, nil, mackerel.ErrAmbiguous
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	wanted, got := false, false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { wanted = true },
		GotConn: func(httptrace.GotConnInfo) { got = true },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.BaseURL+"/page", bytes.NewReader(c.body))
	if err != nil {
		c.kind, c.cause = mackerel.ErrInvalid, errors.New("the base URL is invalid")
		return
	}
	r.Header.Set("Authorization", "Bearer "+c.Key.Reveal())
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.Client.Transport.RoundTrip(r)
	if err != nil {
		c.cause = errors.New("no answer")
		if wanted && !got {
			c.kind, c.cause = mackerel.ErrUnavailable, errors.New("no connection")
		}
		return
	}
	defer resp.Body.Close()
	c.judge(resp)
}

func (c *paging) judge(resp *http.Response) {
	c.status, c.kind = resp.StatusCode, kind(resp.StatusCode)
	var answer struct {
		Accepted bool `json:"accepted"`
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	switch {
	case c.kind == nil && (err != nil || json.Unmarshal(body, &answer) != nil || !answer.Accepted):
		c.kind, c.cause = mackerel.ErrAmbiguous, errors.New("the answer is not the documented one")
	case c.kind == mackerel.ErrRateLimited || c.kind == mackerel.ErrAmbiguous:
		c.wait = retryAfter(resp.Header.Get("Retry-After"))
	}
}

func kind(status int) error {
	switch status {
	case 401, 402, 403, 407:
		return mackerel.ErrUnauthorized
	case 404, 410:
		return mackerel.ErrNotFound
	case 408:
		return mackerel.ErrUnavailable
	case 429:
		return mackerel.ErrRateLimited
	case 501, 505:
		return mackerel.ErrUnsupported
	}
	switch status / 100 {
	case 2:
		return nil
	case 3, 4:
		return mackerel.ErrInvalid
	}
	return mackerel.ErrAmbiguous
}

func retryAfter(value string) time.Duration {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if t, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}
