package slacktest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// A program posts the name of a host without escaping it. The program here is a line of net/http.
func Example() {
	s := slacktest.New()
	defer s.Close()

	resp, err := http.Post(s.Config().URL.Reveal(), "application/json", strings.NewReader(`{"text":"host <!channel> is down"}`))
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
