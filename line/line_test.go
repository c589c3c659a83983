package line_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/line"
	"github.com/mackerel-notify/mackerel/line/linetest"
)

var alert = mackerel.Alert{
	ID: "5A", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "CPU %"}, URL: "https://mackerel.io/orgs/x/alerts/5A",
}

// keys returns the retry keys of all requests, in order.
func keys(s *linetest.Server) []string {
	var all []string
	for _, r := range s.Requests() {
		all = append(all, r.Header.Get("X-Line-Retry-Key"))
	}
	return all
}

func TestThreeCalls(t *testing.T) {
	second := "U" + strings.Repeat("b", 32)
	for _, c := range []struct {
		name, call, label string
		config            line.Config
		to                []string
		id                bool
	}{
		{"one destination is a push", "push", "line push to " + linetest.RoomID, line.Config{To: []string{linetest.RoomID}}, []string{linetest.RoomID}, true},
		{"several users are a multicast", "multicast", "line multicast to 2 users", line.Config{To: []string{linetest.UserID, second}}, []string{linetest.UserID, second}, false},
		{"a broadcast has no destination", "broadcast", "line broadcast", line.Config{Broadcast: true}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.AddDestination(second, 1)
			n := newNotifier(t, s, c.config)
			receipt, err := n.Deliver(t.Context(), alert)
			if err != nil {
				t.Fatal(err)
			}
			d := last(t, s)
			if d.Call != c.call || strings.Join(d.To, " ") != strings.Join(c.to, " ") || n.String() != c.label {
				t.Errorf("%s to %v by %s", d.Call, d.To, n)
			}
			if (receipt.ID != "") != c.id || receipt.Provider != "line" || receipt.Attempts != 1 || receipt.Queued {
				t.Errorf("%+v", receipt)
			}
		})
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// TestALostAnswerIsAskedForAgain loses the answer to what was accepted: the repeat has the same key, and is a 409.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	for _, mode := range []mackerel.Delivery{0, mackerel.AtLeastOnce, mackerel.AtMostOnce} {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				n := newNotifier(t, s, line.Config{Call: mackerel.CallOptions{Delivery: mode}})
				s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
				receipt, err := n.Deliver(t.Context(), alert)
				if err != nil || receipt.Attempts != 2 || receipt.ID != "460000000000000001" {
					t.Errorf("%+v, %v", receipt, err)
				}
				if k := keys(s); len(k) != 2 || k[0] != k[1] || !uuid.MatchString(k[0]) {
					t.Errorf("keys: %v", k)
				}
				if len(s.Deliveries()) != 1 {
					t.Errorf("%d messages stand in the chat", len(s.Deliveries()))
				}
				if err := n.Notify(t.Context(), alert); err != nil {
					t.Fatal(err)
				}
				if k := keys(s); k[2] == k[1] {
					t.Error("the next alert has the same key")
				}
			})
		})
	}
}

// TestAnAnswerThatNeverComes is ambiguous in both modes, and the mode decides whether to call again.
func TestAnAnswerThatNeverComes(t *testing.T) {
	for mode, again := range map[mackerel.Delivery]bool{0: true, mackerel.AtLeastOnce: true, mackerel.AtMostOnce: false} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			n := newNotifier(t, s, line.Config{Call: mackerel.CallOptions{Delivery: mode}})
			s.Inject(fakehttp.Fault{Break: fakehttp.Silence, Handled: true, Times: -1})
			_, err := n.Deliver(t.Context(), alert)
			if e := asError(t, err, mackerel.ErrAmbiguous); e.Attempts != 3 {
				t.Errorf("%d attempts", e.Attempts)
			}
			if _, ok := mackerel.Retry(err); ok != again {
				t.Errorf("delivery %v: Retry says %t", mode, ok)
			}
			if len(s.Deliveries()) != 1 {
				t.Errorf("%d messages stand in the chat", len(s.Deliveries()))
			}
		})
	}
}

// TestOwnRetryKey lets a caller repeat a whole Notify.
func TestOwnRetryKey(t *testing.T) {
	const key = "123e4567-e89b-42d3-a456-426614174000"
	s := newServer(t)
	n := newNotifier(t, s, line.Config{Message: func(a mackerel.Alert) (line.Message, error) {
		m := line.DefaultMessage(a, mackerel.Text{})
		m.RetryKey = key
		return m, nil
	}})
	for range 3 {
		if receipt, err := n.Deliver(t.Context(), alert); err != nil || receipt.ID != "460000000000000001" {
			t.Fatalf("%+v, %v", receipt, err)
		}
	}
	if d := s.Deliveries(); len(d) != 1 || d[0].RetryKey != key {
		t.Errorf("%+v", d)
	}
	p, err := n.Preview(alert)
	if err != nil || p.Requests[0].Header.Get("X-Line-Retry-Key") != key {
		t.Errorf("%+v, %v", p, err)
	}
	s.Advance(24 * time.Hour)
	if err := n.Notify(t.Context(), alert); err != nil || len(s.Deliveries()) != 2 {
		t.Errorf("a day later: %v, %d messages", err, len(s.Deliveries()))
	}
}

