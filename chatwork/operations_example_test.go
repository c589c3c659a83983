package chatwork_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

// A room for one incident, with a task, and a log to look at.
func ExampleClient() {
	server := chatworktest.NewServer() // in place of https://api.chatwork.com
	defer server.Close()
	ctx := context.Background()

	c, err := chatwork.NewClient(chatwork.ClientConfig{Token: mackerel.NewSecret(chatworktest.Token), BaseURL: server.BaseURL()})
	if err != nil {
		log.Fatal(err)
	}
	me, err := c.GetMe(ctx)
	if err != nil {
		log.Fatal(err)
	}
	room, err := c.CreateRoom(ctx, chatwork.CreateRoomParams{Name: "Disk full on app01", MembersAdminIDs: []int64{me.AccountID}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.CreateTask(ctx, room, chatwork.CreateTaskParams{Body: "Find out why", ToIDs: []int64{me.AccountID}}); err != nil {
		log.Fatal(err)
	}
	file, err := c.UploadFile(ctx, room, chatwork.Upload{Filename: "df.txt", Content: strings.NewReader("/dev/sda1 100%")})
	if err != nil {
		log.Fatal(err)
	}

	tasks, err := c.ListMyTasks(ctx, chatwork.MyTasksParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tasks[0].Room.Name+":", tasks[0].Body)
	var content bytes.Buffer
	if _, err := c.DownloadFile(ctx, room, file, &content); err != nil {
		log.Fatal(err)
	}
	fmt.Println(content.String())
	limit, _ := c.RateLimit()
	fmt.Println(limit.Remaining, "calls left")
	// Output:
	// Disk full on app01: Find out why
	// /dev/sda1 100%
	// 294 calls left
}
