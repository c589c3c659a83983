package notifytest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func secretFlaws() flaws {
	return flaws{
		"every secret is in the request, and no key is": {
			{"the harness has another secret", "is in no request", func(h *notifytest.Harness) {
				h.Secrets = []string{"something-else"}
			}},
			{"the key is sent", "the key", func(h *notifytest.Harness) { h.Keys = h.Secrets }},
		},
		"no secret is in the printed notifier": {
			{"the key is a string", "in %#v", wrap(func(p *Pager) mackerel.Notifier { return &keyed[string]{p, pagerKey} })},
			{"the key is in bytes", "in %#v", wrap(func(p *Pager) mackerel.Notifier {
				return &keyed[[]byte]{p, []byte(pagerKey)}
			})},
			{"methods hide the key", "of an unexported field", wrap(func(p *Pager) mackerel.Notifier {
				return &shy{p, pagerKey}
			})},
		},
		"no secret is in the error of *": {
			{"the key is in every error", "the error shows the secret", notify(notifyTellingKey)},
		},
		"no secret is in the error of a redirect": {
			{"the key is in what an error wraps", "a wrapped error shows", changeError(func(*mackerel.Error) error {
				return &silent{errors.New(pagerKey)}
			})},
		},
		"no secret is in the error of a RoundTripper that quotes its request": {
			{"the client is not used", "does not use Env.Client", changeError(func(e *mackerel.Error) error {
				if e.Kind == mackerel.ErrAmbiguous {
					return nil
				}
				return e
			})},
		},
		"no secret is in the error of a service that quotes its request": {
			{"the words of the service are repeated", "the error shows the secret", quote(strings.TrimSpace)},
			{"only the bare key is redacted", "%2F", quote(func(words string) string {
				return strings.ReplaceAll(words, pagerKey, "[redacted]")
			})},
		},
		"no part of a secret is in an error whose words are cut": {
			{"the words are cut before they are redacted", "across byte 512", quote(func(words string) string {
				inJSON := strings.ReplaceAll(pagerKey, `"`, `\"`)
				redact := strings.NewReplacer(pagerKey, "[redacted]", inJSON, "[redacted]")
				return redact.Replace(words[:min(512, len(words))])
			})},
		},
	}
}

func notifyTellingKey(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
	if err := n.Notify(ctx, a); err != nil {
		return fmt.Errorf("%w: key %s", err, pagerKey)
	}
	return nil
}

// basicKey is the key as Basic credentials encode it.
var basicKey = base64.StdEncoding.EncodeToString([]byte("ops:" + pagerKey))

// sendBasic sends the key in Basic credentials. The service refuses them, but the suite sees them.
var sendBasic = changeRequest(func(r *http.Request) { r.Header.Set("Authorization", "Basic "+basicKey) })

// keyed has its key in a field that fmt can read.
type keyed[K any] struct {
	mackerel.Notifier
	key K
}

// shy hides its key by methods, which fmt does not call in an unexported field.
type shy keyed[string]

func (*shy) String() string   { return "shy" }
func (*shy) GoString() string { return "shy" }

// silent is an error whose text does not contain the error that it wraps.
type silent struct{ err error }

func (*silent) Error() string    { return "failed" }
func (s *silent) Unwrap() error  { return s.err }
func (*silent) GoString() string { return "failed" }

// quote puts words of the answer into the errors.
func quote(change func(words string) string) spoiler {
	return func(h *notifytest.Harness) {
		var words atomic.Value
		changeAnswer(func(resp *http.Response) {
			body, err := io.ReadAll(resp.Body)
			if err == nil {
				words.Store(string(body))
				resp.Body = io.NopCloser(bytes.NewReader(body))
			}
		})(h)
		changeError(func(e *mackerel.Error) error {
			return fmt.Errorf("%w: %s", e, change(fmt.Sprint(words.Load())))
		})(h)
	}
}

