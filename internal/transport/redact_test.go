package transport_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/jarcoal/httpmock"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// token has every character that one of the forms escapes.
const token = `T/Ak+n=<"5&%é` + "日"

func TestSecretsInEveryForm(t *testing.T) {
	tests := []struct{ name, quoted string }{
		{"raw", token},
		{"in a query", url.QueryEscape(token)},
		{"in a query, in lower case", `T%2fAk%2bn%3d%3c%225%26%25%c3%a9%e6%97%a5`},
		{"in a path", url.PathEscape(token)},
		{"in a path, in lower case", `T%2fAk+n=%3c%225&%25%c3%a9%e6%97%a5`},
		{"in JSON", `T/Ak+n=\u003c\"5\u0026%é日`},
		{"in JSON without HTML escapes", `T/Ak+n=<\"5&%é日`},
		{"in JSON as PHP writes it", `T\/Ak+n=<\"5&%é日`},
		{"as Basic credentials", base64.StdEncoding.EncodeToString([]byte(token))},
		{"as Basic credentials in JSON as PHP writes it", strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(token)), "/", `\/`)},
	}
	clean := transport.NewCleaner("", token)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := "before [redacted] after, and again: [redacted]"
			if padding := len(tt.quoted) - len(strings.TrimRight(tt.quoted, "=")); padding > 0 {
				want = strings.ReplaceAll(want, "[redacted]", "[redacted]"+tt.quoted[len(tt.quoted)-padding:])
			}
			text := "before " + tt.quoted + " after, and again: " + tt.quoted
			check(t, "text", clean.Text(text), want)
			check(t, "line", clean.Line(text), want)
			check(t, "header", clean.Header(http.Header{"X": {text}}).Get("X"), want)
		})
	}
}

func TestSecretsThatBeginWithOneAnother(t *testing.T) {
	for _, secrets := range [][]string{{"secret", "secret-longer"}, {"secret-longer", "secret"}} {
		check(t, "text", transport.NewCleaner(secrets...).Text("a secret-longer b secret"), "a [redacted] b [redacted]")
	}
}

func TestShortSecrets(t *testing.T) {
	clean := transport.NewCleaner("ops", "a:b")
	check(t, "in text they are innocent", clean.Text("ops: too many requests"), "ops: too many requests")
	h := http.Header{"X-User": {"ops", "ops2"}, "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("a:b"))}}
	got := clean.Header(h)
	check(t, "in a header they are not", fmt.Sprint(got), "map[Authorization:[Basic [redacted]] X-User:[[redacted] [redacted]2]]")
	check(t, "the header that was given", h.Get("X-User"), "ops")
}

func TestNoSecretsAtAll(t *testing.T) {
	var none *transport.Cleaner
	for name, clean := range map[string]*transport.Cleaner{"nil": none, "without secrets": transport.NewCleaner(), "with an empty one": transport.NewCleaner("")} {
		check(t, name+": text", clean.Text("text"), "text")
		check(t, name+": line", clean.Line("a\nline"), "a line")
		check(t, name+": header", clean.Header(http.Header{"X": {"y"}}).Get("X"), "y")
		check(t, name+": error", clean.Fault(io.EOF).Error(), "EOF")
	}
	check(t, "no error", none.Fault(nil), nil)
	check(t, "the cleaner of a transport", transport.New("test", options{}, "hunter2").Clean().Text("a hunter2"), "a [redacted]")
}

func TestLine(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"words", "Invalid API token", "Invalid API token"},
		{"several lines", "\n one\r\n\ttwo \u2028 three\u0085 four\x00five ", "one two three four five"},
		{"directions", "a\u202eb\u2066c\u200fd\u061ce", "a b c d e"},
		{"an escape sequence of a terminal", "\x1b[31mred\x1b[0m", "[31mred [0m"},
		{"invalid UTF-8", "a\xff\xfeb", "a\uFFFDb"},
		{"Japanese", "エラー：無効", "エラー：無効"},
		{"512 bytes", strings.Repeat("x", 512), strings.Repeat("x", 512)},
		{"513 bytes", strings.Repeat("x", 513), strings.Repeat("x", 512)},
		{"a character across the end", strings.Repeat("x", 511) + "日", strings.Repeat("x", 511)},
		{"a secret across the end, which is taken out first", strings.Repeat("x", 505) + "s3cr3t-t0ken", strings.Repeat("x", 505) + "[redact"},
	}
	clean := transport.NewCleaner("s3cr3t-t0ken")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { check(t, "line", clean.Line(tt.text), tt.want) })
	}
}

