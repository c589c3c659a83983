package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

func nothing(string) (string, bool) { return "", false }

func TestTheDemonstrationTellsItsStory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, args := range [][]string{nil, {"pull"}} {
		var out bytes.Buffer
		if err := run(t.Context(), &out, args, nothing); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		rest := out.String()
		for _, line := range []string{
			"1. pull", "channels.json has 3 channels and 2 groups", "channels.env has the URLs", `"url": "${MACKEREL_OPS_URL}"`,
			"2. An edit", "3. plan, with a slip", "channels.json: mackerel: read settings: line 3: channels[0].evnets: unknown",
			"4. plan", `create channel "#db"`, `update channel "ops mail"`, "+db@example.com",
			`update notification group "night"`, "+#db", "5. apply\n", "nothing was changed",
			"6. apply -yes", `create channel "#db"`, "applied", "7. apply -yes, once more", "nothing to do",
		} {
			_, after, found := strings.Cut(rest, line)
			if !found {
				t.Fatalf("%q is missing, or not in its place, in:\n%s", line, &out)
			}
			rest = after
		}
		if strings.Contains(out.String(), "hooks.slack.com") {
			t.Errorf("a URL is in:\n%s", &out)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// fixture returns a project of a fake organization that was pulled into a temporary folder.
func fixture(t *testing.T) (project, *mackereltest.Server, *bytes.Buffer) {
	t.Helper()
	fake := organization()
	t.Cleanup(fake.Close)
	client, err := mackerel.NewClient(fake.Config())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	folder := t.TempDir()
	p := project{
		client: client, lookup: nothing, out: &out,
		file: filepath.Join(folder, "channels.json"), secrets: filepath.Join(folder, "channels.env"),
	}
	if err := p.run(t.Context(), "pull"); err != nil {
		t.Fatal(err)
	}
	return p, fake, &out
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestThereIsNothingToDoAfterAPull(t *testing.T) {
	p, fake, out := fixture(t)
	if err := p.run(t.Context(), "plan"); err != nil || !strings.Contains(out.String(), "nothing to do") {
		t.Errorf("%v\n%s", err, out)
	}
	if fake.Accepted() != 0 {
		t.Error("something was changed")
	}
	info, err := os.Stat(p.secrets)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestAPullReplacesNoFile(t *testing.T) {
	p, _, _ := fixture(t)
	write(t, p.secrets, "A=1")
	for _, file := range []string{p.file, p.secrets} {
		err := p.run(t.Context(), "pull")
		if err == nil || !strings.Contains(err.Error(), file+" exists already") {
			t.Errorf("%v", err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAVariableOfTheEnvironmentComesFirst(t *testing.T) {
	p, _, out := fixture(t)
	p.lookup = func(name string) (string, bool) { return "https://hooks.slack.com/other", name == "MACKEREL_OPS_URL" }
	if err := p.run(t.Context(), "plan"); err != nil {
		t.Error(err)
	}
	if s := out.String(); !strings.Contains(s, `update channel "#ops"`) || strings.Contains(s, "hooks") {
		t.Errorf("printed:\n%s", s)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	p, fake, _ := fixture(t)
	const channel = `{"name": "a", "type": "slack", "url": "${NO_SUCH}", "events": []}`
	for name, test := range map[string]struct{ file, secrets, want string }{
		"a problem of the file has its line": {
			"{\n\"channels\": [\n" + channel + ",\n{\"title\": 1}\n]}", "", "channels.json: mackerel: read settings: line 4: ",
		},
		"a variable that is not set":           {`{"channels": [` + channel + `]}`, "", "NO_SUCH"},
		"a line of the URLs is not quoted":     {`{}`, "# mine\n\nA=1\nhttps://secret", "channels.env: line 4: must be"},
		"a channel that is not there":          {`{"notificationGroups": [{"name": "a", "childChannelIds": ["x"]}]}`, "", `"x"`},
		"a file that is a list, not an object": {`[]`, "", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, p.file, test.file)
			write(t, p.secrets, test.secrets)
			p.yes = true
			err := p.run(t.Context(), "apply")
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "https://secret") {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if fake.Accepted() != 0 {
		t.Error("something was changed")
	}
}

func TestAnApplyThatStopsSaysHowFarItGot(t *testing.T) {
	p, fake, out := fixture(t)
	write(t, p.file, `{"channels": [
		{"name": "a", "type": "email", "emails": ["a@example.com"], "userIds": [], "events": ["alert"]},
		{"name": "b", "type": "email", "emails": ["a@example.com"], "userIds": [], "events": ["alert"]},
		{"name": "c", "type": "email", "emails": ["a@example.com"], "userIds": [], "events": ["alert"]}
	]}`)
	p.yes = true
	fake.Inject(
		fakehttp.Fault{Method: http.MethodPost, Delay: 1},
		fakehttp.Fault{Method: http.MethodPost, Status: http.StatusBadRequest},
	)
	err := p.run(t.Context(), "apply")
	if err == nil || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("%v", err)
	}
	_, s, _ := strings.Cut(out.String(), "done: ")
	if !strings.HasPrefix(s, `create channel "a": type: email`+"\n"+`not tried: create channel "c"`) {
		t.Errorf("printed:\n%s", out)
	}
}

func TestOnlyPruneDeletes(t *testing.T) {
	p, fake, _ := fixture(t)
	write(t, p.file, `{"channels": [], "notificationGroups": []}`)
	p.yes = true
	for _, prune := range []bool{false, true} {
		p.prune = prune
		before := fake.Accepted()
		if err := p.run(t.Context(), "apply"); err != nil || fake.Accepted() > before != prune {
			t.Errorf("prune %t: %v, %d changes", prune, err, fake.Accepted()-before)
		}
	}
	if n := len(fake.Channels()); n != 1 { // that of the type pagerduty
		t.Errorf("%d channels are left", n)
	}
}

func TestAWrongCommandLine(t *testing.T) {
	key := func(name string) (string, bool) { return "key-0123456789", name == "MACKEREL_API_KEY" }
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing must be asked of Mackerel
	for _, args := range [][]string{nil, {"push"}, {"plan", "x"}, {"plan", "-force"}} {
		var out bytes.Buffer
		if err := run(ctx, &out, args, key); err == nil || strings.Contains(err.Error(), "cancel") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
