package email_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// mta is a server made of aiosmtpd (https://aiosmtpd.aio-libs.org), which nobody here has written. It writes each mail
// into a folder, and refuses one recipient.
const mta = `
import asyncio, pathlib, ssl, sys
from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import AuthResult

folder = pathlib.Path(sys.argv[2])

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("taro@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = envelope.rcpt_tos[0]
        (folder / (name + ".part")).write_bytes(envelope.content)
        (folder / (name + ".part")).rename(folder / name)
        return "250 OK"

def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"alert" and data.password == b"mta-password")

async def main():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[3])
    controller = UnthreadedController(
        Handler(), hostname="127.0.0.1", port=int(sys.argv[1]), loop=asyncio.get_running_loop(),
        tls_context=tls, require_starttls=True, auth_required=True, authenticator=authenticate)
    await controller._create_server()
    print("listening", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
`

// TestARealServer sends through a server of other people's making, which insists on STARTTLS and credentials.
func TestARealServer(t *testing.T) {
	python := realServer(t)
	folder, port := t.TempDir(), freePort(t)
	roots, certificate := selfSigned(t)
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, python, "-c", mta, strconv.Itoa(port), folder, certificate)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed just now
	})
	if _, err := out.Read(make([]byte, len("listening"))); err != nil {
		t.Fatalf("the server did not start: %v, %s", err, complaints.String())
	}

	n, err := email.New(email.Config{
		Host: "127.0.0.1", Port: port, TLSConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		Username: "alert", Password: mackerel.NewSecret("mta-password"), From: "監視 <alert@example.com>", To: []string{hanako, taro, jiro},
		Text: mackerel.Text{Language: mackerel.Japanese, Location: time.UTC},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := alert()
	a.Monitor.Name, a.Message = "応答時間", ".\n..\nHTTP 503 <障害>"
	receipt, err := n.Deliver(t.Context(), a)
	if failures := mackerel.Failures(err); len(failures) != 1 || len(strings.Fields(receipt.ID)) != 2 {
		t.Fatalf("%v, %+v, %s", err, receipt, complaints.String())
	} else if e := asError(t, err, mackerel.ErrNotFound); e.Message != "550 5.1.1 no such user" {
		t.Error(e)
	}
	for _, to := range []string{hanako, jiro} {
		checkReceived(t, filepath.Join(folder, to))
	}
}

// realServer returns the Python that has the server, or skips the test.
func realServer(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import aiosmtpd.controller").Run() == nil {
			return python
		}
	}
	t.Skip("no Python with aiosmtpd, which is the real server of this test (Debian: python3-aiosmtpd)")
	return ""
}

// selfSigned makes a certificate for 127.0.0.1, and a file with it and its key.
func selfSigned(t *testing.T) (roots *x509.CertPool, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots, file = x509.NewCertPool(), filepath.Join(t.TempDir(), "both.pem")
	roots.AppendCertsFromPEM(public)
	if err := os.WriteFile(file, append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), public...), 0o600); err != nil {
		t.Fatal(err)
	}
	return roots, file
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// checkReceived reads what the server has written.
func checkReceived(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := emailtest.Parse(raw)
	if err != nil || m.Subject != "[CRITICAL] 応答時間 on app01" || !strings.Contains(m.Text, "\n.\n..\nHTTP 503 <障害>\n") || !strings.Contains(m.HTML, "HTTP 503 &lt;障害&gt;") {
		t.Errorf("%v, %q, %q", err, m.Subject, m.Text)
	}
	if m.Header.Get("References") != "<mackerel-5Alert@example.com>" {
		t.Errorf("%v", m.Header)
	}
}
