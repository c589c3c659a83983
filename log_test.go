package mackerel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// logs returns what the handlers for JSON and for text write for a value under the key "v".
func logs(t *testing.T, v any) (asJSON, asText string) {
	t.Helper()
	var j, s bytes.Buffer
	slog.New(slog.NewJSONHandler(&j, nil)).Info("m", "v", v)
	slog.New(slog.NewTextHandler(&s, nil)).Info("m", "v", v)
	var line map[string]json.RawMessage
	if err := json.Unmarshal(j.Bytes(), &line); err != nil {
		t.Fatalf("%s: %v", &j, err)
	}
	_, text, _ := strings.Cut(s.String(), "msg=m")
	return string(line["v"]), strings.TrimSpace(text)
}

const (
	limitedJSON = `{"kind":"rate limited","provider":"a","op":"post","status":429,"code":"E7","message":"slow down","cause":"context canceled","attempts":2,"retry_after":"1m30s"}`
	limitedText = `v.kind="rate limited" v.provider=a v.op=post v.status=429 v.code=E7 v.message="slow down" v.cause="context canceled" v.attempts=2 v.retry_after=1m30s`
)

func TestWhatTheHandlersOfSlogWrite(t *testing.T) {
	e := &mackerel.Error{
		Provider: "a", Op: "post", Status: 429, Code: "E7", Message: "slow down", Attempts: 2, RetryAfter: 90 * time.Second,
		Kind: mackerel.ErrRateLimited, Err: context.Canceled,
	}
	a := mackerel.Attempt{
		Provider: "a", Notifier: "room 1", Op: "post", Number: 2, Status: 503, Err: context.Canceled,
		Duration: 1500 * time.Millisecond, Wait: time.Second, Waited: 2 * time.Second, Last: true,
	}
	r := mackerel.Receipt{
		Provider: "a", ID: "7", Skipped: "no", Queued: true, Attempts: 2, Duration: 1500 * time.Millisecond,
		Waited: 3 * time.Second,
		Cuts:   []mackerel.Cut{{Field: "memo", Unit: "runes", From: 5000, To: 3000}},
	}
	one, two := &named{"room 1", nil}, &named{"room 2", nil}
	result := mackerel.Result{Notifier: one, Receipt: mackerel.Receipt{ID: "7"}, Err: e}
	failure := &mackerel.DeliveryError{Notifier: one, Err: e}
	const (
		attemptJSON = `{"provider":"a","notifier":"room 1","op":"post","number":2,"status":503,"cause":"context canceled","duration":"1.5s","waited":"2s","wait":"1s","last":true}`
		receiptJSON = `{"provider":"a","id":"7","skipped":"no","queued":true,"attempts":2,"duration":"1.5s","waited":"3s","cuts":["memo from 5000 to 3000 runes"]}`
		resultJSON  = `{"notifier":"room 1","id":"7","error":` + limitedJSON + `}`
		failureJSON = `{"notifier":"room 1","error":` + limitedJSON + `}`
	)
	for _, c := range []struct {
		name   string
		value  any
		asJSON string
		asText string // "" if it need not be checked
	}{
		{"an error", e, limitedJSON, limitedText},
		{"an error by value", *e, limitedJSON, limitedText},
		{"an error in a list", []error{e}, "[" + limitedJSON + "]", `v="[` + e.Error() + `]"`},
		{"an error in a struct", struct{ Err *mackerel.Error }{e}, `{"Err":` + limitedJSON + "}", ""},
		{"an error that has little", &mackerel.Error{Provider: "a", Op: "o"}, `{"provider":"a","op":"o"}`, "v.provider=a v.op=o"},
		{"a wrapped error", fmt.Errorf("x: %w", e), `"x: ` + e.Error() + `"`, `v="x: ` + e.Error() + `"`},
		{"a failure", failure, failureJSON, ""},
		{"failures", []*mackerel.DeliveryError{failure}, "[" + failureJSON + "]", ""},
		{"failures with another error", []*mackerel.DeliveryError{{Notifier: one, Err: errors.New("x")}}, `[{"notifier":"room 1","error":"x"}]`, ""},
		{"joined failures", errors.Join(failure, failure), `"` + failure.Error() + `\n` + failure.Error() + `"`, ""},
		{"an attempt", a, attemptJSON, `v.provider=a v.notifier="room 1" v.op=post v.number=2 v.status=503 v.cause="context canceled" v.duration=1.5s v.waited=2s v.wait=1s v.last=true`},
		{"an attempt by pointer", &a, attemptJSON, ""},
		{"attempts", []mackerel.Attempt{a}, "[" + attemptJSON + "]", ""},
		{"a receipt", r, receiptJSON, `v.provider=a v.id=7 v.skipped=no v.queued=true v.attempts=2 v.duration=1.5s v.waited=3s v.cuts="[memo from 5000 to 3000 runes]"`},
		{"a receipt by pointer", &r, receiptJSON, ""},
		{"a result", result, resultJSON, `v.notifier="room 1" v.id=7 ` + strings.ReplaceAll(limitedText, "v.", "v.error.")},
		{"a result by pointer", &result, resultJSON, ""},
		{"a list of results", []mackerel.Result{result}, "[" + resultJSON + "]", ""},
		{"results in a group", slog.GroupValue(slog.Any("all", mackerel.Results{result})), `{"all":{"room 1":{"id":"7","error":` + limitedJSON + `}}}`, ""},
		{
			"results", mackerel.Results{{Notifier: two}, result, {Notifier: one, Receipt: mackerel.Receipt{ID: "8"}}, {Notifier: one}},
			`{"room 2":{"duration":"0s"},"room 1":{"id":"7","error":` + limitedJSON + `},"room 1 #2":{"id":"8"},"room 1 #3":{"duration":"0s"}}`, "",
		},
		{
			"results of notifiers that are nil or have no name", &mackerel.Results{
				{Err: errors.New("x")}, {Notifier: (*named)(nil), Err: errors.New("y")}, {Notifier: mackerel.NotifierFunc(nil), Err: errors.New("z")},
				{Notifier: mackerel.Multi(), Receipt: mackerel.Receipt{ID: "7"}}, {Notifier: &named{}, Receipt: mackerel.Receipt{ID: "8"}},
			},
			`{"nil":{"error":"x"},"nil *mackerel_test.named":{"error":"y"},"nil mackerel.NotifierFunc":{"error":"z"},` +
				`"mackerel.multi":{"id":"7"},"*mackerel_test.named":{"id":"8"}}`,
			`v.nil.error=x "v.nil *mackerel_test.named.error"=y "v.nil mackerel.NotifierFunc.error"=z v.mackerel.multi.id=7 v.*mackerel_test.named.id=8`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			asJSON, asText := logs(t, c.value)
			if asJSON != c.asJSON {
				t.Errorf("JSON: %s\nwant  %s", asJSON, c.asJSON)
			}
			if c.asText != "" && asText != c.asText {
				t.Errorf("text: %s\nwant  %s", asText, c.asText)
			}
		})
	}
}