func alertFlaws() flaws {
	return flaws{
		"every event is accepted, with every field and with no other field": {
			{"it needs a host", "it panicked", changeAlert(func(a *mackerel.Alert) { a.Message += a.Host.Name })},
			{"it refuses unknown events", "want nil", refuse(func(a mackerel.Alert) bool {
				return a.Event == "eventOfTheFuture"
			})},
			{"it skips an event in silence", "does not say why", wrap(func(p *Pager) mackerel.Notifier {
				return skipper{p, mackerel.EventAlertGroup}
			})},
			{"it makes a request for nothing", "but no message was accepted", func(h *notifytest.Harness) {
				h.Count = func() int { return 0 }
				notify(notifyWithoutCancel)(h) // and has no receipt
			}},
		},
		"every status is accepted, in either case": {
			{"it refuses unknown statuses", "want nil", refuse(func(a mackerel.Alert) bool {
				return a.Status == "purple"
			})},
		},
		"an alert with few fields is accepted": {
			{"it needs a message", "want nil", refuse(func(a mackerel.Alert) bool { return a.Message == "" })},
		},
		"an alert is accepted when it opens, changes and closes": {
			{"it cannot close", "want nil", refuse(mackerel.Alert.Closed)},
		},
		"a digest is accepted and says its status, or the receipt says why it is skipped": {
			{"it refuses digests", "want nil", refuse(isDigest)},
			{"it skips digests in silence", "does not say why", wrap(func(p *Pager) mackerel.Notifier {
				return skipper{p, mackerel.EventDigest}
			})},
			{"a digest has no status", `"critical" is no longer`, changeAlert(func(a *mackerel.Alert) {
				if isDigest(*a) {
					*a = mackerel.Alert{ID: "digest", Message: "many alerts"}
				}
			})},
		},
		"the alert is not changed": {
			{"it sorts the alerts of a digest", "the field Alerts", changeAlert(func(a *mackerel.Alert) { slices.Reverse(a.Alerts) })},
			{"it writes into the facts", "the memory of a slice", changeAlert(func(a *mackerel.Alert) {
				a.Facts[0].Value = "x"
			})},
			{"it appends to the facts", "the memory of a slice", changeAlert(func(a *mackerel.Alert) {
				a.Facts = append(a.Facts, mackerel.Fact{Label: "seen"})
			})},
			{"it writes into the labels", "the field Metric", changeAlert(func(a *mackerel.Alert) {
				a.Metric.Labels["seen"] = "x"
			})},
			{"it writes into the host", "the field Host", changeAlert(func(a *mackerel.Alert) { a.Host.Name = "x" })},
		},
		"fifty calls at the same time are fifty messages": {
			{"it makes one call", ": pager: page", func(h *notifytest.Harness) {
				var calls atomic.Int32
				refuse(func(mackerel.Alert) bool { return calls.Add(1) > 1 })(h)
			}},
			{"it drops messages", "accepted 0 of 50", notify(notifyNothing)},
		},
	}
}

// A skipper leaves out an event and does not say so.
type skipper struct {
	*Pager
	event mackerel.Event
}

func (s skipper) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	if a.Event == s.event {
		return mackerel.Receipt{}, nil
	}
	return s.Pager.Deliver(ctx, a)
}

// alertPage is the page that the suite's alerts link to.
const alertPage = "https://mackerel.io/orgs/example/alerts/notifytest"

func isDigest(a mackerel.Alert) bool { return a.Event == mackerel.EventDigest }

func isLong(a mackerel.Alert) bool { return len(a.Message) > 10_000 }

