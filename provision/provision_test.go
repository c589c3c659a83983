package provision_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/provision"
)

// organization starts an organization with channels of all types and groups that refer to each other.
func organization(t *testing.T) (*mackereltest.Server, *mackerel.Client) {
	t.Helper()
	s, c := empty(t)
	ids := s.AddChannelOfEachType()
	db := s.AddNotificationGroup(`{"name":"db team","notificationLevel":"critical","childNotificationGroupIds":[],"childChannelIds":["` +
		ids[1] + `","` + ids[5] + `"],"monitors":[{"id":"2Mon1","skipDefault":true},{"id":"2Mon2","skipDefault":false}],"services":[{"name":"Shop"}]}`)
	s.AddNotificationGroup(`{"name":"all teams","notificationLevel":"all","childNotificationGroupIds":["` + db + `"],"childChannelIds":["` + ids[0] + `"],"monitors":[],"services":[]}`)
	return s, c
}

func empty(t *testing.T) (*mackereltest.Server, *mackerel.Client) {
	t.Helper()
	s := mackereltest.New()
	t.Cleanup(s.Close)
	c, err := mackerel.NewClient(s.MemoryConfig())
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// pull returns the file of an organization and a lookup of its secrets.
func pull(t *testing.T, c *mackerel.Client) ([]byte, func(string) (string, bool)) {
	t.Helper()
	p, err := provision.Pull(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	content, err := p.Settings.Write()
	if err != nil {
		t.Fatal(err)
	}
	return content, func(name string) (string, bool) {
		s, ok := p.Secrets[name]
		return s.Reveal(), ok
	}
}

func compare(t *testing.T, c *mackerel.Client, content []byte, lookup func(string) (string, bool), o provision.Options) *provision.Plan {
	t.Helper()
	s, err := provision.Read(content, lookup)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := provision.Compare(t.Context(), c, s, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestWhatWasPulledIsThere(t *testing.T) {
	s, c := organization(t)
	content, lookup := pull(t, c)
	for _, secret := range []string{"hooks.slack.com", "user:pw", `"suspendedAt": 1`} {
		if strings.Contains(string(content), secret) {
			t.Errorf("%q is in\n%s", secret, content)
		}
	}
	before := s.Accepted()
	plan := compare(t, c, content, lookup, provision.Options{Prune: true})
	if got := plan.String(); got != "nothing to do\n" {
		t.Errorf("the plan is\n%s", got)
	}
	if s.Accepted() != before {
		t.Error("comparing has changed something")
	}
}

// An organization that has only the channels that cannot be made becomes like the other.
func TestAnotherOrganizationBecomesTheSame(t *testing.T) {
	_, from := organization(t)
	content, lookup := pull(t, from)
	s, c := empty(t)
	for _, object := range []string{`{"name":"phone","type":"twilio"}`, `{"name":"room","type":"chatwork"}`} {
		s.AddChannel(object)
	}
	plan := compare(t, c, content, lookup, provision.Options{})
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan.String(), `note: channel "on call" of type pagerduty does not exist`) {
		t.Errorf("the plan is\n%s", plan)
	}
	again := compare(t, c, content, lookup, provision.Options{})
	if len(again.Changes) > 0 {
		t.Errorf("there is still to do:\n%s", again)
	}
	groups, err := c.ListNotificationGroups(t.Context())
	if err != nil || len(groups) != 3 {
		t.Fatal(groups, err)
	}
	db, all := groups[1], groups[2]
	if db.Name != "db team" || len(db.ChildChannelIDs) != 2 || len(db.Monitors) != 2 || all.ChildNotificationGroupIDs[0] != db.ID {
		t.Errorf("the groups are %+v and %+v", db, all)
	}
}

// Each member of the file is changed by itself, and the plan names it and nothing else.
func TestEachMemberIsSeen(t *testing.T) {
	_, c := organization(t)
	content, lookup := pull(t, c)
	for old, change := range map[string]struct{ new, want string }{
		`"ops@example.com"`: {`"ops@example.com","b@example.com"`, `update channel "ops mail": emails: +b@example.com`},
		`"alertGroup"`:      {`"hostStatus"`, `update channel "ops mail": events: +hostStatus -alertGroup`},
		`${MACKEREL_OPS_URL}`: {
			`https://hooks.slack.com/services/T000/B000/YYYY`, `update channel "#ops": url: changed`,
		},
		`"@here"`:                         {`"@channel"`, `update channel "#ops": mentions: +warning "@channel"`},
		`"enabledGraphImage": true`:       {`"enabledGraphImage": false`, `update channel "#ops": enabledGraphImage: false`},
		`"notificationLevel": "critical"`: {`"notificationLevel": "all"`, `update notification group "db team": notificationLevel: all`},
		`"2Mon2"`:                         {`"2Mon3"`, `update notification group "db team": monitors: +2Mon3 -2Mon2`},
		`"skipDefault": false`:            {`"skipDefault": true`, `update notification group "db team": monitors: +2Mon2 (skipDefault) -2Mon2`},
		`"name": "Shop"`:                  {`"name": "Blog"`, `update notification group "db team": services: +Blog -Shop`},
		`"phone"`:                         {`"phone","room"`, `childChannelIds: +`},
	} {
		changed := strings.Replace(string(content), old, change.new, 1)
		if changed == string(content) {
			t.Fatalf("%s is not in\n%s", old, content)
		}
		if old == `"phone"` { // the first is the channel's own name
			i := strings.LastIndex(string(content), old)
			changed = string(content)[:i] + change.new + string(content)[i+len(old):]
		}
		plan := compare(t, c, []byte(changed), lookup, provision.Options{})
		got := withoutIDs(plan)
		if len(plan.Changes) != 1 || !strings.Contains(got, change.want) || strings.Contains(got, "YYYY") {
			t.Errorf("%s to %s: the plan is\n%s\nwant %s", old, change.new, got, change.want)
		}
		if err := plan.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := compare(t, c, []byte(changed), lookup, provision.Options{}); len(left.Changes) > 0 {
			t.Errorf("there is still to do:\n%s", left)
		}
		if err := compare(t, c, content, lookup, provision.Options{}).Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func withoutIDs(p *provision.Plan) string {
	var b strings.Builder
	for _, c := range p.Changes {
		c.ID = ""
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

func TestNothingIsDeletedWithoutPrune(t *testing.T) {
	s, c := organization(t)
	plan := compare(t, c, []byte(`{"channels":[],"notificationGroups":[]}`), nil, provision.Options{})
	if got := plan.String(); got != "nothing to do\n" {
		t.Errorf("the plan is\n%s", got)
	}
	plan = compare(t, c, []byte(`{}`), nil, provision.Options{Prune: true})
	if len(plan.Changes) != 5 || len(plan.Notes) != 13 {
		t.Errorf("the plan is\n%s", plan)
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.Channels()) != 13 || len(s.NotificationGroups()) != 1 {
		t.Errorf("%d channels and %d groups are left", len(s.Channels()), len(s.NotificationGroups()))
	}
}

// Groups may be children of each other.
func TestACycleOfGroups(t *testing.T) {
	s, c := empty(t)
	s.Strict(true) // children have to exist
	content := []byte(`{"notificationGroups":[{"name":"a","childNotificationGroupIds":["b"],"childChannelIds":[]},
		{"name":"b","childNotificationGroupIds":["a","b"],"childChannelIds":[]}]}`)
	plan := compare(t, c, content, nil, provision.Options{})
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := compare(t, c, content, nil, provision.Options{}); len(left.Changes) > 0 {
		t.Errorf("there is still to do:\n%s", left)
	}
}

func TestAFailureSaysHowFarItGot(t *testing.T) {
	s, c := empty(t)
	content := []byte(`{"channels":[{"name":"a","type":"email","events":[]},{"name":"b","type":"email","events":[]},{"name":"c","type":"email","events":[]}]}`)
	plan := compare(t, c, content, nil, provision.Options{})
	s.Inject(fakehttp.Fault{}, fakehttp.Fault{Status: http.StatusForbidden, Body: `{"error":{"message":"no"}}`})
	err := plan.Apply(t.Context())
	var e *provision.ApplyError
	if !errors.As(err, &e) || !errors.Is(err, mackerel.ErrUnauthorized) {
		t.Fatal(err)
	}
	if len(e.Done) != 1 || e.Failed.Name != "b" || len(e.Left) != 1 || !strings.Contains(err.Error(), "1 changes were made, 1 are left") {
		t.Errorf("%+v: %v", e, err)
	}
}

func TestRead(t *testing.T) {
	set := func(name string) (string, bool) { return "https://hook.example.com/" + name, name == "SET" }
	for _, tt := range []struct{ name, content, want string }{
		{"no JSON", "{\"channels\":[\n{\"name\":", "line 2: no JSON"},
		{"nothing", "", "line 1: no JSON"},
		{"unknown members, with their lines", "{\"chanels\":[],\n\"channels\":[\n{\"name\":\"a\",\"type\":\"email\",\"event\":[]}],\n\"notificationGroups\":[{\"name\":\"g\",\"monitors\":[{\"id\":\"1\",\"skip\":true}]}]}",
			"line 1: chanels: unknown; line 3: channels[0].event: unknown; line 4: notificationGroups[0].monitors[0].skip: unknown"},
		{"kinds", `{"channels":[{"name":7,"type":"email","emails":"x","events":null}]}`,
			"line 1: channels[0].emails: must be a list; line 1: channels[0].name: must be a string"},
		{"required members", `{"channels":[{"type":"email"},{"name":"x"}],"notificationGroups":[{}]}`,
			"line 1: channels[0].name: required; line 1: channels[1].type: required; line 1: notificationGroups[0].name: required"},
		{"members of other types", "{\"channels\":[{\"name\":\"a\",\"type\":\"chatwork\",\n\"url\":\"x\"}]}", "line 2: channels[0].url: channels of type chatwork have none"},
		{"variables that are not set", "{\"channels\":[\n{\"name\":\"a\",\"type\":\"webhook\",\"url\":\"${UNSET}\",\"events\":[]},{\"name\":\"b\",\"type\":\"webhook\",\"url\":\"${SET}\",\"events\":[]}]}",
			"line 2: channels[0].url: the variable UNSET is not set"},
		{"no object", "[]", "line 1: must be an object"},
		{"something after the object", "{}\n x", "line 2: no JSON"},
		{"two objects", "{}\n{}", "line 2: "},
		{"channels that are no objects", "{\"channels\":[\n7]}", "line 2: channels[0]: must be an object"},
		{"elements that are no strings", "{\"channels\":[{\"name\":\"a\",\"type\":\"email\",\"events\":[\"alert\",\n5]}],\n\"notificationGroups\":[{\"name\":\"g\",\"childChannelIds\":[true],\"monitors\":[\"2M\"]}]}",
			"line 2: channels[0].events[1]: must be a string; line 3: notificationGroups[0].childChannelIds[0]: must be a string; line 3: notificationGroups[0].monitors[0]: must be an object"},
		{"mentions that are no strings", "{\"channels\":[{\"name\":\"a\",\"type\":\"slack\",\"mentions\":{\n\"critical\":true}}]}", "line 2: channels[0].mentions.critical: must be a string"},
		{"a URL of another kind", "{\"channels\":[{\"name\":\"a\",\"type\":\"slack\",\n\"url\":\"hooks.example.com/sesame\",\"events\":[]}]}", "line 2: channels[0].url: not an http or https URL"},
		{"lists in lists", `{"channels":[{"name":"a","type":"email","events":[["alert"]]}]}`, "line 1: channels[0]"},
		{"a file that is in order", `{"channels":[{"name":"b","type":"webhook","url":"${SET}","events":[],"id":"4","suspendedAt":null}],"notificationGroups":[]}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := provision.Read([]byte(tt.content), set)
			if tt.want == "" {
				url := s.Channels[0].Detail.(*mackerel.Webhook).URL.Reveal() //nolint:forcetypeassert // of the test
				if err != nil || url != "https://hook.example.com/SET" {
					t.Errorf("%v, %s", err, url)
				}
				return
			}
			var e *mackerel.Error
			if !errors.As(err, &e) || !errors.Is(err, mackerel.ErrInvalid) || !strings.HasPrefix(e.Message, tt.want) || strings.Contains(e.Message, "sesame") {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestCompareListsAllProblems(t *testing.T) {
	s, c := organization(t)
	s.AddChannel(`{"name":"#ops","type":"webhook","url":"https://hook.example.com/","events":[]}`)
	settings := provision.Settings{
		Channels: []mackerel.Channel{
			{Name: "#ops", Detail: &mackerel.Webhook{}}, {Name: "ops mail", Detail: &mackerel.Slack{}}, {ID: "none", Name: "x", Detail: &mackerel.Email{}},
			{Name: "new", Detail: &mackerel.Email{}}, {Name: "new", Detail: &mackerel.Email{}},
		},
		NotificationGroups: []mackerel.NotificationGroup{
			{Name: "g", ChildChannelIDs: []string{"nowhere", "#ops"}, ChildNotificationGroupIDs: []string{"no"}},
			{Name: "renamed", Type: mackerel.NotificationGroupDefault},
		},
	}
	_, err := provision.Compare(t.Context(), c, settings, provision.Options{})
	var e *mackerel.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for _, want := range []string{
		`channel "#ops": 2 have this name, so the settings need ids`, `channel "ops mail": its type is email, and cannot be changed to slack`,
		`channel "x": no channel has the id none`, `channel "new": twice in the settings`, `notification group "g": no channel has the name or id "nowhere"`,
		`notification group "g": the channel "#ops" is the name of 2`, `notification group "g": no notification group has the name or id "no"`,
		`notification group "Default": the default group cannot be renamed to "renamed"`,
	} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q is not in %q", want, e.Message)
		}
	}
}

// Channels with the same name keep their ids in the file.
func TestNamesThatTwoHave(t *testing.T) {
	s, c := organization(t)
	s.AddChannel(`{"name":"#ops","type":"slack","url":"https://hooks.slack.com/services/T1/B1/Z","mentions":{},"enabledGraphImage":false,"events":[]}`)
	content, lookup := pull(t, c)
	var file struct {
		Channels []struct{ ID, Name, URL string }
	}
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	ids := 0
	for _, ch := range file.Channels {
		if ch.ID != "" {
			ids++
		}
	}
	if ids != 2 || !strings.Contains(string(content), "${MACKEREL_OPS_URL_2}") {
		t.Errorf("%d channels have ids:\n%s", ids, content)
	}
	if plan := compare(t, c, content, lookup, provision.Options{}); len(plan.Changes) > 0 {
		t.Errorf("the plan is\n%s", plan)
	}
}

// What this package does not know is not in the file, and stays.
func TestUnknownMembersStay(t *testing.T) {
	s, c := empty(t)
	s.AddChannel(`{"name":"a","type":"slack","url":"https://hooks.slack.com/services/T/B/X","mentions":{"unknown":"@oncall"},"enabledGraphImage":true,"events":["alert","eclipse"],"token":"sesame"}`)
	s.AddChannel(`{"name":"pigeon","type":"carrier-pigeon","url":"https://loft.example.com/sesame"}`)
	s.AddChannel(`{"name":"odd","type":"webhook","url":"https://hook.example.com/sesame","enabledGraphImage":"sometimes","events":["alert"]}`)
	s.AddNotificationGroup(`{"name":"g","childNotificationGroupIds":["gone"],"childChannelIds":["4gone"],"colour":"sesame"}`)
	content, lookup := pull(t, c)
	if strings.Contains(string(content), "sesame") || !strings.Contains(string(content), `"unknown": "@oncall"`) {
		t.Errorf("the file is\n%s", content)
	}
	if plan := compare(t, c, content, lookup, provision.Options{Prune: true}); len(plan.Changes) > 0 {
		t.Errorf("the plan is\n%s", plan)
	}
	changed := strings.NewReplacer(`"@oncall"`, `"@night"`, `"notificationLevel": "all"`, `"notificationLevel": "critical"`).Replace(string(content))
	plan := compare(t, c, []byte(changed), lookup, provision.Options{})
	if got := withoutIDs(plan); !strings.Contains(got, `mentions: +unknown "@night"`) || len(plan.Changes) != 3 {
		t.Errorf("the plan is\n%s", plan)
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(s.Channels()[0]), `"token":"sesame"`) || !strings.Contains(string(s.NotificationGroups()[1]), `"colour":"sesame"`) {
		t.Errorf("%s %s", s.Channels()[0], s.NotificationGroups()[1])
	}
}

// A channel that is not as documented cannot be compared.
func TestAChannelThatIsNotAsDocumented(t *testing.T) {
	s, c := empty(t)
	s.AddChannel(`{"name":"odd","type":"webhook","url":5,"events":["alert"]}`)
	content := []byte(`{"channels":[{"name":"odd","type":"webhook","url":"https://hook.example.com/","events":["alert"]}]}`)
	plan := compare(t, c, content, nil, provision.Options{Prune: true})
	if got := plan.String(); got != "nothing to do\nnote: channel \"odd\" of type webhook is left alone: what Mackerel lists for it is not as documented\n" {
		t.Errorf("the plan is\n%s", got)
	}
}

func TestWhatTheFileDoesNotHaveIsLeftAlone(t *testing.T) {
	_, c := organization(t)
	content := []byte(`{"channels":[{"name":"#ops","type":"slack"},{"name":"bridge","type":"webhook"},{"name":"ops mail","type":"email"}],
		"notificationGroups":[{"name":"db team"},{"type":"group-default","name":"Default"}]}`)
	if plan := compare(t, c, content, nil, provision.Options{}); len(plan.Changes) > 0 {
		t.Errorf("the plan is\n%s", plan)
	}
	content = []byte(`{"channels":[{"name":"#ops","type":"slack","enabledGraphImage":false}]}`)
	if got := withoutIDs(compare(t, c, content, nil, provision.Options{})); got != "update channel \"#ops\": enabledGraphImage: false\n" {
		t.Errorf("the plan is\n%s", got)
	}
}

func TestSetsAreSets(t *testing.T) {
	_, c := organization(t)
	content := []byte(`{"channels":[{"name":"#ops","type":"slack","events":["hostStatus","alert","alert"]}],
		"notificationGroups":[{"name":"db team","childChannelIds":["phone","#ops","phone"],"childNotificationGroupIds":[],
		"monitors":[{"id":"2Mon2","skipDefault":false},{"id":"2Mon1","skipDefault":true}],"services":[{"name":"Shop"},{"name":"Shop"}]}]}`)
	if plan := compare(t, c, content, nil, provision.Options{}); len(plan.Changes) > 0 {
		t.Errorf("the plan is\n%s", plan)
	}
}

// What Mackerel would refuse in the middle of a plan is a problem before the first change.
func TestProblemsBeforeTheFirstChange(t *testing.T) {
	s, c := organization(t)
	alert := []mackerel.ChannelEvent{mackerel.ChannelEventAlert}
	for want, settings := range map[string]provision.Settings{
		`channel "x": a name and a type are required`:     {Channels: []mackerel.Channel{{Name: "x"}}},
		`channel "y": a name and a type are required`:     {Channels: []mackerel.Channel{{Name: "y", Detail: (*mackerel.Slack)(nil)}}},
		`channel "": a name and a type are required`:      {Channels: []mackerel.Channel{{Detail: &mackerel.Email{}}}},
		`channel "m": events: required to make it`:        {Channels: []mackerel.Channel{{Name: "m", Detail: &mackerel.Email{}}}},
		`channel "s": url: not an http or https URL`:      {Channels: []mackerel.Channel{{Name: "s", Detail: &mackerel.Slack{Events: alert}}}},
		`channel "bridge": url: not an http or https URL`: {Channels: []mackerel.Channel{{Name: "bridge", Detail: &mackerel.Webhook{URL: mackerel.NewSecret("ftp://sesame/")}}}},
		`notification group 0: a name is required`:        {NotificationGroups: []mackerel.NotificationGroup{{}}},
		`notification group "g": notificationLevel: must`: {NotificationGroups: []mackerel.NotificationGroup{{Name: "g", NotificationLevel: "critcal"}}},
		`the default group does not exist`:                {NotificationGroups: []mackerel.NotificationGroup{{ID: "none", Name: "Default", Type: mackerel.NotificationGroupDefault}}},
	} {
		_, err := provision.Compare(t.Context(), c, settings, provision.Options{})
		var e *mackerel.Error
		if !errors.As(err, &e) || !errors.Is(err, mackerel.ErrInvalid) || !strings.Contains(e.Message, want) || strings.Contains(e.Message, "sesame") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if s.Accepted() != 0 {
		t.Error("something was changed")
	}
	if _, err := provision.Compare(t.Context(), nil, provision.Settings{}, provision.Options{}); !errors.Is(err, mackerel.ErrConfig) {
		t.Errorf("no client: %v", err)
	}
}

// A channel gets another name, and groups refer to it by that name.
func TestRenaming(t *testing.T) {
	s, c := empty(t)
	id := s.AddChannel(`{"name":"old","type":"email","emails":[],"userIds":[],"events":["alert"]}`)
	team := s.AddNotificationGroup(`{"name":"team"}`)
	content := []byte(`{"channels":[{"id":"` + id + `","name":"new","type":"email"},{"name":"old","type":"email","events":["alert"]}],
		"notificationGroups":[{"id":"` + team + `","name":"crew","childChannelIds":["new","old"]},{"name":"all","childNotificationGroupIds":["crew"]}]}`)
	if err := compare(t, c, content, nil, provision.Options{}).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	channels, err := c.ListChannels(t.Context())
	if err != nil || len(channels) != 2 || channels[0].Name != "new" || channels[1].Name != "old" {
		t.Fatal(channels, err)
	}
	groups, err := c.ListNotificationGroups(t.Context())
	if err != nil || groups[1].Name != "crew" || strings.Join(groups[1].ChildChannelIDs, " ") != id+" "+channels[1].ID || groups[2].ChildNotificationGroupIDs[0] != team {
		t.Errorf("%+v, %v", groups, err)
	}
	if left := compare(t, c, content, nil, provision.Options{}); len(left.Changes) > 0 {
		t.Errorf("there is still to do:\n%s", left)
	}
}

// Prune does not delete what a group of the settings refers to.
func TestPruneKeepsChildren(t *testing.T) {
	_, c := organization(t)
	content := []byte(`{"notificationGroups":[{"name":"crew","childChannelIds":["#ops"],"childNotificationGroupIds":["db team"]}]}`)
	plan := compare(t, c, content, nil, provision.Options{Prune: true})
	for _, kept := range []string{`delete channel "#ops"`, `delete notification group "db team"`} {
		if strings.Contains(plan.String(), kept) {
			t.Errorf("the plan is\n%s", plan)
		}
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAPlanIsAppliedOnce(t *testing.T) {
	s, c := empty(t)
	plan := compare(t, c, []byte(`{"channels":[{"name":"a","type":"email","events":[]}]}`), nil, provision.Options{})
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if in := s.DefaultNotificationGroup(); len(in) != 0 {
		t.Errorf("the default group has %q, and the settings do not say so", in)
	}
	if err := plan.Apply(t.Context()); !errors.Is(err, mackerel.ErrInvalid) || len(s.Channels()) != 1 {
		t.Errorf("%v; %d channels", err, len(s.Channels()))
	}
	if err := new(provision.Plan).Apply(t.Context()); err != nil {
		t.Errorf("an empty plan: %v", err)
	}
}

// A file of 10 MB is read and compared.
func TestALongFile(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"channels":[`)
	n, mention := 0, strings.Repeat("@here ", 500)
	for ; b.Len() < 10<<20; n++ {
		if n > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(`{"name":"channel ` + strconv.Itoa(n) + `","type":"slack","url":"${URL}","mentions":{"critical":"` + mention + `"},"events":["alert","hostStatus"]}`)
	}
	good := b.String() + "]}"
	lookup := func(string) (string, bool) { return "https://hook.example.com/", true }
	s, err := provision.Read([]byte(good), lookup)
	if err != nil || len(s.Channels) != n {
		t.Fatalf("%d of %d channels, %v", len(s.Channels), n, err)
	}
	_, c := empty(t)
	if plan, err := provision.Compare(t.Context(), c, s, provision.Options{}); err != nil || len(plan.Changes) != n {
		t.Error(err)
	}
}
