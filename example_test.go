package mackerel_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

// The quick start of the README.
func Example_quickStart() {
	ctx := context.Background()

	room, err := chatwork.New(chatwork.Config{
		Token:  mackerel.NewSecret(os.Getenv("CHATWORK_TOKEN")),
		RoomID: 206123456, // the digits after rid in the room's address
	})
	if err != nil {
		log.Fatal(err) // every problem of the configuration at once
	}
	alert := mackerel.Alert{ID: "backup", Status: mackerel.StatusCritical, Message: "the nightly backup failed"}
	if err := room.Notify(ctx, alert); err != nil {
		log.Print(err) // what happened, whether it may have been posted, when to try again
	}
}

func ExampleParseWebhook() {
	alert, err := mackerel.ParseWebhook([]byte(`{
		"orgName": "acme", "event": "alert", "type": "host", "message": "CPU % 96.5 > 90",
		"host": {"name": "app01", "status": "working"},
		"alert": {"id": "5AlertId001", "status": "critical", "monitorName": "CPU %", "openedAt": 1767225600}
	}`))
	if err != nil {
		log.Print(err) // names what could not be read; the rest of the alert is there
	}
	fmt.Println(alert.Title())
	fmt.Println(alert.Key())
	// Output:
	// [CRITICAL] CPU % on app01
	// mackerel-5AlertId001
}

// A channel that is listed and updated keeps what this version does not know.
func ExampleClient_UpdateChannel() {
	server := mackereltest.New()
	defer server.Close()
	server.AddChannel(`{"id":"4Ch","name":"#ops","type":"slack","suspendedAt":null,"url":"https://hooks.slack.com/services/T/B/X",
		"mentions":{"critical":"@here"},"enabledGraphImage":true,"events":["alert"],"newIn2027":{"a":1}}`)

	client, err := mackerel.NewClient(server.Config()) // ClientConfig{APIKey: ...} for the real one
	if err != nil {
		log.Fatal(err)
	}
	channel, err := client.GetChannel(context.Background(), "4Ch")
	if err != nil {
		log.Fatal(err)
	}
	channel.Detail.(*mackerel.Slack).Mentions[mackerel.StatusCritical] = "@oncall"
	if _, err := client.UpdateChannel(context.Background(), channel); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", server.Channels()[0])
	// Output:
	// {"id":"4Ch","name":"#ops","type":"slack","suspendedAt":null,"url":"https://hooks.slack.com/services/T/B/X","mentions":{"critical":"@oncall"},"enabledGraphImage":true,"events":["alert"],"newIn2027":{"a":1}}
}

// Only what failed is sent again, and only if it may be sent again. Package route has the whole loop, with the waits.
func ExampleFailures() {
	works, limited, refuses := chatworktest.New(), chatworktest.New(), chatworktest.New()
	defer works.Close()
	defer limited.Close()
	defer refuses.Close()
	limited.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}}})
	refuses.Inject(fakehttp.Fault{Status: http.StatusForbidden, Body: `{"errors":["You don't have permission"]}`})

	alert := mackerel.Alert{ID: "backup", Status: mackerel.StatusCritical, Message: "the nightly backup failed"}
	err := mackerel.Multi(room(works), room(limited), room(refuses)).Notify(context.Background(), alert)
	for _, f := range mackerel.Failures(err) {
		fmt.Println(f)
		if after, ok := mackerel.Retry(f); ok {
			fmt.Println("after", after, "the error is", f.Notifier.Notify(context.Background(), alert))
		}
	}
	// Output:
	// chatwork room 567890123: post message: 429: Too Many Requests (rate limited, retry after 1m0s)
	// after 1m0s the error is <nil>
	// chatwork room 567890123: post message: 403: You don't have permission (not authorized)
}

func room(s *chatworktest.Server) mackerel.Notifier {
	n, err := chatwork.New(s.Config())
	if err != nil {
		log.Fatal(err)
	}
	return n
}
