package eventbridgetest_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

var credentials = aws.Credentials{
	AccessKeyID: eventbridgetest.AccessKeyID, SecretAccessKey: eventbridgetest.SecretAccessKey, SessionToken: eventbridgetest.SessionToken,
}

// An answer is all that the fake may answer with.
type answer struct {
	status           int
	Type             string `json:"__type"`
	Message          string `json:"message"`
	FailedEntryCount int
	Entries          []struct{ EventID, ErrorCode, ErrorMessage string }
}

// A put is one request, with what may be changed before and after it is signed by the SDK's signer.
type put struct {
	body          string
	before, after func(*http.Request)
	region        string        // Region unless set
	age           time.Duration // of the signature
}

func (p put) send(t *testing.T, s *eventbridgetest.Server) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fakehttp.MemoryURL+"/", strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	if p.before != nil {
		p.before(r)
	}
	sum := sha256.Sum256([]byte(p.body))
	hash, region, at := hex.EncodeToString(sum[:]), cmp.Or(p.region, eventbridgetest.Region), time.Now().Add(-p.age)
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hash, "events", region, at); err != nil {
		t.Fatal(err)
	}
	if p.after != nil {
		p.after(r)
	}
	answered := servicetest.Do(t, s.Client(), r)
	a := answer{status: answered.Status}
	if err := json.Unmarshal([]byte(answered.Body), &a, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%s: %v", answered.Body, err)
	}
	if got := answered.Header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
		t.Errorf("Content-Type %q", got)
	}
	return a
}

const (
	whole = `{"Source":"com.example","DetailType":"Test","Detail":"{\"a\":1}","Time":1767225600.5,"Resources":["arn:x"],"TraceHeader":"Root=1"}`
	one   = `{"Entries":[` + whole + `]}`
)

func TestAnEventIsPutAndKept(t *testing.T) {
	s := servicetest.Start(t, eventbridgetest.New())
	a := put{body: one}.send(t, s)
	events := s.Events(eventbridgetest.DefaultBus)
	if a.status != 200 || a.FailedEntryCount != 0 || len(a.Entries) != 1 || len(events) != 1 {
		t.Fatalf("%+v, %+v", a, events)
	}
	e := events[0]
	if a.Entries[0].EventID != e.ID || e.ID == "" || e.Source != "com.example" || e.DetailType != "Test" || e.Detail != `{"a":1}` || e.Resources[0] != "arn:x" {
		t.Errorf("kept %+v", e)
	}
	if want := time.Date(2026, 1, 1, 0, 0, 0, 500_000_000, time.UTC); !e.Time.Equal(want) || e.Received.IsZero() {
		t.Errorf("kept %v, %v", e.Time, e.Received)
	}
}

func TestTheSignatureMustBeRight(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	deleted := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Del(name) }
	}
	for name, tt := range map[string]struct {
		put
		code string
	}{
		"none":                {put{after: deleted("Authorization")}, "MissingAuthenticationTokenException"},
		"without a date":      {put{after: deleted("X-Amz-Date")}, "IncompleteSignatureException"},
		"half of one":         {put{after: set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b")}, "IncompleteSignatureException"},
		"for another region":  {put{region: "us-east-1"}, "InvalidSignatureException"},
		"too old":             {put{age: 6 * time.Minute}, "InvalidSignatureException"},
		"too new":             {put{age: -6 * time.Minute}, "InvalidSignatureException"},
		"of another token":    {put{after: set("X-Amz-Security-Token", "x")}, "UnrecognizedClientException"},
		"without this header": {put{after: set("X-Amz-Meta", "x")}, "InvalidSignatureException"},
		"changed":             {put{after: func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")+"0") }}, "InvalidSignatureException"},
		"of another host":     {put{after: func(r *http.Request) { r.Host = "other.test" }}, "InvalidSignatureException"},
		"of another body":     {put{after: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(one[:len(one)-1] + " ")) }}, "InvalidSignatureException"},
		"of another key's id": {put{after: func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AKID", "AKIX", 1))
		}}, "UnrecognizedClientException"},
		"for another endpoint": {put{before: set("X-Amz-Target", "AWSEvents.PutRule")}, "UnknownOperationException"},
		"for a query":          {put{before: func(r *http.Request) { r.URL.RawQuery = "a=b" }}, "UnknownOperationException"},
		"for another path":     {put{before: func(r *http.Request) { r.URL.Path = "/x" }}, "UnknownOperationException"},
		"for another method":   {put{before: func(r *http.Request) { r.Method = http.MethodPut }}, "UnknownOperationException"},
		"for another type":     {put{before: set("Content-Type", "application/json")}, "SerializationException"},
	} {
		s := servicetest.Start(t, eventbridgetest.New())
		tt.body = one
		if a := tt.send(t, s); a.status != http.StatusBadRequest || a.Type != tt.code || a.Message == "" || len(s.Events("default")) != 0 {
			t.Errorf("%s: %+v, want %s", name, a, tt.code)
		}
	}
}

