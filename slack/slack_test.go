package slack_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

const hook = "https://hooks.slack.com/services/T0123ABCD/B0123ABCD/abcDEF123"

func TestConfigurations(t *testing.T) {
	for _, c := range []struct {
		name   string
		config slack.Config
		want   []string // none: it is in order
	}{
		{"a webhook's address will do", slack.Config{URL: mackerel.NewSecret(hook)}, nil},
		{"a government's one too", slack.Config{URL: mackerel.NewSecret("https://hooks.slack-gov.com/services/T0/B0/x")}, nil},
		{"an address is required", slack.Config{}, []string{"URL: required"}},
		{"a workflow's trigger is no webhook", slack.Config{URL: mackerel.NewSecret("https://hooks.slack.com/triggers/T0/1/x")}, []string{"URL: starts a workflow"}},
		{"the older form neither", slack.Config{URL: mackerel.NewSecret("https://hooks.slack.com/workflows/T0/A0/1/x")}, []string{"URL: starts a workflow"}},
		{"a mention must leave room for the title", slack.Config{
			URL: mackerel.NewSecret(hook), Mentions: map[mackerel.Status]string{mackerel.StatusOK: strings.Repeat("あ", slack.MaxMention+1)},
		}, []string{"Mentions[ok]: 2001 characters, and at most 2000 are allowed"}},
		{"all problems are told at once", slack.Config{
			URL: mackerel.NewSecret("secret-hook\n"), Level: "x", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxAttempts: -1},
		}, []string{"URL: not a URL", "Level: ", "Text.Language: ", "Call.MaxAttempts: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := slack.New(c.config)
			if len(c.want) == 0 {
				if err != nil || n.String() != "slack webhook" {
					t.Errorf("%v, %v", n, err)
				}
				return
			}
			message := asError(t, err, mackerel.ErrConfig).Message
			for _, want := range c.want {
				if !strings.Contains(message, want) {
					t.Errorf("%q is not in %q", want, message)
				}
			}
			if strings.Contains(err.Error(), "secret-hook") {
				t.Errorf("the address is in %q", err)
			}
		})
	}
}

