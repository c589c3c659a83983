package emailtest_test

import (
	"fmt"
	"net"
	"net/smtp"
	"strconv"

	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// Mail is sent with the client of the standard library.
func Example() {
	s := emailtest.New()
	defer s.Close()
	s.Hide("STARTTLS", "AUTH") // a relay that takes mail from everybody

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
