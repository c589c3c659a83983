package pagerdutytest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/pagerduty/pagerdutytest"
)

// A program triggers and resolves an event. The program here is a few lines of net/http.
func Example() {
	s := pagerdutytest.New()
	defer s.Close()

	for _, rest := range []string{
		`"event_action":"trigger","dedup_key":"disk","payload":{"summary":"disk full","source":"app01","severity":"critical"}`,
		`"event_action":"resolve","dedup_key":"disk"`,
		`"event_action":"resolve"`,
	} {
		body := `{"routing_key":"` + pagerdutytest.RoutingKey + `",` + rest + `}`
		resp, err := http.Post(s.Config().BaseURL+"/enqueue", "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	for _, i := range s.Incidents(pagerdutytest.RoutingKey) {
		fmt.Println(i.Key, i.Status, i.Events[0].Payload.Summary)
	}
	// Output:
	// 202 Accepted
	// 202 Accepted
	// 400 Bad Request
	// disk resolved disk full
}
