package emailtest_test

import (
	"fmt"
	"net"
	"net/smtp"
	"strconv"

	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// Any program that sends mail will do, such as the standard library's own client.
func Example() {
	s := emailtest.NewServer()
	defer s.Close()
	s.Hide("STARTTLS", "AUTH") // a relay that trusts everybody

	mail := "From: backup@example.com\r\nTo: hanako@example.com\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n" +
		"Message-ID: <1@example.com>\r\nSubject: =?utf-8?b?6Zqc5a6z?=\r\n\r\nbackup failed\r\n"
	address := net.JoinHostPort(s.Host(), strconv.Itoa(s.Port()))
	if err := smtp.SendMail(address, nil, "backup@example.com", []string{"hanako@example.com"}, []byte(mail)); err != nil {
		fmt.Println(err)
	}
	for _, m := range s.Mails() {
		fmt.Printf("%s: %s: %s", m.To, m.Subject, m.Text)
	}
	// Output:
	// [hanako@example.com]: 障害: backup failed
}