func TestTheRequestMustBeOneOfPutEvents(t *testing.T) {
	entries := func(all ...string) string { return `{"Entries":[` + strings.Join(all, ",") + `]}` }
	many := func(n int) string {
		return entries(strings.Split(strings.Repeat(whole+";", n)[:n*(len(whole)+1)-1], ";")...)
	}
	sized := func(n int) string {
		rest := len("SourceType") + len(`{"a":""}`)
		return entries(`{"Source":"Source","DetailType":"Type","Detail":"{\"a\":\"` + strings.Repeat("a", n-rest) + `\"}"}`)
	}
	for name, tt := range map[string]struct{ body, code string }{
		"no JSON":                 {"{", "SerializationException"},
		"an unknown member":       {entries(`{"Source":"a","Detial":"b"}`), "SerializationException"},
		"a member twice":          {entries(`{"Source":"a","Source":"b"}`), "SerializationException"},
		"a detail that is JSON":   {entries(`{"Source":"a","DetailType":"b","Detail":{}}`), "SerializationException"},
		"a time in words":         {entries(`{"Source":"a","DetailType":"b","Detail":"{}","Time":"2026-01-01T00:00:00Z"}`), "SerializationException"},
		"no entries":              {entries(), "ValidationException"},
		"eleven entries":          {many(11), "ValidationException"},
		"a global endpoint":       {`{"EndpointId":"abcde.veo",` + one[1:], "ValidationException"},
		"no entry that is whole":  {entries(`{"Source":"a","DetailType":"b"}`, `{"Detail":"{}"}`), "ValidationException"},
		"as large as the limit":   {sized(1_000_000), "ValidationException"},
		"a byte below the limit":  {sized(999_999), ""},
		"ten entries":             {many(10), ""},
		"only what must be there": {entries(`{"Source":"a","DetailType":"b","Detail":"{}"}`), ""},
	} {
		status := 200
		if tt.code != "" {
			status = 400
		}
		s := servicetest.Start(t, eventbridgetest.New())
		s.Strict(true)
		if a := (put{body: tt.body}).send(t, s); a.status != status || a.Type != tt.code || a.FailedEntryCount != 0 {
			t.Errorf("%s: %+v, want %q", name, a, tt.code)
		}
	}
}

func TestUnknownMembersAreIgnoredUnlessTheFakeIsStrict(t *testing.T) {
	s := servicetest.Start(t, eventbridgetest.New())
	a := put{body: `{"New":1,"EndpointId":null,"Entries":[{"Source":"a","DetailType":"b","Detail":"{}","New":{},"Resources":null}]}`}.send(t, s)
	if a.status != http.StatusOK || s.Accepted() != 1 {
		t.Errorf("%+v", a)
	}
}

