// Package transport is the one place of the module that speaks HTTP: it repeats, waits, refuses redirects, caps what it
// reads, keeps secrets out of errors, and says what is known about each outcome. It knows no service and returns a
// [Result] for every status; turning that into the module's error type is its callers' one literal.
//
// The repeating itself is go-retryablehttp's. Each call is one struct that is both the RoundTripper below that
// library's http.Client and the owner of its CheckRetry and Backoff, so that every attempt is counted, traced, timed
// and read to its end in one place.
package transport

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Defaults of Options.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultMaxAttempts = 3
	DefaultMaxWait     = 15 * time.Second
)

// Caps on the bodies that are read.
const (
	MessageLimit = 64 << 10 // bytes: errors, and answers to messages
	ReadLimit    = 64 << 20 // bytes: what a client lists; a full Chatwork list is 12 MiB
)

// Repeat is what doing an operation twice means. The zero value is the safe one.
type Repeat uint8

const (
	// Once is never repeated after a lost answer: creations, uploads, and reads that consume.
	Once Repeat = iota
	// Message is repeated as the Delivery says.
	Message
	// Replay may be done twice: reads, replacements, deletions, and calls that carry a key the service deduplicates by.
	Replay
)

// Delivery mirrors the root package's type of this name.
type Delivery uint8

// The delivery modes.
const (
	AtLeastOnce Delivery = iota + 1
	AtMostOnce
)

// Options mirrors the root package's CallOptions, which documents the fields.
type Options struct {
	Client      *http.Client
	Timeout     time.Duration
	MaxAttempts int
	MaxWait     time.Duration
	Delivery    Delivery
	UserAgent   string
	OnAttempt   func(context.Context, Attempt)
}

// Attempt mirrors the root package's type of this name.
type Attempt struct {
	Provider string
	Op       string
	Number   int
	Start    time.Time
	Duration time.Duration
	Status   int
	Err      error
	Wait     time.Duration
	Last     bool
}

// Problems lists what is wrong with the options, each naming its field.
func (o Options) Problems() []string {
	var problems []string
	for _, d := range []struct {
		name  string
		value int64
	}{{"Timeout", int64(o.Timeout)}, {"MaxAttempts", int64(o.MaxAttempts)}, {"MaxWait", int64(o.MaxWait)}} {
		if d.value < 0 {
			problems = append(problems, "Call."+d.name+": must not be negative")
		}
	}
	if o.Delivery > AtMostOnce {
		problems = append(problems, "Call.Delivery: unknown")
	}
	if !validHeaderValue(o.UserAgent) {
		problems = append(problems, "Call.UserAgent: has a control character")
	}
	return problems
}

// A Transport makes the calls of one client or notifier. It is safe for concurrent use.
type Transport struct {
	provider string
	options  Options
	jar      http.CookieJar
	pooled   roundTripper // keeps connections
	fresh    roundTripper // dials each time: a stale connection would make what is sent only once ambiguous
	clean    *Cleaner
}

// roundTripper is a base transport and what is known of it.
type roundTripper struct {
	http.RoundTripper
	std bool // it is net/http's own, which leaves the request's header alone
}

