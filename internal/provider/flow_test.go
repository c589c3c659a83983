package provider_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A note is the message of a service that takes plain text.
type note struct{ mention, text, key string }

// A board is such a service: it refuses what it is told to refuse, and keeps what it was sent.
type board struct {
	refuse string
	got    []string
}

func (b *board) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	b.got = append(b.got, string(body))
	if b.refuse != "" && strings.Contains(string(body), b.refuse) {
		return response(400, "E1: "+b.refuse), nil
	}
	return response(200, "id-"+token), nil
}

// flow returns the way to a board, with everything set that may be.
func (b *board) flow(edit func(*note, mackerel.Alert) error) *provider.Flow[note] {
	f := &provider.Flow[note]{
		Service: provider.Service{Name: "board", DecodeError: func(_ int, body []byte) (string, string) { return "", string(body) }},
		Skip:    provider.ByLevel(mackerel.LevelCritical),
		Message: func(a mackerel.Alert) note { return note{mention: "@all", text: a.Message} },
		Edit:    edit,
		Key:     func(ctx context.Context, m *note) { m.key = fmt.Sprintf("%x", provider.DeliveryKey(ctx, "board")) },
		Render: func(r *transport.Request, m note, c *provider.Cutter) error {
			if m.text == "" {
				return errors.New("Text: required")
			}
			r.Body = []byte(m.mention + " " + m.text)
			c.Items("text", 2, 1)
			return nil
		},
		Again: func(m note, r transport.Result) (note, mackerel.Cut, bool) {
			m.mention = ""
			return m, mackerel.Cut{Field: "mention"}, strings.Contains(string(r.Body), "@all")
		},
		Settle: func(_ context.Context, m note, r transport.Result, receipt *mackerel.Receipt) error {
			receipt.ID, receipt.Queued = string(r.Body)+m.key, true
			return nil
		},
	}
	f.Connect(mackerel.CallOptions{Client: &http.Client{Transport: b}}, mackerel.AtLeastOnce, token)
	f.Request = func() transport.Request {
		return transport.Request{Op: "post", Method: http.MethodPost, URL: &url.URL{Scheme: "http", Host: "board.test"}, Repeat: transport.Message}
	}
	return f
}

var critical = mackerel.Alert{Status: mackerel.StatusCritical, Message: "disk full"}

func TestADeliveredAlert(t *testing.T) {
	b := new(board)
	r, err := b.flow(nil).Deliver(mackerel.WithDeliveryID(t.Context(), "1"), critical)
	check(t, "error", err, nil)
	check(t, "sent", strings.Join(b.got, "|"), "@all disk full")
	check(t, "the id without its secret and with the key", strings.HasPrefix(r.ID, "id-[redacted]") && len(r.ID) == len("id-[redacted]")+32, true)
	check(t, "receipt", fmt.Sprint(r.Provider, r.Queued, r.Attempts, len(r.Cuts)), "boardtrue 1 1")
}

func TestASkippedAlert(t *testing.T) {
	b := new(board)
	f := b.flow(func(*note, mackerel.Alert) error { t.Error("Edit is called"); return nil })
	warning := mackerel.Alert{Status: mackerel.StatusWarning, Message: "x"}
	r, err := f.Deliver(t.Context(), warning)
	check(t, "error", err, nil)
	check(t, "receipt", fmt.Sprint(r), fmt.Sprint(mackerel.Receipt{Provider: "board", Skipped: "a warning, and the level is critical only"}))
	p, err := f.Preview(warning)
	check(t, "preview", fmt.Sprint(p, err), fmt.Sprint(&mackerel.Preview{Skipped: r.Skipped}, nil))
	check(t, "requests", len(b.got), 0)
}

