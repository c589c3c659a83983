package eventbridge_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/eventbridge"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

func TestDeliverSaysWhatCameOfIt(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{})
	r, err := n.Deliver(t.Context(), mackerel.Alert{Status: mackerel.StatusCritical, Message: "disk full"})
	if err != nil {
		t.Fatal(err)
	}
	e := last(t, s)
	if r.Provider != "eventbridge" || r.ID != e.ID || r.Attempts != 1 || r.Duration <= 0 || !r.Queued || len(r.Cuts) != 0 {
		t.Errorf("got %+v", r)
	}
	if e.Source != "mackerel.io" || e.DetailType != "Mackerel Alert" || len(e.Resources) != 0 || !e.Time.Equal(e.Received) {
		t.Errorf("put %+v", e)
	}
	if got := n.String(); got != "eventbridge bus default in ap-northeast-1" {
		t.Errorf("it is called %q", got)
	}
}

// The form of https://mackerel.io/docs/entry/howto/alerts/eventbridge.
func TestTheDetailOfMackerelsOwnEventComesOutAgain(t *testing.T) {
	body, err := os.ReadFile("../testdata/webhook/alert-eventbridge.json")
	if err != nil {
		t.Fatal(err)
	}
	a, err := mackerel.ParseWebhook(body)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	if err := newNotifier(t, s, eventbridge.Config{}).Notify(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if got, want := last(t, s).Detail, strings.TrimSpace(string(body)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTheDetailIsTheWebhookWithoutWhatEventsDoNotHave(t *testing.T) {
	a, err := mackerel.ParseWebhook([]byte(`{"orgName":"acme","event":"alert","type":"check","message":"LOG 7","memo":"x","user":null,
		"imageUrl":"https://example.com/x.png","host":{"id":"4H"},"future":[1.0],"alert":{"id":"5A","status":"critical"}}`))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{ResourceInfo: func(a mackerel.Alert) *eventbridge.ResourceInfo {
		if a.Host == nil {
			return nil
		}
		return &eventbridge.ResourceInfo{Service: "ec2", Region: "ap-northeast-1", ResourceType: "instance", ResourceID: "i-" + a.Host.ID}
	}})
	if err := n.Notify(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	const want = `{"orgName":"acme","event":"alert","message":"LOG 7","memo":"x","host":{"id":"4H"},"future":[1.0],` +
		`"alert":{"id":"5A","status":"critical"},"resourceInfo":{"service":"ec2","region":"ap-northeast-1","accountId":null,` +
		`"resourceType":"instance","resourceId":"i-4H"}}`
	if got := last(t, s).Detail; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := n.Notify(t.Context(), mackerel.Alert{Status: "ok", User: &mackerel.User{ScreenName: "hanako"}}); err != nil {
		t.Fatal(err)
	}
	d := detail(t, last(t, s))
	_, message := d["message"]
	_, info := d["resourceInfo"]
	if message || info || d["user"] == nil {
		t.Errorf("got %v", d)
	}
}

func TestAResourceThatIsKnownReplacesTheOneThatCame(t *testing.T) {
	a, err := mackerel.ParseWebhook([]byte(`{"event":"alert","resourceInfo":{"resourceId":"i-old"},"alert":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{})
	if _, err := n.Send(t.Context(), eventbridge.Message{Alert: a, ResourceInfo: &eventbridge.ResourceInfo{ResourceID: "i-new"}}); err != nil {
		t.Fatal(err)
	}
	if got := last(t, s).Detail; strings.Count(got, "resourceInfo") != 1 || !strings.Contains(got, "i-new") {
		t.Errorf("got %s", got)
	}
}

func TestTheConfigurationNamesBusSourceAndType(t *testing.T) {
	s := newServer(t)
	s.AddBus("alerts")
	for _, bus := range []string{"alerts", "arn:aws:events:ap-northeast-1:123456789012:event-bus/alerts"} {
		n := newNotifier(t, s, eventbridge.Config{EventBus: bus, Source: "com.example", DetailType: "Alert"})
		if err := n.Notify(t.Context(), mackerel.Alert{}); err != nil {
			t.Fatal(err)
		}
	}
	all := s.Events("alerts")
	if len(all) != 2 || all[0].Source != "com.example" || all[1].DetailType != "Alert" {
		t.Errorf("put %+v", all)
	}
}

func TestTheTimeIsThatOfTheLastChange(t *testing.T) {
	opened := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		a    mackerel.Alert
		want time.Time
	}{
		{mackerel.Alert{OpenedAt: opened}, opened},
		{mackerel.Alert{OpenedAt: opened, ClosedAt: opened.Add(time.Hour)}, opened.Add(time.Hour)},
		{mackerel.Alert{OpenedAt: opened, ChangedAt: opened.Add(1500 * time.Millisecond)}, opened.Add(1500 * time.Millisecond)},
	} {
		s := newServer(t)
		if err := newNotifier(t, s, eventbridge.Config{}).Notify(t.Context(), tt.a); err != nil {
			t.Fatal(err)
		}
		if got := last(t, s).Time; !got.Equal(tt.want) {
			t.Errorf("got %v, want %v", got, tt.want)
		}
	}
}

func TestAMessageFunctionHasItsWay(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{Source: "com.example", Message: func(a mackerel.Alert) (eventbridge.Message, error) {
		if a.Message == "" {
			return eventbridge.Message{}, errors.New("nothing to say")
		}
		m := eventbridge.DefaultMessage(a, mackerel.Text{})
		m.DetailType, m.Resources, m.Raw = "Mine", []string{"arn:aws:ec2:::i"}, []byte(`{"a": 1.0}`)
		return m, nil
	}})
	if err := n.Notify(t.Context(), mackerel.Alert{Message: "x"}); err != nil {
		t.Fatal(err)
	}
	e := last(t, s)
	if e.Source != "com.example" || e.DetailType != "Mine" || e.Resources[0] != "arn:aws:ec2:::i" || e.Detail != `{"a": 1.0}` {
		t.Errorf("put %+v", e)
	}
	if e := asError(t, n.Notify(t.Context(), mackerel.Alert{}), mackerel.ErrInvalid); !strings.Contains(e.Error(), "nothing to say") {
		t.Errorf("got %v", e)
	}
	for _, m := range []eventbridge.Message{
		{Source: "aws.ec2"}, {DetailType: strings.Repeat("a", 129)}, {Raw: []byte("[]")}, {Raw: []byte("null")}, {Raw: []byte("{")},
		{Raw: []byte(`{"a":"` + strings.Repeat("a", eventbridge.MaxEntry) + `"}`)},
	} {
		r, err := n.Send(t.Context(), m)
		wantKind(t, err, mackerel.ErrInvalid)
		if r.Attempts != 0 || r.Queued {
			t.Errorf("got %+v", r)
		}
	}
	if len(s.Requests()) != 1 {
		t.Error("an impossible event was sent")
	}
}

func TestAWarningIsSkippedWhereOnlyCriticalCounts(t *testing.T) {
	s := newServer(t)
	n := newNotifier(t, s, eventbridge.Config{Level: mackerel.LevelCritical})
	r, err := n.Deliver(t.Context(), mackerel.Alert{Status: "WARNING"})
	if err != nil || r.Skipped == "" || r.Queued || len(s.Requests()) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	p, err := n.Preview(mackerel.Alert{Status: "WARNING"})
	if err != nil || p.Skipped == "" {
		t.Errorf("previewed %+v, %v", p, err)
	}
}

func TestAnEntryThatFailedWithinA200IsAnError(t *testing.T) {
	for code, kind := range map[string]error{
		"ThrottlingException": mackerel.ErrRateLimited, "InternalFailure": mackerel.ErrUnavailable, "SomethingNew": mackerel.ErrUnavailable,
		"AccessDeniedException": mackerel.ErrUnauthorized, "NotAuthorizedForSourceException": mackerel.ErrUnauthorized,
		"NotAuthorizedForDetailTypeException": mackerel.ErrUnauthorized, "InvalidAccountIdException": mackerel.ErrInvalid,
		"InvalidArgument": mackerel.ErrInvalid, "MalformedDetail": mackerel.ErrInvalid, "RedactionFailure": mackerel.ErrInvalid,
	} {
		s := newServer(t)
		s.FailEntries(code)
		n := newNotifier(t, s, eventbridge.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
		r, err := n.Deliver(t.Context(), mackerel.Alert{})
		e := asError(t, err, kind)
		if e.Code != code || e.Message != "The entry failed." || e.Status != 200 || r.Queued || r.ID != "" {
			t.Errorf("%s: %#v, %+v", code, e, r)
		}
	}
}

func TestAnEntryThatIsThrottledIsPutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, delivery := range []mackerel.Delivery{mackerel.AtLeastOnce, mackerel.AtMostOnce} {
			s := eventbridgetest.NewServer()
			s.FailEntries("ThrottlingException", "InternalFailure")
			n := newNotifier(t, s, eventbridge.Config{Call: mackerel.CallOptions{Delivery: delivery}})
			r, err := n.Deliver(t.Context(), mackerel.Alert{})
			if err != nil || r.Attempts != 3 || len(s.Events(eventbridgetest.DefaultBus)) != 1 {
				t.Errorf("%+v, %v", r, err)
			}
			s.Close()
		}
	})
}

func TestWhatAWSAnswersWithA400HasItsOwnKind(t *testing.T) {
	for body, kind := range map[string]error{
		`{"__type":"ThrottlingException","message":"Rate exceeded"}`:                               mackerel.ErrRateLimited,
		`{"__type":"com.amazon.coral.availability#ThrottlingException","Message":"Rate exceeded"}`: mackerel.ErrRateLimited,
		`{"__type":"ThrottlingException:http://internal.amazon.com/","message":"Rate exceeded"}`:   mackerel.ErrRateLimited,
		`{"__type":"UnrecognizedClientException","message":"x"}`:                                   mackerel.ErrUnauthorized,
		`{"__type":"ExpiredTokenException","message":"x"}`:                                         mackerel.ErrUnauthorized,
		`{"__type":"AccessDeniedException","Message":"x"}`:                                         mackerel.ErrUnauthorized,
		`{"__type":"RequestTimeoutException"}`:                                                     mackerel.ErrUnavailable,
		`{"__type":"ResourceNotFoundException"}`:                                                   mackerel.ErrNotFound,
		`{"__type":"ValidationException","message":"x"}`:                                           mackerel.ErrInvalid,
		`{"__type":1}`:        mackerel.ErrInvalid,
		`<html>x</html>`:      mackerel.ErrInvalid,
		`{"message":"Hello"}`: mackerel.ErrInvalid,
	} {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 400, Body: body})
		n := newNotifier(t, s, eventbridge.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
		e := asError(t, n.Notify(t.Context(), mackerel.Alert{}), kind)
		if strings.ContainsAny(e.Code, "#:/") || e.Status != 400 {
			t.Errorf("%s: %#v", body, e)
		}
	}
}

func TestAnAnswerThatIsNotTheDocumentedOneIsAmbiguous(t *testing.T) {
	for _, body := range []string{
		"", "{}", "null", "[]", `{"FailedEntryCount":0}`, `{"FailedEntryCount":0,"Entries":[]}`, `{"Entries":[{"EventId":"1"}]}`,
		`{"FailedEntryCount":0,"Entries":[{}]}`, `{"FailedEntryCount":1,"Entries":[{"EventId":"1"}]}`, `{"FailedEntryCount":1,"Entries":[{}]}`,
		`{"FailedEntryCount":0,"Entries":[{"EventId":"1","ErrorCode":"X"}]}`, `{"FailedEntryCount":0,"Entries":[{"EventId":"1"},{"EventId":"2"}]}`,
		`{"FailedEntryCount":2,"Entries":[{"ErrorCode":"X"}]}`, `{"FailedEntryCount":"0","Entries":[{"EventId":"1"}]}`,
	} {
		s := newServer(t)
		s.Inject(fakehttp.Fault{Status: 200, Body: body})
		n := newNotifier(t, s, eventbridge.Config{Call: mackerel.CallOptions{MaxAttempts: 1}})
		r, err := n.Deliver(t.Context(), mackerel.Alert{})
		if wantKind(t, err, mackerel.ErrAmbiguous); r.ID != "" || r.Queued {
			t.Errorf("%s: %+v", body, r)
		}
	}
}
