package teams_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, teamstest.New())
		address, err := url.Parse(fake.MemoryConfig().URL.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.MemoryConfig()
				config.URL, config.Call = servicetest.At(e.BaseURL, config.URL), e.Call()
				mentionHanako(&config)
				return servicetest.Make(t, teams.New, config)
			},
			Fake:    fake,
			Secrets: []string{address.Path, address.RawQuery, teamstest.Workflow, teamstest.Signature},
		}
	})
}

func TestGolden(t *testing.T) {
	servicetest.Golden(t, servicetest.Languages(func(t testing.TB, text mackerel.Text) (servicetest.Fake, servicetest.Notifier) {
		return start(t, mentionHanako, func(c *teams.Config) { c.Text = text })
	}))
}

func TestConfigurations(t *testing.T) {
	const powerPlatform = "https://default0a1b.00.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/0f/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=x_-y"
	mentions := func(all ...teams.Mention) teams.Config {
		return teams.Config{URL: mackerel.NewSecret(powerPlatform), Mentions: map[mackerel.Status][]teams.Mention{mackerel.StatusOK: all}}
	}
	servicetest.Configs(t, teams.New, "secret-hook", []servicetest.ConfigCase[teams.Config]{
		{Name: "a workflow's address is enough", Config: mentions()},
		{Name: "the older host will do", Config: teams.Config{URL: mackerel.NewSecret("https://prod-01.japaneast.logic.azure.com:443/workflows/0f/triggers/manual/paths/invoke?sig=x")}},
		{Name: "every host will do", Config: teams.Config{URL: mackerel.NewSecret("http://relay.example/teams")}},
		{Name: "an address is required", Config: teams.Config{}, Want: []string{"URL: required"}},
		{Name: "a mention needs an id", Config: mentions(teams.Mention{Name: "花子"}), Want: []string{"Mentions[ok][0].ID: required"}},
		{Name: "a name must not look like a tag", Config: mentions(teams.Mention{ID: "a@x.test", Name: "<b>"}), Want: []string{"Mentions[ok][0].Name: has a control character or one of < > &"}},
		{Name: "a name must not look like an entity", Config: mentions(teams.Mention{ID: "a&lt;@x.test"}), Want: []string{"Mentions[ok][0].Name: has a control character or one of < > &"}},
		{
			Name:   "two people of one name cannot be told apart",
			Config: mentions(teams.Mention{ID: "a@x.test", Name: "花子"}, teams.Mention{ID: "b@x.test", Name: "花子"}),
			Want:   []string{"Mentions[ok][1].Name: is that of another person, too"},
		},
		{Name: "all problems are told at once, in the order of the fields", Config: teams.Config{
			URL: mackerel.NewSecret("secret-hook\n"), Mentions: map[mackerel.Status][]teams.Mention{"ok": {{}}, "critical": {{Name: "\n"}}},
			Level: "x", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxAttempts: -1},
		}, Want: []string{
			"URL: not a URL", "Mentions[critical][0].ID: ", "Mentions[critical][0].Name: ", "Mentions[ok][0].ID: ", "Level: ", "Text.Language: ", "Call.MaxAttempts: ",
		}},
	})
}

// TestTheAddressIsSentAsGiven tries queries that a program which reads and writes them again would change.
func TestTheAddressIsSentAsGiven(t *testing.T) {
	for _, address := range []string{
		"/workflows/0f/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a-b_c%2Bd%3D",
		"/a%2Fb/c?z=1&a=2&a=3&empty&sig=%2f~!*'();:@,x/y?z", "/x?", "/%E9%9A%9C?q=%E9%9A%9C",
	} {
		fake, n := start(t, func(c *teams.Config) { c.URL = mackerel.NewSecret(fakehttp.MemoryURL + address) })
		fake.Inject(fakehttp.Fault{Status: 202})
		if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil {
			t.Fatal(err)
		}
		r := fake.Requests()[0]
		if got := r.Path + "?" + r.Query; strings.TrimSuffix(got, "?") != strings.TrimSuffix(address, "?") {
			t.Errorf("%s became %s", address, got)
		}
	}
}

