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
	mode := cmp.Or(p.Delivery, mackerel.AtLeastOnce)
	c := &paging{p, &mackerel.Error{Provider: "pager", Op: "page", Delivery: mode}, body, false}
	err = c.run(ctx)
	return mackerel.Receipt{Provider: "pager", Attempts: c.Attempts, Duration: time.Since(start), Cuts: cuts}, err
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

// paging is a call with all its attempts. The error says what is known of the last attempt; its Kind is nil for a
// success.
type paging struct {
	*Pager
	*mackerel.Error
	body []byte
	lost bool // an attempt may have been carried out
}

func (c *paging) run(ctx context.Context) error {
	for {
		if c.Kind != nil && c.lost {
			c.Kind = mackerel.ErrAmbiguous
		}
		if ctx.Err() != nil {
			c.Kind, c.Err = cmp.Or(c.Kind, mackerel.ErrUnavailable), contextError(ctx)
			return c.Error
		}
		if c.Kind != nil && !c.worthwhile(ctx) {
			return c.Error
		}
		if c.Kind != nil && !sleep(ctx, cmp.Or(c.RetryAfter, time.Second)) {
			continue
		}
		c.Attempts++
		if c.attempt(ctx); c.Kind == nil {
			return nil
		}
		c.lost = c.lost || c.Kind == mackerel.ErrAmbiguous
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
	case c.Attempts >= c.MaxAttempts || c.RetryAfter > maxPagerWait:
		return false
	case bounded && time.Until(deadline) < c.RetryAfter:
		return false
	case c.Kind == mackerel.ErrAmbiguous:
		return c.Error.Delivery == mackerel.AtLeastOnce
	}
	return c.Kind == mackerel.ErrRateLimited || c.Kind == mackerel.ErrUnavailable
}

// attempt makes one request. It goes through the client's transport rather than the client, which would follow
// redirects and put URLs into errors.
func (c *paging) attempt(ctx context.Context) {
	c.Status, c.RetryAfter, c.Err, c.Kind = 0, 0, nil, mackerel.ErrAmbiguous
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	wanted, got := false, false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { wanted = true },
		GotConn: func(httptrace.GotConnInfo) { got = true },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.BaseURL+"/page", bytes.NewReader(c.body))
	if err != nil {
		c.Kind, c.Err = mackerel.ErrInvalid, errors.New("the base URL is invalid")
		return
	}
	r.Header.Set("Authorization", "Bearer "+c.Key.Reveal())
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.Client.Transport.RoundTrip(r)
	if err != nil {
		c.Err = errors.New("no answer")
		if wanted && !got {
			c.Kind, c.Err = mackerel.ErrUnavailable, errors.New("no connection")
		}
		return
	}
	defer resp.Body.Close()
	c.judge(resp)
}

func (c *paging) judge(resp *http.Response) {
	c.Status, c.Kind = resp.StatusCode, kind(resp.StatusCode)
	var answer struct {
		Accepted bool `json:"accepted"`
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	switch {
	case c.Kind == nil && (err != nil || json.Unmarshal(body, &answer) != nil || !answer.Accepted):
		c.Kind, c.Err = mackerel.ErrAmbiguous, errors.New("the answer is not as documented")
	case c.Kind == mackerel.ErrRateLimited || c.Kind == mackerel.ErrAmbiguous:
		c.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
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
