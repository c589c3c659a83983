package teamstest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/teams/teamstest"
)

// A program still posts the MessageCards of the retired connectors, and is told that all is well. The program here is a
// line of net/http.
func Example() {
	s := teamstest.New()
	defer s.Close()

	resp, err := http.Post(s.Config().URL.Reveal(), "application/json", strings.NewReader(`{"@type":"MessageCard","text":"disk full"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	fmt.Println(len(s.Cards()), s.Runs()[0].Problem)
	// Output:
	// 202 Accepted
	// 0 ExpressionEvaluationFailed: the 'foreach' expression is of type 'Null'
}
