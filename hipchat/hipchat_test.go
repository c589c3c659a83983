package hipchat_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

func TestNewReportsAllProblems(t *testing.T) {
	_, err := hipchat.New(hipchat.Config{
		From:     strings.Repeat("障", 65),
		Mentions: map[mackerel.Status][]string{"critical": {"@", "two words", "hana@ko"}, "ok": {"\n"}},
		Level:    "loud", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{Timeout: -1},
	})
	wantContains(t, asError(t, err, mackerel.ErrConfig).Message,
		"Token: required", "BaseURL: required", "Room: empty", "From: 65 characters", "Mentions[critical]: ", "Mentions[ok]: ", "Level: ",
		"Text.Language: ", "Timeout: ")
}

func TestRoomsThatCannotBeConfigured(t *testing.T) {
	for _, room := range []string{"", ".", "..", strings.Repeat("障", hipchat.MaxRoom+1)} {
		_, err := hipchat.New(hipchat.Config{Client: newClient(t, newServer(t), hipchattest.Token), Room: room})
		wantContains(t, asError(t, err, mackerel.ErrConfig).Message, "Room: ")
	}
	if _, err := hipchat.New(hipchat.Config{
		Client: newClient(t, newServer(t), hipchattest.Token), Room: strings.Repeat("障", hipchat.MaxRoom),
	}); err != nil {
		t.Error(err)
	}
}

func TestNewWithASharedClient(t *testing.T) {
	s := newServer(t)
	s.AddRoom(2, "dev")
	c := newClient(t, s, hipchattest.Token)
	for _, room := range []string{"ops", "dev"} {
		n, err := hipchat.New(hipchat.Config{Client: c, Room: room})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Notify(t.Context(), mackerel.Alert{Status: mackerel.StatusOK}); err != nil {
			t.Error(err)
		}
		if got := n.String(); got != "hipchat room "+room {
			t.Error(got)
		}
	}
	if len(s.Messages(hipchattest.RoomID)) != 1 || len(s.Messages(2)) != 1 {
		t.Error("each room gets its message")
	}
	for _, config := range []hipchat.Config{
		{Client: c, Room: "ops", Token: mackerel.NewSecret("other-token")},
		{Client: c, Room: "ops", BaseURL: "https://hipchat.example.com"},
		{Client: c, Room: "ops", Call: mackerel.CallOptions{MaxAttempts: 1}},
	} {
		_, err := hipchat.New(config)
		wantContains(t, asError(t, err, mackerel.ErrConfig).Message, "Client: ")
	}
}

func TestConfigFromJSON(t *testing.T) {
	const text = `{"token":"t-1234567","room":"夜間","notify":{"warning":true},"mentions":{"critical":["all"]},"from":"m","card":true,
		"base_url":"https://hipchat.example.com","level":"critical","text":{"language":"ja","time_zone":"UTC"}}`
	var c hipchat.Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if _, err := hipchat.New(c); err != nil {
		t.Fatal(err)
	}
	if c.Token.Reveal() != "t-1234567" || !c.Notify["warning"] || c.Mentions["critical"][0] != "all" || !c.Card {
		t.Errorf("%+v", c)
	}
	wantMissing(t, mustJSON(t, c), "t-1234567")
	if got := mustJSON(t, hipchat.Config{Room: "ops"}); strings.Contains(got, "mentions") || strings.Contains(got, "notify") {
		t.Error(got)
	}
}

func TestLevel(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, hipchat.Config{Level: mackerel.LevelCritical})
	for status, sent := range map[mackerel.Status]bool{
		mackerel.StatusOK: true, mackerel.StatusWarning: false, mackerel.StatusCritical: true, mackerel.StatusUnknown: true,
	} {
		before := len(s.Requests())
		receipt, err := n.Deliver(t.Context(), mackerel.Alert{Status: status})
		p, previewErr := n.Preview(mackerel.Alert{Status: status})
		if err != nil || previewErr != nil {
			t.Fatal(err, previewErr)
		}
		if got := len(s.Requests()) - before; (got == 1) != sent || (receipt.Skipped == "") != sent || (p.Skipped == "") != sent || receipt.Provider != "hipchat" {
			t.Errorf("%s: %d requests, %+v", status, got, receipt)
		}
	}
}

func TestNotifyPerStatus(t *testing.T) {
	s := newServer(t)
	config := hipchat.Config{Notify: map[mackerel.Status]bool{"WARNING": true, mackerel.StatusCritical: false}}
	n := newNotifier(t, s, config)
	config.Notify[mackerel.StatusOK] = true // the notifier has its own
	for status, want := range map[mackerel.Status]bool{
		mackerel.StatusOK: false, mackerel.StatusWarning: true, mackerel.StatusCritical: false, mackerel.StatusUnknown: true,
	} {
		if err := n.Notify(t.Context(), mackerel.Alert{Status: status}); err != nil {
			t.Fatal(err)
		}
		if m := last(t, s); m.Notify != want {
			t.Errorf("%s: %v, want %v", status, m.Notify, want)
		}
	}
	if err := n.Notify(t.Context(), mackerel.Alert{Event: mackerel.EventHostRegister}); err != nil || last(t, s).Notify {
		t.Errorf("a registered host has no status: %v", err)
	}
}

