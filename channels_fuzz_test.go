package mackerel

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzChannelRoundTrip: UnmarshalJSON takes exactly what is JSON and an object or null, and every object comes back.
func FuzzChannelRoundTrip(f *testing.F) {
	for _, payload := range channelPayloads(f) {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		trimmed := bytes.Trim(b, " \t\r\n")
		null := string(trimmed) == "null"
		object := json.Valid(b) && trimmed[0] == '{'
		var c Channel
		if err := c.UnmarshalJSON(b); (err == nil) != (object || null) {
			t.Fatalf("error %v for %q", err, b)
		}
		if !object {
			return
		}
		encoded, err := c.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := sortedJSON(t, encoded), sortedJSON(t, b); got != want {
			t.Fatalf("came back as\n%s, was\n%s", got, want)
		}
		var again Channel
		if err := json.Unmarshal(encoded, &again); err != nil || !again.Equal(c) {
			t.Fatalf("decoded again it is %v, was %v, error %v", again, c, err)
		}
		body, err := writeBody(c, nil)
		if err != nil || !json.Valid(body) {
			t.Fatalf("written as %s, %v", body, err)
		}
		c.Name += "x"
		renamed := encodeChannel(t, c)
		if without(t, renamed, "name") != without(t, string(b), "name") || decodeChannel(t, renamed).Name != c.Name {
			t.Fatalf("renamed to %q it is\n%s, was\n%s", c.Name, renamed, b)
		}
	})
}

// without is an object in one form, without one of its members.
func without(t *testing.T, object, key string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil {
		t.Fatal(err)
	}
	delete(members, key)
	b, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return sortedJSON(t, b)
}

// FuzzChannelAgainstEncodingJSON: the walker reads an object as encoding/json would read it into a struct, except that
// its keys are exact and that a time must be one.
func FuzzChannelAgainstEncodingJSON(f *testing.F) {
	for _, payload := range channelPayloads(f) {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var reference struct {
			ID                string            `json:"id"`
			Name              string            `json:"name"`
			Type              string            `json:"type"`
			SuspendedAt       *float64          `json:"suspendedAt"`
			Emails            []string          `json:"emails"`
			UserIDs           []string          `json:"userIds"`
			URL               string            `json:"url"`
			Mentions          map[Status]string `json:"mentions"`
			EnabledGraphImage bool              `json:"enabledGraphImage"`
			Events            []ChannelEvent    `json:"events"`
		}
		keys, ok := exactKeys(b)
		if !ok {
			return
		}
		want := channelWire{}
		refused := json.Unmarshal(b, &reference) != nil
		if s := reference.SuspendedAt; s != nil {
			refused = refused || *s < minSeconds || *s > maxSeconds
			want.suspendedAt = time.UnixMicro(int64(math.Round(*s * 1e6)))
		}
		var got channelWire
		if !got.read(b) || (got.bad&^memberAddToDefault != 0) != refused {
			t.Fatalf("read with bad %b, encoding/json refuses: %v", got.bad, refused)
		}
		if refused {
			return
		}
		want.id, want.name, want.typ, want.url = reference.ID, reference.Name, ChannelType(reference.Type), reference.URL
		want.emails, want.userIDs, want.mentions, want.events = reference.Emails, reference.UserIDs, reference.Mentions, reference.Events
		want.enabledGraphImage = reference.EnabledGraphImage
		if d := got.diff(&want); d != 0 {
			t.Fatalf("members %b differ: %+v, want %+v", d, got, want)
		}
		if all := walkedKeys(b); !maps.Equal(all, keys) {
			t.Fatalf("walked over %q, want %q", slices.Sorted(maps.Keys(all)), slices.Sorted(maps.Keys(keys)))
		}
	})
}

// exactKeys are the keys of an object as encoding/json finds them. It reports false for what is not an object, and for
// the places in which encoding/json is not the rule: a known key in another case, and a list that comes twice, into
// which a null element is read as what was there before.
func exactKeys(b []byte) (map[string]bool, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(b, &object) != nil || object == nil {
		return nil, false
	}
	keys := make(map[string]bool)
	for key := range object {
		keys[key] = true
		for _, quoted := range memberKeys {
			known := strings.Trim(quoted, `"`)
			if key != known && strings.EqualFold(key, known) {
				return nil, false
			}
		}
	}
	walked := 0
	for range members(b) {
		walked++
	}
	return keys, walked == len(keys) || !bytes.Contains(b, []byte("null"))
}

// walkedKeys are the keys of an object as members finds them, unescaped.
func walkedKeys(b []byte) map[string]bool {
	keys := make(map[string]bool)
	for key := range members(b) {
		var s string
		if json.Unmarshal(key, &s) != nil {
			return nil
		}
		keys[s] = true
	}
	return keys
}
