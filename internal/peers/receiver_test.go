package peers

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-resty/resty/v2"
	"github.com/hashicorp/go-retryablehttp"
	notifyhttp "github.com/nikoksr/notify/service/http"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
)

const (
	receiverUser     = "mackerel"
	receiverPassword = "receiver-p4ss"
)

// receiverBasic is the header with the user and a password.
func receiverBasic(password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(receiverUser+":"+password))
}

// An inbox is a notifier that keeps alerts. It fails with err while that is set.
type inbox struct {
	mu     sync.Mutex
	alerts []mackerel.Alert
	err    error
}

// Notify implements [mackerel.Notifier].
func (i *inbox) Notify(_ context.Context, a mackerel.Alert) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return i.err
	}
	i.alerts = append(i.alerts, a)
	return nil
}

func (i *inbox) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

func (i *inbox) all() []mackerel.Alert {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.alerts
}

// newReceiver returns the address of a receiver, and the notifier that it passes alerts to.
func newReceiver(t *testing.T) (string, *inbox) {
	t.Helper()
	in := new(inbox)
	h, err := receiver.New(receiver.Config{
		Notifier: in, User: mackerel.NewSecret(receiverUser), Password: mackerel.NewSecret(receiverPassword),
	})
	s := httptest.NewServer(must(t, h, err))
	t.Cleanup(s.Close)
	return s.URL, in
}

// A receiverSend posts a body and returns the status of the last answer.
type receiverSend func(address, contentType, password string, body []byte) (int, error)

// receiverPeers are HTTP clients that programs use to send webhooks on. Each repeats what may be repeated.
func receiverPeers(t *testing.T) map[string]receiverSend {
	t.Helper()
	return map[string]receiverSend{
		"resty": func(address, contentType, password string, body []byte) (int, error) {
			client := resty.New().SetDisableWarn(true).SetRetryCount(2).
				SetRetryWaitTime(time.Millisecond).SetRetryMaxWaitTime(time.Millisecond)
			client.AddRetryCondition(func(r *resty.Response, _ error) bool { return r.StatusCode() >= 500 })
			answer, err := client.R().SetContext(t.Context()).SetBasicAuth(receiverUser, password).
				SetHeader("Content-Type", contentType).SetBody(body).Post(address)
			return answer.StatusCode(), err
		},
		"retryablehttp": func(address, contentType, password string, body []byte) (int, error) {
			client := retryablehttp.NewClient()
			client.Logger, client.RetryMax, client.ErrorHandler = nil, 2, retryablehttp.PassthroughErrorHandler
			client.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return time.Millisecond }
			request, err := retryablehttp.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
			if err != nil {
				return 0, err
			}
			request.Header.Set("Content-Type", contentType)
			request.SetBasicAuth(receiverUser, password)
			return receiverStatus(client.Do(request))
		},
		"net/http, chunked": func(address, contentType, password string, body []byte) (int, error) {
			unsized := struct{ io.Reader }{bytes.NewReader(body)} // so that the request has no Content-Length
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, unsized)
			if err != nil {
				return 0, err
			}
			request.Header.Set("Content-Type", contentType)
			request.SetBasicAuth(receiverUser, password)
			return receiverStatus(clientTo(t, address).Do(request))
		},
	}
}

func receiverStatus(r *http.Response, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return r.StatusCode, r.Body.Close()
}

// webhookFiles returns the bodies of Mackerel that the module's own tests use.
func webhookFiles(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("../../testdata/webhook/*.json")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d files: %v", len(names), err)
	}
	files := make(map[string][]byte)
	for _, name := range names {
		body, err := os.ReadFile(name)
		files[filepath.Base(name)] = must(t, body, err)
	}
	return files
}

func TestReceiverTakesWebhooksFromHTTPClients(t *testing.T) {
	for name, send := range receiverPeers(t) {
		t.Run(name, func(t *testing.T) {
			address, in := newReceiver(t)
			files := webhookFiles(t)
			for file, body := range files {
				status, err := send(address, "application/json", receiverPassword, body)
				if err != nil || status != http.StatusOK {
					t.Errorf("%s: %d %v", file, status, err)
				}
			}
			count(t, "alerts", in.all(), len(files))
			for _, a := range in.all() {
				body, err := a.MarshalJSON()
				if err != nil || a.Event == "" {
					t.Errorf("%s: %v", body, err)
				}
			}
		})
	}
}

