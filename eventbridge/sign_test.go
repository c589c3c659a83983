package eventbridge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

func TestEveryAttemptIsSignedAnewSoThatItMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := eventbridgetest.NewServer()
		defer s.Close()
		s.Inject(fakehttp.Fault{Status: 503, Header: http.Header{"Retry-After": {"360"}}})
		n := newNotifier(t, s, eventbridge.Config{Call: mackerel.CallOptions{MaxWait: 10 * time.Minute}})
		r, err := n.Deliver(t.Context(), mackerel.Alert{})
		if err != nil || r.Attempts != 2 || r.Duration != 6*time.Minute {
			t.Fatalf("%+v, %v", r, err)
		}
		first, second := s.Requests()[0], s.Requests()[1]
		if string(first.Body) != string(second.Body) || first.Header.Get("Authorization") == second.Header.Get("Authorization") {
			t.Errorf("%s\n%s", first.Header, second.Header)
		}
	})
}

func TestCredentialsAreAskedForAtEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := eventbridgetest.NewServer()
		defer s.Close()
		asked := 0
		n := newNotifier(t, s, eventbridge.Config{Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			if asked++; asked == 1 {
				return aws.Credentials{}, errors.New("no answer from the metadata service")
			}
			return credentials(ctx)
		})})
		r, err := n.Deliver(t.Context(), mackerel.Alert{})
		if err != nil || asked != 2 || r.Attempts != 2 || len(s.Requests()) != 1 {
			t.Errorf("%+v, %v, asked %d times", r, err, asked)
		}
	})
}

func TestCredentialsThatCannotBeHadAreProofThatNothingWasSent(t *testing.T) {
	for name, provider := range map[string]aws.CredentialsProviderFunc{
		"none at all":  func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, nil },
		"no secret":    func(context.Context) (aws.Credentials, error) { return aws.Credentials{AccessKeyID: "AKID"}, nil },
		"an error":     func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("expired") },
		"AWS's own":    aws.AnonymousCredentials{}.Retrieve,
		"an odd error": func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("") },
	} {
		s := newServer(t)
		n := newNotifier(t, s, eventbridge.Config{Credentials: provider, Call: mackerel.CallOptions{MaxAttempts: 1, Delivery: mackerel.AtMostOnce}})
		e := asError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrUnavailable)
		if !strings.Contains(e.Error(), "not signed") || len(s.Requests()) != 0 {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestWrongCredentialsAreUnauthorized(t *testing.T) {
	for name, change := range map[string]func(*aws.Credentials){
		"another key":    func(c *aws.Credentials) { c.AccessKeyID = "AKIDOTHER" },
		"another secret": func(c *aws.Credentials) { c.SecretAccessKey = "other" },
		"another token":  func(c *aws.Credentials) { c.SessionToken = "other-token" },
		"no token":       func(c *aws.Credentials) { c.SessionToken = "" },
	} {
		s := newServer(t)
		n := newNotifier(t, s, eventbridge.Config{Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			c, err := credentials(ctx)
			change(&c)
			return c, err
		})})
		if e := asError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrUnauthorized); e.Code == "" || e.Attempts != 1 {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestNoCredentialIsPrintedEvenIfAWSWereToQuoteIt(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
	s.Inject(fakehttp.Fault{Status: 400, Body: `{"__type":"X","message":"` + eventbridgetest.SessionToken + " " + eventbridgetest.SecretAccessKey + `"}`})
	e := asError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrInvalid)
	p, err := n.Preview(mackerel.Alert{})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Requests[0].Header; got.Get("Authorization") != "{signature}" || got.Get("X-Amz-Date") != "{date}" {
		t.Errorf("previewed %v", got)
	}
	shown := fmt.Sprintf("%v %+v %#v %+v", e, *p, n, struct{ n any }{*n})
	for _, secret := range []string{eventbridgetest.SessionToken, eventbridgetest.SecretAccessKey} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is in %s", secret, shown)
		}
	}
}

func TestNewReportsEverythingAtOnce(t *testing.T) {
	_, err := eventbridge.New(eventbridge.Config{
		Region: "Tokyo!", EventBus: "a b", Source: "aws.mine", DetailType: strings.Repeat("障", 129), MaxEntry: -1,
		BaseURL: "ftp://x", Level: "x", Text: mackerel.Text{Language: "fr"}, Call: mackerel.CallOptions{MaxAttempts: -1},
	})
	e := asError(t, err, mackerel.ErrConfig)
	for _, want := range []string{
		"Region: ", "Credentials: required", "EventBus: ", "Source: ", "DetailType: ", "MaxEntry: ", "BaseURL: ", "Level: ", "Text.Language: ", "Call.MaxAttempts: ",
	} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q is not in %q", want, e.Message)
		}
	}
	if _, err := eventbridge.New(eventbridge.Config{Credentials: credentials}); err == nil || !strings.Contains(err.Error(), "Region: required") {
		t.Errorf("got %v", err)
	}
}

func TestEveryPartitionHasItsOwnDomain(t *testing.T) {
	for region, want := range map[string]string{
		"ap-northeast-1": "https://events.ap-northeast-1.amazonaws.com/", "us-gov-west-1": "https://events.us-gov-west-1.amazonaws.com/",
		"cn-north-1": "https://events.cn-north-1.amazonaws.com.cn/", "us-iso-east-1": "https://events.us-iso-east-1.c2s.ic.gov/",
		"us-isob-east-1": "https://events.us-isob-east-1.sc2s.sgov.gov/", "eusc-de-east-1": "https://events.eusc-de-east-1.amazonaws.eu/",
	} {
		n, err := eventbridge.New(eventbridge.Config{Region: region, Credentials: credentials})
		if err != nil {
			t.Fatal(err)
		}
		p, err := n.Preview(mackerel.Alert{})
		if err != nil || p.Requests[0].URL != want {
			t.Errorf("%s: %v, %+v", region, err, p)
		}
	}
}
