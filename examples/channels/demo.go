package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/mackereltest"
)

// demonstrate changes a fake organization in a temporary folder.
func demonstrate(ctx context.Context, out io.Writer) (err error) {
	fake := organization()
	defer fake.Close()
	client, err := mackerel.NewClient(fake.Config())
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "channels")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	environment := map[string]string{"DB_SLACK_URL": "https://hooks.slack.com/services/T000/B001/YYYY"}
	p := project{
		client: client, out: out,
		file: filepath.Join(folder, "channels.json"), secrets: filepath.Join(folder, "channels.env"),
		lookup: func(name string) (string, bool) { value, ok := environment[name]; return value, ok },
	}
	return demo{p}.run(ctx)
}

// organization is an organization with a channel that the API cannot make, and a group.
func organization() *mackereltest.Server {
	fake := mackereltest.New()
	fake.AddChannel(`{"name":"ops mail","type":"email","emails":["ops@example.com"],"userIds":[],"events":["alert"]}`)
	ops := fake.AddChannel(`{"name":"#ops","type":"slack","url":"https://hooks.slack.com/services/T000/B000/XXXX",
		"mentions":{"critical":"@here"},"enabledGraphImage":true,"events":["alert"]}`)
	phone := fake.AddChannel(`{"name":"on call","type":"pagerduty"}`)
	fake.AddNotificationGroup(`{"name":"night","notificationLevel":"critical","childNotificationGroupIds":[],
		"childChannelIds":["` + ops + `","` + phone + `"],"monitors":[],"services":[]}`)
	return fake
}

type demo struct{ project }

func (d demo) run(ctx context.Context) error {
	d.printf("MACKEREL_APIKEY is not set, so this is a demonstration on a fake organization.\n")
	d.printf("\n1. pull\n\n")
	if err := d.pull(ctx); err != nil {
		return err
	}
	if err := d.show(); err != nil {
		return err
	}

	d.printf("2. An edit: a second address for the mail, a new channel #db, and a place for it in the group night\n\n")
	const channel = `{"name": "#db", "type": "slack", "url": "${DB_SLACK_URL}", "events": ["alert"]}`
	for _, e := range []struct{ before, after string }{
		{`"ops@example.com"`, `"ops@example.com", "db@example.com"`},
		{`"channels": [`, `"channels": [` + "\n    " + channel + ","},
		{`"on call"` + "\n      ]", `"on call", "#db" ]`},
	} {
		d.printf("   %s\n", strings.Join(strings.Fields(e.after), " "))
		if err := d.edit(e.before, e.after); err != nil {
			return err
		}
	}
	return d.change(ctx)
}

// change makes a mistake, mends it, and applies the file.
func (d demo) change(ctx context.Context) error {
	d.printf("\n3. plan, with a slip of the pen\n\n")
	if err := d.edit(`"events"`, `"evnets"`); err != nil {
		return err
	}
	_, err := d.plan(ctx)
	if err == nil {
		return errors.New("the slip was not found")
	}
	d.printf("%v\n", err)

	d.printf("\n4. plan\n\n")
	if err := d.edit(`"evnets"`, `"events"`); err != nil {
		return err
	}
	if _, err := d.plan(ctx); err != nil {
		return err
	}
	for i, title := range []string{"apply", "apply -yes", "apply -yes, once more"} {
		d.printf("\n%d. %s\n\n", i+5, title)
		d.yes = i > 0
		if err := d.apply(ctx); err != nil {
			return err
		}
	}
	return nil
}

// edit replaces a text in the file, where it stands first.
func (d demo) edit(before, after string) error {
	content, err := os.ReadFile(d.file)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(content), before, after, 1)
	if changed == string(content) {
		return fmt.Errorf("%s is not in the file", before)
	}
	return os.WriteFile(d.file, []byte(changed), 0o600) //nolint:gosec // a file of this program in a temporary folder
}

// show prints the file.
func (d demo) show() error {
	content, err := os.ReadFile(d.file)
	d.printf("\n%s\n", content)
	return err
}