func FuzzLine(f *testing.F) {
	f.Add("Invalid API token", "s3cr3t-t0ken")
	f.Add("a\xff\u202e\n"+strings.Repeat("日", 200), "日日")
	f.Add(`{"error":"\/services\/T0"}`, "/services/T0")
	f.Fuzz(func(t *testing.T, text, secret string) {
		line := transport.NewCleaner(secret).Line(text)
		if len(line) > 512 || !utf8.ValidString(line) || strings.ContainsFunc(line, unsafe) {
			t.Errorf("%q became %q", text, line)
		}
		if len(secret) >= 6 && !strings.Contains("[redacted]", secret) && strings.Contains(transport.NewCleaner(secret).Text(text), secret) && !overlapsMask(secret) {
			t.Errorf("%q is still in the text of %q", secret, text)
		}
	})
}

func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\n'
}

// overlapsMask reports whether a mask next to other text could spell the secret.
func overlapsMask(secret string) bool {
	return strings.ContainsAny(secret, "[]redact")
}

// RoundTrippers wrap errors in different ways. No wrapping may show the address, which is a secret.
func TestErrorsQuoteNoAddress(t *testing.T) {
	const address = "https://user:hunter2@hooks.test/services/T0/s3cr3t-t0ken?key=hunter2"
	reset := os.NewSyscallError("read", syscall.ECONNRESET)
	wrap := func(err error) error { return &url.Error{Op: "Post", URL: address, Err: err} }
	tests := []struct {
		name  string
		err   error
		is    error // what errors.Is still finds, if anything
		words string
	}{
		{"a url.Error", wrap(reset), syscall.ECONNRESET, "read: connection reset by peer"},
		{"a url.Error in a url.Error", wrap(wrap(reset)), syscall.ECONNRESET, "read: connection reset by peer"},
		{"a url.Error, wrapped", fmt.Errorf("after 3 tries: %w", wrap(reset)), syscall.ECONNRESET, "read: connection reset by peer"},
		{"a url.Error around a wrapped url.Error", wrap(fmt.Errorf("try 2: %w", wrap(io.ErrUnexpectedEOF))), io.ErrUnexpectedEOF, "unexpected EOF"},
		{"a url.Error among others", errors.Join(errors.New("first"), wrap(reset)), syscall.ECONNRESET, "read: connection reset by peer"},
		{"words with the address", errors.New("Post " + address + " failed"), nil, "the connection failed"},
		{"words with an address without a user", errors.New("Post https://hooks.test/hunter2 failed"), nil, "the connection failed"},
		{"words with the address, around a system's error", fmt.Errorf("Post %s: %w", address, reset), syscall.ECONNRESET, "connection reset by peer"},
		{"words with the address, around a timeout", fmt.Errorf("Post %s: %w", address, os.ErrDeadlineExceeded), os.ErrDeadlineExceeded, "timeout"},
		{"words with the address, around an error that is no timeout", fmt.Errorf("Post %s: %w", address, &net.OpError{Err: io.EOF}), io.EOF, "the connection failed"},
		{"words with the address, around a cancellation of its own", fmt.Errorf("Post %s: %w", address, context.Canceled), context.Canceled, "context canceled"},
		{"words with the path", errors.New("Post /services/T0/s3cr3t-t0ken failed"), nil, "Post /services/T0/[redacted] failed"},
		{"an invalid address of a proxy", errors.New(`invalid proxy address "user:hunter2@proxy.test": no port`), nil, "the connection failed"},
		{"an error that is a string", stringError(address), nil, "the connection failed"},
		{"an error of the network", &net.OpError{Op: "dial", Net: "tcp", Err: reset}, syscall.ECONNRESET, "dial tcp: read: connection reset by peer"},
		{"many lines", errors.New("one\ntwo\u202e" + strings.Repeat("x", 1000)), nil, "one two " + strings.Repeat("x", 504)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := httpmock.NewMockTransport()
			m.RegisterNoResponder(httpmock.NewErrorResponder(tt.err))
			var attempt error
			tr := transport.New("slack", options{
				Client: &http.Client{Transport: m}, MaxAttempts: 1,
				OnAttempt: func(_ context.Context, a transport.Attempt) { attempt = a.Err },
			}, "s3cr3t-t0ken")
			request := post(t, fakehttp.MemoryURL)
			request.URL = parse(t, address)
			r := tr.Do(t.Context(), request)
			check(t, "words", r.Err.Error(), tt.words)
			check(t, "words of the attempt", attempt.Error(), tt.words)
			if tt.is != nil && !errors.Is(r.Err, tt.is) {
				t.Errorf("%v is not found any more", tt.is)
			}
			checkNoSecret(t, tr, r)
		})
	}
}

