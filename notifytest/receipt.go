package notifytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// receiptRows are about Deliverers and Previewers. Any other notifier passes them.
func receiptRows() []row {
	return []row{
		{"a receipt says what was done and shows no secret", anyNotifier, trueReceipt, checkReceipt},
		{"a receipt of a failure says how far the call got", overHTTP, trueReceipt, checkReceiptFailure},
		{"Notify ends as Deliver does", overHTTP, deliverInNotify, checkNotify},
		{"a preview makes no request and shows no secret", anyNotifier, truePreview, checkPreview},
		{"a preview shows what is then delivered", overHTTP, truePreview, checkPreviewAgrees},
	}
}

// wantReceipt checks what every receipt of a call with requests must say.
func (o outcome) wantReceipt() {
	r := o.receipt
	if r == nil {
		return
	}
	if r.Provider == "" {
		o.errorFor(trueReceipt, "Receipt.Provider is empty")
	}
	if r.Skipped != "" {
		o.errorFor(trueReceipt, "Receipt.Skipped is %q, and a request was made", r.Skipped)
	}
	if o.front != nil && r.Attempts != len(o.requests) {
		o.errorFor(trueReceipt, "Receipt.Attempts is %d; want %d", r.Attempts, len(o.requests))
	}
	if r.Duration < 0 || r.Duration > o.took {
		o.errorFor(trueReceipt, "Receipt.Duration is %v of a call that took %v", r.Duration, o.took)
	}
	var e *mackerel.Error
	if errors.As(o.err, &e) && (e.Provider != r.Provider || e.Attempts != r.Attempts) {
		o.errorFor(trueReceipt, "the error says %q, %d attempts, the receipt %q, %d",
			e.Provider, e.Attempts, r.Provider, r.Attempts)
	}
	o.wantCuts()
	o.wantNoSecret()
}

func (o outcome) wantCuts() {
	for _, c := range o.receipt.Cuts {
		if c.Field == "" || c.Unit == "" || c.To < 0 || c.To >= c.From {
			o.errorFor(trueReceipt, "the cut %+v needs a field, a unit and a length that is less than before", c)
		}
	}
}

func checkReceipt(s *stage) {
	sc := s.scene()
	o := sc.send()
	o.wantReceipt()
	if o.receipt != nil && len(o.receipt.Cuts) > 0 {
		o.errorf("an alert of ordinary length was cut: %+v", o.receipt.Cuts)
	}
}

func checkReceiptFailure(s *stage) {
	for _, fault := range []fakehttp.Fault{
		{Status: 400}, {Status: 401}, refused(3600),
		{Status: 500, Times: -1}, {Break: fakehttp.ResetConnection, Times: -1},
	} {
		sc := s.scene()
		sc.in = fmt.Sprintf("status %d, break %v", fault.Status, fault.Break)
		sc.front.Inject(fault)
		sc.send().wantReceipt()
	}
}

// checkNotify compares Notify with Deliver. Both must end alike.
func checkNotify(s *stage) {
	for _, status := range []int{0, 400, 401, 404, 429, 500} {
		sc := s.scene()
		sc.in, sc.env.MaxAttempts = fmt.Sprintf("status %d", status), 1
		if status != 0 {
			sc.front.Inject(fakehttp.Fault{Status: status, Times: 2})
		}
		delivered, notified := sc.send(), sc.notify(sc.alert())
		sameKind := kindOf(delivered.err) == kindOf(notified.err) //nolint:errorlint // kindOf returns sentinels
		if !sameKind || (delivered.err == nil) != (notified.err == nil) {
			sc.errorf("of Deliver, %s: %v; of Notify, %s: %v",
				got(delivered.err), delivered.err, got(notified.err), notified.err)
		}
		notified.wantAccepted(delivered.accepted)
	}
}

// preview makes a preview; nil if the notifier is no Previewer, or fails.
func (sc *scene) preview(a mackerel.Alert) *mackerel.Preview {
	p, ok := sc.notifier().(mackerel.Previewer)
	if !ok {
		return nil
	}
	var preview *mackerel.Preview
	o := sc.observe(sc.tb.Context(), func(context.Context) (*mackerel.Receipt, error) {
		var err error
		preview, err = p.Preview(a)
		return nil, err
	})
	o.wantSuccess()
	o.wantRequests(0)
	o.wantAccepted(0)
	o.wantTook(0)
	if o.err == nil && preview == nil {
		sc.errorf("Preview returned nil")
	}
	return preview
}

// checkPreview prints a preview, since programs show it in terminals and tickets.
func checkPreview(s *stage) {
	sc := s.scene()
	preview := sc.preview(s.alert())
	if preview == nil {
		return
	}
	sc.send() // shows the forms of the secrets
	sc.search(hideInResults, "the preview", *preview)
	inJSON, err := json.Marshal(preview)
	if err != nil {
		sc.errorf("the preview cannot be written as JSON: %v", err)
	}
	sc.search(hideInResults, "the preview in JSON", string(inJSON))
	if preview.Skipped == "" && sc.Fake != nil && len(preview.Requests) == 0 {
		sc.errorf("the preview of an alert that is not skipped has no request")
	}
}

// checkPreviewAgrees compares a preview with the request, except for secrets and for what differs each time. The memo
// is long, so that there are cuts to compare.
func checkPreviewAgrees(s *stage) {
	sc := s.scene()
	a := s.alert()
	a.Monitor.Memo = strings.Repeat("to be read before anything is done ", 20000)
	preview, o := sc.preview(a), sc.deliver(s.tb.Context(), a)
	if preview == nil || o.err != nil {
		return
	}
	if len(preview.Requests) != len(o.requests) {
		sc.errorf("the preview has %d requests; %d were made", len(preview.Requests), len(o.requests))
		return
	}
	for i, r := range preview.Requests {
		sc.wantSame(r, o.requests[i])
	}
	if o.receipt != nil && !reflect.DeepEqual(preview.Cuts, o.receipt.Cuts) {
		sc.errorf("the preview has the cuts %+v, the receipt %+v", preview.Cuts, o.receipt.Cuts)
	}
}

func (sc *scene) wantSame(p mackerel.PreviewRequest, r fakehttp.Request) {
	if p.Method != r.Method {
		sc.errorf("the preview's method is %s; %s was sent", p.Method, r.Method)
	}
	u, err := url.Parse(p.URL)
	switch {
	case err != nil:
		sc.errorf("the preview's URL cannot be parsed: %v", err)
	case !strings.Contains(p.URL, "redacted") && !strings.Contains(p.URL, "{") && u.EscapedPath() != r.Path:
		sc.errorf("the preview's path is %s; %s was sent", u.EscapedPath(), r.Path)
	}
	if got, want := p.Header.Get("Content-Type"), r.Header.Get("Content-Type"); got != want {
		sc.errorf("the preview's Content-Type is %q; %q was sent", got, want)
	}
}
