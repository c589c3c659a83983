package notifytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// receiptRows are for notifiers that are Deliverers and Previewers; any other passes them.
func receiptRows() []row {
	return []row{
		{name: "a receipt says what was done", check: checkReceipt},
		{name: "a receipt counts attempts and time, waits included", http: true, repeats: true, check: checkReceiptWait},
		{name: "a receipt of a failure says how far it got", http: true, check: checkReceiptFailure},
		{name: "Notify and Deliver end alike", http: true, check: checkAlike},
		{name: "a preview makes no request and shows no secret", check: checkPreview},
		{name: "a preview shows what is then delivered", http: true, check: checkPreviewAgrees},
	}
}

// wantReceipt complains about whatever is wrong with every receipt of a call that made requests.
func (sc *scene) wantReceipt(o outcome, in string) {
	sc.Helper()
	r := o.receipt
	if r == nil {
		return
	}
	if r.Provider == "" {
		sc.Errorf("%s: Receipt.Provider is empty", in)
	}
	if r.Skipped != "" {
		sc.Errorf("%s: Receipt.Skipped is %q, and a request was made", in, r.Skipped)
	}
	if sc.front != nil && r.Attempts != len(o.requests) {
		sc.Errorf("%s: Receipt.Attempts is %d; want %d", in, r.Attempts, len(o.requests))
	}
	if r.Duration < 0 || r.Duration > o.took {
		sc.Errorf("%s: Receipt.Duration is %v of a call that took %v", in, r.Duration, o.took)
	}
	sc.wantCuts(r.Cuts, in)
}

// wantCuts complains about cuts that cannot be.
func (sc *scene) wantCuts(cuts []mackerel.Cut, in string) {
	sc.Helper()
	for _, c := range cuts {
		if c.Field == "" || c.Unit == "" || c.To < 0 || c.To >= c.From {
			sc.Errorf("%s: the cut %+v needs a field, a unit and a length that is less than before", in, c)
		}
	}
}

// checkReceipt looks at a receipt that has nothing special to tell.
func checkReceipt(s *stage) {
	sc := s.scene()
	o := sc.send(sc.notifier())
	sc.wantReceipt(o, "a good day")
	if o.receipt != nil && len(o.receipt.Cuts) > 0 {
		sc.Errorf("an alert of ordinary length was cut: %+v", o.receipt.Cuts)
	}
}

// checkReceiptWait: the time is the caller's, so the waits are part of it.
func checkReceiptWait(s *stage) {
	sc := s.scene()
	sc.front.Inject(refused(7), refused(3))
	o := sc.send(sc.notifier())
	sc.wantReceipt(o, "after two refusals")
	if o.receipt != nil && o.receipt.Duration != o.took {
		sc.Errorf("Receipt.Duration is %v of a call that took %v", o.receipt.Duration, o.took)
	}
}

// checkReceiptFailure also compares the receipt with the error, where both say the same.
func checkReceiptFailure(s *stage) {
	for _, fault := range []fakehttp.Fault{{Status: 400}, {Status: 401}, refused(3600), {Status: 500, Times: -1}, {Break: fakehttp.ResetConnection, Times: -1}} {
		sc := s.scene()
		sc.front.Inject(fault)
		o := sc.send(sc.notifier())
		in := "status " + http.StatusText(fault.Status) + ", " + fault.Break.String()
		sc.wantReceipt(o, in)
		var e *mackerel.Error
		if o.receipt == nil || !errors.As(o.err, &e) {
			continue
		}
		if e.Provider != o.receipt.Provider || e.Attempts != o.receipt.Attempts {
			sc.Errorf("%s: the error says %q, %d attempts, the receipt %q, %d", in, e.Provider, e.Attempts, o.receipt.Provider, o.receipt.Attempts)
		}
	}
}

