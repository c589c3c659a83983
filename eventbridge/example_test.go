package eventbridge_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
)

func Example() {
	server := eventbridgetest.NewServer() // in place of AWS
	defer server.Close()

	// As config.LoadDefaultConfig of the SDK makes it from the environment.
	cfg := aws.Config{Region: eventbridgetest.Region, Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID: eventbridgetest.AccessKeyID, SecretAccessKey: eventbridgetest.SecretAccessKey,
				SessionToken: eventbridgetest.SessionToken,
			}, nil
		})}
	n, err := eventbridge.New(eventbridge.Config{Region: cfg.Region, Credentials: cfg.Credentials, BaseURL: server.URL()})
	if err != nil {
		fmt.Println(err)
		return
	}
	alert, err := mackerel.ParseWebhook([]byte(`{"orgName":"acme","event":"alert","type":"host","message":"CPU % 96 > 90",` +
		`"memo":"","imageUrl":null,"host":{"name":"app01"},"alert":{"status":"critical","monitorName":"CPU %"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := n.Notify(context.Background(), alert); err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range server.Events(eventbridgetest.DefaultBus) {
		fmt.Printf("%s: %s\n%s\n", e.Source, e.DetailType, e.Detail)
	}
	// Output:
	// mackerel.io: Mackerel Alert
	// {"orgName":"acme","event":"alert","message":"CPU % 96 > 90","memo":"","host":{"name":"app01"},"alert":{"status":"critical","monitorName":"CPU %"}}
}
