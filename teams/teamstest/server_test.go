package teamstest_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

// run posts a body, which must be accepted, and returns the run that it starts.
func run(t *testing.T, s *teamstest.Server, body string) teamstest.Run {
	t.Helper()
	a := servicetest.Call(t, s.Client(), "POST", s.MemoryConfig().URL.Reveal(), body, "Content-Type", "application/json; charset=UTF-8")
	if a.Status != 202 || a.Body != "" {
		t.Fatalf("%+v, want 202 and nothing", a)
	}
	return servicetest.Last(t, s, s.Runs())
}

// message is a message with a card that has these members.
func message(members string) string {
	return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,"content":
		{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4",` + members + `}}]}`
}

func body(elements string) string { return message(`"body":[` + elements + `]`) }

func actions(all string) string { return message(`"body":[` + hello + `],"actions":[` + all + `]`) }

const (
	hello  = `{"type":"TextBlock","text":"hello"}`
	button = `{"type":"Action.OpenUrl","title":"x","url":"http://x.test/"}`
	entity = `"msteams":{"width":"Full","entities":[{"type":"mention","text":"<at>花子</at>","mentioned":{"id":"hanako@example.com","name":"花子"}}]}`
)

func TestACardIsKeptAsPosted(t *testing.T) {
	s := servicetest.Start(t, teamstest.New())
	s.Strict(true)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	r := run(t, s, message(entity+`,"body":[
		{"type":"Container","style":"attention","bleed":true,"items":[{"type":"TextBlock","text":"<at>花子</at> look","wrap":true,"size":"Medium","weight":"bolder"}]},
		{"type":"FactSet","facts":[{"title":"a","value":"b"},{"title":"c","value":""}]},
		`+hello+`,
		{"type":"Image","url":"https://x.test/a.png","altText":"x","msteams":{"allowExpand":true}}],
		"actions":[{"type":"Action.OpenUrl","title":"Open","url":"https://x.test/"}]`))
	if r.Problem != "" || !r.Time.Equal(now) || s.Accepted() != 1 || len(s.Cards()) != 1 {
		t.Fatalf("%+v", r)
	}
	if got, want := r.Card.Texts(), []string{"Open", "<at>花子</at> look", "a", "b", "c", "", "hello"}; !slices.Equal(got, want) {
		t.Errorf("texts: %q", got)
	}
	if got, want := r.Card.Mentions(), []teamstest.Mention{{ID: "hanako@example.com", Name: "花子"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("mentions: %+v", got)
	}
}

func TestLinks(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []teamstest.Link
	}{
		{"a link has a label", "see [the page](https://x.test/a) now", []teamstest.Link{{URL: "https://x.test/a", Label: "the page"}}},
		{"a picture is a link", "![x](https://x.test/a.png)", []teamstest.Link{{URL: "https://x.test/a.png", Label: "x"}}},
		{"blanks and line breaks may stand before the address", "[x] \n( <y> )", []teamstest.Link{{URL: "y", Label: "x"}}},
		{"a title may follow the address", "[x](y 'z')", []teamstest.Link{{URL: "y", Label: "x"}}},
		{"links may be within each other", "[a [b](c)](d)", []teamstest.Link{{URL: "c", Label: "b"}, {URL: "d", Label: "a [b](c)"}}},
		{"an address may be in angle brackets", "<https://x.test/> <mailto:a> <a@x.test>", []teamstest.Link{{URL: "https://x.test/"}, {URL: "mailto:a"}, {URL: "a@x.test"}}},
		{"a line may define a link", "[x] [x][y]\n\n [y]: https://x.test/", []teamstest.Link{{URL: "https://x.test/", Label: "y"}}},
		{"a backslash in a label is undone", `[a\]\_b](c\_d)`, []teamstest.Link{{URL: "c_d", Label: "a]_b"}}},
		{"brackets with a backslash are text", `\[x](y) [x\](y) [x]\(y) \<https://x.test/>`, nil},
		{"other brackets are text", "[CRITICAL] a[0] x (y) ](z) <b> [x]: a", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := teamstest.Card{Body: []teamstest.Element{{Type: "TextBlock", Text: c.text}}}
			if got := card.Links(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestRunsThatFail(t *testing.T) {
	for _, c := range []struct{ name, body, problem string }{
		{"no object", `[]`, "the body is not a JSON object"},
		{"a MessageCard", `{"text":"x"}`, "text is unknown"},
		{"no attachments", `{"type":"message"}`, "ExpressionEvaluationFailed"},
		{"two attachments", `{"type":"message","attachments":[{},{}]}`, "2 attachments"},
		{"another type of message", strings.Replace(body(hello), `"message"`, `"event"`, 1), "type must be message"},
		{"another type of attachment", strings.Replace(body(hello), "card.adaptive", "card.hero", 1), "contentType"},
		{"another type of card", strings.Replace(body(hello), `"AdaptiveCard"`, `"HeroCard"`, 1), "type must be AdaptiveCard"},
		{"a newer version", strings.Replace(body(hello), "1.4", "1.5", 1), `version "1.5" is not one of`},
		{"no version", strings.Replace(body(hello), "1.4", "", 1), "version is missing"},
		{"no body", message(`"actions":[]`), "body is empty"},
		{"an empty text", body(`{"type":"TextBlock","text":" \n"}`), "body[0].text is empty"},
		{"an unknown word", body(`{"type":"TextBlock","text":"x","size":"huge"}`), `size "huge" is not one of`},
		{"an unknown element", body(`{"type":"Carpet"}`), `"Carpet" is not supported`},
		{"no element", body(`"x"`), "body[0] must be an object"},
		{"no facts", body(`{"type":"FactSet","facts":[]}`), "facts is empty"},
		{"an empty container", body(`{"type":"Container"}`), "items is empty"},
		{"an unknown style", body(`{"type":"Container","style":"red","items":[` + hello + `]}`), `style "red" is not one of`},
		{"a picture that is not https", body(`{"type":"Image","url":"http://x.test/"}`), "url is not an address of https"},
		{"a picture at an address with a blank", body(`{"type":"Image","url":"https://x.test/a b"}`), "url is not an address of https"},
		{"a button that runs", actions(`{"type":"Action.OpenUrl","title":"x","url":"javascript:x"}`), "url is not an address of http or https"},
		{"a button without a text", actions(`{"type":"Action.OpenUrl","url":"https://x.test/"}`), "title is empty"},
		{"seven buttons", actions(strings.Repeat(button+",", 6) + button), "actions are more than 6"},
		{"a form", actions(`{"type":"Action.Submit","title":"x"}`), `"Action.Submit" is not supported`},
		{"a tag without an entity", body(`{"type":"TextBlock","text":"<AT>all</AT>"}`), "has no entity"},
		{"an entity without a tag", message(entity + `,"body":[` + hello + `]`), "is nowhere in the card"},
		{"an entity of another text", message(strings.Replace(entity, "<at>花子", "<at>太郎", 1) + `,"body":[` + hello + `]`), "is not the <at> of its name"},
		{"an entity without an id", message(strings.Replace(entity, "hanako@example.com", "", 1) + `,"body":[` + hello + `]`), "id is missing"},
		{"the member of old examples", message(`"msTeams":{"width":"Full"},"body":[` + hello + `]`), "msTeams is unknown"},
		{"a long message", body(`{"type":"TextBlock","text":"` + strings.Repeat("障", 4200) + `"}`), "RequestEntityTooLarge"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.Start(t, teamstest.New())
			s.Strict(true)
			r := run(t, s, c.body)
			if !strings.Contains(r.Problem, c.problem) || r.Card.Body != nil || len(s.Cards()) != 0 || s.Accepted() != 0 {
				t.Errorf("%q, want %q", r.Problem, c.problem)
			}
		})
	}
}

func TestUnknownMembersAreIgnoredUnlessTheFakeIsStrict(t *testing.T) {
	s := servicetest.Start(t, teamstest.New())
	if r := run(t, s, message(`"msTeams":{},"body":[{"type":"TextBlock","text":"x","style":"heading","isVisible":true,"new":null}]`)); r.Problem != "" {
		t.Errorf("%+v", r)
	}
	if r := run(t, s, body(hello+`,{"type":"ColumnSet","columns":[{"type":"Column","width":"auto"}]}`)); r.Problem != "" {
		t.Errorf("an element that the notifier does not send: %+v", r)
	}
	if r := run(t, s, `{"@type":"MessageCard","text":"disk full"}`); !strings.HasPrefix(r.Problem, "ExpressionEvaluationFailed") {
		t.Errorf("a MessageCard: %+v", r)
	}
}

func TestSize(t *testing.T) {
	for unit, width := range map[string]int{"a": 1, "障": 7, "🔥": 14, `\"`: 4} {
		s := servicetest.Start(t, teamstest.New())
		text := func(n int) string { return body(`{"type":"TextBlock","text":"` + strings.Repeat(unit, n) + `"}`) }
		frame := len(text(0)) + strings.Count(text(0), `"`)
		fits := (28672 - frame) / width
		if r := run(t, s, text(fits)); r.Problem != "" {
			t.Errorf("%d of %s: %s", fits, unit, r.Problem)
		}
		if r := run(t, s, text(fits+1)); !strings.Contains(r.Problem, "RequestEntityTooLarge") {
			t.Errorf("%d of %s: %q", fits+1, unit, r.Problem)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, method, old, new string // what is replaced in the address
		contentType, body      string
		status                 int
		code                   string
	}{
		{"no api-version", "POST", "api-version=1&", "", "application/json", body(hello), 400, "MissingApiVersionParameter"},
		{"no sig", "POST", "&sig=" + teamstest.Signature, "", "application/json", body(hello), 401, "DirectApiAuthorizationRequired"},
		{"a wrong sig", "POST", teamstest.Signature, "x", "application/json", body(hello), 401, "AuthorizationFailed"},
		{"a revoked sig", "POST", teamstest.Signature, "revoked", "application/json", body(hello), 401, "AuthorizationFailed"},
		{"a second sig", "POST", teamstest.Signature, "second", "application/json", body(hello), 202, ""},
		{"an sp that was decoded", "POST", "%2F", "/", "application/json", body(hello), 401, "AuthorizationFailed"},
		{"another sv", "POST", "sv=1.0", "sv=1", "application/json", body(hello), 401, "AuthorizationFailed"},
		{"another workflow", "POST", teamstest.Workflow, "x", "application/json", body(hello), 404, "WorkflowNotFound"},
		{"another host", "POST", "http://fake.test", "https://any.host.test:443", "application/json", body(hello), 202, ""},
		{"another method", "GET", "", "", "application/json", "", 405, "MethodNotAllowed"},
		{"another type", "POST", "", "", "text/plain", body(hello), 400, "InvalidRequestContent"},
		{"another charset", "POST", "", "", "application/json; charset=shift_jis", body(hello), 400, "InvalidRequestContent"},
		{"no JSON", "POST", "", "", "application/json", "{", 400, "InvalidRequestContent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := servicetest.Start(t, teamstest.New())
			s.AddToken("second", "revoked")
			s.RevokeToken("revoked")
			address := strings.ReplaceAll(s.MemoryConfig().URL.Reveal(), c.old, c.new)
			a := servicetest.Call(t, s.Client(), c.method, address, c.body, "Content-Type", c.contentType)
			var e struct {
				Error struct {
					Code    string `json:"code"`
					Message string `json:"message"`
				} `json:"error"`
			}
			if err := json.Unmarshal([]byte(a.Body), &e); err != nil && c.code != "" {
				t.Fatalf("%q: %v", a.Body, err)
			}
			if a.Status != c.status || e.Error.Code != c.code || (e.Error.Message == "") != (c.code == "") || len(s.Runs()) != len(s.Cards()) || s.Accepted() == 1 != (c.code == "") {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestTheRateIsLimitedIfToldTo(t *testing.T) {
	s := servicetest.Start(t, teamstest.New())
	s.SetClock(func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) })
	s.SetLimit("runs", 1, time.Minute)
	run(t, s, body(hello))
	address := s.MemoryConfig().URL.Reveal()
	a := servicetest.Call(t, s.Client(), "POST", address, body(hello), "Content-Type", "application/json")
	if a.Status != 429 || !strings.Contains(a.Body, `"TooManyRequests"`) {
		t.Errorf("%+v", a)
	}
	s.Documented()
	for range 10 {
		run(t, s, body(hello))
	}
}
