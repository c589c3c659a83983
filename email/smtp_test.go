package email_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

func TestAServerThatRefusesEHLO(t *testing.T) {
	const sent = "connect EHLO HELO MAIL RCPT DATA . QUIT"
	for name, test := range map[string]struct {
		ehlo, helo string
		tls        email.TLS
		kind       error
		commands   string
	}{
		"for now":                              {"451 4.3.0 later", "250 fine", email.TLSNone, mackerel.ErrUnavailable, "connect EHLO QUIT"},
		"for now, where TLS is wanted":         {"451 4.3.0 later", "250 fine", email.TLSStart, mackerel.ErrUnavailable, "connect EHLO QUIT"},
		"with 421":                             {"421 4.3.2 going down", "250 fine", email.TLSNone, mackerel.ErrUnavailable, "connect EHLO"},
		"for good, and HELO for now":           {"502 what?", "451 4.3.0 later", email.TLSNone, mackerel.ErrUnavailable, "connect EHLO HELO QUIT"},
		"for good, and HELO with 421":          {"502 what?", "421 4.3.2 going down", email.TLSStart, mackerel.ErrUnavailable, "connect EHLO HELO"},
		"for good, and HELO too":               {"550 no", "550 5.7.1 blocked", email.TLSNone, mackerel.ErrUnauthorized, "connect EHLO HELO QUIT"},
		"for good, and hangs up":               {"550 5.7.1 blocked", "hang up", email.TLSNone, mackerel.ErrUnauthorized, "connect EHLO HELO"},
		"and has the name of an extension":     {"250 STARTTLS", "", email.TLSStart, mackerel.ErrUnsupported, "connect EHLO"},
		"because it is old":                    {"500 what?", "250 fine", email.TLSNone, nil, sent},
		"because it is old, and TLS is wanted": {"500 what?", "250 fine", email.TLSStart, mackerel.ErrUnsupported, "connect EHLO HELO"},
	} {
		t.Run(name, func(t *testing.T) {
			server, n := scripted(t, once(map[string]string{"EHLO": test.ehlo, "HELO": test.helo}), func(c *email.Config) { c.TLS = test.tls })
			err := n.Notify(t.Context(), alert())
			if test.kind == nil && err != nil {
				t.Fatal(err)
			}
			if test.kind != nil {
				_ = servicetest.AsError(t, err, test.kind)
			}
			if got := strings.Join(server.Commands(), " "); got != test.commands {
				t.Errorf("the commands are %q, want %q", got, test.commands)
			}
		})
	}
}

// A lowerConn reads what the server offers in small letters.
type lowerConn struct{ net.Conn }

func (c lowerConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if bytes.HasPrefix(b[:n], []byte("250-")) {
		copy(b, bytes.ToLower(b[:n]))
	}
	return n, err
}

func lower(c *email.Config) {
	dial := c.Dial
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return lowerConn{conn}, err
	}
}

func TestKeywordsAreReadInAnyCase(t *testing.T) {
	fake, n := start(t, lower)
	if err := n.Notify(t.Context(), alert()); err != nil || !last(t, fake).TLS {
		t.Errorf("starttls: %v", err)
	}
	for _, hidden := range []string{"AUTH LOGIN", "AUTH PLAIN"} {
		fake, n = start(t, lower, func(c *email.Config) { c.TLS, c.Host = email.TLSNone, "localhost" })
		fake.Hide("STARTTLS", hidden)
		if err := n.Notify(t.Context(), alert()); err != nil || last(t, fake).User != emailtest.Username {
			t.Errorf("auth without %s: %v", hidden, err)
		}
		if !slices.Contains(fake.Commands(), "MAIL FROM:<alert@example.com> BODY=8BITMIME") {
			t.Errorf("8bitmime: %q", fake.Commands())
		}
	}
	fake.SetSize(1000)
	err := n.Notify(t.Context(), alert())
	if e := servicetest.AsError(t, err, mackerel.ErrInvalid); !strings.Contains(e.Error(), "the server takes 1000") {
		t.Errorf("size: %v", err)
	}
}

// An injectingConn adds what an attacker on the way could add before TLS begins.
type injectingConn struct{ net.Conn }

func (c injectingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:len(b)/2])
	got := string(b[:n])
	got = strings.Replace(got, "250-STARTTLS\r\n", "250-STARTTLS\r\n250-SIZE 10\r\n", 1)
	got = strings.Replace(got, "220 2.0.0 go ahead\r\n", "220 2.0.0 go ahead\r\n250-SIZE\r\n250 SIZE 10\r\n", 1)
	return copy(b, got), err
}

