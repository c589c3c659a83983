package twilio_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// An alert makes a telephone ring. Its recovery does not.
func Example() {
	fake := twiliotest.New()
	defer fake.Close()

	config := fake.Config() // in your program: twilio.Config{AccountSID: "AC...", APIKeySID: "SK...", ...}
	config.Kind = twilio.KindCall
	n, err := twilio.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	a := mackerel.Alert{ID: "backup-2026", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "backup & copy"}}
	receipt, err := n.Deliver(context.Background(), a)
	fmt.Println(n, "queued:", receipt.Queued, err)

	a.Status = mackerel.StatusOK
	receipt, err = n.Deliver(context.Background(), a)
	fmt.Println("skipped:", receipt.Skipped, err)

	for _, call := range fake.Calls() {
		fmt.Println(call.TwiML)
	}
	// Output:
	// twilio call to ...5678 queued: true <nil>
	// skipped: the alert is closed, and no call is made for a recovery <nil>
	// <Response><Say language="en-US">Mackerel alert. Critical. Backup and copy.</Say><Pause length="1"></Pause><Say language="en-US">Mackerel alert. Critical. Backup and copy.</Say></Response>
}
