package email_test

import (
	"context"
	"fmt"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// An alert goes to three recipients through a server, which is a fake here. The server does not know one of them.
func Example() {
	fake := emailtest.New()
	defer fake.Close()
	fake.Inject(emailtest.Fault{At: emailtest.AtRcpt, Recipient: "taro@example.com", Reply: "550 5.1.1 no such user"})

	config := fake.Config() // in your program: email.Config{Host: "smtp.example.com", Username: ..., Password: ..., From: ...}
	config.To = []string{"hanako@example.com", "taro@example.com", "jiro@example.com"}
	n, err := email.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	alert := mackerel.Alert{ID: "backup-app01", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "バックアップ"}}
	err = n.Notify(context.Background(), alert)
	for _, f := range mackerel.Failures(err) {
		fmt.Println(f)
	}
	for _, m := range fake.Mails() {
		fmt.Println(m.To, m.Subject, m.Header.Get("References"))
	}
	// Output:
	// email to taro@example.com: send mail: 550 5.1.1 no such user (not found)
	// [hanako@example.com] [CRITICAL] バックアップ <mackerel-backup-app01@example.com>
	// [jiro@example.com] [CRITICAL] バックアップ <mackerel-backup-app01@example.com>
}