func TestSessionTokensAreAddedAndRevoked(t *testing.T) {
	s := servicetest.Start(t, eventbridgetest.New())
	s.RevokeToken(eventbridgetest.SessionToken)
	if a := (put{body: one}).send(t, s); a.Type != "UnrecognizedClientException" {
		t.Errorf("%+v", a)
	}
	s.AddToken(eventbridgetest.SessionToken)
	if a := (put{body: one}).send(t, s); a.status != http.StatusOK {
		t.Errorf("%+v", a)
	}
}

func TestTheRateIsLimitedIfToldTo(t *testing.T) {
	s := servicetest.Start(t, eventbridgetest.New())
	now := time.Now()
	s.SetClock(func() time.Time { return now })
	s.Documented()
	for range 1200 {
		if a := s.Take("requests", ""); !a.OK {
			t.Fatalf("%+v", a)
		}
	}
	if a := (put{body: one}).send(t, s); a.status != http.StatusBadRequest || a.Type != "ThrottlingException" {
		t.Errorf("%+v", a)
	}
	s.Advance(time.Second)
	if a := (put{body: one}).send(t, s); a.status != http.StatusOK {
		t.Errorf("%+v", a)
	}
}

func TestAnEntryFailsByItself(t *testing.T) {
	for entry, code := range map[string]string{
		`{"DetailType":"b","Detail":"{}"}`:                                                                                     "InvalidArgument",
		`{"Source":"a","Detail":"{}"}`:                                                                                         "InvalidArgument",
		`{"Source":"a","DetailType":"b"}`:                                                                                      "InvalidArgument",
		`{"Source":"aws.ec2","DetailType":"b","Detail":"{}"}`:                                                                  "NotAuthorizedForSourceException",
		`{"Source":"a","DetailType":"b","Detail":"[]"}`:                                                                        "MalformedDetail",
		`{"Source":"a","DetailType":"b","Detail":"{\"a\":1,\"a\":2}"}`:                                                         "MalformedDetail",
		`{"Source":"a","DetailType":"b","Detail":"x"}`:                                                                         "MalformedDetail",
		`{"Source":"a","DetailType":"b","Detail":"{}","EventBusName":"a b"}`:                                                   "InvalidArgument",
		`{"Source":"a","DetailType":"` + strings.Repeat("障", 129) + `","Detail":"{}"}`:                                         "InvalidArgument",
		`{"Source":"a","DetailType":"` + strings.Repeat("障", 128) + `","Detail":"{}"}`:                                         "",
		`{"Source":"a","DetailType":"b","Detail":"{}","EventBusName":"no-such-bus"}`:                                           "",
		`{"Source":"a","DetailType":"b","Detail":"{}","EventBusName":"arn:aws-cn:events:cn-north-1:123456789012:event-bus/x"}`: "",
	} {
		s := servicetest.Start(t, eventbridgetest.New())
		a := put{body: `{"Entries":[` + entry + "," + whole + `]}`}.send(t, s)
		if a.status != 200 || len(a.Entries) != 2 || a.Entries[0].ErrorCode != code || a.Entries[1].EventID == "" {
			t.Errorf("%s: %+v, want %q", entry, a, code)
			continue
		}
		failed := a.Entries[0].EventID == ""
		if failed != (code != "") || a.FailedEntryCount != map[bool]int{true: 1}[failed] {
			t.Errorf("%s: %+v", entry, a)
		}
	}
}

func TestAnEventForABusThatDoesNotExistIsAcceptedAndDropped(t *testing.T) {
	s := servicetest.Start(t, eventbridgetest.New())
	body := `{"Entries":[{"Source":"a","DetailType":"b","Detail":"{}","EventBusName":"alerts"}]}`
	for range 2 {
		if a := (put{body: body}).send(t, s); a.status != 200 || a.FailedEntryCount != 0 || a.Entries[0].EventID == "" {
			t.Errorf("%+v", a)
		}
		s.AddBus("alerts")
	}
	if len(s.Events("alerts")) != 1 || len(s.Events("default")) != 0 || s.Events("other") != nil {
		t.Errorf("kept %+v", s.Events("alerts"))
	}
}