func textFlaws() flaws {
	return flaws{
		"a long text in *": {{"it refuses long texts", "want nil", refuse(isLong)}},
		"a long text in ASCII is accepted in any field, and a cut is reported": {
			{"it does not report cuts", "Receipt.Cuts is empty", changeReceipt(func(r *mackerel.Receipt) { r.Cuts = nil })},
			{"it reports a cut that made a text longer", "a length that is less than before", reportCut(3, 4)},
		},
		"a long text in emoji is accepted in any field, and a cut is reported": {
			{"it cuts a character in two", "a part of a character", changeAlert(func(a *mackerel.Alert) {
				a.Message = strings.ToValidUTF8(a.Message[:min(len(a.Message), 101)], "\uFFFD")
			})},
		},
		"a long message leaves the status, the monitor, the host and its first line": {
			{"it begins with the memo", `"disk critical: /data 98%" is no longer`, changeAlert(func(a *mackerel.Alert) {
				a.Message = a.Monitor.Memo + "\n" + a.Message
			})},
			{"it keeps the end of a long message", "is no longer in the message", changeAlert(func(a *mackerel.Alert) {
				a.Message = strings.ToValidUTF8(a.Message[max(0, len(a.Message)-900):], "")
			})},
			{"it refuses long messages", "want nil", refuse(isLong)},
		},
		"a message of more than 1 MiB is accepted, and a cut is reported": {
			{"it refuses very long texts", "want nil", refuse(isLong)},
		},
		"long texts in *": {{"it refuses several long texts", "want nil", refuse(isLong)}},
		"long texts in ASCII in all fields leave the status and the link": {
			{"it cuts the link away", alertPage + `" is no longer`, changeAlert(func(a *mackerel.Alert) {
				if isLong(*a) {
					a.URL = ""
				}
			})},
			{"it cuts the status away", `"critical" is no longer`, changeAlert(func(a *mackerel.Alert) {
				if isLong(*a) {
					a.Status = "purple"
				}
			})},
		},
		"a text with *": {
			{"it refuses unusual texts", "want nil", refuse(func(a mackerel.Alert) bool {
				return a.Message != "CPU % 96.5 > 90"
			})},
		},
		"a text with invalid UTF-8 is accepted in any field": {
			{"it sends what is not UTF-8", "not UTF-8", changeRequest(func(r *http.Request) {
				r.URL.RawQuery = "note=%ff"
			})},
		},
		"a text with a header after a line break is accepted in any field": {
			{"a text becomes a header", "became a header", changeRequest(func(r *http.Request) {
				r.Header.Set("Bcc", "evil@evil.test")
			})},
		},
	}
}

// reportCut reports a cut that did not happen.
func reportCut(from, to int) spoiler {
	return changeReceipt(func(r *mackerel.Receipt) {
		r.Cuts = []mackerel.Cut{{Field: "text", Unit: "runes", From: from, To: to}}
	})
}

func receiptFlaws() flaws {
	return flaws{
		"a receipt says what was done and shows no secret": {
			{"the receipt has no provider", "Provider is empty", changeReceipt(func(r *mackerel.Receipt) { r.Provider = "" })},
			{"the alert was not skipped", "Receipt.Skipped is", changeReceipt(func(r *mackerel.Receipt) { r.Skipped = "no" })},
			{"the receipt counts wrong", "is 0; want 1", changeReceipt(func(r *mackerel.Receipt) { r.Attempts = 0 })},
			{"the time is too long", "Duration is 1h", changeReceipt(func(r *mackerel.Receipt) { r.Duration = time.Hour })},
			{"the receipt reports a cut of a short text", "of ordinary length was cut", reportCut(5, 4)},
			{"the key is in the receipt", "the receipt shows", changeReceipt(func(r *mackerel.Receipt) { r.ID = pagerKey })},
		},
		"a receipt of a failure says how far the call got": {
			{"it names another provider", "the error says", changeReceipt(func(r *mackerel.Receipt) { r.Provider = "beeper" })},
			{"there is no receipt of a failure", "Receipt.Provider is empty", changeReceipt(func(r *mackerel.Receipt) {
				*r = mackerel.Receipt{}
			})},
		},
		"Notify ends as Deliver does": {
			{"Notify swallows errors", "of Notify, the error is nil", wrap(func(p *Pager) mackerel.Notifier {
				return optimist{p}
			})},
		},
	}
}

type optimist struct{ *Pager }

func (o optimist) Notify(ctx context.Context, a mackerel.Alert) error {
	_ = o.Pager.Notify(ctx, a) // this is the flaw
	return nil
}

