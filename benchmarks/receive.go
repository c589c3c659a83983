package main

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/receiver"
)

// A flatWebhook has most members of the webhook of a host's alert in plain structs. Members that it does not have are
// lost, and a member of a wrong type loses the whole alert.
type flatWebhook struct {
	OrgName  string `json:"orgName"`
	Event    string `json:"event"`
	Message  string `json:"message"`
	Memo     string `json:"memo"`
	ImageURL string `json:"imageUrl"`
	Host     struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		URL       string `json:"url"`
		Status    string `json:"status"`
		Memo      string `json:"memo"`
		IsRetired bool   `json:"isRetired"`
		Roles     []struct {
			FullName    string `json:"fullname"`
			ServiceName string `json:"serviceName"`
			RoleName    string `json:"roleName"`
			ServiceURL  string `json:"serviceUrl"`
			RoleURL     string `json:"roleUrl"`
		} `json:"roles"`
	} `json:"host"`
	Alert struct {
		ID                string  `json:"id"`
		URL               string  `json:"url"`
		OpenedAt          int64   `json:"openedAt"`
		ClosedAt          int64   `json:"closedAt"`
		CreatedAt         int64   `json:"createdAt"`
		Status            string  `json:"status"`
		IsOpen            bool    `json:"isOpen"`
		Trigger           string  `json:"trigger"`
		MonitorName       string  `json:"monitorName"`
		MetricLabel       string  `json:"metricLabel"`
		MetricValue       float64 `json:"metricValue"`
		CriticalThreshold float64 `json:"criticalThreshold"`
		WarningThreshold  float64 `json:"warningThreshold"`
		MonitorOperator   string  `json:"monitorOperator"`
		Duration          int     `json:"duration"`
	} `json:"alert"`
}

// receive compares ParseWebhook and the receiver with what a short program does: it decodes the body into a struct.
func receive(m *meter, root string) ([]Row, error) {
	body, err := os.ReadFile(filepath.Join(root, "testdata/webhook/alert-host.json"))
	if err != nil {
		return nil, err
	}
	parse := plain(func() error { _, err := mackerel.ParseWebhook(body); return err })
	ours, err := receiverOf(body)
	if err != nil {
		return nil, err
	}
	return m.run([]contest{
		{Part: "receive", Case: "ParseWebhook", Subject: "flat struct, JSON v1", workers: 1, each: 1, subject: parse,
			base: plain(func() error { return json.Unmarshal(body, new(flatWebhook)) })},
		{Part: "receive", Case: "ParseWebhook", Subject: "flat struct, JSON v2", workers: 1, each: 1, subject: parse,
			base: plain(func() error { return jsonv2.Unmarshal(body, new(flatWebhook)) })},
		{Part: "receive", Case: "receiver", Subject: "plain handler, JSON v1", workers: 1, each: 1, subject: ours,
			base: handle(http.HandlerFunc(plainHandler), body)},
	})
}

// The credentials of the requests to the receivers.
const user, password = "mackerel", "benchmark"

// receiverOf returns the handling of one request by package receiver. Its notifier does nothing. The bodies differ, so
// that none is a duplicate.
func receiverOf(body []byte) (send, error) {
	h, err := receiver.New(receiver.Config{
		Notifier: mackerel.NotifierFunc(func(context.Context, mackerel.Alert) error { return nil }),
		User:     mackerel.NewSecret(user), Password: mackerel.NewSecret(password),
	})
	return handle(h, body), err
}

// handle returns the handling of one request, without a network. Each request has another organization.
func handle(h http.Handler, body []byte) send {
	n := 0
	return plain(func() error {
		n++
		name := append(strconv.AppendInt([]byte(`"acme`), int64(n), 10), '"')
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(bytes.Replace(body, []byte(`"acme"`), name, 1)))
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth(user, password)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK {
			return fmt.Errorf("status %d: %s", w.Code, w.Body)
		}
		return nil
	})
}

// plainHandler checks the password and decodes the body.
func plainHandler(w http.ResponseWriter, r *http.Request) {
	_, given, _ := r.BasicAuth()
	if subtle.ConstantTimeCompare([]byte(given), []byte(password)) == 0 {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(body, new(flatWebhook))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
}
