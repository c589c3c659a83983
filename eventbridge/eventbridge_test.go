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
	"github.com/mackerel-notify/mackerel/internal/servicetest"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t testing.TB) notifytest.Harness {
		fake := servicetest.Start(t, eventbridgetest.New())
		return notifytest.Harness{
			New: func(t testing.TB, e notifytest.Env) mackerel.Notifier {
				config := fake.MemoryConfig()
				config.BaseURL, config.Call = e.BaseURL, e.Call()
				return servicetest.Make(t, eventbridge.New, config)
			},
			Fake:    fake,
			Count:   fake.Accepted,
			Secrets: []string{eventbridgetest.SessionToken},
			Keys:    []string{eventbridgetest.SecretAccessKey},
		}
	})
}

func TestGolden(t *testing.T) {
	servicetest.Golden(t, []servicetest.Variant{{Name: "ec2", Start: func(t testing.TB) (servicetest.Fake, servicetest.Notifier) {
		return start(t, func(c *eventbridge.Config) { c.ResourceInfo = onEC2 })
	}}})
}

func TestConfigurations(t *testing.T) {
	config := func(configure func(*eventbridge.Config)) eventbridge.Config {
		c := eventbridge.Config{Region: "ap-northeast-1", Credentials: aws.AnonymousCredentials{}}
		configure(&c)
		return c
	}
	servicetest.Configs(t, eventbridge.New, "secret-key", []servicetest.ConfigCase[eventbridge.Config]{
		{Name: "a region and credentials are enough", Config: config(func(*eventbridge.Config) {})},
		{Name: "a region and credentials are required", Want: []string{"Region: required", "Credentials: required"}},
		{Name: "a bus may be an ARN", Config: config(func(c *eventbridge.Config) {
			c.EventBus = "arn:aws:events:ap-northeast-1:123456789012:event-bus/alerts"
		})},
		{Name: "a bus has at most 1600 characters", Config: config(func(c *eventbridge.Config) { c.EventBus = strings.Repeat("a", 1601) }),
			Want: []string{"EventBus: 1601 characters, and at most 1600 are allowed"}},
		{Name: "a detail-type may have 128 characters", Config: config(func(c *eventbridge.Config) {
			c.DetailType = strings.Repeat("障", 128)
		})},
		{Name: "an entry may have as many bytes as EventBridge takes", Config: config(func(c *eventbridge.Config) {
			c.MaxEntry = 999_999
		})},
		{Name: "an entry cannot have more bytes than EventBridge takes", Config: config(func(c *eventbridge.Config) {
			c.MaxEntry = 999_999 + 1
		}), Want: []string{"MaxEntry: must be from 1 to 999999"}},
		{Name: "a region is no place", Config: config(func(c *eventbridge.Config) { c.Region = "tokyo" }), Want: []string{"Region: must be a region's name"}},
		{Name: "a zone is no region", Config: config(func(c *eventbridge.Config) { c.Region = "ap-northeast-1a" }), Want: []string{"Region: must be a region's name"}},
		{Name: "a region elsewhere is any label", Config: config(func(c *eventbridge.Config) { c.Region, c.BaseURL = "local", "https://x.test" })},
		{Name: "a region elsewhere is a label", Config: config(func(c *eventbridge.Config) { c.Region, c.BaseURL = "a.b", "https://x.test" }), Want: []string{"Region: must be a region's name"}},
		{Name: "a region is a label", Config: config(func(c *eventbridge.Config) { c.Region = "evil.test/x" }), Want: []string{"Region: must be a region's name"}},
		{Name: "all problems are told at once, in the order of the fields", Config: eventbridge.Config{
			Region: "Tokyo!", EventBus: "a b", Source: "aws.mine", DetailType: strings.Repeat("障", 129), MaxEntry: -1,
			BaseURL: "ftp://x", Level: "x", Call: mackerel.CallOptions{MaxAttempts: -1},
		}, Want: []string{
			"Region: ", "Credentials: required", "EventBus: ", `Source: begins with "aws."`, "DetailType: 129 characters, and at most 128", "MaxEntry: ",
			"BaseURL: ", "Level: ", "Call.MaxAttempts: ",
		}},
	})
}

func TestEveryPartitionHasItsOwnDomain(t *testing.T) {
	for region, want := range map[string]string{
		"ap-northeast-1": "https://events.ap-northeast-1.amazonaws.com/", "us-gov-west-1": "https://events.us-gov-west-1.amazonaws.com/",
		"cn-north-1": "https://events.cn-north-1.amazonaws.com.cn/", "us-iso-east-1": "https://events.us-iso-east-1.c2s.ic.gov/",
		"us-isob-east-1": "https://events.us-isob-east-1.sc2s.sgov.gov/", "eusc-de-east-1": "https://events.eusc-de-east-1.amazonaws.eu/",
	} {
		_, n := start(t, func(c *eventbridge.Config) { c.Region, c.BaseURL = region, "" })
		p, err := n.Preview(mackerel.Alert{})
		if err != nil || p.Requests[0].URL != want {
			t.Errorf("%s: %v, %+v", region, err, p)
		}
	}
}

