package peers

import (
	"cmp"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	peer "github.com/aws/aws-sdk-go/service/eventbridge"

	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// eventbridge1Client returns version 1 of the SDK, without its retries. AWS has ended its support, but programs still
// use it. Version 2 is in eventbridge_test.go.
func eventbridge1Client(t *testing.T, s *eventbridgetest.Server, secret string) *peer.EventBridge {
	t.Helper()
	sess, err := session.NewSession(&aws.Config{
		Region: aws.String(eventbridgetest.Region), Endpoint: aws.String(s.URL()), MaxRetries: aws.Int(0),
		Credentials: credentials.NewStaticCredentials(eventbridgetest.AccessKeyID, secret, eventbridgetest.SessionToken),
	})
	return peer.New(must(t, sess, err))
}

func TestEventbridge1ClientPosts(t *testing.T) {
	s, _ := newEventbridge(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	entry := func(detail string) *peer.PutEventsRequestEntry {
		return &peer.PutEventsRequestEntry{
			Source: aws.String("com.example"), DetailType: aws.String("Test"), Detail: aws.String(detail),
			EventBusName: aws.String(eventbridgeBus), Time: &at, Resources: aws.StringSlice([]string{"arn:aws:s3:::a"}),
		}
	}
	in := &peer.PutEventsInput{Entries: []*peer.PutEventsRequestEntry{entry(`{"a":"障害"}`), entry(`{"a":`)}}
	out, err := eventbridge1Client(t, s, eventbridgetest.SecretAccessKey).PutEventsWithContext(t.Context(), in)
	if err != nil {
		t.Fatalf("%v: %q", err, s.Problems())
	}
	events := s.Events(eventbridgeBus)
	count(t, "events", events, 1)
	equal(t, "detail", events[0].Detail, `{"a":"障害"}`)
	equal(t, "time", events[0].Time.Equal(at), true)
	count(t, "entries of the answer", out.Entries, 2)
	equal(t, "id", aws.StringValue(out.Entries[0].EventId), events[0].ID)
	equal(t, "failed entries", aws.Int64Value(out.FailedEntryCount), 1)
	equal(t, "code of the failed entry", aws.StringValue(out.Entries[1].ErrorCode), "MalformedDetail")
}

func TestEventbridge1ClientIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		fault   *fakehttp.Fault
		secret  string // eventbridgetest.SecretAccessKey unless set
		entries int    // 1 unless set
		code    string
		status  int
	}{
		"a wrong secret": {secret: "wrong", code: "InvalidSignatureException", status: http.StatusBadRequest},
		"eleven entries": {entries: 11, code: "ValidationException", status: http.StatusBadRequest},
		"a fault": {
			fault: &fakehttp.Fault{Status: http.StatusInternalServerError, Body: `{"__type":"InternalException"}`},
			code:  peer.ErrCodeInternalException, status: http.StatusInternalServerError,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newEventbridge(t)
			if c.fault != nil {
				s.Inject(*c.fault)
			}
			in := new(peer.PutEventsInput)
			for range cmp.Or(c.entries, 1) {
				in.Entries = append(in.Entries, &peer.PutEventsRequestEntry{Source: aws.String("com.example")})
			}
			client := eventbridge1Client(t, s, cmp.Or(c.secret, eventbridgetest.SecretAccessKey))
			_, err := client.PutEventsWithContext(t.Context(), in)
			var failure awserr.RequestFailure
			var typed *peer.InternalException
			switch {
			case errors.As(err, &typed):
				equal(t, "code", typed.Code(), c.code)
			case !errors.As(err, &failure) || failure.StatusCode() != c.status || failure.Code() != c.code:
				t.Errorf("%v, want %s", err, c.code)
			}
			count(t, "events", s.Events(eventbridgeBus), 0)
		})
	}
}
