// Hipchat shows threads in a HipChat room. An alert opens with a card, and its later notifications are attached to that
// card. Then the history of the room is read and drawn as people would see it.
//
//	go run ./examples/hipchat
//
// It needs neither credentials nor a network: a fake server on loopback takes the place of a real one, unless all of
// these are in the environment. The token must have the scopes send_notification and view_messages.
//
//	HIPCHAT_URL, HIPCHAT_TOKEN, HIPCHAT_ROOM
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "hipchat:", err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

// A night is one run of the example.
type night struct {
	out     io.Writer
	client  *hipchat.Client
	room    string
	threads *threads
	fake    *hipchattest.Server // nil if the server is a real one
}

func run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	n := &night{out: out, room: getenv("HIPCHAT_ROOM")}
	config := hipchat.ClientConfig{BaseURL: getenv("HIPCHAT_URL"), Token: mackerel.NewSecret(getenv("HIPCHAT_TOKEN"))}
	if n.room == "" || config.BaseURL == "" || config.Token.IsZero() {
		n.fake = fakeServer()
		defer n.fake.Close()
		n.room = "ops #1/夜間" // any name will do
		config.BaseURL, config.Token = n.fake.Config().BaseURL, n.fake.Config().Token
	}
	var err error
	if n.client, err = hipchat.NewClient(config); err != nil {
		return err
	}
	if n.threads, err = newThreads(n.client, n.room); err != nil {
		return err
	}
	if err := n.introduce(ctx); err != nil {
		return err
	}
	before, err := n.client.LatestHistory(ctx, n.room, hipchat.LatestHistoryParams{MaxResults: 1})
	if err != nil {
		return err
	}
	if err := n.live(ctx); err != nil {
		return err
	}
	return n.readBack(ctx, before.Items)
}

var hanako = hipchattest.User{ID: 7, Name: "花子", MentionName: "hanako"}

// fakeServer has a room, and a person in it. Its clock shows the evening until it is advanced.
func fakeServer() *hipchattest.Server {
	s := hipchattest.New()
	s.SetClock(func() time.Time { return evening })
	s.AddUser(hanako)
	s.SetRoom(hipchattest.Room{ID: 1, Name: "ops #1/夜間", Topic: "on call: 花子", Participants: []hipchattest.User{hanako}})
	return s
}

// introduce says which room and which server this is.
func (n *night) introduce(ctx context.Context) error {
	if err := n.client.TestAuth(ctx, n.room); err != nil {
		return err // at the start, and not at the first alert
	}
	who := "The server is a real one."
	if n.fake != nil {
		who = "The server is a fake."
	}
	n.printf("Room %s. %s\n", n.room, who)
	room, err := n.client.GetRoom(ctx, n.room)
	if err != nil {
		n.printf("The token may not look at the room itself: %v\n", err) // it does not need to
		return nil
	}
	n.printf("Topic: %s. Present: %s.\n", cmp.Or(room.Topic, "none"), names(room.Participants))
	return nil
}

func names(users []hipchat.User) string {
	if len(users) == 0 {
		return "nobody"
	}
	all := make([]string, len(users))
	for i, u := range users {
		all[i] = u.Name
	}
	return strings.Join(all, ", ")
}

func (n *night) printf(format string, args ...any) { fmt.Fprintf(n.out, format, args...) }
