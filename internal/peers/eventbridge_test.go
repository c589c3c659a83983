package peers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	peer "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// eventbridgeBus is a bus besides the default one.
const eventbridgeBus = "alerts"

func newEventbridge(t *testing.T) (*eventbridgetest.Server, *eventbridge.Notifier) {
	t.Helper()
	s := start(t, eventbridgetest.New())
	s.AddBus(eventbridgeBus)
	config := s.Config()
	config.EventBus, config.Call = eventbridgeBus, once
	n, err := eventbridge.New(config)
	return s, must(t, n, err)
}

func eventbridgeCredentials(secret string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: eventbridgetest.AccessKeyID, SecretAccessKey: secret,
			SessionToken: eventbridgetest.SessionToken,
		}, nil
	})
}

// eventbridgeClient returns the SDK without its retries, which wait.
func eventbridgeClient(s *eventbridgetest.Server, secret string) *peer.Client {
	return peer.New(peer.Options{
		Region: eventbridgetest.Region, Credentials: eventbridgeCredentials(secret), BaseEndpoint: aws.String(s.URL()),
		RetryMaxAttempts: 1,
	})
}

// eventbridgeEntries are two entries. The detail of the second one is not JSON.
func eventbridgeEntries() *peer.PutEventsInput {
	at := time.Date(2026, 1, 1, 0, 0, 0, 500_000_000, time.UTC)
	return &peer.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{
			Source: aws.String("com.example"), DetailType: aws.String("Test"), Detail: aws.String(`{"a":"障害"}`),
			EventBusName: aws.String(eventbridgeBus), Time: &at,
			Resources: []string{"arn:aws:ec2:ap-northeast-1:123456789012:instance/i-1"},
		},
		{Source: aws.String("com.example"), DetailType: aws.String("Test"), Detail: aws.String(`{"a":`)},
	}}
}

func TestEventbridgeClientPosts(t *testing.T) {
	s, _ := newEventbridge(t)
	in := eventbridgeEntries()
	out, err := eventbridgeClient(s, eventbridgetest.SecretAccessKey).PutEvents(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	count(t, "entries of the answer", out.Entries, 2)
	events := s.Events(eventbridgeBus)
	count(t, "events", events, 1)
	equal(t, "id", aws.ToString(out.Entries[0].EventId), events[0].ID)
	equal(t, "detail", events[0].Detail, *in.Entries[0].Detail)
	equal(t, "time", events[0].Time.Equal(*in.Entries[0].Time), true)
	equal(t, "failed entries", out.FailedEntryCount, 1)
	equal(t, "code of the failed entry", aws.ToString(out.Entries[1].ErrorCode), "MalformedDetail")
}

func TestEventbridgeClientIsRefused(t *testing.T) {
	fault := fakehttp.Fault{
		Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: `{"__type":"ThrottlingException","message":"Rate exceeded"}`,
	}
	for name, c := range map[string]struct {
		fault   *fakehttp.Fault
		secret  string // eventbridgetest.SecretAccessKey unless set
		entries int    // those of eventbridgeEntries unless set
		code    string
	}{
		"a wrong secret": {secret: "not/the/secret", code: "InvalidSignatureException"},
		"eleven entries": {entries: 11, code: "ValidationException"},
		"a fault":        {fault: &fault, code: "ThrottlingException"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newEventbridge(t)
			if c.fault != nil {
				s.Inject(*c.fault)
			}
			in := eventbridgeEntries()
			if c.entries > 0 {
				in.Entries = make([]types.PutEventsRequestEntry, c.entries)
			}
			var refused smithy.APIError
			_, err := eventbridgeClient(s, cmp.Or(c.secret, eventbridgetest.SecretAccessKey)).PutEvents(t.Context(), in)
			if !errors.As(err, &refused) || refused.ErrorCode() != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
			count(t, "events", s.Events(eventbridgeBus), 0)
		})
	}
}

// The SDK's types have no JSON of their own. The SDK sends our entry once more, and both requests must be the same.
func TestEventbridgeTypesDecodeOurRequests(t *testing.T) {
	s, n := newEventbridge(t)
	client := eventbridgeClient(s, eventbridgetest.SecretAccessKey)
	eachSample(t, n, s, func(t *testing.T, a mackerel.Alert, ours fakehttp.Request) {
		if _, err := client.PutEvents(t.Context(), eventbridgeInput(t, ours.Body)); err != nil {
			t.Fatal(err)
		}
		requests := s.Requests()
		theirs := requests[len(requests)-1]
		equal(t, "request", ours.Method+" "+ours.Path, theirs.Method+" "+theirs.Path)
		equal(t, "body", canonical(t, ours.Body), canonical(t, theirs.Body))
		for _, name := range []string{"Content-Type", "X-Amz-Target", "X-Amz-Security-Token"} {
			equal(t, name, ours.Header.Get(name), theirs.Header.Get(name))
		}
		events := s.Events(eventbridgeBus)
		contains(t, "detail", events[len(events)-1].Detail, `"event"`)
		alert, err := mackerel.ParseWebhook([]byte(events[len(events)-1].Detail))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "title", alert.Title(), a.Title())
	})
}

// eventbridgeInput reads a request of ours into the SDK's type.
func eventbridgeInput(t *testing.T, body []byte) *peer.PutEventsInput {
	t.Helper()
	var request struct {
		Entries []struct {
			Source, DetailType, Detail, EventBusName string
			Resources                                []string
			Time                                     float64 // Unix seconds
		}
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	in := &peer.PutEventsInput{}
	for _, e := range request.Entries {
		entry := types.PutEventsRequestEntry{
			Source: &e.Source, DetailType: &e.DetailType, Detail: &e.Detail, EventBusName: &e.EventBusName,
			Resources: e.Resources,
		}
		if e.Time != 0 {
			entry.Time = aws.Time(time.UnixMilli(int64(e.Time * 1000)).UTC())
		}
		in.Entries = append(in.Entries, entry)
	}
	return in
}

func TestEventbridgeEndpointsAreThoseOfTheClient(t *testing.T) {
	resolver := peer.NewDefaultEndpointResolverV2()
	for _, region := range []string{
		"us-east-1", "ap-northeast-1", "ap-northeast-3", "eu-west-1", "me-central-1", "il-central-1", "mx-central-1",
		"cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1",
		"us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1",
	} {
		endpoint, err := resolver.ResolveEndpoint(t.Context(), peer.EndpointParameters{
			Region: aws.String(region), UseFIPS: aws.Bool(false), UseDualStack: aws.Bool(false),
		})
		if err != nil {
			t.Fatal(err)
		}
		n, err := eventbridge.New(eventbridge.Config{Region: region, Credentials: eventbridgeCredentials("x")})
		preview, err := must(t, n, err).Preview(mackerel.Alert{})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, region, preview.Requests[0].URL, endpoint.URI.JoinPath("/").String())
	}
}
