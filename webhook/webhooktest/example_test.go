package webhooktest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/webhook/webhooktest"
)

func Example() {
	s := webhooktest.New()
	defer s.Close()
	resp, err := http.Post(s.Config().URL.Reveal(), "application/json", strings.NewReader(`{"event":"sample","message":"hello"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode, s.Deliveries()[0].Alert.Message)
	// Output: 204 hello
}
