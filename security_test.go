package mackerel_test

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/webhook"
)

// A lockedBuffer is an output for package log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// talkative starts a server whose answer is longer than it declares: the path of the request follows. The channel is
// closed when the client has closed the connection.
func talkative(t *testing.T) (address string, closed <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		in := bufio.NewReader(conn)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokthe rest "+r.URL.Path)
		_, _ = io.Copy(io.Discard, in) // until the client closes the connection
	}()
	return "http://" + l.Addr().String(), done
}

// TestWhatNetHTTPPrintsOfAnAnswer holds what SECURITY.md says. If net/http prints nothing any more, the page can say
// less.
func TestWhatNetHTTPPrintsOfAnAnswer(t *testing.T) {
	const token = "token-in-the-path"
	for name, test := range map[string]struct {
		call   mackerel.CallOptions
		prints bool
	}{
		"a connection that is kept":            {mackerel.CallOptions{Client: &http.Client{Transport: new(http.Transport)}}, true},
		"DisableKeepAlives":                    {mackerel.CallOptions{Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}, false},
		"at most once":                         {mackerel.CallOptions{Delivery: mackerel.AtMostOnce}, false},
		"at most once with a caller's Client":  {mackerel.CallOptions{Delivery: mackerel.AtMostOnce, Client: &http.Client{Transport: new(http.Transport)}}, false},
		"at most once with the default Client": {mackerel.CallOptions{Delivery: mackerel.AtMostOnce, Client: http.DefaultClient}, false},
	} {
		t.Run(name, func(t *testing.T) {
			printed, before := new(lockedBuffer), log.Writer()
			log.SetOutput(printed)
			defer log.SetOutput(before)
			address, closed := talkative(t)
			n, err := webhook.New(webhook.Config{URL: mackerel.NewSecret(address + "/" + token), Call: test.call})
			if err != nil {
				t.Fatal(err)
			}
			if err := n.Notify(t.Context(), mackerel.Alert{ID: "5A", Message: "x"}); err != nil {
				t.Fatal(err)
			}
			<-closed
			if got := printed.String(); (got != "") != test.prints || test.prints && !strings.Contains(got, "Unsolicited response") {
				t.Errorf("net/http has printed %q", got)
			}
			if strings.Contains(printed.String(), token) != test.prints {
				t.Errorf("the token is in %q", printed.String())
			}
		})
	}
}
