package mackerel_test

import (
	jsonv1 "encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel"
)

// channelTypes are the types of Detail that this package knows, with their Details.
var channelTypes = map[mackerel.ChannelType]mackerel.Detail{
	mackerel.ChannelTypeEmail:          (*mackerel.Email)(nil),
	mackerel.ChannelTypeEmailBroadcast: (*mackerel.EmailBroadcast)(nil),
	mackerel.ChannelTypeSlack:          (*mackerel.Slack)(nil),
	mackerel.ChannelTypeWebhook:        (*mackerel.Webhook)(nil),
	mackerel.ChannelTypeChatwork:       (*mackerel.Chatwork)(nil),
	mackerel.ChannelTypeHipChat:        (*mackerel.HipChat)(nil),
	mackerel.ChannelTypeLine:           (*mackerel.Line)(nil),
	mackerel.ChannelTypeTypetalk:       (*mackerel.Typetalk)(nil),
	mackerel.ChannelTypeTwilio:         (*mackerel.Twilio)(nil),
	mackerel.ChannelTypePagerDuty:      (*mackerel.PagerDuty)(nil),
	mackerel.ChannelTypeOpsgenie:       (*mackerel.Opsgenie)(nil),
	mackerel.ChannelTypeJSM:            (*mackerel.JSM)(nil),
	mackerel.ChannelTypeTeams:          (*mackerel.Teams)(nil),
	mackerel.ChannelTypeEventBridge:    (*mackerel.EventBridge)(nil),
	mackerel.ChannelTypeReactio:        (*mackerel.Reactio)(nil),
	mackerel.ChannelTypeYammer:         (*mackerel.Yammer)(nil),
}

// A codec is one version of encoding/json. Version 2 has the options that Channel's comment names.
type codec struct {
	unmarshal func([]byte, any) error
	marshal   func(any) ([]byte, error)
}

var codecs = map[string]codec{
	"v1": {jsonv1.Unmarshal, jsonv1.Marshal},
	"v2": {
		func(b []byte, v any) error { return jsonv2.Unmarshal(b, v, allowAll) },
		func(v any) ([]byte, error) { return jsonv2.Marshal(v, allowAll) },
	},
}

var allowAll = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// eachCodec runs a test with both versions of encoding/json.
func eachCodec(t *testing.T, test func(*testing.T, codec)) {
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
}

func decodeChannel(t testing.TB, text string) mackerel.Channel {
	t.Helper()
	var c mackerel.Channel
	if err := jsonv1.Unmarshal([]byte(text), &c); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return c
}

func encodeChannel(t testing.TB, c mackerel.Channel) string {
	t.Helper()
	b, err := c.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sameChannel compares two texts as JSON, with numbers as they are spelled. What a channel may change does not count:
// documented members that are null, absent or empty, except that events is not empty.
func sameChannel(t testing.TB, got, want string) {
	t.Helper()
	normal := func(text string) any {
		v := decodeJSON(t, []byte(text))
		object, ok := v.(map[string]any)
		if _, known := channelTypes[mackerel.ChannelType(textOf(object["type"]))]; !ok || !known {
			return v
		}
		maps.DeleteFunc(object, func(name string, value any) bool {
			documented := slices.Contains(strings.Fields("id name suspendedAt emails userIds url mentions enabledGraphImage events"), name)
			if list, ok := value.([]any); ok {
				return documented && name != "events" && len(list) == 0
			}
			if m, ok := value.(map[string]any); ok {
				return documented && len(m) == 0
			}
			if seconds, ok := value.(jsonv1.Number); ok && name == "suspendedAt" {
				f, err := seconds.Float64()
				object[name] = f
				return err == nil && f == 0
			}
			return documented && (value == nil || value == false || value == "")
		})
		return v
	}
	if g, w := normal(got), normal(want); !reflect.DeepEqual(g, w) {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func textOf(v any) string {
	s, _ := v.(string)
	return s
}

// channelFiles are the files of testdata/channels: channels as the server sends them, sent them once, or may send them.
// Channels in files that begin with "unknown" are *Unknown, all others are not.
func channelFiles(t testing.TB) map[string]string {
	t.Helper()
	names, err := filepath.Glob("testdata/channels/*.json")
	if err != nil || len(names) < len(channelTypes) {
		t.Fatalf("%d files, %v", len(names), err)
	}
	files := make(map[string]string)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(name), ".json")] = string(b)
	}
	return files
}