// TestThreeMeaningsOf429 tells apart what waiting heals and what not.
func TestThreeMeaningsOf429(t *testing.T) {
	for _, c := range []struct {
		name, body string
		kind       error
		attempts   int
	}{
		{"too many requests heal", `{"message":"The API rate limit has been exceeded. Try again later."}`, mackerel.ErrRateLimited, 3},
		{"another operation ends", `{"message":"Too many concurrent operations"}`, mackerel.ErrRateLimited, 3},
		{"a body that is none may be either", `<html>`, mackerel.ErrRateLimited, 3},
		{"the month's quota does not heal", `{"message":"You have reached your monthly limit."}`, mackerel.ErrUnauthorized, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.Inject(fakehttp.Fault{Status: 429, Body: c.body, Times: -1})
				err := newNotifier(t, s, line.Config{}).Notify(t.Context(), alert)
				if e := asError(t, err, c.kind); e.Attempts != c.attempts || e.Status != 429 {
					t.Errorf("%+v", e)
				}
				if _, again := mackerel.Retry(err); again != (c.attempts > 1) {
					t.Errorf("Retry says %t", again)
				}
			})
		})
	}
}

func TestRateLimitPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}})
		start := time.Now()
		receipt, err := newNotifier(t, s, line.Config{}).Deliver(t.Context(), alert)
		if took := time.Since(start); err != nil || took != 7*time.Second || receipt.Attempts != 2 {
			t.Errorf("%+v, %v after %v", receipt, err, took)
		}
	})
}

func TestQuota(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, line.Config{})
	s.SetQuota(200, 196)
	if err := n.Notify(t.Context(), alert); err != nil { // three members
		t.Fatal(err)
	}
	q, err := n.Quota(t.Context())
	if left, limited := q.Remaining(); err != nil || q != (line.Quota{Type: "limited", Value: 200, TotalUsage: 199}) || left != 1 || !limited {
		t.Errorf("%+v, %v", q, err)
	}
	err = n.Notify(t.Context(), alert)
	if e := asError(t, err, mackerel.ErrUnauthorized); e.Message != "You have reached your monthly limit." {
		t.Error(e)
	}
	s.SetQuota(-1, 5000)
	q, err = n.Quota(t.Context())
	if left, limited := q.Remaining(); err != nil || q.Type != "none" || left != 0 || limited {
		t.Errorf("%+v, %v", q, err)
	}
	for _, r := range s.Requests() {
		if r.Method == http.MethodGet && (r.Header.Get("X-Line-Retry-Key") != "" || r.Header.Get("Content-Type") != "") {
			t.Error("reading the quota has headers of a message")
		}
	}
}

func TestQuotaFails(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, line.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
	for path, op := range map[string]string{"/v2/bot/message/quota": "get quota", "/v2/bot/message/quota/consumption": "get quota consumption"} {
		s.Inject(fakehttp.Fault{Path: path, Status: 401, Body: `{"message":"no"}`})
		_, err := n.Quota(t.Context())
		if e := asError(t, err, mackerel.ErrUnauthorized); e.Op != op {
			t.Error(e)
		}
		s.Inject(fakehttp.Fault{Path: path, Status: 200, Body: "[]"})
		_, err = n.Quota(t.Context())
		wantKind(t, err, mackerel.ErrUnavailable)
	}
}

