package fakehttp_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// A service that posts to a chat room is refused once, because it was too fast, and then let through.
func Example() {
	s := fakehttp.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fakehttp.WriteJSON(w, http.StatusOK, map[string]string{"message_id": "1"})
	}))
	defer s.Close()
	s.Inject(fakehttp.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"10"}}, Path: "/rooms/*/messages"})

	for range 2 {
		resp, err := http.Post(s.URL()+"/rooms/7/messages", "application/x-www-form-urlencoded", strings.NewReader("body=hello"))
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(resp.Status, resp.Header.Get("Retry-After"), string(body), err)
	}
	for _, r := range s.Requests() {
		fmt.Println(r.Method, r.Path, string(r.Body), r.Handled)
	}
	// Output:
	// 429 Too Many Requests 10  <nil>
	// 200 OK  {"message_id":"1"} <nil>
	// POST /rooms/7/messages body=hello false
	// POST /rooms/7/messages body=hello true
}