func TestEdit(t *testing.T) {
	broken := errors.New("no template for " + token)
	for _, tt := range []struct {
		name    string
		err     error
		sent    string
		skipped string
		kind    error
	}{
		{"changes the message", nil, "was @all disk full", "", nil},
		{"leaves the alert out", mackerel.ErrSkip, "", "skipped by Edit", nil},
		{"leaves the alert out and says why", fmt.Errorf("%w: a test of %s", mackerel.ErrSkip, token), "", "skipped by Edit: a test of [redacted]", nil},
		{"fails", broken, "", "", mackerel.ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := new(board)
			calls := 0
			f := b.flow(func(m *note, _ mackerel.Alert) error {
				calls++
				m.mention = "was " + m.mention
				return tt.err
			})
			r, err := f.Deliver(t.Context(), critical)
			check(t, "sent", strings.Join(b.got, "|"), tt.sent)
			check(t, "skipped", r.Skipped, tt.skipped)
			check(t, "kind", errors.Is(err, mackerel.ErrInvalid), tt.kind != nil)
			check(t, "cause", errors.Is(err, broken), tt.kind != nil)
			check(t, "calls", calls, 1)
			p, err := f.Preview(critical)
			check(t, "error of the preview", errors.Is(err, broken), tt.kind != nil)
			if err == nil {
				check(t, "skipped by the preview", p.Skipped, tt.skipped)
			}
			check(t, "calls after the preview", calls, 2)
			_, err = f.Send(t.Context(), note{text: "by hand"})
			check(t, "error of Send", err, nil)
			check(t, "calls after Send", calls, 2)
		})
	}
}

func TestAMessageThatCannotBeSent(t *testing.T) {
	b := new(board)
	r, err := b.flow(nil).Deliver(t.Context(), mackerel.Alert{Status: mackerel.StatusCritical})
	check(t, "provider of the receipt", r.Provider, "board")
	check(t, "words", err.Error(), "board: post: Text: required (invalid request)")
	_, err = b.flow(nil).Preview(mackerel.Alert{})
	check(t, "words of the preview", err.Error(), "board: post: Text: required (invalid request)")
	check(t, "requests", len(b.got), 0)
}

func TestARefusedMessageIsSentOnceMoreInAnotherForm(t *testing.T) {
	b := &board{refuse: "@all"}
	var attempts []mackerel.Attempt
	f := b.flow(nil)
	f.Connect(mackerel.CallOptions{Client: &http.Client{Transport: b}, MaxAttempts: 1, OnAttempt: func(_ context.Context, a mackerel.Attempt) {
		attempts = append(attempts, a)
	}}, mackerel.AtMostOnce)
	r, err := f.Deliver(t.Context(), critical)
	check(t, "error", err, nil)
	check(t, "sent", strings.Join(b.got, "|"), "@all disk full| disk full")
	check(t, "attempts", r.Attempts, 2)
	check(t, "cuts", r.Cuts[1].Field, "mention")
	check(t, "the first is not the last", attempts[0].Last, false)
	check(t, "the second is", attempts[1].Last, true)

	b.refuse, b.got = "disk", nil
	_, err = f.Deliver(t.Context(), critical)
	check(t, "kind", errors.Is(err, mackerel.ErrInvalid), true)
	check(t, "sent without another form", strings.Join(b.got, "|"), "@all disk full")

	b.refuse, b.got = "@all", nil
	f.Again = func(note, transport.Result) (note, mackerel.Cut, bool) { return note{}, mackerel.Cut{}, true }
	_, err = f.Deliver(t.Context(), critical)
	check(t, "error", errors.Is(err, mackerel.ErrInvalid), true)
	check(t, "another form that cannot be sent", strings.Join(b.got, "|"), "@all disk full")
}

func TestAReceiptCountsTheTimeOfSettling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(board).flow(nil)
		f.Settle = func(context.Context, note, transport.Result, *mackerel.Receipt) error {
			time.Sleep(time.Minute)
			return nil
		}
		r, err := f.Deliver(t.Context(), critical)
		check(t, "error", err, nil)
		check(t, "duration", r.Duration, time.Minute)
	})
}

func TestACallOfTheServicesOwn(t *testing.T) {
	b := new(board)
	f := b.flow(nil)
	f.Service = f.As("board.Notifier(1)")
	f.Call = func(_ context.Context, r transport.Request) (transport.Result, error) {
		return transport.Result{Body: []byte(r.Notifier), Attempts: 7}, nil
	}
	r, err := f.Deliver(t.Context(), critical)
	check(t, "error", err, nil)
	check(t, "notifier of the request", strings.HasPrefix(r.ID, "board.Notifier(1)"), true)
	check(t, "attempts", r.Attempts, 7)
	check(t, "requests of the service", len(b.got), 0)
}

func TestASuccessThatFailsAfterwards(t *testing.T) {
	f := new(board).flow(nil)
	f.Settle = func(_ context.Context, _ note, _ transport.Result, r *mackerel.Receipt) error {
		r.Attempts += 2
		return io.ErrUnexpectedEOF
	}
	r, err := f.Deliver(t.Context(), critical)
	check(t, "error", errors.Is(err, io.ErrUnexpectedEOF), true)
	check(t, "attempts", r.Attempts, 3)
}

