package teamstest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

func newServer(t *testing.T) *teamstest.Server {
	t.Helper()
	s := teamstest.NewServer()
	t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, s *teamstest.Server, method, address, contentType, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// run posts a body, which must be accepted, and returns the run that it started.
func run(t *testing.T, s *teamstest.Server, body string) teamstest.Run {
	t.Helper()
	if status, answer := call(t, s, http.MethodPost, teamstest.MemoryURL, "application/json; charset=UTF-8", body); status != http.StatusAccepted || answer != "" {
		t.Fatalf("%d %q, want 202 and nothing", status, answer)
	}
	runs := s.Runs()
	return runs[len(runs)-1]
}

// message is a message with a card that has these members.
func message(members string) string {
	return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,"content":
		{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4",` + members + `}}]}`
}

func body(elements string) string { return message(`"body":[` + elements + `]`) }

const (
	hello  = `{"type":"TextBlock","text":"hello"}`
	entity = `"msteams":{"width":"Full","entities":[{"type":"mention","text":"<at>花子</at>","mentioned":{"id":"hanako@example.com","name":"花子"}}]}`
)

func TestACardIsKeptAsPosted(t *testing.T) {
	s := newServer(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	r := run(t, s, message(entity+`,"body":[
		{"type":"Container","style":"attention","bleed":true,"items":[{"type":"TextBlock","text":"<at>花子</at> look","wrap":true,"size":"Medium","weight":"bolder"}]},
		{"type":"FactSet","facts":[{"title":"a","value":"b"},{"title":"c","value":""}]},
		{"type":"ColumnSet","columns":[{"type":"Column","width":"auto","items":[`+hello+`]}]},
		{"type":"Image","url":"https://x.test/a.png","altText":"x","msteams":{"allowExpand":true},"spacing":"large","separator":true}],
		"actions":[{"type":"Action.OpenUrl","title":"Open","url":"https://x.test/"}]`))
	if r.Problem != "" || !r.Time.Equal(now) || !json.Valid(r.Body) {
		t.Fatalf("%+v", r)
	}
	c := s.Cards()[0]
	if got, want := c.Texts(), []string{"Open", "<at>花子</at> look", "a", "b", "c", "", "hello"}; !reflect.DeepEqual(got, want) {
		t.Errorf("texts: %q", got)
	}
	if got, want := c.Mentions(), []teamstest.Mention{{ID: "hanako@example.com", Name: "花子"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("mentions: %+v", got)
	}
	if c.Buttons()[0] != "https://x.test/" || c.Images()[0] != "https://x.test/a.png" || !strings.Contains(string(c.JSON), `"AdaptiveCard"`) {
		t.Errorf("%+v", c)
	}
}

func TestRunsThatFail(t *testing.T) {
	long := strings.Repeat("障", 4200)
	for _, c := range []struct{ name, body, problem string }{
		{"no object", `[]`, "the body is not an object"},
		{"a card of old", `{"@type":"MessageCard","text":"x"}`, "ExpressionEvaluationFailed"},
		{"no attachments", `{"type":"message"}`, "ExpressionEvaluationFailed"},
		{"two attachments", `{"type":"message","attachments":[{},{}]}`, "2 attachments"},
		{"another type of message", strings.Replace(body(hello), `"message"`, `"event"`, 1), "type: is event and not message"},
		{"another type of attachment", strings.Replace(body(hello), "card.adaptive", "card.hero", 1), "contentType"},
		{"an unknown member of the message", strings.Replace(body(hello), `"message"`, `"message","text":"x"`, 1), "text: is unknown"},
		{"a newer version", strings.Replace(body(hello), "1.4", "1.5", 1), "version: 1.5 is none of"},
		{"no body", message(`"lang":"ja"`), "body: is missing"},
		{"an empty body", body(""), "body: is not a list"},
		{"an empty text", body(`{"type":"TextBlock","text":" \n"}`), "text: is empty"},
		{"a number as text", body(`{"type":"TextBlock","text":1}`), "text: is not a string"},
		{"a member of a newer version", body(`{"type":"TextBlock","text":"x","style":"heading"}`), "style: is unknown"},
		{"an unknown word", body(`{"type":"TextBlock","text":"x","size":"huge"}`), "size: huge is none of"},
		{"a word for a boolean", body(`{"type":"TextBlock","text":"x","wrap":"true"}`), "wrap: is not a boolean"},
		{"an unknown element", body(`{"type":"Table"}`), `"Table" is not supported`},
		{"no element", body(`"x"`), `"" is not supported`},
		{"a fact without a value", body(`{"type":"FactSet","facts":[{"title":"x"}]}`), "value: is missing"},
		{"no facts", body(`{"type":"FactSet","facts":[]}`), "facts: is not a list"},
		{"an unknown member within", body(`{"type":"Container","items":[{"type":"TextBlock","text":"x","y":1}]}`), "items[0].y: is unknown"},
		{"a picture that is not https", body(`{"type":"Image","url":"http://x.test/"}`), "url: is not an https address"},
		{"a button that runs", message(`"body":[` + hello + `],"actions":[{"type":"Action.OpenUrl","title":"x","url":"javascript:x"}]`), "url: is not an http or https"},
		{"a form", message(`"body":[` + hello + `],"actions":[{"type":"Action.Submit","title":"x"}]`), `"Action.Submit" is not supported`},
		{"a tag without an entity", body(`{"type":"TextBlock","text":"<AT>all</AT>"}`), "has no entity"},
		{"an entity without a tag", message(entity + `,"body":[` + hello + `]`), "is nowhere in the card"},
		{"an entity of another text", message(strings.Replace(entity, "<at>花子", "<at>太郎", 1) + `,"body":[` + hello + `]`), "a text that is not its name's"},
		{"an entity that is no object", message(`"msteams":{"entities":[1]},"body":[` + hello + `]`), "is not an object"},
		{"the members that only old examples have", message(`"msTeams":{"width":"Full"},"body":[` + hello + `]`), "msTeams: is unknown"},
		{"a long message", body(`{"type":"TextBlock","text":"` + long + `"}`), "RequestEntityTooLarge"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			r := run(t, s, c.body)
			if !strings.Contains(r.Problem, c.problem) || len(r.Card.Texts()) != 0 || len(s.Cards()) != 0 {
				t.Errorf("%q, want %q", r.Problem, c.problem)
			}
		})
	}
}

func TestSize(t *testing.T) {
	for unit, width := range map[string]int{"a": 1, "障": 7, "🔥": 14, `\"`: 4} {
		s := newServer(t)
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
	const at = "https://any.host.test:443" + teamstest.Path + "?"
	for _, c := range []struct {
		name, method, address, contentType, body string
		status                                   int
		code                                     string
	}{
		{"no api-version", "POST", at + strings.Replace(teamstest.Query, "api-version=1&", "", 1), "application/json", body(hello), 400, "MissingApiVersionParameter"},
		{"no sig", "POST", at + strings.Split(teamstest.Query, "&sig=")[0], "application/json", body(hello), 401, "DirectApiAuthorizationRequired"},
		{"a wrong sig", "POST", at + teamstest.Query + "x", "application/json", body(hello), 401, "AuthorizationFailed"},
		{"an sp that was decoded", "POST", at + strings.ReplaceAll(teamstest.Query, "%2F", "/"), "application/json", body(hello), 401, "AuthorizationFailed"},
		{"another workflow", "POST", strings.Replace(teamstest.MemoryURL, teamstest.Workflow, "x", 1), "application/json", body(hello), 404, "WorkflowNotFound"},
		{"another method", "GET", teamstest.MemoryURL, "application/json", "", 405, "MethodNotAllowed"},
		{"another type", "POST", teamstest.MemoryURL, "text/plain", body(hello), 400, "InvalidRequestContent"},
		{"another charset", "POST", teamstest.MemoryURL, "application/json; charset=shift_jis", body(hello), 400, "InvalidRequestContent"},
		{"no JSON", "POST", teamstest.MemoryURL, "application/json", "{", 400, "InvalidRequestContent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			status, answer := call(t, s, c.method, c.address, c.contentType, c.body)
			var e struct {
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal([]byte(answer), &e); err != nil {
				t.Fatalf("%q: %v", answer, err)
			}
			if status != c.status || e.Error.Code != c.code || e.Error.Message == "" || len(s.Runs()) != 0 {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
}

func TestRefuseAndRespond(t *testing.T) {
	s := newServer(t)
	s.Refuse("WorkflowTriggerIsNotEnabled")
	if status, answer := call(t, s, http.MethodPost, teamstest.MemoryURL, "application/json", body(hello)); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, answer)
	}
	s.Refuse("")
	s.Respond(http.StatusOK, "posted")
	status, answer := call(t, s, http.MethodPost, teamstest.MemoryURL, "application/json", body(hello))
	if status != http.StatusOK || answer != "posted" || len(s.Cards()) != 1 {
		t.Errorf("%d %s", status, answer)
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown code is taken")
		}
	}()
	s.Refuse("OutOfCoffee")
}
