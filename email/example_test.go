package email_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// The server here is the fake of package emailtest; with a real one, Port and TLSConfig can be left out.
func Example() {
	s := emailtest.NewServer()
	defer s.Close()
	s.Inject(emailtest.Fault{At: emailtest.AtRcpt, Recipient: "taro@example.com", Reply: "550 5.1.1 no such user"})

	n, err := email.New(email.Config{
		Host: s.Host(), Port: s.Port(), TLSConfig: s.TLSConfig(),
		Username: emailtest.Username,
		Password: mackerel.NewSecret(emailtest.Password),
		From:     "Mackerel <alert@example.com>",
		To:       []string{"hanako@example.com", "taro@example.com", "jiro@example.com"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	alert := mackerel.Alert{ID: "backup-app01", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "バックアップ"}}
	err = n.Notify(context.Background(), alert)
	for _, f := range mackerel.Failures(err) {
		fmt.Println(f)
	}
	for _, m := range s.Mails() {
		fmt.Println(m.To, m.Subject, m.Header.Get("References"))
	}
	// Output:
	// email to taro@example.com: send mail: 550 5.1.1 no such user (not found)
	// [hanako@example.com] [CRITICAL] バックアップ <mackerel-backup-app01@example.com>
	// [jiro@example.com] [CRITICAL] バックアップ <mackerel-backup-app01@example.com>
}