// New returns a Transport for a service. The options must have no problems; the secrets are kept out of every error.
func New(provider string, o Options, secrets ...string) *Transport {
	t := &Transport{provider: provider, options: o, clean: NewCleaner(secrets...)}
	t.pooled, t.fresh = shared()
	t.options.Timeout = orDefault(o.Timeout, DefaultTimeout)
	if c := o.Client; c != nil {
		t.jar = c.Jar
		t.pooled, t.fresh = over(c.Transport)
		if c.Timeout > 0 {
			t.options.Timeout = min(c.Timeout, t.options.Timeout)
		}
	}
	t.options.MaxAttempts = orDefault(o.MaxAttempts, DefaultMaxAttempts)
	t.options.MaxWait = orDefault(o.MaxWait, DefaultMaxWait)
	t.options.Delivery = orDefault(o.Delivery, AtLeastOnce)
	return t
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// over returns the two ways through a caller's RoundTripper; a client without one gets the shared. Only net/http's own
// can be made to dial afresh; of any other it is asked by closing each connection after use.
func over(base http.RoundTripper) (pooled, fresh roundTripper) {
	if base == nil {
		return shared()
	}
	std, ok := base.(*http.Transport)
	if !ok {
		return roundTripper{base, false}, roundTripper{base, false}
	}
	return roundTripper{std, true}, roundTripper{withoutPool(std), true}
}

func withoutPool(base *http.Transport) *http.Transport {
	t := base.Clone()
	t.DisableKeepAlives = true
	return t
}

// shared returns the transports of everybody who brings no client. Their idle pool is sized for alerts that fan out:
// net/http's default keeps two connections per host, which under load means dialing for most messages.
var shared = sync.OnceValues(func() (pooled, fresh roundTripper) {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: DefaultTimeout}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       55 * time.Second, // below the usual minute of servers and balancers
		TLSHandshakeTimeout:   DefaultTimeout,
		ExpectContinueTimeout: time.Second,
	}
	return roundTripper{t, true}, roundTripper{withoutPool(t), true}
})

// Header returns a header with the User-Agent and the given keys and values. It comes as a function, because it holds
// credentials: fmt opens whatever a struct keeps, a pointer included, but not a function.
func (t *Transport) Header(keyValues ...string) func() http.Header {
	h := http.Header{"User-Agent": {t.options.UserAgent}}
	for i := 0; i+1 < len(keyValues); i += 2 {
		h.Set(keyValues[i], keyValues[i+1])
	}
	return func() http.Header { return h }
}

// Clean returns the cleaner that knows the transport's secrets.
func (t *Transport) Clean() *Cleaner { return t.clean }

// A Request is one operation. The transport changes nothing in it.
type Request struct {
	Op     string // in the service's words: "post message"
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
	Stream *Stream // instead of Body, if it is long or its progress counts
	Sink   *Sink   // instead of Result.Body, for a success that may be long
	Repeat Repeat
	Limit  int64    // of the answer's body, in bytes; MessageLimit unless set
	Clean  *Cleaner // if the call has secrets of its own; the transport's unless set

	// Sign, if set, is called before each attempt is sent, with a request of the attempt's own to write into; its body it
	// must leave alone. If it fails, nothing is sent. It has the attempt's time, and no longer.
	Sign func(*http.Request) error
	// Again, if set, returns the body to send in place of a body that the service has refused (Invalid). The next attempt
	// sends it at once. Again is asked until it has given a body.
	Again func(*Result) (body []byte, ok bool)
	// Judge sees every answer before anything is decided. It may change the Class, where the service's status does not
	// say it all: a documented success is Done, an undocumented one Ambiguous. Body is nil if it could not be
	// read whole, which the Class has taken into account.
	Judge func(*Result)
	// Wait is the service's own way of saying how long to wait, 0 if it did not; the usual headers come second.
	Wait func(*Result) time.Duration
}

// A Result is what became of a call. Status, Header and Body are those of the last answer, if there was one.
type Result struct {
	Class      Class
	Status     int
	Header     http.Header
	Body       []byte // nil if it could not be read whole
	ID         string // the service's id of what it made, if Judge has found it
	RetryAfter time.Duration
	Attempts   int
	Delivery   Delivery // the mode the call ran under: AtMostOnce for a Once, AtLeastOnce for a Replay
	Err        error    // redacted; why there is no usable answer, a cancelled context included
}

// Do makes the call. It returns when there is a result or the context ends; no goroutine of its own outlives it.
func (t *Transport) Do(ctx context.Context, r Request) Result {
	c := newCall(t, r)
	c.run(ctx)
	return c.Result
}

// String names the transport's provider, never its secrets.
func (t *Transport) String() string { return "transport of " + t.provider }
