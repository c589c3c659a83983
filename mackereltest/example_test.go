package mackereltest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

// A program registers a channel, and Mackerel is down for a moment. The program here is three lines of net/http; yours
// gets the same URL and the same key.
func Example() {
	s := mackereltest.New()
	defer s.Close()
	s.Inject(fakehttp.Fault{Status: http.StatusServiceUnavailable})

	for range 2 {
		req, err := http.NewRequest(http.MethodPost, s.URL()+"/api/v0/channels",
			strings.NewReader(`{"type":"webhook","name":"ops","url":"https://hook.example.com/","events":["alert"]}`))
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header.Set("X-Api-Key", mackereltest.APIKey)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	for _, c := range s.Channels() {
		fmt.Printf("%s\n", c)
	}
	// Output:
	// 503 Service Unavailable
	// 200 OK
	// {"id":"4XVr2TY9KMc","name":"ops","type":"webhook","suspendedAt":null,"url":"https://hook.example.com/","enabledGraphImage":false,"events":["alert"]}
}
