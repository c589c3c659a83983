package provision_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/provision"
)

// small starts an organization with a channel of each type that can be made, and two groups.
func small(t *testing.T) (*mackereltest.Server, *mackerel.Client) {
	t.Helper()
	s, c := empty(t)
	s.AddUsers("5U1", "5U2")
	s.AddChannel(`{"id":"4E","name":"mail","type":"email","emails":["a@example.com"],"userIds":["5U1"],"events":["alert"]}`)
	s.AddChannel(`{"id":"4S","name":"#ops","type":"slack","url":"https://s.example/1","mentions":{"ok":"x","critical":"y"},"enabledGraphImage":true,"events":["alert"]}`)
	s.AddChannel(`{"id":"4W","name":"hook","type":"webhook","url":"https://w.example/1","enabledGraphImage":true,"events":["alert","monitor","hostStatus"]}`)
	s.AddChannel(`{"id":"4X","name":"old","type":"email","emails":[],"userIds":[],"events":[]}`)
	s.AddNotificationGroup(`{"id":"3A","name":"a","childNotificationGroupIds":["3B"],"childChannelIds":["4E","4W"]}`)
	s.AddNotificationGroup(`{"id":"3B","name":"b","childNotificationGroupIds":[],"childChannelIds":[]}`)
	return s, c
}

const smallChanged = `{"channels":[
	{"name":"mail","type":"email","userIds":["5U2"]},
	{"name":"#ops","type":"slack","url":"https://s.example/2","mentions":{"critical":"y","warning":"z"},"events":["hostStatus","alertGroup"]},
	{"name":"hook","type":"webhook","enabledGraphImage":false,"events":["alert"]},
	{"name":"new","type":"email","events":[]},
	{"name":"phone","type":"twilio"}],
	"notificationGroups":[{"id":"3A","name":"crew","childNotificationGroupIds":[],"childChannelIds":["mail","phone"]},{"name":"c"}]}`

