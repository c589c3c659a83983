package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
	"github.com/nikoksr/notify"
	notifyhttp "github.com/nikoksr/notify/service/http"
	amalert "github.com/prometheus/alertmanager/alert"
	amconfig "github.com/prometheus/alertmanager/config/common"
	amnotify "github.com/prometheus/alertmanager/notify"
	amwebhook "github.com/prometheus/alertmanager/notify/webhook"
	amtemplate "github.com/prometheus/alertmanager/template"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// rivals are others' ways to send. Each posts JSON of its own with the same title and text, which it gets ready-made.
var rivals = []subject{
	{"go-retryablehttp", openRetryable},
	{"nikoksr/notify", openNikoksr},
	{"shoutrrr", openShoutrrr},
	{"alertmanager webhook", openAlertmanager},
}

// openRetryable posts the JSON of this module's webhook, prepared.
func openRetryable(base string) (send, error) {
	n, err := newWebhook(base, 1, fast)
	if err != nil {
		return nil, err
	}
	preview, err := n.Preview(alert())
	if err != nil {
		return nil, err
	}
	client := retryablehttp.NewClient()
	client.Logger = nil // it writes each request to the standard error
	body := []byte(preview.Requests[0].Body)
	return func(ctx context.Context) error {
		req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, base+"/webhook/retryable", body)
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
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
	}, nil
}

// openNikoksr sets the headers that AddReceiversURLs leaves out. Each call adds those that are missing to a map that all
// calls share, so that the first calls end the program with "concurrent map writes" if they run at the same time.
func openNikoksr(base string) (send, error) {
	service := notifyhttp.New()
	service.AddReceivers(&notifyhttp.Webhook{
		URL: base + "/webhook/nikoksr", Method: http.MethodPost, ContentType: "application/json; charset=utf-8",
		Header: http.Header{
			"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"notify/" + notify.Version},
		},
		BuildPayload: func(subject, message string) any {
			return map[string]string{"subject": subject, "message": message}
		},
	})
	n := notify.New()
	n.UseServices(service)
	title, text := alert().Title(), alert().Message
	return func(ctx context.Context) error { return n.Send(ctx, title, text) }, nil
}

// openShoutrrr opens its generic service, which posts with http.DefaultClient and takes no context.
func openShoutrrr(base string) (send, error) {
	scheme, host, _ := strings.Cut(base, "://")
	service := "generic://" + host + "/webhook/shoutrrr?template=json"
	if scheme == "http" {
		service += "&disabletls=yes"
	}
	sender, err := shoutrrr.NewSender(log.New(io.Discard, "", 0), service)
	if err != nil {
		return nil, err
	}
	title, text := alert().Title(), alert().Message
	return func(context.Context) error {
		return errors.Join(sender.Send(text, &types.Params{"title": title})...)
	}, nil
}

// openAlertmanager opens the notifier of alertmanager without the stages before it, which group and repeat.
func openAlertmanager(base string) (send, error) {
	http := commonconfig.DefaultHTTPClientConfig
	config := &amwebhook.WebhookConfig{
		HTTPConfig: &http, URL: amconfig.SecretTemplateURL(base + "/webhook/alertmanager"),
	}
	template, err := amtemplate.FromGlobs(nil)
	if err != nil {
		return nil, err
	}
	template.ExternalURL = &url.URL{Scheme: "http", Host: "alertmanager.example.com"}
	n, err := amwebhook.New(config, template, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	a := alert()
	labels := model.LabelSet{"alertname": "CPU %", "host": "app01", "severity": model.LabelValue(a.Status)}
	annotations := model.LabelSet{
		"title": model.LabelValue(a.Title()), "description": model.LabelValue(a.Message),
	}
	firing := amalert.New(model.Alert{
		Labels: labels, Annotations: annotations, StartsAt: a.OpenedAt, GeneratorURL: a.URL,
	}, a.OpenedAt, false)
	return func(ctx context.Context) error {
		ctx = amnotify.WithReceiverName(ctx, "benchmark")
		ctx = amnotify.WithGroupLabels(ctx, labels)
		ctx = amnotify.WithGroupKey(ctx, "benchmark")
		verdict := n.Notify(ctx, firing)
		return verdict.Err()
	}, nil
}