func TestWhatWasSaidBeforeTLSDoesNotCount(t *testing.T) {
	fake, n := start(t, func(c *email.Config) {
		dial := c.Dial
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return injectingConn{conn}, err
		}
	})
	fake.Hide("SIZE")
	if err := n.Notify(t.Context(), alert()); err != nil || !last(t, fake).TLS {
		t.Error(err)
	}
}

func TestASizeOfZeroOrWithoutANumberIsNoLimit(t *testing.T) {
	for _, size := range []string{"SIZE 0", "SIZE", "SIZE many"} {
		_, n := scripted(t, once(map[string]string{"EHLO": "250-relay\r\n250 " + size}))
		if err := n.Notify(t.Context(), alert()); err != nil {
			t.Errorf("%s: %v", size, err)
		}
	}
}

// What LOGIN asks for is sent only when it is asked for.
func TestARefusalOfLoginKeepsTheCredentials(t *testing.T) {
	const user, password = "YWxlcnQ=", "c2VzYW1l" // of alert and sesame, in base64
	for commands, replies := range map[string]map[string]string{
		"connect EHLO AUTH QUIT":                               {"AUTH": "535 5.7.8 no"},
		"connect EHLO AUTH " + user + " QUIT":                  {"AUTH": "334 user", user: "535 5.7.8 no"},
		"connect EHLO AUTH " + user + " " + password + " QUIT": {"AUTH": "334 user", user: "334 password", password: "535 5.7.8 no"},
	} {
		replies["EHLO"] = "250-localhost\r\n250 AUTH LOGIN"
		server, n := scripted(t, once(replies), func(c *email.Config) {
			c.Host, c.Username, c.Password = "localhost", "alert", mackerel.NewSecret("sesame")
		})
		_ = servicetest.AsError(t, n.Notify(t.Context(), alert()), mackerel.ErrUnauthorized)
		if got := strings.Join(server.Commands(), " "); got != commands {
			t.Errorf("the commands are %q, want %q", got, commands)
		}
	}
}