func TestThePlanForPeople(t *testing.T) {
	_, c := small(t)
	const want = `update channel "mail" (4E): userIds: +5U2 -5U1
update channel "#ops" (4S): url: changed, mentions: +warning "z" -ok, events: +alertGroup +hostStatus -alert
update channel "hook" (4W): enabledGraphImage: false, events: -hostStatus -monitor
create channel "new": type: email
create notification group "c": notificationLevel: all
update notification group "a" (3A): name: "crew", childNotificationGroupIds: -3B, childChannelIds: -4W
delete notification group "b" (3B)
delete channel "old" (4X)
note: channel "phone" of type twilio does not exist, and can only be made in Mackerel's web pages
note: notification group "crew" is left without the channel "phone", which does not exist
`
	plan := compare(t, c, []byte(smallChanged), nil, provision.Options{Prune: true})
	if got := plan.String(); got != want {
		t.Errorf("the plan is\n%s", got)
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := compare(t, c, []byte(smallChanged), nil, provision.Options{Prune: true})
	if len(again.Changes) > 0 {
		t.Errorf("there is still to do:\n%s", again)
	}
}

// Each change may be the one that fails.
func TestEachFailureIsToldWithItsChange(t *testing.T) {
	for n := range 8 {
		s, c := small(t)
		plan := compare(t, c, []byte(smallChanged), nil, provision.Options{Prune: true})
		if n > 0 {
			s.Inject(fakehttp.Fault{Times: n})
		}
		s.Inject(fakehttp.Fault{Status: http.StatusForbidden})
		err := plan.Apply(t.Context())
		var e *provision.ApplyError
		if !errors.As(err, &e) || !errors.Is(err, mackerel.ErrUnauthorized) || len(e.Done) != n || e.Failed.String() != plan.Changes[n].String() {
			t.Errorf("change %d: %v", n, err)
		}
	}
	made := &provision.Plan{Changes: []provision.Change{{Action: provision.Create, Kind: "channel", Name: "x"}}}
	if err := made.Apply(t.Context()); !errors.Is(err, mackerel.ErrConfig) {
		t.Errorf("a plan that Compare did not make: %v", err)
	}
}

// A plan or a file of half an organization would be wrong.
func TestAnOrganizationThatCannotBeRead(t *testing.T) {
	for _, path := range []string{"/api/v0/channels", "/api/v0/notification-groups"} {
		s, c := small(t)
		s.Inject(fakehttp.Fault{Path: path, Status: http.StatusForbidden, Times: -1})
		if p, err := provision.Pull(t.Context(), c); !errors.Is(err, mackerel.ErrUnauthorized) || p.Settings.Channels != nil {
			t.Errorf("%s: pulled %+v, %v", path, p, err)
		}
		if plan, err := provision.Compare(t.Context(), c, provision.Settings{}, provision.Options{}); !errors.Is(err, mackerel.ErrUnauthorized) || plan != nil {
			t.Errorf("%s: %v, %v", path, plan, err)
		}
	}
}

// Groups with the same name keep their ids in the file, and the right one of them is changed.
func TestGroupsThatHaveTheSameName(t *testing.T) {
	s, c := small(t)
	s.AddNotificationGroup(`{"id":"3C","name":"a","childNotificationGroupIds":["3A"],"childChannelIds":[]}`)
	content, lookup := pull(t, c)
	if plan := compare(t, c, content, lookup, provision.Options{Prune: true}); len(plan.Changes) > 0 {
		t.Errorf("the plan is\n%s", plan)
	}
	settings := []byte(`{"notificationGroups":[{"id":"3A","name":"a","notificationLevel":"critical"},{"id":"3C","name":"a"}]}`)
	if err := compare(t, c, settings, nil, provision.Options{}).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, g := range s.NotificationGroups() {
		if critical := strings.Contains(string(g), `"critical"`); critical != strings.Contains(string(g), `"id":"3A"`) {
			t.Errorf("now there is %s", g)
		}
	}
}

func TestAGroupInPlaceOfARenamedOne(t *testing.T) {
	_, c := small(t)
	content := []byte(`{"notificationGroups":[{"id":"3A","name":"crew"},{"name":"a"}]}`)
	if got := withoutIDs(compare(t, c, content, nil, provision.Options{})); got != "create notification group \"a\": notificationLevel: all\n"+
		"update notification group \"a\": name: \"crew\"\n" {
		t.Errorf("the plan is\n%s", got)
	}
}

// Prune does not delete what a group refers to by its id, and an id is not taken for the name of something new.
func TestChildrenByTheirIDs(t *testing.T) {
	s, c := small(t)
	content := []byte(`{"channels":[{"name":"4S","type":"email","events":[]}],
		"notificationGroups":[{"name":"d","childNotificationGroupIds":["3B"],"childChannelIds":["4S"]}]}`)
	plan := compare(t, c, content, nil, provision.Options{Prune: true})
	for _, kept := range []string{`delete channel "#ops"`, `delete notification group "b"`} {
		if strings.Contains(plan.String(), kept) {
			t.Errorf("the plan is\n%s", plan)
		}
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	groups := s.NotificationGroups()
	if last := string(groups[len(groups)-1]); !strings.Contains(last, `"childChannelIds":["4S"]`) || !strings.Contains(last, `["3B"]`) {
		t.Errorf("the group is %s", last)
	}
}

func TestWhatAFileCalls(t *testing.T) {
	s, c := small(t)
	s.AddChannel(`{"id":"4G","name":"Größe 2","type":"webhook","url":"http://w.example/2","events":[]}`)
	s.AddChannel(`{"id":"4N","name":"none","type":"webhook","url":"","events":[]}`)
	p, err := provision.Pull(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	secret := p.Secrets["MACKEREL_GR_E_2_URL"]
	if len(p.Secrets) != 3 || secret.Reveal() != "http://w.example/2" {
		t.Errorf("the secrets are %v", p.Secrets)
	}
	if d, ok := p.Settings.Channels[5].Detail.(*mackerel.Webhook); !ok || !d.URL.IsZero() {
		t.Errorf("the channel without a URL is %v", p.Settings.Channels[5])
	}
	if children := p.Settings.NotificationGroups[1].ChildChannelIDs; !slices.Equal(children, []string{"hook", "mail"}) {
		t.Errorf("the children are %q", children)
	}
}

// What stays as Mackerel has it is no problem, and what would be sent is.
func TestProblemsOfWhatIsSentOnly(t *testing.T) {
	s, c := small(t)
	s.AddChannel(`{"name":"no events","type":"email","emails":[],"userIds":[]}`)
	s.AddChannel(`{"name":"quiet","type":"email","emails":null,"userIds":[],"events":["alert"]}`)
	s.AddChannel(`{"name":"odd","type":"webhook","url":"ftp://w.example","events":["alert"]}`)
	id := s.AddChannel(`{"name":"phone","type":"twilio"}`)
	for content, want := range map[string]string{
		`{"name":"no events","type":"email"}`:                                              "nothing to do\n",
		`{"name":"no events","type":"email","emails":["b"]}`:                               `channel "no events": events: required, because Mackerel lists none`,
		`{"name":"no events","type":"email","emails":["b"],"events":[]}`:                   `update channel "no events"`,
		`{"name":"quiet","type":"email","emails":[]}`:                                      "nothing to do\n",
		`{"name":"#ops","type":"slack","mentions":{"ok":"x","critical":"y","warning":""}}`: `mentions: +warning ""`,
		`{"name":"odd","type":"webhook","events":["alert","monitor"]}`:                     `events: +monitor`,
		`{"id":"` + id + `","name":"duty","type":"twilio"}`:                                `note: channel "phone" of type twilio can be renamed to "duty" in Mackerel's web pages only`,
		`{"name":"mail","type":"email"},{"name":"mail","type":"email"}`:                    `channel "mail": twice in the settings`,
		`{"name":"hook","type":"webhook","url":"http://w.example/2"}`:                      `update channel "hook" (4W): url: changed`,
		`{"id":"4E","name":"mail","type":"email"},{"name":"x","type":"line"}`:              `note: channel "x" of type line does not exist`,
	} {
		settings, err := provision.Read([]byte(`{"channels":[`+content+`]}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if plan, err := provision.Compare(t.Context(), c, settings, provision.Options{}); err != nil {
			got = err.Error()
		} else {
			got = plan.String()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got\n%s, want %s", content, got, want)
		}
	}
	for _, name := range []string{"a", "new"} {
		twice := provision.Settings{NotificationGroups: []mackerel.NotificationGroup{{Name: name}, {Name: name}}}
		if _, err := provision.Compare(t.Context(), c, twice, provision.Options{}); err == nil ||
			!strings.Contains(err.Error(), `notification group "`+name+`": twice in the settings`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, url := range []string{"https:///x", "https://w.example/%zz", "w.example", "ftp://w.example"} {
		odd := provision.Settings{Channels: []mackerel.Channel{{Name: "y", Detail: &mackerel.Webhook{URL: mackerel.NewSecret(url), Events: []mackerel.ChannelEvent{}}}}}
		if _, err := provision.Compare(t.Context(), c, odd, provision.Options{}); err == nil || !strings.Contains(err.Error(), "url: not an http or https URL") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Nothing else is said of what was not found.
func TestEachProblemByItself(t *testing.T) {
	s, c := small(t)
	for range 2 {
		s.AddChannel(`{"name":"twin","type":"email","emails":[],"userIds":[],"events":[]}`)
	}
	for want, settings := range map[string]provision.Settings{
		`channel "twin": 2 have this name, so the settings need ids: `: {Channels: []mackerel.Channel{{Name: "twin", Detail: &mackerel.Email{}}}},
		`channel "x": no channel has the id none`:                      {Channels: []mackerel.Channel{{ID: "none", Name: "x", Detail: &mackerel.Email{}}}},
		`notification group "g": no notification group has the name or id "phone"`: {
			Channels:           []mackerel.Channel{{Name: "phone", Detail: &mackerel.Twilio{}}},
			NotificationGroups: []mackerel.NotificationGroup{{Name: "g", ChildNotificationGroupIDs: []string{"phone"}}},
		},
	} {
		_, err := provision.Compare(t.Context(), c, settings, provision.Options{})
		var e *mackerel.Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Message, want) || strings.Contains(e.Message, ";") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// The default group is found by its type, wherever it is in the list.
func TestTheDefaultGroupIsFound(t *testing.T) {
	s, c := small(t)
	const listed = `{"notificationGroups":[{"id":"3A","name":"a","notificationLevel":"all","childNotificationGroupIds":[],"childChannelIds":[]},
		{"id":"3D","type":"group-default","name":"Default","notificationLevel":"all","childNotificationGroupIds":[],"childChannelIds":[]}]}`
	s.Inject(fakehttp.Fault{Path: "/api/v0/notification-groups", Status: http.StatusOK, Body: listed})
	content := []byte(`{"notificationGroups":[{"type":"group-default","name":"Default","notificationLevel":"critical"}]}`)
	want := "update notification group \"Default\" (3D): notificationLevel: critical\n"
	if got := compare(t, c, content, nil, provision.Options{}).String(); got != want {
		t.Errorf("the plan is\n%s", got)
	}
}

// A mistake is told once.
func TestReadSaysNothingElse(t *testing.T) {
	void := func(string) (string, bool) { return "", true }
	for content, want := range map[string]string{
		`{"name":"a","type":"email","x":[1,{"y":[true]}]}`:            "channels[0].x: unknown",
		`{"name":"a","type":"webhook","url":"${UNSET}"}`:              "channels[0].url: the variable UNSET is not set",
		`{"name":"a","type":"slack","enabledGraphImage":"x"}`:         "channels[0].enabledGraphImage: must be true or false",
		`{"name":"a","type":"email","emails":false}`:                  "channels[0].emails: must be a list",
		`{"name":"a","type":"email","events":[["alert"]]}`:            "channels[0]: events: not of the documented type",
		`{"name":"a","type":"email","x.name":1}`:                      "channels[0].x.name: unknown",
		`{"name":"a","type":"email","":1}`:                            "channels[0].: unknown",
		`{"name":"a","url":"https://w.example"}`:                      "channels[0].type: required",
		`{"name":"a"}`:                                                "channels[0].type: required",
		`{"name":"a","type":"email","suspendedAt":5}`:                 "",
		`{"name":"a","type":"slack","enabledGraphImage":false}`:       "",
		`{"name":"a","type":"webhook","url":"http://w.example/${A"}`:  "",
		`{"name":"a","type":"webhook","url":"https://w.example/$A/"}`: "",
	} {
		for _, lookup := range []func(string) (string, bool){nil, void} {
			_, err := provision.Read([]byte(`{"channels":[`+content+`]}`), lookup)
			got := ""
			if e, ok := errors.AsType[*mackerel.Error](err); ok {
				got = strings.TrimPrefix(e.Message, "line 1: ")
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", content, got, want)
			}
		}
	}
}
