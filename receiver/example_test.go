package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
)

// Mackerel's Test button sends a sample to a server on loopback. The URL of the channel would be
// http://127.0.0.1/hooks/Gx2vT9kQ here.
func Example() {
	h, err := receiver.New(receiver.Config{
		Notifier: mackerel.NotifierFunc(func(_ context.Context, a mackerel.Alert) error {
			fmt.Println(a.Event+":", a.Message)
			return nil
		}),
		Path: mackerel.NewSecret("/hooks/Gx2vT9kQ"),
		Undelivered: func(_ context.Context, a mackerel.Alert, err error) {
			fmt.Println(a.Title(), "was not delivered:", err)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(h)

	body := `{"event":"sample","message":"Sample Notification from Mackerel","imageUrl":null}`
	for _, path := range []string{"/hooks/Gx2vT9kQ", "/hooks/guess"} {
		resp, err := http.Post(server.URL+path, "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = resp.Body.Close()
		fmt.Println(resp.Status)
	}

	server.Close() // of an http.Server: Shutdown
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := h.Drain(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// sample: Sample Notification from Mackerel
	// 200 OK
	// 404 Not Found
}
