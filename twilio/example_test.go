package twilio_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// The service here is the fake of package twiliotest; leave BaseURL out, and a telephone rings.
func Example() {
	s := twiliotest.NewServer()
	defer s.Close()

	n, err := twilio.New(twilio.Config{
		Kind:         twilio.KindCall,
		AccountSID:   twiliotest.AccountSID,
		APIKeySID:    twiliotest.APIKeySID,
		APIKeySecret: mackerel.NewSecret(twiliotest.APIKeySecret),
		From:         twiliotest.From,
		To:           "+819012345678",
		BaseURL:      s.BaseURL(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	alert := mackerel.Alert{ID: "backup-app01", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "backup & copy"}}
	receipt, err := n.Deliver(context.Background(), alert)
	fmt.Println(n, "queued:", receipt.Queued, err)

	alert.Status = mackerel.StatusOK
	receipt, err = n.Deliver(context.Background(), alert)
	fmt.Println("skipped:", receipt.Skipped, err)

	for _, call := range s.Calls() {
		fmt.Println(call.Said)
		fmt.Println(call.TwiML)
	}
	// Output:
	// twilio call to ...5678 queued: true <nil>
	// skipped: the alert is closed, and no call is made for a recovery <nil>
	// [CRITICAL] backup & copy
	// <Response><Say language="en-US">[CRITICAL] backup &amp; copy</Say></Response>
}
