// Package emailtest is a fake of an SMTP server that takes mail for sending (https://www.rfc-editor.org/rfc/rfc6409), for
// tests: it remembers the mails, delivers nothing, and refuses what is against the rules.
//
// To test your own alerting, let it send through the fake, and look at what would have been in whose mailbox:
//
//	s := emailtest.NewServer()
//	t.Cleanup(s.Close)
//	n, err := email.New(email.Config{
//		Host: s.Host(), Port: s.Port(), TLSConfig: s.TLSConfig(),
//		Username: emailtest.Username, Password: mackerel.NewSecret(emailtest.Password),
//		From: "alert@example.com", To: []string{"hanako@example.com"},
//	})
//	err = n.Notify(ctx, alert) // or whatever of yours leads there
//	for _, m := range s.Mails() {
//		t.Log(m.To, m.Subject, m.Text)
//	}
//
// Any other program that sends mail will do as well. What goes wrong is told with faults:
//
//	s.Inject(emailtest.Fault{At: emailtest.AtRcpt, Recipient: "taro@example.com", Reply: "550 5.1.1 no such user", Times: -1})
//	s.Inject(emailtest.Fault{At: emailtest.AtContent, Handled: true, Break: emailtest.CloseConnection}) // accepted, and the answer lost
//
// There are two ways in. Host and Port, or TLSPort for TLS from the first byte, are on the loopback interface. Dial
// reaches the same server in memory, whatever the address, and so works in a testing/synctest bubble, where waiting takes
// no time; an address with port 465 has TLS from the first byte.
//
// # What it refuses
//
//   - 500, 501: a line of more than 512 bytes or without CR LF, an unknown command, an address or parameter that is none.
//   - 503: a command out of order: MAIL within a transaction, RCPT without MAIL, DATA without RCPT, a second AUTH.
//   - 530: MAIL before STARTTLS and AUTH; 538: AUTH before STARTTLS; 535: another user or password.
//   - 552: a mail of more than the size it says; see [Server.SetSize].
//   - 554: a mail that is against RFC 5322 or MIME: a line of more than 998 bytes or with a bare CR or LF, bytes beyond
//     ASCII without BODY=8BITMIME or in the header, a header field that is missing, doubled or malformed, a text that is
//     not UTF-8 or not encoded as it says. [Server.Problems] says why.
//
// # What it decides
//
// The words of all replies are its own. It takes credentials by PLAIN and LOGIN. [Server.Hide] makes it a server that
// offers less; one without STARTTLS takes credentials in the clear, one without AUTH takes mail from everybody. It limits
// no rates and knows every recipient.
package emailtest
