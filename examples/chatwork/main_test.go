package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

func noEnvironment(string) string { return "" }

func TestTheConversationTellsItsStory(t *testing.T) {
	var out bytes.Buffer
	c := conversation{out: &out, wait: 5 * time.Second, now: time.Now}
	if err := c.run(t.Context(), noEnvironment); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	rest := out.String()
	for _, line := range []string{
		"John Smith talks to Chatwork (a fake at", "| [To:1000001] could you have a look?", "| [info][title]shop-api: deploy 42 rolled back[/title]",
		"[12:04:31] [info] deploy 42", "\"fix ［toall］\"", "posted as message 199", "Anna: who ate my sandwich?", "goes on waiting",
		"Anna: on my way.", "(the reply)", "deploy-42.log, 157 bytes, is file", "[open] Anna: find out why app03", "<- new", "John Smith   could you",
	} {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("%q is missing, or not in its place, in:\n%s", line, &out)
		}
		rest = after
	}
	for _, m := range c.fake.Messages(c.room.RoomID) {
		if all, accounts := chatworktest.Mentions(m.Body); all || len(accounts) > 1 {
			t.Errorf("%q calls everybody: %v, or more than one: %v", m.Body, all, accounts)
		}
	}
}

func TestWithoutAReplyTheProgramEnds(t *testing.T) {
	c := conversation{out: new(bytes.Buffer), wait: 10 * time.Millisecond, now: time.Now}
	if err := c.connect(t.Context(), noEnvironment); err != nil {
		t.Fatal(err)
	}
	defer c.close()
	posted, err := c.post(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.waitForReply(t.Context(), posted); err == nil {
		t.Error("there was a reply")
	}
}

func TestARefusedTokenIsSaidSo(t *testing.T) {
	c := conversation{out: new(bytes.Buffer), wait: time.Minute, now: time.Now}
	if err := c.connect(t.Context(), noEnvironment); err != nil {
		t.Fatal(err)
	}
	defer c.close()
	c.fake.Inject(fakehttp.Fault{Status: 401, Times: -1})
	if _, err := c.post(t.Context()); !errors.Is(err, mackerel.ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
}

func TestARoomThatIsNoNumberIsRefused(t *testing.T) {
	c := conversation{out: new(bytes.Buffer)}
	for _, name := range []string{"CHATWORK_ROOM_ID", "CHATWORK_ACCOUNT_ID"} {
		err := c.run(t.Context(), func(asked string) string { return map[string]string{name: "ops"}[asked] })
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v", err)
		}
	}
}
