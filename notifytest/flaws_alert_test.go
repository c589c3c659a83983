package notifytest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/notifytest"
)

func secretFlaws() []flaw {
	const prints = "no secret is in anything that prints the notifier"
	telling := failing(func(e *mackerel.Error) error { return fmt.Errorf("%w: key %s", e, pagerKey) })
	return []flaw{
		{"the harness has another secret", "every secret is in the request, and no key is", "is in no request", func(h *notifytest.Harness) {
			h.Secrets = []string{"something-else"}
		}},
		{"the key travels", "every secret is in the request, and no key is", "the key", func(h *notifytest.Harness) { h.Keys = h.Secrets }},
		{"the key is a string in the notifier", prints, "shows in %#v", wrapped(func(_ testing.TB, n mackerel.Deliverer) mackerel.Notifier {
			return &struct {
				mackerel.Notifier
				key string
			}{n, pagerKey}
		})},
		{"the key is hidden by methods only", prints, "of an unexported field", wrapped(func(_ testing.TB, n mackerel.Deliverer) mackerel.Notifier {
			return &shy{n, shyKey(pagerKey)}
		})},
		{"the key is in bytes", prints, "shows in %#v", wrapped(func(_ testing.TB, n mackerel.Deliverer) mackerel.Notifier {
			return &struct {
				mackerel.Notifier
				key []byte
			}{n, []byte(pagerKey)}
		})},
		{"the key is in the receipt", "no secret is in a receipt", "the receipt", receiving(func(r *mackerel.Receipt, _ error) { r.ID = pagerKey })},
		{"the key is in every error", "no secret is in an error of *", "the secret", telling},
		{"the key is in the error of a cancelled call", "no secret is in the error of *", "the secret", notifying(tellingUnlessNil)},
		{"the key is in the error of a redirect", "no secret is in the error of a redirect", "the secret", telling},
		{"the key is in what an error wraps", "no secret is in the error of a redirect", "below", failing(func(*mackerel.Error) error {
			return &silent{errors.New(pagerKey)}
		})},
		{"the client is not used", "no secret is in an error of the client's own transport", "does not use Env.Client", notifying(
			func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
				if errors.Is(n.Notify(ctx, a), mackerel.ErrAmbiguous) {
					return nil
				}
				return n.Notify(ctx, a)
			},
		)},
		{"the words are cut before they are cleaned", "no part of a secret is left where an error's words are cut", "across the 512th byte", quoting(func(words string) string {
			clean := strings.NewReplacer(pagerKey, "[redacted]", strings.ReplaceAll(pagerKey, `"`, `\"`), "[redacted]")
			return clean.Replace(words[:min(512, len(words))])
		})},
		{"what the service says is repeated", "no secret is in an error of a service that repeats what it was sent", "the secret", quoting(func(words string) string {
			return words
		})},
		{"what the service says is cleaned of the bare key only", "no secret is in an error of a service that repeats what it was sent", "%2F", quoting(func(words string) string {
			return strings.ReplaceAll(words, pagerKey, "[redacted]")
		})},
	}
}

func tellingUnlessNil(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
	if err := n.Notify(ctx, a); err != nil {
		return fmt.Errorf("%w: key %s", err, pagerKey)
	}
	return nil
}

// shy hides its key from fmt by methods, which fmt does not find below an unexported field.
type shy struct {
	mackerel.Notifier
	key shyKey
}

func (*shy) String() string   { return "shy" }
func (*shy) GoString() string { return "shy" }

type shyKey string

// silent is an error that does not say what it wraps.
type silent struct{ err error }

func (*silent) Error() string    { return "failed" }
func (s *silent) Unwrap() error  { return s.err }
func (*silent) GoString() string { return "failed" }

// quoting makes the errors quote the answer in some way.
func quoting(quote func(words string) string) func(*notifytest.Harness) {
	return func(h *notifytest.Harness) {
		var heard atomic.Value
		hearing(func(resp *http.Response) {
			body, err := io.ReadAll(resp.Body)
			if err == nil {
				heard.Store(string(body))
				resp.Body = io.NopCloser(bytes.NewReader(body))
			}
		})(h)
		failing(func(e *mackerel.Error) error { return fmt.Errorf("%w: %s", e, quote(fmt.Sprint(heard.Load()))) })(h)
	}
}

