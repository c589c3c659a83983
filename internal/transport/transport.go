// Package transport makes the calls of all clients and notifiers over HTTP. It repeats and waits, refuses redirects,
// limits what it reads, keeps secrets out of errors, and says what is known about each outcome. It knows no service.
// It returns a [Result] for every status, which its callers turn into the module's error type.
//
// The loop over the attempts and the rewinding of bodies are go-retryablehttp's. [Transport.Try] makes the same
// decisions for email, which is not HTTP.
package transport

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Limits of the bodies that are read.
const (
	MessageLimit = 64 << 10 // bytes, for errors and the answers to messages
	ReadLimit    = 64 << 20 // bytes, for what a client lists; a full list of Chatwork has 12 MiB
)

// A Repeat says what it means to do an operation twice. The zero value is the safest.
type Repeat uint8

const (
	// Once is never repeated after a lost answer: creations, uploads, and reads that consume.
	Once Repeat = iota
	// Message is repeated as the Delivery says.
	Message
	// Keyed is a Message whose attempts share a key, by which the service drops repeats. After a lost answer it is
	// repeated in either delivery mode. The Result still has the mode, because another call has another key.
	Keyed
	// Replay may be done twice: reads, replacements, deletions, and calls with a key by which the service
	// deduplicates.
	Replay
)

// A Transport makes the calls of one client or notifier. It is safe for concurrent use.
type Transport struct {
	provider    string
	timeout     time.Duration
	maxAttempts int
	maxWait     time.Duration
	delivery    Delivery
	userAgent   string
	onAttempt   func(context.Context, Attempt)
	pace        Pace
	pacer       *pacer // nil if calls do not wait for their turn
	maxTurn     time.Duration

	base  http.RoundTripper // the caller's, or nil
	ways  ways
	jar   http.CookieJar
	retry *retryablehttp.Client
	clean *Cleaner
}

// New returns a Transport for a service. The options must have no [Options.Problems]. The secrets are kept out of
// every error.
func New[D ~uint8, A ~Attempt, P ~Pace](provider string, o Options[D, A, P], secrets ...string) *Transport {
	t := &Transport{
		provider:    provider,
		timeout:     cmp.Or(o.Timeout, DefaultTimeout),
		maxAttempts: cmp.Or(o.MaxAttempts, DefaultMaxAttempts),
		maxWait:     cmp.Or(o.MaxWait, DefaultMaxWait),
		delivery:    cmp.Or(Delivery(o.Delivery), AtLeastOnce),
		userAgent:   o.UserAgent,
		pace:        Pace(o.Pace),
		maxTurn:     cmp.Or(o.MaxTurn, DefaultMaxTurn),
		clean:       NewCleaner(secrets...),
	}
	if o.OnAttempt != nil {
		t.onAttempt = func(ctx context.Context, a Attempt) { o.OnAttempt(ctx, A(a)) }
	}
	if t.pace != Unpaced {
		t.pacer = pacerOf(o.Client)
	}
	if c := o.Client; c != nil {
		t.base, t.jar = c.Transport, c.Jar
		if c.Timeout > 0 {
			t.timeout = min(c.Timeout, t.timeout)
		}
	}
	t.ways = over(t.base)
	t.retry = newRetrier(t.jar, t.maxAttempts)
	return t
}

// Header returns a function that returns a header with the User-Agent and the given keys and values, the same at each
// call. It is a function because the header holds credentials: fmt prints fields, but does not call functions.
func (t *Transport) Header(keyValues ...string) func() http.Header {
	h := http.Header{"User-Agent": {t.userAgent}}
	for i := 0; i < len(keyValues); i += 2 {
		h.Set(keyValues[i], keyValues[i+1])
	}
	return func() http.Header { return h }
}

// Clean returns the cleaner that knows the transport's secrets.
func (t *Transport) Clean() *Cleaner { return t.clean }

// Timeout is the limit of one attempt.
func (t *Transport) Timeout() time.Duration { return t.timeout }

// Delivery is the mode of messages.
func (t *Transport) Delivery() Delivery { return t.delivery }

