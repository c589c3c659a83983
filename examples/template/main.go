// Template shows how to word messages with a text/template: ten lines around a Message function, so there is no package
// for it. The template is parsed and tried when the program starts, not when the first alert comes at two in the morning.
//
//	go run ./examples/template
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

const words = `{{.Monitor.Name}} {{if .Closed}}is fine again{{else}}needs you{{end}}{{with .Host}}, on {{.Name}}{{end}}.`

// templated returns a Message function that replaces the text of the default message by a template's.
func templated(text string) (func(mackerel.Alert) (chatwork.Message, error), error) {
	t, err := template.New("message").Parse(text)
	if err != nil {
		return nil, err
	}
	message := func(a mackerel.Alert) (chatwork.Message, error) {
		m := chatwork.DefaultMessage(a, mackerel.Text{})
		var b strings.Builder
		err := t.Execute(&b, a)
		m.Text = b.String() // plain text: it is escaped when it is sent
		return m, err
	}
	_, err = message(mackerel.Alert{}) // tried once, so that a misspelt field is found now
	return message, err
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "template:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	message, err := templated(words)
	if err != nil {
		return err
	}
	server := chatworktest.NewServer() // in place of https://api.chatwork.com
	defer server.Close()
	room, err := chatwork.New(chatwork.Config{
		Token: mackerel.NewSecret(chatworktest.Token), RoomID: chatworktest.RoomID, BaseURL: server.BaseURL(), Message: message,
	})
	if err != nil {
		return err
	}
	alert := mackerel.Alert{
		ID: "5AlertId001", Status: mackerel.StatusCritical, Monitor: mackerel.Monitor{Name: "CPU %"}, Host: &mackerel.Host{Name: "app01"},
	}
	for _, status := range []mackerel.Status{mackerel.StatusCritical, mackerel.StatusOK} {
		alert.Status = status
		if err := room.Notify(ctx, alert); err != nil {
			return err
		}
	}
	for _, m := range server.Messages(chatworktest.RoomID) {
		fmt.Fprintln(out, m.Body)
		fmt.Fprintln(out)
	}
	return nil
}
