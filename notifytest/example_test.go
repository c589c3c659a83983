package notifytest_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

// pagerKey needs escaping in a URL, in JSON and in Go: what a library makes of it is still found.
const pagerKey = `page/r+"key"=1`

// TestPager is all that a notifier needs to be tried.
func TestPager(t *testing.T) { notifytest.Run(t, pagerHarness) }

func pagerHarness(testing.TB) notifytest.Harness {
	return notifytest.Harness{
		New: func(_ testing.TB, e notifytest.Env) mackerel.Notifier {
			return &Pager{
				BaseURL: e.BaseURL, Key: mackerel.NewSecret(pagerKey),
				Client: e.Client, Delivery: e.Delivery, MaxAttempts: e.MaxAttempts,
			}
		},
		Fake:    &fakePager{key: pagerKey},
		Secrets: []string{pagerKey},
	}
}

// Run does this with a harness, many times. In a test it is one line:
//
//	func TestPager(t *testing.T) { notifytest.Run(t, pagerHarness) }
func Example() {
	h := pagerHarness(nil)
	server := httptest.NewServer(h.Fake)
	defer server.Close()
	n := h.New(nil, notifytest.Env{BaseURL: server.URL, Client: server.Client(), MaxAttempts: 1})
	err := n.Notify(context.Background(), mackerel.Alert{Status: mackerel.StatusCritical, Message: "backup failed"})
	fmt.Println(err, h.Fake.(*fakePager).Accepted())
	// Output: <nil> 1
}