// checkAlike sees that Notify is Deliver without the receipt, not something similar.
func checkAlike(s *stage) {
	for _, status := range []int{0, 400, 401, 404, 429, 500} {
		sc := s.scene()
		sc.env.MaxAttempts = 1
		n := sc.notifier()
		if status != 0 {
			sc.front.Inject(fakehttp.Fault{Status: status, Times: 2})
		}
		delivered, notified := sc.send(n), sc.send(mackerel.NotifierFunc(n.Notify))
		if kindOf(delivered.err) != kindOf(notified.err) || (delivered.err == nil) != (notified.err == nil) { //nolint:errorlint // sentinels
			sc.Errorf("status %d: Deliver returns %v, Notify %v", status, delivered.err, notified.err)
		}
		sc.wantAccepted(notified, fmt.Sprintf("status %d, Notify", status), delivered.accepted)
	}
}

// preview makes a preview, or complains.
func (sc *scene) preview(p mackerel.Previewer, a mackerel.Alert) *mackerel.Preview {
	sc.Helper()
	var preview *mackerel.Preview
	o := sc.observe(sc.tb.Context(), func(context.Context) (*mackerel.Receipt, error) {
		var err error
		preview, err = p.Preview(a)
		return nil, err
	})
	sc.wantSuccess(o, "Preview")
	sc.wantRequests(o, "Preview", 0)
	sc.wantAccepted(o, "Preview", 0)
	sc.wantTook(o, "Preview", 0)
	if o.err == nil && preview == nil {
		sc.Errorf("Preview returned nil")
	}
	return preview
}

// checkPreview: a preview goes to a terminal or a ticket.
func checkPreview(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	p, ok := n.(mackerel.Previewer)
	if !ok {
		return
	}
	preview := sc.preview(p, s.alert())
	if preview == nil {
		return
	}
	sieve := sc.sieve(n)
	sc.wantNoSecret(*preview, sieve, "the preview")
	inJSON, err := json.Marshal(preview)
	if err != nil {
		sc.Errorf("the preview cannot be written as JSON: %v", err)
	}
	sc.wantNoSecret(string(inJSON), sieve, "the preview in JSON")
	if preview.Skipped == "" && sc.Fake != nil && len(preview.Requests) == 0 {
		sc.Errorf("the preview of an alert that is not skipped has no request")
	}
}

// checkPreviewAgrees compares as much of a preview with the request as does not depend on a secret or on the moment.
func checkPreviewAgrees(s *stage) {
	sc := s.scene()
	n := sc.notifier()
	p, ok := n.(mackerel.Previewer)
	if !ok {
		return
	}
	a := s.alert()
	a.Monitor.Memo = strings.Repeat("to be read before anything is done ", 20000)
	preview, o := sc.preview(p, a), sc.deliver(s.tb.Context(), n, a)
	if preview == nil || o.err != nil {
		return
	}
	if len(preview.Requests) != len(o.requests) {
		sc.Errorf("the preview has %d requests; %d were made", len(preview.Requests), len(o.requests))
		return
	}
	for i, r := range preview.Requests {
		sc.wantSameRequest(r, o.requests[i])
	}
	if o.receipt != nil && !reflect.DeepEqual(preview.Cuts, o.receipt.Cuts) {
		sc.Errorf("the preview has the cuts %+v, the receipt %+v", preview.Cuts, o.receipt.Cuts)
	}
}

func (sc *scene) wantSameRequest(p mackerel.PreviewRequest, r fakehttp.Request) {
	sc.Helper()
	if p.Method != r.Method {
		sc.Errorf("the preview's method is %s; %s was sent", p.Method, r.Method)
	}
	u, err := url.Parse(p.URL)
	switch {
	case err != nil:
		sc.Errorf("the preview's URL is none: %v", err)
	case !strings.Contains(p.URL, "redacted") && !strings.Contains(p.URL, "{") && u.EscapedPath() != r.Path:
		sc.Errorf("the preview's path is %s; %s was sent", u.EscapedPath(), r.Path)
	}
	if got, want := p.Header.Get("Content-Type"), r.Header.Get("Content-Type"); got != want {
		sc.Errorf("the preview's Content-Type is %q; %q was sent", got, want)
	}
}