func TestAFlowThatNoConstructorHasMade(t *testing.T) {
	var f provider.Flow[note]
	_, err := f.Deliver(t.Context(), critical)
	check(t, "error of Deliver", errors.Is(err, mackerel.ErrConfig), true)
	_, err = f.Send(t.Context(), note{})
	check(t, "error of Send", errors.Is(err, mackerel.ErrConfig), true)
	p, err := f.Preview(critical)
	check(t, "error of Preview", p == nil && errors.Is(err, mackerel.ErrConfig), true)
}

func TestAFlowWithNothingMoreThanItNeeds(t *testing.T) {
	b := new(board)
	f := b.flow(nil)
	f.Key, f.Again, f.Settle = nil, nil, nil
	r, err := f.Deliver(t.Context(), critical)
	check(t, "receipt", fmt.Sprint(r.Provider, r.ID, r.Queued, r.Attempts, err), "boardfalse 1 <nil>")
	b.refuse = "disk"
	_, err = f.Deliver(t.Context(), critical)
	check(t, "error of a refusal", errors.Is(err, mackerel.ErrInvalid), true)
	check(t, "requests", len(b.got), 2)
}

func TestAMessageThatIsNotSentByHTTP(t *testing.T) {
	b := new(board)
	f := b.flow(nil)
	f.Post = func(_ context.Context, m note) (mackerel.Receipt, error) {
		return mackerel.Receipt{ID: "post " + m.text}, nil
	}
	f.Show = func(m note) (*mackerel.Preview, error) {
		return &mackerel.Preview{Requests: []mackerel.PreviewRequest{{Body: "show " + m.text}}}, nil
	}
	r, err := f.Deliver(t.Context(), critical)
	check(t, "error", err, nil)
	check(t, "receipt", r.ID, "post disk full")
	p, err := f.Preview(critical)
	check(t, "error of the preview", err, nil)
	check(t, "preview", p.Requests[0].Body, "show disk full")
	check(t, "requests", len(b.got), 0)
}

func TestDeliveryKeys(t *testing.T) {
	one := mackerel.WithDeliveryID(t.Context(), "1")
	key := provider.DeliveryKey(one, "line", "token", "U1")
	check(t, "the same delivery", provider.DeliveryKey(one, "line", "token", "U1"), key)
	for name, other := range map[string][16]byte{
		"another delivery":        provider.DeliveryKey(mackerel.WithDeliveryID(t.Context(), "2"), "line", "token", "U1"),
		"another notifier":        provider.DeliveryKey(one, "line", "token", "U2"),
		"the parts run on":        provider.DeliveryKey(one, "line", "tokenU", "1"),
		"no id":                   provider.DeliveryKey(t.Context(), "line", "token", "U1"),
		"no id a second time":     provider.DeliveryKey(t.Context(), "line", "token", "U1"),
		"an id that is empty":     provider.DeliveryKey(mackerel.WithDeliveryID(t.Context(), ""), "line", "token", "U1"),
		"the id and no parts":     provider.DeliveryKey(one),
		"the parts change places": provider.DeliveryKey(one, "token", "line", "U1"),
	} {
		if other == key {
			t.Errorf("%s: the key is the same", name)
		}
	}
	if a, b := provider.DeliveryKey(t.Context()), provider.DeliveryKey(t.Context()); a == b {
		t.Error("two random keys are the same")
	}
}

func TestClosingKeys(t *testing.T) {
	for _, a := range []mackerel.Alert{
		{ID: "5"}, {Monitor: mackerel.Monitor{ID: "3"}, Message: "m"}, {Host: &mackerel.Host{Name: "app01"}}, {Group: &mackerel.AlertGroup{Name: "db"}},
	} {
		if key := provider.ClosingKey(a); key == "" || key != a.Key() {
			t.Errorf("%+v: got %q", a, key)
		}
	}
	for _, a := range []mackerel.Alert{{}, {Message: "m"}, {Host: &mackerel.Host{}, Message: "another"}} {
		if key := provider.ClosingKey(a); key != "" {
			t.Errorf("%+v: got %q", a, key)
		}
	}
}

