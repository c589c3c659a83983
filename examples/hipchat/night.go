package main

import (
	"context"
	"fmt"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/hipchat"
	"github.com/mackerel-notify/mackerel/hipchat/hipchattest"
)

// An event of the night is an alert, or something that a person says.
type event struct {
	after time.Duration // since the event before it
	alert mackerel.Alert
	says  string
}

// events are two alerts that cross each other. The second one has a name that would call the room if nobody took care.
func events() []event {
	limit := 90.0
	cpu := mackerel.Alert{
		ID: "5CPU", URL: "https://mackerel.io/orgs/acme/alerts/5CPU", Monitor: mackerel.Monitor{Name: "CPU %", Memo: "Runbook: restart the batch"},
		Host: &mackerel.Host{Name: "app01"},
	}
	disk := mackerel.Alert{
		ID: "5Disk", URL: "https://mackerel.io/orgs/acme/alerts/5Disk", Monitor: mackerel.Monitor{Name: "disk </var> @all"},
		Host: &mackerel.Host{Name: "db01"}, Message: "91 % of 40 GiB",
	}
	at := func(a mackerel.Alert, s mackerel.Status, value float64) mackerel.Alert {
		if a.Status = s; a.ID == "5CPU" {
			a.Metric = &mackerel.Metric{Label: "CPU %", Value: &value, Critical: &limit, Operator: ">"}
		}
		return a
	}
	return []event{
		{0, at(cpu, mackerel.StatusCritical, 96.5), ""},
		{2 * time.Minute, mackerel.Alert{}, "looking into it"},
		{3 * time.Minute, at(disk, mackerel.StatusWarning, 0), ""},
		{4 * time.Minute, at(cpu, mackerel.StatusWarning, 84), ""},
		{9 * time.Minute, at(disk, mackerel.StatusCritical, 0), ""},
		{time.Minute, at(cpu, mackerel.StatusOK, 12.25), ""},
		{6 * time.Minute, mackerel.Alert{}, "the batch ran twice. Now for the disk"},
	}
}

// live lets it all happen. On a real server the alerts follow at once, and nobody speaks.
func (n *night) live(ctx context.Context) error {
	n.printf("\nWhat is sent\n\n")
	for _, e := range events() {
		if n.fake != nil {
			n.fake.Advance(e.after)
		}
		switch {
		case e.says == "":
			how := "attached to its card"
			if n.threads.open[e.alert.Key()] == "" {
				how = "a card, which opens a thread"
			}
			if err := n.threads.Notify(ctx, e.alert); err != nil {
				return err
			}
			n.printf("  %-40s %s\n", e.alert.Title(), how)
		case n.fake != nil:
			n.fake.AddMessage(1, hanako, e.says)
			n.printf("  %-40s says %q\n", "@"+hanako.MentionName, e.says)
		}
	}
	return n.handOver(ctx)
}

// handOver leaves word of what is still open. A real room's topic and people are left alone.
func (n *night) handOver(ctx context.Context) error {
	if n.fake == nil {
		return nil
	}
	topic := fmt.Sprintf("on call: %s, open: %d", hanako.Name, len(n.threads.open))
	if err := n.client.SetTopic(ctx, n.room, topic); err != nil {
		return err
	}
	n.printf("\nThe topic is now %q,\n", topic)
	message := hipchat.PrivateMessage{Message: hipchat.EscapeText("Still open: " + events()[4].alert.Title()), Notify: true}
	if err := n.client.SendPrivateMessage(ctx, "@"+hanako.MentionName, message); err != nil {
		return err
	}
	n.printf("and %s has a private message: %q.\n", hanako.Name, sentTo(n.fake, hanako))
	return nil
}

// sentTo is the last message that a person was sent.
func sentTo(s *hipchattest.Server, u hipchattest.User) string {
	all := s.PrivateMessages(u.ID)
	return all[len(all)-1].Text
}