func TestReceiverTellsHTTPClientsWhatIsWrong(t *testing.T) {
	body := []byte(`{"event":"sample","message":"x"}`)
	for name, send := range receiverPeers(t) {
		t.Run(name, func(t *testing.T) {
			address, in := newReceiver(t)
			for what, c := range map[string]struct {
				contentType, password string
				body                  []byte
				status                int
			}{
				"a wrong password": {"application/json", "wrong", body, http.StatusUnauthorized},
				"no JSON":          {"application/json", receiverPassword, []byte("disk full"), http.StatusBadRequest},
				"a form": {
					"application/x-www-form-urlencoded", receiverPassword, []byte("a=b"), http.StatusUnsupportedMediaType,
				},
				"a body of 2 MiB": {
					"application/json", receiverPassword, []byte(`{"message":"` + strings.Repeat("x", 2<<20) + `"}`),
					http.StatusRequestEntityTooLarge,
				},
			} {
				status, err := send(address, c.contentType, c.password, c.body)
				if err != nil || status != c.status {
					t.Errorf("%s: %d %v, want %d", what, status, err, c.status)
				}
			}
			count(t, "alerts", in.all(), 0)
		})
	}
}

// A client that repeats what is answered with 503 gets the alert through, once.
func TestReceiverIsAskedAgainByHTTPClients(t *testing.T) {
	for name, send := range receiverPeers(t) {
		if strings.HasPrefix(name, "net/http") {
			continue // it repeats nothing
		}
		t.Run(name, func(t *testing.T) {
			in := new(inbox)
			tries := 0
			flaky := mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
				if tries++; tries < 3 {
					return &mackerel.Error{Kind: mackerel.ErrUnavailable, Err: errors.New("away")}
				}
				return in.Notify(ctx, a)
			})
			h, err := receiver.New(receiver.Config{Notifier: flaky, Open: true})
			s := httptest.NewServer(must(t, h, err))
			t.Cleanup(s.Close)
			body := fmt.Appendf(nil, `{"event":"sample","message":%q}`, name)
			status, err := send(s.URL, "application/json", "", body)
			if err != nil || status != http.StatusOK {
				t.Errorf("%d %v", status, err)
			}
			equal(t, "tries", tries, 3)
			count(t, "alerts", in.all(), 1)
		})
	}
}

// The two libraries for notifications send the form of Mackerel's sample if they are told its members.
func TestReceiverTakesWebhooksFromLibraries(t *testing.T) {
	eachShoutrrr(t, func(t *testing.T, send shoutrrrSend) {
		address, in := newReceiver(t)
		host := strings.TrimPrefix(address, "http://")
		auth := func(password string) string { return "@Authorization=" + url.QueryEscape(receiverBasic(password)) }
		query := "/?disabletls=yes&template=json&$event=sample&"
		if err := send("generic://"+host+query+auth(receiverPassword), "disk full"); err != nil {
			t.Fatal(err)
		}
		count(t, "alerts", in.all(), 1)
		equal(t, "event", in.all()[0].Event, mackerel.EventSample)
		equal(t, "message", in.all()[0].Message, "disk full")
		refused(t, send("generic://"+host+query+auth("wrong"), "disk full"), "401")
	})
	t.Run("notify", func(t *testing.T) {
		address, in := newReceiver(t)
		send := func(password string) error {
			service := notifyhttp.New()
			service.AddReceivers(&notifyhttp.Webhook{
				URL: address, Method: http.MethodPost, ContentType: "application/json; charset=utf-8",
				Header:       http.Header{"Authorization": {receiverBasic(password)}},
				BuildPayload: func(_, message string) any { return map[string]string{"event": "sample", "message": message} },
			})
			return notifySend(t, service)
		}
		if err := send(receiverPassword); err != nil {
			t.Fatal(err)
		}
		count(t, "alerts", in.all(), 1)
		equal(t, "message", in.all()[0].Message, "app01 98 %")
		refused(t, send("wrong"), "401")
	})
}
