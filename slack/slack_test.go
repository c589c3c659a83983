package slack_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

const hook = "https://hooks.slack.com/services/T0123ABCD/B0123ABCD/abcDEF123"

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, slacktest.New())
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.MemoryConfig()
				config.URL, config.Call = servicetest.At(e.BaseURL, config.URL), e.Call()
				config.Mentions = map[mackerel.Status]string{mackerel.StatusCritical: "@here"}
				return servicetest.Make(t, slack.New, config)
			},
			Fake:    fake,
			Secrets: []string{slacktest.Token, slacktest.Hook, slacktest.Team},
		}
	})
}

func TestGolden(t *testing.T) {
	servicetest.Golden(t, servicetest.Languages(func(t testing.TB, text mackerel.Text) (servicetest.Fake, servicetest.Notifier) {
		return start(t, func(c *slack.Config) {
			c.Text, c.Mentions = text, map[mackerel.Status]string{mackerel.StatusCritical: "@here <@U012AB3CD>"}
		})
	}))
}

func TestConfigurations(t *testing.T) {
	address := func(s string) slack.Config { return slack.Config{URL: mackerel.NewSecret(s)} }
	servicetest.Configs(t, slack.New, "secret-hook", []servicetest.ConfigCase[slack.Config]{
		{Name: "a webhook's address is enough", Config: address(hook)},
		{Name: "the address may be a government's", Config: address("https://hooks.slack-gov.com/services/T0/B0/x")},
		{Name: "an address is required", Config: slack.Config{}, Want: []string{"URL: required"}},
		{Name: "a workflow's trigger is refused", Config: address("https://hooks.slack.com/triggers/T0/1/x"), Want: []string{"URL: must be that of an incoming webhook"}},
		{Name: "another server may have such a path", Config: address("https://relay.example/workflows/x")},
		{Name: "an older trigger is refused", Config: address("https://hooks.slack.com/workflows/T0/A0/1/x"), Want: []string{"URL: must be that of an incoming webhook"}},
		{Name: "a mention must leave room for the title", Config: slack.Config{
			URL: mackerel.NewSecret(hook), Mentions: map[mackerel.Status]string{mackerel.StatusOK: strings.Repeat("あ", 2000+1)},
		}, Want: []string{"Mentions[ok]: 2001 characters, and at most 2000 are allowed"}},
		{Name: "all problems are told at once, in the order of the fields", Config: slack.Config{
			URL: mackerel.NewSecret("secret-hook\n"), Mentions: map[mackerel.Status]string{"critical": strings.Repeat("a", 2001)},
			Level: "x", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxAttempts: -1},
		}, Want: []string{"URL: not a URL", "Mentions[critical]: ", "Level: ", "Text.Language: ", "Call.MaxAttempts: "}},
	})
}

// TestAChannelOfMackerelsCanBeUsed takes URL and Mentions of a mackerel.Slack without a conversion.
func TestAChannelOfMackerelsCanBeUsed(t *testing.T) {
	channel := mackerel.Slack{Mentions: map[mackerel.Status]string{
		mackerel.StatusCritical: "@here <@U012AB3CD>", mackerel.StatusWarning: "see #ops",
	}}
	for status, want := range map[mackerel.Status]string{
		"CRITICAL":             "[CRITICAL] disk full <!here> <@U012AB3CD>",
		mackerel.StatusWarning: "[WARNING] disk full see #ops",
		mackerel.StatusOK:      "[OK] disk full",
		mackerel.StatusUnknown: "[UNKNOWN] disk full",
		"":                     "[UNKNOWN] disk full",
		"status-of-the-future": "[STATUS-OF-THE-FUTURE] disk full",
	} {
		m, _ := notify(t, mackerel.Alert{Status: status, Message: "disk full"}, func(c *slack.Config) {
			channel.URL = c.URL
			c.URL, c.Mentions = channel.URL, channel.Mentions
		})
		if m.Text != want {
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
		{"mail addresses stay as they are", "ops@here.example", "ops@here.example"},
		{"other notation stays as it is", "*now* & then", "*now* & then"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := send(t, slack.Message{Mention: c.mention, Title: "T"})
			if want := "T " + c.want; m.Text != want {
				t.Errorf("%q, want %q", m.Text, want)
			}
		})
	}
}

