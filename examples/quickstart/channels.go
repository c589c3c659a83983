package main

import (
	"context"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// channels creates one channel of each kind that can be created, lists all there are, and puts things back in order.
func (t *tour) channels(ctx context.Context) error {
	t.printf("\n1. The notification channels\n\n")
	var created []mackerel.Channel
	if t.mayWrite() {
		var err error
		if created, err = t.create(ctx); err != nil {
			return err
		}
	}
	all, err := t.mackerel.ListChannels(ctx)
	if err != nil {
		return err
	}
	for _, ch := range all {
		t.printf("   %-24s %-24s %s\n", ch.Detail.ChannelType(), ch.Name, describe(ch))
	}
	if !t.mayWrite() {
		t.printf("\n   Nothing was changed in your organization; -write would create, update and delete three channels.\n")
		return nil
	}
	return t.tidyUp(ctx, created)
}

func (t *tour) mayWrite() bool { return t.fakeMackerel != nil || t.write }

func (t *tour) create(ctx context.Context) ([]mackerel.Channel, error) {
	events := []mackerel.ChannelEvent{mackerel.ChannelEventAlert}
	no := false // otherwise a new channel receives every alert at once
	options := mackerel.CreateChannelOptions{AddToDefaultNotificationGroup: &no}
	var created []mackerel.Channel
	for _, ch := range []mackerel.Channel{
		{Name: "quickstart mail", Detail: &mackerel.Email{Emails: []string{"ops@example.com"}, Events: events}},
		{Name: "quickstart #ops", Detail: &mackerel.Slack{
			URL:      mackerel.NewSecret("https://hooks.slack.com/services/T000/B000/XXXX"),
			Mentions: map[mackerel.Status]string{mackerel.StatusCritical: "@here"},
			Events:   events,
		}},
		{Name: "quickstart hook", Detail: &mackerel.Webhook{
			URL: mackerel.NewSecret("https://hook.example.com/mackerel"), Events: events,
		}},
	} {
		made, err := t.mackerel.CreateChannel(ctx, ch, options)
		if err != nil {
			return nil, err
		}
		t.printf("   created %-8s %s as %s\n", made.Detail.ChannelType(), made.Name, made.ID)
		created = append(created, made)
	}
	t.printf("\n")
	return created, nil
}

// describe says what is worth knowing of a channel. It shows the switch over the kinds.
func describe(ch mackerel.Channel) string {
	switch d := ch.Detail.(type) {
	case *mackerel.Email:
		return "to " + strings.Join(append(d.Emails, d.UserIDs...), ", ")
	case *mackerel.Slack:
		return "mentions for critical: " + d.Mentions[mackerel.StatusCritical]
	case *mackerel.Webhook:
		return "its URL is a secret and stays out of print"
	case *mackerel.Unknown:
		return "newer than this library, and kept as it came"
	default:
		return "set up in Mackerel's web pages"
	}
}

// tidyUp renames the first of the channels and deletes all of them.
func (t *tour) tidyUp(ctx context.Context, created []mackerel.Channel) error {
	t.printf("\n")
	first := created[0]
	first.Name = "quickstart mail, renamed"
	updated, err := t.mackerel.UpdateChannel(ctx, first)
	if err != nil {
		return err
	}
	t.printf("   updated %s: it is now %q\n", updated.ID, updated.Name)
	for _, ch := range created {
		deleted, err := t.mackerel.DeleteChannel(ctx, ch.ID)
		if err != nil {
			return err
		}
		t.printf("   deleted %s, which was %q\n", deleted.ID, deleted.Name)
	}
	return nil
}