func TestAnAddressKeepsItsPath(t *testing.T) {
	for base, want := range map[string]string{"https://proxy.test": "https://proxy.test/", "https://proxy.test/aws": "https://proxy.test/aws"} {
		_, n := start(t, func(c *eventbridge.Config) { c.BaseURL = base })
		if p, err := n.Preview(mackerel.Alert{}); err != nil || p.Requests[0].URL != want {
			t.Errorf("%s: %v, %+v", base, err, p)
		}
	}
}

// A refusal for too many requests stops all requests, for twice as long each time.
func TestThrottlingStopsAllRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t, func(c *eventbridge.Config) { c.Call = mackerel.CallOptions{Client: c.Call.Client, MaxAttempts: 1} })
		fake.Inject(fakehttp.Fault{Status: 400, Body: `{"__type":"ThrottlingException"}`, Times: -1})
		want := 100 * time.Millisecond
		for range 10 {
			if after, again := mackerel.Retry(n.Notify(t.Context(), mackerel.Alert{})); after != want || !again {
				t.Errorf("a wait of %v, want %v", after, want)
			}
			want = min(2*want, 20*time.Second)
		}
	})
}

func TestDeliverReturnsTheIDOfTheEvent(t *testing.T) {
	e, r := notify(t, mackerel.Alert{Status: mackerel.StatusCritical, Message: "disk full"})
	if r.Provider != "eventbridge" || r.ID != e.ID || r.ID == "" || r.Attempts != 1 || r.Duration <= 0 || !r.Queued || len(r.Cuts) != 0 {
		t.Errorf("%+v", r)
	}
	if e.Source != eventbridge.DefaultSource || e.DetailType != eventbridge.DefaultDetailType || len(e.Resources) != 0 || !e.Time.Equal(e.Received) {
		t.Errorf("put %+v", e)
	}
}

func TestTheConfigurationNamesBusSourceAndType(t *testing.T) {
	for _, bus := range []string{"alerts", "arn:aws:events:ap-northeast-1:123456789012:event-bus/alerts"} {
		fake, n := start(t, func(c *eventbridge.Config) { c.EventBus, c.Source, c.DetailType = bus, "com.example", "Alert" })
		fake.AddBus("alerts")
		if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
			t.Fatal(err)
		}
		if e := servicetest.Last(t, fake, fake.Events("alerts")); e.Source != "com.example" || e.DetailType != "Alert" {
			t.Errorf("put %+v", e)
		}
		if want := "eventbridge bus " + bus + " in ap-northeast-1"; n.String() != want {
			t.Errorf("it is called %q", n)
		}
	}
}

func TestEditSeesWhatTheConfigurationAddsAndMayChangeIt(t *testing.T) {
	var seen eventbridge.Message
	e, _ := notify(t, mackerel.Alert{Message: "x", Host: &mackerel.Host{ID: "4H"}}, func(c *eventbridge.Config) {
		c.Source, c.DetailType, c.ResourceInfo = "com.example", "Alert", onEC2
		c.Edit = func(m *eventbridge.Message, _ mackerel.Alert) error {
			seen = *m
			m.DetailType, m.Resources, m.ResourceInfo = "Mine", []string{"arn:aws:ec2:::i"}, nil
			return nil
		}
	})
	if seen.Source != "com.example" || seen.DetailType != "Alert" || seen.ResourceInfo == nil {
		t.Errorf("saw %+v", seen)
	}
	if e.Source != "com.example" || e.DetailType != "Mine" || e.Resources[0] != "arn:aws:ec2:::i" || strings.Contains(e.Detail, "resourceInfo") {
		t.Errorf("put %+v", e)
	}
}

