package route_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/route"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
	"github.com/mackerel-notify/mackerel/twilio"
	"github.com/mackerel-notify/mackerel/twilio/twiliotest"
)

// An alert goes to a channel and to a phone, which are fakes here. The channel refuses it at first. The phone rings,
// but the answer is lost.
func ExamplePersist() {
	channel, phone := slacktest.New(), twiliotest.New()
	defer channel.Close()
	defer phone.Close()
	channel.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests})
	phone.Inject(fakehttp.Fault{Break: fakehttp.ResetConnection, Handled: true})

	chatConfig, callConfig := channel.Config(), phone.Config()
	chatConfig.Call.MaxAttempts = 1 // so that Persist has to repeat
	callConfig.Kind = twilio.KindCall
	chat, err := slack.New(chatConfig)
	if err != nil {
		fmt.Println(err)
		return
	}
	call, err := twilio.New(callConfig)
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := route.Persist(mackerel.Multi(chat, call), 10*time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	alert := mackerel.Alert{ID: "backup", Status: mackerel.StatusCritical, Message: "the backup failed"}
	err = n.Notify(context.Background(), alert)
	for _, f := range mackerel.Failures(err) {
		_, again := mackerel.Retry(f)
		fmt.Println(f.Notifier, "failed. May it be called again?", again)
	}
	fmt.Println(channel.Accepted(), "message after", len(channel.Requests()), "requests,", len(phone.Calls()), "call")
	// Output:
	// twilio call to ...5678 failed. May it be called again? false
	// 1 message after 2 requests, 1 call
}
