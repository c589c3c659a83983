// Chatwork shows a conversation in a Chatwork room from a program's side: it posts what went wrong with a mention, waits
// for the reply, uploads the log, and makes a task of it.
//
//	go run ./examples/chatwork
//
// It needs neither credentials nor a network: without CHATWORK_TOKEN and CHATWORK_ROOM_ID a fake takes Chatwork's place,
// in which a colleague answers at once. In a real room, reply to the message that it posts. CHATWORK_ACCOUNT_ID is whom
// to call there; you yourself unless set.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel/chatwork"
)

func main() {
	wait := flag.Duration("wait", 5*time.Minute, "how long to wait for the reply")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := conversation{out: os.Stdout, wait: *wait, now: time.Now}
	if err := c.run(ctx, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "chatwork:", err)
		os.Exit(1) //nolint:gocritic // there is nothing left to stop
	}
}

// A conversation is one run of the example.
type conversation struct {
	out  io.Writer
	wait time.Duration
	now  func() time.Time

	place
}

// buildLog is what went wrong. It is full of brackets, and one pair of them would call the whole room if it was not escaped.
const buildLog = `[12:04:31] [info] deploy 42 of shop-api
[12:04:52] [warning] app03: health check: 503
[12:05:12] [error] rolled back, says the commit message: "fix [toall]"
`

func (c *conversation) run(ctx context.Context, getenv func(string) string) error {
	if err := c.connect(ctx, getenv); err != nil {
		return err
	}
	defer c.close()
	c.printf("%s talks to %s in the room %q.\n", c.me.Name, c.where(), c.room.Name)

	posted, err := c.post(ctx)
	if err != nil {
		return err
	}
	c.colleagueAnswers(posted)
	reply, err := c.waitForReply(ctx, posted)
	if err != nil {
		return err
	}
	if err := c.uploadLog(ctx, reply); err != nil {
		return err
	}
	if err := c.makeTask(ctx, reply); err != nil {
		return err
	}
	return c.readBack(ctx, posted)
}

// post posts the message. The builder escapes the log, closes the box, and would cut the log before the link was lost.
func (c *conversation) post(ctx context.Context) (messageID string, err error) {
	c.printf("\n1. A deployment went wrong. The message calls one person, and the log in it calls nobody\n\n")
	var b chatwork.Builder
	b.To(c.calls).Text(" could you have a look?\n")
	b.Info(func() {
		b.Title("shop-api: deploy 42 rolled back").URL("https://ci.example.com/shop-api/42").HR().Code(buildLog)
	})
	if err := b.Err(); err != nil {
		return "", err
	}
	messageID, err = c.client.PostMessage(ctx, c.room.RoomID, chatwork.PostMessageParams{Body: b.String()})
	if err != nil {
		return "", err
	}
	c.quote(b.String())
	c.printf("\n   posted as message %s\n", messageID)
	return messageID, nil
}

// waitForReply follows the room from the message on. Following reads with force=1: nobody else's messages are taken away.
func (c *conversation) waitForReply(ctx context.Context, messageID string) (chatwork.RoomMessage, error) {
	c.printf("\n2. Waiting for the reply, %v at the most\n\n", c.wait)
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	for m, err := range c.client.Follow(ctx, c.room.RoomID, chatwork.FollowOptions{After: messageID}) {
		if err != nil {
			return chatwork.RoomMessage{}, err
		}
		n := chatwork.ParseNotation(m.Body)
		if !replies(n, messageID) {
			c.printf("   %s: %s\n      (not a reply, the program goes on waiting)\n", m.Account.Name, oneLine(n.Text))
			continue
		}
		c.printf("   %s: %s\n      (the reply)\n", m.Account.Name, oneLine(n.Text))
		return m, nil
	}
	return chatwork.RoomMessage{}, fmt.Errorf("no reply to message %s", messageID)
}

func replies(n chatwork.Notation, messageID string) bool {
	for _, r := range n.Replies {
		if r.MessageID == messageID {
			return true
		}
	}
	return false
}

// uploadLog uploads the whole log, as an answer to the reply.
func (c *conversation) uploadLog(ctx context.Context, reply chatwork.RoomMessage) error {
	c.printf("\n3. The whole log is uploaded, as an answer to the reply\n\n")
	var b chatwork.Builder
	b.Reply(reply.Account.AccountID, c.room.RoomID, reply.MessageID).Text("here it is.")
	fileID, err := c.client.UploadFile(ctx, c.room.RoomID, chatwork.Upload{
		Filename: "deploy-42.log", Content: strings.NewReader(buildLog), ContentType: "text/plain; charset=utf-8", Message: b.String(),
	})
	if err != nil {
		return err
	}
	f, err := c.client.GetFile(ctx, c.room.RoomID, fileID, chatwork.GetFileParams{})
	if err != nil {
		return err
	}
	c.printf("   %s, %d bytes, is file %d\n", f.Filename, f.Filesize, f.FileID)
	return nil
}

// makeTask gives the task to whoever replied, until tomorrow.
func (c *conversation) makeTask(ctx context.Context, reply chatwork.RoomMessage) error {
	c.printf("\n4. Whoever replied gets a task\n\n")
	ids, err := c.client.CreateTask(ctx, c.room.RoomID, chatwork.CreateTaskParams{
		Body: "find out why app03 failed its health check", ToIDs: []int64{reply.Account.AccountID},
		Limit: c.now().AddDate(0, 0, 1).Unix(), LimitType: chatwork.LimitDate,
	})
	if err != nil {
		return err
	}
	tasks, err := c.client.ListTasks(ctx, c.room.RoomID, chatwork.TasksParams{AccountID: reply.Account.AccountID})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		mark := ""
		if t.TaskID == ids[0] {
			mark = "   <- new"
		}
		c.printf("   [%s] %s: %s%s\n", t.Status, t.Account.Name, oneLine(chatwork.ParseNotation(t.Body).Text), mark)
	}
	return nil
}

// readBack shows the conversation as a reader sees it.
func (c *conversation) readBack(ctx context.Context, from string) error {
	c.printf("\n5. What stands in the room now\n\n")
	list, err := c.client.LatestMessages(ctx, c.room.RoomID)
	if err != nil {
		return err
	}
	begun := false
	for _, m := range list.Messages {
		if begun = begun || m.MessageID == from; begun {
			c.printf("   %-12s %s\n", m.Account.Name, oneLine(chatwork.ParseNotation(m.Body).Text))
		}
	}
	return nil
}

// oneLine is the beginning of a text, in one line.
func oneLine(text string) string {
	const longest = 72
	words := []rune(strings.Join(strings.Fields(text), " "))
	if len(words) > longest {
		return string(words[:longest]) + "…"
	}
	return string(words)
}

func (c *conversation) quote(text string) {
	for line := range strings.Lines(text) {
		c.printf("   | %s\n", strings.TrimRight(line, "\n"))
	}
}

func (c *conversation) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }
