package slacktest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// A program posts a host's name that nobody escaped. The program here is a line of net/http; yours gets the same URL.
func Example() {
	s := slacktest.NewServer()
	defer s.Close()

	resp, err := http.Post(s.WebhookURL(), "application/json", strings.NewReader(`{"text":"host <!channel> is down"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	fmt.Println(resp.Status, string(answer), err)
	fmt.Println(s.Messages()[0].Mentions())
	// Output:
	// 200 OK ok <nil>
	// [<!channel>]
}
