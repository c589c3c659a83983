package main

import (
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

const transcript = `Room ops #1/夜間. The server is a fake.
Topic: on call: 花子. Present: 花子.

What is sent

  [CRITICAL] CPU % on app01                a card, which opens a thread
  @hanako                                  says "looking into it"
  [WARNING] disk </var> @all on db01       a card, which opens a thread
  [WARNING] CPU % on app01                 attached to its card
  [CRITICAL] disk </var> @all on db01      attached to its card
  [OK] CPU % on app01                      attached to its card
  @hanako                                  says "the batch ran twice. Now for the disk"

The topic is now "on call: 花子, open: 1",
and 花子 has a private message: "Still open: [CRITICAL] disk </var> ＠all on db01".

The room, read back

  21:00 red     CPU % on app01
        │ 96.5% > 90%
        │ Memo: restart the batch
        │ Status: CRITICAL
        │ Host: app01
        │ Opened: 2026-03-14 21:00 +00:00
        ├─ 21:09 yellow  [WARNING] CPU % on app01: 84% > 80% (critical > 90%)
        └─ 21:19 green   [OK] CPU % on app01: Recovered after 19m: 12.25% (warning > 80%)
  21:02 message 花子: looking into it
  21:05 yellow  disk </var> @all on db01
        │ 91 % of 40 GiB
        │ Status: WARNING
        │ Host: db01
        │ Opened: 2026-03-14 21:05 +00:00
        └─ 21:18 red     [CRITICAL] disk </var> @all on db01: 97 % of 40 GiB
  21:25 message 花子: the batch ran twice. Now for the disk
  21:25 topic   Mackerel: on call: 花子, open: 1
`

func TestTheNight(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), func(string) string { return "" }, &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != transcript {
		t.Errorf("got\n%s\nwant\n%s", &out, transcript)
	}
}

// TestARealServer has a server that the example did not start. The messages that are already in the room are not drawn,
// and the topic is not changed.
func TestARealServer(t *testing.T) {
	s := hipchattest.New()
	defer s.Close()
	s.AddMessage(hipchattest.RoomID, hipchattest.User{ID: 8, Name: "Taro"}, "yesterday's words")
	env := map[string]string{"HIPCHAT_URL": s.URL(), "HIPCHAT_TOKEN": hipchattest.Token, "HIPCHAT_ROOM": "ops"}
	var out strings.Builder
	if err := run(t.Context(), func(name string) string { return env[name] }, &out); err != nil {
		t.Fatal(err)
	}
	_, drawing, _ := strings.Cut(out.String(), "read back")
	if strings.Contains(drawing, "yesterday") || strings.Count(drawing, "─ ") != 3 {
		t.Errorf("drawn:\n%s", drawing)
	}
	if r, _ := s.Room(hipchattest.RoomID); r.Topic != "" {
		t.Errorf("the topic is now %q", r.Topic)
	}
	env["HIPCHAT_TOKEN"] = "unknown"
	if err := run(t.Context(), func(name string) string { return env[name] }, &out); err == nil {
		t.Error("an unknown token was not found out at the start")
	}
}

// TestAThreadThatIsLost has an alert whose card cannot be found again. The alert is delivered all the same, and its next
// notification opens another thread.
func TestAThreadThatIsLost(t *testing.T) {
	s := hipchattest.New()
	defer s.Close()
	client, err := hipchat.NewClient(hipchat.ClientConfig{Token: s.Config().Token, BaseURL: s.Config().BaseURL})
	if err != nil {
		t.Fatal(err)
	}
	threads, err := newThreads(client, hipchattest.RoomName)
	if err != nil {
		t.Fatal(err)
	}
	s.Inject(fakehttp.Fault{Status: 403, Path: "/v2/room/*/history/latest"})
	for _, status := range []mackerel.Status{mackerel.StatusWarning, mackerel.StatusCritical, mackerel.StatusOK, mackerel.StatusCritical} {
		if err := threads.Notify(t.Context(), mackerel.Alert{ID: "1", Status: status}); err != nil {
			t.Fatal(err)
		}
	}
	m := s.Messages(hipchattest.RoomID)
	if len(m) != 4 || m[1].AttachTo != "" || m[2].AttachTo != m[1].ID || m[3].AttachTo != "" {
		t.Errorf("%+v", m)
	}
	for i, card := range []bool{true, true, false, true} {
		if (m[i].Card != nil) != card {
			t.Errorf("message %d: card %s", i, m[i].Card)
		}
	}
}
