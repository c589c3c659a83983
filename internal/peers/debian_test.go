//go:build debian

package peers

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/eventbridge/eventbridgetest"
)

// These tests need the tag debian, and the packages curl, swaks, msmtp, awscli and python3. They install nothing. A
// test is skipped if its program is not there.

// debian runs a line of shell with a file as its input.
func debian(t *testing.T, line, input string, env ...string) {
	t.Helper()
	program, _, _ := strings.Cut(line, " ")
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(err)
	}
	command := exec.CommandContext(t.Context(), "sh", "-c", line)
	command.Env, command.Stdin = append(os.Environ(), env...), strings.NewReader(input)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// debianCA writes the certificate of the fake into a file, as these programs want it.
func debianCA(t *testing.T, s *emailtest.Server) string {
	t.Helper()
	address := net.JoinHostPort(s.Host(), strconv.Itoa(s.TLSPort()))
	conn, err := tls.Dial("tcp", address, s.TLSConfig())
	must(t, conn, err)
	leaf := conn.ConnectionState().PeerCertificates[0]
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// debianMail is sent by all programs. Its text is not encoded, and not all programs say so by BODY=8BITMIME.
const debianMail = "From: alert@example.com\nTo: hanako@example.com\nSubject: =?utf-8?b?6Zqc5a6z?=\n" +
	"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n.\nディスク\n"

func TestDebianMail(t *testing.T) {
	for name, line := range map[string]string{
		"curl": `curl -sS --url smtp://$HOST:$PORT --ssl-reqd --cacert $CA -u $NAME:$PASSWORD --crlf ` +
			`--mail-from alert@example.com --mail-rcpt hanako@example.com -T -`,
		"msmtp": `msmtp --file=/dev/null --host=$HOST --port=$PORT --tls=on --tls-trust-file=$CA --auth=on ` +
			`--user=$NAME --passwordeval='echo $PASSWORD' --from=alert@example.com hanako@example.com`,
		"swaks": `swaks --server $HOST --port $PORT -tls -a PLAIN -au $NAME -ap $PASSWORD ` +
			`-f alert@example.com -t hanako@example.com --data -`,
		"smtplib": `python3 -c '
import email, os, smtplib, ssl, sys
mail = email.message_from_binary_file(sys.stdin.buffer)
with smtplib.SMTP(os.environ["HOST"], os.environ["PORT"]) as s:
    s.starttls(context=ssl.create_default_context(cafile=os.environ["CA"]))
    s.login(os.environ["NAME"], os.environ["PASSWORD"])
    s.send_message(mail)'`,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, emailtest.New())
			debian(t, line, debianMail, "HOST="+s.Host(), "PORT="+strconv.Itoa(s.Port()), "CA="+debianCA(t, s),
				"NAME="+emailtest.Username, "PASSWORD="+emailtest.Password)
			count(t, "mails", s.Mails(), 1)
			equal(t, "subject", s.Mails()[0].Subject, "障害")
			equal(t, "text", strings.TrimRight(s.Mails()[0].Text, "\n"), ".\nディスク")
		})
	}
}

func TestDebianEventBridge(t *testing.T) {
	s := start(t, eventbridgetest.New())
	debian(t, `aws --endpoint-url $ENDPOINT events put-events --entries file:///dev/stdin`,
		`[{"Source":"my.app","DetailType":"障害","Detail":"{\"text\":\"ディスク\"}"}]`,
		"ENDPOINT="+s.URL(), "AWS_DEFAULT_REGION="+eventbridgetest.Region,
		"AWS_ACCESS_KEY_ID="+eventbridgetest.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+eventbridgetest.SecretAccessKey,
		"AWS_SESSION_TOKEN="+eventbridgetest.SessionToken)
	events := s.Events(eventbridgetest.DefaultBus)
	count(t, "events", events, 1)
	equal(t, "type", events[0].DetailType, "障害")
}
