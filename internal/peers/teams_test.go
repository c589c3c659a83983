package peers

import (
	"net/http"
	"strings"
	"testing"

	goteamsnotify "github.com/atc0005/go-teams-notify/v2"
	peer "github.com/atc0005/go-teams-notify/v2/adaptivecard"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/teams"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

// teamsHanako is a person whom critical alerts call.
var teamsHanako = teams.Mention{ID: "hanako@example.com", Name: "花子"}

func newTeams(t *testing.T) (*teamstest.Server, *teams.Notifier) {
	t.Helper()
	s := start(t, teamstest.New())
	config := s.Config()
	config.Mentions, config.Call = map[mackerel.Status][]teams.Mention{mackerel.StatusCritical: {teamsHanako}}, once
	n, err := teams.New(config)
	return s, must(t, n, err)
}

// teamsClient returns a client that accepts the address of a fake.
func teamsClient(t *testing.T, s *teamstest.Server) *goteamsnotify.TeamsClient {
	t.Helper()
	return goteamsnotify.NewTeamsClient().SetHTTPClient(clientTo(t, s.URL())).SkipWebhookURLValidationOnSend(true)
}

// teamsMessages are messages made with the constructors of go-teams-notify: a text, a text with a title, and a card
// with a mention, facts and a button.
func teamsMessages(t *testing.T) map[string]*peer.Message {
	t.Helper()
	text, err := peer.NewSimpleMessage("disk full", "", true)
	must(t, text, err)
	titled, err := peer.NewSimpleMessage("disk full", "app01", true)
	must(t, titled, err)

	card, err := peer.NewMentionCard(teamsHanako.Name, teamsHanako.ID, "disk full")
	must(t, card, err)
	facts := peer.NewFactSet()
	button, err := peer.NewActionOpenURL("https://mackerel.io/", "Open")
	must(t, button, err)
	must(t, card, facts.AddFact(peer.Fact{Title: "Host", Value: "app01"}))
	must(t, card, card.AddFactSet(false, facts))
	must(t, card, card.AddAction(false, button))
	card.SetFullWidth()
	full, err := peer.NewMessageFromCard(card)
	return map[string]*peer.Message{"a text": text, "a text with a title": titled, "a whole card": must(t, full, err)}
}

func TestTeamsClientPosts(t *testing.T) {
	for name, message := range teamsMessages(t) {
		t.Run(name, func(t *testing.T) {
			s, _ := newTeams(t)
			if err := teamsClient(t, s).SendWithContext(t.Context(), s.Config().URL.Reveal(), message); err != nil {
				t.Fatal(err)
			}
			runs := s.Runs()
			count(t, "runs", runs, 1)
			equal(t, "problem", runs[0].Problem, "")
			contains(t, "texts", strings.Join(runs[0].Card.Texts(), "\n"), "disk full")
		})
	}
}

// The client's errors have no type. They quote the status and the body of the answer.
func TestTeamsClientIsRefused(t *testing.T) {
	off := fakehttp.Fault{Status: http.StatusBadRequest, Body: `{"error":{"code":"WorkflowTriggerIsNotEnabled","message":"off"}}`}
	for name, c := range map[string]struct {
		prepare func(*teamstest.Server)
		suffix  string // of the workflow's address, which ends with the signature
		words   []string
	}{
		"a wrong signature": {suffix: "x", words: []string{"401", "AuthorizationFailed"}},
		"a workflow that is switched off": {
			prepare: func(s *teamstest.Server) { s.Inject(off) },
			words:   []string{"WorkflowTriggerIsNotEnabled"},
		},
		"a fault": {
			prepare: func(s *teamstest.Server) { s.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests}) },
			words:   []string{"429"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newTeams(t)
			if c.prepare != nil {
				c.prepare(s)
			}
			err := teamsClient(t, s).SendWithContext(t.Context(), s.Config().URL.Reveal()+c.suffix, teamsMessages(t)["a text"])
			if err == nil {
				t.Fatal("no error")
			}
			for _, word := range c.words {
				contains(t, "error", err.Error(), word)
			}
			count(t, "runs", s.Runs(), 0)
		})
	}
}

func TestTeamsTypesDecodeOurRequests(t *testing.T) {
	// Members of the service that go-teams-notify does not have.
	const body = "attachments.content.body"
	unknown := []string{"summary", body + ".bleed", body + ".altText", body + ".msteams.allowExpand"}
	s, n := newTeams(t)
	eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, r fakehttp.Request) {
		m := decode[peer.Message](t, r.Body, unknown...)
		if err := m.Validate(); err != nil {
			t.Errorf("the peer's validation: %v", err)
		}
		count(t, "attachments", m.Attachments, 1)
		card := m.Attachments[0].Content
		contains(t, "title", teamsPlain(card.Body[0].Items[0].Text), a.Title())
		var texts []string
		for _, element := range card.Body {
			texts = append(texts, teamsPlain(element.Text))
		}
		first, rest, _ := strings.Cut(teams.DefaultMessage(a, mackerel.Text{}).Text, "\n")
		for _, want := range []string{first, strings.ReplaceAll(rest, "\n", "\n\n")} {
			contains(t, "texts", strings.Join(texts, "\n"), want)
		}
		if a.URL != "" {
			count(t, "actions", card.Actions, 1)
			equal(t, "button", card.Actions[0].URL, a.URL)
		}
		if a.Status == mackerel.StatusCritical {
			count(t, "mentions", card.MSTeams.Entities, 1)
			hanako := peer.Mentioned{ID: teamsHanako.ID, Name: teamsHanako.Name}
			equal(t, "mentioned", card.MSTeams.Entities[0].Mentioned, hanako)
		}
	})
}

// teamsPlain removes the escapes of Markdown and makes spaces of no-break spaces.
func teamsPlain(text string) string { return strings.NewReplacer(`\`, "", "\u00a0", " ").Replace(text) }
