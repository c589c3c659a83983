// Package emailtest is a fake of an SMTP server that takes mail for sending (https://www.rfc-editor.org/rfc/rfc6409),
// for tests: a real server that remembers what it is sent and refuses what is against the rules. It delivers no mail,
// and works with every program that sends mail.
//
// To test your own alerting, let it send through the fake, and look at what would be in the mailboxes:
//
//	fake := emailtest.New()
//	t.Cleanup(fake.Close)
//	n, err := email.New(fake.Config()) // in a testing/synctest bubble: fake.MemoryConfig()
//	err = n.Notify(ctx, alert)
//	for _, m := range fake.Mails() {
//		t.Log(m.To, m.Subject, m.Text)
//	}
//
// Limits (SetLimit, Documented), tokens and the clock are those of package fakehttp. A token is a user and a password,
// "user:password". Faults are those of SMTP: see [Fault].
//
// There are two ways to reach the fake. Host and Port, or TLSPort for TLS from the first byte, are on the loopback
// interface. [Server.Dial] reaches it in memory and works in a testing/synctest bubble.
//
// # What it refuses
//
//   - 500, 501: a line of more than 512 bytes or without CR LF, an unknown command, a malformed address or parameter.
//   - 503: a command out of order: MAIL within a transaction, RCPT without MAIL, DATA without RCPT, a second AUTH.
//   - 530: MAIL before STARTTLS and AUTH. 538: AUTH before STARTTLS. 535: a wrong user or password. 504: AUTH other
//     than PLAIN and LOGIN.
//   - 450: more mails of a user than the lane "mails" allows. Servers have no documented limit in common.
//   - 552: a mail that is longer than the fake says; see [Server.SetSize]. 555: a parameter that the fake does not
//     offer.
//   - 554: a mail that is against RFC 5322 or MIME: a line of more than 998 bytes or with a bare CR or LF, bytes beyond
//     ASCII in the header, a header field that is missing, doubled or malformed, a text that is not encoded as it says.
//     Problems says why.
//
// If the fake is Strict, it also refuses what servers accept:
//
//   - A mail without Date or Message-ID, which servers add (https://www.rfc-editor.org/rfc/rfc6409#section-8).
//   - Bytes beyond ASCII without BODY=8BITMIME, as msmtp and Python's smtplib send them.
//   - A text in another character set than UTF-8.
//
// # What it decides
//
// The words of all replies are the fake's own. [Server.Hide] makes it a server that offers less: without STARTTLS it
// takes credentials on an open connection, without AUTH it takes mail from everybody. It accepts every recipient.
package emailtest
