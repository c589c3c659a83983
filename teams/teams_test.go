package teams_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

func TestConfigurations(t *testing.T) {
	const powerPlatform = "https://default0a1b.00.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/0f/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=x_-y"
	url := mackerel.NewSecret(powerPlatform)
	mentions := func(all ...teams.Mention) map[mackerel.Status][]teams.Mention {
		return map[mackerel.Status][]teams.Mention{mackerel.StatusOK: all}
	}
	for _, c := range []struct {
		name   string
		config teams.Config
		want   []string // none: it is in order
	}{
		{"a workflow's address will do", teams.Config{URL: url}, nil},
		{"the older host will do", teams.Config{URL: mackerel.NewSecret("https://prod-01.japaneast.logic.azure.com:443/workflows/0f/triggers/manual/paths/invoke?sig=x")}, nil},
		{"any host will do", teams.Config{URL: mackerel.NewSecret("http://relay.example/teams")}, nil},
		{"an address is required", teams.Config{}, []string{"URL: required"}},
		{"a mention needs an id", teams.Config{URL: url, Mentions: mentions(teams.Mention{Name: "花子"})}, []string{"Mentions[ok][0].ID: required"}},
		{"a name must not look like a tag", teams.Config{URL: url, Mentions: mentions(teams.Mention{ID: "a@x.test", Name: "<b>"})}, []string{"Mentions[ok][0].Name: has a control character or one of < > &"}},
		{"two people of one name cannot be told apart", teams.Config{
			URL: url, Mentions: mentions(teams.Mention{ID: "a@x.test", Name: "花子"}, teams.Mention{ID: "b@x.test", Name: "花子"}),
		}, []string{"Mentions[ok][1].Name: is somebody else's too"}},
		{"all problems are told at once", teams.Config{
			URL: mackerel.NewSecret("secret-hook\n"), Level: "x", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxAttempts: -1},
		}, []string{"URL: not a URL", "Level: ", "Text.Language: ", "Call.MaxAttempts: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := teams.New(c.config)
			if len(c.want) == 0 {
				if err != nil || n.String() != "teams workflow" {
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

// TestTheAddressIsSentAsGiven tries queries that a program which reads and writes them again would change.
func TestTheAddressIsSentAsGiven(t *testing.T) {
	for _, address := range []string{
		teamstest.Path + "?" + teamstest.Query,
		"/workflows/0f/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a-b_c%2Bd%3D",
		"/a%2Fb/c?z=1&a=2&a=3&empty&sig=%2f~!*'();:@,x/y?z", "/x?", "/%E9%9A%9C?q=%E9%9A%9C",
	} {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 202})
		n, err := teams.New(teams.Config{URL: mackerel.NewSecret(fakehttp.MemoryURL + address), Call: mackerel.CallOptions{Client: s.Client()}})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil {
			t.Fatal(err)
		}
		r := s.Requests()[0]
		if got := r.Path + "?" + r.Query; strings.TrimSuffix(got, "?") != strings.TrimSuffix(address, "?") {
			t.Errorf("%s became %s", address, got)
		}
		if got := r.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("Content-Type: %s", got)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		queued bool
		kind   error // nil for success
	}{
		{"202 is queued", 202, "", true, nil},
		{"202 with words is queued", 202, `{"id":"1"}`, true, nil},
		{"200 of a Response action is not", 200, "", false, nil},
		{"whatever that says", 200, `{"posted":true}`, false, nil},
		{"a page is no answer of a workflow's", 200, "\n<!DOCTYPE html><html>Sign in</html>", false, mackerel.ErrAmbiguous},
		{"a connector's failure is one", 200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429", false, mackerel.ErrAmbiguous},
		{"another success is undocumented", 204, "", false, mackerel.ErrAmbiguous},
		{"a redirect is refused", 302, "", false, mackerel.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.Respond(c.status, c.body)
			n := newNotifier(t, s, teams.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
			receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x"})
			if !errors.Is(err, c.kind) || receipt.Queued != c.queued || receipt.Provider != "teams" || receipt.ID != "" {
				t.Errorf("%+v, %v", receipt, err)
			}
		})
	}
}

func TestErrorsKeepTheServicesWords(t *testing.T) {
	for code, kind := range map[string]error{
		"MissingApiVersionParameter": mackerel.ErrInvalid, "WorkflowTriggerIsNotEnabled": mackerel.ErrInvalid,
		"DirectApiAuthorizationRequired": mackerel.ErrUnauthorized, "AuthorizationFailed": mackerel.ErrUnauthorized,
		"WorkflowNotFound": mackerel.ErrNotFound, "TooManyRequests": mackerel.ErrRateLimited,
	} {
		s := newServer(t)
		s.Refuse(code)
		n := newNotifier(t, s, teams.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
		receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x"})
		e := asError(t, err, kind)
		if e.Code != code || e.Message != code+": refused by the test" || !strings.HasPrefix(e.Error(), "teams: post card: ") || receipt.Queued {
			t.Errorf("%+v", e)
		}
	}
	for body, want := range map[string]string{
		"": "", " bad request\n": "bad request", "<html>x</html>": "", `{"error":{"message":"only words"}}`: "only words",
		`{"message":"no error"}`: `{"message":"no error"}`,
	} {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 400, Body: body})
		err := newNotifier(t, s, teams.Config{}).Notify(t.Context(), mackerel.Alert{Message: "x"})
		if e := asError(t, err, mackerel.ErrInvalid); e.Message != want || e.Code != "" {
			t.Errorf("%q: %+v", body, e)
		}
	}
}

// TestARefusedSignature shows that an error names nothing of the address, even if the service does.
func TestARefusedSignature(t *testing.T) {
	s := newServer(t)
	address := strings.ReplaceAll(teamstest.MemoryURL, teamstest.Signature, "wrong-Signature_1")
	n, err := teams.New(teams.Config{URL: mackerel.NewSecret(address), Call: mackerel.CallOptions{Client: s.Client()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); !errors.Is(err, mackerel.ErrUnauthorized) {
		t.Errorf("%v", err)
	}
	s.Inject(fakehttp.Fault{Status: 401, Body: `{"error":{"code":"X","message":"sig wrong-Signature_1 of ` + teamstest.Workflow + ` is wrong, cannot invoke"}}`})
	e := asError(t, n.Notify(t.Context(), mackerel.Alert{Message: "x"}), mackerel.ErrUnauthorized)
	if e.Message != "X: sig [redacted] of [redacted] is wrong, cannot invoke" {
		t.Errorf("%q", e.Message)
	}
}

func TestARateLimitIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 429, Header: map[string][]string{"Retry-After": {"9"}}})
		n := newNotifier(t, s, teams.Config{})
		start := time.Now()
		receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x"})
		if err != nil || receipt.Attempts != 2 || time.Since(start) != 9*time.Second || !receipt.Queued {
			t.Errorf("%+v, %v", receipt, err)
		}
	})
}