func previewFlaws() flaws {
	return flaws{
		"a preview makes no request and shows no secret": {
			{"the preview sends", "1 requests arrived", beforePreview(func(p *Pager) error {
				return p.Notify(context.Background(), mackerel.Alert{})
			})},
			{"the preview fails", "want nil", beforePreview(func(*Pager) error { return invalid() })},
			{"the preview takes time", "took 1s; want 0s", beforePreview(func(*Pager) error {
				time.Sleep(time.Second)
				return nil
			})},
			{"the preview shows the key", "the preview shows", changeShown(func(r *mackerel.PreviewRequest) {
				r.Header.Set("Authorization", "Bearer "+pagerKey)
			})},
			{"the preview shows Basic credentials", "the preview shows", func(h *notifytest.Harness) {
				changeShown(func(r *mackerel.PreviewRequest) { r.Header.Set("Authorization", "Basic "+basicKey) })(h)
				sendBasic(h)
			}},
			{"the preview is empty", "has no request", changePreview(func(v *mackerel.Preview) { v.Requests = nil })},
		},
		"a preview shows what is then delivered": {
			{"the preview has no request", "0 requests; 1 were made", changePreview(func(v *mackerel.Preview) {
				v.Requests = nil
			})},
			{"the preview reports other cuts", "has the cuts", changePreview(func(v *mackerel.Preview) {
				v.Cuts = []mackerel.Cut{{Field: "x"}}
			})},
			{"the method is another", "method is PUT", changeShown(func(r *mackerel.PreviewRequest) { r.Method = "PUT" })},
			{"the path is another", "path is /elsewhere", changeShown(func(r *mackerel.PreviewRequest) {
				r.URL = "http://fake.test/elsewhere"
			})},
			{"the type is missing", "Content-Type is", changeShown(func(r *mackerel.PreviewRequest) {
				r.Header.Del("Content-Type")
			})},
		},
	}
}

// changePreview changes the previews.
func changePreview(change func(v *mackerel.Preview)) spoiler {
	return wrap(func(p *Pager) mackerel.Notifier {
		return &previewer{p, func(*Pager) error { return nil }, change}
	})
}

// changeShown changes the request of the previews.
func changeShown(change func(r *mackerel.PreviewRequest)) spoiler {
	return changePreview(func(v *mackerel.Preview) { change(&v.Requests[0]) })
}

// beforePreview does something before each preview, which fails if that fails.
func beforePreview(do func(p *Pager) error) spoiler {
	return wrap(func(p *Pager) mackerel.Notifier { return &previewer{p, do, func(*mackerel.Preview) {}} })
}

type previewer struct {
	*Pager
	before func(p *Pager) error
	change func(v *mackerel.Preview)
}

func (p *previewer) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	if err := p.before(p.Pager); err != nil {
		return nil, err
	}
	v, err := p.Pager.Preview(a)
	if err == nil {
		p.change(v)
	}
	return v, err
}

func processFlaws() flaws {
	return flaws{
		"nothing is written to standard output, standard error or the log": {
			{"it writes to standard output", "hello", changeAlert(func(*mackerel.Alert) { fmt.Println("hello") })},
			{"it writes to standard error", "hello", changeAlert(func(*mackerel.Alert) { fmt.Fprint(os.Stderr, "hello") })},
			{"it writes to the log", "hello", changeAlert(func(*mackerel.Alert) { log.Print("hello") })},
		},
		"no goroutine stays behind": {
			{"it leaves a goroutine behind", "a goroutine stays behind", leaveGoroutines},
			{"it leaves a goroutine behind in real time", "a goroutine stays behind", func(h *notifytest.Harness) {
				*h = notebookHarness()
				leaveGoroutines(h)
			}},
		},
	}
}

// leaveGoroutines leaves a goroutine behind that ends with the test.
func leaveGoroutines(h *notifytest.Harness) {
	inner := h.New
	h.New = func(t testing.TB, e notifytest.Env) mackerel.Notifier {
		n := inner(t, e)
		return mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
			go func() { <-t.Context().Done() }()
			return n.Notify(ctx, a)
		})
	}
}
