package mackerel

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// channelTypes are all types this package knows.
var channelTypes = []ChannelType{
	ChannelTypeEmail, ChannelTypeEmailBroadcast, ChannelTypeSlack, ChannelTypeWebhook, ChannelTypeChatwork,
	ChannelTypeHipChat, ChannelTypeLine, ChannelTypeTypetalk, ChannelTypeTwilio, ChannelTypePagerDuty,
	ChannelTypeOpsgenie, ChannelTypeJSM, ChannelTypeTeams, ChannelTypeEventBridge, ChannelTypeReactio, ChannelTypeYammer,
}

// channelPayloads are the files of testdata/channels by name: channels as the server sends them, or sent them once, or
// might send them. What starts with "unknown" is not to be recognised; everything else is.
func channelPayloads(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/channels/*.json")
	if err != nil || len(files) < len(channelTypes) {
		t.Fatalf("%d payloads, %v", len(files), err)
	}
	payloads := make(map[string][]byte)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		payloads[strings.TrimSuffix(filepath.Base(file), ".json")] = b
	}
	return payloads
}

// sortedJSON is a value in one form: keys sorted, no blanks, numbers as they are spelled.
func sortedJSON(t testing.TB, b []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(sorted)
}

func decodeChannel(t testing.TB, s string) Channel {
	t.Helper()
	var c Channel
	if err := json.Unmarshal([]byte(s), &c); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return c
}

func encodeChannel(t testing.TB, c Channel) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return sortedJSON(t, b)
}

// If this fails, fix the type, don't trim the payload.
func TestChannelPayloadsSurvive(t *testing.T) {
	for name, payload := range channelPayloads(t) {
		t.Run(name, func(t *testing.T) {
			c := decodeChannel(t, string(payload))
			if _, unknown := c.Detail.(*Unknown); unknown != strings.HasPrefix(name, "unknown-") {
				t.Errorf("decoded as %T: %v", c.Detail, c)
			}
			if got, want := encodeChannel(t, c), sortedJSON(t, payload); got != want {
				t.Errorf("came back as\n%s, was\n%s", got, want)
			}
			if again := decodeChannel(t, encodeChannel(t, c)); !again.Equal(c) {
				t.Errorf("decoded again it is %v, was %v", again, c)
			}
		})
	}
}

func TestChannelPayloadsHaveEveryType(t *testing.T) {
	payloads := channelPayloads(t)
	for _, typ := range channelTypes {
		c := decodeChannel(t, string(payloads[string(typ)]))
		if c.Detail.ChannelType() != typ || newDetail(typ).ChannelType() != typ {
			t.Errorf("%s is decoded as %s and made as %s", typ, c.Detail.ChannelType(), newDetail(typ).ChannelType())
		}
		if c.rest != nil {
			t.Errorf("%s as the server sends it today needs more than its fields", typ)
		}
	}
}

func TestChannelFields(t *testing.T) {
	suspended := time.Unix(1767225600, 0)
	tests := map[string]struct {
		payload string
		want    Channel
	}{
		"an email has its lists": {
			`{"id":"1","name":"n","type":"email","suspendedAt":null,"emails":["a@example.com"],"userIds":["u"],"events":["alert","newer"]}`,
			Channel{ID: "1", Name: "n", Detail: &Email{Emails: []string{"a@example.com"}, UserIDs: []string{"u"}, Events: []ChannelEvent{ChannelEventAlert, "newer"}}},
		},
		"a slack has its mentions, unknown ones included": {
			`{"id":"1","name":"n","type":"slack","suspendedAt":1767225600,"url":"https://s.example/x","mentions":{"critical":"@here","newer":"x"},"enabledGraphImage":true,"events":[]}`,
			Channel{ID: "1", Name: "n", SuspendedAt: suspended, Detail: &Slack{URL: "https://s.example/x", Mentions: map[Status]string{StatusCritical: "@here", "newer": "x"}, EnabledGraphImage: true}},
		},
		"the type may come last and keys may be escaped": {
			`{"url":"https://w.example/x","\u0065vents":["monitor"],"\u006eame":"caf\u00e9","type":"w\u0065bhook"}`,
			Channel{Name: "café", Detail: &Webhook{URL: "https://w.example/x", Events: []ChannelEvent{ChannelEventMonitor}}},
		},
		"keys are exact": {
			`{"NAME":"n","Id":"1","type":"line","name":"line"}`,
			Channel{Name: "line", Detail: &Line{}},
		},
		"the last of doubled members counts, and mentions are merged": {
			`{"name":"a","name":"b","name":null,"type":"slack","mentions":{"ok":"1","ok":"2"},"mentions":{"critical":"3"},"events":["alert"],"events":null}`,
			Channel{Name: "b", Detail: &Slack{Mentions: map[Status]string{StatusOK: "2", StatusCritical: "3"}}},
		},
		"a fraction of a second is kept": {
			`{"name":"n","type":"line","suspendedAt":1.7672256005E9}`,
			Channel{Name: "n", SuspendedAt: suspended.Add(500 * time.Millisecond), Detail: &Line{}},
		},
		"what another kind has is not looked at": {
			`{"name":"n","type":"pagerduty","url":5,"events":"all"}`,
			Channel{Name: "n", Detail: &PagerDuty{}},
		},
		"null within a list or object is empty": {
			`{"name":"n","type":"slack","mentions":{"ok":null},"events":[null]}`,
			Channel{Name: "n", Detail: &Slack{Mentions: map[Status]string{StatusOK: ""}, Events: []ChannelEvent{""}}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := decodeChannel(t, test.payload)
			without := got
			without.rest = nil // the expected channels have none
			if !without.Equal(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if got := encodeChannel(t, got); got != sortedJSON(t, []byte(test.payload)) {
				t.Errorf("came back as %s", got)
			}
		})
	}
}

// One odd channel must not cost the others, and must not lose anything either.
func TestChannelOfAnotherFormIsUnknown(t *testing.T) {
	tests := map[string]struct {
		payload string
		typ     ChannelType
		members string // that Err names
	}{
		"an id that is a number":               {`{"id":17,"name":"n","type":"line"}`, "line", "id"},
		"a name that is an object":             {`{"id":"1","name":{"ja":"n"},"type":"line"}`, "line", "name"},
		"a type that is a number":              {`{"id":"1","name":"n","type":3}`, "", "type"},
		"a type that is null":                  {`{"id":"1","name":"n","type":null}`, "", ""},
		"a type newer than this package":       {`{"id":"1","name":"n","type":"pager-pigeon","url":7}`, "pager-pigeon", ""},
		"a newer type with an odd id":          {`{"id":1,"type":"pager-pigeon"}`, "pager-pigeon", "id"},
		"emails that are one string":           {`{"name":"n","type":"email","emails":"a@example.com"}`, "email", "emails"},
		"an email that is a number":            {`{"name":"n","type":"email","emails":["a@example.com",5]}`, "email", "emails"},
		"user ids that are an object":          {`{"name":"n","type":"email","userIds":{}}`, "email", "userIds"},
		"events that are true":                 {`{"name":"n","type":"webhook","events":true}`, "webhook", "events"},
		"a url that is a number":               {`{"name":"n","type":"webhook","url":4711}`, "webhook", "url"},
		"mentions that are an array":           {`{"name":"n","type":"slack","mentions":["@here"]}`, "slack", "mentions"},
		"a mention that is an array":           {`{"name":"n","type":"slack","mentions":{"ok":"x","critical":["@here"]}}`, "slack", "mentions"},
		"a flag that is a string":              {`{"name":"n","type":"slack","enabledGraphImage":"true"}`, "slack", "enabledGraphImage"},
		"a flag that is 1":                     {`{"name":"n","type":"webhook","enabledGraphImage":1}`, "webhook", "enabledGraphImage"},
		"suspended at a string":                {`{"name":"n","type":"line","suspendedAt":"1767225600"}`, "line", "suspendedAt"},
		"suspended true":                       {`{"name":"n","type":"line","suspendedAt":true}`, "line", "suspendedAt"},
		"suspended beyond the year 9999":       {`{"name":"n","type":"line","suspendedAt":253402300800}`, "line", "suspendedAt"},
		"suspended before the year 1":          {`{"name":"n","type":"line","suspendedAt":-62135596801}`, "line", "suspendedAt"},
		"suspended beyond int64":               {`{"name":"n","type":"line","suspendedAt":9223372036854775808}`, "line", "suspendedAt"},
		"suspended beyond float64":             {`{"name":"n","type":"line","suspendedAt":1e999}`, "line", "suspendedAt"},
		"a good value does not mend a bad one": {`{"type":"webhook","url":1,"url":"https://w.example"}`, "webhook", "url"},
		"several at once":                      {`{"name":1,"type":"slack","url":2,"events":3}`, "slack", "name url events"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := decodeChannel(t, test.payload)
			u, ok := c.Detail.(*Unknown)
			if !ok || u.Type != test.typ || u.ChannelType() != test.typ {
				t.Fatalf("got %v, want an Unknown of type %q", c, test.typ)
			}
			if (u.Err != nil) != (test.members != "") {
				t.Errorf("error %v, want one of %q", u.Err, test.members)
			}
			for member := range strings.FieldsSeq(test.members) {
				if !strings.Contains(u.Err.Error(), `"`+member+`" is not `) {
					t.Errorf("the error %q does not name %s", u.Err, member)
				}
			}
			if got, want := encodeChannel(t, c), sortedJSON(t, []byte(test.payload)); got != want {
				t.Errorf("came back as\n%s, was\n%s", got, want)
			}
		})
	}
}

func TestChannelListWithAnOddOneInFirstPlaceIsComplete(t *testing.T) {
	for first, c := range map[string]string{
		"an unknown type": `{"id":"0","name":"x","type":"discord"}`,
		"a broken one":    `{"id":0,"name":[],"type":"email"}`,
		"an empty one":    `{}`,
	} {
		t.Run(first, func(t *testing.T) {
			list := `{"channels":[` + c + `,{"id":"1","name":"a","type":"line"},{"id":"2","name":"b","type":"email"}]}`
			var got struct {
				Channels []Channel `json:"channels"`
			}
			if err := json.Unmarshal([]byte(list), &got); err != nil || len(got.Channels) != 3 {
				t.Fatalf("%d channels, %v", len(got.Channels), err)
			}
			if _, ok := got.Channels[0].Detail.(*Unknown); !ok || got.Channels[2].ID != "2" {
				t.Errorf("got %v", got.Channels)
			}
			if b, err := json.Marshal(got); err != nil || sortedJSON(t, b) != sortedJSON(t, []byte(list)) {
				t.Errorf("came back as %s, %v", b, err)
			}
		})
	}
}

func TestChannelsInOtherTypes(t *testing.T) {
	payload := `{"id":"1","name":"n","suspendedAt":null,"type":"line"}`
	c := decodeChannel(t, payload)
	for name, v := range map[string]any{
		"a map of values":   map[string]Channel{"x": c},
		"a map of pointers": map[string]*Channel{"x": &c},
		"a struct by value": struct {
			X Channel `json:"x"`
		}{c},
		"an interface": map[string]any{"x": c},
		"a struct by pointer ": &struct {
			X *Channel `json:"x"`
		}{&c},
	} {
		t.Run(name, func(t *testing.T) {
			if b, err := json.Marshal(v); err != nil || sortedJSON(t, b) != sortedJSON(t, []byte(`{"x":`+payload+`}`)) {
				t.Errorf("%s, %v", b, err)
			}
		})
	}
}

func TestChannelNullChangesNothing(t *testing.T) {
	c := Channel{ID: "1", Detail: &Line{}}
	var p *Channel
	if err := json.Unmarshal([]byte(`null`), &c); err != nil || c.ID != "1" {
		t.Errorf("a channel became %v, %v", c, err)
	}
	if err := c.UnmarshalJSON([]byte(" null\n")); err != nil || c.ID != "1" {
		t.Errorf("called directly, a channel became %v, %v", c, err)
	}
	if err := json.Unmarshal([]byte(`null`), &p); err != nil || p != nil {
		t.Errorf("a pointer became %v, %v", p, err)
	}
}

// Only a caller of UnmarshalJSON itself can come with what is not JSON at all.
func TestChannelRefusesWhatIsNoObject(t *testing.T) {
	for _, s := range []string{
		``, ` `, `[]`, `"line"`, `17`, `true`, `nul`, `nullx`, `{`, `{}x`, `{}{}`, `}`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`,
		`{"a":1,}`, `{,}`, `{"a" 1}`, `{"a":}`, `{"a":1 "b":2}`, `{"a":1;"b":2}`, `{a:1}`, `{1:1}`, `{"a":tru}`, `{"a":01}`, `{"a":1]`, `{"a":[1}}`,
		`{"a":[}`, `{"a":"\x"}`, `{"\x":1}`, "{\"a\x01\":null}", "{\"name\":\"\x01\"}", `{"name":"a"b}`, `{"name":nul}`, `{"suspendedAt":01}`, `{"suspendedAt":+1}`,
		`{"emails":[}`, `{"emails":["a",]}`, `{"emails":["a" "b"]}`, `{"emails":["a"}`, `{"emails":["a"]]}`, `{"mentions":{"a"}}`, `{"mentions":{"a":"b",}}`,
		`{"mentions":{"\x":"b"}}`, `{"enabledGraphImage":True}`, `{"type":"slack","url":}`, `{"name":"\ud800`, "{\"name\":\"\\",
	} {
		c := Channel{ID: "1", Detail: &Line{}}
		err := c.UnmarshalJSON([]byte(s))
		if e := (*Error)(nil); !errors.As(err, &e) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error %v", s, err)
		}
		if c.ID != "1" {
			t.Errorf("%s: the channel became %v", s, c)
		}
	}
}

func TestChannelKeepsNothingOfTheBytes(t *testing.T) {
	for name, payload := range channelPayloads(t) {
		b := bytes.Clone(payload)
		var c Channel
		if err := c.UnmarshalJSON(b); err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] = 'x'
		}
		if got, want := encodeChannel(t, c), sortedJSON(t, payload); got != want {
			t.Errorf("%s: overwritten, it became %s", name, got)
		}
	}
}

func TestChannelReplacesAllThatWasThere(t *testing.T) {
	c := decodeChannel(t, `{"id":"1","name":"n","type":"slack","suspendedAt":5,"new":1}`)
	old := c
	if err := json.Unmarshal([]byte(`{"type":"slack","suspendedAt":null,"url":"","enabledGraphImage":false,"name":""}`), &c); err != nil {
		t.Fatal(err)
	}
	if c.ID != "" || c.Name != "" || !c.SuspendedAt.IsZero() || c.rest != nil || c.Detail == old.Detail {
		t.Errorf("got %v, from before %v", c, old)
	}
}

func TestEventsOfChannelsAndOfWebhooks(t *testing.T) {
	events := []ChannelEvent{
		ChannelEventAlert, ChannelEventAlertGroup, ChannelEventHostStatus, ChannelEventHostRegister, ChannelEventHostRetire, ChannelEventMonitor,
	}
	for _, e := range []Event{EventAlert, EventAlertGroup, EventHostStatus, EventHostRegister, EventHostRetire, EventMonitorCreate, EventMonitorUpdate, EventMonitorDelete} {
		if !slices.Contains(events, e.ChannelEvent()) {
			t.Errorf("no channel can subscribe to %s", e)
		}
	}
}
