package email_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

func TestConnectionsAreEncrypted(t *testing.T) {
	for name, configure := range map[string]func(*email.Config){
		"STARTTLS on port 587":                     func(*email.Config) {},
		"STARTTLS on another port":                 func(c *email.Config) { c.Port = 2525 },
		"TLS from the first byte on port 465":      func(c *email.Config) { c.Port = 465 },
		"TLS from the first byte if the TLS is so": func(c *email.Config) { c.Port, c.TLS = 465, email.TLSImplicit },
	} {
		t.Run(name, func(t *testing.T) {
			if m, _ := notify(t, alert(), configure); !m.TLS || m.User != emailtest.Username {
				t.Errorf("encrypted %t, user %q", m.TLS, m.User)
			}
		})
	}
}

func TestTLSFromTheFirstByteOverASocket(t *testing.T) {
	fake := servicetest.Start(t, emailtest.New())
	config := fake.Config()
	config.Port, config.TLS = fake.TLSPort(), email.TLSImplicit
	err := servicetest.Make(t, email.New, config).Notify(t.Context(), alert())
	if err != nil || !last(t, fake).TLS || slices.Contains(fake.Commands(), "STARTTLS") {
		t.Errorf("%v, %q", err, fake.Commands())
	}
}

func TestCredentialsAreSentByLoginIfThereIsNoPlain(t *testing.T) {
	fake, n := start(t)
	fake.Hide("AUTH PLAIN")
	if err := n.Notify(t.Context(), alert()); err != nil || last(t, fake).User != emailtest.Username {
		t.Errorf("%v, %q", err, fake.Problems())
	}
}

func TestNothingIsSentWithoutTLSOrAWayToAuthenticate(t *testing.T) {
	for _, lack := range []string{"STARTTLS", "AUTH"} {
		fake, n := start(t)
		fake.Hide(lack)
		receipt, err := n.Deliver(t.Context(), alert())
		_ = servicetest.AsError(t, err, mackerel.ErrUnsupported)
		sent := slices.ContainsFunc(fake.Commands(), func(c string) bool { return strings.HasPrefix(c, "AUTH") || strings.HasPrefix(c, "MAIL") })
		if receipt.Attempts != 1 || sent {
			t.Errorf("without %s: %v, %q", lack, err, fake.Commands())
		}
	}
}

func TestNoTLSIfAskedFor(t *testing.T) {
	fake := servicetest.Start(t, emailtest.New())
	fake.Hide("STARTTLS")
	config := fake.Config()
	config.TLS = email.TLSNone
	if err := servicetest.Make(t, email.New, config).Notify(t.Context(), alert()); err != nil || last(t, fake).TLS || last(t, fake).User != emailtest.Username {
		t.Errorf("%v, %q", err, fake.Problems())
	}
	fake.Hide("AUTH") // a relay that takes mail from everybody
	config.Host, config.Username, config.Password, config.Dial = "relay.example.com", "", mackerel.Secret{}, fake.Dial
	if err := servicetest.Make(t, email.New, config).Notify(t.Context(), alert()); err != nil || fake.Accepted() != 2 || last(t, fake).User != "" {
		t.Errorf("%v, %q", err, fake.Problems())
	}
}

func TestACertificateMustBeValidForTheHost(t *testing.T) {
	for name, configure := range map[string]func(*email.Config){
		"an unknown authority":             func(c *email.Config) { c.TLSConfig = nil },
		"another host":                     func(c *email.Config) { c.Host = "other.test" },
		"an unknown authority at port 465": func(c *email.Config) { c.TLSConfig, c.Port = nil, 465 },
	} {
		fake, n := start(t, configure)
		receipt, err := n.Deliver(t.Context(), alert())
		_ = servicetest.AsError(t, err, mackerel.ErrUnavailable)
		if !errors.As(err, new(*tls.CertificateVerificationError)) || receipt.Attempts != 1 || fake.Accepted() != 0 {
			t.Errorf("%s: %v, %+v", name, err, receipt)
		}
	}
	fake, n := start(t, func(c *email.Config) { c.Host, c.TLSConfig.ServerName = "192.0.2.1", emailtest.MemoryHost })
	if err := n.Notify(t.Context(), alert()); err != nil {
		t.Errorf("with a ServerName: %v, %q", err, fake.Problems())
	}
}