func TestADeadlineWithAnAddress(t *testing.T) {
	err := fmt.Errorf("Get http://169.254.170.2/hunter2: %w", context.DeadlineExceeded)
	check(t, "words", transport.NewCleaner().Fault(err).Error(), "context deadline exceeded")
}

type stringError string

func (e stringError) Error() string { return string(e) }

// checkNoSecret prints a result in every way, also below an unexported field, where fmt calls no methods.
func checkNoSecret(t *testing.T, tr *transport.Transport, r transport.Result) {
	t.Helper()
	if u := (*url.Error)(nil); errors.As(r.Err, &u) {
		t.Errorf("a url.Error is found, with %s", u.URL)
	}
	hidden := struct {
		err    error
		result transport.Result
		tr     *transport.Transport
	}{r.Err, r, tr}
	for _, v := range []any{r.Err, r, hidden, tr, tr.Clean()} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, "s3cr3t") || strings.Contains(text, "hunter2") || strings.Contains(text, "hooks.test") {
				t.Errorf("%s of a %T: %s", format, v, text)
			}
		}
	}
}

// With errgroup, the cause of a cancellation is the error of another call.
func TestACauseThatHoldsAnAddress(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(&url.Error{Op: "Get", URL: "https://hooks.test/hunter2", Err: io.ErrUnexpectedEOF})
	tr := transport.New("slack", options{})
	r := tr.Do(ctx, post(t, fakehttp.MemoryURL))
	check(t, "words", r.Err.Error(), "context canceled: unexpected EOF")
	check(t, "it was cancelled", errors.Is(r.Err, context.Canceled), true)
	check(t, "the cause is found", errors.Is(r.Err, io.ErrUnexpectedEOF), true)
	checkNoSecret(t, tr, r)
}

func TestACallsOwnCleaner(t *testing.T) {
	o := through(roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("bad response-url-1") }))
	o.MaxAttempts = 1
	request := post(t, fakehttp.MemoryURL)
	request.Clean = transport.NewCleaner("response-url-1")
	r := transport.New("slack", o).Do(t.Context(), request)
	check(t, "words", r.Err.Error(), "bad [redacted]")
}

func TestAnErrorKeepsItsType(t *testing.T) {
	clean := transport.NewCleaner()
	err := clean.Fault(&url.Error{Op: "Post", URL: "https://hooks.test/", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}})
	var op *net.OpError
	check(t, "the OpError is found", errors.As(err, &op), true)
	var timeout net.Error
	check(t, "it is an error of the network", errors.As(err, &timeout), true)
}