func TestAnswers(t *testing.T) {
	servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return start(t, func(c *teams.Config) { c.Call.MaxAttempts = 1 })
	}, []servicetest.Answer{
		{Name: "202 is success", Status: 202},
		{Name: "202 with words is success", Status: 202, Body: `{"id":"1"}`},
		{Name: "200 of a Response action is success", Status: 200},
		{Name: "200 with a Response action's body is success", Status: 200, Body: `{"posted":true}`},
		{Name: "201 is success", Status: 201, Body: "created"},
		{Name: "204 is success", Status: 204},
		{Name: "206 is success", Status: 206},
		{Name: "299 is success", Status: 299},
		{Name: "a page is success with the documented status", Status: 202, Body: "<html></html>"},
		{Name: "a page is not success", Status: 200, Body: "\n<!DOCTYPE html><html>Sign in</html>", Kind: mackerel.ErrAmbiguous},
		{Name: "a connector's failure is not success", Status: 200, Body: "Webhook message delivery failed with error", Kind: mackerel.ErrAmbiguous, Message: "Webhook message delivery failed with error"},
		{Name: "a redirect is refused", Status: 302, Kind: mackerel.ErrInvalid},
		{Name: "a workflow that is switched off", Status: 400, Body: `{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"off"}}`, Kind: mackerel.ErrInvalid, Code: "WorkflowTriggerIsNotEnabled", Message: "WorkflowTriggerIsNotEnabled: off"},
		{Name: "a code without words", Status: 429, Body: `{"error":{"code":"TooManyRequests"}}`, Kind: mackerel.ErrRateLimited, Code: "TooManyRequests", Message: "TooManyRequests"},
		{Name: "words without a code", Status: 404, Body: `{"error":{"message":"only words"}}`, Kind: mackerel.ErrNotFound, Message: "only words"},
		{Name: "a text is kept", Status: 400, Body: " bad request\n", Kind: mackerel.ErrInvalid, Message: "bad request"},
		{Name: "other JSON is kept as it is", Status: 400, Body: `{"status":"no error"}`, Kind: mackerel.ErrInvalid, Message: `{"status":"no error"}`},
		{Name: "a page that quotes a connector has no words", Status: 400, Body: "<html>Webhook message delivery failed</html>", Kind: mackerel.ErrInvalid},
		{Name: "a page says nothing", Status: 400, Body: "<html>x</html>", Kind: mackerel.ErrInvalid},
	})
}

func TestASuccessIsQueued(t *testing.T) {
	for status, queued := range map[int]bool{202: true, 200: true, 204: true, 400: false} {
		fake, n := start(t)
		fake.Inject(fakehttp.Fault{Status: status})
		if receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x"}); receipt.Queued != queued || receipt.ID != "" || n.String() != "teams workflow" {
			t.Errorf("%d: %+v, %v", status, receipt, err)
		}
	}
}

func TestMentionsComeFromTheConfig(t *testing.T) {
	hanako, taro := teams.Mention{ID: "hanako@example.com", Name: "花子"}, teams.Mention{ID: "8f0c-taro"}
	mentions := func(c *teams.Config) {
		c.Mentions = map[mackerel.Status][]teams.Mention{"CRITICAL": {hanako, taro, hanako}}
	}
	card, _ := notify(t, mackerel.Alert{Status: mackerel.StatusCritical, Message: "x", Monitor: mackerel.Monitor{Memo: "<at>taro</at>"}}, mentions)
	if got := card.Mentions(); len(got) != 2 || got[0] != (teamstest.Mention{ID: "hanako@example.com", Name: "花子"}) || got[1] != (teamstest.Mention{ID: "8f0c-taro", Name: "8f0c-taro"}) {
		t.Errorf("%+v", got)
	}
	if got := card.Texts()[1]; got != "<at>花子</at> <at>8f0c-taro</at> <at>花子</at>" {
		t.Errorf("%q", got)
	}
	for _, a := range []mackerel.Alert{{Status: mackerel.StatusWarning}, {Status: mackerel.StatusOK}, {}, {Event: mackerel.EventHostRetire, Status: "critical"}} {
		if card, _ := notify(t, a, mentions); len(card.Mentions()) != 0 {
			t.Errorf("%+v mentions %+v", a, card.Mentions())
		}
	}
}

func TestEditSeesTheMentionsAndMayEmptyThem(t *testing.T) {
	var seen []string
	given := []teams.Mention{{ID: "hanako@example.com", Name: "花子"}}
	fake, n := start(t, func(c *teams.Config) {
		c.Mentions = map[mackerel.Status][]teams.Mention{mackerel.StatusCritical: given}
		c.Edit = func(m *teams.Message, _ mackerel.Alert) error {
			seen = append(seen, m.Mentions[0].Name)
			m.Mentions[0].Name = "spoiled"
			m.Mentions = nil
			return nil
		}
	})
	clear(given) // the notifier has a copy
	for range 2 {
		err := n.Notify(t.Context(), mackerel.Alert{Status: mackerel.StatusCritical, Message: "x"})
		if card := posted(t, fake, err); len(card.Mentions()) != 0 {
			t.Errorf("%+v", card.Mentions())
		}
	}
	if strings.Join(seen, " ") != "花子 花子" {
		t.Errorf("%q", seen)
	}
}

func TestWhatIsNotSent(t *testing.T) {
	fake, n := start(t)
	servicetest.Refused(t, fake, func(m teams.Message) error { _, err := n.Send(t.Context(), m); return err }, map[string]teams.Message{
		"Message: empty":                               {},
		"Style: must be ":                              {Title: "T", Style: "crimson"},
		"Mentions[0].ID: required":                     {Title: "T", Mentions: []teams.Mention{{Name: "x"}}},
		"Mentions[0].Name: has a control character":    {Title: "T", Mentions: []teams.Mention{{ID: "x</at>"}}},
		"Message: too long without its text":           {Title: "T", Raw: strings.Repeat("障", 4000)},
		"Mentions[0].ID: required; Style: must be \"d": {Mentions: []teams.Mention{{Name: "x"}}, Style: "x"},
	})
	_, err := n.Send(t.Context(), teams.Message{Style: teams.StyleGood, Open: "x"})
	if e := servicetest.AsError(t, err, mackerel.ErrInvalid); e.Message != "Message: empty" {
		t.Errorf("a style and a button's text: %v", e)
	}
}