func TestEditSeesTheMentionAndMayEmptyIt(t *testing.T) {
	m, _ := notify(t, mackerel.Alert{Status: mackerel.StatusCritical, Message: "x"}, func(c *slack.Config) {
		c.Mentions = map[mackerel.Status]string{mackerel.StatusCritical: "@channel"}
		c.Edit = func(m *slack.Message, _ mackerel.Alert) error {
			m.Title, m.Mention = "was "+m.Mention, ""
			return nil
		}
	})
	if called := m.Mentions(); len(called) > 0 || m.Text != "was @channel" {
		t.Errorf("it calls %q and says %q", called, m.Text)
	}
}

func TestEventsWithoutAStatusCallNobody(t *testing.T) {
	m, _ := notify(t, mackerel.Alert{Event: mackerel.EventHostRegister, Host: &mackerel.Host{Name: "app01"}, Org: "acme"}, func(c *slack.Config) {
		c.Mentions = map[mackerel.Status]string{
			mackerel.StatusOK: "@here", mackerel.StatusWarning: "@here", mackerel.StatusCritical: "@here", mackerel.StatusUnknown: "@here",
		}
	})
	if called := m.Mentions(); len(called) > 0 || len(m.Attachments) != 1 || m.Attachments[0].Color != "#9E9E9E" {
		t.Errorf("it calls %q in %+v", called, m.Attachments)
	}
}

func TestAnswers(t *testing.T) {
	servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return start(t, func(c *slack.Config) { c.Call.MaxAttempts = 1 })
	}, []servicetest.Answer{
		{Name: "ok is success", Status: 200, Body: "ok"},
		{Name: "ok in a line is not success", Status: 200, Body: "ok\n", Kind: mackerel.ErrAmbiguous, Code: "ok", Message: "ok"},
		{Name: "an empty 200 is not success", Status: 200, Kind: mackerel.ErrAmbiguous},
		{Name: "a workflow's answer is not success", Status: 200, Body: `{"ok":true}`, Kind: mackerel.ErrAmbiguous},
		{Name: "a page is not success", Status: 200, Body: "<html>Sign in</html>", Kind: mackerel.ErrAmbiguous},
		{Name: "ok with another status is not success", Status: 202, Body: "ok", Kind: mackerel.ErrAmbiguous, Code: "ok", Message: "ok"},
		{Name: "a wrong body", Status: 400, Body: "invalid_payload", Kind: mackerel.ErrInvalid, Code: "invalid_payload", Message: "invalid_payload"},
		{Name: "a user that is gone", Status: 400, Body: "user_not_found", Kind: mackerel.ErrInvalid, Code: "user_not_found", Message: "user_not_found"},
		{Name: "a forbidden action", Status: 403, Body: "action_prohibited", Kind: mackerel.ErrUnauthorized, Code: "action_prohibited", Message: "action_prohibited"},
		{Name: "a revoked webhook", Status: 403, Body: "invalid_token", Kind: mackerel.ErrUnauthorized, Code: "invalid_token", Message: "invalid_token"},
		{Name: "a removed webhook", Status: 404, Body: "no_service", Kind: mackerel.ErrNotFound, Code: "no_service", Message: "no_service"},
		{Name: "an archived channel", Status: 410, Body: "channel_is_archived", Kind: mackerel.ErrNotFound, Code: "channel_is_archived", Message: "channel_is_archived"},
		{Name: "a failure of Slack's", Status: 500, Body: "rollup_error", Kind: mackerel.ErrAmbiguous, Code: "rollup_error", Message: "rollup_error"},
		{Name: "blanks around a word do not count", Status: 400, Body: " no_team\n", Kind: mackerel.ErrInvalid, Code: "no_team", Message: "no_team"},
		{Name: "a word may be in JSON", Status: 400, Body: `{"ok":false,"error":"no_text"}`, Kind: mackerel.ErrInvalid, Code: "no_text", Message: "no_text"},
		{Name: "a sentence is no code", Status: 400, Body: "No such webhook.", Kind: mackerel.ErrInvalid, Message: "No such webhook."},
		{Name: "a long word is no code", Status: 400, Body: strings.Repeat("x", 65), Kind: mackerel.ErrInvalid, Message: strings.Repeat("x", 65)},
		{Name: "a page says nothing", Status: 400, Body: "<!DOCTYPE html><html>…</html>", Kind: mackerel.ErrInvalid},
		{Name: "other JSON is kept as it is", Status: 400, Body: `{"a":1}`, Kind: mackerel.ErrInvalid, Message: `{"a":1}`},
	})
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
		_, n := start(t, func(c *slack.Config) {
			c.URL = mackerel.NewSecret(strings.ReplaceAll(c.URL.Reveal(), part, "X0WRONG99"))
		})
		err := n.Notify(t.Context(), mackerel.Alert{Message: "x"})
		if e := servicetest.AsError(t, err, want.kind); e.Code != want.word || strings.Contains(err.Error(), "X0WRONG99") {
			t.Errorf("%s: %v", part, err)
		}
	}
}

