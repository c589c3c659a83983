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
	at    time.Duration // since the evening
	alert mackerel.Alert
	says  string
}

// evening is when the night begins.
var evening = time.Date(2026, 3, 14, 21, 0, 0, 0, time.UTC)

// text is how the alerts are written.
var text = mackerel.Text{Location: time.UTC}

// events are two alerts that overlap. The name of the second monitor would mention everybody if it were not escaped.
func events() []event {
	warning, critical := 80.0, 90.0
	cpu := mackerel.Alert{
		ID: "5CPU", URL: "https://mackerel.io/orgs/acme/alerts/5CPU", OpenedAt: evening,
		Monitor: mackerel.Monitor{Name: "CPU %", Memo: "restart the batch"}, Host: &mackerel.Host{Name: "app01"},
		Metric: &mackerel.Metric{Label: "CPU %", Warning: &warning, Critical: &critical, Operator: ">"},
	}
	disk := mackerel.Alert{
		ID: "5Disk", URL: "https://mackerel.io/orgs/acme/alerts/5Disk", OpenedAt: evening.Add(5 * time.Minute),
		Monitor: mackerel.Monitor{Name: "disk </var> @all"}, Host: &mackerel.Host{Name: "db01"},
	}
	return []event{
		{alert: measured(cpu, mackerel.StatusCritical, 96.5)},
		{at: 2 * time.Minute, says: "looking into it"},
		{at: 5 * time.Minute, alert: checked(disk, mackerel.StatusWarning, "91 % of 40 GiB")},
		{at: 9 * time.Minute, alert: changed(measured(cpu, mackerel.StatusWarning, 84), 9*time.Minute)},
		{at: 18 * time.Minute, alert: changed(checked(disk, mackerel.StatusCritical, "97 % of 40 GiB"), 18*time.Minute)},
		{at: 19 * time.Minute, alert: changed(measured(cpu, mackerel.StatusOK, 12.25), 19*time.Minute)},
		{at: 25 * time.Minute, says: "the batch ran twice. Now for the disk"},
	}
}

// measured returns an alert of a metric with its value.
func measured(a mackerel.Alert, s mackerel.Status, value float64) mackerel.Alert {
	m := *a.Metric
	m.Value = &value
	a.Status, a.Metric = s, &m
	return a
}

// checked returns an alert of a check with its output.
func checked(a mackerel.Alert, s mackerel.Status, output string) mackerel.Alert {
	a.Status, a.Message = s, output
	return a
}

// changed returns an alert whose status changed so long after the evening began.
func changed(a mackerel.Alert, at time.Duration) mackerel.Alert {
	if a.ChangedAt = evening.Add(at); a.Status == mackerel.StatusOK {
		a.ClosedAt = a.ChangedAt
	}
	return a
}

// live sends the alerts. On a real server the alerts follow at once, and no person speaks.
func (n *night) live(ctx context.Context) error {
	n.printf("\nWhat is sent\n\n")
	var now time.Duration
	for _, e := range events() {
		if n.fake != nil {
			n.fake.Advance(e.at - now)
			now = e.at
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

// handOver says what is still open, in the topic and to the person on call. The topic and the people of a real room are
// left alone.
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
