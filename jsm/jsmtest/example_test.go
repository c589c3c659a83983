package jsmtest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/jsm/jsmtest"
)

// A program creates an alert with a message that is too long. The program here is a few lines of net/http.
func Example() {
	s := jsmtest.New()
	defer s.Close()

	for _, message := range []string{"disk full", strings.Repeat("disk full ", 14)} {
		body := `{"message":"` + message + `","alias":"disk"}`
		req, err := http.NewRequest(http.MethodPost, s.Config().BaseURL+"/alerts", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Header.Set("Authorization", "GenieKey "+jsmtest.APIKey)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	for _, a := range s.Alerts() {
		fmt.Println(a.Alias, a.Priority, a.Message)
	}
	// Output:
	// 202 Accepted
	// 422 Unprocessable Entity
	// disk P3 disk full
}
