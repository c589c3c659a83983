package chatwork_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func newNotifier(t *testing.T, c chatwork.Config) (*chatworktest.Server, *chatwork.Notifier) {
	t.Helper()
	s := chatworktest.NewServer()
	t.Cleanup(s.Close)
	c.Token, c.RoomID, c.BaseURL = mackerel.NewSecret(chatworktest.Token), room, s.BaseURL()
	n, err := chatwork.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s, n
}

func TestDeliverSaysWhatCameOfIt(t *testing.T) {
	s, n := newNotifier(t, chatwork.Config{})
	r, err := n.Deliver(t.Context(), mackerel.Alert{Status: mackerel.StatusCritical, Message: "disk full"})
	if err != nil {
		t.Fatal(err)
	}
	m := s.Messages(room)[0]
	if r.Provider != "chatwork" || r.ID != m.MessageID || r.Attempts != 1 || r.Duration <= 0 || r.Skipped != "" || len(r.Cuts) != 0 {
		t.Errorf("got %+v", r)
	}
	if want := "[info][title][CRITICAL] disk full[/title][/info]"; m.Body != want {
		t.Errorf("posted %q, want %q", m.Body, want)
	}
}

func TestAWarningIsSkippedWhereOnlyCriticalCounts(t *testing.T) {
	s, n := newNotifier(t, chatwork.Config{Level: mackerel.LevelCritical})
	r, err := n.Deliver(t.Context(), mackerel.Alert{Status: "WARNING"})
	if err != nil || r.Skipped == "" || r.Attempts != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	p, err := n.Preview(mackerel.Alert{Status: "WARNING"})
	if err != nil || p.Skipped == "" || len(p.Requests) != 0 {
		t.Errorf("previewed %+v, %v", p, err)
	}
	if len(s.Requests()) != 0 {
		t.Error("a request was made")
	}
	if r, err := n.Deliver(t.Context(), mackerel.Alert{Status: mackerel.StatusOK}); err != nil || r.Skipped != "" {
		t.Errorf("ok: got %+v, %v", r, err)
	}
}

