package email_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// TestTheWaysToConnect all end in an encrypted session with credentials.
func TestTheWaysToConnect(t *testing.T) {
	for name, c := range map[string]email.Config{
		"STARTTLS on port 587":                  {},
		"STARTTLS on another port":              {Port: 2525},
		"TLS from the first byte on port 465":   {Port: 465},
		"TLS from the first byte where told so": {Port: 465, TLS: email.TLSImplicit},
	} {
		t.Run(name, func(t *testing.T) {
			if m, _ := notify(t, c, alert()); !m.TLS || m.User != emailtest.Username {
				t.Errorf("encrypted %t, user %q", m.TLS, m.User)
			}
		})
	}
}

func TestCredentialsByLogin(t *testing.T) {
	s := newServer(t)
	s.Hide("AUTH PLAIN")
	if err := newNotifier(t, s, email.Config{}).Notify(t.Context(), alert()); err != nil || only(t, s).User != emailtest.Username {
		t.Errorf("%v, %q", err, s.Problems())
	}
}

// TestWhatAServerLacks: without encryption or a way to give credentials nothing is sent, and no credential either.
func TestWhatAServerLacks(t *testing.T) {
	for _, lack := range []string{"STARTTLS", "AUTH"} {
		s := newServer(t)
		s.Hide(lack)
		receipt, err := newNotifier(t, s, email.Config{}).Deliver(t.Context(), alert())
		_ = asError(t, err, mackerel.ErrUnsupported)
		if receipt.Attempts != 1 || len(s.Mails()) != 0 || slices.ContainsFunc(s.Commands(), func(c string) bool { return strings.HasPrefix(c, "AUTH") || strings.HasPrefix(c, "MAIL") }) {
			t.Errorf("without %s: %v, %q", lack, err, s.Commands())
		}
	}
}

// TestNoTLS: in the clear only when asked for, and with credentials to this machine only.
func TestNoTLS(t *testing.T) {
	s := newServer(t)
	s.Hide("STARTTLS")
	c := config(s)
	c.TLS = email.TLSNone
	n, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), alert()); err != nil || only(t, s).TLS || only(t, s).User != emailtest.Username {
		t.Errorf("%v, %q", err, s.Problems())
	}

	s.Hide("AUTH") // a relay for whoever can reach it
	c.Host, c.Username, c.Password, c.Dial = "relay.example.com", "", mackerel.Secret{}, s.Dial
	if n, err = email.New(c); err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), alert()); err != nil || len(s.Mails()) != 2 || s.Mails()[1].User != "" {
		t.Errorf("%v, %q", err, s.Problems())
	}
}

// TestCertificates that are not good for the host are not tried a second time, and nothing is sent.
func TestCertificates(t *testing.T) {
	s := newServer(t)
	for name, change := range map[string]func(*email.Config){
		"of an unknown authority":    func(c *email.Config) { c.TLSConfig = nil },
		"of another host":            func(c *email.Config) { c.Host = "other.test" },
		"of an unknown one, not 465": func(c *email.Config) { c.TLSConfig, c.Port = nil, 465 },
	} {
		t.Run(name, func(t *testing.T) {
			c := config(s)
			c.Host, c.Port, c.Dial = emailtest.MemoryHost, 587, s.Dial
			change(&c)
			n, err := email.New(c)
			if err != nil {
				t.Fatal(err)
			}
			receipt, err := n.Deliver(t.Context(), alert())
			_ = asError(t, err, mackerel.ErrUnavailable)
			if !errors.As(err, new(*tls.CertificateVerificationError)) || receipt.Attempts != 1 || len(s.Mails()) != 0 {
				t.Errorf("%v, %+v", err, receipt)
			}
		})
	}
}

// TestTheServerNameOfTheConfig has its way, for a server that is reached by an address.
func TestTheServerNameOfTheConfig(t *testing.T) {
	s := newServer(t)
	c := config(s)
	c.Host, c.Dial, c.TLSConfig.ServerName = "192.0.2.1", s.Dial, emailtest.MemoryHost
	n, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), alert()); err != nil || c.TLSConfig.ServerName != emailtest.MemoryHost {
		t.Error(err)
	}
}

func TestAWrongPassword(t *testing.T) {
	s := newServer(t)
	c := config(s)
	c.Password = mackerel.NewSecret("not-the-password")
	n, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := n.Deliver(t.Context(), alert())
	if e := asError(t, err, mackerel.ErrUnauthorized); e.Code != "535" || receipt.Attempts != 1 {
		t.Errorf("%+v, %+v", e, receipt)
	}
}

// TestAClosedPort is a connection that cannot be made.
func TestAClosedPort(t *testing.T) {
	s := newServer(t)
	c := config(s)
	s.Close()
	c.Call.MaxAttempts = 2
	n, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := n.Deliver(t.Context(), alert())
	if e := asError(t, err, mackerel.ErrUnavailable); e.Attempts != 2 || receipt.Attempts != 2 || e.Message != "" || e.Err == nil {
		t.Errorf("%+v, %+v", e, receipt)
	}
}

