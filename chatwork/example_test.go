package chatwork_test

import (
	"context"
	"fmt"
	"log"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func Example() {
	server := chatworktest.NewServer() // in place of https://api.chatwork.com
	defer server.Close()

	n, err := chatwork.New(chatwork.Config{
		Token:    mackerel.NewSecret(chatworktest.Token),
		RoomID:   chatworktest.RoomID,
		Mentions: map[mackerel.Status]chatwork.Mention{mackerel.StatusCritical: {To: []int64{1484814}}},
		BaseURL:  server.BaseURL(),
	})
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := n.Deliver(context.Background(), mackerel.Alert{
		ID: "5AlertId001", Status: mackerel.StatusCritical, URL: "https://mackerel.io/orgs/acme/alerts/5AlertId001",
		Monitor: mackerel.Monitor{Name: "CPU %"}, Message: "CPU % 96.5 > 90", Host: &mackerel.Host{Name: "[toall]"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("message", receipt.ID)

	fmt.Println(server.Messages(chatworktest.RoomID)[0].Body)
	// Output:
	// message 1990000000000000001
	// [To:1484814]
	// [info][title][CRITICAL] CPU % on ［toall][/title]CPU % 96.5 > 90
	// Host: ［toall][hr]https://mackerel.io/orgs/acme/alerts/5AlertId001[/info]
}
