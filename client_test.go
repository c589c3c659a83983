package mackerel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

func newClient(t *testing.T, s *mackereltest.Server, key string) *mackerel.Client {
	t.Helper()
	c, err := mackerel.NewClient(mackerel.ClientConfig{APIKey: mackerel.NewSecret(key), BaseURL: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newFake(t *testing.T) (*mackereltest.Server, *mackerel.Client) {
	t.Helper()
	s := mackereltest.New()
	t.Cleanup(s.Close)
	return s, newClient(t, s, mackereltest.APIKey)
}

func TestListChannelsReturnsEveryKind(t *testing.T) {
	s, c := newFake(t)
	s.AddChannel(`{"id":"4Unknown001","name":"tomorrow","type":"carrier-pigeon","suspendedAt":null,"loft":{"n":1e3}}`)
	s.AddChannelOfEachType()
	channels, err := c.ListChannels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(channels) != 17 {
		t.Fatalf("%d channels, want 17", len(channels))
	}
	if _, ok := channels[0].Detail.(*mackerel.Unknown); !ok {
		t.Errorf("the pigeon is a %T", channels[0].Detail)
	}
	for _, ch := range channels[1:] {
		if u, ok := ch.Detail.(*mackerel.Unknown); ok {
			t.Errorf("%s is unknown: %v", u.Type, u.Err)
		}
	}
}

func TestGetChannelLooksInTheList(t *testing.T) {
	s, c := newFake(t)
	id := s.AddChannel(`{"name":"cw","type":"chatwork","suspendedAt":null}`)
	ch, err := c.GetChannel(t.Context(), id)
	if err != nil || ch.Name != "cw" {
		t.Errorf("got %v, %v", ch, err)
	}
	s.Inject(fakehttp.Fault{Status: 503})
	_, err = c.GetChannel(t.Context(), "4Nobody")
	var e *mackerel.Error
	if !errors.Is(err, mackerel.ErrNotFound) || !errors.As(err, &e) || e.Attempts != 2 {
		t.Errorf("got %v, want ErrNotFound after 2 attempts", err)
	}
	s.Inject(fakehttp.Fault{Status: 403})
	if _, err := c.GetChannel(t.Context(), id); !errors.Is(err, mackerel.ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
}

func TestCreateUpdateDelete(t *testing.T) {
	s, c := newFake(t)
	no := false
	created, err := c.CreateChannel(t.Context(), mackerel.Channel{
		Name: "運用", Detail: &mackerel.Email{Emails: []string{"ops@example.com"}, Events: []mackerel.ChannelEvent{mackerel.ChannelEventAlert}},
	}, mackerel.CreateChannelOptions{AddToDefaultNotificationGroup: &no})
	if err != nil {
		t.Fatal(err)
	}
	if created.ID == "" || created.Name != "運用" || len(s.DefaultNotificationGroup()) != 0 {
		t.Errorf("created %+v; default group %q", created, s.DefaultNotificationGroup())
	}
	created.Detail.(*mackerel.Email).Events = []mackerel.ChannelEvent{}
	updated, err := c.UpdateChannel(t.Context(), created)
	if err != nil || len(updated.Detail.(*mackerel.Email).Events) != 0 {
		t.Errorf("updated %v, %v", updated, err)
	}
	if _, err := c.DeleteChannel(t.Context(), created.ID); err != nil {
		t.Error(err)
	}
	if left := s.Channels(); len(left) != 0 {
		t.Errorf("left: %s", left)
	}
}

func TestTheDefaultGroupIsTheServersDecisionUnlessSaid(t *testing.T) {
	s, c := newFake(t)
	if _, err := c.CreateChannel(t.Context(), mackerel.Channel{Name: "w", Detail: &mackerel.Webhook{URL: mackerel.NewSecret("https://example.com/"), Events: alerts}}, mackerel.CreateChannelOptions{}); err != nil {
		t.Fatal(err)
	}
	if body := string(s.Requests()[0].Body); strings.Contains(body, "addToDefault") {
		t.Errorf("sent %s", body)
	}
	if len(s.DefaultNotificationGroup()) != 1 {
		t.Error("not in the default group, though nobody said so")
	}
}

// What is sent has no id and no suspendedAt, all documented members of the type, and everything that is unknown.
func TestRequestBodies(t *testing.T) {
	add := func(add bool) mackerel.CreateChannelOptions {
		return mackerel.CreateChannelOptions{AddToDefaultNotificationGroup: &add}
	}
	for _, tt := range []struct {
		name, channel string
		options       mackerel.CreateChannelOptions
		want          string
	}{
		{
			"email", `{"id":"1","name":"n","type":"email","suspendedAt":5,"emails":null,"events":[]}`, mackerel.CreateChannelOptions{},
			`{"name":"n","type":"email","emails":[],"userIds":[],"events":[]}`,
		},
		{
			"Slack, with characters of HTML", `{"id":"1","name":"<n> & m","type":"slack","url":"https://s.example/?a=1&b","events":["alert"]}`, add(true),
			`{"name":"<n> & m","type":"slack","url":"https://s.example/?a=1&b","mentions":{},"enabledGraphImage":false,"events":["alert"],"addToDefaultNotificationGroup":true}`,
		},
		{
			"a webhook with unknown members",
			`{"format":{"<k>":2.50},"id":"1","type":"webhook","name":"n","events":["newer"],"enabledGraphImage":true,"url":"https://w.example","emails":["a"],"addToDefaultNotificationGroup":true}`, mackerel.CreateChannelOptions{},
			`{"name":"n","type":"webhook","emails":["a"],"url":"https://w.example","enabledGraphImage":true,"events":["newer"],"format":{"<k>":2.50}}`,
		},
		{
			"an unknown type", `{"suspendedAt":5,"a":null,"name":"n","type":"newer","emails":null,"b":[1.0]}`, mackerel.CreateChannelOptions{},
			`{"a":null,"name":"n","type":"newer","emails":null,"b":[1.0]}`,
		},
		{
			"an unknown type, into the default group or not", `{"name":"n","addToDefaultNotificationGroup":true,"type":"newer"}`, add(false),
			`{"name":"n","type":"newer","addToDefaultNotificationGroup":false}`,
		},
		{
			"a broken channel", `{"id":[],"name":"n","type":"slack","url":null,"events":5}`, mackerel.CreateChannelOptions{},
			`{"name":"n","type":"slack","url":null,"events":5}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := newFake(t)
			channel := decodeChannel(t, tt.channel)
			_, _ = c.CreateChannel(t.Context(), channel, tt.options) // the fake refuses what is unknown
			if channel.ID = "4Some"; tt.options == (mackerel.CreateChannelOptions{}) {
				_, _ = c.UpdateChannel(t.Context(), channel)
			}
			if len(s.Requests()) == 0 {
				t.Fatal("nothing was sent")
			}
			for _, r := range s.Requests() {
				if got := string(r.Body); got != tt.want {
					t.Errorf("%s: sent\n%s, want\n%s", r.Method, got, tt.want)
				}
			}
		})
	}
}

func TestUpdateKeepsWhatThisVersionDoesNotKnow(t *testing.T) {
	s, c := newFake(t)
	const listed = `{"id":"4Slack00001","name":"#ops","type":"slack","suspendedAt":1767225600,"url":"https://hooks.slack.com/services/T/B/X","mentions":{"critical":"@here","unknown":"@oncall"},"enabledGraphImage":true,"events":["alert","eclipse"],"thread":{"depth":2.50}}`
	s.AddChannel(listed)
	ch, err := c.GetChannel(t.Context(), "4Slack00001")
	if err != nil {
		t.Fatal(err)
	}
	ch.Name = "#sre"
	if _, err := c.UpdateChannel(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, s.Channels()[0], []byte(strings.Replace(listed, "#ops", "#sre", 1)))
}

func TestOnlyWhatIsWrongForeverIsRefusedLocally(t *testing.T) {
	s, c := newFake(t)
	slack := func(url string) *mackerel.Slack {
		return &mackerel.Slack{URL: mackerel.NewSecret(url), Events: alerts}
	}
	const noEvents = "Events: required; an empty list is a channel that is told nothing"
	for _, tt := range []struct {
		name    string
		channel mackerel.Channel
		kind    error
		words   string
	}{
		{"everything at once", mackerel.Channel{Detail: &mackerel.Slack{}}, mackerel.ErrInvalid, "Name: required; URL: required; " + noEvents},
		{"no detail", mackerel.Channel{}, mackerel.ErrInvalid, "Name: required; Detail: required"},
		{"no name of a channel of another type", mackerel.Channel{Detail: &mackerel.Line{}}, mackerel.ErrInvalid, "Name: required"},
		{"a nil pointer as detail", mackerel.Channel{Name: "x", Detail: (*mackerel.Slack)(nil)}, mackerel.ErrInvalid, "Detail: required"},
		{"no events of an email channel", mackerel.Channel{Name: "x", Detail: &mackerel.Email{}}, mackerel.ErrInvalid, noEvents},
		{"no events of a webhook", mackerel.Channel{Name: "x", Detail: &mackerel.Webhook{URL: slack("http://x").URL}}, mackerel.ErrInvalid, noEvents},
		{"events that were read as null", decodeChannel(t, `{"name":"x","type":"email","events":null}`), mackerel.ErrInvalid, noEvents},
		{"another scheme", mackerel.Channel{Name: "x", Detail: slack("ftp://w.example/secret")}, mackerel.ErrInvalid, "URL: not an http or https URL"},
		{"no scheme", mackerel.Channel{Name: "x", Detail: slack("w.example/secret")}, mackerel.ErrInvalid, "URL: not an http or https URL"},
		{"no host", mackerel.Channel{Name: "x", Detail: slack("https:///secret")}, mackerel.ErrInvalid, "URL: a URL without a host"},
		{"only a port", mackerel.Channel{Name: "x", Detail: slack("https://:443/secret")}, mackerel.ErrInvalid, "URL: a URL without a host"},
		{"not a URL", mackerel.Channel{Name: "x", Detail: slack("https://s.example/%secret")}, mackerel.ErrInvalid, "URL: not a URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.CreateChannel(t.Context(), tt.channel, mackerel.CreateChannelOptions{})
			var e *mackerel.Error
			if !errors.As(err, &e) || !errors.Is(err, tt.kind) || e.Message != tt.words || strings.Contains(err.Error(), "secret") {
				t.Fatalf("got %v, want %q", err, tt.words)
			}
			tt.channel.ID = ""
			if _, err = c.UpdateChannel(t.Context(), tt.channel); !errors.As(err, &e) || e.Message != tt.words+"; ID: required" {
				t.Errorf("update: got %v", err)
			}
		})
	}
	for typ := range channelTypes {
		if typ == "email" || typ == "slack" || typ == "webhook" {
			continue
		}
		detail := decodeChannel(t, `{"type":"`+string(typ)+`"}`).Detail
		_, err := c.CreateChannel(t.Context(), mackerel.Channel{Name: "x", Detail: detail}, mackerel.CreateChannelOptions{})
		if !errors.Is(err, mackerel.ErrUnsupported) || !strings.Contains(err.Error(), string(typ)) {
			t.Errorf("%s: got %v", typ, err)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestAChannelThatIsToldNothing(t *testing.T) {
	s, c := newFake(t)
	ch, err := c.CreateChannel(t.Context(), mackerel.Channel{
		Name: "x", Detail: &mackerel.Email{Events: []mackerel.ChannelEvent{}},
	}, mackerel.CreateChannelOptions{})
	if email, ok := ch.Detail.(*mackerel.Email); err != nil || !ok || email.Events == nil || len(email.Events) != 0 {
		t.Errorf("got %+v, %v", ch, err)
	}
	if body := string(s.Requests()[0].Body); !strings.Contains(body, `"events":[]`) {
		t.Errorf("sent %s", body)
	}
}

func TestAnUnknownEventIsTheServersBusiness(t *testing.T) {
	s, c := newFake(t)
	_, err := c.CreateChannel(t.Context(), mackerel.Channel{
		Name: "x", Detail: &mackerel.Email{Events: []mackerel.ChannelEvent{"eclipse"}},
	}, mackerel.CreateChannelOptions{})
	var e *mackerel.Error
	if !errors.As(err, &e) || e.Status != http.StatusBadRequest || !errors.Is(err, mackerel.ErrInvalid) || e.Message == "" {
		t.Errorf("got %v", err)
	}
	if len(s.Requests()) != 1 {
		t.Error("the server was not asked")
	}
}

func TestErrorBodiesOfEveryForm(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"the object form", `{"error":{"message":"Channel not found."}}`, "Channel not found."},
		{"the string form", `{"error":"Channel not found."}`, "Channel not found."},
		{"an empty body", ``, "Not Found"},
		{"an empty object", `{}`, "Not Found"},
		{"a null error", `{"error":null}`, "Not Found"},
		{"a page of a proxy", `<html><body>404</body></html>`, "Not Found"},
		{"the text of a proxy", "no such host\n", "no such host"},
		{"the XML of a proxy", `<Error><Code>NoSuchKey</Code><Message>no such host</Message></Error>`, "no such host"},
		{"a message that quotes the key", `{"error":"no such key: mackereltest-api-key"}`, "no such key: [redacted]"},
		{"a message over lines", `{"error":"a\nb\u202e"}`, "a b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := newFake(t)
			s.Inject(fakehttp.Fault{Status: 404, Body: tt.body, Times: -1})
			_, err := c.DeleteChannel(t.Context(), "4x")
			if want := "mackerel: delete channel: 404: " + tt.want + " (not found)"; err == nil || err.Error() != want {
				t.Errorf("got %q, want %q", err, want)
			}
		})
	}
}

func TestAWrongKeyIsUnauthorized(t *testing.T) {
	s, _ := newFake(t)
	for _, key := range []string{"another-key", mackereltest.ReadOnlyAPIKey} {
		_, err := newClient(t, s, key).DeleteChannel(t.Context(), "4x")
		if !errors.Is(err, mackerel.ErrUnauthorized) {
			t.Errorf("%s: got %v", key, err)
		}
		for _, printed := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			if strings.Contains(printed, key) {
				t.Errorf("the key is in %q", printed)
			}
		}
	}
}

func TestIDsAreOnePathElement(t *testing.T) {
	s, c := newFake(t)
	for _, tt := range []struct{ id, path string }{
		{"a/b?c#d", "/api/v0/channels/a%2Fb%3Fc%23d"}, {"..%2f", "/api/v0/channels/..%252f"}, {"運用", "/api/v0/channels/%E9%81%8B%E7%94%A8"},
	} {
		if _, err := c.DeleteChannel(t.Context(), tt.id); !errors.Is(err, mackerel.ErrNotFound) {
			t.Errorf("%s: got %v", tt.id, err)
		}
		requests := s.Requests()
		if got := requests[len(requests)-1].Path; got != tt.path {
			t.Errorf("%s: asked for %s, want %s", tt.id, got, tt.path)
		}
	}
	n := len(s.Requests())
	for _, id := range []string{"", ".", ".."} {
		if _, err := c.DeleteChannel(t.Context(), id); !errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("%q: got %v", id, err)
		}
	}
	if len(s.Requests()) != n {
		t.Error("an id that is no path element was sent")
	}
}

func TestABaseURLWithAPathKeepsIt(t *testing.T) {
	s := mackereltest.New()
	t.Cleanup(s.Close)
	c, err := mackerel.NewClient(mackerel.ClientConfig{APIKey: mackerel.NewSecret(mackereltest.APIKey), BaseURL: s.URL() + "/pre%2Ffix/"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListChannels(t.Context()); !errors.Is(err, mackerel.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if got := s.Requests()[0].Path; got != "/pre%2Ffix/api/v0/channels" {
		t.Errorf("asked for %s", got)
	}
}

func TestNewClientReportsAllProblems(t *testing.T) {
	_, err := mackerel.NewClient(mackerel.ClientConfig{BaseURL: "ftp://x?key=sekret", Call: mackerel.CallOptions{MaxAttempts: -1}})
	if !errors.Is(err, mackerel.ErrConfig) {
		t.Fatalf("got %v", err)
	}
	for _, word := range []string{"APIKey", "BaseURL", "Call.MaxAttempts"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not name %s", err, word)
		}
	}
	if strings.Contains(err.Error(), "sekret") {
		t.Errorf("%q quotes the URL", err)
	}
}

func TestKeysThatCannotBeSent(t *testing.T) {
	for key, problem := range map[string]string{
		"":       "required",
		"a key":  "has a blank, a line break or a character beyond ASCII",
		"a\nkey": "has a blank, a line break or a character beyond ASCII",
		"鍵":      "has a blank, a line break or a character beyond ASCII",
	} {
		_, err := mackerel.NewClient(mackerel.ClientConfig{APIKey: mackerel.NewSecret(key)})
		var e *mackerel.Error
		if !errors.As(err, &e) || !errors.Is(err, mackerel.ErrConfig) || e.Message != "APIKey: "+problem {
			t.Errorf("%q: got %v, want %s", key, err, problem)
		}
	}
}

func TestAClientShowsNoKey(t *testing.T) {
	_, c := newFake(t)
	for _, verb := range []string{"%v", "%s", "%+v"} {
		if got := fmt.Sprintf(verb, c); got != "mackerel" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func TestAClientThatNewClientDidNotMake(t *testing.T) {
	if list, err := new(mackerel.Client).ListChannels(t.Context()); !errors.Is(err, mackerel.ErrConfig) || list != nil {
		t.Errorf("got %v, %v", list, err)
	}
}

// What an answer that is not the documented one says stays out of the answer to the next attempt, and out of the error.
func TestAnAnswerThatIsNotTheDocumentedOne(t *testing.T) {
	s, c := newFake(t)
	s.Inject(fakehttp.Fault{Status: 200, Body: `{"displayName":"Another"}`}, fakehttp.Fault{Status: 200, Body: `{"name":"acme"}`})
	if o, err := c.GetOrganization(t.Context()); err != nil || o != (mackerel.Organization{Name: "acme"}) {
		t.Errorf("got %+v, %v", o, err)
	}
	s.Inject(fakehttp.Fault{Status: 200, Body: `{"message":"the memo of an alert"}`})
	_, err := oneAttempt(t, s).GetOrganization(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the answer is not the documented one") || strings.Contains(err.Error(), "memo") {
		t.Errorf("got %v", err)
	}
}

func TestAnAnswerWithoutChannelsIsNotAnEmptyOrganization(t *testing.T) {
	for _, body := range []string{`{}`, `{"channels":null}`, `[]`, `<html>`, ``} {
		s, _ := newFake(t)
		s.Inject(fakehttp.Fault{Status: 200, Body: body, Times: -1})
		c, err := mackerel.NewClient(mackerel.ClientConfig{
			APIKey: mackerel.NewSecret(mackereltest.APIKey), BaseURL: s.URL(), Call: mackerel.CallOptions{MaxAttempts: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		if list, err := c.ListChannels(t.Context()); !errors.Is(err, mackerel.ErrUnavailable) || list != nil {
			t.Errorf("%q: got %v, %v", body, list, err)
		}
	}
}

func TestAnAnswerWithoutAnIDIsNoChannel(t *testing.T) {
	s, c := newFake(t)
	s.Inject(fakehttp.Fault{Status: 200, Body: `{}`})
	ch, err := c.CreateChannel(t.Context(), mackerel.Channel{Name: "w", Detail: &mackerel.Webhook{URL: mackerel.NewSecret("https://example.com/"), Events: alerts}}, mackerel.CreateChannelOptions{})
	if !errors.Is(err, mackerel.ErrAmbiguous) || ch.Detail != nil {
		t.Errorf("got %v, %v", ch, err)
	}
}

// inBubble returns a fake and a client of it for which time is synctest's.
func inBubble(t *testing.T, call mackerel.CallOptions) (*mackereltest.Server, *mackerel.Client) {
	t.Helper()
	s := mackereltest.New()
	t.Cleanup(s.Close)
	call.Client = s.Client()
	c, err := mackerel.NewClient(mackerel.ClientConfig{APIKey: mackerel.NewSecret(mackereltest.APIKey), BaseURL: fakehttp.MemoryURL, Call: call})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestReadingIsRepeatedAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{})
		s.AddChannelOfEachType()
		s.Inject(fakehttp.Fault{Handled: true, Break: fakehttp.ResetConnection}, fakehttp.Fault{Status: 503, Header: http.Header{"Retry-After": {"7"}}})
		start := time.Now()
		channels, err := c.ListChannels(t.Context())
		if err != nil || len(channels) != 16 {
			t.Errorf("%d channels, %v", len(channels), err)
		}
		if waited := time.Since(start); waited < 7*time.Second || waited > 8*time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestCreatingIsNotRepeatedAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, mackerel.CallOptions{})
		s.Inject(fakehttp.Fault{Handled: true, Break: fakehttp.ResetConnection})
		_, err := c.CreateChannel(t.Context(), mackerel.Channel{Name: "w", Detail: &mackerel.Webhook{URL: mackerel.NewSecret("https://example.com/"), Events: alerts}}, mackerel.CreateChannelOptions{})
		if !errors.Is(err, mackerel.ErrAmbiguous) {
			t.Errorf("got %v", err)
		}
		if _, again := mackerel.Retry(err); again {
			t.Error("Retry recommends what could make two channels")
		}
		if n := len(s.Channels()); n != 1 {
			t.Errorf("%d channels", n)
		}
	})
}

func TestACancelledCallIsItself(t *testing.T) {
	s, c := newFake(t)
	because := errors.New("the shift is over")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(because)
	_, err := c.ListChannels(ctx)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, because) || errors.Is(err, mackerel.ErrAmbiguous) {
		t.Errorf("got %v", err)
	}
	if len(s.Requests()) != 0 {
		t.Error("a request was made all the same")
	}
}

var alerts = []mackerel.ChannelEvent{mackerel.ChannelEventAlert}

func TestTheCallOptionsOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts []mackerel.Attempt
		s, c := inBubble(t, mackerel.CallOptions{
			MaxAttempts: 2, OnAttempt: func(_ context.Context, a mackerel.Attempt) { attempts = append(attempts, a) },
		})
		s.Inject(fakehttp.Fault{Status: 503, Times: -1})
		if _, err := c.ListChannels(t.Context()); !errors.Is(err, mackerel.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		if len(attempts) != 2 || attempts[1].Op != "list channels" || attempts[1].Status != 503 || !attempts[1].Last {
			t.Errorf("OnAttempt saw %+v", attempts)
		}
		if agent := s.Requests()[0].Header.Get("User-Agent"); agent != mackerel.UserAgent {
			t.Errorf("the default User-Agent is %q", agent)
		}
	})
}

func TestTheTransportHasTheSameDeliveries(t *testing.T) {
	for ours, its := range map[mackerel.Delivery]transport.Delivery{
		mackerel.AtLeastOnce: transport.AtLeastOnce, mackerel.AtMostOnce: transport.AtMostOnce,
	} {
		if ours != mackerel.Delivery(its) {
			t.Errorf("%v is %d here and %d in the transport", ours, ours, its)
		}
	}
}