// TestAHostThatDoesNotExist is not asked for twice.
func TestAHostThatDoesNotExist(t *testing.T) {
	c := config(newServer(t))
	c.Dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "smtp.example.com", IsNotFound: true}}
	}
	n, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := n.Deliver(t.Context(), alert())
	if _ = asError(t, err, mackerel.ErrUnavailable); receipt.Attempts != 1 {
		t.Errorf("%v, %+v", err, receipt)
	}
}

// TestADialThatHangs ends with the attempt's time or the context.
func TestADialThatHangs(t *testing.T) {
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	synctest.Test(t, func(t *testing.T) {
		c := nowhere(t, hang)
		c.Call = mackerel.CallOptions{MaxAttempts: 1, Timeout: 4 * time.Second}
		n, err := email.New(c)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = n.Deliver(t.Context(), alert())
		if e := asError(t, err, mackerel.ErrUnavailable); time.Since(start) != 4*time.Second || e.Err.Error() != "no answer within 4s" {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		_ = checkCancel(t, n, mackerel.ErrUnavailable, time.Second)
	})
}

// nowhere leads nowhere but through dial.
func nowhere(t *testing.T, dial func(context.Context, string, string) (net.Conn, error)) email.Config {
	t.Helper()
	return email.Config{Host: "smtp.example.com", From: "alert@example.com", To: []string{hanako}, Dial: dial}
}

// TestTheTimeOfEachMail begins anew: many recipients at a slow server are no reason to give up.
func TestTheTimeOfEachMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		slow := func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := s.Dial(ctx, network, address)
			return slowConn{conn}, err
		}
		c := email.Config{
			Host: emailtest.MemoryHost, Port: 465, Dial: slow, TLSConfig: s.TLSConfig(), From: "alert@example.com", To: []string{hanako, taro, jiro},
			Username: emailtest.Username, Password: mackerel.NewSecret(emailtest.Password),
		}
		c.Call = mackerel.CallOptions{MaxAttempts: 1}
		n, err := email.New(c)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		err = n.Notify(t.Context(), alert())
		if took := time.Since(start); err != nil || took < 12*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// A slowConn needs a second for everything it sends.
type slowConn struct{ net.Conn }

func (c slowConn) Write(b []byte) (int, error) {
	<-time.After(time.Second) // in a bubble
	return c.Conn.Write(b)
}

// TestTheSizeThatTheServerTakes is heeded before anything is sent.
func TestTheSizeThatTheServerTakes(t *testing.T) {
	s := newServer(t)
	s.SetSize(1000)
	receipt, err := newNotifier(t, s, email.Config{}).Deliver(t.Context(), alert())
	if e := asError(t, err, mackerel.ErrInvalid); !strings.Contains(e.Err.Error(), "the server takes 1000") || receipt.Attempts != 1 || slices.Contains(s.Commands(), "DATA") {
		t.Errorf("%v, %q", err, s.Commands())
	}
	s.Hide("SIZE") // now it says so only afterwards
	_, err = newNotifier(t, s, email.Config{}).Deliver(t.Context(), alert())
	if e := asError(t, err, mackerel.ErrInvalid); e.Code != "552" {
		t.Errorf("%v", err)
	}
}

// TestSecretsThatComeBack: a server may repeat what it was sent, in whatever form.
func TestSecretsThatComeBack(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + emailtest.Username + "\x00" + emailtest.Password))
	login := base64.StdEncoding.EncodeToString([]byte(emailtest.Password))
	for _, at := range []emailtest.Step{emailtest.AtAuth, emailtest.AtRcpt, emailtest.AtContent} {
		s := newServer(t)
		s.Inject(emailtest.Fault{At: at, Reply: "550 what is AUTH PLAIN " + plain + " or " + login + " or " + emailtest.Password})
		_, err := newNotifier(t, s, email.Config{}).Deliver(t.Context(), alert())
		for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			for _, secret := range []string{plain, login, emailtest.Password} {
				if strings.Contains(text, strings.TrimRight(secret, "=")) {
					t.Errorf("%s shows %q", text, secret)
				}
			}
		}
		if !strings.Contains(err.Error(), "what is AUTH PLAIN [redacted]") {
			t.Error(err)
		}
	}
}

// TestHello is said by the name that was configured.
func TestHello(t *testing.T) {
	s := newServer(t)
	if err := newNotifier(t, s, email.Config{Hello: "[192.0.2.7]"}).Notify(t.Context(), alert()); err != nil || s.Commands()[0] != "EHLO [192.0.2.7]" {
		t.Errorf("%v, %q", err, s.Commands())
	}
	if last := s.Commands()[len(s.Commands())-1]; last != "QUIT" {
		t.Errorf("the last command is %q", last)
	}
}

// TestTLSFromTheFirstByteOverASocket is the way that most services offer beside STARTTLS.
func TestTLSFromTheFirstByteOverASocket(t *testing.T) {
	s := newServer(t)
	c := config(s)
	c.Port, c.TLS = s.TLSPort(), email.TLSImplicit
	n, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), alert()); err != nil || !only(t, s).TLS || slices.Contains(s.Commands(), "STARTTLS") {
		t.Errorf("%v, %q", err, s.Commands())
	}
}