func TestAGraphThatCannotBeFetchedDoesNotCostTheMessage(t *testing.T) {
	var attempts []mackerel.Attempt
	fake, n := start(t, func(c *slack.Config) { c.Call.OnAttempt = servicetest.Record(&attempts) })
	fake.SetPictures(func(string) bool { return false })
	image := "https://x.test/a graph.png" // sent with %20
	receipt, err := n.Send(t.Context(), slack.Message{Title: "[UNKNOWN] x", Image: image})
	if err != nil {
		t.Fatal(err)
	}
	want := mackerel.Cut{Field: "image", Unit: "runes", From: len(image)}
	if receipt.Attempts != 2 || len(receipt.Cuts) != 1 || receipt.Cuts[0] != want {
		t.Errorf("%+v", receipt)
	}
	if m := servicetest.Last(t, fake, fake.Messages()); len(pictures(m)) != 0 || m.Text != "[UNKNOWN] x" {
		t.Errorf("%+v", m)
	}
	if len(attempts) != 2 || attempts[0].Last || attempts[1].Number != 2 || !attempts[1].Last {
		t.Errorf("%+v", attempts)
	}
}

func TestAGraphIsLeftOutAfterALostAnswerToo(t *testing.T) {
	refused := fakehttp.Fault{Status: 400, Body: "invalid_blocks"}
	for _, c := range []struct {
		name     string
		faults   []fakehttp.Fault
		attempts int
		kind     error
	}{
		{"the message without it is taken", []fakehttp.Fault{{Break: fakehttp.ResetConnection}, refused}, 3, nil},
		{"it is taken after all other attempts", []fakehttp.Fault{{Status: 503}, {Status: 503}, refused}, 4, nil},
		{"if it is refused, the first message may still have been posted", []fakehttp.Fault{{Break: fakehttp.ResetConnection}, refused, refused}, 3, mackerel.ErrAmbiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, n := start(t)
				fake.Inject(c.faults...)
				receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x", ImageURL: "https://x.test/graph.png"})
				if !errors.Is(err, c.kind) || receipt.Attempts != c.attempts || servicetest.CutFields(receipt.Cuts) != "image" {
					t.Errorf("%v, %+v", err, receipt)
				}
				if _, again := mackerel.Retry(err); again != (c.kind != nil) {
					t.Errorf("Retry returns %t for %v", again, err)
				}
			})
		})
	}
}

func TestAMessageIsSentOnceMoreWithoutItsGraphAndThenGivenUp(t *testing.T) {
	fake, n := start(t)
	fake.Inject(servicetest.Refusing(400, "invalid_attachments"))
	receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x", ImageURL: "https://x.test/graph.png"})
	if e := servicetest.AsError(t, err, mackerel.ErrInvalid); e.Attempts != 2 || receipt.Attempts != 2 || len(fake.Requests()) != 2 {
		t.Errorf("%+v, %+v, %d requests", e, receipt, len(fake.Requests()))
	}
	if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err == nil || len(fake.Requests()) != 3 {
		t.Errorf("without a graph: %v, %d requests", err, len(fake.Requests()))
	}
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := start(t)
	servicetest.Refused(t, fake, func(m slack.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]slack.Message{
		"Message: empty":                                          {},
		"Color: must be":                                          {Title: "T", Color: "crimson"},
		"Raw: 3001 characters, and at most 3000":                  {Title: "T", Raw: strings.Repeat("障", 3000+1)},
		"Mention: 2400 characters, and at most 2000 are":          {Title: "T", Mention: strings.Repeat("@here ", 300)},
		"Color: must be good, warning, danger or #RRGGBB; Raw: 3": {Title: "T", Color: "#12", Raw: strings.Repeat("a", 3001)},
	})
}