// If this fails, fix the type, do not trim the file.
func TestChannelFilesSurvive(t *testing.T) {
	eachCodec(t, func(t *testing.T, json codec) {
		for name, text := range channelFiles(t) {
			var c mackerel.Channel
			if err := json.unmarshal([]byte(text), &c); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			u, unknown := c.Detail.(*mackerel.Unknown)
			if unknown != strings.HasPrefix(name, "unknown-") {
				t.Errorf("%s was read as %+v (%+v)", name, c, u)
			}
			b, err := json.marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			sameChannel(t, string(b), text)
			if again := decodeChannel(t, string(b)); !again.Equal(c) {
				t.Errorf("%s: read again it is %v, was %v", name, again, c)
			}
		}
	})
}

func TestChannelTypes(t *testing.T) {
	files := channelFiles(t)
	for typ, detail := range channelTypes {
		c := decodeChannel(t, files[string(typ)])
		if c.Detail.ChannelType() != typ || detail.ChannelType() != typ || reflect.TypeOf(c.Detail) != reflect.TypeOf(detail) {
			t.Errorf("%s was read as a %T of type %s", typ, c.Detail, c.Detail.ChannelType())
		}
	}
}

func TestChannelFields(t *testing.T) {
	suspended := time.Unix(1767225600, 0)
	url := mackerel.NewSecret("https://h.example/x")
	tests := map[string]struct {
		text string
		want mackerel.Channel
	}{
		"an email channel": {
			`{"id":"1","name":"n","type":"email","suspendedAt":null,"emails":["a@example.com"],"userIds":["u"],"events":["alert","newer"]}`,
			mackerel.Channel{ID: "1", Name: "n", Detail: &mackerel.Email{
				Emails: []string{"a@example.com"}, UserIDs: []string{"u"}, Events: []mackerel.ChannelEvent{"alert", "newer"},
			}},
		},
		"a Slack channel with a mention for an unknown status": {
			`{"id":"1","name":"n","type":"slack","suspendedAt":1767225600,"url":"https://h.example/x","mentions":{"critical":"@here","newer":""},"enabledGraphImage":true,"events":[]}`,
			mackerel.Channel{ID: "1", Name: "n", SuspendedAt: suspended, Detail: &mackerel.Slack{
				URL: url, Mentions: map[mackerel.Status]string{"critical": "@here", "newer": ""}, EnabledGraphImage: true,
				Events: []mackerel.ChannelEvent{},
			}},
		},
		"the type comes last and names are escaped": {
			`{"url":"https://h.example/x","\u0065vents":["monitor"],"\u006eame":"caf\u00e9","type":"w\u0065bhook"}`,
			mackerel.Channel{Name: "café", Detail: &mackerel.Webhook{URL: url, Events: []mackerel.ChannelEvent{"monitor"}}},
		},
		"names in another case are other members": {
			`{"NAME":"n","Id":"1","type":"line","name":"line"}`,
			mackerel.Channel{Name: "line", Detail: &mackerel.Line{}},
		},
		"a fraction of a second": {
			`{"name":"n","type":"line","suspendedAt":1767225600.5}`,
			mackerel.Channel{Name: "n", SuspendedAt: suspended.Add(500 * time.Millisecond), Detail: &mackerel.Line{}},
		},
		"members of another type are not read": {
			`{"name":"n","type":"pagerduty","url":5,"events":"all","emails":["a"]}`,
			mackerel.Channel{Name: "n", Detail: &mackerel.PagerDuty{}},
		},
		"events are null": {
			`{"name":"n","type":"webhook","url":"https://h.example/x","events":null}`,
			mackerel.Channel{Name: "n", Detail: &mackerel.Webhook{URL: url}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := decodeChannel(t, tt.text)
			if c.ID != tt.want.ID || c.Name != tt.want.Name || !c.SuspendedAt.Equal(tt.want.SuspendedAt) || !reflect.DeepEqual(c.Detail, tt.want.Detail) {
				t.Errorf("got %+v, want %+v", c, tt.want)
			}
			sameChannel(t, encodeChannel(t, c), tt.text)
		})
	}
}

