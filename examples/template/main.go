// Template shows how to write messages with a text/template: ten lines around an Edit function, so there is no package
// for it. The template is parsed and tried when the program starts, so that a mistake in it is found before an alert comes.
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

// templated returns an Edit function that replaces the text of a message by that of a template.
func templated(text string) (func(*chatwork.Message, mackerel.Alert) error, error) {
	t, err := template.New("message").Parse(text)
	if err != nil {
		return nil, err
	}
	edit := func(m *chatwork.Message, a mackerel.Alert) error {
		var b strings.Builder
		err := t.Execute(&b, a)
		m.Text = b.String() // plain text: it is escaped when it is sent
		return err
	}
	return edit, edit(new(chatwork.Message), mackerel.Alert{}) // tried once, to find a misspelt field now
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "template:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	edit, err := templated(words)
	if err != nil {
		return err
	}
	server := chatworktest.New() // in place of https://api.chatwork.com
	defer server.Close()
	config := server.Config()
	config.Edit = edit
	room, err := chatwork.New(config)
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
