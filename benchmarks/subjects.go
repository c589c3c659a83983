package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/pagerduty"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/webhook"
)

// A send sends one message.
type send func(context.Context) error

// A subject is one way to send an alert. It sends with its default client.
type subject struct {
	name string
	// open makes a send to the server with this base URL.
	open func(base string) (send, error)
}

// The names of the subjects that budgets ask for.
const (
	chatworkNotify  = "chatwork"
	hipchatNotify   = "hipchat"
	slackNotify     = "slack"
	pagerdutyNotify = "pagerduty"
	webhookNotify   = "webhook"
	slackPaced      = "slack, paced"
	chatworkSend    = "chatwork Send"
	webhookSend     = "webhook Send"
)

// fast makes calls without a pace: at the documented pace of a service a benchmark would take hours.
var fast = mackerel.CallOptions{Pace: mackerel.Unpaced}

// roomy has all the work of a pace, but a pace that is never reached.
var roomy = mackerel.CallOptions{Pace: mackerel.Pace{N: 10_000, Per: time.Millisecond}}

// ours are this module's ways to send.
var ours = []subject{
	{chatworkNotify, func(base string) (send, error) { return notifying(newChatwork(base, 1, fast)) }},
	{hipchatNotify, func(base string) (send, error) { return notifying(newHipChat(base, 1, fast)) }},
	{slackNotify, func(base string) (send, error) { return notifying(newSlack(base, 1, fast)) }},
	{pagerdutyNotify, func(base string) (send, error) { return notifying(newPagerDuty(base, 1, fast)) }},
	{webhookNotify, func(base string) (send, error) { return notifying(newWebhook(base, 1, fast)) }},
	{slackPaced, func(base string) (send, error) { return notifying(newSlack(base, 2, roomy)) }},
	{chatworkSend, func(base string) (send, error) {
		n, err := newChatwork(base, 3, fast)
		m := chatwork.DefaultMessage(alert(), mackerel.Text{})
		return func(ctx context.Context) error { _, err := n.Send(ctx, m); return err }, err
	}},
	{webhookSend, func(base string) (send, error) {
		n, err := newWebhook(base, 2, fast)
		m := webhook.DefaultMessage(alert())
		return func(ctx context.Context) error { _, err := n.Send(ctx, m); return err }, err
	}},
}

// alert is the alert that everything sends: a host's CPU is critical, received from Mackerel.
func alert() mackerel.Alert { return sample.Alerts()[0].Alert }

// notifying makes each send deliver the alert, with everything that this takes: it checks, renders, sends and judges.
func notifying[N mackerel.Notifier](n N, err error) (send, error) {
	a := alert()
	return func(ctx context.Context) error { return n.Notify(ctx, a) }, err
}

// The functions below make a notifier for the destination with this number.

func newChatwork(base string, number int, call mackerel.CallOptions) (*chatwork.Notifier, error) {
	return chatwork.New(chatwork.Config{
		Token: mackerel.NewSecret(fmt.Sprintf("benchmark-%d", number)), RoomID: int64(number),
		BaseURL: base + "/chatwork/v2", Call: call,
	})
}

func newHipChat(base string, number int, call mackerel.CallOptions) (*hipchat.Notifier, error) {
	return hipchat.New(hipchat.Config{
		Token: mackerel.NewSecret(fmt.Sprintf("benchmark-%d", number)), Room: fmt.Sprint(number),
		BaseURL: base + "/hipchat", Call: call,
	})
}

func newSlack(base string, number int, call mackerel.CallOptions) (*slack.Notifier, error) {
	url := fmt.Sprintf("%s/slack/services/T0/B0/benchmark%d", base, number)
	return slack.New(slack.Config{URL: mackerel.NewSecret(url), Call: call})
}

func newPagerDuty(base string, number int, call mackerel.CallOptions) (*pagerduty.Notifier, error) {
	return pagerduty.New(pagerduty.Config{
		RoutingKey: mackerel.NewSecret(fmt.Sprintf("%032d", number)), BaseURL: base + "/pagerduty/v2", Call: call,
	})
}

func newWebhook(base string, number int, call mackerel.CallOptions) (*webhook.Notifier, error) {
	url := fmt.Sprintf("%s/webhook/%d", base, number)
	return webhook.New(webhook.Config{URL: mackerel.NewSecret(url), Call: call})
}

// A posted is a request that a subject has made.
type posted struct {
	method, path string
	header       http.Header
	body         []byte
}

// record returns the request that a subject makes.
func record(s subject) (posted, error) {
	requests := make(chan posted, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := posted{method: r.Method, path: r.URL.RequestURI(), header: r.Header.Clone()}
		p.body, _ = io.ReadAll(r.Body) // the subject reports what goes wrong
		r.Body = http.NoBody
		select {
		case requests <- p:
		default: // only the first request is asked for
		}
		answer(w, r)
	}))
	defer server.Close()
	f, err := s.open(server.URL)
	if err == nil {
		err = f(context.Background())
	}
	if err != nil {
		return posted{}, fmt.Errorf("%s: %w", s.name, err)
	}
	p := <-requests
	for _, own := range []string{"Content-Length", "Accept-Encoding"} {
		p.header.Del(own) // net/http sets them
	}
	return p, nil
}

// rawClient is what a careful program uses: it has a timeout, and keeps as many connections as this module.
var rawClient = &http.Client{
	Timeout:   10 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 128, ForceAttemptHTTP2: true},
}

// raw posts a prepared request with net/http and reads the answer to its end. No client of HTTP can do with less.
func raw(base string, p posted) send {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, p.method, base+p.path, bytes.NewReader(p.body))
		if err != nil {
			return err
		}
		req.Header = p.header
		resp, err := rawClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.ReadAll(resp.Body); err != nil {
			return err
		}
		if resp.StatusCode < 200 || resp.StatusCode > 299 {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return nil
	}
}
