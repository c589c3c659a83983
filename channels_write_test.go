package mackerel

import (
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestChannelChangesOnlyWhatIsChanged(t *testing.T) {
	const slack = `{"a":1e3,"id":"1","name":"n","type":"slack","url":"https://s.example/x","mentions":null,"events":null,"z":{"k":[null]}}`
	const webhook = `{"name":"n","name":"m","type":"webhook","url":"https://w.example/x","events":[],"enabledGraphImage":null,"events":["alert"]}`
	const email = `{"id":"1","name":"n","type":"email","suspendedAt":null,"emails":[],"userIds":["u"],"events":["alert"]}`
	const broken = `{"id":1,"name":"n","type":"slack","suspendedAt":1.5,"url":7}`
	tests := map[string]struct {
		payload string
		change  func(*Channel)
		want    string
	}{
		"nothing": {slack, func(*Channel) {}, slack},
		"the name": {
			slack, func(c *Channel) { c.Name = "<&>" },
			`{"a":1e3,"id":"1","name":"<&>","type":"slack","url":"https://s.example/x","mentions":null,"events":null,"z":{"k":[null]}}`,
		},
		"the id is removed": {
			slack, func(c *Channel) { c.ID = "" },
			`{"a":1e3,"name":"n","type":"slack","url":"https://s.example/x","mentions":null,"events":null,"z":{"k":[null]}}`,
		},
		"a list that was null becomes empty": {
			slack, func(c *Channel) { c.Detail.(*Slack).Events = []ChannelEvent{} },
			`{"a":1e3,"id":"1","name":"n","type":"slack","url":"https://s.example/x","mentions":null,"events":[],"z":{"k":[null]}}`,
		},
		"members that were absent are set": {
			slack, func(c *Channel) { c.SuspendedAt, c.Detail.(*Slack).EnabledGraphImage = time.Unix(9, 0), true },
			`{"a":1e3,"id":"1","name":"n","type":"slack","url":"https://s.example/x","mentions":null,"events":null,"z":{"k":[null]},"suspendedAt":9,"enabledGraphImage":true}`,
		},
		"another Detail of the same kind": {
			slack, func(c *Channel) {
				c.Detail = &Slack{URL: "https://s.example/y", Mentions: map[Status]string{"ok": "x"}}
			},
			`{"a":1e3,"id":"1","name":"n","type":"slack","url":"https://s.example/y","mentions":{"ok":"x"},"events":null,"z":{"k":[null]}}`,
		},
		"a Detail of another kind: nothing is left of the first": {
			slack, func(c *Channel) { c.Detail = &Webhook{URL: "https://s.example/x"} },
			`{"id":"1","name":"n","type":"webhook","suspendedAt":null,"url":"https://s.example/x","enabledGraphImage":false}`,
		},
		"doubled members become one": {
			webhook, func(c *Channel) { c.Name, c.Detail.(*Webhook).Events = "o", []ChannelEvent{"monitor"} },
			`{"name":"o","type":"webhook","url":"https://w.example/x","events":["monitor"],"enabledGraphImage":null}`,
		},
		"a list is removed, the last address added": {
			email, func(c *Channel) {
				c.Detail = &Email{Emails: []string{"a@example.com"}, Events: []ChannelEvent{"alert"}}
			},
			`{"id":"1","name":"n","type":"email","suspendedAt":null,"emails":["a@example.com"],"events":["alert"]}`,
		},
		"what could not be read is replaced where it is set": {
			broken, func(c *Channel) { c.ID, c.Name = "2", "m" },
			`{"id":"2","name":"m","type":"slack","suspendedAt":1.5,"url":7}`,
		},
		"what could not be read gets a Detail": {
			broken, func(c *Channel) { c.Detail = &Slack{URL: "https://s.example/x"} },
			`{"name":"n","type":"slack","suspendedAt":1,"url":"https://s.example/x","enabledGraphImage":false}`,
		},
		"an unknown type is made another": {
			`{"name":"n","type":"newer","x":1}`, func(c *Channel) { c.Detail.(*Unknown).Type = "newest" },
			`{"name":"n","type":"newest","suspendedAt":null}`,
		},
		"an escaped key is the same member": {
			`{"n\u0061me":"n","type":"line"}`, func(c *Channel) { c.Name = "m" }, `{"name":"m","type":"line"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := decodeChannel(t, test.payload)
			test.change(&c)
			b, err := c.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if got := string(b); got != test.want {
				t.Errorf("got\n%s, want\n%s", got, test.want)
			}
		})
	}
}

// Each of these is like a channel whose fields tell everything, but for one thing that they do not.
func TestChannelIsWrittenByteByByteAsItCame(t *testing.T) {
	for name, payload := range map[string]string{
		"a doubled member":           `{"id":"1","name":"a","type":"line","suspendedAt":null,"name":"b"}`,
		"a doubled time":             `{"id":"1","name":"a","type":"line","suspendedAt":5,"suspendedAt":null}`,
		"mentions in two parts":      `{"id":"1","name":"a","type":"slack","suspendedAt":null,"url":"","mentions":{"ok":"x"},"mentions":{"newer":"y"},"enabledGraphImage":true}`,
		"a doubled mention":          `{"id":"1","name":"a","type":"slack","suspendedAt":null,"url":"","mentions":{"ok":"x","ok":"y"},"enabledGraphImage":true}`,
		"half a surrogate pair":      `{"id":"1","name":"\ud83d","type":"line","suspendedAt":null}`,
		"the time that is zero":      `{"id":"1","name":"a","type":"line","suspendedAt":-62135596800}`,
		"a time as a decimal":        `{"id":"1","name":"a","type":"line","suspendedAt":5.0}`,
		"a time of minus nothing":    `{"id":"1","name":"a","type":"line","suspendedAt":-0}`,
		"a member of another kind":   `{"id":"1","name":"a","type":"line","suspendedAt":null,"url":"https://l.example"}`,
		"a member of the request":    `{"id":"1","name":"a","type":"line","suspendedAt":null,"addToDefaultNotificationGroup":null}`,
		"a member nobody knows":      `{"id":"1","name":"a","type":"line","suspendedAt":null,"new":null}`,
		"a null":                     `{"id":null,"name":"a","type":"line","suspendedAt":null}`,
		"an empty id":                `{"id":"","name":"a","type":"line","suspendedAt":null}`,
		"no name":                    `{"id":"1","type":"line","suspendedAt":null}`,
		"no time":                    `{"id":"1","name":"a","type":"line"}`,
		"no url":                     `{"id":"1","name":"a","type":"slack","suspendedAt":null,"enabledGraphImage":true}`,
		"no flag":                    `{"id":"1","name":"a","type":"webhook","suspendedAt":null,"url":""}`,
		"a null in a list":           `{"id":"1","name":"a","type":"email","suspendedAt":null,"emails":[null]}`,
		"a type of which all is new": `{"id":"1","name":"a","type":"newer","suspendedAt":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeChannel(t, payload).MarshalJSON()
			if err != nil || string(got) != payload {
				t.Errorf("got\n%s, %v, was\n%s", got, err, payload)
			}
		})
	}
}

func TestChannelMadeByHandIsReadAsItself(t *testing.T) {
	for _, d := range []Detail{
		&Email{}, &Email{Emails: []string{}, UserIDs: []string{"u"}}, &Slack{URL: "https://s.example/x", Mentions: map[Status]string{"ok": ""}},
		&Webhook{URL: "<>&\u2028\"", EnabledGraphImage: true, Events: []ChannelEvent{"newer"}}, &Yammer{},
	} {
		c := Channel{Name: "n", SuspendedAt: time.Unix(1767225600, 0), Detail: d}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := decodeChannel(t, string(b)); !got.Equal(c) || got.rest != nil {
			t.Errorf("%s was read as %v", b, got)
		}
	}
}

// nilDetails are no Detail at all, and all kinds of nil pointers.
func nilDetails() []Detail {
	return []Detail{
		nil, (*Email)(nil), (*EmailBroadcast)(nil), (*Slack)(nil), (*Webhook)(nil), (*Chatwork)(nil), (*HipChat)(nil), (*Line)(nil), (*Typetalk)(nil),
		(*Twilio)(nil), (*PagerDuty)(nil), (*Opsgenie)(nil), (*JSM)(nil), (*Teams)(nil), (*EventBridge)(nil), (*Reactio)(nil), (*Yammer)(nil), (*Unknown)(nil),
	}
}

func TestChannelWithoutDetailIsAnErrorNotAPanic(t *testing.T) {
	received := decodeChannel(t, `{"id":"1","name":"n","type":"slack","new":1}`)
	for _, d := range nilDetails() {
		for _, c := range []Channel{{Name: "n", Detail: d}, {Name: "n", Detail: d, rest: received.rest}} {
			_, err := json.Marshal(c)
			if e := (*Error)(nil); !errors.As(err, &e) || !errors.Is(err, ErrInvalid) || !strings.Contains(e.Message, "Detail") {
				t.Errorf("%T: encoded with error %v", d, err)
			}
			if _, err := writeBody(c, nil); !errors.Is(err, ErrInvalid) {
				t.Errorf("%T: written with error %v", d, err)
			}
			if got := checkChannel(c); !slices.Equal(got, []string{"Detail: required"}) {
				t.Errorf("%T: problems %q", d, got)
			}
			if c.Equal(received) || !c.Equal(c) {
				t.Errorf("%T: equal to another, or not to itself", d)
			}
			if got := c.LogValue().Group()[1]; !got.Equal(slog.String("name", "n")) {
				t.Errorf("%T: logged as %v", d, got)
			}
		}
	}
}

func TestChannelEqual(t *testing.T) {
	const slack = `{"id":"1","name":"n","type":"slack","suspendedAt":5,"url":"https://s.example/x","mentions":{"ok":"x"},"enabledGraphImage":true,"events":["alert"],"new":[1, {"a":null}]}`
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"the same":                      {slack, slack, true},
		"in another order, with blanks": {slack, `{"events":["alert"],"new": [1,{"a" :null}],"id":"1","name":"n","type":"slack","suspendedAt":5,"url":"https://s.example/x","mentions":{"ok":"x"},"enabledGraphImage":true}`, true},
		"nil, null, empty and absent":   {`{"name":"n","type":"email","emails":[],"new":null}`, `{"id":"","name":"n","type":"email","userIds":null,"suspendedAt":null}`, true},
		"another id":                    {slack, strings.Replace(slack, `"1"`, `"2"`, 1), false},
		"another name":                  {slack, strings.Replace(slack, `"n"`, `"m"`, 1), false},
		"another time":                  {slack, strings.Replace(slack, `5`, `6`, 1), false},
		"another url":                   {slack, strings.Replace(slack, `example/x`, `example/y`, 1), false},
		"another mention":               {slack, strings.Replace(slack, `"ok"`, `"critical"`, 1), false},
		"another flag":                  {slack, strings.Replace(slack, `true`, `false`, 1), false},
		"other events":                  {slack, strings.Replace(slack, `["alert"]`, `[]`, 1), false},
		"another kind":                  {`{"name":"n","type":"line"}`, `{"name":"n","type":"yammer"}`, false},
		"another new member":            {slack, strings.Replace(slack, `[1,`, `[2,`, 1), false},
		"without the new member":        {slack, strings.Replace(slack, `,"new":[1, {"a":null}]`, ``, 1), false},
		"other addresses":               {`{"type":"email","emails":["a"]}`, `{"type":"email","emails":["b"]}`, false},
		"other users":                   {`{"type":"email","userIds":["a"]}`, `{"type":"email","userIds":[]}`, false},
		"an unknown type, changed":      {`{"type":"newer","url":"a"}`, `{"type":"newer","url":"b"}`, false},
		"an unknown type, the same":     {`{"type":"newer","url":"a"}`, `{"url":"a","type":"newer"}`, true},
		"what could not be read":        {`{"type":"line","name":1}`, `{"type":"line","name":2}`, false},
		"a line that could not be read": {`{"type":"line","name":1}`, `{"type":"line"}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := decodeChannel(t, test.a), decodeChannel(t, test.b)
			if a.Equal(b) != test.want || b.Equal(a) != test.want {
				t.Errorf("%v and %v: %v, %v", a, b, a.Equal(b), b.Equal(a))
			}
		})
	}
}

func TestWriteBody(t *testing.T) {
	yes, no := true, false
	tests := map[string]struct {
		payload      string
		addToDefault *bool
		want         string
	}{
		"an email has all its lists": {
			`{"id":"1","name":"n","type":"email","suspendedAt":5,"emails":null}`, nil,
			`{"name":"n","type":"email","emails":[],"userIds":[],"events":[]}`,
		},
		"a slack has everything, in plain HTML": {
			`{"id":"1","name":"<n> & m","type":"slack","url":"https://s.example/?a=1&b"}`, nil,
			`{"name":"<n> & m","type":"slack","url":"https://s.example/?a=1&b","mentions":{},"enabledGraphImage":false,"events":[]}`,
		},
		"a webhook keeps what this package does not know": {
			`{"format":{"<k>":1e3},"id":"1","id":"2","type":"webhook","name":"n","events":["newer"],"enabledGraphImage":true,"url":"https://w.example","mentions":[7]}`, nil,
			`{"format":{"<k>":1e3},"type":"webhook","name":"n","events":["newer"],"enabledGraphImage":true,"url":"https://w.example","mentions":[7]}`,
		},
		"into the default group": {
			`{"name":"n","type":"email"}`, &yes,
			`{"name":"n","type":"email","emails":[],"userIds":[],"events":[],"addToDefaultNotificationGroup":true}`,
		},
		"not into the default group, whatever came with it": {
			`{"name":"n","addToDefaultNotificationGroup":true,"type":"newer"}`, &no,
			`{"name":"n","addToDefaultNotificationGroup":false,"type":"newer"}`,
		},
		"the default group is not mentioned unless asked for": {
			`{"name":"n","addToDefaultNotificationGroup":true,"type":"newer"}`, nil,
			`{"name":"n","type":"newer"}`,
		},
		"an unknown type is sent as it came": {
			`{"suspendedAt":5,"a":null,"name":"n","type":"newer","emails":null,"b":[1.0]}`, nil,
			`{"a":null,"name":"n","type":"newer","emails":null,"b":[1.0]}`,
		},
		"what could not be read is sent as it came": {
			`{"id":[],"name":5,"type":"slack","url":null}`, nil,
			`{"name":5,"type":"slack","url":null}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := writeBody(decodeChannel(t, test.payload), test.addToDefault)
			if err != nil || string(got) != test.want {
				t.Errorf("got\n%s, %v, want\n%s", got, err, test.want)
			}
		})
	}
}

