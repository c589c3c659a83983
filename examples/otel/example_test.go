package otel_test

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/examples/otel"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/slack"
	"github.com/mackerel-notify/mackerel/slack/slacktest"
)

// Two attempts become two spans, which do not have the path of the webhook. Slack is a fake here.
func ExampleClient() {
	fake := slacktest.New()
	defer fake.Close()
	fake.Inject(fakehttp.Fault{Status: 503})
	spans := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(spans))

	config := fake.MemoryConfig() // in your program: slack.Config{URL: mackerel.NewSecret(os.Getenv("SLACK_WEBHOOK_URL"))}
	config.Call.Client = otel.Client(fake.Client().Transport, otelhttp.WithTracerProvider(provider))
	n, err := slack.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(n.Notify(context.Background(), mackerel.Alert{Message: "disk full"}), fake.Accepted())

	secret := config.URL.Reveal()[strings.Index(config.URL.Reveal(), "/services/"):]
	for _, span := range spans.GetSpans() {
		for _, a := range span.Attributes {
			if a.Key == "url.full" || a.Key == "http.response.status_code" {
				fmt.Println(span.Name, a.Key, a.Value.Emit())
			}
		}
		fmt.Println("the secret is in the span:", strings.Contains(fmt.Sprintf("%+v", span), secret))
	}
	// Output:
	// <nil> 1
	// HTTP POST url.full http://fake.test
	// HTTP POST http.response.status_code 503
	// the secret is in the span: false
	// HTTP POST url.full http://fake.test
	// HTTP POST http.response.status_code 200
	// the secret is in the span: false
}
