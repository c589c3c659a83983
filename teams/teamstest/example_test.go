package teamstest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

// A program still posts what the connectors of old took. The program here is a line of net/http; yours gets the same
// URL. It is told that all is well.
func Example() {
	s := teamstest.NewServer()
	defer s.Close()

	resp, err := http.Post(s.WebhookURL(), "application/json", strings.NewReader(`{"@type":"MessageCard","text":"disk full"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	fmt.Println(len(s.Cards()), s.Runs()[0].Problem)
	// Output:
	// 202 Accepted
	// 0 ExpressionEvaluationFailed: the 'foreach' expression is of type 'Null', it must be an array
}