func TestOldVersionsOfTLSAreNotOffered(t *testing.T) {
	versions := make(chan []uint16, 1)
	config := &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		versions <- hello.SupportedVersions
		return nil, errors.New("that is all")
	}}
	_, n := start(t, func(c *email.Config) {
		c.Port, c.TLSConfig, c.Call.MaxAttempts = 465, nil, 1
		c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			near, far := net.Pipe()
			t.Cleanup(func() { _ = near.Close() })
			go func() { _ = tls.Server(far, config).HandshakeContext(ctx) }()
			return near, nil
		}
	})
	_ = servicetest.AsError(t, n.Notify(t.Context(), alert()), mackerel.ErrUnavailable)
	if oldest := slices.Min(<-versions); oldest < tls.VersionTLS12 {
		t.Errorf("%s is offered", tls.VersionName(oldest))
	}
}

func TestAClosedPortIsTriedAgain(t *testing.T) {
	fake := servicetest.Start(t, emailtest.New())
	config := fake.Config()
	config.Call.MaxAttempts = 2
	fake.Close()
	receipt, err := servicetest.Make(t, email.New, config).Deliver(t.Context(), alert())
	if e := servicetest.AsError(t, err, mackerel.ErrUnavailable); e.Attempts != 2 || receipt.Attempts != 2 || e.Message != "" || e.Err == nil {
		t.Errorf("%+v, %+v", e, receipt)
	}
}

func TestAHostThatDoesNotExistIsNotTriedAgain(t *testing.T) {
	_, n := start(t, func(c *email.Config) {
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "smtp.example.com", IsNotFound: true}}
		}
	})
	receipt, err := n.Deliver(t.Context(), alert())
	if e := servicetest.AsError(t, err, mackerel.ErrUnavailable); e.Attempts != 1 || receipt.Attempts != 1 {
		t.Errorf("%v, %+v", err, receipt)
	}
}

func TestADialThatHangsEndsWithTheTimeoutOrTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n := start(t, func(c *email.Config) {
			c.Call = mackerel.CallOptions{MaxAttempts: 1, Timeout: 4 * time.Second}
			c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		began := time.Now()
		err := n.Notify(t.Context(), alert())
		if e := servicetest.AsError(t, err, mackerel.ErrUnavailable); time.Since(began) != 4*time.Second || e.Err.Error() != "no answer within 4s" {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		_ = checkCancel(t, n, mackerel.ErrUnavailable, time.Second)
	})
}

// A slowConn needs a second for each write.
type slowConn struct{ net.Conn }

func (c slowConn) Write(b []byte) (int, error) {
	<-time.After(time.Second) // in a bubble
	return c.Conn.Write(b)
}

// A brokenConn breaks before the end of a mail is sent.
type brokenConn struct{ net.Conn }

func (c brokenConn) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "</html>") {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func TestAMailThatWasNotSentWholeIsNotAmbiguous(t *testing.T) {
	fake, n := start(t, func(c *email.Config) {
		dial := c.Dial
		c.TLS, c.Username, c.Password, c.Call.MaxAttempts = email.TLSNone, "", mackerel.Secret{}, 1
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return brokenConn{conn}, err
		}
	})
	fake.Hide("STARTTLS", "AUTH")
	_ = servicetest.AsError(t, n.Notify(t.Context(), alert()), mackerel.ErrUnavailable)
}

// A hookedConn calls a function with everything that is written, and does not send what has an error.
type hookedConn struct {
	net.Conn
	write func(text string) error
}