func alertFlaws() []flaw {
	const events = "every event is accepted, with all that an alert can have and with nothing"
	const unchanged = "the alert stays as it was"
	return []flaw{
		{"it wants a host", events, "it panicked", notifying(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
			a.Message += a.Host.Name
			return n.Notify(ctx, a)
		})},
		{"it knows no events of the future", events, "want success", refusing(func(a mackerel.Alert) bool { return a.Event == "eventOfTheFuture" })},
		{"it leaves out an event and does not say why", events, "does not say why", skipping(mackerel.Receipt{})},
		{"it makes a request for nothing", events, "but nothing was accepted", func(h *notifytest.Harness) {
			h.Fake = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"accepted":true}`) })
			notifying(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error { return n.Notify(ctx, a) })(h)
		}},
		{"it knows no statuses of the future", "every status is accepted, however it is written", "want success", refusing(
			func(a mackerel.Alert) bool { return a.Status == "purple" },
		)},
		{"it wants a message", "the least that a person writes by hand is accepted", "want success", refusing(
			func(a mackerel.Alert) bool { return a.Message == "" },
		)},
		{"it cannot close", "an alert is accepted when it opens, changes and closes", "want success", refusing(mackerel.Alert.Closed)},
		{"it writes into the facts", unchanged, "the memory of a slice", changing(func(a *mackerel.Alert) { a.Facts[0].Value = "x" })},
		{"it appends to the facts", unchanged, "the memory of a slice", changing(func(a *mackerel.Alert) {
			a.Facts = append(a.Facts, mackerel.Fact{Label: "seen"})
		})},
		{"it writes into the labels", unchanged, "the field Metric", changing(func(a *mackerel.Alert) { a.Metric.Labels["seen"] = "x" })},
		{"it writes into the host", unchanged, "the field Host", changing(func(a *mackerel.Alert) { a.Host.Name = "x" })},
		{"it can do one thing at a time", "fifty calls at once are fifty messages, and may share an alert's parts", "busy", busy()},
		{"it drops most of a crowd", "fifty calls at once are fifty messages, and may share an alert's parts", "accepted 0 of 50", notifying(
			func(context.Context, mackerel.Alert, mackerel.Notifier) error { return nil },
		)},
	}
}

// skipping answers group events with a receipt of its own, without a request.
func skipping(r mackerel.Receipt) func(*notifytest.Harness) {
	return wrapped(func(_ testing.TB, n mackerel.Deliverer) mackerel.Notifier { return skipper{n, r} })
}

type skipper struct {
	mackerel.Deliverer
	receipt mackerel.Receipt
}

func (s skipper) Deliver(ctx context.Context, a mackerel.Alert) (mackerel.Receipt, error) {
	if a.Event == mackerel.EventAlertGroup {
		return s.receipt, nil
	}
	return s.Deliverer.Deliver(ctx, a)
}

func changing(change func(a *mackerel.Alert)) func(*notifytest.Harness) {
	return notifying(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
		change(&a)
		return n.Notify(ctx, a)
	})
}

// busy refuses a call while another one is under way.
func busy() func(*notifytest.Harness) {
	return wrapped(func(_ testing.TB, n mackerel.Deliverer) mackerel.Notifier {
		var calls atomic.Int32
		return mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
			if calls.Add(1) > 1 {
				return errors.New("busy")
			}
			return n.Notify(ctx, a)
		})
	})
}

func textFlaws() []flaw {
	tooLong := refusing(func(a mackerel.Alert) bool { return len(a.Message) > 10_000 })
	const ascii = "a long text in ASCII is accepted anywhere, and a cut is told"
	return []flaw{
		{"it refuses what is long", "a long text in *", "want success", tooLong},
		{"it refuses what is very long", "a message of more than a MiB is accepted, and a cut is told", "want success", tooLong},
		{"it does not tell of cuts", ascii, "Receipt.Cuts is empty", receiving(func(r *mackerel.Receipt, _ error) { r.Cuts = nil })},
		{"it tells of a cut that made it longer", ascii, "a length that is less than before", receiving(func(r *mackerel.Receipt, _ error) {
			r.Cuts = []mackerel.Cut{{Field: "text", Unit: "runes", From: 3, To: 4}}
		})},
		{"it refuses long texts everywhere", "long texts in * everywhere leave the status and the link", "want success", tooLong},
		{"it cuts the link away", "long texts in ASCII everywhere leave the status and the link", "is no longer in the message", changing(func(a *mackerel.Alert) {
			if len(a.Message) > 10_000 {
				a.URL = ""
			}
		})},
		{"it cuts the status away", "long texts in ASCII everywhere leave the status and the link", `"critical" is no longer`, changing(func(a *mackerel.Alert) {
			if len(a.Message) > 10_000 {
				a.Status = "purple"
			}
		})},
		{"it cuts a character in two", "a long text in emoji is accepted anywhere, and a cut is told", "a part of a character", changing(func(a *mackerel.Alert) {
			a.Message = strings.ToValidUTF8(a.Message[:min(len(a.Message), 101)], "\uFFFD")
		})},
		{"it refuses what it does not like", "a text with *", "want success", refusing(func(a mackerel.Alert) bool { return a.Message != "CPU % 96.5 > 90" })},
		{"it sends what is not UTF-8", "a text with invalid UTF-8 is accepted anywhere", "not UTF-8", traveling(
			func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				r.URL.RawQuery = "note=%ff"
				return next.RoundTrip(r)
			},
		)},
		{"it lets a text become a header", "a text with a header after a line break is accepted anywhere", "became a header", traveling(
			func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				r.Header.Set("Bcc", "evil@evil.test")
				return next.RoundTrip(r)
			},
		)},
	}
}

func receiptFlaws() []flaw {
	const receipt = "a receipt says what was done"
	const failure = "a receipt of a failure says how far it got"
	return []flaw{
		{"the receipt has no provider", receipt, "Receipt.Provider is empty", receiving(func(r *mackerel.Receipt, _ error) { r.Provider = "" })},
		{"the receipt says that it was skipped", receipt, "Receipt.Skipped is", receiving(func(r *mackerel.Receipt, _ error) { r.Skipped = "no" })},
		{"the receipt counts wrong", receipt, "Receipt.Attempts is 0; want 1", receiving(func(r *mackerel.Receipt, _ error) { r.Attempts = 0 })},
		{"the receipt's time is too long", receipt, "Receipt.Duration is 1h", receiving(func(r *mackerel.Receipt, _ error) { r.Duration = time.Hour })},
		{"the receipt tells of cuts that were not", receipt, "of ordinary length was cut", receiving(func(r *mackerel.Receipt, _ error) {
			r.Cuts = []mackerel.Cut{{Field: "text", Unit: "runes", From: 5, To: 4}}
		})},
		{"the receipt counts the last attempt only", "a receipt counts attempts and time, waits included", "Receipt.Attempts is 1; want 3",
			receiving(func(r *mackerel.Receipt, _ error) { r.Attempts = 1 })},
		{"the receipt leaves out the waits", "a receipt counts attempts and time, waits included", "Receipt.Duration is 0s", receiving(func(r *mackerel.Receipt, _ error) {
			r.Duration = 0
		})},
		{"there is no receipt of a failure", failure, "Receipt.Provider is empty", receiving(func(r *mackerel.Receipt, err error) {
			if err != nil {
				*r = mackerel.Receipt{}
			}
		})},
		{"the receipt's provider is another", failure, "the error says", receiving(func(r *mackerel.Receipt, _ error) { r.Provider = "beeper" })},
		{"Notify swallows errors", "Notify and Deliver end alike", "Notify <nil>", wrapped(func(_ testing.TB, n mackerel.Deliverer) mackerel.Notifier {
			return optimist{n}
		})},
	}
}

type optimist struct{ mackerel.Deliverer }

func (o optimist) Notify(ctx context.Context, a mackerel.Alert) error {
	_ = o.Deliverer.Notify(ctx, a) // this is the flaw
	return nil
}

func previewFlaws() []flaw {
	const shows, agrees = "a preview makes no request and shows no secret", "a preview shows what is then delivered"
	return []flaw{
		{"the preview sends", shows, "1 requests arrived; want 0", previewing(func(p *Pager, _ *mackerel.Preview, a mackerel.Alert) error {
			return p.Notify(context.Background(), a)
		})},
		{"the preview fails", shows, "want success", previewing(func(*Pager, *mackerel.Preview, mackerel.Alert) error { return invalid() })},
		{"the preview takes time", shows, "took 1s; want 0s", previewing(func(*Pager, *mackerel.Preview, mackerel.Alert) error {
			time.Sleep(time.Second)
			return nil
		})},
		{"the preview shows the key", shows, "the preview", previewing(func(_ *Pager, v *mackerel.Preview, _ mackerel.Alert) error {
			v.Requests[0].Header.Set("Authorization", "Bearer "+pagerKey)
			return nil
		})},
		{"the preview is empty", shows, "has no request", previewing(func(_ *Pager, v *mackerel.Preview, _ mackerel.Alert) error {
			*v = mackerel.Preview{}
			return nil
		})},
		{"the preview leaves out a request", agrees, "0 requests; 1 were made", previewing(func(_ *Pager, v *mackerel.Preview, _ mackerel.Alert) error {
			v.Requests = nil
			return nil
		})},
		{"the preview has another method", agrees, "method is PUT", previewing(func(_ *Pager, v *mackerel.Preview, _ mackerel.Alert) error {
			v.Requests[0].Method = http.MethodPut
			return nil
		})},
		{"the preview has another path", agrees, "path is /elsewhere", previewing(func(_ *Pager, v *mackerel.Preview, _ mackerel.Alert) error {
			v.Requests[0].URL = "http://fake.test/elsewhere"
			return nil
		})},
		{"the preview has another type", agrees, "Content-Type is", previewing(func(_ *Pager, v *mackerel.Preview, _ mackerel.Alert) error {
			v.Requests[0].Header.Del("Content-Type")
			return nil
		})},
		{"the preview tells of other cuts", agrees, "has the cuts", previewing(func(_ *Pager, v *mackerel.Preview, _ mackerel.Alert) error {
			v.Cuts = []mackerel.Cut{{Field: "x"}}
			return nil
		})},
	}
}

// previewing changes the previews.
func previewing(change func(p *Pager, v *mackerel.Preview, a mackerel.Alert) error) func(*notifytest.Harness) {
	return wrapped(func(_ testing.TB, n mackerel.Deliverer) mackerel.Notifier { return previewer{n.(*Pager), change} })
}

type previewer struct {
	*Pager
	change func(p *Pager, v *mackerel.Preview, a mackerel.Alert) error
}

func (p previewer) Preview(a mackerel.Alert) (*mackerel.Preview, error) {
	v, err := p.Pager.Preview(a)
	if err != nil {
		return nil, err
	}
	return v, p.change(p.Pager, v, a)
}

func processFlaws() []flaw {
	const quiet = "nothing is written to standard output, standard error or the log"
	saying := func(say func()) func(*notifytest.Harness) {
		return notifying(func(ctx context.Context, a mackerel.Alert, n mackerel.Notifier) error {
			say()
			return n.Notify(ctx, a)
		})
	}
	return []flaw{
		{"it writes to standard output", quiet, "hello", saying(func() { fmt.Println("hello") })},
		{"it writes to standard error", quiet, "hello", saying(func() { fmt.Fprintln(os.Stderr, "hello") })},
		{"it writes to the log", quiet, "hello", saying(func() { log.Print("hello") })},
		{"it leaves a goroutine behind", "no goroutine stays behind*", "a goroutine stays behind", wrapped(func(t testing.TB, n mackerel.Deliverer) mackerel.Notifier {
			return mackerel.NotifierFunc(func(ctx context.Context, a mackerel.Alert) error {
				go func() { <-t.Context().Done() }()
				return n.Notify(ctx, a)
			})
		})},
	}
}