// A channel that is not as documented keeps its JSON, to the last byte.
func TestChannelOfAnotherFormIsUnknown(t *testing.T) {
	tests := map[string]struct {
		text string
		typ  mackerel.ChannelType
		err  string // a part of it, or "" for none
	}{
		"an id that is a number":               {`{"id":17,"name":"n","type":"line"}`, "line", "id"},
		"a name that is an object":             {`{"id":"1","name":{"ja":"n"},"type":"line"}`, "line", "name"},
		"a type that is a number":              {`{"id":"1","name":"n","type":3}`, "", "type"},
		"a type that is null":                  {`{"id":"1","name":"n","type":null}`, "", ""},
		"a type newer than this package":       {`{"id":"1","name":"n","type":"pager-pigeon","url":7,"emails":null}`, "pager-pigeon", ""},
		"a newer type with an odd id":          {`{"id":1,"type":"pager-pigeon"}`, "pager-pigeon", "id"},
		"emails that are one string":           {`{"name":"n","type":"email","emails":"a@example.com"}`, "email", "emails"},
		"an email that is a number":            {`{"name":"n","type":"email","emails":["a@example.com",5]}`, "email", "emails"},
		"user ids that are an object":          {`{"name":"n","type":"email","userIds":{}}`, "email", "userIds"},
		"events that are true":                 {`{"name":"n","type":"webhook","events":true}`, "webhook", "events"},
		"an event that is an object":           {`{"name":"n","type":"email","events":["alert",{"on":2.50}]}`, "email", "events"},
		"an email that is null":                {`{"name":"n","type":"email","emails":[null]}`, "email", "null"},
		"a user id that is null":               {`{"name":"n","type":"email","userIds":["5U",null]}`, "email", "null"},
		"an event that is null":                {`{"name":"n","type":"email","suspendedAt":null,"events":["alert",null]}`, "email", "null"},
		"a url that is a number":               {`{"name":"n","type":"webhook","url":4711}`, "webhook", "url"},
		"mentions that are an array":           {`{"name":"n","type":"slack","mentions":["@here"]}`, "slack", "mentions"},
		"a mention that is an array":           {`{"name":"n","type":"slack","mentions":{"ok":"x","critical":["@here"]}}`, "slack", "mentions"},
		"a mention that is null":               {`{"name":"n","type":"slack","mentions":{"ok": null}}`, "slack", "null"},
		"a flag that is a string":              {`{"name":"n","type":"slack","enabledGraphImage":"true"}`, "slack", "enabledGraphImage"},
		"suspended at a string":                {`{"name":"n","type":"line","suspendedAt":"1767225600"}`, "line", "suspendedAt"},
		"suspended at the time that is zero":   {`{"name":"n","type":"line","suspendedAt":-62135596800}`, "line", "suspendedAt"},
		"suspended beyond int64":               {`{"name":"n","type":"line","suspendedAt":9223372036854775808}`, "line", "suspendedAt"},
		"suspended beyond float64":             {`{"name":"n","type":"line","suspendedAt":1e999}`, "line", "suspendedAt"},
		"suspended at a part of a microsecond": {`{"name":"n","type":"email","suspendedAt":0.0000001}`, "email", "suspendedAt"},
		"a good value does not mend a bad one": {`{"type":"webhook","url":1,"url":"https://w.example"}`, "webhook", "url"},
		"a url in an error":                    {`{"type":"slack","url":["https://hooks.example/secret"]}`, "slack", "url"},
		"a url as a status in an error":        {`{"type":"slack","mentions":{"https://hooks.example/secret":5}}`, "slack", "mentions"},
		"a number":                             {`5`, "", "not a JSON object"},
		"an array":                             {`[{"type":"line"}]`, "", "not a JSON object"},
		"a string":                             {`"line"`, "", "not a JSON object"},
		"an empty object":                      {`{}`, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := decodeChannel(t, tt.text)
			u, ok := c.Detail.(*mackerel.Unknown)
			if !ok || u.Type != tt.typ || u.ChannelType() != tt.typ {
				t.Fatalf("got %+v, want an Unknown of type %q", c, tt.typ)
			}
			switch {
			case (u.Err != nil) != (tt.err != ""):
				t.Errorf("error %v, want %q", u.Err, tt.err)
			case u.Err != nil && (!strings.Contains(u.Err.Error(), tt.err) || strings.Contains(u.Err.Error(), "secret")):
				t.Errorf("error %q, want %q in it", u.Err, tt.err)
			}
			if got := encodeChannel(t, c); got != strings.ReplaceAll(tt.text, `": `, `":`) {
				t.Errorf("came back as\n%s, was\n%s", got, tt.text)
			}
		})
	}
}