func TestByLevel(t *testing.T) {
	for _, tt := range []struct {
		name  string
		level mackerel.Level
		alert mackerel.Alert
		skip  bool
	}{
		{"a warning at every level", mackerel.LevelAll, mackerel.Alert{Status: "warning"}, false},
		{"a warning without a level", "", mackerel.Alert{Status: "warning"}, false},
		{"a warning at critical", mackerel.LevelCritical, mackerel.Alert{Status: "warning"}, true},
		{"a warning in capitals", mackerel.LevelCritical, mackerel.Alert{Event: mackerel.EventAlert, Status: "WARNING"}, true},
		{"a warning of a group", mackerel.LevelCritical, mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "warning"}, true},
		{"a digest of warnings", mackerel.LevelCritical, mackerel.Alert{Event: mackerel.EventDigest, Status: "Warning"}, true},
		{"a digest of events", mackerel.LevelCritical, mackerel.Alert{Event: mackerel.EventDigest}, false},
		{"critical", mackerel.LevelCritical, critical, false},
		{"unknown", mackerel.LevelCritical, mackerel.Alert{Status: "unknown"}, false},
		{"no status", mackerel.LevelCritical, mackerel.Alert{}, false},
		{"ok", mackerel.LevelCritical, mackerel.Alert{Status: "ok"}, false},
		{"a status that is new", mackerel.LevelCritical, mackerel.Alert{Status: "severe"}, false},
		{"an event without a status", mackerel.LevelCritical, mackerel.Alert{Event: mackerel.EventHostStatus, Status: "warning"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, "skipped", provider.ByLevel(tt.level)(tt.alert) != "", tt.skip)
		})
	}
}

func TestIncidents(t *testing.T) {
	over := time.Unix(1, 0)
	for _, tt := range []struct {
		name     string
		level    mackerel.Level
		keepOpen bool
		alert    mackerel.Alert
		want     string
	}{
		{"an alert is sent", "", false, mackerel.Alert{Status: "CRITICAL"}, ""},
		{"an alert group is sent", mackerel.LevelAll, false, mackerel.Alert{Event: mackerel.EventAlertGroup, Status: "WARNING"}, ""},
		{"a warning is not sent at critical", mackerel.LevelCritical, false, mackerel.Alert{Status: "WARNING"}, "a warning, and the level is critical only"},
		{"an unknown is sent at critical", mackerel.LevelCritical, false, mackerel.Alert{}, ""},
		{"a recovery is sent at critical", mackerel.LevelCritical, false, mackerel.Alert{Status: "OK"}, ""},
		{"a warning that is over is a recovery", mackerel.LevelCritical, false, mackerel.Alert{Status: "WARNING", ClosedAt: over}, ""},
		{"a recovery is not sent if incidents are kept open", "", true, mackerel.Alert{Status: "ok"}, "the alert is over, and what it opened is kept open"},
		{"an open alert is sent if incidents are kept open", "", true, mackerel.Alert{Status: "critical"}, ""},
		{"a digest is no alert", "", false, mackerel.Alert{Event: mackerel.EventDigest, Status: "critical"}, "a digest, and the service needs each alert by itself"},
		{"a host's change is no alert", "", false, mackerel.Alert{Event: mackerel.EventHostStatus, Status: "ok"}, `the event "hostStatus", and the service takes only alerts`},
		{"a newer event is no alert", "", true, mackerel.Alert{Event: "rain"}, `the event "rain", and the service takes only alerts`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, "skipped", provider.Incidents(tt.level, tt.keepOpen)(tt.alert), tt.want)
		})
	}
}

func TestPerStatus(t *testing.T) {
	table := provider.PerStatus[string]{OK: "o", Warning: "w", Critical: "c", Unknown: "u", Other: "-"}
	for want, a := range map[string]mackerel.Alert{
		"o": {Status: "OK"}, "w": {Status: "warning"}, "c": {Event: mackerel.EventAlertGroup, Status: "CRITICAL"}, "u": {}, "-": {Status: "muted"},
	} {
		check(t, want, table.Of(a), want)
	}
	check(t, "an alert that was closed by hand", table.Of(mackerel.Alert{Status: "ok", Trigger: "manual"}), "-")
	byStatus := provider.ByStatus(map[mackerel.Status]string{"CRITICAL": "c", "Warning": "w"})
	check(t, "by status", byStatus[mackerel.StatusCritical]+byStatus[mackerel.StatusWarning], "cw")
	check(t, "an event without a status", table.Of(mackerel.Alert{Event: mackerel.EventHostStatus, Status: "ok"}), "-")
}
