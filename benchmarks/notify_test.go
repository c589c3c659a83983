package benchmarks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/internal/sample"
	"github.com/mackerel-notify/mackerel/webhook"
)

// notifier is what every notifier of this module is.
type notifier interface {
	mackerel.Notifier
	mackerel.Previewer
}

// BenchmarkNotify compares Notify with net/http posting the same prepared request. Notify checks and renders the alert,
// posts it and judges the answer.
func BenchmarkNotify(b *testing.B) {
	base := startServer(b)
	made, received := sample.Alerts()[0].Alert, receivedAlert(b)
	for _, row := range []struct {
		name     string
		notifier notifier
		alert    mackerel.Alert
		address  string
	}{
		{"chatwork", newChatwork(b, base), made, base + "/v2/rooms/1/messages"},
		{"webhook", newWebhook(b, base), made, base},
		{"webhook-received", newWebhook(b, base), received, base},
		{"webhook-signed", newWebhook(b, base, mackerel.NewSecret(signingSecret)), made, base},
	} {
		raw := rawPost(b, row.notifier, row.alert, row.address)
		notify := func() error { return row.notifier.Notify(context.Background(), row.alert) }
		b.Run(row.name+"/goroutines=1", func(b *testing.B) {
			compare(b, 16, 1, candidate{"notify", notify}, candidate{"raw", raw})
		})
		b.Run(row.name+"/goroutines=64", func(b *testing.B) {
			compare(b, 8, 64, candidate{"notify", parallel(64, notify)}, candidate{"raw", parallel(64, raw)})
		})
	}
}

func newChatwork(b *testing.B, base string) notifier {
	b.Helper()
	n, err := chatwork.New(chatwork.Config{
		Token: mackerel.NewSecret("benchmark-token"), RoomID: 1, BaseURL: base,
		Call: mackerel.CallOptions{Pace: mackerel.Unpaced}, // at its own pace the benchmark would take hours
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// signingSecret is any secret of Standard Webhooks.
const signingSecret = "whsec_YmVuY2htYXJrcyBzaWduaW5nIHNlY3JldCBuby4gMQ=="

func newWebhook(b *testing.B, base string, signingSecrets ...mackerel.Secret) notifier {
	b.Helper()
	n, err := webhook.New(webhook.Config{URL: mackerel.NewSecret(base), SigningSecrets: signingSecrets})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// receivedAlert returns an alert that was received from a webhook of Mackerel's.
func receivedAlert(b *testing.B) mackerel.Alert {
	b.Helper()
	body, err := os.ReadFile("../testdata/webhook/alert-host.json")
	if err != nil {
		b.Fatal(err)
	}
	a, err := mackerel.ParseWebhook(body)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// rawPost returns what a careful program does by hand: a post with a timeout, whose answer is read to the end. Body and
// Content-Type are those that the notifier sends.
func rawPost(b *testing.B, n mackerel.Previewer, a mackerel.Alert, address string) func() error {
	b.Helper()
	p, err := n.Preview(a)
	if err != nil {
		b.Fatal(err)
	}
	body, contentType := []byte(p.Requests[0].Body), p.Requests[0].Header.Get("Content-Type")
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	b.Cleanup(client.CloseIdleConnections)
	return func() error {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("X-ChatWorkToken", "benchmark-token")
		req.Header.Set("Content-Type", contentType)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.ReadAll(resp.Body); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		return nil
	}
}

// parallel returns a run of f in so many goroutines at once.
func parallel(goroutines int, f func() error) func() error {
	return func() error {
		errs := make([]error, goroutines)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = f() })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
}