// Of a doubled member the last one counts if it is documented, and all are kept if it is not.
func TestChannelWithDoubledMembersAndBadUTF8(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"a doubled name":            {`{"name":"a","name":"b","type":"line"}`, `{"name":"b","type":"line"}`},
		"a doubled type":            {`{"name":"a","type":"line","type":"yammer"}`, `{"name":"a","type":"yammer"}`},
		"doubled events":            {`{"name":"a","type":"email","events":["alert","monitor"],"events":["x"]}`, `{"name":"a","type":"email","emails":[],"userIds":[],"events":["x"]}`},
		"a doubled mention":         {`{"name":"a","type":"slack","url":"u","mentions":{"ok":"1","ok":"2"}}`, `{"name":"a","type":"slack","url":"u","mentions":{"ok":"2"},"enabledGraphImage":false}`},
		"a doubled unknown member":  {`{"name":"a","type":"line","x":2.50,"x":{"y":1,"y":2}}`, `{"name":"a","type":"line","x":2.50,"x":{"y":1,"y":2}}`},
		"doubled in an unknown":     {`{"type":"newer","x":1,"x":2}`, `{"type":"newer","x":1,"x":2}`},
		"bad UTF-8 in a name":       {"{\"name\":\"a\xff\",\"type\":\"line\"}", "{\"name\":\"a\ufffd\",\"type\":\"line\"}"},
		"half a surrogate pair":     {`{"name":"\ud83d","type":"line"}`, "{\"name\":\"\ufffd\",\"type\":\"line\"}"},
		"bad UTF-8 in an unknown":   {"{\"type\":\"newer\",\"a\xff\":\"b\xff\"}", "{\"type\":\"newer\",\"a\xff\":\"b\xff\"}"},
		"bad UTF-8 in a new member": {"{\"name\":\"a\",\"type\":\"line\",\"x\xff\":\"\xfe\"}", "{\"name\":\"a\",\"type\":\"line\",\"x\xff\":\"\xfe\"}"},
		"an escape":                 {`{"name":"a","type":"line","\u0061":"\/\u003c"}`, `{"name":"a","type":"line","\u0061":"\/\u003c"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			eachCodec(t, func(t *testing.T, json codec) {
				var c mackerel.Channel
				if err := json.unmarshal([]byte(tt.text), &c); err != nil {
					t.Fatal(err)
				}
				if got := encodeChannel(t, c); got != tt.want {
					t.Errorf("got\n%q, want\n%q", got, tt.want)
				}
				if _, err := json.marshal(c); err != nil {
					t.Error(err)
				}
			})
		})
	}
	if err := jsonv2.Unmarshal([]byte(`{"type":"newer","x":1,"x":2}`), new(mackerel.Channel)); err == nil {
		t.Error("version 2 without options takes doubled names, other than the comment says")
	}
}

func TestChannelsInOtherTypes(t *testing.T) {
	type channel = mackerel.Channel
	for text, kind := range map[string]mackerel.Detail{
		`{"id":"1","name":"n","type":"line","new":2.50}`:     &mackerel.Line{},
		`{"id":"1","name":"n","type":"slack","url":["new"]}`: &mackerel.Unknown{},
	} {
		eachCodec(t, func(t *testing.T, json codec) {
			into := map[string]any{
				"a value":           new(struct{ X channel }),
				"a pointer":         new(struct{ X *channel }),
				"a map of values":   new(map[string]channel),
				"a map of pointers": new(map[string]*channel),
			}
			for name, v := range into {
				if err := json.unmarshal([]byte(`{"X":`+text+`}`), v); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				b, err := json.marshal(v)
				if err != nil || string(b) != `{"X":`+text+`}` {
					t.Errorf("%s: %s, %v", name, b, err)
				}
			}
			c := decodeChannel(t, text)
			if reflect.TypeOf(c.Detail) != reflect.TypeOf(kind) {
				t.Errorf("read as %T", c.Detail)
			}
			for _, v := range []any{c, &c} {
				if b, err := json.marshal(map[string]any{"X": v}); err != nil || string(b) != `{"X":`+text+`}` {
					t.Errorf("an any that holds a %T: %s, %v", v, b, err)
				}
			}
		})
	}
}

// Documented members of other types are kept.
func TestMembersOfOtherTypesAreKept(t *testing.T) {
	for _, member := range []string{
		`"emails":["a@example.com"]`, `"userIds":["5U"]`, `"url":"https://w.example"`, `"mentions":{"ok":"x"}`, `"enabledGraphImage":true`,
		`"events":["alert"]`, `"addToDefaultNotificationGroup":true`,
	} {
		text := `{"name":"n","type":"line",` + member + `}`
		if got := encodeChannel(t, decodeChannel(t, text)); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

// A channel that was read is no other than one that was made by hand, also for reflect.DeepEqual.
func TestAChannelThatWasReadIsLikeOneMadeByHand(t *testing.T) {
	url, events := mackerel.NewSecret("https://w.example"), []mackerel.ChannelEvent{"alert"}
	for text, detail := range map[string]mackerel.Detail{
		`"type":"email","emails":["a"],"userIds":["5U"],"events":["alert"]`: &mackerel.Email{Emails: []string{"a"}, UserIDs: []string{"5U"}, Events: events},
		`"type":"slack","url":"https://w.example","mentions":{"ok":"x"},"enabledGraphImage":true,"events":["alert"]`: &mackerel.Slack{
			URL: url, Mentions: map[mackerel.Status]string{"ok": "x"}, EnabledGraphImage: true, Events: events,
		},
		`"type":"webhook","url":"https://w.example","enabledGraphImage":true,"events":["alert"]`: &mackerel.Webhook{URL: url, EnabledGraphImage: true, Events: events},
		`"type":"line"`: &mackerel.Line{},
	} {
		want := mackerel.Channel{ID: "1", Name: "n", Detail: detail}
		if got := decodeChannel(t, `{"id":"1","name":"n",`+text+`}`); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is not like %+v", text, want)
		}
	}
}

// What a reader fails with is not hidden behind an error about JSON.
func TestAReaderThatFailsWithinAChannel(t *testing.T) {
	broken := errors.New("the connection broke")
	var c mackerel.Channel
	err := jsonv2.UnmarshalRead(io.MultiReader(strings.NewReader(`{"id":"1",`), iotest.ErrReader(broken)), &c)
	if !errors.Is(err, broken) || errors.Is(err, mackerel.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestChannelListWithAnOddElement(t *testing.T) {
	eachCodec(t, func(t *testing.T, json codec) {
		for name, element := range map[string]string{
			"an unknown type": `{"id":"0","name":"x","type":"discord"}`,
			"a broken one":    `{"id":0,"name":[],"type":"email"}`,
			"an empty one":    `{}`,
			"a number":        `5`,
		} {
			list := `[` + element + `,{"id":"1","name":"a","type":"line"},{"id":"2","name":"b","type":"email","emails":[],"userIds":[]}]`
			var got []mackerel.Channel
			if err := json.unmarshal([]byte(list), &got); err != nil || len(got) != 3 {
				t.Fatalf("%s: %d channels, %v", name, len(got), err)
			}
			if _, ok := got[0].Detail.(*mackerel.Unknown); !ok || got[2].ID != "2" {
				t.Errorf("%s: %v", name, got)
			}
			if b, err := json.marshal(got); err != nil || string(b) != list {
				t.Errorf("%s: came back as %s, %v", name, b, err)
			}
		}
		var got []mackerel.Channel
		if err := json.unmarshal([]byte(`[{"type":"line"},null]`), &got); !errors.Is(err, mackerel.ErrInvalid) {
			t.Errorf("null: got %v, %v", got, err)
		}
		var pointers []*mackerel.Channel
		if err := json.unmarshal([]byte(`[null]`), &pointers); err != nil || pointers[0] != nil {
			t.Errorf("a null pointer: got %v, %v", pointers, err)
		}
	})
}

func TestChannelRefusesNullAndWhatIsNotJSON(t *testing.T) {
	for _, s := range []string{
		``, ` `, `null`, " null\n", `nul`, `{`, `{}x`, `{}{}`, `}`, `{"a":1,}`, `{"id":1}x`, `{"id":1,"x":tru}`, `{"name":"\x"}`, `{"suspendedAt":01}`,
		`5 5`, `[}`, "{\"name\":\"\x01\"}",
	} {
		c := mackerel.Channel{ID: "1", Detail: &mackerel.Line{}}
		if err := c.UnmarshalJSON([]byte(s)); !errors.Is(err, mackerel.ErrInvalid) || c.ID != "1" {
			t.Errorf("%q: got %v, the channel is %v", s, err, c)
		}
	}
}

func TestChannelKeepsNothingOfTheBytes(t *testing.T) {
	for name, text := range channelFiles(t) {
		b := []byte(text)
		var c mackerel.Channel
		if err := c.UnmarshalJSON(b); err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] = 'x'
		}
		if got := encodeChannel(t, c); got != encodeChannel(t, decodeChannel(t, text)) {
			t.Errorf("%s: overwritten, it became %s", name, got)
		}
	}
}

func TestChannelReplacesAllThatWasThere(t *testing.T) {
	c := decodeChannel(t, `{"id":"1","name":"n","type":"slack","suspendedAt":5,"new":1}`)
	const text = `{"name":"","type":"slack","mentions":{},"enabledGraphImage":false}`
	if err := jsonv1.Unmarshal([]byte(text), &c); err != nil || encodeChannel(t, c) != text {
		t.Errorf("got %s, %v", encodeChannel(t, c), err)
	}
}

// A change of a field is in the JSON, and all else is as it was.
func TestChannelChanges(t *testing.T) {
	const slack = `{"a":1e3,"id":"1","name":"n","type":"slack","url":"https://s.example/x","mentions":null,"events":["alert"],"z":{"k":[null]},"emails":["odd"]}`
	const broken = `{"id":1,"name":"n","type":"slack","suspendedAt":1.5,"url":["https://s.example/x"]}`
	const written = `"emails":["odd"],"url":"https://s.example/x","mentions":{},"enabledGraphImage":false,"events":["alert"],"a":1e3,"z":{"k":[null]}}`
	tests := map[string]struct {
		text   string
		change func(*mackerel.Channel)
		want   string
	}{
		"nothing": {slack, func(*mackerel.Channel) {}, `{"id":"1","name":"n","type":"slack",` + written},
		"the name and the id": {
			slack, func(c *mackerel.Channel) { c.Name, c.ID = "<&>", "" }, `{"name":"<&>","type":"slack",` + written,
		},
		"the suspension": {
			slack, func(c *mackerel.Channel) { c.SuspendedAt = time.Unix(9, 0) },
			`{"id":"1","name":"n","type":"slack","suspendedAt":9,` + written,
		},
		"another Detail of the same type": {
			slack, func(c *mackerel.Channel) {
				c.Detail = &mackerel.Slack{Mentions: map[mackerel.Status]string{"ok": "x"}, Events: []mackerel.ChannelEvent{}}
			},
			`{"id":"1","name":"n","type":"slack","emails":["odd"],"mentions":{"ok":"x"},"enabledGraphImage":false,"events":[],"a":1e3,"z":{"k":[null]}}`,
		},
		"a Detail of another type: nothing is left of the first": {
			slack, func(c *mackerel.Channel) { c.Detail = &mackerel.Webhook{} },
			`{"id":"1","name":"n","type":"webhook","enabledGraphImage":false}`,
		},
		"what could not be read is replaced where it is set": {
			broken, func(c *mackerel.Channel) { c.ID, c.Name = "2", "m" },
			`{"id":"2","name":"m","type":"slack","suspendedAt":1.5,"url":["https://s.example/x"]}`,
		},
		"what could not be read gets a Detail": {
			broken, func(c *mackerel.Channel) { c.Detail = &mackerel.Slack{} },
			`{"name":"n","type":"slack","suspendedAt":1.5,"mentions":{},"enabledGraphImage":false}`,
		},
		"a newer type is renamed": {
			`{"name":"n","type":"newer","x":2.50,"emails":null}`, func(c *mackerel.Channel) { c.Name = "m" },
			`{"name":"m","type":"newer","x":2.50,"emails":null}`,
		},
		"a newer type is made another": {
			`{"name":"n","type":"newer","x":1}`, func(c *mackerel.Channel) { c.Detail.(*mackerel.Unknown).Type = "newest" },
			`{"name":"n","type":"newest"}`,
		},
		"an Unknown in place of a known Detail": {
			`{"id":"1","name":"n","type":"line","new":1}`, func(c *mackerel.Channel) { c.Detail = &mackerel.Unknown{Type: "line"} },
			`{"id":"1","name":"n","type":"line","new":1}`,
		},
		"an Unknown made by hand": {
			slack, func(c *mackerel.Channel) { *c = mackerel.Channel{Name: "m", Detail: &mackerel.Unknown{Type: "newer"}} },
			`{"name":"m","type":"newer"}`,
		},
		"an escaped name is the same member": {
			`{"n\u0061me":"n","type":"newer"}`, func(c *mackerel.Channel) { c.Name = "m" }, `{"n\u0061me":"m","type":"newer"}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := decodeChannel(t, tt.text)
			tt.change(&c)
			if got := encodeChannel(t, c); got != tt.want {
				t.Errorf("got\n%s, want\n%s", got, tt.want)
			}
		})
	}
}

func TestChannelWithoutDetail(t *testing.T) {
	details := append(slices.Collect(maps.Values(channelTypes)), nil, (*mackerel.Unknown)(nil))
	for _, detail := range details {
		c := decodeChannel(t, `{"id":"1","name":"n","type":"slack","new":1}`)
		c.Detail = detail
		if _, err := jsonv1.Marshal(c); !errors.Is(err, mackerel.ErrInvalid) || !strings.Contains(err.Error(), "Detail") {
			t.Errorf("%T: written with error %v", detail, err)
		}
		if c.Equal(decodeChannel(t, `{"id":"1","name":"n","type":"slack"}`)) || !c.Equal(c) {
			t.Errorf("%T: equal to another, or not to itself", detail)
		}
		if got := c.LogValue().Group()[1].String(); got != "name=n" {
			t.Errorf("%T: logged as %v", detail, got)
		}
	}
}

func TestChannelsWithoutDetailAreEqualIfTheirFieldsAre(t *testing.T) {
	c := mackerel.Channel{ID: "1", Name: "n", SuspendedAt: time.Unix(5, 0)}
	if same := (mackerel.Channel{ID: "1", Name: "n", SuspendedAt: time.Unix(5, 0), Detail: (*mackerel.Email)(nil)}); !c.Equal(same) {
		t.Errorf("%v is not equal to %v", c, same)
	}
	line, none := mackerel.Channel{Detail: &mackerel.Line{}}, mackerel.Channel{Detail: (*mackerel.Line)(nil)}
	if line.Equal(none) || none.Equal(line) {
		t.Error("a nil pointer is equal to a Detail of its type")
	}
	for _, o := range []mackerel.Channel{
		{ID: "2", Name: "n", SuspendedAt: c.SuspendedAt},
		{ID: "1", Name: "m", SuspendedAt: c.SuspendedAt},
		{ID: "1", Name: "n"},
		{ID: "1", Name: "n", SuspendedAt: c.SuspendedAt, Detail: &mackerel.Line{}},
	} {
		if c.Equal(o) || o.Equal(c) {
			t.Errorf("%v is equal to %v", c, o)
		}
	}
}

func TestADetailInAStructOfTheCallers(t *testing.T) {
	c := mackerel.Channel{Name: "n", Detail: struct{ *mackerel.Line }{new(mackerel.Line)}}
	if got := encodeChannel(t, c); got != `{"name":"n","type":"line"}` || !c.Equal(c) {
		t.Errorf("got %s", got)
	}
}

// Version 2 of encoding/json does not write what it refuses to read.
func TestStrictWritingOfChannels(t *testing.T) {
	for text, words := range map[string]string{
		`{"name":"n","type":"line","x":1,"x":2}`:  "duplicate",
		`{"name":"n","type":"newer","x":1,"x":2}`: "duplicate",
		"{\"name\":\"\xff\",\"type\":\"newer\"}":  "UTF-8",
	} {
		if b, err := jsonv2.Marshal(decodeChannel(t, text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q became %q, %v; want an error about %s", text, b, err, words)
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
		"nil, null, empty and absent":   {`{"name":"n","type":"email","emails":[]}`, `{"id":"","name":"n","type":"email","userIds":null,"suspendedAt":null}`, true},
		"no events and empty events":    {`{"name":"n","type":"email"}`, `{"name":"n","type":"email","events":[]}`, false},
		"another time":                  {slack, strings.Replace(slack, `5`, `6`, 1), false},
		"another url":                   {slack, strings.Replace(slack, `example/x`, `example/y`, 1), false},
		"another kind":                  {`{"name":"n","type":"line"}`, `{"name":"n","type":"yammer"}`, false},
		"another new member":            {slack, strings.Replace(slack, `[1,`, `[2,`, 1), false},
		"doubled new members":           {`{"type":"line","x":1,"x":2}`, `{"type":"line","x":1,"x":2}`, true},
		"an unknown type, changed":      {`{"type":"newer","url":"a"}`, `{"type":"newer","url":"b"}`, false},
		"an unknown type, the same":     {`{"type":"newer","url":"a"}`, `{"url":"a","type":"newer"}`, true},
		"what could not be read":        {`{"type":"line","name":1}`, `{"type":"line","name":2}`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := decodeChannel(t, tt.a), decodeChannel(t, tt.b)
			if a.Equal(b) != tt.want || b.Equal(a) != tt.want {
				t.Errorf("%v and %v: %v, %v", a, b, a.Equal(b), b.Equal(a))
			}
		})
	}
	unknown := mackerel.Channel{Detail: &mackerel.Unknown{Type: "line"}}
	if unknown.Equal(mackerel.Channel{Detail: &mackerel.Line{}}) {
		t.Error("another Detail of the same type is equal")
	}
}

// FuzzChannel: every JSON value but null is a channel, and comes back.
func FuzzChannel(f *testing.F) {
	for _, text := range channelFiles(f) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c mackerel.Channel
		isJSON := jsonv1.Valid(b) && strings.TrimSpace(string(b)) != "null"
		if err := c.UnmarshalJSON(b); (err == nil) != isJSON {
			t.Fatalf("error %v for %q", err, b)
		}
		if !isJSON {
			return
		}
		encoded := encodeChannel(t, c)
		if jsontext.Value(b).IsValid(jsontext.AllowInvalidUTF8(true)) { // no doubled names
			sameChannel(t, encoded, string(b))
		}
		again := decodeChannel(t, encoded)
		if !again.Equal(c) || encodeChannel(t, again) != encoded {
			t.Fatalf("read again it is %v, was %v", again, c)
		}
		u, _ := c.Detail.(*mackerel.Unknown)
		c.Name += "x"
		renamed := decodeChannel(t, encodeChannel(t, c))
		if renamed.Name != c.Name || (u == nil || u.Err == nil) && !renamed.Equal(c) {
			t.Fatalf("renamed to %q it is %s, was %s", c.Name, encodeChannel(t, renamed), b)
		}
	})
}
