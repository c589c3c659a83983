package hipchat_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

// Alerts go to a room, which is a fake here.
func Example() {
	fake := hipchattest.New()
	defer fake.Close()

	config := fake.Config() // in your program: hipchat.Config{Token: ..., Room: "ops", BaseURL: "https://hipchat.example.com"}
	config.Mentions = map[mackerel.Status][]string{mackerel.StatusCritical: {"all"}}
	n, err := hipchat.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, status := range []mackerel.Status{mackerel.StatusCritical, mackerel.StatusOK} {
		err := n.Notify(context.Background(), mackerel.Alert{
			ID: "5Alert", Status: status, URL: "https://mackerel.io/orgs/acme/alerts/5Alert",
			Monitor: mackerel.Monitor{Name: "queue > 100"}, Message: "call @hanako",
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, m := range fake.Messages(hipchattest.RoomID) {
		fmt.Printf("%s, notify %v\n%s\n", m.Color, m.Notify, m.Text)
	}
	// Output:
	// red, notify true
	// [CRITICAL] queue > 100
	// call ＠hanako
	// @all
	// https://mackerel.io/orgs/acme/alerts/5Alert
	// green, notify false
	// <a href="https://mackerel.io/orgs/acme/alerts/5Alert"><b>[OK] queue &gt; 100</b></a><br>call @hanako
}

func ExampleClient_Rooms() {
	fake := hipchattest.New()
	defer fake.Close()
	for id, name := range []string{"dev", "夜間 #1", "lunch"} {
		fake.AddRoom(int64(id), name)
	}

	config := fake.Config()
	client, err := hipchat.NewClient(hipchat.ClientConfig{Token: config.Token, BaseURL: config.BaseURL})
	if err != nil {
		fmt.Println(err)
		return
	}
	for room, err := range client.Rooms(context.Background(), hipchat.RoomsParams{MaxResults: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(room.Name)
	}
	fmt.Println(len(fake.Requests()), "pages")
	// Output:
	// ops
	// dev
	// 夜間 #1
	// lunch
	// 2 pages
}
