package chatwork_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

// An alert goes to a room, which is a fake here.
func Example() {
	fake := chatworktest.New()
	defer fake.Close()

	config := fake.Config() // in your program: chatwork.Config{Token: mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")), RoomID: 206123456}
	config.Mentions = map[mackerel.Status]chatwork.Mention{mackerel.StatusCritical: {To: []int64{1484814}}}
	n, err := chatwork.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := n.Deliver(context.Background(), mackerel.Alert{
		ID: "5AlertId001", Status: mackerel.StatusCritical, URL: "https://mackerel.io/orgs/acme/alerts/5AlertId001",
		Monitor: mackerel.Monitor{Name: "CPU %"}, Message: "CPU % 96.5 > 90", Host: &mackerel.Host{Name: "[toall]"},
	})
	fmt.Println("message", receipt.ID, err)
	fmt.Println(fake.Messages(chatworktest.RoomID)[0].Body)
	// Output:
	// message 1990000000000000001 <nil>
	// [To:1484814]
	// [info][title][CRITICAL] CPU % on ［toall］[/title]CPU % 96.5 > 90
	// Host: ［toall］[hr]https://mackerel.io/orgs/acme/alerts/5AlertId001[/info]
}

// An incident gets a room, a task and a log.
func ExampleClient() {
	fake := chatworktest.New()
	defer fake.Close()
	ctx := context.Background()

	c, err := chatwork.NewClient(fake.ClientConfig()) // in your program: chatwork.ClientConfig{Token: ...}
	if err != nil {
		fmt.Println(err)
		return
	}
	me, err := c.GetMe(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	room, err := c.CreateRoom(ctx, chatwork.CreateRoomParams{Name: "Disk full on app01", MembersAdminIDs: []int64{me.AccountID}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := c.CreateTask(ctx, room, chatwork.CreateTaskParams{Body: "Find out why", ToIDs: []int64{me.AccountID}}); err != nil {
		fmt.Println(err)
		return
	}
	file, err := c.UploadFile(ctx, room, chatwork.Upload{Filename: "df.txt", Content: strings.NewReader("/dev/sda1 100%")})
	if err != nil {
		fmt.Println(err)
		return
	}
	var content bytes.Buffer
	_, err = c.DownloadFile(ctx, room, file, &content)
	fmt.Println(content.String(), err)
	tasks, err := c.ListMyTasks(ctx, chatwork.MyTasksParams{})
	fmt.Println(tasks[0].Room.Name+":", tasks[0].Body, err)
	// Output:
	// /dev/sda1 100% <nil>
	// Disk full on app01: Find out why <nil>
}

// A program asks in a room and waits for the reply.
func ExampleClient_Follow() {
	fake := chatworktest.New()
	defer fake.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // how long to wait for the reply
	defer cancel()

	c, err := chatwork.NewClient(fake.ClientConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	posted, err := c.PostMessage(ctx, chatworktest.RoomID, chatwork.PostMessageParams{Body: "who is on call?"})
	if err != nil {
		fmt.Println(err)
		return
	}
	say(fake, "no idea", "[rp aid=123 to=567890123-"+posted+"] I am") // people do that

	for m, err := range c.Follow(ctx, chatworktest.RoomID, chatwork.FollowOptions{After: posted}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if n := chatwork.ParseNotation(m.Body); len(n.Replies) > 0 {
			fmt.Printf("%s: %s\n", m.Account.Name, n.Text)
			break
		}
	}
	// Output: John Smith: I am
}