// TestUndocumentedSuccess is none: the answer to the repeat, a 409, tells.
func TestUndocumentedSuccess(t *testing.T) {
	for _, body := range []string{"", "ok", "[]", "null", "{}", `{"sentMessages":[]}`, `{"sentMessages":[{"id":""}]}`} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			s.Inject(fakehttp.Fault{Status: 200, Body: body, Handled: true})
			receipt, err := newNotifier(t, s, line.Config{}).Deliver(t.Context(), alert)
			if err != nil || receipt.Attempts != 2 || receipt.ID == "" || len(s.Deliveries()) != 1 {
				t.Errorf("%q: %+v, %v", body, receipt, err)
			}
		})
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	s := newServer(t)
	s.Inject(fakehttp.Fault{
		Status: 400, Body: `{"message":"The request body has 2 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"},{"message":"x"}]}`,
	})
	e := asError(t, newNotifier(t, s, line.Config{}).Notify(t.Context(), alert), mackerel.ErrInvalid)
	if want := "The request body has 2 error(s): messages[0].text May not be empty; x"; e.Message != want || e.Op != "push message" {
		t.Errorf("%+v", e)
	}
	s.SetToken(linetest.Token, false)
	e = asError(t, newNotifier(t, s, line.Config{}).Notify(t.Context(), alert), mackerel.ErrUnauthorized)
	wantContains(t, e.Error(), "line: push message: 401: Authentication failed")
	s.SetToken(linetest.Token, true)
	stranger := newNotifier(t, s, line.Config{To: []string{"C" + strings.Repeat("0", 32)}})
	e = asError(t, stranger.Notify(t.Context(), alert), mackerel.ErrInvalid)
	wantContains(t, e.Error(), "Failed to send messages")
}

func TestConfigProblems(t *testing.T) {
	user := func(i int) string { return "U" + strings.Repeat("0", 29) + strconv.Itoa(100+i) }
	var many []string
	for i := range line.MaxRecipients + 1 {
		many = append(many, user(i))
	}
	for _, c := range []struct {
		name, want string
		config     line.Config
	}{
		{"a token is required", "Token: required", line.Config{To: []string{user(0)}}},
		{"a destination is required", "To: required, or Broadcast", line.Config{}},
		{"not both", "Broadcast: set together with To", line.Config{To: []string{user(0)}, Broadcast: true}},
		{"a LINE ID is no destination", "To[0]: not the id", line.Config{To: []string{"@mackerel"}}},
		{"a group is none among several", "To[1]: only users", line.Config{To: []string{user(0), linetest.GroupID}}},
		{"a user is named once", "To[1]: given twice", line.Config{To: []string{user(0), user(0)}}},
		{"501 users are too many", "To: 501 users, and at most 500", line.Config{To: many}},
		{"an unknown format", `Format: must be "flex" or "text"`, line.Config{Format: "html"}},
		{"a base URL with a query", "BaseURL: ", line.Config{BaseURL: "https://api.line.me/?x=1"}},
		{"an unknown level", "Level: ", line.Config{Level: "warning"}},
		{"a negative timeout", "Call.Timeout: ", line.Config{Call: mackerel.CallOptions{Timeout: -1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := line.New(c.config)
			wantContains(t, asError(t, err, mackerel.ErrConfig).Message, c.want)
		})
	}
	if _, err := line.New(line.Config{Token: mackerel.NewSecret("t"), To: many[1:]}); err != nil {
		t.Error(err)
	}
}

func TestLevelAndSound(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, line.Config{
		Level: mackerel.LevelCritical, NotificationDisabled: map[mackerel.Status]bool{"OK": true, mackerel.StatusCritical: false},
	})
	receipt, err := n.Deliver(t.Context(), mackerel.Alert{Status: mackerel.StatusWarning})
	if err != nil || receipt.Skipped == "" || len(s.Requests()) != 0 {
		t.Errorf("%+v, %v", receipt, err)
	}
	if p, err := n.Preview(mackerel.Alert{Status: mackerel.StatusWarning}); err != nil || p.Skipped == "" || len(p.Requests) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	for status, silent := range map[mackerel.Status]bool{mackerel.StatusOK: true, mackerel.StatusCritical: false, mackerel.StatusUnknown: false} {
		if err := n.Notify(t.Context(), mackerel.Alert{Status: status}); err != nil {
			t.Fatal(err)
		}
		if d := last(t, s); d.NotificationDisabled != silent {
			t.Errorf("%s: silent is %t", status, d.NotificationDisabled)
		}
	}
}

func TestMessageFunctionFails(t *testing.T) {
	wrong := errors.New("no template")
	s := newServer(t)
	n := newNotifier(t, s, line.Config{Message: func(mackerel.Alert) (line.Message, error) { return line.Message{}, wrong }})
	_, err := n.Preview(alert)
	for _, err := range []error{n.Notify(t.Context(), alert), err} {
		if wantKind(t, err, mackerel.ErrInvalid); !errors.Is(err, wrong) {
			t.Error(err)
		}
	}
	if len(s.Requests()) != 0 {
		t.Error("a request was made")
	}
}

func TestCancelledContext(t *testing.T) {
	s := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := newNotifier(t, s, line.Config{}).Notify(ctx, alert)
	if wantKind(t, err, mackerel.ErrUnavailable); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
