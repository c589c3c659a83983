package chatwork_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
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

// answered are the paths at which the fake that [prepared] returns answers with what a sample has.
var answered = map[string]string{
	"me": "/me", "my-status": "/my/status", "my-tasks": "/my/tasks", "contacts": "/contacts",
	"incoming-requests": "/incoming_requests", "rooms": "/rooms", "room": "/rooms/5", "members": "/rooms/5/members",
	"messages": "/rooms/5/messages", "tasks": "/rooms/5/tasks", "files": "/rooms/5/files",
	"file-download": "/rooms/5/files/3?create_download_url=1", "link": "/rooms/567890123/link",
	"link-deleted": "/rooms/5/link",
}

func TestTheFakeAnswersWithTheMembersOfTheSamples(t *testing.T) {
	fake, _ := prepared(t)
	fake.AddTask(full, chatworktest.Task{Body: "mine"})
	for name, path := range answered {
		sample, err := os.ReadFile("testdata/samples/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		address := fake.MemoryConfig().BaseURL + path
		a := servicetest.Call(t, fake.Client(), "GET", address, "", "X-ChatWorkToken", chatworktest.Token)
		if got, want := members(a.Body), members(string(sample)); a.Status != 200 || !slices.Equal(got, want) {
			t.Errorf("%s: %d with %q, want %q", path, a.Status, got, want)
		}
	}
}

var member = regexp.MustCompile(`"[a-z_]+"\s*:`)

// members returns the names of all members in a JSON text, sorted, each once.
func members(text string) []string {
	names := member.FindAllString(text, -1)
	for i, name := range names {
		names[i] = strings.Trim(name, "\": \n\t")
	}
	slices.Sort(names)
	return slices.Compact(names)
}
