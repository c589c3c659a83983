package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// A fault is an error of the network or the context whose text is safe to print. errors.Is and errors.As see the
// cause. Unwrap does not return it, because it may contain a URL. It is kept in a func, so that fmt cannot print it.
type fault struct {
	text  string
	cause func() error
}

func (f *fault) Error() string { return f.text }

// Is reports whether the cause is target.
func (f *fault) Is(target error) bool { return errors.Is(f.cause(), target) }

// As finds the cause's type. It never finds a *url.Error.
func (f *fault) As(target any) bool { return errors.As(f.cause(), target) }

// Fault returns err as an error that is safe to print, nil for nil. The URL of a *url.Error is dropped. Other text
// with a URL or an "@", as a caller's RoundTripper or a proxy may write it, is replaced as a whole.
func (c *Cleaner) Fault(err error) error {
	if err == nil {
		return nil
	}
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err
	}
	text := err.Error()
	if strings.Contains(text, "://") || strings.Contains(text, "@") {
		text = ownWords(err)
	}
	return &fault{c.Line(text), func() error { return err }}
}

// ownWords describes an error whose text must not be shown.
func ownWords(err error) string {
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded.Error()
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "the connection failed"
}

// Lost says why an attempt of [Transport.Try] has no usable answer, nil for nil. The result is safe to print: the
// error of the caller's context if that has ended, a timeout of the attempt, or err.
func (t *Transport) Lost(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) { // of a connection
		err = context.DeadlineExceeded
	}
	return t.clean.lost(ctx, t.timeout, err)
}

func (c *Cleaner) lost(caller context.Context, timeout time.Duration, err error) error {
	if caller.Err() != nil {
		return c.cancelled(caller)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return timeoutError("no answer within " + timeout.String())
	}
	return c.Fault(err)
}

// cancelled returns the context's error, with its cause if that says more. The cause is made safe before the two are
// joined: if it is a *url.Error, Fault would drop the context's error as well.
func (c *Cleaner) cancelled(ctx context.Context) error {
	err, cause := ctx.Err(), c.Fault(context.Cause(ctx))
	if errors.Is(cause, err) {
		return cause
	}
	return c.Fault(fmt.Errorf("%w: %w", err, cause))
}

// A timeoutError is the end of an attempt's time, in contrast to the end of the caller's context. It is a
// [net.Error].
type timeoutError string

func (e timeoutError) Error() string { return string(e) }

// Timeout reports true.
func (e timeoutError) Timeout() bool { return true }

// Temporary reports true. It is deprecated, but part of net.Error.
func (e timeoutError) Temporary() bool { return true }

// redirectError names the host that an answer points to. The rest of the address may be secret.
func redirectError(location string) error {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return errors.New("redirects are refused")
	}
	return fmt.Errorf("redirect to %s refused", u.Host)
}

// unfixable reports whether a connection failed for a reason that will not go away soon: the name does not exist, or
// the certificate is not trusted.
func unfixable(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.IsNotFound
	}
	return errors.As(err, new(*tls.CertificateVerificationError))
}