// TestALostAnswer shows both modes: the card is there twice, or it is there once and nobody is sure.
func TestALostAnswer(t *testing.T) {
	for mode, want := range map[mackerel.Delivery]int{0: 2, mackerel.AtLeastOnce: 2, mackerel.AtMostOnce: 1} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			s.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})
			n := newNotifier(t, s, teams.Config{Call: mackerel.CallOptions{Delivery: mode}})
			receipt, err := n.Deliver(t.Context(), mackerel.Alert{Message: "x"})
			if ambiguous := errors.Is(err, mackerel.ErrAmbiguous); ambiguous != (mode == mackerel.AtMostOnce) || receipt.Queued == ambiguous {
				t.Errorf("%v: %+v, %v", mode, receipt, err)
			}
			if got := len(s.Cards()); got != want {
				t.Errorf("%v: %d cards, want %d", mode, got, want)
			}
		})
	}
}

func TestMentionsComeFromTheConfiguration(t *testing.T) {
	hanako, taro := teams.Mention{ID: "hanako@example.com", Name: "花子"}, teams.Mention{ID: "8f0c-taro"}
	config := teams.Config{Mentions: map[mackerel.Status][]teams.Mention{"CRITICAL": {hanako, taro, hanako}}}
	card, _ := notify(t, config, mackerel.Alert{Status: mackerel.StatusCritical, Message: "x", Monitor: mackerel.Monitor{Memo: "<at>taro</at>"}})
	want := []teamstest.Mention{{ID: "hanako@example.com", Name: "花子"}, {ID: "8f0c-taro", Name: "8f0c-taro"}}
	if got := card.Mentions(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v", got)
	}
	if got := card.Texts()[1]; got != "<at>花子</at> <at>8f0c-taro</at> <at>花子</at>" {
		t.Errorf("%q", got)
	}
	for _, a := range []mackerel.Alert{{Status: mackerel.StatusWarning}, {Status: mackerel.StatusOK}, {}, {Event: mackerel.EventHostRetire, Status: "critical"}} {
		if card, _ := notify(t, config, a); len(card.Mentions()) != 0 {
			t.Errorf("%+v calls %+v", a, card.Mentions())
		}
	}
	config.Message = func(a mackerel.Alert) (teams.Message, error) {
		m := teams.DefaultMessage(a, mackerel.Text{})
		m.Mentions = []teams.Mention{taro}
		return m, nil
	}
	if card, _ := notify(t, config, mackerel.Alert{Status: mackerel.StatusCritical}); len(card.Mentions()) != 1 {
		t.Errorf("%+v", card.Mentions())
	}
}

func TestWhatIsNotSent(t *testing.T) {
	for _, c := range []struct {
		name    string
		message teams.Message
		want    string
	}{
		{"nothing", teams.Message{}, "message: empty"},
		{"nothing but a style and a button's word", teams.Message{Style: teams.StyleGood, Open: "x"}, "message: empty"},
		{"an unknown style", teams.Message{Title: "T", Style: "crimson"}, `style: "crimson" is not allowed`},
		{"a mention of nobody", teams.Message{Title: "T", Mentions: []teams.Mention{{Name: "x"}}}, "mentions[0].ID: required"},
		{"a name that is a tag's end", teams.Message{Title: "T", Mentions: []teams.Mention{{ID: "x</at>"}}}, "mentions[0].Name: "},
		{"raw text that is too long", teams.Message{Title: "T", Raw: strings.Repeat("障", 4000)}, "message: too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			_, err := newNotifier(t, s, teams.Config{}).Send(t.Context(), c.message)
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
	n := newNotifier(t, s, teams.Config{Level: mackerel.LevelCritical})
	warning := mackerel.Alert{Status: mackerel.StatusWarning}
	receipt, err := n.Deliver(t.Context(), warning)
	if err != nil || receipt.Skipped == "" || receipt.Queued {
		t.Errorf("%+v, %v", receipt, err)
	}
	if p, err := n.Preview(warning); err != nil || p.Skipped == "" || len(p.Requests) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	broken := errors.New("no template")
	n = newNotifier(t, s, teams.Config{Message: func(mackerel.Alert) (teams.Message, error) { return teams.Message{}, broken }})
	if err := n.Notify(t.Context(), warning); !errors.Is(err, broken) || !errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("%v", err)
	}
	if len(s.Requests()) != 0 {
		t.Errorf("%d requests", len(s.Requests()))
	}
}
