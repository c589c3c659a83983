package services

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/mackereltest"
	"github.com/mackerel-notify/mackerel/receiver"
	"github.com/mackerel-notify/mackerel/route"
)

var bodies = flag.String("webhooks", "../../testdata/webhook", "a `directory` with bodies of webhooks, as *.json")

// Every body that Mackerel sent goes through the receiver and the groups to every service.
func TestBodiesOfWebhooksReachAllServices(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(*bodies, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bodies in %s: %v", *bodies, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { reachAll(t, string(body)) })
		})
	}
}

func reachAll(t *testing.T, body string) {
	org := mackereltest.New()
	t.Cleanup(org.Close)
	fakes := make(map[string]fake)
	notifiers := make(map[string]mackerel.Notifier)
	for _, name := range slices.Sorted(maps.Keys(services)) {
		notifiers[name], fakes[name] = services[name](t)
		org.AddChannel(fmt.Sprintf(`{"id":%q,"name":%q,"type":"slack","url":"https://example.com/","events":[
			"alert","alertGroup","hostStatus","hostRegister","hostRetire","monitor"]}`, name, name))
	}
	client, err := mackerel.NewClient(org.MemoryConfig())
	if err != nil {
		t.Fatal(err)
	}
	router, err := route.FromMackerel(route.MackerelConfig{
		Client: client, FeedingChannel: "feed",
		Resolve: func(c mackerel.Channel) (mackerel.Notifier, error) { return notifiers[c.ID], nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := receiver.New(receiver.Config{
		Notifier: router, Open: true,
		Undelivered: func(_ context.Context, _ mackerel.Alert, err error) { t.Errorf("not delivered: %v", err) },
		OnRequest: func(_ context.Context, r receiver.Request) {
			if r.Err != nil && !errors.Is(r.Err, mackerel.ErrOddMember) {
				t.Errorf("the request failed: %v", r.Err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := mackerel.ParseWebhook([]byte(body))
	if err != nil && !errors.Is(err, mackerel.ErrOddMember) {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)))
	if err := h.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if answer.Code != http.StatusOK && answer.Code != http.StatusAccepted {
		t.Errorf("the answer is %d", answer.Code)
	}
	if a.Event.ChannelEvent() == "" { // the sample, or an event that no channel subscribes to
		return
	}
	for name, f := range fakes {
		preview, err := notifiers[name].(notifier).Preview(a)
		if err != nil {
			t.Fatal(err)
		}
		if told := f.Accepted() > 0; told == (preview.Skipped != "") {
			t.Errorf("%s: told %t; skipped because %q", name, told, preview.Skipped)
		}
	}
}
