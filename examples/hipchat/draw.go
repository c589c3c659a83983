package main

import (
	"context"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel/hipchat"
)

// readBack gets the messages that have come into the room since the messages before, and draws them.
func (n *night) readBack(ctx context.Context, before []hipchat.RoomMessage) error {
	n.printf("\nThe room, read back\n\n")
	var all []hipchat.RoomMessage
	for m, err := range n.client.RoomMessages(ctx, n.room, hipchat.RoomHistoryParams{}) {
		if err != nil {
			return err
		}
		if len(before) > 0 && m.ID == before[0].ID {
			break // the older pages are not requested
		}
		all = append(all, m)
	}
	slices.Reverse(all)
	n.draw(all)
	return nil
}

// draw writes messages, oldest first, each with the messages that are attached to it.
func (n *night) draw(all []hipchat.RoomMessage) {
	attached := make(map[string][]hipchat.RoomMessage)
	present := make(map[string]bool)
	for _, m := range all {
		present[m.ID] = true
		attached[m.AttachTo] = append(attached[m.AttachTo], m)
	}
	for _, m := range all {
		if m.AttachTo != "" && present[m.AttachTo] {
			continue // drawn where it is attached
		}
		n.printf("  %s\n", line(m))
		for _, text := range cardLines(m) {
			n.printf("        │ %s\n", text)
		}
		for i, reply := range attached[m.ID] {
			branch := "├─"
			if i == len(attached[m.ID])-1 {
				branch = "└─"
			}
			n.printf("        %s %s\n", branch, line(reply))
		}
	}
}

// line is a message in one line: when, in which color or of which type, and what it says.
func line(m hipchat.RoomMessage) string {
	kind := string(m.Color)
	if kind == "" {
		kind = m.Type
	}
	return m.Date.Format("15:04") + " " + kind + strings.Repeat(" ", max(1, 8-len(kind))) + headline(m)
}

var tags = regexp.MustCompile(`<[^>]*>`)

// headline is the title of a message's card, which is shown in place of the message. Without a card it is the first
// line of what a person says, or the title and the first line of a notification.
func headline(m hipchat.RoomMessage) string {
	if card, err := m.DecodeCard(); err == nil && card != nil {
		return card.Title
	}
	separator, plain := "\n", func(s string) string { return s }
	if m.MessageFormat == hipchat.FormatHTML {
		separator = "<br>"
		plain = func(s string) string { return html.UnescapeString(tags.ReplaceAllString(s, "")) }
	}
	lines := strings.SplitN(m.Message, separator, 3)
	if m.Type != "notification" {
		return m.From.Name + ": " + plain(lines[0])
	}
	return plain(strings.Join(lines[:min(2, len(lines))], ": "))
}

// cardLines are the description and the attributes of a message's card.
func cardLines(m hipchat.RoomMessage) []string {
	card, err := m.DecodeCard()
	if err != nil || card == nil {
		return nil
	}
	var lines []string
	if card.Description.Value != "" {
		lines = strings.Split(card.Description.Value, "\n")
	}
	for _, a := range card.Attributes {
		lines = append(lines, a.Label+": "+a.Value.Label)
	}
	return lines
}
