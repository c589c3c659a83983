package chatwork_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/chatwork"
)

// samples are the reference's own answers, in testdata, and what each is read into.
var samples = map[string]func() any{
	"me":                func() any { return new(chatwork.Me) },
	"my-status":         func() any { return new(chatwork.MyStatus) },
	"my-tasks":          func() any { return new([]chatwork.MyTask) },
	"contacts":          func() any { return new([]chatwork.Contact) },
	"incoming-requests": func() any { return new([]chatwork.IncomingRequest) },
	"approved":          func() any { return new(chatwork.Contact) },
	"rooms":             func() any { return new([]chatwork.Room) },
	"room":              func() any { return new(chatwork.Room) },
	"members":           func() any { return new([]chatwork.Member) },
	"members-update":    func() any { return new(chatwork.RoomMembers) },
	"messages":          func() any { return new([]chatwork.RoomMessage) },
	"read":              func() any { return new(chatwork.ReadState) },
	"tasks":             func() any { return new([]chatwork.Task) },
	"task-2018":         func() any { return new(chatwork.Task) },
	"files":             func() any { return new([]chatwork.File) },
	"file-download":     func() any { return new(chatwork.File) },
	"link":              func() any { return new(chatwork.Link) },
	"link-deleted":      func() any { return new(chatwork.Link) },
	"newer":             func() any { return new([]chatwork.Room) },
	"newer-tasks":       func() any { return new([]chatwork.Task) },
}

func TestThePublishedSamplesSurviveBeingReadAndWritten(t *testing.T) {
	files, err := filepath.Glob("testdata/samples/*.json")
	if err != nil || len(files) != len(samples) {
		t.Fatalf("%d samples for %d types, %v", len(files), len(samples), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			v := samples[name]()
			if err := json.Unmarshal(text, v); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if name == "link-deleted" {
				got = []byte(strings.Replace(string(got), `,"url":"","need_acceptance":false,"description":""`, "", 1))
			}
			if want := canonical(t, text); canonical(t, got) != want {
				t.Errorf("written as %s, want %s", got, want)
			}
		})
	}
}

// canonical returns JSON with its members in order and without blanks. Numbers stay as they stand there.
func canonical(t *testing.T, text []byte) string {
	t.Helper()
	v := jsontext.Value(text)
	if err := v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		t.Fatal(err)
	}
	return string(v)
}

func TestUnknownMembersAreIgnored(t *testing.T) {
	var r chatwork.Room
	if err := json.Unmarshal([]byte(`{"room_id":1,"type":"broadcast","mood":{"a":[1]},"role":"guest"}`), &r); err != nil {
		t.Fatal(err)
	}
	if r.RoomID != 1 || r.Type != "broadcast" || r.Role != "guest" {
		t.Errorf("got %+v", r)
	}
}