// A Request is one operation. The transport does not change it, except for Sink.Written.
type Request struct {
	Op       string // in the service's words: "post message"
	Notifier string // who makes the call, for Attempt.Notifier
	Method   string
	URL      *url.URL
	Header   http.Header
	Body     []byte
	Stream   *Stream // in place of Body, for a long body or to tell the progress
	Sink     *Sink   // in place of Result.Body, for a success that may be long
	Repeat   Repeat
	Limit    int64    // of the answer's body, in bytes; MessageLimit unless set
	Clean    *Cleaner // for a call with secrets of its own; the transport's unless set

	// Lanes are the limits that the request counts against, the narrowest first.
	Lanes []Lane
	Rank  uint8 // in the queues of the lanes
	// Limited, if set, returns the number of the lane whose limit a refusal was for; the first unless set.
	Limited func(*Result) int
	// Serial, if set, is what the request is about. Calls in the same lanes with the same Serial are made one after the
	// other. The first of them goes before all others that are about something else and not the first.
	Serial string

	// Sign, if set, is called before each attempt with a request that belongs to the attempt. Sign may change it, but
	// must not touch its body. The request's context ends with the time of the attempt. If Sign fails, nothing is
	// sent.
	Sign func(*http.Request) error
	// AnyBody says that the status alone makes a success. A body that cannot be read whole, or is too long, does no harm.
	AnyBody bool
	// Again, if set, returns the body to send in place of a body that the service has refused (Invalid). The next attempt
	// sends it at once, even if the call has had all its attempts. An earlier lost answer still counts if that attempt is
	// refused too. Again is asked once.
	Again func(*Result) (body []byte, ok bool)
	// Judge, if set, sees every answer before anything is decided. It may change the Class if the status alone does
	// not tell: a documented success is Done, an undocumented success is Ambiguous. Body is nil if it could not be
	// read whole; the Class already takes that into account.
	Judge func(*Result)
	// Wait, if set, returns how long the service asks to wait in a way of its own, 0 if it does not ask. If it is 0,
	// the usual headers are read.
	Wait func(*Result) time.Duration
}

// A Result is the outcome of a call. Status, Header and Body are those of the last answer, zero if there was no answer.
type Result struct {
	Class      Class
	Status     int
	Header     http.Header
	Body       []byte // nil if it could not be read whole
	ID         string // the service's id of what it made, if Judge has found it; cleaned like the words of an error
	RetryAfter time.Duration
	Attempts   int
	Waited     time.Duration // for turns, of all attempts
	Delivery   Delivery      // the mode of the call: AtMostOnce for Once, AtLeastOnce for Replay
	Err        error         // why there is no usable answer, redacted; contains the error of a context that ended
}

// Do makes the call. It returns when there is a result or the context ends. No goroutine of it outlives the call.
func (t *Transport) Do(ctx context.Context, r Request) Result {
	c := t.newCall(r)
	c.run(ctx)
	c.ID = c.r.Clean.Line(c.ID)
	return c.Result
}

// Try makes a call in another protocol than HTTP, with the rules that [Transport.Do] has for a Message: it counts and
// reports the attempts, decides whether there is another, and waits before it. Of the request, only Op and Notifier are
// used. The function makes an attempt, limits its time itself, and returns an error that is safe to print (see
// [Transport.Lost]).
func (t *Transport) Try(ctx context.Context, r Request, attempt func(context.Context) Attempted) Result {
	c := t.newCall(Request{Op: r.Op, Notifier: r.Notifier, Repeat: Message})
	for c.begin(ctx) {
		a := attempt(ctx)
		c.Class, c.Err, c.RetryAfter = a.Class, a.Err, a.RetryAfter
		c.final = a.Final || unfixable(c.Err)
		c.turn.waited, c.start = a.Waited, c.start.Add(a.Waited)
		c.Waited += a.Waited
		if !c.again(ctx) {
			break
		}
	}
	c.settle(ctx, nil)
	return c.Result
}

// An Attempted is the outcome of an attempt in [Transport.Try].
type Attempted struct {
	Class      Class
	Err        error         // why it failed; safe to print
	RetryAfter time.Duration // how long the service asks to wait
	Waited     time.Duration // for turns
	Final      bool          // there is no other attempt
}
