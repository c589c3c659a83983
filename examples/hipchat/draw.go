package main

import (
	"context"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel/hipchat"
)

// readBack gets what has come into the room since the messages before, newest first, and draws it.
func (n *night) readBack(ctx context.Context, before []hipchat.RoomMessage) error {
	n.printf("\nThe room, read back\n\n")
	var all []hipchat.RoomMessage
	for m, err := range n.client.RoomMessages(ctx, n.room, hipchat.RoomHistoryParams{}) {
		if err != nil {
			return err
		}
		if len(before) > 0 && m.ID == before[0].ID {
			break // pages that nobody needs are never got
		}
		all = append(all, m)
	}
	slices.Reverse(all)
	n.draw(all)
	return nil
}

// draw writes messages, oldest first, each with those that are attached to it.
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

// line is a message in one line: when, in which color or of which type, and its title.
func line(m hipchat.RoomMessage) string {
	kind := string(m.Color)
	if kind == "" {
		kind = m.Type
	}
	text := firstLine(m)
	if m.Type != "notification" {
		text = m.From.Name + ": " + text
	}
	return m.Date.Format("15:04") + " " + kind + strings.Repeat(" ", max(1, 8-len(kind))) + text
}

var tags = regexp.MustCompile(`<[^>]*>`)

// firstLine is how a message begins, without its markup.
func firstLine(m hipchat.RoomMessage) string {
	if m.MessageFormat != hipchat.FormatHTML {
		first, _, _ := strings.Cut(m.Message, "\n")
		return first
	}
	first, _, _ := strings.Cut(m.Message, "<br>")
	return html.UnescapeString(tags.ReplaceAllString(first, ""))
}

// cardLines are the text of a message's card and what it says besides.
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