func TestAnswers(t *testing.T) {
	refused := func(code string, kind error) servicetest.Answer {
		return servicetest.Answer{Name: "the code " + code, Status: 400, Body: `{"__type":"` + code + `","message":"x"}`, Kind: kind, Code: code, Message: "x"}
	}
	undocumented := func(body string) servicetest.Answer {
		return servicetest.Answer{Name: body + " is not success", Status: 200, Body: body, Kind: mackerel.ErrAmbiguous}
	}
	failed := func(code string, kind error) servicetest.Answer {
		body := `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"` + code + `","ErrorMessage":"x"}]}`
		return servicetest.Answer{Name: "an entry that failed with " + code, Status: 200, Body: body, Kind: kind, Code: code, Message: "x"}
	}
	var codes []servicetest.Answer
	for kind, all := range map[error][]string{
		mackerel.ErrUnauthorized: {
			"AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "IncompleteSignatureException",
			"InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
			"NotAuthorized", "NotAuthorizedForDetailTypeException", "NotAuthorizedForSourceException", "OptInRequired", "RequestExpired",
			"SignatureDoesNotMatch", "UnrecognizedClientException",
		},
		mackerel.ErrInvalid:     {"InvalidAccountIdException", "InvalidArgument", "MalformedDetail", "RedactionFailure"},
		mackerel.ErrNotFound:    {"ResourceNotFoundException"},
		mackerel.ErrUnavailable: {"InternalFailure", "RequestTimeout", "RequestTimeoutException"},
		mackerel.ErrRateLimited: {
			"RequestLimitExceeded", "SlowDown", "TooManyRequestsException", "Throttling", "ThrottlingException", "RequestThrottled",
		},
	} {
		for _, code := range all {
			codes = append(codes, refused(code, kind), failed(code, kind))
		}
	}
	const put = `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`
	servicetest.Answers(t, func(t testing.TB) (servicetest.Fake, mackerel.Notifier) {
		return start(t, func(c *eventbridge.Config) { c.Call.MaxAttempts = 1 })
	}, append(codes, []servicetest.Answer{
		{Name: "an id is success", Status: 200, Body: put},
		{Name: "another status is not success", Status: 202, Body: put, Kind: mackerel.ErrAmbiguous},
		undocumented(""), undocumented("{}"), undocumented("null"), undocumented("[]"),
		undocumented(`{"FailedEntryCount":0}`), undocumented(`{"FailedEntryCount":0,"Entries":[]}`), undocumented(`{"Entries":[{"EventId":"1"}]}`),
		undocumented(`{"FailedEntryCount":0,"Entries":[{}]}`), undocumented(`{"FailedEntryCount":1,"Entries":[{"EventId":"1"}]}`),
		undocumented(`{"FailedEntryCount":1,"Entries":[{}]}`), undocumented(`{"FailedEntryCount":0,"Entries":[{"EventId":"1"},{"EventId":"2"}]}`),
		undocumented(`{"FailedEntryCount":"0","Entries":[{"EventId":"1"}]}`), undocumented(`{"FailedEntryCount":1,"Entries":[]}`),
		undocumented(put + "x"),
		{Name: "two failures of which one counts", Status: 200, Body: `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"X"},{"EventId":"1"}]}`, Kind: mackerel.ErrAmbiguous},
		{Name: "a failure that does not count", Status: 200, Body: `{"FailedEntryCount":0,"Entries":[{"EventId":"1","ErrorCode":"X"}]}`, Kind: mackerel.ErrAmbiguous, Code: "X"},
		{Name: "more failures than entries", Status: 200, Body: `{"FailedEntryCount":2,"Entries":[{"ErrorCode":"X"}]}`, Kind: mackerel.ErrAmbiguous, Code: "X"},
		failed("SomethingNew", mackerel.ErrUnavailable), refused("ValidationException", mackerel.ErrInvalid), refused("", mackerel.ErrInvalid),
		{Name: "a code in a namespace, from the gateway", Status: 400, Body: `{"__type":"com.amazon.coral.availability#ThrottlingException","Message":"Rate exceeded"}`,
			Kind: mackerel.ErrRateLimited, Code: "ThrottlingException", Message: "Rate exceeded"},
		{Name: "a code with an address", Status: 400, Body: `{"__type":"AccessDeniedException:http://internal.amazon.com/"}`,
			Kind: mackerel.ErrUnauthorized, Code: "AccessDeniedException"},
		{Name: "a code in the header", Status: 400, Header: http.Header{"X-Amzn-Errortype": {"AccessDeniedException"}}, Kind: mackerel.ErrUnauthorized},
		{Name: "too many requests with another status", Status: 503, Body: `{"__type":"ThrottlingException"}`, Kind: mackerel.ErrRateLimited, Code: "ThrottlingException"},
		{Name: "another status says more than other codes", Status: 403, Body: `{"__type":"ResourceNotFoundException"}`,
			Kind: mackerel.ErrUnauthorized, Code: "ResourceNotFoundException"},
		{Name: "a code of a wrong type", Status: 400, Body: `{"__type":1}`, Kind: mackerel.ErrInvalid, Code: "1"},
		{Name: "words beside others", Status: 400, Body: `{"__type":"X","message":"why","error":"other"}`, Kind: mackerel.ErrInvalid, Code: "X", Message: "why"},
		{Name: "broken JSON is words", Status: 400, Body: `{"__type":"X","message":"x"}x`, Kind: mackerel.ErrInvalid, Message: `{"__type":"X","message":"x"}x`},
		{Name: "a page says nothing", Status: 400, Body: `<html>x</html>`, Kind: mackerel.ErrInvalid},
		{Name: "words without a code", Status: 400, Body: `{"message":"Hello"}`, Kind: mackerel.ErrInvalid, Message: "Hello"},
	}...))
}

func TestAnEntryThatFailedForNowIsPutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, delivery := range []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce} {
			fake, n := start(t, func(c *eventbridge.Config) { c.Call.Delivery = delivery })
			fake.FailEntries("ThrottlingException", "InternalFailure")
			r, err := n.Deliver(t.Context(), mackerel.Alert{})
			if err != nil || r.Attempts != 3 || fake.Accepted() != 1 {
				t.Errorf("%+v, %v", r, err)
			}
		}
	})
}

func TestEachAttemptHasItsOwnSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, n := start(t, func(c *eventbridge.Config) { c.Call.MaxWait = 10 * time.Minute })
		fake.Inject(fakehttp.Fault{Status: 503, Header: http.Header{"Retry-After": {"360"}}})
		r, err := n.Deliver(t.Context(), mackerel.Alert{})
		if err != nil || r.Attempts != 2 || r.Duration != 6*time.Minute {
			t.Fatalf("%+v, %v", r, err)
		}
		first, second := fake.Requests()[0], fake.Requests()[1]
		if string(first.Body) != string(second.Body) || first.Header.Get("Authorization") == second.Header.Get("Authorization") {
			t.Errorf("%s\n%s", first.Header, second.Header)
		}
	})
}

// withCredentials returns a configuration of the fake's credentials, changed in some way.
func withCredentials(change func(*aws.Credentials) error) func(*eventbridge.Config) {
	return func(c *eventbridge.Config) {
		fake := c.Credentials
		c.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			keys, err := fake.Retrieve(ctx)
			return keys, errors.Join(err, change(&keys))
		})
	}
}

func TestCredentialsAreRetrievedForEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		fake, n := start(t, withCredentials(func(*aws.Credentials) error {
			if asked++; asked == 1 {
				return errors.New("no answer from the metadata service")
			}
			return nil
		}))
		r, err := n.Deliver(t.Context(), mackerel.Alert{})
		if err != nil || asked != 2 || r.Attempts != 2 || len(fake.Requests()) != 1 {
			t.Errorf("%+v, %v, asked %d times", r, err, asked)
		}
	})
}

func TestNothingIsSentWithoutCredentials(t *testing.T) {
	for name, change := range map[string]func(*aws.Credentials) error{
		"no credentials": func(c *aws.Credentials) error { *c = aws.Credentials{}; return nil },
		"no secret":      func(c *aws.Credentials) error { c.SecretAccessKey = ""; return nil },
		"an error":       func(*aws.Credentials) error { return errors.New("expired") },
		"an empty error": func(*aws.Credentials) error { return errors.New("") },
	} {
		fake, n := start(t, withCredentials(change), func(c *eventbridge.Config) { c.Call.MaxAttempts, c.Call.Delivery = 1, mackerel.AtMostOnce })
		e := servicetest.AsError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrUnavailable)
		if !strings.Contains(e.Error(), "not signed") || len(fake.Requests()) != 0 {
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
		_, n := start(t, withCredentials(func(c *aws.Credentials) error { change(c); return nil }))
		if e := servicetest.AsError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrUnauthorized); e.Code == "" || e.Attempts != 1 {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestCredentialsThatAWSQuotesAreNotShown(t *testing.T) {
	fake, n := start(t, func(c *eventbridge.Config) { c.Call.MaxAttempts = 1 })
	fake.Inject(servicetest.Refusing(400, `{"__type":"X","message":"`+eventbridgetest.SessionToken+" "+eventbridgetest.SecretAccessKey+`"}`))
	e := servicetest.AsError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrInvalid)
	p, err := n.Preview(mackerel.Alert{})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Requests[0].Header; got.Get("Authorization") != "{signature}" || got.Get("X-Amz-Date") != "{date}" {
		t.Errorf("previewed %v", got)
	}
	shown := fmt.Sprintf("%v %+v %#v", e, *p, n)
	for _, secret := range []string{eventbridgetest.SessionToken, eventbridgetest.SecretAccessKey} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is in %s", secret, shown)
		}
	}
}

func TestTheIDOfAReceiptHasNoCredential(t *testing.T) {
	fake, n := start(t)
	fake.Inject(fakehttp.Fault{Status: 200, Body: `{"FailedEntryCount":0,"Entries":[{"EventId":"1 ` + eventbridgetest.SecretAccessKey + ` 2"}]}`})
	if r, err := n.Deliver(t.Context(), mackerel.Alert{}); err != nil || r.ID != "1 [redacted] 2" {
		t.Errorf("%q, %v", r.ID, err)
	}
}
