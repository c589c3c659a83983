package webhook_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

// An alert that came from a webhook goes on with a fact more and everything else as it was.
func Example() {
	fake := webhooktest.New()
	defer fake.Close()
	fake.RequireSignature(webhooktest.Secret)

	config := fake.Config() // in your program: webhook.Config{URL: mackerel.NewSecret("https://user:password@host/path?query")}
	config.SigningSecrets = []mackerel.Secret{mackerel.NewSecret(webhooktest.Secret)}
	n, err := webhook.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	alert, err := mackerel.ParseWebhook([]byte(`{"event":"alert","orgName":"acme","new":1,"alert":{"status":"critical","monitorName":"queue"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	alert.Facts = append(alert.Facts, mackerel.Fact{Label: "Runbook", Value: "page 7"})
	if err := n.Notify(context.Background(), alert); err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range fake.Deliveries() {
		fmt.Println(d.Alert.Title())
		fmt.Println(string(d.Body))
	}
	// Output:
	// [CRITICAL] queue
	// {"event":"alert","orgName":"acme","new":1,"alert":{"status":"critical","monitorName":"queue"},"facts":[{"label":"Runbook","value":"page 7"}]}
}
