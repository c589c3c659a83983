package eventbridgetest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
)

// What is sent without the right signature is refused, as by AWS.
func Example() {
	s := eventbridgetest.NewServer()
	defer s.Close()
	r, err := http.NewRequest(http.MethodPost, s.URL(), strings.NewReader(`{"Entries":[]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body), err)
	fmt.Println(len(s.Events(eventbridgetest.DefaultBus)), "events")
	// Output:
	// 400 {"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"} <nil>
	// 0 events
}