func TestWriteBodyChangesNothing(t *testing.T) {
	s := &Slack{URL: "https://s.example"}
	c := Channel{Name: "n", Detail: s}
	if _, err := writeBody(c, nil); err != nil || s.Mentions != nil || s.Events != nil {
		t.Errorf("the lists became %v and %v, %v", s.Mentions, s.Events, err)
	}
}

func TestWriteBodyOfAChangedUnknown(t *testing.T) {
	c := decodeChannel(t, `{"id":"1","name":"n","type":"newer","a":1}`)
	c.Name = "m"
	if got, err := writeBody(c, nil); err != nil || string(got) != `{"name":"m","type":"newer","a":1}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestCheckChannel(t *testing.T) {
	const secret = "s3cr3t"
	tests := map[string]struct {
		channel Channel
		want    []string
	}{
		"a name and a detail are enough":       {Channel{Name: "n", Detail: &Email{}}, nil},
		"unknown events and mentions are fine": {Channel{Name: "n", Detail: &Slack{URL: "https://s.example/" + secret, Events: []ChannelEvent{"x"}, Mentions: map[Status]string{"x": ""}}}, nil},
		"plain http is fine":                   {Channel{Name: "n", Detail: &Webhook{URL: "http://user:" + secret + "@localhost:8080/"}}, nil},
		"an unknown type is fine":              {Channel{Name: "n", Detail: &Unknown{Type: "x"}}, nil},
		"all problems at once":                 {Channel{Detail: &Slack{}}, []string{"Name: required", "URL: required"}},
		"no detail":                            {Channel{}, []string{"Name: required", "Detail: required"}},
		"another scheme":                       {Channel{Name: "n", Detail: &Webhook{URL: "ftp://w.example/" + secret}}, []string{"URL: not an http or https URL"}},
		"no scheme":                            {Channel{Name: "n", Detail: &Webhook{URL: "w.example/" + secret}}, []string{"URL: not an http or https URL"}},
		"no host":                              {Channel{Name: "n", Detail: &Slack{URL: "https:///" + secret}}, []string{"URL: a URL without a host"}},
		"only a port":                          {Channel{Name: "n", Detail: &Slack{URL: "https://:443/" + secret}}, []string{"URL: a URL without a host"}},
		"not a URL":                            {Channel{Name: "n", Detail: &Slack{URL: "https://s.example/%" + secret}}, []string{"URL: not a URL"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := checkChannel(test.channel)
			if !slices.Equal(got, test.want) || strings.Contains(strings.Join(got, ""), secret) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestCreatable(t *testing.T) {
	for _, typ := range channelTypes {
		want := typ == ChannelTypeEmail || typ == ChannelTypeSlack || typ == ChannelTypeWebhook
		if got := creatable(newDetail(typ)); got != want {
			t.Errorf("%s: %v", typ, got)
		}
	}
	if !creatable(&Unknown{Type: "newer"}) {
		t.Error("a type newer than this package is for the server to judge")
	}
}