func (c hookedConn) Write(b []byte) (int, error) {
	if err := c.write(string(b)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// hooked configures connections that call a function with everything that is written.
func hooked(write func(text string) error) func(*email.Config) {
	return func(c *email.Config) {
		dial := c.Dial
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return hookedConn{conn, write}, err
		}
	}
}

// TestAConnectionThatCannotBeWrittenIsNotReadFrom: no reply would come, and its lack would seem to be the server's.
func TestAConnectionThatCannotBeWrittenIsNotReadFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n := start(t, hooked(func(string) error { return net.ErrClosed }), func(c *email.Config) { c.Call.MaxAttempts = 1 })
		began := time.Now()
		err := n.Notify(t.Context(), alert())
		if _ = servicetest.AsError(t, err, mackerel.ErrUnavailable); time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestAMailWithoutItsDotIsNotAccepted: a reply that the server sends before it cannot be about the mail.
func TestAMailWithoutItsDotIsNotAccepted(t *testing.T) {
	write := func(text string) error {
		if strings.HasSuffix(text, "\r\n.\r\n") || text == ".\r\n" {
			return net.ErrClosed
		}
		return nil
	}
	early := once(map[string]string{"DATA": "354 go on\r\n250 accepted"})
	_, n := scripted(t, early, func(c *email.Config) { c.Call.Delivery = mackerel.AtMostOnce }, hooked(write))
	_ = servicetest.AsError(t, n.Notify(t.Context(), alert()), mackerel.ErrAmbiguous)
}

// TestARefusalAfterSTARTTLSEndsTheSession: it is a refusal for now, and no lack of AUTH.
func TestARefusalAfterSTARTTLSEndsTheSession(t *testing.T) {
	var fake *emailtest.Server
	fake, n := start(t, func(c *email.Config) { c.Call.MaxAttempts = 1 }, hooked(func(text string) error {
		if text == "STARTTLS\r\n" {
			fake.Inject(emailtest.Fault{At: emailtest.AtHello, Reply: "451 4.3.0 not now"})
		}
		return nil
	}))
	if e := servicetest.AsError(t, n.Notify(t.Context(), alert()), mackerel.ErrUnavailable); e.Code != "451" {
		t.Errorf("%v, %q", e, fake.Commands())
	}
}

// TestTheTimeoutIsThatOfEachMail: three mails to a slow server take longer than the timeout of one.
func TestTheTimeoutIsThatOfEachMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n := start(t, three, func(c *email.Config) {
			dial := c.Dial
			c.Port, c.Call.MaxAttempts = 465, 1
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				return slowConn{conn}, err
			}
		})
		began := time.Now()
		err := n.Notify(t.Context(), alert())
		if took := time.Since(began); err != nil || took < 12*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestTheSizeThatTheServerTakesIsHeeded(t *testing.T) {
	fake, n := start(t)
	fake.SetSize(1000)
	receipt, err := n.Deliver(t.Context(), alert())
	e := servicetest.AsError(t, err, mackerel.ErrInvalid)
	if !strings.Contains(e.Err.Error(), "the server takes 1000") || receipt.Attempts != 1 || slices.Contains(fake.Commands(), "DATA") {
		t.Errorf("%v, %q", err, fake.Commands())
	}
	fake.SetSize(10 << 20)
	m, _ := notify(t, alert())
	for _, size := range []int{len(m.Raw), len(m.Raw) - 1} {
		fake.SetSize(size)
		if err := n.Notify(t.Context(), alert()); (err == nil) != (size == len(m.Raw)) {
			t.Errorf("a mail of %d bytes to a server that takes %d: %v", len(m.Raw), size, err)
		}
	}
	fake.SetSize(1000)
	fake.Hide("SIZE") // the server says it only after the mail
	if e := servicetest.AsError(t, n.Notify(t.Context(), alert()), mackerel.ErrInvalid); e.Code != "552" {
		t.Errorf("%+v", e)
	}
}

func TestASessionBeginsWithTheConfiguredNameAndEndsWithQuit(t *testing.T) {
	fake, n := start(t, func(c *email.Config) { c.Hello = "[192.0.2.7]" })
	if err := n.Notify(t.Context(), alert()); err != nil {
		t.Fatal(err)
	}
	if all := fake.Commands(); all[0] != "EHLO [192.0.2.7]" || all[len(all)-1] != "QUIT" {
		t.Errorf("%q", all)
	}
}