// TestAChannelOfMackerelsCanBeUsed takes the members of a mackerel.Slack without a conversion.
func TestAChannelOfMackerelsCanBeUsed(t *testing.T) {
	channel := mackerel.Slack{URL: mackerel.NewSecret(slacktest.MemoryURL), Mentions: map[mackerel.Status]string{
		mackerel.StatusCritical: "@here <@U012AB3CD>", mackerel.StatusWarning: "see #ops",
	}}
	for status, want := range map[mackerel.Status]string{
		"CRITICAL":             "<!here> <@U012AB3CD> [CRITICAL] disk full",
		mackerel.StatusWarning: "see #ops [WARNING] disk full",
		mackerel.StatusOK:      "[OK] disk full",
		mackerel.StatusUnknown: "[UNKNOWN] disk full",
		"":                     "[UNKNOWN] disk full",
		"status-of-the-future": "[STATUS-OF-THE-FUTURE] disk full",
	} {
		s := newServer(t)
		n, err := slack.New(slack.Config{
			URL: channel.URL, Mentions: channel.Mentions, Call: mackerel.CallOptions{Client: s.Client()},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Notify(t.Context(), mackerel.Alert{Status: status, Message: "disk full"}); err != nil {
			t.Fatal(err)
		}
		if m := last(t, s); m.Text != want {
			t.Errorf("%s: %q, want %q", status, m.Text, want)
		}
	}
}

func TestMentions(t *testing.T) {
	for _, c := range []struct{ name, mention, want string }{
		{"@channel is a command", "@channel", "<!channel>"},
		{"@group is the channel's command", "@group", "<!channel>"},
		{"@everyone is a command", "@everyone", "<!everyone>"},
		{"several are commands each", "@here @channel", "<!here> <!channel>"},
		{"Japanese may follow and precede", "障害@here対応", "障害<!here>対応"},
		{"commands stay as they are", "<!subteam^S012AB3CD> <!here>", "<!subteam^S012AB3CD> <!here>"},
		{"other names stay as they are", "@here-team @heroes @hanako", "@here-team @heroes @hanako"},
		{"addresses of mail stay as they are", "ops@here.example", "ops@here.example"},
		{"other notation stays as it is", "*now* & then", "*now* & then"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := send(t, slack.Message{Mention: c.mention, Title: "T"})
			if want := c.want + " T"; m.Text != want {
				t.Errorf("%q, want %q", m.Text, want)
			}
		})
	}
}

func TestAMentionOfTheMessageHasItsWay(t *testing.T) {
	m, _ := notify(t, slack.Config{
		Mentions: map[mackerel.Status]string{mackerel.StatusCritical: "@channel"},
		Message: func(a mackerel.Alert) (slack.Message, error) {
			m := slack.DefaultMessage(a, mackerel.Text{})
			m.Mention = "<@U012AB3CD>"
			return m, nil
		},
	}, mackerel.Alert{Status: mackerel.StatusCritical, Message: "x"})
	if got := strings.Join(m.Mentions(), " "); got != "<@U012AB3CD>" {
		t.Errorf("it calls %q", got)
	}
}

func TestEventsWithoutAStatusCallNobody(t *testing.T) {
	mentions := map[mackerel.Status]string{
		mackerel.StatusOK: "@here", mackerel.StatusWarning: "@here", mackerel.StatusCritical: "@here", mackerel.StatusUnknown: "@here",
	}
	m, _ := notify(t, slack.Config{Mentions: mentions}, mackerel.Alert{Event: mackerel.EventHostRegister, Host: &mackerel.Host{Name: "app01"}})
	if called := m.Mentions(); len(called) > 0 {
		t.Errorf("it calls %q", called)
	}
	if m.Attachments[0].Color != "#9E9E9E" {
		t.Errorf("the colour is %s", m.Attachments[0].Color)
	}
}

func TestSuccessIsExactlyOK(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		done   bool
	}{
		{"ok is success", 200, "ok", true},
		{"ok in a line is none", 200, "ok\n", false},
		{"nothing is none", 200, "", false},
		{"a workflow's answer is none", 200, `{"ok":true}`, false},
		{"a page is none", 200, "<html>Sign in</html>", false},
		{"ok with another status is none", 202, "ok", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Inject(fakehttp.Fault{Status: c.status, Body: c.body})
			n := newNotifier(t, s, slack.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
			receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x"})
			if c.done {
				if err != nil || receipt.Provider != "slack" || receipt.ID != "" || receipt.Queued || receipt.Attempts != 1 {
					t.Errorf("%+v, %v", receipt, err)
				}
				return
			}
			if !errors.Is(err, mackerel.ErrAmbiguous) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestErrorsKeepSlacksWord(t *testing.T) {
	for _, c := range []struct {
		word string
		kind error
	}{
		{"invalid_payload", mackerel.ErrInvalid}, {"no_text", mackerel.ErrInvalid}, {"user_not_found", mackerel.ErrInvalid},
		{"action_prohibited", mackerel.ErrUnauthorized}, {"invalid_token", mackerel.ErrUnauthorized},
		{"posting_to_general_channel_denied", mackerel.ErrUnauthorized}, {"no_service", mackerel.ErrNotFound},
		{"channel_not_found", mackerel.ErrNotFound}, {"channel_is_archived", mackerel.ErrNotFound}, {"rollup_error", mackerel.ErrAmbiguous},
	} {
		t.Run(c.word, func(t *testing.T) {
			s := newServer(t)
			s.Refuse(c.word)
			n := newNotifier(t, s, slack.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
			e := asError(t, n.Notify(t.Context(), mackerel.Alert{Message: "x"}), c.kind)
			if e.Code != c.word || e.Message != c.word || !strings.HasPrefix(e.Error(), "slack: post message: ") {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestWordsOfErrors(t *testing.T) {
	for _, c := range []struct{ name, body, code, message string }{
		{"a word is code and message", "no_team", "no_team", "no_team"},
		{"blanks around it do not count", " no_team\n", "no_team", "no_team"},
		{"a word in JSON is one too", `{"ok":false,"error":"rate_limited"}`, "rate_limited", "rate_limited"},
		{"a sentence is no code", "No such webhook.", "", "No such webhook."},
		{"a page says nothing", "<!DOCTYPE html><html>…</html>", "", ""},
		{"other JSON is kept as it is", `{"a":1}`, "", `{"a":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Inject(fakehttp.Fault{Status: 400, Body: c.body})
			e := asError(t, newNotifier(t, s, slack.Config{}).Notify(t.Context(), mackerel.Alert{Message: "x"}), mackerel.ErrInvalid)
			if e.Code != c.code || e.Message != c.message {
				t.Errorf("%q, %q", e.Code, e.Message)
			}
		})
	}
}

func TestWrongElementsOfTheAddressAreToldApart(t *testing.T) {
	for part, want := range map[string]struct {
		word string
		kind error
	}{
		slacktest.Team:  {"no_team", mackerel.ErrNotFound},
		slacktest.Hook:  {"no_service", mackerel.ErrNotFound},
		slacktest.Token: {"invalid_token", mackerel.ErrUnauthorized},
	} {
		s := newServer(t)
		address := strings.ReplaceAll(slacktest.MemoryURL, part, "X0WRONG99")
		n, err := slack.New(slack.Config{URL: mackerel.NewSecret(address), Call: mackerel.CallOptions{Client: s.Client()}})
		if err != nil {
			t.Fatal(err)
		}
		err = n.Notify(t.Context(), mackerel.Alert{Message: "x"})
		if e := asError(t, err, want.kind); e.Code != want.word {
			t.Errorf("%s: %v", part, err)
		}
		if strings.Contains(err.Error(), "X0WRONG99") {
			t.Errorf("the address is in %q", err)
		}
	}
}

func TestARateLimitIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		n := newNotifier(t, s, slack.Config{Call: mackerel.CallOptions{MaxWait: time.Minute}})
		start := time.Now()
		for range 26 {
			if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 25*time.Second || len(s.Messages()) != 26 {
			t.Errorf("%d messages in %v", len(s.Messages()), took)
		}
	})
}

// TestALostAnswer shows both modes: the message is there twice, or it is there once and nobody is sure.
func TestALostAnswer(t *testing.T) {
	for mode, want := range map[mackerel.Delivery]int{0: 2, mackerel.AtLeastOnce: 2, mackerel.AtMostOnce: 1} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
			n := newNotifier(t, s, slack.Config{Call: mackerel.CallOptions{Delivery: mode}})
			err := n.Notify(t.Context(), mackerel.Alert{Message: "x"})
			if ambiguous := errors.Is(err, mackerel.ErrAmbiguous); ambiguous != (mode == mackerel.AtMostOnce) {
				t.Errorf("%v: %v", mode, err)
			}
			if got := len(s.Messages()); got != want {
				t.Errorf("%v: %d messages, want %d", mode, got, want)
			}
		})
	}
}

func TestTheGraphDoesNotCostTheMessage(t *testing.T) {
	s := newServer(t)
	s.SetPictures(func(string) bool { return false })
	n := newNotifier(t, s, slack.Config{})
	image := "https://x.test/graph.png"
	receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x", ImageURL: image})
	if err != nil {
		t.Fatal(err)
	}
	want := mackerel.Cut{Field: "image", Unit: "runes", From: len(image)}
	if receipt.Attempts != 2 || len(receipt.Cuts) != 1 || receipt.Cuts[0] != want {
		t.Errorf("%+v", receipt)
	}
	if m := last(t, s); len(pictures(m)) != 0 || m.Text != "[UNKNOWN] x" {
		t.Errorf("%+v", m)
	}
}

func TestAMessageRefusedForItsBlocksIsNotSentForever(t *testing.T) {
	s := newServer(t)
	s.Refuse("invalid_attachments")
	n := newNotifier(t, s, slack.Config{})
	receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x", ImageURL: "https://x.test/graph.png"})
	if e := asError(t, err, mackerel.ErrInvalid); e.Attempts != 2 || receipt.Attempts != 2 || len(s.Requests()) != 2 {
		t.Errorf("%+v, %+v, %d requests", e, receipt, len(s.Requests()))
	}
	if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err == nil || len(s.Requests()) != 3 {
		t.Errorf("without a graph: %v, %d requests", err, len(s.Requests()))
	}
}

func TestWhatIsNotSent(t *testing.T) {
	for _, c := range []struct {
		name    string
		message slack.Message
		want    string
	}{
		{"nothing", slack.Message{}, "message: empty"},
		{"nothing but a colour", slack.Message{Color: "good", Title: ""}, "message: empty"},
		{"an unknown colour", slack.Message{Title: "T", Color: "crimson"}, "color: "},
		{"raw text that is too long", slack.Message{Title: "T", Raw: strings.Repeat("障", slack.MaxSection+1)}, "raw: 3001 characters"},
		{"a mention that is too long", slack.Message{Title: "T", Mention: strings.Repeat("@here ", 300)}, "mention: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			_, err := newNotifier(t, s, slack.Config{}).Send(t.Context(), c.message)
			if e := asError(t, err, mackerel.ErrInvalid); !strings.Contains(e.Message, c.want) {
				t.Errorf("%q, want %q", e.Message, c.want)
			}
			if got := len(s.Requests()); got != 0 {
				t.Errorf("%d requests", got)
			}
		})
	}
}

func TestSkippedAndFailedMessages(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, slack.Config{Level: mackerel.LevelCritical})
	warning := mackerel.Alert{Status: mackerel.StatusWarning}
	receipt, err := n.Deliver(t.Context(), warning)
	if err != nil || receipt.Skipped == "" {
		t.Errorf("%+v, %v", receipt, err)
	}
	if p, err := n.Preview(warning); err != nil || p.Skipped == "" || len(p.Requests) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	broken := errors.New("no template")
	n = newNotifier(t, s, slack.Config{Message: func(mackerel.Alert) (slack.Message, error) { return slack.Message{}, broken }})
	if err := n.Notify(t.Context(), warning); !errors.Is(err, broken) || !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("%v", err)
	}
	if len(s.Requests()) != 0 {
		t.Errorf("%d requests", len(s.Requests()))
	}
}

func TestTheRequestIsJSONByPost(t *testing.T) {
	s := newServer(t)
	if err := newNotifier(t, s, slack.Config{}).Notify(t.Context(), mackerel.Alert{Message: "a < b & c"}); err != nil {
		t.Fatal(err)
	}
	r := s.Requests()[0]
	if r.Method != http.MethodPost || r.Path != slacktest.Path || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(string(r.Body), "a &lt; b &amp; c") {
		t.Errorf("%s", r.Body)
	}
}
