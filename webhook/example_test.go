package webhook_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/webhook"
	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

func Example() {
	server := webhooktest.NewServer() // in place of whoever takes Mackerel's webhooks
	defer server.Close()
	server.RequireSignature(webhooktest.Secret)

	n, err := webhook.New(webhook.Config{
		URL:            mackerel.NewSecret(server.HookURL()), // http://user:password@host/path?query
		SigningSecrets: []mackerel.Secret{mackerel.NewSecret(webhooktest.Secret)},
	})
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
	for _, d := range server.Deliveries() {
		fmt.Println(d.Alert.Title())
		fmt.Println(string(d.Body))
	}
	// Output:
	// [CRITICAL] queue
	// {"event":"alert","orgName":"acme","new":1,"alert":{"status":"critical","monitorName":"queue"},"facts":[{"label":"Runbook","value":"page 7"}]}
}