func TestMentionsStandBeforeTheBoxByStatus(t *testing.T) {
	s, n := newNotifier(t, chatwork.Config{Mentions: map[mackerel.Status]chatwork.Mention{
		"CRITICAL": {To: []int64{7, 8}}, mackerel.StatusUnknown: {All: true},
	}})
	for _, status := range []mackerel.Status{"critical", "Unknown", "ok"} {
		if err := n.Notify(t.Context(), mackerel.Alert{Status: status, Message: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"[To:7][To:8]\n[info]", "[toall]\n[info]", "[info]"} {
		if got := s.Messages(room)[i].Body; !strings.HasPrefix(got, want) {
			t.Errorf("posted %q, want it to begin with %q", got, want)
		}
	}
}

func TestAMessageFunctionHasItsWay(t *testing.T) {
	s, n := newNotifier(t, chatwork.Config{
		Mentions: map[mackerel.Status]chatwork.Mention{mackerel.StatusCritical: {All: true}},
		Message: func(a mackerel.Alert) (chatwork.Message, error) {
			if a.Message == "" {
				return chatwork.Message{}, errors.New("nothing to say")
			}
			m := chatwork.DefaultMessage(a, mackerel.Text{})
			m.Mention, m.Raw, m.Text = chatwork.Mention{To: []int64{9}}, "[code]x[/code]", "[hr]"
			return m, nil
		},
	})
	if err := n.Notify(t.Context(), mackerel.Alert{Status: "critical", Monitor: mackerel.Monitor{Name: "m"}, Message: "y"}); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Messages(room)[0].Body, "[To:9]\n[code]x[/code]\n[info][title][CRITICAL] m[/title]［hr][/info]"; got != want {
		t.Errorf("posted %q, want %q", got, want)
	}
	err := n.Notify(t.Context(), mackerel.Alert{})
	if !errors.Is(err, mackerel.ErrInvalid) || !strings.Contains(err.Error(), "nothing to say") {
		t.Errorf("got %v", err)
	}
}

func TestNoTextCallsAnybodyOrLeavesItsBox(t *testing.T) {
	s, n := newNotifier(t, chatwork.Config{})
	for _, evil := range []string{"[toall]", "[To:1]", "[/title][toall]", "[/info][rp aid=1 to=2-3]", "[code]", "[qt][qtmeta aid=1]", "[返信 aid=1 to=2-3]", "x\r\n[toall]\u202e"} {
		a := mackerel.Alert{
			ID: evil, Status: mackerel.Status(evil), Org: evil, URL: "https://example.com/" + evil, Message: evil, ImageURL: evil, Trigger: evil, Reason: evil,
			Monitor: mackerel.Monitor{Name: evil, Memo: evil}, Facts: []mackerel.Fact{{Label: evil, Value: evil}},
			Host: &mackerel.Host{Name: evil, Status: evil, Roles: []mackerel.Role{{FullName: evil}}}, Service: &mackerel.Service{Name: evil},
			User: &mackerel.User{ScreenName: evil}, Metric: &mackerel.Metric{Label: evil, Value: new(float64)},
		}
		if err := n.Notify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		messages := s.Messages(room)
		body := messages[len(messages)-1].Body
		if got := strings.Join(chatworktest.Tags(body), ""); got != "[info][title][/title][hr][/info]" {
			t.Errorf("%q leaves the tags %s in %q", evil, got, body)
		}
		s.Advance(chatwork.RoomWindow)
	}
}

func TestALongAlertIsCutAndSaysSo(t *testing.T) {
	for _, unit := range []string{"a", "障", "👨‍👩‍👧‍👦", "[toall]", "[/info]"} {
		s, n := newNotifier(t, chatwork.Config{})
		long := strings.Repeat(unit, 70000/len(unit))
		for _, tt := range []struct {
			name  string
			alert mackerel.Alert
			cut   string
		}{
			{"memo", mackerel.Alert{URL: "https://example.com/a", Message: "why", Monitor: mackerel.Monitor{Name: "name", Memo: long}}, "memo"},
			{"message", mackerel.Alert{URL: "https://example.com/a", Message: long, Monitor: mackerel.Monitor{Name: "name", Memo: long}}, "memo text"},
			{"everything", mackerel.Alert{URL: "https://example.com/a", Org: long, Message: long, Monitor: mackerel.Monitor{Name: long, Memo: long}}, "memo text facts title"},
		} {
			r, err := n.Deliver(t.Context(), tt.alert)
			if err != nil {
				t.Fatalf("%s of %q: %v", tt.name, unit, err)
			}
			messages := s.Messages(room)
			body := messages[len(messages)-1].Body
			if len(body) > chatwork.MaxBody || len(body) < chatwork.MaxBody-2*len(unit)-8 || !utf8.ValidString(body) {
				t.Errorf("%s of %q: %d bytes", tt.name, unit, len(body))
			}
			if !strings.HasPrefix(body, "[info][title][UNKNOWN] ") || !strings.HasSuffix(body, "[hr]https://example.com/a[/info]") {
				t.Errorf("%s of %q: lost its title or link: %.40q ... %q", tt.name, unit, body, body[len(body)-40:])
			}
			var cut []string
			for _, c := range r.Cuts {
				cut = append(cut, c.Field)
				if c.Unit != "bytes" || c.To >= c.From {
					t.Errorf("%s of %q: %+v", tt.name, unit, c)
				}
			}
			if got := strings.Join(cut, " "); got != tt.cut {
				t.Errorf("%s of %q: cut %q, want %q", tt.name, unit, got, tt.cut)
			}
		}
	}
}

func TestSendRefusesAnEmptyMessage(t *testing.T) {
	s, n := newNotifier(t, chatwork.Config{})
	if _, err := n.Send(t.Context(), chatwork.Message{}); !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if len(s.Requests()) != 0 {
		t.Error("it was sent")
	}
}

func TestRoomsOfOneTokenShareAClient(t *testing.T) {
	s, c := newClient(t)
	second := s.AddRoom(chatworktest.Room{Name: "second", Members: map[int64]chatworktest.Role{chatworktest.AccountID: chatworktest.RoleMember}})
	for _, id := range []int64{room, second} {
		n, err := chatwork.New(chatwork.Config{Client: c, RoomID: id})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.Messages(room)) != 1 || len(s.Messages(second)) != 1 {
		t.Error("not one message in each room")
	}
}

func TestNewReportsAllProblems(t *testing.T) {
	_, c := newClient(t)
	for _, tt := range []struct {
		name   string
		config chatwork.Config
		words  []string
	}{
		{"nothing set", chatwork.Config{}, []string{"Token: required", "RoomID: required"}},
		{"everything wrong", chatwork.Config{
			Token: mackerel.NewSecret("a b"), RoomID: -1, BaseURL: "ftp://x", Level: "some", Text: mackerel.Text{Language: "fr"},
			Mentions: map[mackerel.Status]chatwork.Mention{"ok": {To: []int64{0}}}, Call: mackerel.CallOptions{MaxWait: -1},
		}, []string{"Token", "RoomID", "BaseURL", "Level", "Text.Language", "Mentions[ok]", "Call.MaxWait"}},
		{"two clients", chatwork.Config{Client: c, RoomID: 1, Token: mackerel.NewSecret("abcdef")}, []string{"Client: set together with"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := chatwork.New(tt.config)
			if !errors.Is(err, mackerel.ErrConfig) {
				t.Fatalf("got %v", err)
			}
			for _, w := range tt.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

func TestStringNamesTheRoom(t *testing.T) {
	_, n := newNotifier(t, chatwork.Config{})
	if got := n.String(); got != "chatwork room 567890123" {
		t.Errorf("got %q", got)
	}
}
