// Package awspeer runs AWS's own client against the fake of package eventbridgetest, and compares it with package
// eventbridge. It is a module of its own, so that the client is no dependency of the library.
package awspeer

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
)

func provider(secret string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: eventbridgetest.AccessKeyID, SecretAccessKey: secret, SessionToken: eventbridgetest.SessionToken,
		}, nil
	})
}

func newClient(t *testing.T, secret string) (*eventbridgetest.Server, *sdk.Client) {
	t.Helper()
	s := eventbridgetest.New()
	t.Cleanup(s.Close)
	return s, sdk.New(sdk.Options{
		Region: eventbridgetest.Region, Credentials: provider(secret), BaseEndpoint: aws.String(s.URL()), RetryMaxAttempts: 1,
	})
}

// two are two entries, of which the second has a detail that is no JSON.
func two() *sdk.PutEventsInput {
	at := time.Date(2026, 1, 1, 0, 0, 0, 500_000_000, time.UTC)
	return &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{
			Source: aws.String("com.example"), DetailType: aws.String("Test"), Detail: aws.String(`{"a":"障害"}`), Time: &at,
			EventBusName: aws.String("alerts"), Resources: []string{"arn:aws:ec2:ap-northeast-1:123456789012:instance/i-1"},
		},
		{Source: aws.String("com.example"), DetailType: aws.String("Test"), Detail: aws.String(`{"a":`)},
	}}
}

func TestTheFakeTakesWhatTheOfficialClientSends(t *testing.T) {
	s, client := newClient(t, eventbridgetest.SecretAccessKey)
	s.AddBus("alerts")
	out, err := client.PutEvents(t.Context(), two())
	if err != nil {
		t.Fatal(err)
	}
	events := s.Events("alerts")
	if len(events) != 1 || out.FailedEntryCount != 1 || len(out.Entries) != 2 {
		t.Fatalf("%+v; on the bus: %+v", out, events)
	}
	if e := events[0]; aws.ToString(out.Entries[0].EventId) != e.ID || e.Detail != `{"a":"障害"}` || !e.Time.Equal(*two().Entries[0].Time) {
		t.Errorf("got %+v, put %+v", out.Entries[0], e)
	}
	if code := aws.ToString(out.Entries[1].ErrorCode); code != "MalformedDetail" {
		t.Errorf("the second entry: %q", code)
	}
}

func TestTheFakeRefusesTheOfficialClientAsItUnderstandsIt(t *testing.T) {
	_, client := newClient(t, "not/the/secret")
	_, err := client.PutEvents(t.Context(), two())
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "InvalidSignatureException" {
		t.Errorf("got %v", err)
	}
	_, client = newClient(t, eventbridgetest.SecretAccessKey)
	_, err = client.PutEvents(t.Context(), &sdk.PutEventsInput{Entries: make([]types.PutEventsRequestEntry, 11)})
	if !errors.As(err, &e) || e.ErrorCode() != "ValidationException" {
		t.Errorf("eleven entries: %v", err)
	}
}

// TestBothSendTheSame puts one event twice, and compares what arrived but for what the SDK says about itself.
func TestBothSendTheSame(t *testing.T) {
	s, client := newClient(t, eventbridgetest.SecretAccessKey)
	config := s.Config()
	config.EventBus = "alerts"
	n, err := eventbridge.New(config)
	if err != nil {
		t.Fatal(err)
	}
	in := two()
	in.Entries = in.Entries[:1]
	if _, err := client.PutEvents(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	e := in.Entries[0]
	if _, err := n.Send(t.Context(), eventbridge.Message{
		Source: *e.Source, DetailType: *e.DetailType, Raw: []byte(*e.Detail), Time: *e.Time, Resources: e.Resources,
	}); err != nil {
		t.Fatal(err)
	}
	theirs, ours := s.Requests()[0], s.Requests()[1]
	for _, name := range []string{"Content-Type", "X-Amz-Target", "X-Amz-Security-Token"} {
		if ours.Header.Get(name) != theirs.Header.Get(name) {
			t.Errorf("%s: %q, theirs %q", name, ours.Header.Get(name), theirs.Header.Get(name))
		}
	}
	if ours.Method != theirs.Method || ours.Path != theirs.Path || canonical(t, ours.Body) != canonical(t, theirs.Body) {
		t.Errorf("%s %s %s\ntheirs %s %s %s", ours.Method, ours.Path, ours.Body, theirs.Method, theirs.Path, theirs.Body)
	}
}

func TestEveryRegionHasTheEndpointThatTheSDKHas(t *testing.T) {
	resolver := sdk.NewDefaultEndpointResolverV2()
	for _, region := range []string{
		"us-east-1", "ap-northeast-1", "ap-northeast-3", "eu-west-1", "me-central-1", "il-central-1", "mx-central-1",
		"cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "us-isof-south-1",
		"eu-isoe-west-1", "eusc-de-east-1",
	} {
		endpoint, err := resolver.ResolveEndpoint(t.Context(), sdk.EndpointParameters{
			Region: aws.String(region), UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false),
		})
		if err != nil {
			t.Fatal(err)
		}
		n, err := eventbridge.New(eventbridge.Config{Region: region, Credentials: provider("x")})
		if err != nil {
			t.Fatal(err)
		}
		p, err := n.Preview(mackerel.Alert{})
		if err != nil {
			t.Fatal(err)
		}
		if want := endpoint.URI.JoinPath("/").String(); p.Requests[0].URL != want {
			t.Errorf("%s: %s, the SDK's is %s", region, p.Requests[0].URL, want)
		}
	}
}

// canonical is JSON in one order.
func canonical(t *testing.T, body []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
