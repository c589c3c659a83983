package receiver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
)

// maxBody is the longest body, in bytes. Mackerel's bodies have a few KiB: the output of a check has at most 1,024
// characters.
const maxBody = 1 << 20

// ownAgent begins the User-Agent of this module.
var ownAgent, _, _ = strings.Cut(mackerel.UserAgent, "/")

// A Request is a request and its answer, for [Config].OnRequest. It contains no secrets.
type Request struct {
	Status int            // of the answer
	Alert  mackerel.Alert // the zero Alert if the request was refused
	Repeat bool           // an equal body is being delivered, or was delivered within the last minute
	// Err says why the request was refused, why the alert was not delivered, or which members of it have a wrong type
	// (ErrOddMember). It joins the last two if both are so. It is nil if the delivery goes on (202).
	Err      error
	Duration time.Duration // from the header to the answer
}

// LogValue returns the fields that are set, for log/slog. Of the alert, it has the title.
func (r Request) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int("status", r.Status), slog.String("duration", r.Duration.String())}
	if r.Alert.Raw != nil {
		attrs = append(attrs, slog.String("alert", r.Alert.Title()))
	}
	if r.Repeat {
		attrs = append(attrs, slog.Bool("repeat", true))
	}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// answer writes the answer. The text is for the person who tries the URL by hand. It has no detail that helps to guess
// a secret.
func (r Request) answer(w http.ResponseWriter, wait time.Duration) {
	text := http.StatusText(r.Status)
	header := w.Header()
	switch r.Status {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Basic realm="mackerel", charset="UTF-8"`)
	case http.StatusServiceUnavailable:
		after, _ := mackerel.Retry(r.Err)
		if after <= 0 {
			after = wait
		}
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
		fallthrough
	case http.StatusBadRequest, http.StatusRequestTimeout, http.StatusConflict, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType:
		if e, ok := errors.AsType[*mackerel.Error](r.Err); ok {
			text = e.Message
		}
	}
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(r.Status)
	_, _ = io.WriteString(w, text+"\n") // the sender may be gone
}

// refuse returns why a request is not read, nil if it is read. The checks of the sender come first, so that others
// learn nothing.
func (h *Handler) refuse(ctx context.Context, r *http.Request) *mackerel.Error {
	if h.sentTo != nil && !h.sentTo(r.URL.Path) {
		return refusal(http.StatusNotFound, "not the path of the configuration")
	}
	if h.senders != nil {
		if refused := h.senders.refuse(ctx, r); refused != nil {
			return refused
		}
	}
	if user, password, ok := r.BasicAuth(); h.knows != nil && (!ok || !h.knows(user, password)) {
		return refusal(http.StatusUnauthorized, "wrong user or password")
	}
	if r.Method != http.MethodPost {
		return refusal(http.StatusMethodNotAllowed, "webhooks come by POST")
	}
	if !h.config.Relay && strings.HasPrefix(r.UserAgent(), ownAgent+"/") {
		return refusal(http.StatusConflict, "sent by "+ownAgent+": it may be a loop, and is taken only with Config.Relay")
	}
	return refuseContent(r.Header)
}

// refuseContent refuses what is not JSON by its header.
func refuseContent(h http.Header) *mackerel.Error {
	if s := h.Get("Content-Type"); s != "" {
		// A wrong parameter does no harm: JSON has no other encoding than UTF-8.
		t, _, err := mime.ParseMediaType(s)
		if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || t != "application/json" {
			return refusal(http.StatusUnsupportedMediaType, "Content-Type: must be application/json")
		}
	}
	if s := h.Get("Content-Encoding"); s != "" && !strings.EqualFold(s, "identity") {
		return refusal(http.StatusUnsupportedMediaType, "Content-Encoding: must not be set")
	}
	return nil
}

// limitReading ends the reading of the body at a time, or never at the zero time. The http.Server reads the rest of a
// body that is refused before it sends the answer, and would wait for it. A ResponseWriter without deadlines belongs to
// a test or a wrapper; then the server's ReadTimeout counts.
func limitReading(w http.ResponseWriter, deadline time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(deadline)
}

// read returns the body.
func read(w http.ResponseWriter, r *http.Request) ([]byte, *mackerel.Error) {
	const firstRead = 64 << 10 // a sender may announce more than it sends
	body := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), firstRead)+bytes.MinRead))
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, refusal(http.StatusRequestEntityTooLarge, "the body has more than "+strconv.Itoa(maxBody)+" bytes")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refusal(http.StatusRequestTimeout, "the body did not arrive in time")
	case err != nil:
		return nil, refusal(http.StatusBadRequest, "the body ended early")
	}
	return body.Bytes(), nil
}

// refusal returns the error of a request that is answered with the status.
func refusal(status int, message string) *mackerel.Error {
	kind := mackerel.ErrInvalid
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = mackerel.ErrUnauthorized
	case http.StatusNotFound:
		kind = mackerel.ErrNotFound
	case http.StatusServiceUnavailable:
		kind = mackerel.ErrUnavailable
	}
	e := failure("receive", kind, message)
	e.Status = status
	return e
}

// equal returns a function that compares with a secret in a time that does not depend on what is equal, or how long
// the secret is. The secret is in a func, where fmt does not print it.
func equal(secret mackerel.Secret) func(string) bool {
	want := sha256.Sum256([]byte(secret.Reveal()))
	return func(s string) bool {
		got := sha256.Sum256([]byte(s))
		return subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}
}
