package mackereltest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

func TestAChannelsLife(t *testing.T) {
	for _, tt := range []struct{ name, create, created, update, updated string }{
		{
			"email",
			`{"type":"email","name":"ops mail","emails":["ops@example.com"],"userIds":["5User000001"],"events":["alert"]}`,
			`{"id":"ID","type":"email","name":"ops mail","emails":["ops@example.com"],"userIds":["5User000001"],"events":["alert"]}`,
			`{"type":"email","name":"mail","emails":[],"userIds":[],"events":[]}`,
			`{"id":"ID","type":"email","name":"mail","emails":[],"userIds":[],"events":[]}`,
		},
		{
			"slack",
			`{"type":"slack","name":"<&>","url":"https://hooks.slack.com/services/T/B/X","mentions":{"ok":"","critical":"@here"},"enabledGraphImage":true,` +
				`"events":["alert","alertGroup","hostStatus","hostRegister","hostRetire","monitor"]}`,
			`{"id":"ID","type":"slack","name":"<&>","url":"https://hooks.slack.com/services/T/B/X","mentions":{"ok":"","critical":"@here"},"enabledGraphImage":true,` +
				`"events":["alert","alertGroup","hostStatus","hostRegister","hostRetire","monitor"]}`,
			`{"type":"slack","name":"n","url":"http://chat.example.com/hook"}`, // what is left out is reset
			`{"id":"ID","type":"slack","name":"n","url":"http://chat.example.com/hook","mentions":{},"enabledGraphImage":false,"events":[]}`,
		},
		{
			"email as Mackerel's client for Go sends it, and back with all that was listed",
			`{"type":"email","name":"n","emails":null,"userIds":[],"mentions":{},"url":"","unknown":1}`,
			`{"id":"ID","type":"email","name":"n","emails":[],"userIds":[],"events":[]}`,
			`{"id":"ID","type":"email","name":"n","suspendedAt":null,"emails":[],"userIds":[],"events":[],"mentions":{}}`,
			`{"id":"ID","type":"email","name":"n","emails":[],"userIds":[],"events":[]}`,
		},
		{
			"slack with mentions that are null or for an unknown status",
			`{"type":"slack","name":"n","url":"https://example.com","mentions":null}`,
			`{"id":"ID","type":"slack","name":"n","url":"https://example.com","mentions":{},"enabledGraphImage":false,"events":[]}`,
			`{"type":"slack","name":"n","url":"https://example.com","mentions":{"unknown":"x"},"enabledGraphImage":null}`,
			`{"id":"ID","type":"slack","name":"n","url":"https://example.com","mentions":{"unknown":"x"},"enabledGraphImage":false,"events":[]}`,
		},
		{
			"webhook as Terraform's provider sends it",
			`{"name":"bridge","type":"webhook","mentions":{},"url":"https://user:pw@hook.example.com/m","events":["monitor"]}`,
			`{"id":"ID","type":"webhook","name":"bridge","url":"https://user:pw@hook.example.com/m","enabledGraphImage":false,"events":["monitor"]}`,
			`{"id":"ID","name":"bridge","type":"webhook","mentions":{},"url":"https://user:pw@hook.example.com/m","events":["alert"]}`,
			`{"id":"ID","type":"webhook","name":"bridge","url":"https://user:pw@hook.example.com/m","enabledGraphImage":false,"events":["alert"]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.AddUsers("5User000001")
			other := s.AddChannel(`{"id":"4Other00001","type":"chatwork","name":"other"}`)
			status, body := call(t, s, "POST", path, tt.create)
			var made struct{ ID string }
			if err := json.Unmarshal([]byte(body), &made); status != 200 || err != nil {
				t.Fatalf("POST: got %d %s", status, body)
			}
			sameJSON(t, body, withID(tt.created, made.ID))
			if got := s.DefaultNotificationGroup(); !slices.Equal(got, []string{other, made.ID}) {
				t.Errorf("default group: %v", got)
			}
			listed := strings.Replace(tt.created, `{`, `{"suspendedAt":null,`, 1)
			_, body = call(t, s, "GET", path, "")
			sameJSON(t, body, withID(`{"channels":[{"id":"4Other00001","type":"chatwork","name":"other"},`+listed+`]}`, made.ID))

			status, body = call(t, s, "PUT", path+"/"+made.ID, withID(tt.update, made.ID))
			if status != 200 {
				t.Fatalf("PUT: got %d %s", status, body)
			}
			sameJSON(t, body, withID(tt.updated, made.ID))
			listed = withID(strings.Replace(tt.updated, `{`, `{"suspendedAt":null,`, 1), made.ID)
			sameJSON(t, string(s.Channels()[1]), listed)

			status, body = call(t, s, "DELETE", path+"/"+made.ID, "")
			if status != 200 {
				t.Fatalf("DELETE: got %d %s", status, body)
			}
			sameJSON(t, body, listed)
			if status, _ = call(t, s, "DELETE", path+"/"+made.ID, ""); status != 404 {
				t.Errorf("second DELETE: got %d", status)
			}
			if got := s.DefaultNotificationGroup(); !slices.Equal(got, []string{other}) || len(s.Channels()) != 1 {
				t.Errorf("left: %s, in the default group %v", s.Channels(), got)
			}
		})
	}
}

// Each of these is refused with 400 when it is registered.
var refusals = []struct{ name, body, message string }{
	{"no body", ``, "the body is not JSON in UTF-8"},
	{"malformed", `{"type":"email",`, "the body is not JSON in UTF-8"},
	{"two values", `{"type":"email","name":"n"}{}`, "the body is not JSON in UTF-8"},
	{"an array", `[]`, "the body is not a JSON object"},
	{"no type", `{"name":"n"}`, "type is required"},
	{"no name", `{"type":"email"}`, "name is required"},
	{"an empty name", `{"type":"email","name":""}`, "name is empty"},
	{"a name of the wrong type", `{"type":"email","name":1}`, "name must be a string"},
	{"a type that cannot be registered", `{"type":"chatwork","name":"n"}`, "type cannot be registered"},
	{"a type that does not exist", `{"type":"Email","name":"n"}`, "type cannot be registered"},
	{"a member twice", `{"type":"email","name":"n","name":"n"}`, "name is given twice"},
	{"a bad address", `{"type":"email","name":"n","emails":["a@example.com","b"]}`, "emails[1] is not an email address"},
	{"an address with a name", `{"type":"email","name":"n","emails":["A <a@example.com>"]}`, "emails[0] is not an email address"},
	{"addresses of the wrong type", `{"type":"email","name":"n","emails":"a@example.com"}`, "emails must be an array"},
	{"a user of another organization", `{"type":"email","name":"n","userIds":["5User000001","5User000002"]}`, "userIds[1] is not a user of the organization"},
	{"an unknown event", `{"type":"webhook","name":"n","url":"https://example.com","events":["alert","hoststatus"]}`, "events[1] is not an event"},
	{"no url", `{"type":"webhook","name":"n"}`, "url is required"},
	{"no url of slack", `{"type":"slack","name":"n"}`, "url is required"},
	{"an empty url", `{"type":"slack","name":"n","url":""}`, "url is not an http or https URL"},
	{"a url of another scheme", `{"type":"slack","name":"n","url":"ftp://example.com"}`, "url is not an http or https URL"},
	{"a url without a host", `{"type":"webhook","name":"n","url":"https:///hook"}`, "url is not an http or https URL"},
	{"a relative url", `{"type":"webhook","name":"n","url":"example.com/hook"}`, "url is not an http or https URL"},
	{"a mention that is no text", `{"type":"slack","name":"n","url":"https://example.com","mentions":{"ok":null}}`, "mentions.ok must be a string"},
	{"a graph image that is no boolean", `{"type":"slack","name":"n","url":"https://example.com","enabledGraphImage":"true"}`, "enabledGraphImage must be a boolean"},
	{"a default group that is no boolean", `{"type":"email","name":"n","addToDefaultNotificationGroup":1}`, "addToDefaultNotificationGroup must be a boolean"},
}

func TestWhatCannotBeRegistered(t *testing.T) {
	s := newServer(t)
	s.AddUsers("5User000001")
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			status, body := call(t, s, "POST", path, tt.body)
			if want := `{"error":{"message":"` + tt.message + `"}}`; status != 400 || body != want {
				t.Errorf("got %d %s, want 400 %s", status, body, want)
			}
		})
	}
	if len(s.Channels()) != 0 {
		t.Errorf("registered all the same: %s", s.Channels())
	}
}

func TestTheBodyMustBeDeclaredAsJSON(t *testing.T) {
	s := newServer(t)
	for contentType, want := range map[string]int{"": 400, "text/plain": 400, "application/json; charset=utf-8": 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fakehttp.MemoryURL+path, strings.NewReader(`{"type":"email","name":"n"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Api-Key", mackereltest.APIKey)
		req.Header.Set("Content-Type", contentType)
		if status, body := send(t, s, req); status != want {
			t.Errorf("%q: got %d %s, want %d", contentType, status, body, want)
		}
	}
}

func TestTheDefaultNotificationGroup(t *testing.T) {
	for body, want := range map[string]bool{
		`{"type":"email","name":"n"}`:                                       true,
		`{"type":"email","name":"n","addToDefaultNotificationGroup":true}`:  true,
		`{"type":"email","name":"n","addToDefaultNotificationGroup":false}`: false,
	} {
		s := newServer(t)
		status, answer := call(t, s, "POST", path, body)
		if got := len(s.DefaultNotificationGroup()) == 1; status != 200 || got != want {
			t.Errorf("%s: status %d, in the group: %v; want 200, %v", body, status, got, want)
		}
		if _, list := call(t, s, "GET", path, ""); strings.Contains(answer+list, "addTo") {
			t.Errorf("%s: it is returned: %s %s", body, answer, list)
		}
	}
}

func TestUpdates(t *testing.T) {
	const old = `{"id":"4Id","name":"n","type":"slack","suspendedAt":1767225600,"url":"https://example.com","mentions":{"unknown":"u"},` +
		`"enabledGraphImage":null,"events":["alert","future"],"colour":{"ok":1.0}}`
	for _, tt := range []struct {
		name, body string
		status     int
		want       string // the message or, with 200, the channel afterwards
	}{
		{
			"what was received is sent back under another name", strings.Replace(old, `"n"`, `"new"`, 1), 200,
			strings.Replace(old, `"n"`, `"new"`, 1),
		},
		{
			"the same without what is not input, and written otherwise",
			`{"name":"new","type":"slack","url":"https:\/\/example.com","mentions":{ "unknown" :"\u0075"},"enabledGraphImage":null,"events":["alert","future"],"colour":{"ok":1}}`,
			200, strings.Replace(old, `"n"`, `"new"`, 1),
		},
		{
			"what is left out is gone", `{"type":"slack","name":"n","url":"https://other.example.com"}`, 200,
			`{"id":"4Id","name":"n","type":"slack","suspendedAt":1767225600,"url":"https://other.example.com","mentions":{},"enabledGraphImage":false,"events":[]}`,
		},
		{
			"an unknown member is changed, and another sent", `{"type":"slack","name":"n","url":"https://example.com","colour":{},"sound":1}`, 200,
			`{"id":"4Id","name":"n","type":"slack","suspendedAt":1767225600,"url":"https://example.com","mentions":{},"enabledGraphImage":false,"events":[],"colour":{}}`,
		},
		{
			"neither the id nor the suspension can be changed", `{"id":"4Other","suspendedAt":null,"type":"slack","name":"n","url":"https://example.com"}`, 200,
			`{"id":"4Id","name":"n","type":"slack","suspendedAt":1767225600,"url":"https://example.com","mentions":{},"enabledGraphImage":false,"events":[]}`,
		},
		{
			"an event is added to an unknown one", `{"type":"slack","name":"n","url":"https://example.com","events":["future","monitor"]}`, 200,
			`{"id":"4Id","name":"n","type":"slack","suspendedAt":1767225600,"url":"https://example.com","mentions":{},"enabledGraphImage":false,"events":["future","monitor"]}`,
		},
		{"an unknown event is added", `{"type":"slack","name":"n","url":"https://example.com","events":["alert","future","more"]}`, 400, "events[2] is not an event"},
		{"the type is changed", `{"type":"webhook","name":"n","url":"https://example.com"}`, 400, "type cannot be changed"},
		{"the type is missing", `{"name":"n","url":"https://example.com"}`, 400, "type is required"},
		{"the name is empty", `{"type":"slack","name":"","url":"https://example.com"}`, 400, "name is empty"},
		{"the url is missing", `{"type":"slack","name":"n"}`, 400, "url is required"},
		{"the url is bad", `{"type":"slack","name":"n","url":"example.com"}`, 400, "url is not an http or https URL"},
		{"malformed", `{`, 400, "the body is not JSON in UTF-8"},
		{
			"the default group", `{"type":"slack","name":"n","url":"https://example.com","addToDefaultNotificationGroup":true}`, 400,
			"addToDefaultNotificationGroup cannot be set by an update",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.AddChannel(old)
			status, body := call(t, s, "PUT", path+"/4Id", tt.body)
			if status != tt.status {
				t.Fatalf("got %d %s, want %d", status, body, tt.status)
			}
			if status == 200 {
				sameJSON(t, string(s.Channels()[0]), tt.want)
				return
			}
			if want := `{"error":{"message":"` + tt.want + `"}}`; body != want {
				t.Errorf("got %s, want %s", body, want)
			}
			sameJSON(t, string(s.Channels()[0]), old)
		})
	}
}

func TestChannelsThatCannotBeRegisteredCannotBeUpdatedEither(t *testing.T) {
	s := newServer(t)
	s.AddChannel(`{"id":"4Id","type":"chatwork","name":"room"}`)
	s.AddChannel(`{"id":"4Odd"}`)
	for _, id := range []string{"4Id", "4Odd"} {
		if status, body := call(t, s, "PUT", path+"/"+id, `{"type":"chatwork","name":"new"}`); status != 400 {
			t.Errorf("%s: got %d %s, want 400", id, status, body)
		}
	}
}

func TestOneChannelOfEachType(t *testing.T) {
	s := newServer(t)
	ids := s.AddChannelOfEachType()
	_, body := call(t, s, "GET", path, "")
	var list struct{ Channels []struct{ ID, Type string } }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	var types []string
	for i, c := range list.Channels {
		if c.ID != ids[i] {
			t.Errorf("channel %d has the id %s, want %s", i, c.ID, ids[i])
		}
		types = append(types, c.Type)
	}
	want := strings.Fields(`email slack webhook email-broadcast chatwork twilio pagerduty opsgenie jira-service-management microsoft-teams
		amazon-event-bridge line typetalk hipchat reactio yammer`)
	if !slices.Equal(types, want) {
		t.Errorf("types %v, want %v", types, want)
	}
	for _, c := range s.Channels()[:3] { // what the fake hands out, it takes back
		var id struct{ ID string }
		if err := json.Unmarshal(c, &id); err != nil {
			t.Fatal(err)
		}
		if status, answer := call(t, s, "PUT", path+"/"+id.ID, string(c)); status != 200 {
			t.Errorf("%s: got %d %s", c, status, answer)
		}
	}
}

func TestAddChannelPanicsOnWhatIsNoChannel(t *testing.T) {
	for _, object := range []string{``, `[]`, `{"a":1,"a":2}`, `{"id":1}`, `{"id":""}`, `{"id":null}`, `{"id":"taken"}`} {
		t.Run(object, func(t *testing.T) {
			s := newServer(t)
			s.AddChannel(`{"id":"taken"}`)
			defer func() {
				if recover() == nil {
					t.Error("it was added")
				}
			}()
			s.AddChannel(object)
		})
	}
}