// A server that does not offer an extension is not asked for it.
func TestAnExtensionThatIsNotOffered(t *testing.T) {
	server, n := scripted(t, once(nil))
	if err := n.Notify(t.Context(), alert()); err != nil {
		t.Fatal(err)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if !slices.Contains(server.commands, "MAIL FROM:<alert@example.com>") {
		t.Errorf("the commands are %q", server.commands)
	}
}

func TestARecipientToWhomTheServerForwardsIsASuccess(t *testing.T) {
	_, n := scripted(t, once(map[string]string{"RCPT": "251 2.1.5 will forward"}))
	if err := n.Notify(t.Context(), alert()); err != nil {
		t.Error(err)
	}
}

func TestRepliesNeedNoText(t *testing.T) {
	for name, form := range map[string]string{
		"the code alone": "%s", "a blank": "%s ", "two lines": "%[1]s-\r\n%[1]s", "three lines": "%[1]s-\r\n%[1]s-\r\n%[1]s ",
	} {
		t.Run(name, func(t *testing.T) {
			replies := map[string]string{}
			for command, code := range map[string]string{
				"connect": "220", "EHLO": "250", "MAIL": "250", "RCPT": "250", "DATA": "354", ".": "250", "QUIT": "221",
			} {
				replies[command] = fmt.Sprintf(form, code)
			}
			server, n := scripted(t, once(replies))
			receipt, err := n.Deliver(t.Context(), alert())
			if got := strings.Join(server.Commands(), " "); err != nil || receipt.ID == "" || got != "connect EHLO MAIL RCPT DATA . QUIT" {
				t.Errorf("%v, %+v, %q", err, receipt, got)
			}

			replies["RCPT"] = fmt.Sprintf(form, "550")
			_, n = scripted(t, once(replies))
			err = n.Notify(t.Context(), alert())
			if e := servicetest.AsError(t, err, mackerel.ErrNotFound); e.Code != "550" || e.Message != "550" {
				t.Errorf("code %q, message %q", e.Code, e.Message)
			}
		})
	}
}

func TestARefusalOfSeveralLinesIsRead(t *testing.T) {
	for reply, want := range map[string]string{
		"550-5.1.1 no\r\n550 such user":                            "550 5.1.1 no such user",
		"550-5.1.1 no\r\n450 such user":                            "450 5.1.1 no such user", // the code of the last line counts
		"550 " + strings.Repeat("x", 8000):                         "550 xxx",
		"550-5.1.1" + strings.Repeat("\r\n550-x", 500) + "\r\n550": "550 5.1.1 x x",
		"550 " + strings.Repeat("x", 8192-len("550 \r\n")):         "550 xxx", // the longest reply
	} {
		_, n := scripted(t, once(map[string]string{"RCPT": reply}))
		var e *mackerel.Error
		if err := n.Notify(t.Context(), alert()); !errors.As(err, &e) || !strings.HasPrefix(e.Message, want) || e.Code != want[:3] {
			t.Errorf("%.30q: %.60v", reply, err)
		}
	}
}

// TestAnswersThatAreNoReplies: without a reply nothing is known, and the connection cannot be used any more.
func TestAnswersThatAreNoReplies(t *testing.T) {
	for _, answer := range []string{"hello", "", "25", "2500 x", "150 x", "650 x", "250_x", "HTTP/1.1 400 Bad Request", "250-x\r\nx"} {
		for command, kind := range map[string]error{
			"connect": mackerel.ErrUnavailable, "EHLO": mackerel.ErrUnavailable, "MAIL": mackerel.ErrUnavailable, ".": mackerel.ErrAmbiguous,
		} {
			server, n := scripted(t, func(got string, part int) []byte {
				if strings.HasPrefix(got, command) && part == 0 {
					return []byte(answer + "\r\n")
				}
				return once(nil)(got, part)
			}, func(c *email.Config) { c.Call.Delivery = mackerel.AtMostOnce })
			_ = servicetest.AsError(t, n.Notify(t.Context(), alert()), kind)
			if all := server.Commands(); all[len(all)-1] != command {
				t.Errorf("%q follows %q to %s", all, answer, command)
			}
		}
	}
}

// maxReplyCost is how much memory a reply may cost, in bytes.
const maxReplyCost = 64 << 10

func TestEndlessRepliesAreBounded(t *testing.T) {
	for name, part := range map[string]string{
		"an endless line":     strings.Repeat("x", 1<<10),
		"endless lines":       strings.Repeat("250-"+strings.Repeat("x", 60)+"\r\n", 16),
		"endless empty lines": strings.Repeat("250-\r\n", 200),
	} {
		for command, kind := range map[string]error{
			"connect": mackerel.ErrUnavailable, "EHLO": mackerel.ErrUnavailable, "RCPT": mackerel.ErrUnavailable, ".": mackerel.ErrAmbiguous,
		} {
			atMostOnce := func(c *email.Config) { c.Call.Delivery = mackerel.AtMostOnce }
			_, n := scripted(t, once(map[string]string{command: "550 no"}), atMostOnce)
			usual := allocated(func() { _ = n.Notify(t.Context(), alert()) })
			server, n := scripted(t, endless(command, part), atMostOnce)
			var err error
			cost := allocated(func() { err = n.Notify(t.Context(), alert()) })
			e := servicetest.AsError(t, err, kind)
			if server.Sent() > maxReplyCost || cost > usual+maxReplyCost || !strings.Contains(e.Error(), "the server's reply is longer than") {
				t.Errorf("%s at %s: %v, %d bytes were read, %d more were allocated", name, command, err, server.Sent(), int64(cost-usual))
			}
		}
	}
}

// endless returns replies of which that to one command does not end before 64 MiB.
func endless(command, part string) func(string, int) []byte {
	first, next := []byte("250-"), []byte(part)
	return func(got string, i int) []byte {
		switch {
		case !strings.HasPrefix(got, command):
			return once(nil)(got, i)
		case i == 0:
			return first
		case i > 64<<20/len(part):
			return nil
		}
		return next
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestQuotedLocalPartsStayQuoted(t *testing.T) {
	for address, want := range map[string]string{
		`"john doe"@example.com`:                         `"john doe"@example.com`,
		`John <"a@b"@example.com>`:                       `"a@b"@example.com`,
		`"a\"b\\c>"@example.com`:                         `"a\"b\\c>"@example.com`,
		`" "@example.com`:                                `" "@example.com`,
		`"x> SIZE=1"@example.com`:                        `"x> SIZE=1"@example.com`,
		`"john.doe"@example.com`:                         `john.doe@example.com`, // the same mailbox without needless quotes
		`"` + strings.Repeat("x ", 30) + `"@example.com`: `"` + strings.Repeat("x ", 30) + `"@example.com`,
	} {
		fake, n := start(t, func(c *email.Config) { c.From, c.To = address, []string{address} })
		if err := n.Notify(t.Context(), alert()); err != nil {
			t.Fatalf("%s: %v, %q", address, err, fake.Problems())
		}
		m := last(t, fake)
		if m.From != want || m.To[0] != want || n.String() != "email to "+want {
			t.Errorf("%s: the envelope is from %s to %s; %s", address, m.From, m.To, n)
		}
		for _, field := range []string{"From", "To"} {
			if got := m.Header.Get(field); !strings.HasSuffix(got, "<"+want+">") {
				t.Errorf("%s: %s: %s", address, field, got)
			}
		}
	}
}

// TestAfterA421NothingIsSent: the server goes down, also if it keeps the connection open.
func TestAfterA421NothingIsSent(t *testing.T) {
	for _, command := range []string{"MAIL", "RCPT", "DATA", "."} {
		refused := false
		server, n := scripted(t, func(got string, part int) []byte {
			if strings.HasPrefix(got, command) && part == 0 && !refused {
				refused = true
				return []byte("421 4.3.2 going down\r\n")
			}
			return once(nil)(got, part)
		}, three)
		err := n.Notify(t.Context(), alert())
		if failures := mackerel.Failures(err); len(failures) != 1 || !strings.HasPrefix(err.Error(), "email to "+hanako) {
			t.Errorf("421 at %s: %v", command, err)
		}
		all := server.Commands()
		if next := all[slices.Index(all, command)+1]; next != "connect" {
			t.Errorf("%s follows a 421 at %s", next, command)
		}
	}
}

// TestAfterAReplyThatDoesNotBelongTheConnectionIsNotUsed: it is unknown which command the server will answer next.
func TestAfterAReplyThatDoesNotBelongTheConnectionIsNotUsed(t *testing.T) {
	for _, reply := range []string{"221 what?", "354 what?"} {
		for _, command := range []string{"MAIL", "RCPT", "DATA", "."} {
			if command != "DATA" || reply != "354 what?" { // which is the reply to DATA
				checkOddReply(t, command, reply)
			}
		}
	}
}

// checkOddReply lets the first such command of three mails have the reply.
func checkOddReply(t *testing.T, command, reply string) {
	t.Helper()
	odd := false
	server, n := scripted(t, func(got string, part int) []byte {
		if strings.HasPrefix(got, command) && part == 0 && !odd {
			odd = true
			return []byte(reply + "\r\n")
		}
		return once(nil)(got, part)
	}, three)
	if failures := mackerel.Failures(n.Notify(t.Context(), alert())); len(failures) != 1 {
		t.Errorf("%s at %s: %v", reply, command, failures)
	}
	all := server.Commands()
	if next := all[slices.Index(all, command)+1]; next != "connect" {
		t.Errorf("%s follows %s at %s", next, reply, command)
	}
}

// A watchedContext counts the functions that are registered with it.
type watchedContext struct {
	context.Context
	done       chan struct{}
	registered atomic.Int32
	stopped    atomic.Int32
}

func (c *watchedContext) Done() <-chan struct{} { return c.done }

// AfterFunc is used by the functions of package context.
func (c *watchedContext) AfterFunc(func()) (stop func() bool) {
	c.registered.Add(1)
	return sync.OnceValue(func() bool { c.stopped.Add(1); return true })
}

func TestNothingStaysRegisteredWithTheContext(t *testing.T) {
	_, n := start(t, three)
	ctx := &watchedContext{Context: context.Background(), done: make(chan struct{})}
	err := n.Notify(ctx, alert())
	if made, ended := ctx.registered.Load(), ctx.stopped.Load(); err != nil || made == 0 || made != ended {
		t.Errorf("%v, %d were registered, %d ended", err, made, ended)
	}
}

// TestAfterAFailedRSETTheNextMailGoesOverAnotherConnection: the server may still be in the transaction of the mail
// before.
func TestAfterAFailedRSETTheNextMailGoesOverAnotherConnection(t *testing.T) {
	for _, reset := range []emailtest.Fault{
		{Reply: "451 4.3.0 not now"}, {Reply: "502 5.5.1 not known"}, {Reply: "354 go on"}, {Break: fakehttp.CloseConnection},
	} {
		reset.At = emailtest.AtReset
		fake, n := start(t, three, func(c *email.Config) { c.Call.MaxAttempts = 1 })
		fake.Inject(emailtest.Fault{At: emailtest.AtRcpt, Recipient: hanako, Reply: "550 5.1.1 no such user"}, reset)
		err := n.Notify(t.Context(), alert())
		if len(mackerel.Failures(err)) != 1 || recipients(fake) != taro+" "+jiro || fake.Connections() != 2 {
			t.Errorf("RSET %+v: %v, %q, %d connections", reset, err, recipients(fake), fake.Connections())
		}
	}
}
