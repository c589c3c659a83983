package eventbridgetest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
)

// A request without a signature is refused, as by AWS.
func Example() {
	s := eventbridgetest.New()
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
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	fmt.Println(resp.StatusCode, string(body), err)
	fmt.Println(len(s.Events(eventbridgetest.DefaultBus)), "events")
	// Output:
	// 400 {"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"} <nil>
	// 0 events
}