func TestMentionsPerStatus(t *testing.T) {
	s := newServer(t)
	names := []string{"@all", "hanako"}
	n := newNotifier(t, s, hipchat.Config{Mentions: map[mackerel.Status][]string{"Critical": names, "unknown": {"here"}}, Card: true})
	names[0] = "changed"
	for _, c := range []struct {
		alert        mackerel.Alert
		start, shape string
	}{
		{mackerel.Alert{Status: mackerel.StatusCritical}, "@all @hanako\n[CRITICAL]", "text"},
		{mackerel.Alert{Status: mackerel.StatusOK}, "<b>[OK]", "html"},
		{mackerel.Alert{Event: mackerel.EventHostRetire, Host: &mackerel.Host{Name: "app01"}}, "<b>Host app01", "html"},
	} {
		if err := n.Notify(t.Context(), c.alert); err != nil {
			t.Fatal(err)
		}
		if m := last(t, s); !strings.HasPrefix(m.Text, c.start) || m.Format != c.shape || m.Card == nil {
			t.Errorf("%s %q %s", m.Format, m.Text, m.Card)
		}
	}
}

func TestMessageFunction(t *testing.T) {
	s := newServer(t)
	broken := errors.New("broken template")
	n := newNotifier(t, s, hipchat.Config{
		Mentions: mentionAll, Card: true,
		Message: func(a mackerel.Alert) (hipchat.Message, error) {
			if a.ID == "" {
				return hipchat.Message{}, broken
			}
			m := hipchat.DefaultMessage(a, mackerel.Text{})
			m.Mentions, m.Color, m.Card = []string{"taro"}, hipchat.ColorPurple, wholeCard()
			return m, nil
		},
	})
	if err := n.Notify(t.Context(), mackerel.Alert{ID: "5A", Status: mackerel.StatusCritical}); err != nil {
		t.Fatal(err)
	}
	if m := last(t, s); !strings.HasPrefix(m.Text, "@taro\n") || m.Color != "purple" || !strings.Contains(string(m.Card), `"題"`) {
		t.Errorf("%+v", m)
	}
	_, err := n.Deliver(t.Context(), mackerel.Alert{})
	wantKind(t, err, broken)
	if _, err = n.Preview(mackerel.Alert{}); !errors.Is(err, broken) {
		t.Error(err)
	}
	if got := len(s.Requests()); got != 1 {
		t.Errorf("%d requests", got)
	}
}

func TestReceipt(t *testing.T) {
	_, receipt := notify(t, newServer(t), hipchat.Config{}, mackerel.Alert{Status: mackerel.StatusOK})
	if receipt.Provider != "hipchat" || receipt.ID != "" || receipt.Attempts != 1 || receipt.Duration <= 0 || receipt.Queued {
		t.Errorf("%+v", receipt)
	}
}

func TestAnEmptyMessageIsRefused(t *testing.T) {
	s := newServer(t)
	_, err := newNotifier(t, s, hipchat.Config{}).Send(t.Context(), hipchat.Message{})
	wantKind(t, err, mackerel.ErrInvalid)
	if len(s.Requests()) != 0 {
		t.Error("it was sent all the same")
	}
}

func TestPreviewIsWhatIsSent(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, hipchat.Config{Card: true, From: "m"})
	a := everywhere("障害 <&>")
	p, err := n.Preview(a)
	if err != nil || len(s.Requests()) != 0 {
		t.Fatal(err, s.Requests())
	}
	if err := n.Notify(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	r := s.Requests()[0]
	if got := p.Requests[0]; got.Body != string(r.Body) || got.Method != r.Method || !strings.HasSuffix(got.URL, r.Path) ||
		got.Header.Get("Authorization") != "Bearer [redacted]" {
		t.Errorf("%+v", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, hipchat.Config{Card: true, Mentions: mentionAll, Notify: map[mackerel.Status]bool{"ok": true}})
	a := everywhere("障害")
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if err := n.Notify(t.Context(), a); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := len(s.Messages(hipchattest.RoomID)); got != 30 {
		t.Errorf("%d messages", got)
	}
}

func TestACancelledContextSendsNothing(t *testing.T) {
	s := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newNotifier(t, s, hipchat.Config{}).Notify(ctx, mackerel.Alert{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(s.Requests()) != 0 {
		t.Error("it was sent all the same")
	}
}
